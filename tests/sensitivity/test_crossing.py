"""Crossings: those of a normal model to the grid's precision, none where there is none, and Monte Carlo error around them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bayes_rrmm.evidence.tipping import tipping_point
from bayes_rrmm.sensitivity.crossing import CENTRES, SCALES, crossing, normal_probability

LOG_HR, SE = -0.865, 0.345
NO_ERROR = np.zeros(len(SCALES))


def by_sd(log_hr: float, se: float) -> np.ndarray:
    return np.array([normal_probability(log_hr, se, 0.0, sd) for sd in SCALES])


def test_the_sd_is_that_of_the_closed_form() -> None:
    """Of normal probabilities on the default grid the crossing lies within 1 % of the formula's."""
    found = crossing(np.log(SCALES), by_sd(LOG_HR, SE), NO_ERROR, 0.975)
    np.testing.assert_allclose(math.exp(found.at), tipping_point(LOG_HR, SE, 0.975, 1.0).sd, rtol=0.01)
    assert found.low == found.at == found.high


@pytest.mark.parametrize("sd", [0.4, 1.0, 2.0])
def test_the_centre_is_that_of_the_closed_form(sd: float) -> None:
    """P falls with the centre; where it crosses agrees with the formula, on the scale of normal quantiles exactly linear."""
    p = [normal_probability(LOG_HR, 0.5, math.log(centre), sd) for centre in CENTRES]
    found = crossing(np.log(CENTRES), p, np.zeros(len(CENTRES)), 0.975)
    expected = tipping_point(LOG_HR, 0.5, 0.975, sd).log_centre
    if abs(expected) < math.log(4):
        np.testing.assert_allclose(found.at, expected, atol=1e-6)
    else:
        assert not found.is_there


def test_no_crossing_is_an_answer() -> None:
    """Data too weak for any prior centred at 1, and probabilities that are beyond the threshold everywhere, have none."""
    weak = crossing(np.log(SCALES), by_sd(-0.3, 0.4), NO_ERROR, 0.975)
    assert not weak.is_there
    np.testing.assert_allclose(weak.end, 0.773, atol=0.002)
    assert not crossing(np.log(SCALES), np.full(len(SCALES), 0.99), NO_ERROR, 0.975).is_there
    assert not crossing([1.0], [0.5], [0.0], 0.975).is_there


def test_monte_carlo_error_moves_it_within_its_limits() -> None:
    """Of 200 noisy curves the true crossing lies between the limits in 90 % or more, and failed refits (NaN) are left out."""
    rng = np.random.default_rng(5)
    truth = math.log(tipping_point(LOG_HR, SE, 0.975, 1.0).sd)
    p = by_sd(LOG_HR, SE)
    error = np.sqrt(p * (1 - p) / 2000)
    inside = 0
    for _ in range(200):
        noisy = rng.normal(p, error)
        noisy[rng.integers(len(p))] = math.nan
        found = crossing(np.log(SCALES), noisy, error, 0.975)
        inside += found.is_there and (math.isnan(found.low) or found.low <= truth <= found.high)
    assert inside >= 180
