"""The log-likelihood of a row against the formula written out with scalars."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bayes_rrmm.hazards import Baseline, Exponential, PiecewiseExponential, Weibull, pointwise_log_likelihood

RATE, SHAPE = (-3.0, -1.5), (0.7, 1.9)
PIECES, CUTS = ((-3.0, -2.0, -1.0), (-1.0, -2.5, -3.0)), (4.0, 9.0)
TIME = np.array([0.5, 4.0, 4.1, 9.0, 30.0, 12.0])
EVENT = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 1.0])
ENTRY = np.array([0.0, 0.0, 3.9, 4.0, 10.0, 0.2])
WEIGHT = np.array([1.0, 2.0, 1.0, 3.0, 1.0, 5.0])
ETA = np.array([[0.1, -0.4, 1.0, 0.0, -2.0, 0.7], [0.3, 0.2, -0.1, 0.9, 0.0, -1.0]])


def exponential(draw: int, time: float) -> tuple[float, float]:
    """h0 and H0 at `time`."""
    rate = math.exp(RATE[draw])
    return rate, rate * time


def weibull(draw: int, time: float) -> tuple[float, float]:
    """h0 and H0 at `time`."""
    shape, rate = SHAPE[draw], math.exp(RATE[draw])
    return (rate * shape * time ** (shape - 1) if time else math.nan), rate * time**shape


def piecewise(draw: int, time: float) -> tuple[float, float]:
    """h0 and H0 at `time`; an event on a cut is in the earlier piece."""
    hazards = [math.exp(value) for value in PIECES[draw]]
    lows, highs = (0.0, *CUTS), (*CUTS, math.inf)
    total = sum(h * max(0.0, min(time, high) - low) for h, low, high in zip(hazards, lows, highs, strict=True))
    here = next(h for h, high in zip(hazards, highs, strict=True) if time <= high)
    return here, total


FAMILIES = {
    "exponential": (Exponential(np.array(RATE)), exponential),
    "weibull": (Weibull(np.array(RATE), np.log(SHAPE)), weibull),
    "piecewise": (PiecewiseExponential(np.array(PIECES), np.array(CUTS)), piecewise),
}
family = pytest.mark.parametrize(("baseline", "scalar"), FAMILIES.values(), ids=FAMILIES.keys())


@family
def test_rows_match_the_formula(baseline: Baseline, scalar) -> None:
    """w [ d log h(t) - (H(t) - H(e)) ], with delayed entry, weights, and events on cuts."""
    expected = np.empty((2, len(TIME)))
    for s in range(2):
        for i in range(len(TIME)):
            hazard, at_exit = scalar(s, TIME[i])
            at_entry = scalar(s, ENTRY[i])[1]
            relative = math.exp(ETA[s, i])
            log_hazard = math.log(hazard * relative) if EVENT[i] else 0.0
            expected[s, i] = WEIGHT[i] * (log_hazard - (at_exit - at_entry) * relative)
    found = pointwise_log_likelihood(baseline, ETA, TIME, EVENT, ENTRY, WEIGHT)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@family
def test_a_weight_is_that_many_rows(baseline: Baseline, scalar) -> None:
    """A frequency weight says the same as so many identical rows."""
    weighted = pointwise_log_likelihood(baseline, ETA, TIME, EVENT, ENTRY, WEIGHT).sum(axis=1)
    rows = np.repeat(np.arange(len(TIME)), WEIGHT.astype(int))
    ones = np.ones(len(rows))
    replicated = pointwise_log_likelihood(baseline, ETA[:, rows], TIME[rows], EVENT[rows], ENTRY[rows], ones).sum(axis=1)
    np.testing.assert_allclose(weighted, replicated, rtol=1e-12)


@family
def test_a_subject_cut_in_two_spells_is_one_subject(baseline: Baseline, scalar) -> None:
    """Censoring a subject at a time and letting it enter again there changes nothing."""
    eta = np.array([[0.4, 0.4], [-0.3, -0.3]])
    whole = pointwise_log_likelihood(baseline, eta[:, :1], np.array([11.0]), np.ones(1), np.array([1.0]), np.ones(1))
    spells = pointwise_log_likelihood(baseline, eta, np.array([4.0, 11.0]), np.array([0.0, 1.0]), np.array([1.0, 4.0]), np.ones(2))
    np.testing.assert_allclose(spells.sum(axis=1), whole[:, 0], rtol=1e-12)
