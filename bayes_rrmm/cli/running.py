"""One run, shown: validated, fitted with a progress bar, written, and printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bayes_rrmm.cli.shared import FAILED_DIAGNOSTIC, REPORT, command_line


def run_and_show(
    analysis: str,
    data: str,
    out: Path,
    overwrite: bool,
    *,
    rows: bool,
    quiet: bool,
    as_json: bool,
    cores: int | None,
    report: bool = False,
    progress: bool = True,
) -> tuple[dict[str, Any], int]:
    """The run as data, and the exit code; with `report` its page is put into the folder too, without
    `progress` no bar is shown. Raises what `run` raises."""
    from bayes_rrmm.analysis import Stopwatch, plan_of, run
    from bayes_rrmm.cli.progress import sampling_progress
    from bayes_rrmm.cli.text import run_record, run_text
    from bayes_rrmm.overview import overview
    from bayes_rrmm.read import load_analysis, read_cohort
    from bayes_rrmm.run_folder import refuse_existing

    refuse_existing(out, overwrite)
    stopwatch = Stopwatch()
    with stopwatch.stage("load"):
        declared = load_analysis(analysis)
        cohort = read_cohort(data, declared)
        plan = plan_of(declared, cohort)
    silent = quiet or as_json
    if not silent:
        click.echo(overview(plan, cohort) + "\n")
    with sampling_progress(silent or not progress) as report_draws:
        done = run(
            declared,
            cohort,
            out,
            overwrite=overwrite,
            rows=rows,
            command=command_line(),
            cores=cores,
            progress=report_draws,
            stopwatch=stopwatch,
        )
    if report:
        from bayes_rrmm.reports import report as report_of

        with stopwatch.stage("report"):
            report_of(done.results).save(out / REPORT)
    if not silent:
        click.echo(run_text(done))
    elif not as_json:
        click.echo(f"{out}: {done.diagnosis}")
    return run_record(done), 0 if done.diagnosis.passed else FAILED_DIAGNOSTIC
