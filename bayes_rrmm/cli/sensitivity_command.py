"""`bayes-rrmm sensitivity`: the dossier of a small group, from a saved run."""

from __future__ import annotations

from pathlib import Path

import click

from bayes_rrmm.cli.shared import FAILED_DIAGNOSTIC, load_saved, print_json, shared


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("data", required=False)
@click.option("--group", required=True, help="The level whose hazard ratio is asked about, such as salvage-asct.")
@click.option("--of", help="The variable it is a level of, where several have it.")
@click.option("--versus", help="The level it is compared with (default: the reference).")
@click.option("--alternative", type=float, default=0.5, show_default=True, help="Hazard ratio of the enthusiastic prior.")
@click.option("--threshold", type=float, default=0.975, show_default=True, help="Probability that would settle the question.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the tables; an interrupted command resumes from it.")
@shared
def sensitivity(
    folder: Path,
    data: str | None,
    group: str,
    of: str | None,
    versus: str | None,
    alternative: float,
    threshold: float,
    out: Path | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """What the patients of one GROUP in the run DIR can say: prior grid, tipping point, each patient left out and flipped."""
    from bayes_rrmm.cli.progress import refitting
    from bayes_rrmm.cli.text import records
    from bayes_rrmm.run_folder import write_table
    from bayes_rrmm.sensitivity import small_group
    from bayes_rrmm.sensitivity.group_dossier import SECTIONS

    fitted = load_saved(folder, data)
    with refitting(quiet or as_json) as progress:
        found = small_group(
            fitted, fitted.cohort, group, of=of, versus=versus, alternative=alternative, threshold=threshold,
            folder=None if out is None else out / "refits", progress=progress,
        )  # fmt: skip
    if out is not None:
        for name in SECTIONS:
            write_table(out / f"{name}.csv", found.to_dataframe(name))
        (out / "dossier.txt").write_text(f"{found}\n", encoding="utf-8")
    if as_json:
        tables = {name: records(found.to_dataframe(name)) for name in SECTIONS}
        print_json({"title": found.title, "conclusion": found.conclusion, "notes": list(found.notes), **tables})
    elif not quiet:
        click.echo(str(found))
    return 0 if found.passed else FAILED_DIAGNOSTIC
