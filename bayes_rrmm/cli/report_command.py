"""`bayes-rrmm report`: a run folder as one HTML file, with every figure and table as files that a journal takes."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from bayes_rrmm.cli.shared import FAILED_DIAGNOSTIC, REPORT, load_saved, note_command, print_json, shared


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("data", required=False)
@click.option(
    "--dossier", "dossiers", multiple=True, type=click.Path(path_type=Path),
    help="Folder of a small group's dossier, beside those in DIR/dossiers; repeatable.",
)  # fmt: skip
@click.option(
    "--format", "formats", multiple=True, type=click.Choice(["pdf", "svg", "png"]), default=("pdf", "png"), show_default=True,
    help="Of figures; repeatable.",
)  # fmt: skip
@click.option(
    "--column", type=click.Choice(["single", "double"]), default="double", show_default=True, help="Width of figures: 84 or 174 mm."
)
@click.option("--dpi", type=click.Choice(["300", "600"]), default="300", show_default=True, help="Dots an inch of PNG figures.")
@click.option("--html-only", is_flag=True, help="The report alone: no files of figures and tables.")
@shared
def report(
    folder: Path,
    data: str | None,
    dossiers: tuple[Path, ...],
    formats: tuple[str, ...],
    column: Any,
    dpi: str,
    html_only: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """The run DIR as one HTML file, DIR/report.html, that opens offline; figures/ and tables/ as files for a journal.

    The report has the answer with its strength, failed checks above everything, figures, tables, agreement with Cox, the dossiers
    of small groups that `sensitivity` left in DIR/dossiers, methods with citations, and a checklist. DATA only where the run was
    written with --no-rows.
    """
    from bayes_rrmm.cli.progress import stages
    from bayes_rrmm.reports import read_dossiers, write_figures, write_tables
    from bayes_rrmm.reports import report as report_of
    from bayes_rrmm.results import Results

    fitted = load_saved(folder, data)
    results = Results(fitted, fitted.cohort, folder)
    found = read_dossiers(results, dossiers)
    note_command(folder, fitted)
    written, refused = [folder / REPORT], list[str]()
    with stages(quiet or as_json) as stage:
        stage("report")
        report_of(results, dossiers=found).save(folder / REPORT)
        if not html_only:
            stage("figures")
            made, refused = write_figures(results, found, folder / "figures", formats=formats, column=column, dpi=int(dpi))
            stage("tables")
            word = ("docx",) if find_spec("docx") else ()
            written += [*made, *write_tables(results, folder / "tables", ("csv", "tex", "html", *word))]
            if not word:
                refused.append('tables in Word: python-docx is not installed; pip install "bayes-rrmm[word]"')
    if as_json:
        print_json({"folder": str(folder), "written": [str(path) for path in written], "not_drawn": refused, "mark": results.mark})
    else:
        for reason in refused:
            click.echo(f"not drawn: {reason}", err=True)
        if not quiet:
            files = "" if html_only else f", {len(written) - 1} files in {folder}/figures and {folder}/tables"
            click.echo(f"{folder / REPORT}{files}")
        if results.mark:
            click.echo(f"{results.mark}: the report and every figure and table carry the mark.")
    return FAILED_DIAGNOSTIC if results.mark else 0
