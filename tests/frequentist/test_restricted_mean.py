"""The difference of two groups in restricted mean survival time."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from r_results import study

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist import kaplan_meier, rmst_difference


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


@pytest.mark.parametrize("delayed", [False, True])
def test_error_beside_the_bootstrap(delayed):
    """The error is the bootstrap's within three of its Monte Carlo errors, 1 / sqrt(2 R), censored and with delayed entry."""
    rng, replicates, size = np.random.default_rng(20), 200, 150
    columns = []
    for scale in (30.0, 18.0):
        event_time, censored = rng.exponential(scale, 3 * size), rng.uniform(5, 60, 3 * size)
        entry = rng.uniform(0, 10, 3 * size) * (rng.random(3 * size) < 0.5) if delayed else np.zeros(3 * size)
        time = np.minimum(event_time, censored)
        seen = np.flatnonzero(time > entry)[:size]
        columns.append((time[seen], (event_time <= censored)[seen].astype(float), entry[seen]))

    def difference(rows):
        drawn = [[column[chosen] for column in group] for group, chosen in zip(columns, rows, strict=True)]
        return rmst_difference(*(curve_of(time, event, "", entry) for time, event, entry in drawn), 24.0)

    error = difference([slice(None), slice(None)])[1]
    resampled = [difference([rng.integers(0, size, size) for _ in columns])[0] for _ in range(replicates)]
    assert np.std(resampled) == pytest.approx(error, rel=3 / math.sqrt(2 * replicates))


def test_what_is_not_known_and_what_is_refused():
    """Beyond the follow-up of either there is no difference; curves that start apart are not comparable."""
    short, long = curve_of([1, 2, 3], [1, 1, 0]), curve_of([1, 5, 9], [1, 1, 0])
    assert np.isnan(rmst_difference(short, long, 5)).all()
    late = kaplan_meier(np.arange(3, 23), np.ones(20), np.full(20, 2.0), label="late")
    with pytest.raises(DataError, match="'late' starts at 2"):
        rmst_difference(late, long, 5)
