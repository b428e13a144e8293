"""Averaged curves against a statement of their own: pattern by pattern, draw by draw, integrals over time and frailty.

Nothing here uses what the curves use: hazards are written out, cumulative hazards are integrals of them, and a frailty is averaged
over on a grid of its own.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from bayes_rrmm.hazards import Baseline, GammaMember, NewMember, PiecewiseExponential, Weibull, lognormal_member
from bayes_rrmm.hazards.exponential import Exponential
from bayes_rrmm.reading import averaged_curve as module
from bayes_rrmm.reading.averaged_curve import AveragedCurve

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


Situation = tuple[float | np.ndarray, bool, bool]
SITUATIONS: list[Situation] = [
    (0.0, False, False),
    (6.0, False, False),
    (np.array([0.0, 2.5, 6.0, 11.0]), True, False),
    (6.0, False, True),
]
"""Start, whether each pattern has a clock of its own, and whether the frailty is counted from the start."""


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("frailty", FRAILTIES)
@pytest.mark.parametrize("baseline", BASELINES)
def test_hazard_is_minus_the_slope_of_the_log_of_survival(baseline: str, frailty: str, weight: str) -> None:
    """It equals a central difference of -log G, for every baseline and frailty, with weights shared or by draw, from 0, from
    a later start of all, of each pattern on its own clock, and with a frailty that is counted from the start."""
    step = 1e-4 * TIMES
    for start, own_clock, anew in SITUATIONS:
        curve = AveragedCurve(BASELINES[baseline], ETA, WEIGHTS[weight], FRAILTIES[frailty], start, own_clock, anew)
        times = TIMES if own_clock else TIMES + np.max(start)
        after, before = (curve.survival(times + sign * step) for sign in (1, -1))
        slope = (np.log(before) - np.log(after)) / (2 * step)
        np.testing.assert_allclose(curve.hazard(times), slope, rtol=2e-6)


def test_with_one_pattern_it_is_the_hazard() -> None:
    """Where all are alike it is h0(t) exp(eta), and with a gamma frailty that over 1 + theta H."""
    baseline, eta, one = BASELINES["weibull"], ETA[:, :1], np.ones(1)
    grid = TIMES[None, :]
    plain, cumulative = np.exp(baseline.log_hazard(grid) + eta), baseline.cumulative_hazard(grid) * np.exp(eta)
    np.testing.assert_allclose(AveragedCurve(baseline, eta, one).hazard(TIMES), plain, rtol=1e-12)
    theta = np.linspace(0.1, 1.5, DRAWS)
    frail = AveragedCurve(baseline, eta, one, GammaMember(theta)).hazard(TIMES)
    np.testing.assert_allclose(frail, plain / (1 + theta[:, None] * cumulative), rtol=1e-7)


def test_on_a_cut_it_is_that_of_the_earlier_interval() -> None:
    """A piecewise hazard jumps right after its cut."""
    baseline, eta, one = BASELINES["piecewise"], np.zeros((DRAWS, 1)), np.ones(1)
    both = AveragedCurve(baseline, eta, one).hazard(np.array([4.0, np.nextafter(4.0, 5.0)]))
    np.testing.assert_allclose(both, np.exp(baseline.log_hazards[:, :2]), rtol=1e-12)


def test_it_is_known_where_nobody_is_left() -> None:
    """Where every S is below the smallest number the hazard is that of the pattern with the least."""
    baseline = Exponential(np.zeros(1))
    eta = np.array([[0.0, 1.0]])
    for start in (0.0, 1000.0):
        curve = AveragedCurve(baseline, eta, np.full(2, 0.5), start=start)
        np.testing.assert_allclose(curve.hazard(np.array([2000.0])), 1.0)
        np.testing.assert_allclose(curve.conditional(np.array([2001.0]), 2000.0), np.exp(-1.0))


def test_blocks_of_draws_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken a draw at a time, with weights, frailty and start, every reading is the same."""
    curve = AveragedCurve(BASELINES["weibull"], ETA, WEIGHTS["by draw"], FRAILTIES["gamma"], 3.0)
    readings: list[Callable[[], np.ndarray]] = [
        lambda: curve.hazard(TIMES + 3.0),
        lambda: curve.survival(TIMES + 3.0),
        lambda: curve.conditional(TIMES + 8.0, 7.0),
        lambda: curve.rmst(TIMES + 3.0),
        lambda: curve.quantile(0.5),
    ]
    whole = [read() for read in readings]
    monkeypatch.setattr(module, "BLOCK", 1)
    for read, before in zip(readings, whole, strict=True):
        np.testing.assert_allclose(read(), before, rtol=1e-9)


@pytest.mark.parametrize("start", [0.0, 5.0])
@pytest.mark.parametrize("frailty", FRAILTIES)
@pytest.mark.parametrize("baseline", BASELINES)
def test_areas_are_rmsts(baseline: str, frailty: str, start: float) -> None:
    """The areas up to 25 horizons equal the RMST to each, read on its own."""
    upto = start + np.linspace(0.0, 60.0, 26)[1:]
    curve = AveragedCurve(BASELINES[baseline], ETA, WEIGHTS["by draw"], FRAILTIES[frailty], start)
    np.testing.assert_allclose(curve.areas(upto), curve.rmst(upto), rtol=2e-6)


def hazard_by_hand(baseline: str, draw: int, time: float) -> float:
    """h0(t) of one draw, written out."""
    known = BASELINES[baseline]
    if isinstance(known, Exponential):
        return float(np.exp(known.log_rate[draw]))
    if isinstance(known, Weibull):
        shape = np.exp(known.log_shape[draw])
        return float(np.exp(known.log_rate[draw]) * shape * time ** (shape - 1.0))
    assert isinstance(known, PiecewiseExponential)
    return float(np.exp(known.log_hazards[draw, int(np.sum(time > CUTS))]))


def by_integration(hazard: Callable[[float], float], low: float, high: float) -> float:
    """An integral, in pieces between the cuts."""
    ends = [low, *(cut for cut in CUTS if low < cut < high), high]
    return sum(integrate.quad(hazard, start, end, epsabs=0, epsrel=1e-9)[0] for start, end in itertools.pairwise(ends))


@functools.cache
def frailty_by_hand(frailty: str, draw: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of w and their probabilities, on a grid of quantiles."""
    share = (np.arange(20_000) + 0.5) / 20_000
    if frailty == "gamma":
        theta = np.linspace(0.1, 1.5, DRAWS)[draw]
        values = stats.gamma.ppf(share, 1 / theta, scale=theta)
    elif frailty == "log-normal":
        values = np.exp(np.linspace(0.2, 1.2, DRAWS)[draw] * stats.norm.ppf(share))
    else:
        return np.ones(1), np.ones(1)
    return values, np.full(len(share), 1 / len(share))


def survival_by_hand(baseline: str, frailty: str, draw: int, time: float, situation: Situation) -> float:
    """G(t) of one draw: over the patterns, of those of each who are there at its start, w averaged over among them."""
    start, own_clock, anew = situation
    starts = np.broadcast_to(start, PATTERNS)
    values, chances = frailty_by_hand(frailty, draw)
    total = 0.0
    for pattern in range(PATTERNS):
        end = time + starts[pattern] if own_clock else time
        relative = np.exp(ETA[draw, pattern])
        whole = relative * by_integration(lambda u: hazard_by_hand(baseline, draw, u), 0.0, end)
        before = relative * by_integration(lambda u: hazard_by_hand(baseline, draw, u), 0.0, float(starts[pattern]))
        if anew:
            alive = chances @ np.exp(-values * (whole - before))
        else:
            alive = (chances @ np.exp(-values * whole)) / (chances @ np.exp(-values * before))
        total += WEIGHTS["by draw"][draw, pattern] * alive
    return float(total)


@pytest.mark.parametrize("situation", range(4))
@pytest.mark.parametrize("frailty", FRAILTIES)
@pytest.mark.parametrize("baseline", BASELINES)
def test_survival_median_and_rmst_are_those_by_hand(baseline: str, frailty: str, situation: int) -> None:
    """S(t), S(t | s), the median and the RMST of one draw equal a plain statement of each: integrals of hazards, means over
    patterns and frailties, a root and an area."""
    about, draw = SITUATIONS[situation], 3
    start, own_clock, anew = about
    curve = AveragedCurve(BASELINES[baseline], ETA, WEIGHTS["by draw"], FRAILTIES[frailty], start, own_clock, anew)
    begin = 0.0 if own_clock else float(np.max(start))
    close = 1e-7 if frailty == "none" else 2e-4  # the grid by hand has a tail

    def by_hand(time: float) -> float:
        return survival_by_hand(baseline, frailty, draw, time, about)

    first, second = begin + 4.0, begin + 13.0
    np.testing.assert_allclose(curve.survival(np.array([first, second]))[draw], [by_hand(first), by_hand(second)], rtol=close)
    np.testing.assert_allclose(curve.conditional(np.array([second]), first)[draw], by_hand(second) / by_hand(first), rtol=close)
    median = optimize.brentq(lambda time: by_hand(time) - 0.5, begin + 1e-6, begin + 500.0, xtol=1e-8)
    np.testing.assert_allclose(curve.quantile(0.5)[draw], median, rtol=10 * close)
    nodes, shares = np.polynomial.legendre.leggauss(40)
    times = begin + 9.0 * (0.5 * (nodes + 1.0)) ** 3  # own clocks have corners at different times
    weights = 9.0 * 1.5 * (0.5 * (nodes + 1.0)) ** 2 * shares
    area = sum(by_hand(time) * weight for time, weight in zip(times.tolist(), weights.tolist(), strict=True))
    np.testing.assert_allclose(curve.rmst(np.array([begin + 9.0]))[draw, 0], area, rtol=max(close, 1e-4))
