"""The resampled large-sample distribution of a Cox fit, and the contrasts of medians read off it."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize
from test_standardised import both_groups, example, log_log

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist import cox, cox_baseline, standardised_survival
from bayes_rrmm.frequentist.fit_draws import FitDraws, difference_limits

CASES = pytest.mark.parametrize(("delayed", "weighted"), [(False, False), (True, False), (True, True)])


def cohort(size, *, delayed, weighted, seed=12):
    """Rows of a cohort with a group that halves the median and a binary covariate: design and time, event, entry, weight."""
    rng = np.random.default_rng(seed)
    design = (rng.random((2 * size, 2)) < 0.45).astype(float)
    died = rng.exponential(30.0 * np.exp(-design @ [0.7, 0.4]))
    entry = np.where(rng.random(2 * size) < 0.5, rng.uniform(0, 12, 2 * size), 0.0) if delayed else np.zeros(2 * size)
    censored = entry + rng.uniform(20, 80, 2 * size)
    seen = np.flatnonzero(died > entry)[:size]
    weight = rng.integers(1, 4, size).astype(float) if weighted else np.ones(size)
    time = np.minimum(died, censored)
    return design[seen], (time[seen], (died <= censored)[seen].astype(float), entry[seen], weight)


def curves_of(design, rows, **more):
    """The curves with the group set to 1 and to 0 for everyone, weights counting patients."""
    fit = cox(design, ["group", "other"], *rows, ties="breslow")
    return both_groups(fit, cox_baseline(fit, design, *rows), design, weight=rows[3], **more)


def draws_of(curve, draws=500, seed=3):
    return FitDraws.of(curve.baseline, curve.coefficients, curve.covariance, draws, seed)


@CASES
def test_its_limits_of_survival_are_those_of_the_delta_method(delayed, weighted):
    """On the scale log(-log S), percentiles of 10,000 draws of S(t) are the delta method's limits of standard error e.

    Within 0.08 e, three Monte Carlo errors of a 2.5 % point: 3 sqrt(0.025 x 0.975 / 10,000) / 0.0584; and e^2, which is what the
    delta method leaves out: the mean of a logarithm is half of it below the logarithm of the mean, its quantiles likewise.
    """
    curves = curves_of(*cohort(600, delayed=delayed, weighted=weighted))
    draws = draws_of(curves[0], 10_000)
    for curve in curves:
        for t in (5.0, 15.0, 40.0):
            found = np.quantile(draws.survival_at(t, curve.columns, curve.share), [0.025, 0.975])
            limits = [log_log(limit) for limit in curve.survival_at(t)[1:]]
            error = (limits[0] - limits[1]) / (2 * 1.959963984540054)
            assert_allclose([log_log(limit) for limit in found], limits, rtol=0, atol=0.08 * error + error**2)


@CASES
def test_widths_beside_the_bootstrap_of_refits(delayed, weighted):
    """The width of 80 % limits of both contrasts is that of 300 refits to resampled patients, within 20 %.

    A width of 80 % limits has a Monte Carlo error of 5 %: sqrt(2 x 0.1 x 0.9 / 300) / 0.1755 / 2.563; three are 16 %, and medians
    move from one event time to the next. The population stays that of the data, as in the limits.
    """
    design, rows = cohort(300, delayed=delayed, weighted=weighted)
    one, other = curves_of(design, rows, prob=0.8)
    rng, drawn = np.random.default_rng(40), []
    patients = np.repeat(np.arange(300), rows[3].astype(int))
    for _ in range(300):
        chosen = np.bincount(rng.choice(patients, len(patients)), minlength=300).astype(float)
        kept = chosen > 0
        again = *(column[kept] for column in rows[:3]), chosen[kept]
        fit = cox(design[kept], ["group", "other"], *again, ties="breslow")
        baseline = cox_baseline(fit, design[kept], *again)
        drawn.append([curve.median()[0] for curve in both_groups(fit, baseline, design, weight=rows[3])])
    medians = np.array(drawn)
    for found, resampled in (
        (one.median_difference(other), medians[:, 0] - medians[:, 1]),
        (np.log(one.median_ratio(other)), np.log(medians[:, 0] / medians[:, 1])),
    ):
        width = np.ptp(np.quantile(resampled, [0.1, 0.9]))
        assert found[3] - found[2] == pytest.approx(width, rel=0.2)
        assert found[2] < found[0] < found[3]


def test_each_draw_is_a_curve():
    """In each draw H0 rises, and the median is the first event time at which S of its own coefficients is down to 1/2."""
    curve = both_groups(*fitted(), example()[2])[0]
    drawn = draws_of(curve)
    assert (np.diff(drawn.total, axis=1) > 0).all()
    heights = np.column_stack([drawn.survival_at(t, curve.columns, curve.share) for t in curve.baseline.time])
    firsts = [np.append(curve.baseline.time[row <= 0.5], math.inf)[0] for row in heights]
    assert_array_equal(drawn.medians(curve.columns, curve.share), firsts)
    assert_array_equal(drawn.survival_at(0.0, curve.columns, curve.share), 1.0)
    relative = np.exp(curve.columns @ drawn.coefficients[0])
    halved = optimize.brentq(lambda hazard: curve.share @ np.exp(-hazard * relative) - 0.5, 0, 1e3, xtol=1e-14)
    alive = np.array([[halved * (1 - 1e-9), halved * (1 + 1e-9)]])
    apart = FitDraws(np.array([1.0, 2.0]), drawn.coefficients[:1], alive)
    assert apart.medians(curve.columns, curve.share) == 2.0


def fitted():
    fit, rows, design = example()
    return fit, cox_baseline(fit, design, *rows)


def test_jumps_have_their_mean_and_variance():
    """At known coefficients the jumps have the mean and variance of the baseline, independent of each other."""
    fit, baseline = fitted()
    known = FitDraws.of(baseline, fit.coefficients, np.zeros((2, 2)), 40_000, 5)
    jumps = np.diff(known.total, axis=1, prepend=0.0)
    assert_array_equal(known.coefficients, np.tile(fit.coefficients, (40_000, 1)))
    assert_allclose(jumps.mean(axis=0), baseline.hazard, atol=4 * np.sqrt(np.max(baseline.variance) / 40_000))
    assert_allclose(jumps.var(axis=0), baseline.variance, rtol=0.1)
    assert np.max(np.abs(np.corrcoef(jumps.T) - np.eye(len(baseline.time)))) < 0.03


def test_a_seed_fixes_them():
    """The same seed gives the same limits, another seed others close by."""
    one, other = curves_of(*cohort(300, delayed=False, weighted=False))
    first = one.median_difference(other, seed=1)
    assert one.median_difference(other, seed=1) == first
    assert_allclose(one.median_difference(other, seed=2), first, rtol=0.15)
    assert_allclose(other.median_difference(one, seed=1), np.array(first)[[0, 1, 3, 2]] * [-1, 1, -1, -1])


def test_medians_that_are_not_reached():
    """A median beyond the follow-up leaves an infinite estimate and limit; where neither is reached nothing is known."""
    rng = np.random.default_rng(6)
    group = np.repeat([0.0, 1.0], 60)
    died = rng.exponential(np.where(group == 1, 8.0, 60.0))
    time, event = np.minimum(died, 20.0), (died <= 20).astype(float)
    fit = cox(group[:, None], ["group"], time, event)
    baseline = cox_baseline(fit, group[:, None], time, event)
    bad, good = (standardised_survival(fit, baseline, [[level]]) for level in (1.0, 0.0))
    assert (good.median()[0], math.isfinite(bad.median()[0])) == (math.inf, True)
    assert np.isinf(draws_of(good).medians(good.columns, good.share)).mean() > 0.95
    estimate, error, lower, upper = bad.median_difference(good)
    assert (estimate, lower, math.isnan(error)) == (-math.inf, -math.inf, True)
    highest = np.quantile(draws_of(bad, 2000).medians(bad.columns, bad.share), 0.975)
    assert upper == pytest.approx(highest - 20, abs=1)
    ratio, error, low, high = bad.median_ratio(good)
    assert (ratio, low, math.isnan(error)) == (0, 0, True)
    assert high == pytest.approx(highest / 20, rel=0.1)
    assert_allclose(good.median_ratio(bad), [math.inf, math.nan, 1 / high, math.inf])
    nothing = good.median_difference(good)
    assert np.isnan(nothing[:2]).all()
    assert nothing[2] < 0 < nothing[3]


def test_limits_of_a_difference():
    """Limits are draws, the next outward; what is not reached is somewhere beyond the longest follow-up."""
    one, other = np.arange(10.0), np.zeros(10)
    assert difference_limits(one, other, 10.0, 0.5) == (2, 7)
    one[9] = math.inf
    assert difference_limits(one, other, 10.0, 0.9) == (0, math.inf)
    assert difference_limits(other, one, 10.0, 0.9) == (-math.inf, 0)
    never = np.full(10, math.inf)
    assert difference_limits(never, other, 10.0, 0.9) == (10, math.inf)
    assert difference_limits(other, never, 10.0, 0.9) == (-math.inf, -10)
    assert difference_limits(never, never, 10.0, 0.9) == (-math.inf, math.inf)


def test_a_ratio_needs_times_above_0():
    """A median at time 0 has no logarithm: where draws have it in both groups the ratio has no limits."""
    rows = [0, 0, 0, 0, 0, 0, 1, 2], [1, 1, 1, 1, 1, 1, 1, 0]
    design = [[0.0], [1], [0], [1], [0], [1], [0], [1]]
    fit = cox(design, ["x"], *rows)
    curve = standardised_survival(fit, cox_baseline(fit, design, *rows), [[1.0]])
    assert curve.median()[0] == 0
    assert np.isnan(curve.median_ratio(curve)).all()


def test_curves_of_two_fits_are_refused():
    """The medians of two fits have no joint distribution here."""
    one = curves_of(*cohort(200, delayed=False, weighted=False))[0]
    other = curves_of(*cohort(200, delayed=False, weighted=False, seed=9))[0]
    for contrast in (one.median_difference, one.median_ratio):
        with pytest.raises(DataError, match="not from one fit"):
            contrast(other)
