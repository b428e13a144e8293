"""Cohorts from a model itself: new outcomes for given rows, drawn at one parameter vector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.hazards import Baseline
from bayes_rrmm.parameters import FRAILTY, Draws, baseline_of, log_relative_hazard
from bayes_rrmm.plan import Plan

MOST_PATIENTS = 1_000_000
"""Patients that are held one by one at most; a frequency weight may stand for more."""


def simulate_cohort(plan: Plan, draws: Draws, cohort: Cohort, rng: np.random.Generator, follow_up: Floats) -> Cohort:
    """The rows of `cohort` with outcomes drawn from the proportional hazards of `plan` at one parameter vector.

    `draws` maps reported names to arrays whose first axis has length 1. Entries and covariates stay as they are; only
    where covariates are marginalised, they are drawn anew from their model, and the gaps of `cohort` are gaps again. A
    row has an event if it comes no later than its potential follow-up, else it is censored there: `follow_up`, shape
    (N,), in the cohort's unit, each above the row's entry. A cohort may come out without any event.

    Raises FitError for more than one parameter vector, DataError where rows have frequency weights or are spells, or
    where a row's follow-up does not end after its entry.
    """
    return with_gaps_of(cohort, simulate_complete(plan, draws, cohort, rng, follow_up))


def simulate_complete(plan: Plan, draws: Draws, cohort: Cohort, rng: np.random.Generator, follow_up: Floats) -> Cohort:
    """The cohort of `simulate_cohort` before gaps are made: with the covariates that the outcomes were drawn from."""
    if any(len(values) != 1 for values in draws.values()):
        raise FitError("a cohort is simulated at one parameter vector; take one draw of each parameter (values[i : i + 1]).")
    refuse_weights(cohort)
    _refuse_short(cohort, follow_up)
    covariates = draw_covariates(plan, draws, cohort.covariates, rng)
    eta = log_relative_hazard(draws, plan.encoding.design(covariates), plan.encoding.indicators(covariates))
    if plan.frailty is not None:
        eta = eta + draw_new_frailties(plan, draws, cohort, eta, rng)[:, cohort.cluster_numbers]
    times = event_times(baseline_of(plan, draws), eta, cohort.entry, rng)[0]
    return replace(
        cohort,
        time=np.minimum(times, follow_up),
        event=(times <= follow_up).astype(np.float64),
        covariates=covariates,
        origin=f"a simulation from {plan.analysis.title!r}",
        notes=(),
    )


def draw_new_frailties(plan: Plan, draws: Draws, cohort: Cohort, eta: Floats, rng: np.random.Generator) -> Floats:
    """u = log w of each cluster, shape (S, G), from its distribution among those whose rows are free of the event at entry:
    log-normal, or gamma with shape 1/theta and rate 1/theta + A, A the cumulative hazard (w = 1) they survived before, which is
    0 where the frailty is counted from their entry or a landmark."""
    clusters = int(cohort.cluster_numbers.max()) + 1
    spread = draws[FRAILTY[str(plan.frailty)]][:, None]
    if plan.frailty == "log-normal":
        return np.asarray(spread * rng.normal(size=(len(spread), clusters)))
    survived = baseline_of(plan, draws).cumulative_hazard(plan.survived_before(cohort)[None, :]) * np.exp(eta)
    before = np.stack([np.bincount(cohort.cluster_numbers, weights=row, minlength=clusters) for row in survived])
    w = rng.standard_gamma(1.0 / spread, (len(spread), clusters)) / (1.0 / spread + before)
    return np.asarray(np.log(np.maximum(w, np.finfo(np.float64).tiny)))


def draw_covariates(plan: Plan, draws: Draws, covariates: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The rows with every marginalised covariate drawn, whole, from its model at one parameter vector; the others stay.

    Gaps are missing at random: what is drawn does not depend on where they are.
    """
    if plan.covariates is None:
        return covariates
    ways = plan.covariates.candidates(covariates.assign(**dict.fromkeys(plan.covariates.names)))
    log_probability = plan.covariates.log_probability(draws, ways.frame).reshape(len(covariates), -1)
    # The greatest of log probabilities with standard Gumbel noise is a draw from them (Gumbel 1954).
    chosen = np.argmax(log_probability + rng.gumbel(size=log_probability.shape), axis=1)
    return ways.frame.iloc[np.arange(len(covariates)) * log_probability.shape[1] + chosen]


def with_gaps_of(cohort: Cohort, complete: Cohort) -> Cohort:
    """`complete`, a cohort of the same rows, with gaps wherever the covariates of `cohort` have them."""
    if cohort.is_complete().all():
        return complete
    gaps = cohort.covariates.isna().to_numpy()
    return replace(complete, covariates=complete.covariates.mask(gaps, other=None))


def event_times(baseline: Baseline, eta: Floats, entry: Floats, rng: np.random.Generator) -> Floats:
    """Event times, shape (S, N), of patients who are free of the event at `entry`, shape (N,); eta has shape (S, N).

    T solves H0(T) = H0(entry) + E exp(-eta), E standard exponential (Bender, Augustin and Blettner, Stat Med
    2005;24:1713); infinite where the cumulative hazard never gets there.
    """
    survived = baseline.cumulative_hazard(entry[None, :])
    times = baseline.inverse_cumulative_hazard(survived + rng.standard_exponential(eta.shape) * np.exp(-eta))
    # Where the hazard is enormous the event may round to the entry itself, and a row of no length is no row.
    return np.maximum(times, np.nextafter(entry, np.inf))


def refuse_many(rows: Cohort, why: str) -> None:
    """Raise DataError where frequency weights stand for more patients than can be held one by one."""
    patients = float(rows.weight.sum())
    if patients > MOST_PATIENTS:
        raise DataError(
            f"column {rows.endpoint.weight!r}: the weights stand for {patients:,.0f} patients, and {why}: up to {MOST_PATIENTS:,}; "
            "take a sample of the patients for this."
        )


def take_rows(cohort: Cohort, rows: NDArray[np.int64]) -> Cohort:
    """The rows at these positions, in this order and as often as they are named, each one patient; numbered from 1.

    Raises DataError where rows are spells of one patient.
    """
    refuse_spells(cohort)
    numbers = pd.RangeIndex(1, len(rows) + 1, name=cohort.covariates.index.name)
    return replace(
        cohort,
        time=cohort.time[rows],
        event=cohort.event[rows],
        entry=cohort.entry[rows],
        weight=np.ones(len(rows)),
        covariates=cohort.covariates.iloc[rows].set_axis(numbers, axis=0),
        id=None,
        cluster=None if cohort.cluster is None else cohort.cluster[rows],
        rows_read=len(rows),
        dropped=(),
    )


def refuse_weights(cohort: Cohort) -> None:
    """Raise DataError unless each row is one patient."""
    refuse_spells(cohort)
    heavy = np.flatnonzero(cohort.weight != 1)
    if len(heavy):
        raise DataError(
            f"row {cohort.row_numbers[heavy[0]]}: its frequency weight is {cohort.weight[heavy[0]]:g}, and patients of one row "
            "would all have one outcome; give each a row of its own (bayes_rrmm.simulate.take_rows repeats rows)."
        )


def refuse_spells(cohort: Cohort) -> None:
    """Raise DataError where several rows are spells of one patient: after an event there are no later ones."""
    if cohort.id is not None and len(np.unique(cohort.id)) < len(cohort):
        raise DataError(
            f"rows of one {cohort.endpoint.id!r} are spells of one patient, which cannot be simulated row by row; "
            "give one row a patient."
        )


def _refuse_short(cohort: Cohort, follow_up: Floats) -> None:
    if follow_up.shape != cohort.time.shape:
        raise DataError(f"{len(follow_up)} times of follow-up were given for {len(cohort)} rows; give one a row.")
    short = np.flatnonzero(~(follow_up > cohort.entry))
    if len(short):
        raise DataError(
            f"row {cohort.row_numbers[short[0]]}: potential follow-up {follow_up[short[0]]:g} does not end after entry "
            f"{cohort.entry[short[0]]:g}; give a later time, or leave the row out."
        )
