"""Cohorts as the fitted model would have them: new outcomes for the same patients, one cohort a draw of the posterior."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.densities import gap_probabilities
from bayes_rrmm.errors import DataError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import kaplan_meier
from bayes_rrmm.parameters import Draws, baseline_of, log_relative_hazard
from bayes_rrmm.plan import Plan
from bayes_rrmm.simulate import draw_new_frailties, event_times, refuse_many, take_rows

BLOCK = 4_000_000
"""Numbers held at once: replicates x ways to fill the gaps of one block of draws."""

Numbers = NDArray[np.int64]


def each_a_patient(rows: Cohort) -> Cohort:
    """The rows, one of frequency weight w repeated w times.

    Raises DataError for more patients than can be held one by one, and where a row continues another of its subject: after an
    event there would be no later row. Rows of one subject that run beside each other, as of two lines of treatment each counted
    from its own start, stay.
    """
    subject = rows.subject_numbers
    order = np.lexsort((rows.time, rows.entry, subject))
    continued = (np.diff(subject[order]) == 0) & (rows.entry[order][1:] >= rows.time[order][:-1])
    if continued.any():
        raise DataError(
            f"row {rows.row_numbers[order][1:][continued][0]} continues another of the same {rows.endpoint.id!r}; outcomes are "
            "drawn anew for whole patients only, so give one row a patient for this check."
        )
    if np.all(rows.weight == 1):
        return rows
    refuse_many(rows, "a replicated cohort holds each of them")
    return take_rows(rows, np.repeat(np.arange(len(rows)), np.round(rows.weight).astype(np.int64)))


def replicated_times(fit: Fit, rows: Cohort, draws: Numbers, rng: np.random.Generator) -> Iterator[Floats]:
    """Event times of the rows, shape (N,), infinite where the event never comes: one array for each of these posterior draws.

    Given covariates, and freedom from the event at entry. A gap in a covariate is filled from its model, given the row's other
    covariates and not its outcome, as leave-one-out does. The frailty of every cluster is drawn anew from its distribution: a
    gamma one among those who were free of the event at entry, a log-normal one among all.
    """
    ways = 1 if fit.plan.covariates is None else len(fit.plan.covariates.candidates(rows.covariates).frame) // len(rows) + 1
    step = max(1, BLOCK // (ways * len(rows)))
    for start in range(0, len(draws), step):
        chosen = {name: values[draws[start : start + step]] for name, values in fit.draws.items()}
        eta = _log_relative_hazard(fit.plan, chosen, rows, rng)
        if fit.plan.frailty is not None:
            eta = eta + draw_new_frailties(fit.plan, chosen, rows, eta, rng)[:, rows.cluster_numbers]
        yield from event_times(baseline_of(fit.plan, chosen), eta, rows.entry, rng)


def potential_follow_up(rows: Cohort, strata: Numbers, count: int, rng: np.random.Generator) -> Floats:
    """How long each row would be followed if it had no event, shape (count, N): for a censored one to its censoring.

    For one with an event at t it is drawn from the reverse Kaplan-Meier curve of its stratum (events cut the follow-up short),
    given that it is longer than t; what that curve leaves beyond its last step is put at the stratum's last follow-up. `strata`
    has a number for each row; under delayed entry the curve starts where 10 are at risk.
    """
    found = np.tile(rows.time, (count, 1))
    for stratum in np.unique(strata):
        own = strata == stratum
        curve = kaplan_meier(rows.time[own], 1.0 - rows.event[own], rows.entry[own])
        happened = np.flatnonzero(own & (rows.event > 0))
        heights = np.append(1.0, curve.survival)[np.searchsorted(curve.time, rows.time[happened], side="right")]
        below = heights * (1.0 - rng.random((count, len(happened))))  # in (0, height]: height itself is the next step's
        step = np.searchsorted(-curve.survival, -below, side="left")
        ends = np.append(curve.time, float(rows.time[own].max()))
        found[:, happened] = np.maximum(ends[step], rows.time[happened])
    return found


def _log_relative_hazard(plan: Plan, draws: Draws, rows: Cohort, rng: np.random.Generator) -> Floats:
    """eta, shape (S, N), with gaps filled anew in every draw."""
    if plan.covariates is None or rows.is_complete().all():
        return log_relative_hazard(draws, plan.encoding.design(rows.covariates), plan.encoding.indicators(rows.covariates))
    candidates, chances = gap_probabilities(plan, draws, rows, with_outcome=False)
    every = log_relative_hazard(draws, plan.encoding.design(candidates.frame), plan.encoding.indicators(candidates.frame))
    summed = np.cumsum(chances, axis=1)
    before = summed[:, candidates.starts] - chances[:, candidates.starts]
    wanted = before + rng.random(before.shape)
    last = np.append(candidates.starts[1:], chances.shape[1]) - 1
    chosen = np.stack([np.searchsorted(line, at, side="right") for line, at in zip(summed, wanted, strict=True)])
    return np.take_along_axis(every, np.clip(chosen, candidates.starts, last), axis=1)
