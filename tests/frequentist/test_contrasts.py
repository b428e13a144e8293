"""Contrasts of two independent groups: survival, restricted mean and median."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from r_results import study

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist import (
    kaplan_meier,
    median_difference,
    median_ratio,
    rmst_difference,
    rmst_ratio,
    survival_difference,
    survival_ratio,
)

Z = 1.959963984540054


def curve_of(time, event, label="", entry=None, weight=None):
    return kaplan_meier(time, event, entry, weight, label=label)


@pytest.mark.parametrize(
    ("name", "groups", "upto"), [("gehan", ("6-MP", "control"), 20.0), ("aml", ("Maintained", "Nonmaintained"), 40.0)]
)
def test_is_that_of_r_group_by_group(name, groups, upto):
    """Estimate and error are those of the two curves, which match R's; the limits are Wald's."""
    data = study(name)
    one, other = (curve_of(*data.endpoint(data.of(group))[:2], label=group) for group in groups)
    difference, error, lower, upper = rmst_difference(one, other, upto, prob=0.9)
    assert difference == pytest.approx(one.rmst(upto)[0] - other.rmst(upto)[0])
    assert error == pytest.approx(math.sqrt(one.rmst(upto)[1] ** 2 + other.rmst(upto)[1] ** 2))
    assert_allclose([lower, upper], [difference - 1.6448536269514722 * error, difference + 1.6448536269514722 * error])


def test_without_censoring_it_is_a_difference_of_means():
    """Without censoring: the difference of the means of min(T, upto), with the two-sample standard error."""
    rng = np.random.default_rng(1)
    times = rng.exponential(20, 40), rng.exponential(12, 31)
    means = [np.minimum(time, 15.0) for time in times]
    found = rmst_difference(*(curve_of(time, np.ones(len(time))) for time in times), 15.0)
    expected = means[0].mean() - means[1].mean(), math.sqrt(sum(mean.var() / len(mean) for mean in means))
    assert_allclose(found[:2], expected, rtol=1e-12)


def test_without_censoring_survival_is_binomial():
    """Without censoring: the difference and ratio of two shares, with the binomial errors of shares and of their logarithms."""
    rng = np.random.default_rng(2)
    times = rng.exponential(20, 40), rng.exponential(12, 31)
    one, other = (curve_of(time, np.ones(len(time))) for time in times)
    share, size = np.array([np.mean(time > 9.0) for time in times]), np.array([40, 31])
    error = math.sqrt(np.sum(share * (1 - share) / size))
    expected = share[0] - share[1], error, share[0] - share[1] - Z * error, share[0] - share[1] + Z * error
    assert_allclose(survival_difference(one, other, 9.0), expected, rtol=1e-12)
    ratio, error = share[0] / share[1], math.sqrt(np.sum((1 - share) / (share * size)))
    expected = ratio, error, ratio * math.exp(-Z * error), ratio * math.exp(Z * error)
    assert_allclose(survival_ratio(one, other, 9.0), expected, rtol=1e-12)


def test_without_censoring_the_mean_ratio_is_of_means():
    """Without censoring: the ratio of means of min(T, upto), its log error from the two coefficients of variation."""
    rng = np.random.default_rng(3)
    means = [np.minimum(rng.exponential(scale, 50), 15.0) for scale in (20.0, 12.0)]
    found = rmst_ratio(*(curve_of(mean, mean < 15.0) for mean in means), 15.0, prob=0.9)
    error = math.sqrt(sum(mean.var() / len(mean) / mean.mean() ** 2 for mean in means))
    ratio, factor = means[0].mean() / means[1].mean(), math.exp(1.6448536269514722 * error)
    assert_allclose(found, [ratio, error, ratio / factor, ratio * factor], rtol=1e-12)


@pytest.mark.parametrize("interval", ["log-log", "log"])
def test_medians_by_mover(interval):
    """Zou and Donner's limits from those of the two medians, on the natural and on the log scale, at any probability."""
    data = study("aml")
    rows = [data.endpoint(data.of(group))[:2] for group in ("Maintained", "Nonmaintained")]
    one, other = (kaplan_meier(*row, interval=interval) for row in rows)
    (m1, l1, u1), (m2, l2, u2) = (kaplan_meier(*row, interval=interval, prob=0.7).median() for row in rows)
    assert l2 < m2 < u2 < math.inf
    low, high = math.hypot(m1 - l1, u2 - m2), math.hypot(u1 - m1, m2 - l2)
    z = 1.0364333894937898
    assert_allclose(median_difference(one, other, 0.7), [m1 - m2, (low + high) / (2 * z), m1 - m2 - low, m1 - m2 + high])
    low, high = math.hypot(math.log(m1 / l1), math.log(u2 / m2)), math.hypot(math.log(u1 / m1), math.log(m2 / l2))
    ratio = m1 / m2
    assert_allclose(median_ratio(one, other, 0.7), [ratio, (low + high) / (2 * z), ratio * math.exp(-low), ratio * math.exp(high)])


def test_medians_and_limits_that_are_not_reached():
    """Without u1 there is no upper limit, without u2 no lower; without a median no limits at all."""
    data = study("gehan")
    treated, control = (curve_of(*data.endpoint(data.of(group))[:2]) for group in ("6-MP", "control"))
    assert treated.median()[2] == math.inf
    difference, ratio = median_difference(treated, control), median_ratio(treated, control)
    assert math.isfinite(difference[2])
    assert 0 < ratio[2] < ratio[0]
    assert math.isnan(difference[1])
    assert (difference[3], ratio[3]) == (math.inf, math.inf)
    difference, ratio = median_difference(control, treated), median_ratio(control, treated)
    assert (difference[2], ratio[2]) == (-math.inf, 0.0)
    never = curve_of([1, 2, 3], [1, 0, 0])
    for contrast, estimates in ((median_difference, (math.inf, -math.inf)), (median_ratio, (math.inf, 0.0))):
        assert (contrast(never, control)[0], contrast(control, never)[0]) == estimates
        assert np.isnan([*contrast(never, control)[1:], *contrast(control, never)[1:], *contrast(never, never)]).all()


def test_medians_cover():
    """MOVER's limits at 90 % cover the true difference and ratio of exponential medians, within three binomial errors of 200."""
    rng, replicates, size, truth = np.random.default_rng(8), 200, 60, (20 * math.log(2), 12 * math.log(2))
    covered = np.zeros(2)
    for _ in range(replicates):
        curves = []
        for scale in (20.0, 12.0):
            died, censored = rng.exponential(scale, size), rng.uniform(10, 60, size)
            curves.append(curve_of(np.minimum(died, censored), died <= censored))
        difference, ratio = median_difference(*curves, 0.9), median_ratio(*curves, 0.9)
        covered += [difference[2] <= truth[0] - truth[1] <= difference[3], ratio[2] <= truth[0] / truth[1] <= ratio[3]]
    assert_allclose(covered / replicates, 0.9, atol=3 * math.sqrt(0.9 * 0.1 / replicates))


@pytest.mark.parametrize("delayed", [False, True])
def test_error_beside_the_bootstrap(delayed):
    """Errors are the bootstrap's within three of its Monte Carlo errors, 1 / sqrt(2 R), censored and with delayed entry."""
    rng, replicates, size = np.random.default_rng(20), 200, 150
    columns = []
    for scale in (30.0, 18.0):
        event_time, censored = rng.exponential(scale, 3 * size), rng.uniform(5, 60, 3 * size)
        entry = rng.uniform(0, 10, 3 * size) * (rng.random(3 * size) < 0.5) if delayed else np.zeros(3 * size)
        time = np.minimum(event_time, censored)
        seen = np.flatnonzero(time > entry)[:size]
        columns.append((time[seen], (event_time <= censored)[seen].astype(float), entry[seen]))

    def contrasts(rows):
        drawn = [[column[chosen] for column in group] for group, chosen in zip(columns, rows, strict=True)]
        # The whole curve, so that a replicate does not start later than its data.
        curves = [kaplan_meier(*group, fewest_at_risk=1) for group in drawn]
        differences = np.array([kind(*curves, 24.0)[:2] for kind in (survival_difference, rmst_difference)])
        ratios = np.array([kind(*curves, 24.0)[:2] for kind in (survival_ratio, rmst_ratio)])
        return np.append(differences[:, 0], np.log(ratios[:, 0])), np.append(differences[:, 1], ratios[:, 1])

    errors = contrasts([slice(None), slice(None)])[1]
    resampled = [contrasts([rng.integers(0, size, size) for _ in columns])[0] for _ in range(replicates)]
    assert_allclose(np.std(resampled, axis=0), errors, rtol=3 / math.sqrt(2 * replicates))


def test_what_is_not_known_and_what_is_refused():
    """Beyond the follow-up of either nothing is known, of a survival of 0 no error; curves that start apart are not comparable."""
    short, long = curve_of([1, 2, 3], [1, 1, 0]), curve_of([1, 5, 9], [1, 1, 0])
    kinds = survival_difference, survival_ratio, rmst_difference, rmst_ratio
    assert np.isnan([kind(short, long, 5) for kind in kinds]).all()
    assert np.isnan(rmst_ratio(short, long, 0)).all()
    assert survival_difference(short, long, 0.5) == (0, 0, 0, 0)
    assert survival_ratio(short, long, 0.5) == (1, 0, 1, 1)
    gone = curve_of([1, 2, 3], [1, 1, 1])
    for kind, one, other, estimate in (
        (survival_difference, gone, long, -2 / 3),
        (survival_ratio, gone, long, 0),
        (survival_ratio, long, gone, math.inf),
        (survival_ratio, gone, gone, math.nan),
    ):
        found = kind(one, other, 4)
        assert_allclose(found[0], estimate)
        assert np.isnan(found[1:]).all()
    late = kaplan_meier(np.arange(3, 23), np.ones(20), np.full(20, 2.0), label="late")
    for kind in kinds:
        with pytest.raises(DataError, match="'late' starts at 2"):
            kind(late, long, 5)
    for kind in (median_difference, median_ratio):
        with pytest.raises(DataError, match="'late' starts at 2"):
            kind(late, long)
