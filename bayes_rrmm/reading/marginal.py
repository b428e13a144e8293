"""Curves averaged over a population: S_a(t) = sum_k w_k S(t | a, pattern k), and what follows from them.

The weights of the K patterns have shape (K,), or (S, K) where they differ from draw to draw (gaps drawn anew).
With a frailty S is that of a member of a new cluster, averaged over the frailty too. Medians and RMSTs come from the
averaged curve, never from averaging medians. Source: STATISTICS, section 3.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from bayes_rrmm import hazards
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.hazards import Baseline, NewMember

BLOCK = 4_000_000
"""Numbers held at once while averaging; draws are taken in blocks of this many over times and patterns."""

TOLERANCE = 1e-12
STEPS = 200

NODES, POWER = 32, 4
"""Gauss-Legendre nodes of an RMST without closed form, in each interval; the first is stretched, t = upto v^POWER, since a
Weibull's curve may start vertically."""


def marginal_survival(
    baseline: Baseline, times: Floats, eta: Floats, weight: Floats, frailty: NewMember | None = None
) -> Floats:
    """Averaged S at each time, shape (S, T)."""
    step = max(1, BLOCK // max(1, len(times) * eta.shape[1]))
    blocks = []
    for start in range(0, len(eta), step):
        part = slice(start, start + step)
        hazard = _population_hazard(baseline, times, eta, frailty, part)
        blocks.append(_mean(np.exp(-hazard), _part(weight, part)))
    return np.concatenate(blocks, axis=0)


def marginal_conditional_survival(
    baseline: Baseline, times: Floats, given: float, eta: Floats, weight: Floats, frailty: NewMember | None = None
) -> Floats:
    """Averaged S(t) over averaged S(given), shape (S, T), also where both are too small for a floating-point number."""
    step = max(1, BLOCK // max(1, len(times) * eta.shape[1]))
    blocks = []
    for start in range(0, len(eta), step):
        part = slice(start, start + step)
        share = _part(weight, part)
        before = _population_hazard(baseline, np.array([given]), eta, frailty, part)
        least = before.min(axis=2, keepdims=True)
        after = _population_hazard(baseline, times, eta, frailty, part)
        blocks.append(_mean(np.exp(least - after), share) / _mean(np.exp(least - before), share))
    return np.concatenate(blocks, axis=0)


def marginal_rmst(baseline: Baseline, upto: Floats, eta: Floats, weight: Floats, frailty: NewMember | None = None) -> Floats:
    """Averaged RMST to each time, shape (S, T): the mean of the patterns' own, since integration is linear.

    With a frailty it is the integral of the averaged curve, by quadrature exact to 1e-6 of it.
    """
    if frailty is None:
        return _averaged(lambda some, part: hazards.rmst(some, upto, part), baseline, eta, weight, len(upto))
    columns = []
    for end in upto.tolist():
        times, share = _quadrature(end, getattr(baseline, "cuts", np.empty(0)))
        columns.append(marginal_survival(baseline, times, eta, weight, frailty) @ share)
    return np.stack(columns, axis=1)


def _quadrature(upto: float, cuts: Floats) -> tuple[Floats, Floats]:
    """Times from 0 to `upto` and their weights in an integral over curves that are smooth between the cuts."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    nodes, weights = 0.5 * (nodes + 1.0), 0.5 * weights
    ends = np.array([0.0, *cuts[cuts < upto], upto])
    times = [ends[1] * nodes**POWER, *(low + (high - low) * nodes for low, high in itertools.pairwise(ends[1:]))]
    shares = [ends[1] * POWER * nodes ** (POWER - 1) * weights, *(width * weights for width in np.diff(ends[1:]))]
    return np.concatenate(times), np.concatenate(shares)


def marginal_quantile(
    baseline: Baseline, probability: float, eta: Floats, weight: Floats, frailty: NewMember | None = None
) -> Floats:
    """The time at which the averaged S falls to `probability`, shape (S,).

    It lies between the smallest and the largest quantile of the patterns; found there by bisection on log time.
    """
    step = max(1, BLOCK // eta.shape[1])
    parts = [slice(start, start + step) for start in range(0, len(eta), step)]
    blocks = []
    for part in parts:
        some = None if frailty is None else frailty.take(part)
        blocks.append(_quantile(baseline.take(part), probability, eta[part], _part(weight, part), some))
    return np.concatenate(blocks)


def _quantile(baseline: Baseline, probability: float, eta: Floats, weight: Floats, frailty: NewMember | None) -> Floats:
    each = hazards.quantile(baseline, probability, eta)
    if frailty is not None:
        needed = frailty.inverse(-np.log(probability))[:, None]
        each = baseline.inverse_cumulative_hazard(needed * np.exp(-eta))
    if eta.shape[1] == 1:
        return each[:, 0]
    low, high = np.log(each.min(axis=1)), np.log(each.max(axis=1))
    relative = np.exp(eta)
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        at_middle = baseline.cumulative_hazard(np.exp(middle)[:, None])
        hazard = at_middle * relative
        hazard = hazard if frailty is None else frailty.population_hazard(hazard)
        above = _mean(np.exp(-hazard), weight) > probability
        low, high = np.where(above, middle, low), np.where(above, high, middle)
        if np.max(high - low) < TOLERANCE:
            break
    return np.exp(0.5 * (low + high))


def _population_hazard(baseline: Baseline, times: Floats, eta: Floats, frailty: NewMember | None, draws: slice) -> Floats:
    """Cumulative hazard of each pattern in some of the draws, its frailty averaged over; shape (., T, K)."""
    hazard = hazards.cumulative_hazard(baseline.take(draws), times, eta[draws])
    return hazard if frailty is None else frailty.take(draws).population_hazard(hazard)


def _averaged(
    curve: Callable[[Baseline, Floats], Floats], baseline: Baseline, eta: Floats, weight: Floats, times: int
) -> Floats:
    step = max(1, BLOCK // max(1, times * eta.shape[1]))
    blocks = []
    for start in range(0, len(eta), step):
        part = slice(start, start + step)
        blocks.append(_mean(curve(baseline.take(part), eta[part]), _part(weight, part)))
    return np.concatenate(blocks, axis=0)


def _part(weight: Floats, draws: slice) -> Floats:
    return weight if weight.ndim == 1 else weight[draws]


def _mean(values: Floats, weight: Floats) -> Floats:
    """Weighted mean over the last axis; values (S, ..., K), weights (K,) or (S, K)."""
    return np.asarray(values @ weight if weight.ndim == 1 else np.einsum("s...k,sk->s...", values, weight))
