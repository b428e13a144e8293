"""Events over person-time by hand, Garwood's limits by chi-square, and Cox in windows against Cox on each window's rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist import cox
from bayes_rrmm.frequentist.occurrence import garwood, occurrence
from bayes_rrmm.frequentist.windows import windowed_cox

TIME = np.array([2.0, 5.0, 5.0, 8.0, 12.0])
EVENT = np.array([1, 1, 0, 0, 1])
ENTRY = np.array([0.0, 0.0, 3.0, 6.0, 1.0])
WEIGHT = np.array([1.0, 2.0, 1.0, 3.0, 1.0])


def test_rates_by_hand() -> None:
    """Late entries, weights and an event on a cut: 3 events in 2 + 2x5 + 2 + 4 to time 5, 1 in 3x2 + 7 after it."""
    found = occurrence(TIME, EVENT, ENTRY, WEIGHT, cuts=[5.0])
    np.testing.assert_array_equal(found.events, [3, 1])
    np.testing.assert_array_equal(found.exposure, [18, 13])
    np.testing.assert_allclose(found.rate, [3 / 18, 1 / 13])
    np.testing.assert_array_equal(found.start, [0, 5])
    np.testing.assert_array_equal(found.end, [5, 12])


def test_everything_in_one_interval() -> None:
    """Without cuts it is all events over all person-time, from the first entry to the last exit."""
    late = ENTRY + 0.5
    found = occurrence(TIME, EVENT, late, WEIGHT)
    assert found.exposure[0] == pytest.approx(WEIGHT @ (TIME - late))
    assert (found.start[0], found.end[0], found.events[0]) == (0.5, 12.0, 4.0)


@pytest.mark.parametrize("prob", [0.8, 0.95])
def test_garwood_is_chi_square(prob: float) -> None:
    """The limits are chi-square quantiles with 2 d and 2 d + 2 degrees of freedom, halved; without an event the lower is 0."""
    events = np.arange(0, 30)
    lower, upper = garwood(events, prob)
    tail = (1 - prob) / 2
    np.testing.assert_allclose(lower[1:], stats.chi2.ppf(tail, 2 * events[1:]) / 2, rtol=1e-10)
    np.testing.assert_allclose(upper, stats.chi2.ppf(1 - tail, 2 * events + 2) / 2, rtol=1e-10)
    assert lower[0] == 0.0
    found = occurrence(TIME, EVENT, ENTRY, WEIGHT, cuts=[5.0], prob=prob)
    np.testing.assert_allclose(found.upper, stats.chi2.ppf(1 - tail, [8, 4]) / 2 / [18, 13])
    np.testing.assert_allclose(found.lower, stats.chi2.ppf(tail, [6, 2]) / 2 / [18, 13])


def test_where_nobody_is_at_risk_nothing_is_known() -> None:
    """An interval before the first entry has no rate; one without an event has the rate 0 and an upper limit."""
    found = occurrence([9.0, 11.0], [0, 1], [6.0, 6.0], cuts=[5.0, 9.5])
    assert np.isnan([found.rate[0], found.lower[0], found.upper[0]]).all()
    assert (found.rate[1], found.lower[1]) == (0.0, 0.0)
    assert found.upper[1] == pytest.approx(-np.log(0.025) / 6.5)


@pytest.mark.parametrize("cuts", [[0.0, 3.0], [4.0, 4.0], [5.0, 2.0]])
def test_cuts_that_are_none_are_refused(cuts: list[float]) -> None:
    """Cuts are above 0 and increase."""
    with pytest.raises(DataError, match="above 0 and increase"):
        occurrence(TIME, EVENT, cuts=cuts)


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    size = 150
    group = rng.integers(0, 2, size)
    entry = np.where(rng.random(size) < 0.3, 1.0, 0.0)
    time = np.round(entry + rng.exponential(np.where(group == 1, 6.0, 10.0)) + 0.05, 2)
    columns = {"time": time, "event": rng.integers(0, 2, size), "entry": entry, "weight": rng.integers(1, 3, size)}
    return {**columns, "design": np.column_stack([group, rng.normal(size=size)])}


def in_window(rows: dict[str, np.ndarray], low: float, high: float) -> tuple[np.ndarray, ...]:
    """Exits, events, entries and weights of the rows at risk in (low, high], and which they are."""
    keep = (rows["time"] > low) & (rows["entry"] < high)
    time, entry = np.minimum(rows["time"], high)[keep], np.maximum(rows["entry"], low)[keep]
    return time, (rows["event"] * (rows["time"] <= high))[keep], entry, rows["weight"][keep], keep


def test_with_every_column_by_window_it_is_cox_in_each(rows: dict[str, np.ndarray]) -> None:
    """Where all effects may change, the windows share nothing: each has the estimate and error of Cox on its own rows."""
    cuts = (2.0, 6.0)
    design = rows["design"][:, :1]
    columns = (rows["time"], rows["event"], rows["entry"], rows["weight"])
    found = windowed_cox(design, ["group"], ["group"], *columns, cuts=cuts)
    for window, (low, high) in enumerate(zip((0.0, *cuts), (*cuts, np.inf), strict=True)):
        *outcome, keep = in_window(rows, low, high)
        alone = cox(design[keep], ["group"], *outcome).contrast([1.0])
        np.testing.assert_allclose(found.contrast(window, [1.0]), alone, rtol=1e-6)
    np.testing.assert_array_equal(found.start, [0, 2, 6])
    assert found.end[-1] == rows["time"].max()


def test_one_window_is_cox(rows: dict[str, np.ndarray]) -> None:
    """Without a cut it is the Cox model of all columns."""
    columns = (rows["time"], rows["event"], rows["entry"], rows["weight"])
    found = windowed_cox(rows["design"], ["group", "x"], ["group"], *columns)
    whole = cox(rows["design"], ["group", "x"], *columns)
    np.testing.assert_allclose(found.contrast(0, [1.0]), whole.contrast([1.0, 0.0]), rtol=1e-8)
    assert found.model.log_likelihood == pytest.approx(whole.log_likelihood)


def test_a_window_without_the_group_says_nothing(rows: dict[str, np.ndarray]) -> None:
    """Where nobody of a group is at risk in a window its column has no coefficient there, and elsewhere it has."""
    group = rows["design"][:, 0]
    short = np.where(group == 1, np.minimum(rows["time"], 4.0), rows["time"])
    keep = short > rows["entry"]
    columns = [values[keep] for values in (short, rows["event"], rows["entry"], rows["weight"])]
    found = windowed_cox(rows["design"][keep], ["group", "x"], ["group"], *columns, cuts=(4.0,))
    assert np.isfinite(found.contrast(0, [1.0])).all()
    assert np.isnan(found.contrast(1, [1.0])[0])
    assert found.contrast(1, [1.0])[2:] == (-np.inf, np.inf)
