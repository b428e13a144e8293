"""Probability integral transform of the censored predictive distribution, leave-one-out. Source: STATISTICS, section 5.

ArviZ's PIT takes a censored time for that of an event, so it is not used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy import special

from bayes_rrmm.cluster_likelihood import experience
from bayes_rrmm.cohort.record import Cohort, Floats, distinct_rows
from bayes_rrmm.diagnostics.leave_one_out import TOO_HIGH
from bayes_rrmm.errors import FitError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.hazards import gamma_log_likelihood, lognormal_log_likelihood
from bayes_rrmm.parameters import FRAILTY
from bayes_rrmm.simulate import refuse_many

BLOCK = 4_000_000
"""Numbers held at once: rows x draws of one block."""
POINTS, SIMULATIONS, SEED = 100, 5_000, 20260311

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Pit:
    """`u`, shape (patients,), in no order that tells a patient: F(t) of an event, a draw from (F(t), 1) of a censored row, where F
    is the distribution that the other patients predict; `censored` of them are draws. `high_k` patients have a Pareto k above 0.7:
    theirs are not reliable."""

    u: Floats
    censored: int
    high_k: int


@dataclass(frozen=True)
class Uniformity:
    """The distribution of u less the uniform one, at `at`, shape (K,), with a simultaneous band that a sample of uniform numbers
    stays inside with probability `prob`. `p` is the share of such samples that leave the uniform one as far somewhere."""

    at: Floats
    difference: Floats
    lower: Floats
    upper: Floats
    prob: float
    p: float

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Where the difference is outside the band."""
        return (self.difference < self.lower - 1e-12) | (self.difference > self.upper + 1e-12)


def pit(fit: Fit, cohort: Cohort | None = None) -> Pit:
    """u of every patient (every row, where rows are spells), given freedom from the event at entry, gaps averaged over.

    F is weighted by Pareto-smoothed importance sampling as in leave-one-out, the row's whole subject being left out; a frailty
    is averaged over given the other subjects of its cluster: as that of a new cluster it would move the u of a whole cluster
    together, and a model that is right would leave the band. If the model is right u is uniform, that of a censored row too,
    since u is uniform on (F(c), 1) given that it is above F(c). The seed of the draws is the fit's own. A row of frequency
    weight w is w patients.
    Raises FitError where rows, or the ids of subjects, are needed and missing.
    """
    rows = cohort if cohort is not None else fit.require_cohort("the probability integral transform")
    if rows.id is None and fit.analysis.endpoint.id is not None:
        raise FitError("leave-one-out by subject needs ids, which a run folder does not keep: give the cohort, read again.")
    refuse_many(rows, "each of them has a value of its own")
    single = replace(rows, weight=np.ones(len(rows)))
    if rows.id is not None or fit.plan.frailty is not None:
        below, k = _left_out(fit, single)
    else:
        first, kind = distinct_rows(single.to_frame().assign(**{"\0entry": rows.entry}))
        chosen = np.zeros(len(rows), dtype=bool)
        chosen[first] = True
        position = np.argsort(np.argsort(first))[kind]
        below, k = (values[position] for values in _left_out(fit, single.select(chosen)))
    count = np.round(rows.weight).astype(np.int64)
    below, censored = np.repeat(below, count), np.repeat(rows.event == 0, count)
    rng = np.random.default_rng([int(fit.provenance.get("seed", fit.analysis.sampling.seed)), 6])
    u = np.where(censored, below + (1.0 - below) * rng.random(len(below)), below)
    return Pit(np.sort(u), int(censored.sum()), int(np.sum(count[~(k <= TOO_HIGH)])))


def uniformity(u: Floats, prob: float = 0.95) -> Uniformity:
    """The distribution of u, shape (N,), against the uniform one at up to 99 places, with a simultaneous band by simulation.

    At every place the number below it is binomial; the band has the pointwise probability at which `prob` of uniform samples stay
    inside everywhere (Säilynoja, Bürkner and Vehtari, Statistics and Computing 2022;32:32). The simulation's seed is fixed.
    """
    from scipy.stats import binom

    size = len(u)
    cells = max(2, min(POINTS, size))
    at = np.arange(1, cells) / cells
    rng = np.random.default_rng(SEED)
    counts = np.cumsum(rng.multinomial(size, np.full(cells, 1 / cells), SIMULATIONS), axis=1)[:, :-1]
    least = np.sort(_local_p(counts, size, at).min(axis=1))
    level = float(least[int((1.0 - prob) * SIMULATIONS)])
    observed = np.searchsorted(np.sort(u), at, side="right")
    p = (1.0 + np.sum(least <= _local_p(observed, size, at).min() * (1.0 + 1e-9))) / (SIMULATIONS + 1)
    lower, upper = binom.ppf(level / 2, size, at), size - binom.ppf(level / 2, size, 1.0 - at)
    return Uniformity(at, observed / size - at, lower / size - at, upper / size - at, prob, float(p))


def _local_p(counts: Numbers, size: int, at: Floats) -> Floats:
    """Two-sided binomial p of so many of `size` uniform numbers below each place; counts have the places last."""
    if counts.ndim == 2 and len(counts) > size + 1:  # every possible number once, and not one by one
        table = _local_p(np.broadcast_to(np.arange(size + 1)[:, None], (size + 1, len(at))), size, at)
        return np.take_along_axis(table, counts, axis=0)
    below: Floats = special.bdtr(counts.astype(np.float64), size, np.broadcast_to(at, counts.shape))
    above: Floats = special.bdtr((size - counts).astype(np.float64), size, np.broadcast_to(1.0 - at, counts.shape))
    return np.minimum(1.0, 2.0 * np.minimum(below, above))


def _left_out(fit: Fit, rows: Cohort) -> tuple[Floats, Floats]:
    """F(t) of each row as the others predict it, and the Pareto k of its subject, both of shape (N,)."""
    below, k = np.empty(len(rows)), np.empty(len(rows))
    for keep in _blocks(fit, rows):
        part = rows.select(keep)
        unit = np.unique(part.subject_numbers, return_inverse=True)[1].reshape(-1)
        log_survival = _log_survival(fit, part)
        weights, found = zip(*map(_log_weights, _by_subject(fit, part, unit).T), strict=True)
        log_above = special.logsumexp(np.stack(weights, axis=1)[:, unit] + log_survival, axis=0)
        below[keep], k[keep] = -np.expm1(np.minimum(log_above, 0.0)), np.array(found)[unit]
    return below, k


def _log_survival(fit: Fit, part: Cohort) -> Floats:
    """log S of each row at its time given freedom from the event at entry, shape (S, N); with a frailty, given the outcomes of the
    other subjects of its cluster too, all of which are in `part`."""
    alone = replace(part, event=np.zeros(len(part)), id=None)
    if fit.plan.frailty is None:
        return fit.log_likelihood(alone)
    cluster, subject = part.cluster_numbers, part.subject_numbers
    cells, cell = np.unique(np.column_stack([subject, cluster]), axis=0, return_inverse=True)
    whole, own = (experience(fit.plan, fit.draws, part, unit) for unit in (cluster, cell.reshape(-1)))
    others = whole.of(cells[:, 1]).without(own).of(cell.reshape(-1))
    row = experience(fit.plan, fit.draws, alone, np.arange(len(part)))
    averaged = gamma_log_likelihood if fit.plan.frailty == "gamma" else lognormal_log_likelihood
    spread, before = fit.draws[FRAILTY[str(fit.plan.frailty)]], others.before + row.before
    by_time = averaged(spread, others.events, others.hazard + row.hazard, before)
    return np.asarray(by_time - averaged(spread, others.events, others.hazard, before))


def _by_subject(fit: Fit, part: Cohort, unit: Numbers) -> Floats:
    """Log-likelihood of each subject, given the others of its cluster where there is a frailty, shape (S, U)."""
    if fit.plan.frailty is not None:
        return fit.log_likelihood_of_subjects(part)
    summed = np.zeros((int(unit.max()) + 1, fit.shape[0] * fit.shape[1]))
    np.add.at(summed, unit, fit.log_likelihood(part).T)
    return np.asarray(summed.T)


def _log_weights(log_likelihood: Floats) -> tuple[Floats, float]:
    """Log of the smoothed weights of the draws without a subject, adding up to 1, and its Pareto k."""
    try:
        with np.errstate(all="ignore"):  # one draw may outweigh all others by more than numbers hold: k is then not a number
            weights, k = array_stats.psislw(log_likelihood)
    except ValueError:  # the largest weights are one value repeated: a stuck chain, or a subject that says nothing
        weights, k = -log_likelihood, math.inf if np.ptp(log_likelihood) else 0.0
    weights = weights if np.isfinite(special.logsumexp(weights)) else -log_likelihood
    return np.asarray(weights - special.logsumexp(weights)), float(k)


def _blocks(fit: Fit, rows: Cohort) -> Iterator[NDArray[np.bool_]]:
    """The rows in blocks of whole subjects, and of whole clusters where there is a frailty, small enough for all draws at once."""
    subject, draws = rows.subject_numbers, fit.shape[0] * fit.shape[1]
    together = subject if fit.plan.frailty is None else _connected(subject, rows.cluster_numbers)
    block_of = np.cumsum(np.bincount(together)) // max(1, BLOCK // draws)
    for block in np.unique(block_of):
        yield block_of[together] == block


def _connected(subject: Numbers, cluster: Numbers) -> Numbers:
    """The clusters, or one block of all where somebody is in several."""
    cells = np.unique(np.column_stack([subject, cluster]), axis=0)
    return cluster if len(np.unique(cells[:, 0])) == len(cells) else np.zeros_like(cluster)
