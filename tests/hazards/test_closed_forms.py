"""The closed forms of each baseline against quadrature, finite differences and each other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma

from bayes_rrmm.hazards import (
    Baseline,
    Exponential,
    PiecewiseExponential,
    Weibull,
    conditional_survival,
    cumulative_hazard,
    log_hazard,
    quantile,
    rmst,
    survival,
)

CUTS = np.array([2.0, 5.0, 9.0])
FAMILIES: dict[str, Baseline] = {
    "exponential": Exponential(np.array([-3.0, -1.0, 0.4])),
    "weibull": Weibull(np.array([-4.0, -2.0, -0.5]), np.log([0.6, 1.0, 2.3])),
    "piecewise": PiecewiseExponential(np.array([[-3.0, -2.0, -4.0, -1.0], [-1.0, -1.5, -0.5, -2.0], [0.1, -2.0, 0.3, -0.2]]), CUTS),
}
TIMES = np.array([0.05, 0.7, 2.0, 3.3, 5.0, 8.9, 20.0])
ETA = np.array([[0.0, -0.8], [0.5, 1.1], [-1.2, 0.3]])

family = pytest.mark.parametrize("baseline", FAMILIES.values(), ids=FAMILIES.keys())


def integral(function, upto: float) -> float:
    """Quadrature from 0 to `upto`, in pieces between the cut points so that no jump lies inside one."""
    edges = [0.0, *(cut for cut in CUTS if cut < upto), upto]
    return sum(quad(function, low, high, epsabs=1e-13, epsrel=1e-12)[0] for low, high in pairwise(edges))


@family
def test_cumulative_hazard_is_the_integral_of_the_hazard(baseline: Baseline) -> None:
    """H0(t) equals the quadrature of exp(log h0), for every draw and time."""
    for draw in range(baseline.size):
        one = baseline.take(slice(draw, draw + 1))
        expected = [integral(lambda u, one=one: np.exp(one.log_hazard(np.array([u]))[0]), time) for time in TIMES]
        np.testing.assert_allclose(one.cumulative_hazard(TIMES[None, :])[0], expected, rtol=1e-9)


@family
def test_hazard_is_the_slope_of_the_cumulative_hazard(baseline: Baseline) -> None:
    """exp(log h(t)) equals a central difference of H(t), for every draw, time between cuts, and patient."""
    between, step = np.array([0.3, 1.1, 3.3, 7.7, 12.0]), 1e-5
    slope = (cumulative_hazard(baseline, between + step, ETA) - cumulative_hazard(baseline, between - step, ETA)) / (2 * step)
    np.testing.assert_allclose(np.exp(log_hazard(baseline, between, ETA)), slope, rtol=1e-7)


@family
def test_functions_of_time_have_draws_times_patients(baseline: Baseline) -> None:
    """Each curve has shape (S, T, N) and each quantile (S, N)."""
    for values in (survival(baseline, TIMES, ETA), rmst(baseline, TIMES, ETA), conditional_survival(baseline, TIMES, 0.01, ETA)):
        assert values.shape == (3, len(TIMES), 2)
    assert quantile(baseline, 0.5, ETA).shape == (3, 2)


@family
def test_values_of_their_own_for_each_draw(baseline: Baseline) -> None:
    """An array whose first axis is the draws' is read draw by draw."""
    times = np.array([[0.4, 2.0], [5.0, 6.5], [9.0, 11.0]])
    for function in (baseline.log_hazard, baseline.cumulative_hazard, baseline.inverse_cumulative_hazard):
        together = function(times)
        for draw in range(3):
            alone = getattr(baseline.take(slice(draw, draw + 1)), function.__name__)(times[draw : draw + 1])
            np.testing.assert_array_equal(together[draw], alone[0])


@family
@pytest.mark.parametrize("probability", [0.999, 0.9, 0.5, 0.1, 1e-6])
def test_quantile_inverts_survival(baseline: Baseline, probability: float) -> None:
    """Survival at the quantile of p is p, and the inverse of H0 at H0(t) is t."""
    times = quantile(baseline, probability, ETA)
    reached = np.exp(-baseline.cumulative_hazard(times) * np.exp(ETA))
    np.testing.assert_allclose(reached, probability, rtol=1e-10)
    there = np.broadcast_to(TIMES, (3, len(TIMES)))
    np.testing.assert_allclose(baseline.inverse_cumulative_hazard(baseline.cumulative_hazard(there)), there, rtol=1e-12)


@family
def test_inverse_starts_at_zero(baseline: Baseline) -> None:
    """No hazard has been spent at time 0."""
    np.testing.assert_array_equal(baseline.inverse_cumulative_hazard(np.zeros((1, 2))), np.zeros((3, 2)))
    np.testing.assert_array_equal(baseline.cumulative_hazard(np.zeros((1, 2))), np.zeros((3, 2)))


@family
@pytest.mark.parametrize("upto", [1e-6, 0.5, 2.0, 7.0, 60.0])
def test_rmst_is_the_integral_of_survival(baseline: Baseline, upto: float) -> None:
    """RMST equals the quadrature of S, for every draw and patient."""
    values = rmst(baseline, np.array([upto]), ETA)[:, 0, :]
    for draw in range(3):
        one = baseline.take(slice(draw, draw + 1))
        for patient in range(2):
            eta = ETA[draw : draw + 1, patient : patient + 1]
            expected = integral(lambda u, one=one, eta=eta: survival(one, np.array([u]), eta).item(), upto)
            assert values[draw, patient] == pytest.approx(expected, rel=1e-9, abs=0.0)


@family
def test_conditional_survival_is_a_ratio(baseline: Baseline) -> None:
    """S(t | free at s) is S(t) / S(s), and 1 at s itself."""
    given = 2.0
    later = np.array([2.0, 3.3, 9.0, 14.0])
    ratio = survival(baseline, later, ETA) / survival(baseline, np.array([given]), ETA)
    np.testing.assert_allclose(conditional_survival(baseline, later, given, ETA), ratio, rtol=1e-12)
    np.testing.assert_array_equal(conditional_survival(baseline, np.array([given]), given, ETA), np.ones((3, 1, 2)))


@family
def test_take_keeps_the_draws_asked_for(baseline: Baseline) -> None:
    """take(slice) is the same baseline with those draws, in every quantity."""
    part = baseline.take(slice(1, 3))
    assert part.size == 2
    np.testing.assert_array_equal(log_hazard(part, TIMES, ETA[1:]), log_hazard(baseline, TIMES, ETA)[1:])
    np.testing.assert_array_equal(rmst(part, TIMES, ETA[1:]), rmst(baseline, TIMES, ETA)[1:])
    np.testing.assert_array_equal(quantile(part, 0.5, ETA[1:]), quantile(baseline, 0.5, ETA)[1:])


def test_pieces_are_closed_on_the_right() -> None:
    """The hazard on a cut is that of the interval it closes; just after it, that of the next."""
    baseline = FAMILIES["piecewise"]
    assert isinstance(baseline, PiecewiseExponential)
    np.testing.assert_array_equal(baseline.log_hazard(CUTS[None, :]), baseline.log_hazards[:, :3])
    np.testing.assert_array_equal(baseline.log_hazard(np.nextafter(CUTS, np.inf)[None, :]), baseline.log_hazards[:, 1:])
    own = np.broadcast_to(CUTS, (3, 3))
    np.testing.assert_array_equal(baseline.log_hazard(own), baseline.log_hazards[:, :3])


def test_families_meet_where_they_are_the_same() -> None:
    """A Weibull of shape 1 and equal pieces are the exponential, in every quantity."""
    rate = np.array([-3.0, -1.0, 0.4])
    exponential = Exponential(rate)
    for other in (Weibull(rate, np.zeros(3)), PiecewiseExponential(np.repeat(rate[:, None], 4, axis=1), CUTS)):
        for function in (log_hazard, cumulative_hazard, survival, rmst):
            np.testing.assert_allclose(function(other, TIMES, ETA), function(exponential, TIMES, ETA), rtol=1e-12)
        np.testing.assert_allclose(quantile(other, 0.3, ETA), quantile(exponential, 0.3, ETA), rtol=1e-12)


def weibull_rmst(log_rate: float, shape: float, upto: float) -> float:
    """RMST by quadrature over log time, which resolves survival however early it falls."""

    def integrand(log_time: float) -> float:
        return np.exp(log_time - np.exp(min(log_rate + shape * log_time, 700.0)))

    peak = min((-np.log(shape) - log_rate) / shape, np.log(upto))
    low, high = peak - 60.0, np.log(upto)
    edges = np.unique(np.clip(peak + np.array([-60.0, -20.0, -5.0, -1.0, 0.0, 1.0, 5.0, 20.0, 60.0, 1e3]), low, high))
    return sum(quad(integrand, a, b, epsrel=1e-12, epsabs=0.0, limit=200)[0] for a, b in pairwise(edges))


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")  # pieces whose integral underflows to 0
@pytest.mark.parametrize("shape", [0.05, 0.1, 0.5, 1.0, 3.0, 20.0])
@pytest.mark.parametrize("hazard_at_end", [1e-12, 0.99e-8, 1.01e-8, 1e-3, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("upto", [1e-3, 60.0, 1e6])
def test_weibull_rmst_over_the_whole_range(shape: float, hazard_at_end: float, upto: float) -> None:
    """RMST stays right from a flat to an abrupt hazard, from almost no events to almost only events, at any horizon."""
    log_rate = np.log(hazard_at_end) - shape * np.log(upto)
    closed = Weibull(np.array([log_rate]), np.log([shape])).restricted_mean(np.array([upto]), np.zeros(1))
    assert closed[0] == pytest.approx(weibull_rmst(log_rate, shape, upto), rel=1e-10, abs=0.0)


def test_weibull_rmst_grows_to_the_mean() -> None:
    """With a horizon far beyond the last event, RMST is the mean, scale x Gamma(1 + 1/shape)."""
    shape, scale = np.array([0.5, 1.0, 4.0]), 7.0
    baseline = Weibull(-shape * np.log(scale), np.log(shape))
    np.testing.assert_allclose(baseline.restricted_mean(np.array([1e6]), np.zeros(1)), scale * gamma(1 + 1 / shape), rtol=1e-10)


@pytest.mark.parametrize("eta", [-700.0, -300.0, -40.0])
@family
def test_rmst_without_hazard_is_the_horizon(baseline: Baseline, eta: float) -> None:
    """As the hazard goes to 0, nobody has the event and RMST goes to the horizon, without a warning."""
    np.testing.assert_allclose(rmst(baseline, np.array([30.0]), np.full((3, 1), eta)), 30.0, rtol=1e-12)


@pytest.mark.parametrize("rate", [1e-15, 0.9e-12, 1.1e-12, 1e-9, 1e-5, 1e-3, 1.0, 1e3])
def test_exponential_rmst_loses_no_digits(rate: float) -> None:
    """(1 - exp(-rate t)) / rate keeps its digits for the smallest rates."""
    value = Exponential(np.log([rate])).restricted_mean(np.array([1.0]), np.zeros(1))[0]
    series = sum((-rate) ** k / gamma(k + 2) for k in range(6)) if rate < 0.01 else (1 - np.exp(-rate)) / rate
    assert value == pytest.approx(series, rel=1e-14, abs=0.0)
