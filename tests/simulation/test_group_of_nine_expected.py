"""What a normal approximation expects of the group of nine: its closed forms against formulas by hand, and against draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.simulation.cohorts_of_nine import FOLLOW_UP, GROUP, PATIENTS, REFERENCE, TRUTHS, cohort_with, expected_events
from bayes_rrmm.simulation.normal_approximation import Expected, expected, independent_precision, pooled_precision
from bayes_rrmm.simulation.table_of_nine import COX, FIRTH, POOLED, UNPOOLED, normal_expectation

EVENTS = np.array([50.0, 30.0, 15.0, 5.0])
LEVELS = np.array([0.1, -0.2, 0.4, -0.7])
LAST_AGAINST_FIRST = np.array([-1.0, 0.0, 0.0, 1.0])
ERROR = math.sqrt(1 / 50 + 1 / 5)


def test_maximum_likelihood_is_unbiased_and_covers() -> None:
    """Without a prior: bias 0, variance 1/d + 1/d of the two groups whatever the others are, coverage 95 %, width 3.92 errors."""
    found = expected(EVENTS, LEVELS, LAST_AGAINST_FIRST, np.zeros((4, 4)))
    assert found.truth == pytest.approx(-0.8)
    assert found.bias == pytest.approx(0.0, abs=1e-12)
    assert found.sd == pytest.approx(ERROR)
    assert found.error == pytest.approx(ERROR)
    assert found.coverage == pytest.approx(0.95)
    assert found.width == pytest.approx(2 * 1.959964 * ERROR, rel=1e-6)
    assert found.below_zero == pytest.approx(norm.cdf(-1.959964 + 0.8 / ERROR))


@pytest.mark.parametrize("sd", [0.3, 1.0, 4.0])
def test_prior_on_one_log_hazard_ratio(sd: float) -> None:
    """Of two groups and the prior Normal(0, s^2): bias -truth se^2 / (se^2 + s^2), posterior sd se s / sqrt(se^2 + s^2), and
    the spread of the estimate se s^2 / (se^2 + s^2); coverage is that of a normal estimate so displaced."""
    found = expected([50, 5], [0.1, -0.7], [-1, 1], independent_precision(2, 0, sd))
    both = ERROR**2 + sd**2
    assert found.bias == pytest.approx(0.8 * ERROR**2 / both)
    assert found.error == pytest.approx(ERROR * sd / math.sqrt(both))
    assert found.sd == pytest.approx(ERROR * sd**2 / both)
    assert found.rmse == pytest.approx(math.hypot(found.bias, found.sd))
    reach = norm(found.bias, found.sd)
    half = 1.959964 * found.error
    assert found.coverage == pytest.approx(reach.cdf(half) - reach.cdf(-half), rel=1e-6)


@pytest.mark.parametrize("precision", [independent_precision(4, 0, 0.8), pooled_precision(4, 0.3)])
def test_expectation_is_that_of_draws(precision: Floats) -> None:
    """Posteriors of 200,000 draws of every group's level have the bias, spread, error, coverage and share below 0 expected."""
    rng = np.random.default_rng(20260311)
    seen = rng.normal(LEVELS, 1 / np.sqrt(EVENTS), (200_000, 4))
    covariance = np.linalg.inv(np.diag(EVENTS) + precision)
    estimate = seen * EVENTS @ covariance @ LAST_AGAINST_FIRST
    error = math.sqrt(LAST_AGAINST_FIRST @ covariance @ LAST_AGAINST_FIRST)
    found = expected(EVENTS, LEVELS, LAST_AGAINST_FIRST, precision)
    assert found.error == pytest.approx(error)
    assert found.bias == pytest.approx(np.mean(estimate) + 0.8, abs=4 * found.sd / math.sqrt(200_000))
    assert found.sd == pytest.approx(np.std(estimate), rel=0.01)
    assert found.coverage == pytest.approx(np.mean(np.abs(estimate + 0.8) < 1.959964 * error), abs=0.003)
    assert found.below_zero == pytest.approx(np.mean(estimate + 1.959964 * error < 0), abs=0.003)


def test_pooled_expectation_is_that_of_the_hierarchical_model() -> None:
    """Q of pooled levels is the one left when a mean with a flat prior is integrated out of Normal(mu, tau^2) levels."""
    tau = 0.3
    joint = np.zeros((5, 5))
    joint[:4, :4] = np.diag(EVENTS) + np.eye(4) / tau**2
    joint[4, :4] = joint[:4, 4] = -1 / tau**2
    joint[4, 4] = 4 / tau**2
    of_levels = np.linalg.inv(joint)[:4, :4]
    assert np.linalg.inv(np.diag(EVENTS) + pooled_precision(4, tau)) == pytest.approx(of_levels)


def test_a_wide_prior_expects_what_maximum_likelihood_does() -> None:
    """As s or tau grows, the prior's expectation becomes that without one."""
    free = expected(EVENTS, LEVELS, LAST_AGAINST_FIRST, np.zeros((4, 4)))
    for precision in (independent_precision(4, 0, 1e4), pooled_precision(4, 1e4)):
        found = expected(EVENTS, LEVELS, LAST_AGAINST_FIRST, precision)
        assert [found.bias, found.sd, found.error] == pytest.approx([free.bias, free.sd, free.error], abs=1e-6)


@pytest.mark.parametrize("truth", TRUTHS)
def test_events_come_as_expected(truth: float) -> None:
    """In 300 cohorts each regimen has the expected number of events, within 4 Monte Carlo errors; about half have the event, and
    everyone is followed for no longer than the design says."""
    cohorts = [cohort_with(truth, number) for number in range(1, 301)]
    counts = np.array([rows.groupby("regimen")["event"].sum().reindex(list(PATIENTS)) for rows in cohorts])
    mcse = counts.std(axis=0, ddof=1) / math.sqrt(300)
    assert (np.abs(counts.mean(axis=0) - expected_events(truth)) < 4 * mcse).all()
    assert 0.45 < counts.sum() / (300 * 257) < 0.55
    assert max(rows["months"].max() for rows in cohorts) <= FOLLOW_UP[1]
    assert min(rows.loc[rows["event"] == 0, "months"].min() for rows in cohorts) >= FOLLOW_UP[0]


def test_the_cohorts_of_both_truths_differ_in_the_nine_alone() -> None:
    """The same patients under hazard ratio 0.5: the nine have their events later or not at all, the others are unchanged."""
    one, half = (cohort_with(truth, 7) for truth in (1.0, 0.5))
    nine = one["regimen"] == GROUP
    assert nine.sum() == 9
    assert one[~nine].equals(half[~nine])
    assert (half.loc[nine, "months"] >= one.loc[nine, "months"]).all()
    assert half.loc[nine, "months"].sum() > one.loc[nine, "months"].sum()


@pytest.mark.parametrize("truth", TRUTHS)
def test_each_method_is_expected_by_its_own_prior(truth: float) -> None:
    """Cox and Firth share one expectation, from the events of the nine and of the reference; unpooled narrows it by Normal(0, 1),
    to within 2 % of the formula of two groups alone, and pooled more."""
    free = normal_expectation(truth, COX)
    events = dict(zip(PATIENTS, expected_events(truth), strict=True))
    assert free.truth == pytest.approx(math.log(truth), abs=1e-12)
    assert free.error == pytest.approx(math.sqrt(1 / events[GROUP] + 1 / events[REFERENCE]))
    assert normal_expectation(truth, FIRTH) == free
    unpooled, pooled = normal_expectation(truth, UNPOOLED), normal_expectation(truth, POOLED, tau=0.25)
    assert unpooled.error == pytest.approx(free.error / math.hypot(1, free.error), rel=0.02)
    assert unpooled.bias == pytest.approx(-math.log(truth) * free.error**2 / (1 + free.error**2), abs=0.02)
    assert pooled.error < unpooled.error < free.error


def test_an_interval_far_too_short_hardly_covers() -> None:
    """Coverage falls below its probability where the estimate is displaced by more than the interval reaches."""
    assert Expected(truth=-1.0, bias=1.0, sd=0.1, error=0.2).coverage < 1e-6
