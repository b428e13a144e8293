"""Occurrence over exposure: events by person-time in intervals of time, the plainest estimate of a hazard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.rows import Floats, as_rows


@dataclass(frozen=True)
class Occurrence:
    """Of each of J intervals (arrays of shape (J,)): its bounds, within which somebody was at risk, events, person-time, events
    per unit of person-time and Garwood's limits of it, exact for a Poisson count, of probability `prob`.

    Rate and limits are NaN where nobody was at risk; without an event the rate and its lower limit are 0.
    """

    start: Floats
    end: Floats
    events: Floats
    exposure: Floats
    rate: Floats
    lower: Floats
    upper: Floats
    prob: float


def occurrence(
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    cuts: ArrayLike = (),
    prob: float = 0.95,
) -> Occurrence:
    """Events over person-time in the intervals that J - 1 increasing `cuts` above 0 make; an event on a cut belongs to the earlier.

    `time`, `event`, `entry` and `weight` have shape (N,); a row is at risk from its entry. Limits: chi-square quantiles with 2 d
    and 2 d + 2 degrees of freedom over twice the person-time, d the events (Garwood 1936, Biometrika 28:437-442). The first
    interval starts at the first entry and the last ends at the last exit. Raises DataError when a column or a cut breaks a rule.
    """
    rows = as_rows(time, event, entry, weight)
    inner = np.asarray(cuts, dtype=np.float64)
    if np.any(inner <= 0) or np.any(np.diff(inner) <= 0):
        raise DataError("cuts must be above 0 and increase.")
    low, high = np.append(0.0, inner), np.append(inner, np.inf)
    inside = np.clip(np.minimum(rows.time[:, None], high) - np.maximum(rows.entry[:, None], low), 0.0, None)
    exposure = rows.weight @ inside
    interval = np.searchsorted(inner, rows.time, side="left")
    events = np.bincount(interval, weights=rows.weight * rows.event, minlength=len(low))
    with np.errstate(divide="ignore", invalid="ignore"):
        counts = np.stack([events, *garwood(events, prob)])
        rates = np.where(exposure > 0, counts / exposure, np.nan)
    return Occurrence(
        start=np.maximum(low, rows.entry.min()),
        end=np.minimum(high, rows.time.max()),
        events=events,
        exposure=exposure,
        rate=rates[0],
        lower=rates[1],
        upper=rates[2],
        prob=prob,
    )


def garwood(events: ArrayLike, prob: float = 0.95) -> tuple[Floats, Floats]:
    """Exact limits of the mean of a Poisson variable of which `events` were counted; the lower is 0 where none were."""
    counted = np.asarray(events, dtype=np.float64)
    tail = 0.5 * (1.0 - prob)
    lower = np.where(counted > 0, special.gammaincinv(np.where(counted > 0, counted, 1.0), tail), 0.0)
    return np.asarray(lower), np.asarray(special.gammaincinv(counted + 1.0, 1.0 - tail))
