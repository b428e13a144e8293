"""The frailty averaged over: clusters' likelihood and a new member's survival, against numerical integration over w."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from bayes_rrmm.hazards import GammaMember, NewMember, gamma_log_likelihood, lognormal_log_likelihood, lognormal_member

Density = Callable[[Any], Any]
"""A log density at a number, or at every number of an array."""
EVENTS = (0, 1, 2, 7)
HAZARDS = (0.0, 0.02, 0.7, 4.0, 60.0)
GAMMA_SPREADS = (1e-7, 0.05, 0.5, 1.0, 2.5)
LOG_NORMAL_SPREADS = (0.03, 0.5, 1.0, 2.0)
LIMITS = {0.03: 1e-11, 0.5: 1e-11, 1.0: 1e-10, 2.0: 1e-5}
"""How near the log-normal integral is, by tau: Gauss-Hermite quadrature with a fixed number of nodes."""


def integrated(density: Density, events: int, hazard: float) -> float:
    """log E[w^D exp(-w H)], w = exp(u), u of this log density, by adaptive quadrature around the largest value."""

    def exponent(u: Any) -> Any:
        return density(u) + events * u - hazard * np.exp(u)

    grid = np.linspace(-60, 60, 40_001)
    values = exponent(grid)
    top, best = values.max(), grid[values.argmax()]
    inside = grid[values > top - 60]
    pieces = np.unique([inside[0], *(best + np.array([-3, -1, -0.3, -0.1, 0, 0.1, 0.3, 1, 3])), inside[-1]])
    pieces = pieces[(pieces >= inside[0]) & (pieces <= inside[-1])]
    pairs = itertools.pairwise(pieces)
    rule = {"epsabs": 1e-15, "epsrel": 1e-13, "limit": 200}
    return top + math.log(sum(integrate.quad(lambda u: math.exp(exponent(u) - top), *pair, **rule)[0] for pair in pairs))


def gamma_density(theta: float) -> Density:
    """Log density of u = log w, w gamma with mean 1 and variance theta."""
    k = 1 / theta
    return lambda u: k * math.log(k) - math.lgamma(k) + k * u - k * np.exp(u)


def normal_density(tau: float) -> Density:
    return lambda u: -0.5 * (u / tau) ** 2 - math.log(tau) - 0.5 * math.log(2 * math.pi)


@pytest.mark.parametrize("theta", GAMMA_SPREADS[1:])
@pytest.mark.parametrize("before", [0.0, 0.4, 3.0])
def test_gamma_likelihood_is_the_integral(theta: float, before: float) -> None:
    """For every number of events and hazard the closed form is the quadrature, given survival to entry where there is one."""
    survived = integrated(gamma_density(theta), 0, before)
    for events in EVENTS:
        for hazard in HAZARDS:
            found = gamma_log_likelihood(np.array([theta]), np.array([events]), np.array([[hazard]]), np.array([[before]]))
            assert found[0, 0] == pytest.approx(integrated(gamma_density(theta), events, before + hazard) - survived, abs=1e-9)


@pytest.mark.parametrize("tau", LOG_NORMAL_SPREADS)
@pytest.mark.parametrize("before", [0.0, 0.4, 3.0])
def test_lognormal_likelihood_is_the_integral(tau: float, before: float) -> None:
    """The fixed Gauss-Hermite rule is as near to adaptive quadrature as it says, from almost no frailty to an sd of 2."""
    survived = integrated(normal_density(tau), 0, before)
    events = np.array(EVENTS)
    for hazard in HAZARDS:
        level = np.full((1, len(EVENTS)), hazard)
        found = lognormal_log_likelihood(np.array([tau]), events, level, np.full((1, len(EVENTS)), before))
        wanted = [integrated(normal_density(tau), count, before + hazard) - survived for count in EVENTS]
        np.testing.assert_allclose(found[0], wanted, rtol=0, atol=LIMITS[tau])


@pytest.mark.parametrize("function", [gamma_log_likelihood, lognormal_log_likelihood])
def test_no_frailty_is_the_limit(function: Callable[..., np.ndarray]) -> None:
    """As its spread goes to 0 the likelihood is that of independent rows: minus the hazard while at risk."""
    hazard = np.array([[0.0, 0.3, 9.0]])
    found = function(np.array([1e-9]), np.array([0, 3, 50]), hazard, np.full((1, 3), 2.0))
    np.testing.assert_allclose(found, -hazard, rtol=0, atol=1e-5)


MEMBERS = {
    **{f"gamma, theta {theta:g}": (GammaMember(np.array([theta])), gamma_density(theta)) for theta in GAMMA_SPREADS[1:]},
    **{f"log-normal, tau {tau:g}": (lognormal_member(np.array([tau])), normal_density(tau)) for tau in LOG_NORMAL_SPREADS},
}


@pytest.mark.parametrize(("member", "density"), MEMBERS.values(), ids=MEMBERS.keys())
def test_a_new_member_s_survival_is_the_average(member: NewMember, density: Density) -> None:
    """S(t) = E[exp(-w H(t))] to 1e-6, also between and beyond the points of the table, and 1 at H = 0."""
    hazards = np.array([1e-9, 3e-4, 0.011, 0.2, 0.69, 1.7, 6.3, 41.0, 900.0])
    found = np.exp(-member.population_hazard(hazards[None, :]))[0]
    wanted = [math.exp(integrated(density, 0, hazard)) for hazard in hazards]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)
    assert np.exp(-member.population_hazard(np.zeros((1, 1)))) == 1.0


@pytest.mark.parametrize(("member", "density"), MEMBERS.values(), ids=MEMBERS.keys())
def test_the_inverse_undoes_it(member: NewMember, density: Density) -> None:
    """The hazard at which a new member's survival is 0.9, 0.5 or 0.01 gives that survival back."""
    for survival in (0.9, 0.5, 0.01):
        hazard = member.inverse(-math.log(survival))
        assert np.exp(-member.population_hazard(hazard[:, None])) == pytest.approx(survival, rel=1e-9)


def test_each_draw_keeps_its_own_frailty() -> None:
    """Draws of several spreads at once are those of each spread alone, whole or in part, at hazards of any shape."""
    tau, hazard = np.array([0.3, 1.5, 0.8]), stats.expon.rvs(size=(3, 4, 2), random_state=1)
    together, parted = lognormal_member(tau), lognormal_member(tau).take(slice(1, 3))
    np.testing.assert_array_equal(parted.population_hazard(hazard[1:]), together.population_hazard(hazard)[1:])
    for draw, one in enumerate(tau):
        alone = lognormal_member(np.array([one])).population_hazard(hazard[draw : draw + 1])
        np.testing.assert_allclose(together.population_hazard(hazard)[draw], alone[0], rtol=1e-13)
    gamma = GammaMember(tau).take(slice(2, 3)).population_hazard(hazard[2:])
    np.testing.assert_allclose(gamma[0], np.log1p(0.8 * hazard[2]) / 0.8, rtol=1e-13)
