"""Curves averaged over a population: S_a(t) = sum_k w_k S(t | a, pattern k), and what follows from them.

The weights of the K patterns have shape (K,), or (S, K) where they differ from draw to draw (gaps drawn anew).
Medians and RMSTs come from the averaged curve, never from averaging medians. Source: STATISTICS, section 3.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayes_rrmm import hazards
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.hazards import Baseline

BLOCK = 4_000_000
"""Numbers held at once while averaging; draws are taken in blocks of this many over times and patterns."""

TOLERANCE = 1e-12
STEPS = 200


def marginal_survival(baseline: Baseline, times: Floats, eta: Floats, weight: Floats) -> Floats:
    """Averaged S at each time, shape (S, T)."""
    return _averaged(lambda some, part: hazards.survival(some, times, part), baseline, eta, weight, len(times))


def marginal_conditional_survival(baseline: Baseline, times: Floats, given: float, eta: Floats, weight: Floats) -> Floats:
    """Averaged S(t) over averaged S(given), shape (S, T), also where both are too small for a floating-point number."""
    step = max(1, BLOCK // max(1, len(times) * eta.shape[1]))
    blocks = []
    for start in range(0, len(eta), step):
        some, part = baseline.take(slice(start, start + step)), eta[start : start + step]
        share = _part(weight, slice(start, start + step))
        before = hazards.cumulative_hazard(some, np.array([given]), part)
        least = before.min(axis=2, keepdims=True)
        after = hazards.cumulative_hazard(some, times, part)
        blocks.append(_mean(np.exp(least - after), share) / _mean(np.exp(least - before), share))
    return np.concatenate(blocks, axis=0)


def marginal_rmst(baseline: Baseline, upto: Floats, eta: Floats, weight: Floats) -> Floats:
    """Averaged RMST to each time, shape (S, T): the mean of the patterns' own, since integration is linear."""
    return _averaged(lambda some, part: hazards.rmst(some, upto, part), baseline, eta, weight, len(upto))


def marginal_quantile(baseline: Baseline, probability: float, eta: Floats, weight: Floats) -> Floats:
    """The time at which the averaged S falls to `probability`, shape (S,).

    It lies between the smallest and the largest quantile of the patterns; found there by bisection on log time.
    """
    step = max(1, BLOCK // eta.shape[1])
    parts = [slice(start, start + step) for start in range(0, len(eta), step)]
    return np.concatenate([_quantile(baseline.take(part), probability, eta[part], _part(weight, part)) for part in parts])


def _quantile(baseline: Baseline, probability: float, eta: Floats, weight: Floats) -> Floats:
    each = hazards.quantile(baseline, probability, eta)
    if eta.shape[1] == 1:
        return each[:, 0]
    low, high = np.log(each.min(axis=1)), np.log(each.max(axis=1))
    relative = np.exp(eta)
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        at_middle = baseline.cumulative_hazard(np.exp(middle)[:, None])
        above = _mean(np.exp(-at_middle * relative), weight) > probability
        low, high = np.where(above, middle, low), np.where(above, high, middle)
        if np.max(high - low) < TOLERANCE:
            break
    return np.exp(0.5 * (low + high))


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
