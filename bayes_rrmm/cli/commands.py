"""What each command does: read, call, show. Heavy imports live in the bodies."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bayes_rrmm.fitted import Fit

FAILED_DIAGNOSTIC = 2
DEMO = ("myeloma_gep_weibull", "myeloma_gep_piecewise", "myeloma_mayo_weibull", "myeloma_mayo_piecewise")
DEMO_DATA = {"myeloma_gep": "myeloma-gep", "myeloma_mayo": "myeloma-mayo"}


def shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options every command takes."""
    command = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")(command)
    return click.option("--quiet", "-q", is_flag=True, help="Print only results that matter and errors.")(command)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/demo"), show_default=True, help="Where run folders go.")
@click.option("--full", is_flag=True, help="Every shipped analysis of the embedded data.")
@shared
def demo(out: Path, full: bool, quiet: bool, as_json: bool) -> int:
    """Fit the shipped analyses to the embedded real data: tables here, run folders with a figure each in OUT."""
    from bayes_rrmm.catalogue import model_names

    names = model_names() if full else DEMO
    records, code = [], 0
    for name in names:
        data = DEMO_DATA["_".join(name.split("_")[:2])]
        record, ended = _run(name, data, out / name, overwrite=True, rows=True, quiet=quiet, as_json=as_json, cores=None)
        records.append(record)
        code = max(code, ended)
    if as_json:
        _print_json({"runs": records})
    else:
        click.echo(f"Run folders, each with figures/survival.png: {out}/")
    return code


@click.group(invoke_without_command=True)
@shared
@click.pass_context
def models(context: click.Context, quiet: bool, as_json: bool) -> None:
    """List the shipped analyses; `show NAME` prints one, `copy NAME FILE` makes a copy to edit."""
    if context.invoked_subcommand is not None:
        return
    from bayes_rrmm.catalogue import model_names
    from bayes_rrmm.read import load_analysis

    titles = {name: load_analysis(name).title for name in model_names()}
    if as_json:
        _print_json({"models": titles})
        return
    for name, title in titles.items():
        click.echo(name if quiet else f"{name:<28} {title}")


@models.command("show")
@click.argument("name")
@shared
def models_show(name: str, quiet: bool, as_json: bool) -> None:  # noqa: ARG001  # a text is a text, quiet or not
    """Print a shipped analysis."""
    from bayes_rrmm.catalogue import model_text

    text = model_text(name)
    if as_json:
        _print_json({"name": name, "text": text})
    else:
        click.echo(text, nl=False)


@models.command("copy")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@shared
def models_copy(name: str, file: Path, quiet: bool, as_json: bool) -> None:
    """Copy a shipped analysis to FILE, to be edited; an existing file is left alone."""
    from bayes_rrmm.catalogue import model_text
    from bayes_rrmm.errors import AnalysisError

    text = model_text(name)
    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError:
        raise AnalysisError(f"{file}: already exists and is left alone; name another file.") from None
    except OSError as error:
        raise AnalysisError(f"{file}: cannot be written ({error.strerror}); name another file.") from None
    if as_json:
        _print_json({"name": name, "file": str(file)})
    elif not quiet:
        click.echo(f"{file}: edit it, then `bayes-rrmm validate {file} DATA`")


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
        _print_json(overview_record(plan, cohort))
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
    record, code = _run(analysis, data, out, overwrite, rows=not no_rows, quiet=quiet, as_json=as_json, cores=cores)
    if as_json:
        _print_json(record)
    return code


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("data", required=False)
@shared
def check(folder: Path, data: str | None, quiet: bool, as_json: bool) -> int:
    """The diagnostics gate again, on a run folder; DATA only where it was written with --no-rows."""
    from bayes_rrmm.model_checks import diagnose
    from bayes_rrmm.run_folder import write_table

    fitted = _load(folder, data)
    diagnosis = diagnose(fitted)
    write_table(folder / "checks.csv", diagnosis.to_dataframe())
    fitted.provenance["gate"] = diagnosis.record()
    _note_command(folder, fitted)
    if as_json:
        from dataclasses import asdict

        _print_json({"folder": str(folder), "passed": diagnosis.passed, "failed": [asdict(item) for item in diagnosis.failed]})
    elif not quiet or not diagnosis.passed:
        click.echo(str(diagnosis))
    return 0 if diagnosis.passed else FAILED_DIAGNOSTIC


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("data", required=False)
@shared
def crosscheck(folder: Path, data: str | None, quiet: bool, as_json: bool) -> int:
    """Bayesian beside Kaplan-Meier, log-rank and Cox on the rows of a run folder; DATA only where it has none."""
    from bayes_rrmm.agreement import compare_with_frequentist
    from bayes_rrmm.cli.text import records
    from bayes_rrmm.run_folder import write_table

    fitted = _load(folder, data)
    agreement = compare_with_frequentist(fitted)
    write_table(folder / "crosscheck.csv", agreement.table)
    _note_command(folder, fitted)
    if as_json:
        _print_json({"folder": str(folder), "crosscheck": records(agreement.table), "conventions": list(agreement.conventions)})
    elif not quiet:
        click.echo(str(agreement))
    return FAILED_DIAGNOSTIC if fitted.mark else 0


def _run(
    analysis: str, data: str, out: Path, overwrite: bool, *, rows: bool, quiet: bool, as_json: bool, cores: int | None
) -> tuple[dict[str, Any], int]:
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
    with sampling_progress(silent) as progress:
        done = run(
            declared,
            cohort,
            out,
            overwrite=overwrite,
            rows=rows,
            command=_command(),
            cores=cores,
            progress=progress,
            stopwatch=stopwatch,
        )
    if not silent:
        click.echo(run_text(done))
    elif not as_json:
        click.echo(f"{out}: {done.diagnosis}")
    return run_record(done), 0 if done.diagnosis.passed else FAILED_DIAGNOSTIC


def _load(folder: Path, data: str | None) -> Fit:
    from bayes_rrmm.analysis import load_fit
    from bayes_rrmm.catalogue import data_names, load_data
    from bayes_rrmm.read import read_table

    if data is None:
        return load_fit(folder)
    return load_fit(folder, load_data(data) if data in data_names() else read_table(data))


def _note_command(folder: Path, fitted: Fit) -> None:
    """Later commands are part of a result's provenance."""
    from bayes_rrmm.run_folder import PROVENANCE, write_json

    entry = {"command": _command(), "date": datetime.now(UTC).isoformat(timespec="seconds")}
    fitted.provenance.setdefault("later_commands", []).append(entry)
    write_json(folder / PROVENANCE, fitted.provenance)


def _command() -> str:
    """The command as typed, without the path of the program."""
    return shlex.join(["bayes-rrmm", *sys.argv[1:]])


def _print_json(content: dict[str, Any]) -> None:
    from bayes_rrmm.cli.text import to_json

    click.echo(to_json(content))
