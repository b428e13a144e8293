"""The hazard of a population is minus the slope of the log of its averaged survival; its RMSTs add up along the horizon."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_rrmm.hazards import Baseline, GammaMember, NewMember, PiecewiseExponential, Weibull, lognormal_member
from bayes_rrmm.hazards.exponential import Exponential
from bayes_rrmm.reading import marginal_hazard as module
from bayes_rrmm.reading.marginal import marginal_rmst, marginal_survival
from bayes_rrmm.reading.marginal_areas import marginal_areas
from bayes_rrmm.reading.marginal_hazard import marginal_hazard

DRAWS, PATTERNS = 5, 4
TIMES = np.array([0.3, 2.0, 7.0, 11.0, 25.0])
CUTS = np.array([4.0, 9.0])
RNG = np.random.default_rng(11)
BASELINES: dict[str, Baseline] = {
    "exponential": Exponential(RNG.normal(-3.0, 0.2, DRAWS)),
    "weibull": Weibull(RNG.normal(-3.0, 0.2, DRAWS), RNG.normal(0.0, 0.4, DRAWS)),
    "piecewise": PiecewiseExponential(RNG.normal(-3.0, 0.5, (DRAWS, 3)), CUTS),
}
ETA = RNG.normal(0.0, 0.8, (DRAWS, PATTERNS))
WEIGHTS = {"shared": RNG.dirichlet(np.ones(PATTERNS)), "by draw": RNG.dirichlet(np.ones(PATTERNS), DRAWS)}
FRAILTIES: dict[str, NewMember | None] = {
    "none": None,
    "gamma": GammaMember(np.linspace(0.1, 1.5, DRAWS)),
    "log-normal": lognormal_member(np.linspace(0.2, 1.2, DRAWS)),
}


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("frailty", FRAILTIES)
@pytest.mark.parametrize("baseline", BASELINES)
def test_it_is_minus_the_slope_of_the_log_of_averaged_survival(baseline: str, frailty: str, weight: str) -> None:
    """It equals a central difference of -log S, for every baseline and frailty, with weights shared or by draw."""
    about = (ETA, WEIGHTS[weight], FRAILTIES[frailty])
    step = 1e-4 * TIMES
    after, before = (marginal_survival(BASELINES[baseline], TIMES + sign * step, *about) for sign in (1, -1))
    slope = (np.log(before) - np.log(after)) / (2 * step)
    np.testing.assert_allclose(marginal_hazard(BASELINES[baseline], TIMES, *about), slope, rtol=2e-6)


def test_with_one_pattern_it_is_the_hazard() -> None:
    """Where all are alike it is h0(t) exp(eta), and with a gamma frailty that over 1 + theta H."""
    baseline, eta, one = BASELINES["weibull"], ETA[:, :1], np.ones(1)
    grid = TIMES[None, :]
    plain, cumulative = np.exp(baseline.log_hazard(grid) + eta), baseline.cumulative_hazard(grid) * np.exp(eta)
    np.testing.assert_allclose(marginal_hazard(baseline, TIMES, eta, one), plain, rtol=1e-12)
    theta = np.linspace(0.1, 1.5, DRAWS)
    frail = marginal_hazard(baseline, TIMES, eta, one, GammaMember(theta))
    np.testing.assert_allclose(frail, plain / (1 + theta[:, None] * cumulative), rtol=1e-7)


def test_on_a_cut_it_is_that_of_the_earlier_interval() -> None:
    """A piecewise hazard jumps right after its cut."""
    baseline, eta, one = BASELINES["piecewise"], np.zeros((DRAWS, 1)), np.ones(1)
    both = marginal_hazard(baseline, np.array([4.0, np.nextafter(4.0, 5.0)]), eta, one)
    np.testing.assert_allclose(both, np.exp(baseline.log_hazards[:, :2]), rtol=1e-12)


def test_it_is_known_where_nobody_is_left() -> None:
    """Where every S is below the smallest number the hazard is that of the pattern with the least."""
    baseline = Exponential(np.zeros(1))
    eta = np.array([[0.0, 1.0]])
    np.testing.assert_allclose(marginal_hazard(baseline, np.array([2000.0]), eta, np.full(2, 0.5)), 1.0)


def test_blocks_of_draws_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken a draw at a time, with weights and frailty by draw, it is the same."""
    about = (BASELINES["weibull"], TIMES, ETA, WEIGHTS["by draw"], FRAILTIES["gamma"])
    whole = marginal_hazard(*about)
    monkeypatch.setattr(module, "BLOCK", 1)
    np.testing.assert_allclose(marginal_hazard(*about), whole, rtol=1e-12)


@pytest.mark.parametrize("frailty", FRAILTIES)
@pytest.mark.parametrize("baseline", BASELINES)
def test_areas_are_rmsts(baseline: str, frailty: str) -> None:
    """The areas up to 25 horizons equal the RMST to each, read on its own."""
    upto = np.linspace(0.0, 60.0, 26)[1:]
    about = (upto, ETA, WEIGHTS["by draw"], FRAILTIES[frailty])
    np.testing.assert_allclose(marginal_areas(BASELINES[baseline], *about), marginal_rmst(BASELINES[baseline], *about), rtol=2e-6)
