"""`bayes-rrmm sensitivity`: from a saved run the dossier of a small group, or what moves each reported number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bayes_rrmm.cli.shared import FAILED_DIAGNOSTIC, load_saved, note_command, print_json, shared

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from bayes_rrmm.fitted import Fit
    from bayes_rrmm.sensitivity.power_scaling_record import PowerScaling
    from bayes_rrmm.sensitivity.shrinkage_record import Shrinkage

OF_A_GROUP = (
    "alternative", "threshold", "own", "treated_at", "landmarks", "no_landmarks", "baselines", "no_baselines", "no_pooling",
)  # fmt: skip
"""Parameters that say something of one group's dossier, and nothing without --group."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("data", required=False)
@click.option("--group", help="The level whose hazard ratio is asked about, such as salvage-asct.")
@click.option("--of", help="The variable it is a level of; without --group, the term whose shrinkage is shown.")
@click.option("--versus", help="The level it is compared with (default: the reference).")
@click.option("--alternative", type=float, default=0.5, show_default=True, help="Hazard ratio of the enthusiastic prior.")
@click.option("--threshold", type=float, default=0.975, show_default=True, help="Probability that would settle the question.")
@click.option(
    "--prior", "own", type=(float, float), multiple=True, metavar="HR UPPER95",
    help="A prior of your own: centre, 97.5 % point; repeatable.",
)  # fmt: skip
@click.option(
    "--treated-at", metavar="COLUMN", help="Column of DATA with the time from origin to the treatment that defines the group."
)
@click.option("--landmark", "landmarks", type=float, multiple=True, help="Time of a landmark analysis; repeatable (default: two).")
@click.option("--no-landmarks", is_flag=True, help="No landmark analysis.")
@click.option("--baseline", "baselines", multiple=True, help="Another baseline, such as equal-events:8; repeatable.")
@click.option("--no-baselines", is_flag=True, help="No other baselines: they take 10 s or more each to compile.")
@click.option("--no-pooling", is_flag=True, help="The variable's levels not pooled beside: that takes 10 s or more to compile.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the tables (default: in DIR/dossiers); resumes from it.")
@shared
def sensitivity(
    folder: Path,
    data: str | None,
    group: str | None,
    of: str | None,
    versus: str | None,
    alternative: float,
    threshold: float,
    own: tuple[tuple[float, float], ...],
    treated_at: str | None,
    landmarks: tuple[float, ...],
    no_landmarks: bool,
    baselines: tuple[str, ...],
    no_baselines: bool,
    no_pooling: bool,
    out: Path | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """What the patients of one GROUP in the run DIR can say: prior grid, tipping point, each patient left out and flipped,
    pooling, other baselines, delayed entry, landmarks. Without --group: how far each reported number feels the prior.

    They are written to DIR/dossiers, where `report` finds them, or to --out; an interrupted command takes up from there.
    Tables, there and in --json, tell patients by row number, without their times and statuses; in Python
    `save(folder, patients=True)` keeps these."""
    from bayes_rrmm.cli.progress import counted
    from bayes_rrmm.sensitivity import small_group

    _refuse_contradictions(click.get_current_context(), group, of)
    treated = None if treated_at is None else _column(treated_at, data)
    fitted = load_saved(folder, data)
    if group is None:
        code = _without_group(folder, fitted, of, versus, out, quiet, as_json)
        _note(folder, fitted)
        return code
    place = _place(folder, out, fitted, group, of, versus)
    priors = {f"yours {hr:g}-{upper:g}": {"hazard_ratio": hr, "upper95": upper} for hr, upper in own}
    refits = place / "refits"
    try:
        with counted(quiet or as_json) as progress:
            found = small_group(
                fitted, fitted.cohort, group, of=of, versus=versus, alternative=alternative, threshold=threshold, priors=priors,
                baselines=() if no_baselines else baselines or None, treated_at=treated, pooling=not no_pooling,
                landmarks=() if no_landmarks else landmarks or None, folder=refits, progress=progress,
            )  # fmt: skip
    except KeyboardInterrupt:
        raise click.Abort(_kept(refits)) from None
    found.save(place)
    if as_json:
        from bayes_rrmm.cli.text import records
        from bayes_rrmm.sensitivity.dossier_folder import SECTIONS

        print_json({**found.record(), **{name: records(found.without_patients(name)) for name in SECTIONS}})
    elif not quiet:
        click.echo(f"{found}\n\nThe tables, this text and the refits are in {place}.")
    _note(folder, fitted)
    return 0 if found.passed else FAILED_DIAGNOSTIC


def _refuse_contradictions(context: click.Context, group: str | None, of: str | None) -> None:
    """Raise UsageError where options say nothing without another that is not there, or contradict each other."""
    given = {
        parameter.name: parameter.opts[0]
        for parameter in context.command.params
        if parameter.name is not None and context.get_parameter_source(parameter.name) == click.core.ParameterSource.COMMANDLINE
    }
    if group is None:
        idle = [given[name] for name in OF_A_GROUP if name in given]
        if idle:
            raise click.UsageError(f"without --group these say nothing: {', '.join(idle)}. Name the --group, or leave them out.")
        if of is None and "versus" in given:
            raise click.UsageError("without --group or --of this says nothing: --versus. Name one of them, or leave it out.")
    for without, chosen in (("no_baselines", "baselines"), ("no_landmarks", "landmarks")):
        if without in given and chosen in given:
            raise click.UsageError(f"{given[without]} and {given[chosen]} contradict each other: leave one out.")


def _place(folder: Path, out: Path | None, fitted: Fit, group: str, of: str | None, versus: str | None) -> Path:
    """Where the dossier goes. Another group's is refused before anything is sampled, and before refits are put among its own."""
    from bayes_rrmm.sensitivity.dossier_folder import place_for, refuse_other
    from bayes_rrmm.sensitivity.group_question import ask

    question = ask(fitted, fitted.require_cohort("the dossier of a group"), group, of, versus)
    place = place_for(folder, question) if out is None else out
    refuse_other(place, (question.group, question.versus, question.of))
    return place


def _note(folder: Path, fitted: Fit) -> None:
    """Note the command in the run's provenance, as that is now: another command may have written there meanwhile."""
    import json

    from bayes_rrmm.run_folder import PROVENANCE

    fitted.provenance.update(json.loads((folder / PROVENANCE).read_text(encoding="utf-8")))
    note_command(folder, fitted)


def _without_group(
    folder: Path, fitted: Fit, of: str | None, versus: str | None, out: Path | None, quiet: bool, as_json: bool
) -> int:
    """Power-scaling of every reported number, and with `of` the shrinkage of that term."""
    from bayes_rrmm.cli.progress import counted
    from bayes_rrmm.cli.text import records
    from bayes_rrmm.sensitivity.dossier_folder import DOSSIERS
    from bayes_rrmm.sensitivity.power_scaling import power_scaling
    from bayes_rrmm.sensitivity.shrinkage import shrinkage

    found: dict[str, PowerScaling | Shrinkage] = {"power_scaling": power_scaling(fitted, fitted.cohort)}
    failed = bool(fitted.mark)
    if of is not None:
        with counted(quiet or as_json) as progress:
            found["shrinkage"] = beside = shrinkage(fitted, fitted.cohort, of, versus=versus, progress=progress)
        failed = failed or not beside.passed
    written = _write(folder / DOSSIERS if out is None else out, found, "" if out else of or "")
    if as_json:
        tables = {name: records(record.to_dataframe()) for name, record in found.items()}
        print_json({**tables, "conclusion": {name: record.conclusion for name, record in found.items()}})
    elif not quiet:
        texts = "\n\n".join(str(record) for record in found.values())
        click.echo(f"{texts}\n\nWritten: {', '.join(map(str, written))}")
    return FAILED_DIAGNOSTIC if failed else 0


def _write(folder: Path, found: Mapping[str, PowerScaling | Shrinkage], term: str) -> list[Path]:
    """The tables as files; shrinkage is named by its term, where there is one, for a run has several."""
    from bayes_rrmm.run_folder import folder_safe, write_table

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, record in found.items():
        named = f"{name}_{folder_safe(term)}" if term and name == "shrinkage" else name
        written.append(folder / f"{named}.csv")
        write_table(written[-1], record.to_dataframe())
    return written


def _column(name: str, data: str | None) -> pd.Series[str]:
    """A column of DATA, row by row as read: a run folder holds the analysed columns only."""
    from bayes_rrmm.cohort.columns import column
    from bayes_rrmm.errors import DataError
    from bayes_rrmm.read import table_of

    if data is None:
        raise DataError(f"--treated-at {name}: a run folder holds the analysed columns only; give DATA after the folder.")
    return column(table_of(data), name, "time of treatment")


def _kept(refits: Path) -> str:
    """What an interrupted command leaves."""
    kept = len(list(refits.glob("*.json"))) if refits.is_dir() else 0
    if not kept:
        return ""
    return f"interrupted: {kept} refits are kept in {refits}, no table was written; the same command takes up where it stopped."
