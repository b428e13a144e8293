"""Collapsed rows say exactly what the rows they were made of say."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_rrmm.hazards import PiecewiseExponential, Weibull, pointwise_log_likelihood
from bayes_rrmm.hazards.collapse import by_interval, by_time, patterns

CUTS = np.array([3.0, 6.0, 12.0])


@pytest.fixture(scope="module", params=["delayed entry", "from time 0", "no covariates"])
def rows(request: pytest.FixtureRequest) -> dict[str, np.ndarray]:
    """Five hundred rows with tied times, some of them on cuts and entries, two covariates and frequency weights."""
    rng = np.random.default_rng(7)
    size = 500
    time = rng.integers(2, 40, size) / 2.0
    entry = np.where(rng.random(size) < 0.4, np.minimum(rng.integers(0, 30, size) / 2.0, time - 0.5), 0.0)
    columns = rng.integers(0, 2, (size, 2)) - np.array([0.3, 0.6])
    return {
        "columns": columns[:, :0] if request.param == "no covariates" else columns,
        "time": time,
        "event": rng.integers(0, 2, size).astype(float),
        "entry": np.zeros(size) if request.param == "from time 0" else entry,
        "weight": rng.integers(1, 4, size).astype(float),
    }


def test_piecewise_likelihood_by_interval(rows: dict[str, np.ndarray]) -> None:
    """Events and person-time by pattern and interval give the log-likelihood of the rows, at random parameters."""
    rng = np.random.default_rng(8)
    table = by_interval(rows["columns"], CUTS, *(rows[name] for name in ("time", "event", "entry", "weight")))
    for _ in range(10):
        hazards, beta = rng.normal(-2.0, 1.0, 4), rng.normal(0.0, 1.0, rows["columns"].shape[1])
        log_rate = hazards + (rows["columns"][table.first_row] @ beta)[:, None]
        collapsed = np.sum(table.events * log_rate - table.exposure * np.exp(log_rate))
        assert collapsed == pytest.approx(row_wise(PiecewiseExponential(hazards[None, :], CUTS), beta, rows), rel=1e-11)


def test_weibull_likelihood_by_time(rows: dict[str, np.ndarray]) -> None:
    """Events and net exits by pattern and distinct time give the log-likelihood of the rows, at random parameters."""
    rng = np.random.default_rng(9)
    table = by_time(rows["columns"], *(rows[name] for name in ("time", "event", "entry", "weight")))
    for _ in range(10):
        baseline = Weibull(rng.normal(-3.0, 1.0, 1), rng.normal(0.0, 0.4, 1))
        beta = rng.normal(0.0, 1.0, rows["columns"].shape[1])
        eta = rows["columns"][table.first_row] @ beta
        log_hazard = baseline.log_hazard(table.time[None, :])[0] + eta
        spent = baseline.cumulative_hazard(table.time[None, :])[0] * np.exp(eta)
        collapsed = np.sum(table.events * log_hazard - table.net_exits * spent)
        assert collapsed == pytest.approx(row_wise(baseline, beta, rows), rel=1e-11)


def row_wise(baseline: PiecewiseExponential | Weibull, beta: np.ndarray, rows: dict[str, np.ndarray]) -> float:
    """The log-likelihood summed over rows."""
    eta = (rows["columns"] @ beta)[None, :]
    return float(pointwise_log_likelihood(baseline, eta, *(rows[n] for n in ("time", "event", "entry", "weight"))).sum())


def test_nothing_is_lost(rows: dict[str, np.ndarray]) -> None:
    """Collapsing keeps the events and the person-time, and makes far fewer rows."""
    outcome = [rows[name] for name in ("time", "event", "entry", "weight")]
    table, times = by_interval(rows["columns"], CUTS, *outcome), by_time(rows["columns"], *outcome)
    events = (rows["weight"] * rows["event"]).sum()
    assert table.events.sum() == pytest.approx(events)
    assert times.events.sum() == pytest.approx(events)
    assert table.exposure.sum() == pytest.approx((rows["weight"] * (rows["time"] - rows["entry"])).sum())
    assert (times.net_exits * times.time).sum() == pytest.approx((rows["weight"] * (rows["time"] - rows["entry"])).sum())
    assert len(table.first_row) <= 4
    assert len(times.time) < 0.5 * len(rows["time"])


def test_event_on_a_cut_is_in_the_earlier_interval() -> None:
    """An event exactly on a cut counts in the interval that the cut closes, with no person-time after it."""
    one = np.ones(1)
    table = by_interval(np.zeros((1, 0)), CUTS, np.array([6.0]), one, np.zeros(1), one)
    assert table.events.tolist() == [[0, 1, 0, 0]]
    assert table.exposure.tolist() == [[3, 3, 0, 0]]


def test_patterns_are_the_distinct_rows() -> None:
    """Each row belongs to the pattern whose first row equals it."""
    columns = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    first, pattern = patterns(columns)
    np.testing.assert_array_equal(columns[first][pattern], columns)
    assert sorted(first.tolist()) == [0, 1, 3]
