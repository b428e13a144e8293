"""The log-likelihood of clusters, and of subjects in them, with the frailty averaged over. Source: STATISTICS, sections 2 and 5.

Rows of one cluster depend on each other through its frailty w, so only clusters have terms that add up to the likelihood.
A subject is left out given the others of its cluster: its term is the likelihood of the cluster over that of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import FitError
from bayes_rrmm.hazards import gamma_log_likelihood, lognormal_log_likelihood
from bayes_rrmm.parameters import FRAILTY, Draws, baseline_of, log_relative_hazard
from bayes_rrmm.plan import Plan

BLOCK = 2_000_000
"""Numbers held at once: draws x rows of one block of clusters."""


@dataclass(frozen=True)
class Experience:
    """What is known of units at frailty 1: events D, shape (U,); cumulative hazard while at risk, that survived before
    coming under observation, and the log hazards of the events added up, each of shape (S, U)."""

    events: Floats
    hazard: Floats
    before: Floats
    log_hazard: Floats

    def of(self, units: NDArray[np.int64]) -> Experience:
        """Of these units, in this order."""
        return Experience(self.events[units], self.hazard[:, units], self.before[:, units], self.log_hazard[:, units])

    def without(self, other: Experience) -> Experience:
        """What is left of each unit when a part of it is taken out."""
        hazard, before = np.maximum(self.hazard - other.hazard, 0.0), np.maximum(self.before - other.before, 0.0)
        return Experience(self.events - other.events, hazard, before, self.log_hazard - other.log_hazard)


def log_likelihood_by_cluster(plan: Plan, draws: Draws, cohort: Cohort) -> Floats:
    """Log-likelihood of each cluster with its frailty averaged over, shape (S, G), clusters in the order of their first rows."""
    size = len(next(iter(draws.values())))
    found = np.empty((size, int(_clusters(cohort).max()) + 1))
    for clusters, part in cluster_blocks(cohort, size):
        whole = experience(plan, draws, part, part.cluster_numbers)
        found[:, clusters] = whole.log_hazard + _averaged(plan, draws, whole)
    return found


def log_likelihood_by_subject(plan: Plan, draws: Draws, cohort: Cohort) -> Floats:
    """Log-likelihood of each subject given the others of its cluster, shape (S, U), subjects by `subject_numbers`.

    A subject with rows in several clusters has a term in each, and their sum is its own. The cohort holds whole clusters.
    """
    cluster, subject = _clusters(cohort), cohort.subject_numbers
    cells, cell = np.unique(np.column_stack([subject, cluster]), axis=0, return_inverse=True)
    own = experience(plan, draws, cohort, cell.reshape(-1))
    whole = experience(plan, draws, cohort, cluster).of(cells[:, 1])
    terms = own.log_hazard + _averaged(plan, draws, whole) - _averaged(plan, draws, whole.without(own))
    starts = np.unique(cells[:, 0], return_index=True)[1]
    return np.asarray(np.add.reduceat(terms, starts, axis=1))


def experience(plan: Plan, draws: Draws, cohort: Cohort, unit: NDArray[np.int64]) -> Experience:
    """The rows' experience added up by `unit`, shape (N,), whose numbers run from 0 without a gap."""
    eta = log_relative_hazard(draws, plan.encoding.design(cohort.covariates), plan.encoding.indicators(cohort.covariates))
    baseline, relative = baseline_of(plan, draws), np.exp(eta)
    at_exit, at_entry, at_first = (
        baseline.cumulative_hazard(time[None, :]) for time in (cohort.time, cohort.entry, plan.survived_before(cohort))
    )
    return Experience(
        events=np.bincount(unit, weights=cohort.event),
        hazard=_by_unit((at_exit - at_entry) * relative, unit),
        before=_by_unit(at_first * relative, unit),
        log_hazard=_by_unit(cohort.event * (baseline.log_hazard(cohort.time[None, :]) + eta), unit),
    )


def draw_frailties(plan: Plan, draws: Draws, cohort: Cohort, seed: int) -> Floats:
    """u = log w of each cluster, one draw of each posterior draw of a gamma model, shape (S, G).

    Given the rest w is gamma with shape 1/theta + D and rate 1/theta + A + L. The same seed gives the same values.
    """
    rng = np.random.default_rng([seed, 3])
    whole = experience(plan, draws, cohort, _clusters(cohort))
    precision = 1.0 / draws[FRAILTY["gamma"]][:, None]
    w = rng.standard_gamma(precision + whole.events) / (precision + whole.before + whole.hazard)
    return np.log(np.maximum(w, np.finfo(np.float64).tiny))


def cluster_blocks(cohort: Cohort, draws: int) -> Iterator[tuple[slice, Cohort]]:
    """The clusters, in order, in blocks whose rows are few enough for all draws at once."""
    numbers = _clusters(cohort)
    block_of = np.cumsum(np.bincount(numbers)) // max(1, BLOCK // draws)
    for block in np.unique(block_of):
        first, last = np.searchsorted(block_of, [block, block + 1])
        yield slice(int(first), int(last)), cohort.select((numbers >= first) & (numbers < last))


def _averaged(plan: Plan, draws: Draws, units: Experience) -> Floats:
    log_likelihood = gamma_log_likelihood if plan.frailty == "gamma" else lognormal_log_likelihood
    return log_likelihood(draws[FRAILTY[str(plan.frailty)]], units.events, units.hazard, units.before)


def _by_unit(values: Floats, unit: NDArray[np.int64]) -> Floats:
    """Columns of (S, N) added up by unit, shape (S, U)."""
    order = np.argsort(unit, kind="stable")
    starts = np.unique(unit[order], return_index=True)[1]
    return np.asarray(np.add.reduceat(values[:, order], starts, axis=1))


def _clusters(cohort: Cohort) -> NDArray[np.int64]:
    if cohort.cluster is None:
        raise FitError("these rows do not say which of them share a frailty; read them with the fit's own analysis.")
    return cohort.cluster_numbers
