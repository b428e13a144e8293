"""Refits of one analysis: other priors, other rows, other statuses, each through the model that is compiled already.

Encoding, cuts and data-scaled priors are in the plan, so a refit keeps them. A refit's chains have a core each, in the sampler's
threads, and as many refits run side by side as there are cores for. On 2 cores that is one after another, where two at a time,
in threads or in forked processes, took as long (40 refits of 256 rows: 15.9 s in all three ways). Another process would have to
compile again where processes cannot be forked.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from arviz_stats.base import array_stats

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.diagnostics import check_sampler
from bayes_rrmm.diagnostics.checks import checks_of, measure_quantity
from bayes_rrmm.errors import BayesRrmmError, FitError, RunFolderError, listed, shortened
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plan import Plan
from bayes_rrmm.reading import estimate
from bayes_rrmm.run_folder import write_json

LAYOUT = 1
"""Counted up when what a refit's file holds, or means, changes: older files are then not read."""

PATIENT = 0.99
"""The acceptance that a refit whose diagnostics failed is tried again with, after twice the tuning, for twice the draws."""

FAILURES = (BayesRrmmError, RuntimeError, ValueError, ArithmeticError)
"""What a sampler raises where it cannot start or go on. An interruption is none of these, and ends the run."""

Progress = Callable[[int, int, str], None]
"""Called before each refit with refits begun before it, refits in all, and its name; at the end with an empty name."""


@dataclass(frozen=True)
class Refit:
    """One refit: what it is called, the rows, and the plan with its priors."""

    name: str
    plan: Plan
    cohort: Cohort


Sample = Callable[[Refit], Fit]


def compiled_sample(refit: Refit) -> Fit:
    """The draws of the refit by the compiled model of its structure, which is compiled where this process has not done so.

    The sampler takes an interruption (Ctrl-C) to itself and comes back with what it has: that is no failed refit, and is passed on.
    """
    from bayes_rrmm.inference import compile_model, load_sampler

    load_sampler()
    try:
        return compile_model(refit.plan, refit.cohort).sample(refit.plan, refit.cohort, draws_only=True)
    except FitError as error:
        if str(error).startswith("sampling was interrupted"):
            raise KeyboardInterrupt from error
        raise


@dataclass(frozen=True)
class Refitted:
    """What one refit says of a hazard ratio: median, equal-tailed interval of probability `prob`, P(HR < 1) and its Monte Carlo
    error, mean and sd of log HR; and whether to believe it.

    `failed` names the diagnostics that failed, or the error that left it without draws: then every number is NaN. Diagnostics are
    those of log HR and of the sampler. `attempts` is 2 where the first failed.
    """

    name: str
    hr: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    prob: float = math.nan
    p_below_1: float = math.nan
    p_error: float = math.nan
    log_mean: float = math.nan
    log_sd: float = math.nan
    r_hat: float = math.nan
    ess_bulk: float = math.nan
    ess_tail: float = math.nan
    divergences: float = math.nan
    e_bfmi: float = math.nan
    failed: str = ""
    attempts: int = 1
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether every diagnostic passed."""
        return not self.failed

    @property
    def interval(self) -> tuple[float, float]:
        """The limits."""
        return self.lower, self.upper


def run_refits(
    refits: Sequence[Refit],
    sample: Sample,
    estimand: HazardRatio,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
    workers: int = 1,
) -> list[Refitted]:
    """Each refit read, in order. `estimand` is one hazard ratio, `sample` what makes a fit of a refit, `workers` how many run at a
    time, in threads: the numbers are the same whatever it is.

    Equal refits (same priors, same rows) are made once. With a `folder` each is written to a file of its own as soon as it
    is there, named by what went into it: a run that was interrupted takes up where it stopped. A refit that fails is marked.
    """
    if folder is not None:
        _make(folder)
    keys = [key_of(refit, estimand) for refit in refits]
    first = {key: position for position, key in reversed(list(enumerate(keys)))}
    one_at_a_time = threading.Lock()

    def found_for(key: str) -> Refitted:
        position = first[key]
        if progress is not None:
            with one_at_a_time:
                progress(position, len(refits), refits[position].name)
        found = None if folder is None else _stored(folder / f"{key}.json", key)
        if found is None:
            found = _tried(refits[position], sample, estimand)
            if folder is not None and not math.isnan(found.hr):  # one without draws is tried again
                write_json(folder / f"{key}.json", {"key": key, "layout": LAYOUT, **asdict(found)})
        return found

    wanted = sorted(first, key=first.__getitem__)
    known = dict(zip(wanted, _each(found_for, wanted, workers), strict=True))
    if progress is not None:
        progress(len(refits), len(refits), "")
    return [replace(known[key], name=refit.name) for refit, key in zip(refits, keys, strict=True)]


def workers_for(chains: int) -> int:
    """How many refits to run at a time, so that every chain has a core."""
    return max(1, (os.cpu_count() or 1) // chains)


def _each(function: Callable[[str], Refitted], keys: Sequence[str], workers: int) -> list[Refitted]:
    """The function at every key; what raises ends the run once those under way are done."""
    if workers == 1:
        return [function(key) for key in keys]
    with ThreadPoolExecutor(workers) as pool:
        try:
            return list(pool.map(function, keys))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def read_off(name: str, fit: Fit, estimand: HazardRatio) -> Refitted:
    """What a fit says of one hazard ratio, and its diagnostics."""
    log_hr = np.log(estimate(fit, estimand).draws.transpose("chain", "draw").to_numpy())
    prob = fit.analysis.sampling.interval.prob
    lower, median, upper = np.quantile(log_hr, [0.5 - 0.5 * prob, 0.5, 0.5 + 0.5 * prob])
    statistics = fit.tree["sample_stats"].to_dataset()
    measured = measure_quantity("log HR", log_hr)
    sampler = check_sampler(statistics["diverging"].to_numpy(), statistics["energy"].to_numpy())
    wrong = [f"{check.check} {check.measure:.3g}" for check in [*checks_of(measured), *sampler] if check.verdict == "failed"]
    below = (log_hr < 0).astype(np.float64)
    return Refitted(
        name=name,
        hr=math.exp(median),
        lower=math.exp(lower),
        upper=math.exp(upper),
        prob=prob,
        p_below_1=float(below.mean()),
        p_error=probability_error(below),
        log_mean=float(log_hr.mean()),
        log_sd=float(log_hr.std(ddof=1)),
        r_hat=measured.r_hat,
        ess_bulk=measured.ess_bulk,
        ess_tail=measured.ess_tail,
        divergences=sampler[0].measure,
        e_bfmi=sampler[1].measure,
        failed=listed(wrong),
    )


def probability_error(below: Floats) -> float:
    """Monte Carlo standard error of a probability from its 0/1 draws, shape (chains, draws); of half a draw where all agree."""
    p, draws = float(below.mean()), below.size
    if p in (0.0, 1.0):
        return 0.5 / draws
    size = float(array_stats.ess(below, method="mean"))
    return math.sqrt(p * (1 - p) / (size if size > 0 and math.isfinite(size) else draws))


def key_of(refit: Refit, estimand: HazardRatio) -> str:
    """SHA-256, 24 digits, of everything a refit's numbers come from, versions included, but its name."""
    model = refit.plan.analysis.model.model_dump(mode="json")
    sampling = refit.plan.analysis.sampling.model_dump(mode="json")
    made_by = {name: version(name) for name in ("bayes-rrmm", "nutpie", "pymc")}
    said = [LAYOUT, made_by, model, sampling, estimand.model_dump(mode="json")]
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    digest.update(refit.plan.to_json().encode())
    digest.update(refit.cohort.fingerprint.encode())
    for values in (refit.cohort.entry, refit.cohort.weight, refit.cohort.subject_numbers, refit.cohort.cluster_numbers):
        digest.update(values.tobytes())
    return digest.hexdigest()[:24]


def _tried(refit: Refit, sample: Sample, estimand: HazardRatio) -> Refitted:
    """The refit read, or marked."""

    def once(tried: Refit) -> Refitted:
        try:
            return read_off(tried.name, sample(tried), estimand)
        except FAILURES as error:
            return Refitted(tried.name, failed=told(error))

    found, attempts, seconds = persevere(refit, once, lambda found: found.passed)
    return replace(found, attempts=attempts, seconds=seconds)


def persevere[T](refit: Refit, once: Callable[[Refit], T], passed: Callable[[T], bool]) -> tuple[T, int, float]:
    """What `once` makes of the refit; where that has not passed once more, with more patience, and then what comes of it. With it
    the attempts it took, and the seconds."""
    started, attempts = time.perf_counter(), 1
    found = once(refit)
    if not passed(found):
        found, attempts = once(replace(refit, plan=patient(refit.plan))), 2
    return found, attempts, time.perf_counter() - started


def told(error: BaseException) -> str:
    """What left a refit without draws."""
    return shortened(f"{type(error).__name__}: {error}", 200)


def patient(plan: Plan) -> Plan:
    """The plan with smaller steps and twice the draws."""
    now = plan.analysis.sampling
    slower = {"draws": 2 * now.draws, "tune": 2 * now.tune, "target_accept": max(PATIENT, plan.target_accept)}
    return replace(plan, analysis=plan.analysis.model_copy(update={"sampling": now.model_copy(update=slower)}))


def _stored(path: Path, key: str) -> Refitted | None:
    """What was written for the key; None where nothing was, or not by this layout, or not whole."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    names = {field.name for field in fields(Refitted)}
    if content.get("key") != key or content.get("layout") != LAYOUT or not names <= content.keys():
        return None
    return Refitted(**{name: content[name] for name in names})


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot hold the refits ({error.strerror}); name another folder.") from None
