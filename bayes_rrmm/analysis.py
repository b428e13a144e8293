"""The whole flow: a written analysis and a table of patients in; a fit, and a run folder of everything read from it, out."""

from __future__ import annotations

import logging
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_rrmm.cohort import Cohort
from bayes_rrmm.fitted import Fit
from bayes_rrmm.overview import cohort_record, overview
from bayes_rrmm.plan import Plan, make_plan
from bayes_rrmm.run_folder import new_run_folder, read_fit, refuse_existing, write_fit, write_table
from bayes_rrmm.specification import Analysis

if TYPE_CHECKING:
    import pandas as pd

    from bayes_rrmm.agreement import Agreement
    from bayes_rrmm.diagnostics import LeaveOneOut
    from bayes_rrmm.inference import CompiledModel
    from bayes_rrmm.model_checks import Diagnosis
    from bayes_rrmm.results import Results

logger = logging.getLogger("bayes_rrmm")

VERSIONS = (
    "bayes-rrmm", "pymc", "pytensor", "nutpie", "numba", "arviz", "arviz-base", "arviz-stats", "numpy", "scipy", "pandas", "xarray",
    "lifelines", "formulaic",
)  # fmt: skip
"""Packages whose versions go into provenance."""

Progress = Callable[[int, int, int], None]


@dataclass
class Stopwatch:
    """Wall seconds of each stage, in the order they were run."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block, and log it."""
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
        logger.info("%s: %.2f s", name, self.seconds[name])

    def __str__(self) -> str:
        total = sum(self.seconds.values())
        return ", ".join([*(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items()), f"in all {total:.1f} s"])


@dataclass(frozen=True)
class Run:
    """A fit with everything that was read from it, and where it was written; the stopwatch has wall seconds by stage."""

    results: Results
    folder: Path
    stopwatch: Stopwatch

    @property
    def fit(self) -> Fit:
        """The fit itself."""
        return self.results.fit

    @property
    def estimates(self) -> pd.DataFrame:
        """estimates.csv."""
        return self.results.estimates

    @property
    def agreement(self) -> Agreement:
        """The agreement table with its conventions."""
        return self.results.agreement

    @property
    def diagnosis(self) -> Diagnosis:
        """The diagnostics gate."""
        return self.results.diagnosis

    @property
    def loo(self) -> LeaveOneOut:
        """Leave-one-out by unit."""
        return self.results.left_out

    @property
    def notes(self) -> tuple[str, ...]:
        """What the estimates have to say beside their numbers."""
        return self.results.notes


def validate(analysis: Analysis, cohort: Cohort) -> str:
    """What would be fitted: rows, events, person-time, what was left out and why, encoding, priors in clinical words.

    Samples nothing. Raises DataError or AnalysisError as `fit` would.
    """
    return overview(plan_of(analysis, cohort), cohort)


def plan_of(analysis: Analysis, cohort: Cohort) -> Plan:
    """The plan of a fit, with everything checked that can be checked before sampling: data, design, priors, estimands."""
    from bayes_rrmm.reading import check_estimands

    plan = make_plan(analysis, cohort)
    check_estimands(plan, cohort)
    return plan


def fit(
    analysis: Analysis, cohort: Cohort, *, seed: int | None = None, cores: int | None = None, progress: Progress | None = None
) -> Fit:
    """Sample the posterior of `analysis` on `cohort`. The only slow line: it compiles the model, then samples it.

    A model of the same structure (baseline, number of columns, intervals, kinds of prior) is compiled once a machine, in 10 to
    40 s; another process then reads it in 1 to 3 s, and in the same process fits with other rows or other priors are
    sampled at once (`bayes_rrmm.inference.COMPILED`).

    Everything is validated before anything is sampled. `seed` overrides the analysis's; the same seed, data, versions and kind of
    processor give the same draws to the last bit, whatever was compiled before and on however many cores. Raises DataError,
    AnalysisError, or FitError where sampling was interrupted.
    """
    if seed is not None:
        analysis = analysis.model_copy(update={"sampling": analysis.sampling.model_copy(update={"seed": seed})})
    return _fit(plan_of(analysis, cohort), cohort, Stopwatch(), cores, progress)


def _fit(plan: Plan, cohort: Cohort, stopwatch: Stopwatch, cores: int | None, progress: Progress | None) -> Fit:
    if logger.isEnabledFor(logging.INFO):
        logger.info("%s", overview(plan, cohort))
    compiled = _compile(plan, cohort, stopwatch)
    with stopwatch.stage("sample"):
        fitted = compiled.sample(plan, cohort, cores=cores, progress=progress)
    fitted.provenance.update(provenance_of(plan, cohort, stopwatch))
    fitted.provenance["gate"] = _gate(fitted)
    return fitted


def _gate(fitted: Fit) -> dict[str, Any]:
    """The verdict on parameters and sampler, which every table and figure of the fit carries when it is bad."""
    from bayes_rrmm.model_checks import diagnose

    return diagnose(fitted, read=[]).record()


def compile_analysis(analysis: Analysis, cohort: Cohort) -> CompiledModel:
    """Compile once what will be sampled often: `compiled.sample(plan, cohort)` takes other rows and other priors."""
    return _compile(plan_of(analysis, cohort), cohort, Stopwatch())


def _compile(plan: Plan, cohort: Cohort, stopwatch: Stopwatch) -> CompiledModel:
    with stopwatch.stage("load"):
        from bayes_rrmm.inference import compile_model, load_sampler

        load_sampler()
    with stopwatch.stage("compile"):
        return compile_model(plan, cohort)


def run(
    analysis: Analysis,
    cohort: Cohort,
    out: str | Path,
    *,
    overwrite: bool = False,
    rows: bool = True,
    command: str = "",
    cores: int | None = None,
    progress: Progress | None = None,
    stopwatch: Stopwatch | None = None,
) -> Run:
    """Fit, read every estimand, check, cross-check, and write the run folder `out` whole or not at all.

    Raises what `fit` raises, and RunFolderError where `out` is in the way.
    """
    folder = Path(out)
    refuse_existing(folder, overwrite)
    stopwatch = stopwatch or Stopwatch()
    fitted = _fit(plan_of(analysis, cohort), cohort, stopwatch, cores, progress)
    with stopwatch.stage("read"):
        from bayes_rrmm.results import TABLES, Results

        results = Results(fitted, cohort)
        tables = {file: getattr(results, name) for name, file in TABLES.items()}
    fitted.provenance["command"] = command
    fitted.provenance["gate"] = results.diagnosis.record()
    with stopwatch.stage("write"), new_run_folder(folder, overwrite) as temporary:
        from bayes_rrmm.reading import missing_values
        from bayes_rrmm.tables import baseline_data

        for name, table in tables.items():
            write_table(temporary / name, table)
        write_table(temporary / "table1.csv", baseline_data(results))
        if rows and fitted.plan.covariates is not None:
            write_table(temporary / "missing.csv", missing_values(fitted))
        _write_figures(temporary, results)
        write_fit(temporary, fitted, rows=rows)
    return Run(results, folder, stopwatch)


def _write_figures(folder: Path, results: Results) -> None:
    from bayes_rrmm import plots

    figures = folder / "figures"
    figures.mkdir()
    figure = plots.survival(results, by=plots.main_group(results.fit), curves=results.curves)
    for suffix in ("pdf", "png"):
        plots.save(figure, figures / f"survival.{suffix}")


def save_fit(fitted: Fit, out: str | Path, *, overwrite: bool = False, rows: bool = True) -> Path:
    """Write the fit alone, without tables, to a folder that `load_fit` reads. Whole or not at all."""
    folder = Path(out)
    with new_run_folder(folder, overwrite) as temporary:
        write_fit(temporary, fitted, rows=rows)
    return folder


def load_fit(folder: str | Path, data: pd.DataFrame | None = None) -> Fit:
    """The fit of a run folder, read without PyMC. `data` are needed only where it was saved without rows.

    Raises RunFolderError where the folder is not whole or the data are not those of the fit.
    """
    return read_fit(Path(folder), data)


def provenance_of(plan: Plan, cohort: Cohort, stopwatch: Stopwatch) -> dict[str, Any]:
    """Versions, seed, date, command, data fingerprint: what is needed to make the same numbers again."""
    analysis = plan.analysis
    return {
        "title": analysis.title,
        "analysis_sha256": analysis.sha256,
        "data": cohort_record(cohort),
        "seed": analysis.sampling.seed,
        "sampling": analysis.sampling.model_dump(),
        "target_accept": plan.target_accept,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "",
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in VERSIONS}},
        "platform": f"{sys.platform} {platform.machine()}",
        "seconds": stopwatch.seconds,
        "later_commands": [],
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
