"""The commands on one analysis: validate, fit, check, crosscheck. Each reads, calls, shows; heavy imports live in the bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bayes_rrmm.cli.running import run_and_show
from bayes_rrmm.cli.shared import FAILED_DIAGNOSTIC, load_saved, note_command, print_json, shared


@click.command()
@click.argument("analysis")
@click.argument("data")
@shared
def validate(analysis: str, data: str, quiet: bool, as_json: bool) -> None:
    """Check ANALYSIS against DATA and sample nothing: rows, events, what is left out, encoding, priors in words."""
    from bayes_rrmm.analysis import plan_of
    from bayes_rrmm.overview import overview, overview_record
    from bayes_rrmm.read import load_analysis, read_cohort

    declared = load_analysis(analysis)
    cohort = read_cohort(data, declared)
    plan = plan_of(declared, cohort)
    if as_json:
        print_json(overview_record(plan, cohort))
    elif not quiet:
        click.echo(overview(plan, cohort))


@click.command()
@click.argument("analysis")
@click.argument("data")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The run folder to write.")
@click.option("--overwrite", is_flag=True, help="Replace an existing run folder.")
@click.option("--no-rows", is_flag=True, help="Leave the analysed rows out of the run folder; later commands then take DATA.")
@click.option("--cores", type=click.IntRange(min=1), default=None, help="Chains sampled at once (default: one a core).")
@shared
def fit(
    analysis: str, data: str, out: Path, overwrite: bool, no_rows: bool, cores: int | None, quiet: bool, as_json: bool
) -> int:
    """Fit ANALYSIS to DATA and write the run folder: draws, tables, checks, cross-check, figure, provenance."""
    record, code = run_and_show(analysis, data, out, overwrite, rows=not no_rows, quiet=quiet, as_json=as_json, cores=cores)
    if as_json:
        print_json(record)
    return code


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("data", required=False)
@shared
def check(folder: Path, data: str | None, quiet: bool, as_json: bool) -> int:
    """The diagnostics gate again, on a run folder; DATA only where it was written with --no-rows."""
    from bayes_rrmm.model_checks import diagnose
    from bayes_rrmm.run_folder import write_table

    fitted = load_saved(folder, data)
    diagnosis = diagnose(fitted)
    write_table(folder / "checks.csv", diagnosis.to_dataframe())
    fitted.provenance["gate"] = diagnosis.record()
    note_command(folder, fitted)
    if as_json:
        from dataclasses import asdict

        print_json({"folder": str(folder), "passed": diagnosis.passed, "failed": [asdict(item) for item in diagnosis.failed]})
    elif not quiet or not diagnosis.passed:
        click.echo(str(diagnosis))
    return 0 if diagnosis.passed else FAILED_DIAGNOSTIC


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("data", required=False)
@click.option("--ties", type=click.Choice(["efron", "breslow"]), default="efron", help="Cox's (R: efron, SAS: breslow).")
@click.option("--interval", type=click.Choice(["log-log", "log"]), default="log-log", help="Kaplan-Meier's (R: log, SAS: log-log).")
@shared
def crosscheck(folder: Path, data: str | None, ties: Any, interval: Any, quiet: bool, as_json: bool) -> int:
    """Bayesian beside Kaplan-Meier, Cox, Firth and maximum likelihood on the rows of a run folder; DATA only where it has none."""
    from bayes_rrmm.agreement import compare_with_frequentist
    from bayes_rrmm.cli.text import records
    from bayes_rrmm.run_folder import write_table

    fitted = load_saved(folder, data)
    agreement = compare_with_frequentist(fitted, ties=ties, interval=interval)
    write_table(folder / "crosscheck.csv", agreement.table)
    note_command(folder, fitted)
    if as_json:
        print_json({"folder": str(folder), "crosscheck": records(agreement.table), "conventions": list(agreement.conventions)})
    elif not quiet:
        click.echo(str(agreement))
    return FAILED_DIAGNOSTIC if fitted.mark else 0
