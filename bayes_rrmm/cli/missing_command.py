"""`bayes-rrmm missing`: one analysis under every reading of the gaps in its covariates."""

from __future__ import annotations

from pathlib import Path

import click

from bayes_rrmm.cli.shared import FAILED_DIAGNOSTIC, print_json, shared


@click.command()
@click.argument("analysis")
@click.argument("data")
@click.option("--out", type=click.Path(path_type=Path), help="FILE.csv to write the table to.")
@shared
def missing(analysis: str, data: str, out: Path | None, quiet: bool, as_json: bool) -> int:
    """Fit ANALYSIS to DATA under every reading of the gaps: complete cases, a level of their own, marginalised; and Cox."""
    from bayes_rrmm.cli.progress import stages
    from bayes_rrmm.cli.text import records
    from bayes_rrmm.errors import DataError
    from bayes_rrmm.read import load_analysis, table_of
    from bayes_rrmm.run_folder import write_table
    from bayes_rrmm.sensitivity import compare_missing

    if out is not None and not out.parent.is_dir():
        raise DataError(f"{out}: there is no folder {out.parent}; make it, or name another file.")
    declared = load_analysis(analysis)
    table = table_of(data)
    with stages(quiet or as_json) as stage:
        found = compare_missing(declared, table, origin=data, stage=stage)
    if out is not None:
        write_table(out, found.table)
    if as_json:
        print_json({"title": found.title, "gaps": found.gaps, "hazard_ratios": records(found.table), "notes": list(found.notes)})
    elif not quiet:
        click.echo(str(found))
    return 0 if found.table["passed"].all() else FAILED_DIAGNOSTIC
