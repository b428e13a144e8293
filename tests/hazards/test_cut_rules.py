"""Where a rule puts the cut points of a piecewise baseline."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_rrmm.hazards.cuts import FEWEST_EVENTS, cut_points, default_intervals, events_by_interval
from bayes_rrmm.specification.analysis import CutRule


def cuts_of(times: list[float], rule: CutRule | tuple[float, ...] | None = None, weights: list[float] | None = None) -> list[float]:
    """The cut points for these event times, beside censored rows that must not matter."""
    time = np.array([*times, 0.01, 1e6])
    event = np.array([*([1.0] * len(times)), 0.0, 0.0])
    weight = np.array([*(weights or [1.0] * len(times)), 7.0, 7.0])
    return cut_points(rule, time, event, weight).tolist()


def counts(times: list[float], cuts: list[float]) -> list[float]:
    """Events in each interval."""
    return events_by_interval(np.array(cuts), np.array(times), np.ones(len(times))).tolist()


@pytest.mark.parametrize(
    ("events", "intervals"), [(1, 2), (10, 2), (29, 2), (30, 3), (69, 6), (99, 9), (100, 10), (101, 10), (5000, 10)]
)
def test_default_number_of_intervals(events: float, intervals: int) -> None:
    """min(10, max(2, events // 10))."""
    assert default_intervals(events) == intervals


def test_own_cuts_are_taken_as_they_are() -> None:
    """The user's cut points are kept, also where an interval holds no event."""
    assert cuts_of([1.0, 2.0], rule=(6.0, 12.0, 500.0)) == [6.0, 12.0, 500.0]


def test_equal_events_are_quantiles_of_the_event_times() -> None:
    """Forty events at distinct times in four intervals: ten each, every cut an event time that its interval keeps."""
    times = [float(t) for t in range(1, 41)]
    cuts = cuts_of(times, CutRule(rule="equal-events", intervals=4))
    assert cuts == [10.0, 20.0, 30.0]
    assert counts(times, cuts) == [10, 10, 10, 10]


def test_ties_are_never_split() -> None:
    """Events at one time stay in one interval, and no interval begins after the last event."""
    times = [1.0] * 12 + [2.0] * 12 + [7.0] * 6
    cuts = cuts_of(times, CutRule(rule="equal-events", intervals=5))
    assert cuts == [1.0, 2.0]
    assert counts(times, cuts) == [12, 12, 6]


def test_default_is_lowered_until_each_interval_holds_five() -> None:
    """Thirty events would make three intervals; one that holds four makes it two."""
    times = [1.0] * 16 + [2.0] * 10 + [3.0, 4.0, 5.0, 6.0]
    assert counts(times, cuts_of(times, CutRule(rule="equal-events", intervals=3))) == [16, 10, 4]
    assert cuts_of(times) == [1.0]
    assert counts(times, [1.0]) == [16, 14]


def test_too_few_events_leave_one_interval() -> None:
    """Nine events cannot fill two intervals of five: there is no cut."""
    assert cuts_of([float(t) for t in range(9)]) == []


def test_a_number_asked_for_is_not_lowered() -> None:
    """The user's number of intervals stands even where an interval holds fewer than five events."""
    times = [float(t) for t in range(1, 10)]
    assert counts(times, cuts_of(times, CutRule(rule="equal-events", intervals=3))) == [3, 3, 3]


def test_equal_width_reaches_to_the_last_event() -> None:
    """Intervals of one width up to the last event; censored rows beyond it do not stretch them."""
    assert cuts_of([3.0, 8.0, 20.0], CutRule(rule="equal-width", intervals=4)) == [5.0, 10.0, 15.0]


@pytest.mark.parametrize("rule", [None, CutRule(rule="equal-events", intervals=4), CutRule(rule="equal-width")])
def test_weights_count_as_rows(rule: CutRule | None) -> None:
    """Weighted rows give the cuts of as many identical rows."""
    times, weights = [1.0, 2.0, 3.5, 6.0, 9.0, 14.0, 20.0], [9.0, 3.0, 7.0, 12.0, 5.0, 8.0, 11.0]
    replicated = [time for time, weight in zip(times, weights, strict=True) for _ in range(int(weight))]
    assert cuts_of(times, rule, weights) == cuts_of(replicated, rule)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 40).map(float), min_size=1, max_size=150))
def test_default_intervals_hold_five_events_or_are_one(times: list[float]) -> None:
    """Whatever the ties: increasing cuts below the last event, five events in each interval, or a single interval."""
    cuts = cuts_of(times)
    assert cuts == sorted(set(cuts))
    assert all(cut < max(times) for cut in cuts)
    assert not cuts or min(counts(times, cuts)) >= FEWEST_EVENTS
    assert sum(counts(times, cuts)) == len(times)
