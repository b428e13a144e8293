"""Posteriors and tipping points in closed form, against integration and root finding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.evidence.normal import below, quantile, two_sided
from bayes_rrmm.evidence.prior_grid import GridPrior, posterior_of, prior_grid
from bayes_rrmm.evidence.reverse_bayes import credibility
from bayes_rrmm.evidence.tipping import tipping_point, tipping_words
from bayes_rrmm.priors import Z975

RESULTS = [(-0.865, 0.345), (-0.962, 0.504), (0.045, 0.15), (0.7, 0.2), (0.0, 0.4), (-2.3, 0.05)]


def test_the_normal_distribution_without_scipy() -> None:
    """Probabilities, quantiles and two-sided p values are SciPy's, far into the tails."""
    for z in (-30.0, -8.0, -1.96, 0.0, 0.3, 5.0):
        assert below(z) == pytest.approx(stats.norm.cdf(z), rel=1e-12)
        assert two_sided(z) == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-12)
    for probability in (1e-12, 0.025, 0.5, 0.975):
        assert quantile(probability) == pytest.approx(stats.norm.ppf(probability), abs=1e-9)


def test_the_grid_is_that_of_the_specification() -> None:
    """Sceptical and enthusiastic share the sd -log(0.5)/1.645, neutral 1, vague 2.5, flat: the sceptic gives HR < 0.5 just 5 %."""
    grid = {prior.name: (prior.mean, prior.sd) for prior in prior_grid()}
    sd = -math.log(0.5) / 1.645
    assert grid == {
        "sceptical": (0.0, sd),
        "enthusiastic": (math.log(0.5), sd),
        "neutral": (0.0, 1.0),
        "vague": (0.0, 2.5),
        "flat": (0.0, math.inf),
    }
    assert stats.norm.cdf(math.log(0.5), 0.0, sd) == pytest.approx(0.05, abs=1e-4)
    assert prior_grid(2.0)[0].sd == prior_grid(0.5)[0].sd
    assert prior_grid(2.0)[1].mean == math.log(2.0)


@pytest.mark.parametrize(("log_hr", "se"), RESULTS)
def test_posteriors_are_prior_times_likelihood(log_hr: float, se: float) -> None:
    """Median, limits and both probabilities are those of the density integrated numerically."""
    own = {"trial": {"hazard_ratio": 0.7, "upper95": 1.2}, "raw": {"normal": [0.3, 0.2]}}
    for prior in prior_grid(0.5, own):
        found = posterior_of(log_hr, se, prior, 0.8)
        grid = np.linspace(log_hr - 14 * se, log_hr + 14 * se, 40_001)
        density = stats.norm.pdf(log_hr, grid, se)
        if math.isfinite(prior.sd):
            density = density * stats.norm.pdf(grid, prior.mean, prior.sd)
        area = integrate.cumulative_simpson(density, x=grid, initial=0.0)
        area /= area[-1]
        limits = np.interp([0.5, 0.025, 0.975], area, grid)
        assert [math.log(value) for value in (found.hr, found.lower, found.upper)] == pytest.approx(limits, abs=1e-5)
        chances = np.interp([0.0, math.log(0.8)], grid, area)
        assert [found.p_below_1, found.p_below_ratio] == pytest.approx(chances, abs=1e-5)
        data, belief = 1 / se**2, 0.0 if math.isinf(prior.sd) else 1 / prior.sd**2
        assert found.prior_share == pytest.approx(belief / (belief + data))


def test_the_flat_prior_gives_back_what_was_published() -> None:
    """Median and interval are the published ones, P(HR < 1) is one minus the one-sided p value."""
    found = posterior_of(-0.865, 0.345, GridPrior("flat", 0.0, math.inf), 1.0)
    assert math.log(found.upper / found.lower) == pytest.approx(2 * Z975 * 0.345)
    assert found.p_below_1 == found.p_below_ratio == pytest.approx(stats.norm.cdf(0.865 / 0.345))


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"flat": {"normal": [0, 1]}}, "'flat' is a prior of the grid already"),
        ({"mine": {"student_t": [4, 0, 1]}}, "mine: a Student t prior has no posterior in closed form"),
        ({"mine": {"hazard_ratio": 1.0, "upper95": 0.9}}, r"mine: upper95 = 0\.9 must lie above"),
        ({"mine": {"normal": [0, -1]}}, "mine: .*greater than 0"),
        ({"mine": {"half_normal": 1}}, "mine: .* is no prior for it; write one of"),
        ({"mine": 3}, "mine: a prior is a table such as"),
    ],
)
def test_a_prior_that_is_none_is_refused(own: dict[str, Any], message: str) -> None:
    """The message names the prior, what is wrong with it, and the forms there are."""
    with pytest.raises(AnalysisError, match=message):
        prior_grid(0.5, own)


@pytest.mark.parametrize("threshold", [0.8, 0.95, 0.975, 0.99])
@pytest.mark.parametrize(("log_hr", "se"), RESULTS)
def test_tipping_points_are_crossings(log_hr: float, se: float, threshold: float) -> None:
    """At the prior sd, and at the centre, that are named the probability is the threshold; where none is, it stays short of it."""
    found = tipping_point(log_hr, se, threshold, 0.42)
    side = -1.0 if found.side == "below" else 1.0

    def probability(mean: float, sd: float) -> float:
        posterior = posterior_of(log_hr, se, GridPrior("", mean, sd), 1.0)
        return posterior.p_below_1 if side < 0 else 1 - posterior.p_below_1

    sds = np.geomspace(1e-4, 1e4, 400)
    reached = np.array([probability(0.0, sd) >= threshold for sd in sds])
    assert probability(found.log_centre, 0.42) == pytest.approx(threshold, abs=1e-9)
    assert probability(found.log_centre + 0.05 * side, 0.42) > threshold
    if math.isnan(found.sd):
        assert not reached.any()
        assert found.p_flat < threshold
        assert "no crossing" in tipping_words(found)
    else:
        assert probability(0.0, found.sd) == pytest.approx(threshold, abs=1e-9)
        assert (reached == (sds >= found.sd)).all()
        by_search = optimize.brentq(lambda log_sd: probability(0.0, math.exp(log_sd)) - threshold, math.log(1e-5), math.log(1e6))
        assert found.sd == pytest.approx(math.exp(by_search), rel=1e-6)


def test_the_tipping_sd_at_0975_is_the_sceptical_limit() -> None:
    """A probability of 0.975 on one side and an interval that touches 1 are one thing, for either side of 1."""
    for sign in (-1, 1):
        low, high = sorted((sign * 0.2, sign * 1.5))
        found = tipping_point((low + high) / 2, (high - low) / (2 * Z975), 0.975, 1.0)
        assert Z975 * found.sd == pytest.approx(credibility(low, high).log_limit)
        assert found.side == ("below" if sign < 0 else "above")
