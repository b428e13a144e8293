"""The log-likelihood of rows, and of the whole posterior, at given draws. Source: STATISTICS, section 2.

A row with gaps, missing at random, has the joint likelihood sum_k P(x_mis = k, x_obs) L(x = k). It is kept in two
factors: of the survival outcome, sum_k P(k | x_obs) L(k), which leave-one-out takes, and of the covariates, P(x_obs).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bayes_rrmm.cluster_likelihood import log_likelihood_by_cluster
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.covariate_model import Candidates
from bayes_rrmm.errors import FitError
from bayes_rrmm.hazards import pointwise_log_likelihood
from bayes_rrmm.parameters import Draws, baseline_of, log_innovations, log_prior, log_relative_hazard
from bayes_rrmm.plan import Plan

BLOCK = 2_000_000
"""Numbers held at once: draws x ways to fill the gaps of one block of rows."""


def log_likelihood(plan: Plan, draws: Draws, cohort: Cohort) -> Floats:
    """Pointwise log-likelihood of the survival outcome, shape (S, N), given what is known of the covariates.

    Where the model has a frailty it is given too, as `u` of the draws; raises FitError where they have none (see
    `log_likelihood_by_cluster` for its average).
    """
    complete = cohort.is_complete()
    if plan.covariates is None or complete.all():
        return _complete_rows(plan, draws, cohort)
    found = np.empty((len(next(iter(draws.values()))), len(cohort)))
    found[:, complete] = _complete_rows(plan, draws, cohort.select(complete))
    positions = np.flatnonzero(~complete)
    for rows, gaps in gap_blocks(plan, cohort.select(~complete), len(found)):
        candidates, log_weight, log_survival = _candidates(plan, draws, gaps)
        log_mixed = candidates.added_up(log_weight + log_survival) - candidates.added_up(log_weight)
        found[:, positions[rows]] = gaps.weight * log_mixed
    return found


def log_covariates(plan: Plan, draws: Draws, cohort: Cohort) -> Floats:
    """log P(x_obs) of the marginalised covariates of each row, times its weight, shape (S, N); 0 where none is marginalised."""
    if plan.covariates is None:
        return np.zeros((len(next(iter(draws.values()))), len(cohort)))
    candidates = plan.covariates.candidates(cohort.covariates)
    log_weight = plan.covariates.log_probability(draws, candidates.frame)
    return np.asarray(cohort.weight * candidates.added_up(log_weight))


def gap_probabilities(plan: Plan, draws: Draws, cohort: Cohort, *, with_outcome: bool = True) -> tuple[Candidates, Floats]:
    """The ways to fill the gaps of each row, and the probability of each, shape (S, T), given the row's own data.

    Without the outcome it is P(k | x_obs), else P(k | x_obs, outcome). A row without gaps has one candidate of probability 1.
    """
    assert plan.covariates is not None
    candidates, log_weight, log_survival = _candidates(plan, draws, cohort)
    log_joint = log_weight + log_survival if with_outcome else log_weight
    return candidates, np.exp(log_joint - candidates.added_up(log_joint)[:, candidates.owner])


def gap_blocks(plan: Plan, gaps: Cohort, draws: int) -> Iterator[tuple[slice, Cohort]]:
    """The rows with gaps in blocks small enough for all draws at once."""
    assert plan.covariates is not None
    ways = int(np.prod([len(variable.levels) for variable in plan.covariates.variables]))
    step = max(1, BLOCK // (ways * draws))
    for start in range(0, len(gaps), step):
        keep: NDArray[np.bool_] = np.zeros(len(gaps), dtype=bool)
        keep[start : start + step] = True
        yield slice(start, start + step), gaps.select(keep)


def log_density(plan: Plan, draws: Draws, cohort: Cohort) -> Floats:
    """Log posterior density up to the evidence, shape (S,), in the coordinates that are sampled.

    These are the parameters as stated, except that a Weibull's median or log scale is replaced by its log cumulative
    hazard at the reference time (which divides the density by the shape), and pooled effects, random-walk
    steps and log-normal frailties (`u` of the draws) by their standard normals. A gamma frailty is averaged over.
    """
    outcome = log_likelihood_by_cluster if plan.frailty == "gamma" else log_likelihood
    total = np.asarray(outcome(plan, draws, cohort).sum(axis=1) + log_innovations(plan, draws))
    total = total + log_covariates(plan, draws, cohort).sum(axis=1) + np.sum(list(log_prior(plan, draws).values()), axis=0)
    if plan.family == "weibull" and plan.priors.baseline_kind in ("median", "log_scale"):
        total = total - draws["log_shape"]
    return np.asarray(total)


def _complete_rows(plan: Plan, draws: Draws, cohort: Cohort) -> Floats:
    eta = log_relative_hazard(draws, plan.encoding.design(cohort.covariates), plan.encoding.indicators(cohort.covariates))
    if plan.frailty is not None:
        if "u" not in draws:
            raise FitError("rows of one cluster depend on each other through its frailty; give its logarithm `u` with the draws.")
        eta = eta + draws["u"][:, cohort.cluster_numbers]
    return pointwise_log_likelihood(baseline_of(plan, draws), eta, cohort.time, cohort.event, cohort.entry, cohort.weight)


def _candidates(plan: Plan, draws: Draws, cohort: Cohort) -> tuple[Candidates, Floats, Floats]:
    """The candidates of every row, log P(x = k) and log L(x = k) of one patient, both of shape (S, T)."""
    assert plan.covariates is not None
    candidates = plan.covariates.candidates(cohort.covariates)
    filled = candidates.frame
    eta = log_relative_hazard(draws, plan.encoding.design(filled), plan.encoding.indicators(filled))
    time, event, entry = (values[candidates.owner] for values in (cohort.time, cohort.event, cohort.entry))
    log_survival = pointwise_log_likelihood(baseline_of(plan, draws), eta, time, event, entry, np.ones(len(filled)))
    return candidates, plan.covariates.log_probability(draws, filled), log_survival
