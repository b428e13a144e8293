"""Where the hazard of a piecewise-exponential model changes: cut points by rule, learnt from the event times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_rrmm.hazards.base import Floats
from bayes_rrmm.specification.analysis import CutRule

FEWEST_EVENTS = 5
"""Events that each interval of the default rule must hold."""


def default_intervals(events: float) -> int:
    """min(10, max(2, events // 10))."""
    return min(10, max(2, int(events) // 10))


def cut_points(rule: CutRule | tuple[float, ...] | None, time: Floats, event: Floats, weight: Floats) -> Floats:
    """The cut points, shape (J - 1,): the user's own, or by rule from the times of the events (weights count events).

    Without a number of intervals, equal-events lowers the default until each interval holds at least 5 events.
    """
    if isinstance(rule, tuple):
        return np.asarray(rule, dtype=np.float64)
    rule = rule or CutRule(rule="equal-events")
    happened = event > 0
    times, inverse = np.unique(time[happened], return_inverse=True)
    counts = np.bincount(inverse, weights=weight[happened])
    total = float(counts.sum())
    intervals = rule.intervals or default_intervals(total)
    if rule.rule == "equal-width":
        return np.asarray(times[-1] * np.arange(1, intervals) / intervals)
    cuts = _equal_events(times, counts, intervals)
    while rule.intervals is None and len(cuts) and np.min(events_by_interval(cuts, times, counts)) < FEWEST_EVENTS:
        intervals -= 1
        cuts = _equal_events(times, counts, intervals)
    return cuts


def events_by_interval(cuts: Floats, times: Floats, counts: Floats) -> Floats:
    """Events in each of the J intervals; one on a cut belongs to the earlier interval. Shape (J,)."""
    interval: NDArray[np.int64] = np.searchsorted(cuts, times, side="left")
    return np.asarray(np.bincount(interval, weights=counts, minlength=len(cuts) + 1))


def _equal_events(times: Floats, counts: Floats, intervals: int) -> Floats:
    """Event times at which the share of events first reaches 1/J, 2/J, ...: an event on its cut stays in the interval it closes."""
    share = np.cumsum(counts) / counts.sum()
    wanted = np.arange(1, intervals) / intervals
    cuts = np.unique(times[np.searchsorted(share, wanted - 1e-12)])
    return np.asarray(cuts[cuts < times[-1]])
