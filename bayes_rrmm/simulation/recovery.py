"""Recovery: are truths drawn from the prior found again, by intervals that hold them as often as they say?

Truths come from the very prior that is fitted, so an interval of probability p holds its truth with probability p, on
average over truths, whatever the model and the size of the cohort (Cook, Gelman and Rubin, J Comput Graph Stat
2006;15:675). Rows, follow-up and everything learnt from data are fixed before the first truth is drawn, and no cohort is
redrawn or left out: one without events has a posterior too, since priors are proper. Source: STATISTICS, section 9.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import AnyEstimand, Median, Rank
from bayes_rrmm.fitted import Fit, as_dataset
from bayes_rrmm.model_checks import Diagnosis, diagnose
from bayes_rrmm.parameters import Draws, draw_from_prior
from bayes_rrmm.plan import Plan
from bayes_rrmm.reading import default_estimands, estimate
from bayes_rrmm.reading.estimates import Estimates
from bayes_rrmm.reading.summary import interval_of, quantile_of
from bayes_rrmm.reading.table import labelled_draws
from bayes_rrmm.simulate import refuse_many, refuse_spells, simulate_complete, take_rows, with_gaps_of
from bayes_rrmm.simulation.follow_up import potential_follow_up

COLUMNS = [
    "replicate", "quantity", "unit", "scale", "truth", "median", "lower", "upper", "below", "events", "divergences", "r_hat",
    "failed",
]  # fmt: skip
"""A row for each quantity of each replicate: `below` is the share of draws below the truth; events, divergences, the
largest R-hat and the number of failed checks of the gate are the replicate's."""

Progress = Callable[[int, int], None]
"""Called with replicates done and replicates in all."""


class Sampler(Protocol):
    """What samples a posterior; a CompiledModel does."""

    def sample(self, plan: Plan, cohort: Cohort, *, seed: int | None = None, cores: int | None = None) -> Fit:
        """The fit of `plan` to `cohort`."""


@dataclass(frozen=True, repr=False)
class Study:
    """What every replicate shares. `cohort` holds the rows, each a patient, with the outcomes of the data they are from;
    `follow_up`, shape (N,), is how long each is followed if free of the event. `seed` fixes truths, outcomes and draws."""

    plan: Plan
    cohort: Cohort
    follow_up: Floats
    estimands: tuple[AnyEstimand, ...]
    seed: int

    def __repr__(self) -> str:
        return f"Study({self.plan.analysis.title!r}: {len(self.cohort)} patients, seed {self.seed})"


def plan_study(plan: Plan, data: Cohort, *, patients: int | None = None, seed: int | None = None) -> Study:
    """The study of a plan on the rows of `data`: all of them, or `patients` of them drawn once, with replacement.

    Rows of frequency weight w count as w patients. Raises AnalysisError where the baseline has no stated prior or
    nothing is asked that has an interval, DataError where rows are spells.
    """
    if plan.priors.baseline.is_default:
        raise AnalysisError(
            "[priors]: the baseline has no stated prior, and the default one is centred at the data: truths drawn from it would "
            "follow the outcomes they replace; state it, as in baseline = { median_survival = 24, upper95 = 120 }."
        )
    seed = plan.analysis.sampling.seed if seed is None else seed
    refuse_spells(data)
    rng = np.random.default_rng([seed, 0])
    refuse_many(data, "a simulated cohort holds each of them")
    everyone = np.repeat(np.arange(len(data)), data.weight.astype(np.int64))
    cohort = take_rows(data, everyone if patients is None else rng.choice(everyone, patients))
    return Study(plan, cohort, potential_follow_up(cohort, rng), study_estimands(plan), seed)


def study_estimands(plan: Plan) -> tuple[AnyEstimand, ...]:
    """What is read: the estimands of the analysis (or the default ones) whose intervals promise to hold the truth.

    Medians are read without a horizon: cut at one, truth and limits are infinite together, and intervals hold more than
    they say. Ranks are left out, being whole numbers. Raises AnalysisError where nothing is left.
    """
    asked = plan.analysis.estimands or default_estimands(plan)
    continuous = [estimand for estimand in asked if not isinstance(estimand, Rank)]
    if not continuous:
        raise AnalysisError("[[estimands]]: ranks alone have no interval to check; ask for a hazard ratio, a median or an rmst.")
    if plan.covariates is not None and any(getattr(estimand, "population", "") == "average" for estimand in continuous):
        raise AnalysisError(
            '[[estimands]]: population = "average" averages the columns where they are known, and simulated covariates are known '
            'everywhere: the two differ; set missing = "drop" or "level", or another population.'
        )
    endless = (item.model_copy(update={"horizon": math.inf}) if isinstance(item, Median) else item for item in continuous)
    return tuple(dict.fromkeys(endless))


def run_study(
    study: Study,
    sampler: Sampler,
    numbers: Iterable[int],
    *,
    cores: int | None = None,
    progress: Progress | None = None,
    keep: Callable[[pd.DataFrame], None] | None = None,
) -> pd.DataFrame:
    """The replicates of these numbers, a row a quantity (see `COLUMNS`); `keep` is given each one as it is done.

    A replicate depends on the study and its number alone: it is the same in whatever run, on however many cores.
    """
    wanted = list(numbers)
    done = []
    truths = draw_truths(study, wanted) if wanted else {}
    # Marginalised covariates are drawn for each replicate, and who lives to the start of the curves differs between them: then what
    # is true of the cohort is only known of the replicate.
    same_rows = study.plan.covariates is None and not study.cohort.has_delayed_entry
    values = read_truths(study, truths, study.cohort) if same_rows else {}
    for position, number in enumerate(wanted, start=1):
        one = {name: draws[position - 1 : position] for name, draws in truths.items()}
        known = {name: reading[position - 1 : position] for name, reading in values.items()}
        done.append(_replicate(study, sampler, number, one, known, cores))
        if keep is not None:
            keep(done[-1])
        if progress is not None:
            progress(position, len(wanted))
    return pd.concat(done, ignore_index=True) if done else pd.DataFrame(columns=COLUMNS)


def draw_truths(study: Study, numbers: Sequence[int]) -> dict[str, Floats]:
    """The truths of the replicates of these numbers: draws from the prior, each by a seed of its own."""
    drawn = [draw_from_prior(study.plan, 1, _seeds(study, number)[0]) for number in numbers]
    return {name: np.concatenate([draws[name] for draws in drawn]) for name in drawn[0]}


def read_truths(study: Study, truths: Draws, cohort: Cohort) -> dict[str, Floats]:
    """Every quantity of the study at each truth, by name, shape (S,): read by the code that reads fits.

    `cohort` holds the rows that curves are standardised over, without the gaps that a fit has to fill.
    """
    size = len(next(iter(truths.values()), ()))
    if size == 0:
        return {}
    # A summary of one draw has no spread, so a single truth is read twice.
    draws = {name: np.repeat(values, 2, axis=0) if size == 1 else np.asarray(values) for name, values in truths.items()}
    fit = Fit(study.plan, xr.DataTree.from_dict({"posterior": as_dataset(draws, study.plan, chains=1)}), cohort=cohort)
    return {
        name: values.ravel()[:size]
        for estimand in study.estimands
        for name, _, values in labelled_draws(estimand, estimate(fit, estimand))
    }


def _seeds(study: Study, number: int) -> tuple[int, int, int]:
    """Seeds of a replicate's truth, of its outcomes and of its draws."""
    truth, outcomes, draws = (int(word) for word in np.random.SeedSequence([study.seed, number]).generate_state(3))
    return truth, outcomes, draws


def _replicate(
    study: Study, sampler: Sampler, number: int, truth: Draws, known: dict[str, Floats], cores: int | None
) -> pd.DataFrame:
    """One cohort from the truth, one fit: a row for each quantity, beside its known value (read here where none is given)."""
    _, for_outcomes, for_draws = _seeds(study, number)
    complete = simulate_complete(study.plan, truth, study.cohort, np.random.default_rng(for_outcomes), study.follow_up)
    cohort = with_gaps_of(study.cohort, complete)
    known = known or read_truths(study, truth, complete)
    fit = sampler.sample(study.plan, cohort, seed=for_draws, cores=cores)
    read = [(estimand, estimate(fit, estimand)) for estimand in study.estimands]
    about = {"replicate": number, "events": int(cohort.events), **sampler_verdict(fit, diagnose(fit, read))}
    rows = [{**about, **row} for estimand, estimates in read for row in _rows(estimand, estimates, known)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(estimand: AnyEstimand, estimates: Estimates, known: dict[str, Floats]) -> list[dict[str, Any]]:
    rows = []
    for name, _, draws in labelled_draws(estimand, estimates):
        flat, value = draws.ravel(), float(known[name][0])
        lower, upper, _ = interval_of(flat, estimates.interval, estimates.scale)
        row = {"quantity": name, "unit": estimates.unit, "scale": _scale(estimates), "truth": value, "lower": lower, "upper": upper}
        rows.append({**row, "median": quantile_of(flat, 0.5), "below": float(np.mean(flat < value))})
    return rows


def _scale(estimates: Estimates) -> str:
    """Where errors are measured: ratios and medians on the log scale, the others as they are."""
    is_median = estimates.estimand == "median" and estimates.contrast == "none"
    return "log" if estimates.unit == "ratio" or is_median else "natural"


def sampler_verdict(fit: Fit, diagnosis: Diagnosis) -> dict[str, Any]:
    """How sampling went: divergences, the largest R-hat, and the number of failed checks of the gate."""
    return {
        "divergences": int(fit.tree["sample_stats"]["diverging"].sum()),
        "r_hat": max((check.measure for check in diagnosis.checks if check.check == "r_hat"), default=math.nan),
        "failed": len(diagnosis.failed),
    }
