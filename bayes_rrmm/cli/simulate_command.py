"""`bayes-rrmm simulate`: are truths drawn from an analysis's priors found again?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bayes_rrmm.cli.progress import counted
from bayes_rrmm.cli.shared import ERROR, FAILED_DIAGNOSTIC, command_line, print_json, shared

if TYPE_CHECKING:
    import pandas as pd

    from bayes_rrmm.simulation.files import StudyFiles
    from bayes_rrmm.simulation.recovery import Sampler, Study


@click.command()
@click.argument("analysis")
@click.argument("data", required=False, default="rrmm1-synthetic")
@click.option("--patients", type=click.IntRange(min=2), help="Patients, drawn from DATA's rows (default: its rows as they are).")
@click.option(
    "--replicates", type=click.IntRange(min=1), default=100, show_default=True, help="Truths, each with its cohort and fit."
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of truths, outcomes and draws (default: the analysis's).")
@click.option("--cores", type=click.IntRange(min=1), default=None, help="Chains sampled at once (default: one a core).")
@click.option("--out", type=click.Path(path_type=Path), help="FILE.csv to write coverages to; an interrupted study goes on there.")
@shared
def simulate(
    analysis: str,
    data: str,
    patients: int | None,
    replicates: int,
    seed: int | None,
    cores: int | None,
    out: Path | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Draw truths from the priors of ANALYSIS, simulate DATA's patients from each, fit, and count which intervals hold them.

    DATA gives covariates, entries and follow-up; its outcomes only decide how long each patient could be followed. Exit
    code 2 says that a coverage lies outside its simultaneous 99 % band.
    """
    from bayes_rrmm.analysis import Stopwatch, plan_of, provenance_of
    from bayes_rrmm.cli.text import records
    from bayes_rrmm.read import load_analysis, read_cohort
    from bayes_rrmm.simulation.coverage import coverage_table, sampling_record, study_text
    from bayes_rrmm.simulation.files import StudyFiles
    from bayes_rrmm.simulation.fingerprint import fingerprint
    from bayes_rrmm.simulation.recovery import plan_study

    stopwatch = Stopwatch()
    with stopwatch.stage("load"):
        declared = load_analysis(analysis)
        cohort = read_cohort(data, declared)
        study = plan_study(plan_of(declared, cohort), cohort, patients=patients, seed=seed)
    files = None if out is None else StudyFiles(out)
    provenance = {
        **provenance_of(study.plan, study.cohort, stopwatch),
        "command": command_line(),
        "seed": study.seed,
        "fingerprint": fingerprint(study.plan, study.cohort, study.seed),
    }
    kept = None if files is None else files.begin(study, provenance)
    try:
        found = _run(study, replicates, kept, files, stopwatch, cores=cores, silent=quiet or as_json)
    except KeyboardInterrupt:
        where = "nothing was written" if files is None else f"{files.replicates} holds what was done; the same command goes on"
        click.echo(f"interrupted: {where}.", err=True)
        return ERROR
    prob = declared.sampling.interval.prob
    table, sampling = coverage_table(found, prob), sampling_record(found)
    if files is not None:
        files.finish(table, {**provenance, "replicates": sampling}, study)
    if as_json:
        print_json({"coverage": records(table), "sampling": sampling, "seconds": stopwatch.seconds})
    elif not quiet or not table["within"].all():
        written = "" if files is None else f"\nWritten: {files.table}, {files.provenance.name}, {files.replicates.name}"
        click.echo(f"{study_text(table, sampling, prob)}\nWall time: {stopwatch}{written}")
    return 0 if table["within"].all() else FAILED_DIAGNOSTIC


def _run(
    study: Study,
    replicates: int,
    kept: pd.DataFrame | None,
    files: StudyFiles | None,
    stopwatch: Any,
    *,
    cores: int | None,
    silent: bool,
) -> pd.DataFrame:
    """The replicates 1, 2, ... up to the number asked for: those kept from before, and the missing ones."""
    import pandas as pd

    from bayes_rrmm.simulation.recovery import run_study

    before = [] if kept is None or kept.empty else [kept[kept["replicate"] <= replicates]]
    done = {int(number) for rows in before for number in rows["replicate"]}
    missing = [number for number in range(1, replicates + 1) if number not in done]
    with study_progress(silent) as progress:
        sampler = _compiled(study, stopwatch) if missing else None
        with stopwatch.stage("replicates"):
            if sampler is not None:
                keep = None if files is None else files.append
                before.append(run_study(study, sampler, missing, cores=cores, progress=progress, keep=keep))
    return pd.concat(before, ignore_index=True)


def _compiled(study: Study, stopwatch: Any) -> Sampler:
    with stopwatch.stage("compile"):
        from bayes_rrmm.inference import compile_model

        return compile_model(study.plan, study.cohort)


@contextmanager
def study_progress(silent: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar of replicates with the time that is left; None where nothing should be shown."""
    with counted(silent) as progress:
        yield None if progress is None else lambda done, total: progress(done, total, "replicates")
