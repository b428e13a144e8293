"""What must hold of every baseline, whatever its parameters: searched for counterexamples by hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bayes_rrmm.hazards import (
    Baseline,
    Exponential,
    PiecewiseExponential,
    Weibull,
    conditional_survival,
    quantile,
    rmst,
    survival,
)

search = settings(max_examples=80, deadline=None, derandomize=True)
log_rates = st.floats(-8.0, 3.0)
log_shapes = st.floats(-3.0, 3.0)
etas = arrays(np.float64, (1, 2), elements=st.floats(-4.0, 4.0))
times = st.lists(st.floats(1e-3, 200.0), min_size=2, max_size=6, unique=True).map(lambda values: np.array(sorted(values)))


@st.composite
def baselines(draw: st.DrawFn) -> Baseline:
    """One draw of any family."""
    family = draw(st.sampled_from(["exponential", "weibull", "piecewise"]))
    rate = draw(log_rates)
    if family == "exponential":
        return Exponential(np.array([rate]))
    if family == "weibull":
        return Weibull(np.array([rate]), np.array([draw(log_shapes)]))
    cuts = draw(st.lists(st.floats(0.01, 150.0), min_size=1, max_size=4, unique=True).map(sorted))
    hazards = draw(st.lists(log_rates, min_size=len(cuts) + 1, max_size=len(cuts) + 1))
    return PiecewiseExponential(np.array([hazards]), np.array(cuts))


@search
@given(baselines(), etas, times)
def test_survival_falls_from_one(baseline: Baseline, eta: np.ndarray, at: np.ndarray) -> None:
    """S starts at 1, never rises, and stays a probability."""
    curve = survival(baseline, np.concatenate([[0.0], at]), eta)
    np.testing.assert_array_equal(curve[:, 0, :], 1.0)
    assert (np.diff(curve, axis=1) <= 1e-15).all()
    assert ((curve >= 0) & (curve <= 1)).all()


@search
@given(baselines(), etas, times)
def test_rmst_lies_between_its_bounds(baseline: Baseline, eta: np.ndarray, at: np.ndarray) -> None:
    """RMST is at most the horizon, at least horizon x S(horizon), and grows with the horizon by at most the step."""
    mean, curve = rmst(baseline, at, eta), survival(baseline, at, eta)
    horizon = at[None, :, None]
    assert (mean <= horizon * (1 + 1e-9)).all()
    assert (mean >= horizon * curve * (1 - 1e-9)).all()
    growth, step = np.diff(mean, axis=1), np.diff(horizon, axis=1)
    assert (growth >= -1e-9 * horizon[:, 1:]).all()
    assert (growth <= step + 1e-9 * horizon[:, 1:]).all()


@search
@given(baselines(), etas, times)
def test_conditional_survival_is_never_below_survival(baseline: Baseline, eta: np.ndarray, at: np.ndarray) -> None:
    """Having survived so far can only raise the chance to reach a later time."""
    conditional = conditional_survival(baseline, at[1:], float(at[0]), eta)
    assert (conditional >= survival(baseline, at[1:], eta) - 1e-15).all()
    assert (conditional <= 1).all()


@search
@given(baselines(), etas, st.floats(0.02, 0.98), st.floats(0.02, 0.98))
def test_lower_survival_comes_later(baseline: Baseline, eta: np.ndarray, first: float, second: float) -> None:
    """The time at which S falls to a smaller probability is never earlier, and S there is that probability."""
    high, low = max(first, second), min(first, second)
    early, late = quantile(baseline, high, eta), quantile(baseline, low, eta)
    assert (early <= late).all()
    reached = np.exp(-baseline.cumulative_hazard(late) * np.exp(eta))
    np.testing.assert_allclose(reached, low, rtol=1e-8)


@search
@given(baselines(), st.floats(-3.0, 3.0), st.floats(0.01, 3.0), times)
def test_higher_hazard_is_worse(baseline: Baseline, eta: float, more: float, at: np.ndarray) -> None:
    """A patient of higher log relative hazard has lower survival, RMST and median."""
    pair = np.array([[eta, eta + more]])
    for curve in (survival(baseline, at, pair), rmst(baseline, at, pair)):
        assert (curve[:, :, 1] <= curve[:, :, 0] * (1 + 1e-9)).all()
    median = quantile(baseline, 0.5, pair)
    assert (median[:, 1] <= median[:, 0]).all()
