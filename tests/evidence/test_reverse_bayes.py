"""Sceptical and advocacy limits do what their definition says, on both sides of 1, and where an interval ends at 1."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from bayes_rrmm.evidence.reverse_bayes import credibility, credibility_words, limit_text, rounding_decides

Z = float(stats.norm.ppf(0.975))
SIGNIFICANT = [(0.214, 0.829), (1.2, 4.7), (0.9, 0.99), (1.01, 3.21), (0.01, 0.5), (0.5, 0.9999)]
OPEN = [(0.142, 1.026), (0.78, 1.403), (0.5, 1.9), (0.98, 5.0), (0.3, 1.5), (0.999, 1.2)]


def posterior(low: float, high: float, mean: float, sd: float) -> tuple[float, float]:
    """95 % limits of log HR by numerical integration of prior times likelihood: no conjugate formula."""
    centre, se = (low + high) / 2, (high - low) / (2 * Z)
    peak = optimize.minimize_scalar(lambda x: (x - mean) ** 2 / sd**2 + (x - centre) ** 2 / se**2).x
    reach = 12 * min(sd, se)
    grid = np.linspace(peak - reach, peak + reach, 20_001)
    values = stats.norm.pdf(grid, mean, sd) * stats.norm.pdf(grid, centre, se)
    area = integrate.cumulative_simpson(values, x=grid, initial=0.0)
    limits = np.interp([0.025, 0.975], area / area[-1], grid)
    return float(limits[0]), float(limits[1])


@pytest.mark.parametrize(("lower", "upper"), SIGNIFICANT)
def test_the_sceptical_limit_makes_the_interval_touch_1(lower: float, upper: float) -> None:
    """The prior with 95 % interval 1/S to S, centred at 1, leaves one posterior limit at 1; a wider one does not reach it."""
    low, high = math.log(lower), math.log(upper)
    found = credibility(low, high)
    assert found.kind == "sceptical"
    assert found.log_limit > 0
    near = 1 if high < 0 else 0
    tau = found.log_limit / Z
    assert posterior(low, high, 0.0, tau)[near] == pytest.approx(0.0, abs=2e-5 * tau)
    wider = posterior(low, high, 0.0, 1.2 * tau)
    assert wider[0] * wider[1] > 0


@pytest.mark.parametrize(("lower", "upper"), OPEN)
def test_the_advocacy_limit_makes_the_interval_touch_1(lower: float, upper: float) -> None:
    """The prior with 95 % interval from 1 to A leaves the posterior limit on the side of 1 at 1; A is on the estimate's side."""
    low, high = math.log(lower), math.log(upper)
    found = credibility(low, high)
    assert found.kind == "advocacy"
    assert found.log_limit * (low + high) > 0
    mean, tau = found.log_limit / 2, abs(found.log_limit) / (2 * Z)
    near = 1 if mean < 0 else 0
    assert posterior(low, high, mean, tau)[near] == pytest.approx(0.0, abs=2e-4 * min(tau, high - low))


def test_the_formulas_are_those_of_the_paper() -> None:
    """Matthews's closed forms, written out, give the same limits."""
    for lower, upper in SIGNIFICANT:
        written = math.exp(math.log(upper / lower) ** 2 / (4 * math.sqrt(math.log(upper) * math.log(lower))))
        assert credibility(math.log(lower), math.log(upper)).limit == pytest.approx(written)
    for lower, upper in OPEN:
        power = -math.log(upper * lower) * math.log(upper / lower) ** 2 / (2 * math.log(upper) * math.log(lower))
        assert credibility(math.log(lower), math.log(upper)).log_limit == pytest.approx(power)


@pytest.mark.parametrize(("lower", "upper"), OPEN)
def test_any_evidence_within_the_advocacy_limit_suffices(lower: float, upper: float) -> None:
    """Priors whose own interval lies between 1 and A exclude 1 together with the result; one that goes beyond A does not."""
    low, high = math.log(lower), math.log(upper)
    limit = credibility(low, high).log_limit
    centre, se = (low + high) / 2, (high - low) / (2 * Z)
    rng = np.random.default_rng(5)
    for ends in np.sort(rng.uniform(0, 1, (200, 2)), axis=1):
        mean, sd = limit * ends.mean(), abs(limit) * (ends[1] - ends[0]) / (2 * Z)
        z = (mean / sd**2 + centre / se**2) / math.sqrt(1 / sd**2 + 1 / se**2)
        assert z * np.sign(limit) > Z
    mean, sd = 1.1 * limit / 2, 1.1 * abs(limit) / (2 * Z)
    assert abs(mean / sd**2 + centre / se**2) / math.sqrt(1 / sd**2 + 1 / se**2) < Z


def test_credible_by_itself_is_a_bound_on_p() -> None:
    """An estimate is beyond its sceptical limit where z > 1.96 sqrt(golden ratio), p < 0.0127 (Matthews 2018), on both sides."""
    bound = Z * math.sqrt((1 + math.sqrt(5)) / 2)
    assert 2 * stats.norm.sf(bound) == pytest.approx(0.0127, abs=5e-5)
    for sign in (-1, 1):
        for se in (0.1, 0.345, 1.5):
            for factor, credible in ((0.999, False), (1.001, True)):
                estimate = sign * factor * bound * se
                assert credibility(estimate - Z * se, estimate + Z * se).credible is credible


def test_the_mirror_image_has_the_mirrored_limit() -> None:
    """An interval and that of its reciprocal hazard ratio: the same sceptical limit, the reciprocal advocacy limit."""
    for lower, upper in SIGNIFICANT:
        here, there = credibility(math.log(lower), math.log(upper)), credibility(-math.log(upper), -math.log(lower))
        assert (here.limit, here.credible) == (pytest.approx(there.limit), there.credible)
    for lower, upper in OPEN:
        here, there = credibility(math.log(lower), math.log(upper)), credibility(-math.log(upper), -math.log(lower))
        assert here.log_limit == pytest.approx(-there.log_limit)


@pytest.mark.parametrize(
    ("lower", "upper", "kind", "shown", "says"),
    [
        (0.5, 1.0, "touching", "infinite", "ends at 1 as printed, so the limit is infinite"),
        (1.0, 2.0, "touching", "infinite", "any evidence for the estimate's side"),
        (0.5, 2.0, "none", "1.00", "centred at 1"),
        (0.5, 0.99999, "sceptical", "> 1000", "nearly everyone is such a doubter"),
        (1.00001, 2.0, "sceptical", "> 1000", "nearly everyone is such a doubter"),
        (
            0.142,
            1.026,
            "advocacy",
            "< 0.001",
            "beside other evidence whose own 95 % interval lies below 1, be it as wide as 0.001 to 1",
        ),
        (0.974, 7.0, "advocacy", "> 1000", "whose own 95 % interval lies above 1, be it as wide as 1 to 1000"),
        (0.78, 1.403, "advocacy", "1.20", "between 1 and 1.20"),
        (0.713, 1.282, "advocacy", "0.83", "between 0.83 and 1"),
    ],
)
def test_limits_at_and_near_1_are_explained(lower: float, upper: float, kind: str, shown: str, says: str) -> None:
    """An interval that ends at 1 has an infinite limit, one that nearly does is bounded in print, and the words say why."""
    low, high = math.log(lower), math.log(upper)
    found = credibility(low, high)
    assert (found.kind, found.shown) == (kind, shown)
    assert says in credibility_words(found, low, high)


def test_limits_are_printed_within_bounds() -> None:
    """Two decimals, three below 0.1, and a bound where neither says anything."""
    shown = [limit_text(math.log(value)) for value in (0.0009, 0.012, 0.5, 2.349, 999.0, 1001.0)]
    assert shown == ["< 0.001", "0.012", "0.50", "2.35", "999.00", "> 1000"]
    assert (limit_text(-1e6), limit_text(1e6)) == ("< 0.001", "> 1000")


@pytest.mark.parametrize(
    ("lower", "upper", "half", "decides"),
    [(0.5, 1.0, 0.005, True), (0.5, 0.996, 0.005, True), (0.5, 0.98, 0.005, False), (0.78, 1.403, 0.0005, False)],
)
def test_rounding_that_decides_is_noticed(lower: float, upper: float, half: float, decides: bool) -> None:
    """A limit as near to 1 as its last printed decimal could be on either side."""
    low, high = math.log(lower), math.log(upper)
    assert rounding_decides(credibility(low, high), low, high, half) is decides
