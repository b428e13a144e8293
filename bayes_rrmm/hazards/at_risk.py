"""Who is at risk when, and from when enough are: where curves of subjects who enter late can begin."""

from __future__ import annotations

import math

import numpy as np

from bayes_rrmm.hazards.base import Floats

FEWEST_AT_RISK = 10.0
"""Under delayed entry curves start where this many are at risk: before, a single death can halve them."""


def weight_below(times: Floats, keys: Floats, weight: Floats, *, inclusive: bool = False) -> Floats:
    """The weight of the rows whose key is below each time, or not above it when `inclusive`. Shape (T,)."""
    order = np.argsort(keys, kind="stable")
    total = np.append(0.0, np.cumsum(weight[order]))
    return np.asarray(total[np.searchsorted(keys[order], times, side="right" if inclusive else "left")])


def present(times: Floats, time: Floats, entry: Floats, weight: Floats) -> Floats:
    """Number under observation right after each of `times`, shape (T,), of rows with these exits, entries and weights, (N,)."""
    entered = weight_below(times, entry, weight, inclusive=True)
    return entered - weight_below(times, time, weight, inclusive=True)


def first_with(fewest: float, time: Floats, entry: Floats, weight: Floats) -> float:
    """The first time right after which `fewest` are at risk; infinity if never. Where all enter at one time, as at a landmark,
    that time: nobody is still to come, and the risk set is as large as it will be."""
    if np.ptp(entry) == 0:
        return float(entry[0])
    times = np.unique(np.append(entry, 0.0))
    enough = np.flatnonzero(present(times, time, entry, weight) >= fewest)
    return float(times[enough[0]]) if len(enough) else math.inf
