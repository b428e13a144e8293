"""Baseline hazard of Cox with delayed entry, and standardised survival from it with its errors."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from r_results import WITH_COX, study
from test_kaplan_meier import spells

from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.frequentist import at_its_limit, cox, cox_baseline, standardised_survival
from bayes_rrmm.frequentist.fit_draws import FitDraws

BOTH = pytest.mark.parametrize("ties", ["efron", "breslow"])


def example(seed=4, size=80, ties="breslow"):
    """A Cox fit of a group and an age, with ties, delayed entry and whole weights: fit, rows, design."""
    rng = np.random.default_rng(seed)
    rows = spells(seed, size=size)
    design = np.column_stack([rng.random(size) < 0.4, rng.normal(6.0, 1.0, size)]).astype(float)
    return cox(design, ["group", "age"], *rows, ties=ties), rows, design


def both_groups(fit, baseline, design, **more):
    """The curves with the group set to 1 and to 0 for everyone."""
    populations = [np.column_stack([np.full(len(design), level), design[:, 1:]]) for level in (1.0, 0.0)]
    return [standardised_survival(fit, baseline, population, label=str(k), **more) for k, population in enumerate(populations)]


def log_log(height):
    return math.log(-math.log(height))


def log_log_error(estimate):
    """The standard error on the scale log(-log S) from limits at 95 %."""
    return (log_log(estimate[1]) - log_log(estimate[2])) / (2 * 1.959963984540054)


@BOTH
@pytest.mark.parametrize("name", WITH_COX)
def test_baseline_matches_r(name, ties):
    """H0 is R's basehaz, at x = 0 and at its means, with delayed entry (myeloma_mayo)."""
    data, r = study(name), study(name).r[f"cox_{ties}"]
    fit = cox(data.design, data.names, *data.endpoint(), ties=ties)
    baseline = cox_baseline(fit, data.design, *data.endpoint())
    centre = math.exp(float(np.dot(r["means_used_for_centering"], fit.coefficients)))
    for key, factor in (("basehaz_x0", 1.0), ("basehaz_xmean", centre)):
        assert_allclose(factor * baseline.cumulative_at(r[key]["time"]), r[key]["cumhaz"], rtol=1e-6)


def test_baseline_by_brute_force():
    """Breslow's jump is deaths over the weighted relative hazards at risk: entry < t <= exit, and entry 0 from the start."""
    fit, (time, event, entry, weight), design = example()
    baseline = cox_baseline(fit, design, time, event, entry, weight)
    relative = weight * np.exp(design @ fit.coefficients)
    for t, jump in zip(baseline.time, baseline.hazard, strict=True):
        exposed = relative[((entry < t) | (entry == 0)) & (time >= t)].sum()
        assert jump == pytest.approx(weight[(time == t) & (event == 1)].sum() / exposed, rel=1e-12)


def test_efron_baseline_of_two_tied_deaths():
    """Of two tied deaths the second has half of both gone: at equal hazards 1 / 4 + 1 / 3."""
    fit = replace(cox([[0.0], [1], [0], [1]], ["x"], [1, 1, 2, 3], [1, 1, 0, 1]), coefficients=np.zeros(1))
    baseline = cox_baseline(fit, [[0.0], [1], [0], [1]], [1, 1, 2, 3], [1, 1, 0, 1])
    assert_allclose(baseline.hazard, [1 / 4 + 1 / 3, 1.0])
    assert_allclose(baseline.variance, [1 / 16 + 1 / 9, 1.0])
    assert_allclose(baseline.cumulative_at([0.5, 1, 3, 3.5]), [0, 7 / 12, 19 / 12, math.nan])


@BOTH
def test_weights_count_rows(ties):
    """A row of weight w is w rows, in the fit and in the population: the curves and their errors are the same."""
    fit, (time, event, entry, weight), design = example(ties=ties)
    copies = np.repeat(np.arange(len(time)), weight.astype(int))
    again = cox(design[copies], fit.names, time[copies], event[copies], entry[copies], ties=ties)
    one = both_groups(fit, cox_baseline(fit, design, time, event, entry, weight), design, weight=weight)
    rows = time[copies], event[copies], entry[copies]
    other = both_groups(again, cox_baseline(again, design[copies], *rows), design[copies])
    assert_allclose(one[0].survival_at(9), other[0].survival_at(9), rtol=1e-6)
    assert_allclose(one[0].rmst_difference(12, one[1]), other[0].rmst_difference(12, other[1]), rtol=1e-6)


def test_is_the_mean_over_the_population():
    """S_a(t) is the mean over patients of exp(-H0(t) exp(x'b)) with the group set; its RMST the area, its median the first half."""
    fit, rows, design = example()
    baseline = cox_baseline(fit, design, *rows)
    treated = both_groups(fit, baseline, design)[0]
    hazards = np.exp(fit.coefficients[0] + design[:, 1] * fit.coefficients[1])
    for t in (0.5, 4.0, 9.5):
        expected = np.mean(np.exp(-baseline.cumulative_at([t]) * hazards))
        assert treated.survival_at(t)[0] == pytest.approx(float(expected), rel=1e-12)
    grid = np.linspace(0, 12, 120001)[:-1] + 5e-5
    heights = np.mean(np.exp(-np.outer(baseline.cumulative_at(np.arange(13)), hazards)), axis=1)
    assert treated.rmst(12.0)[0] == pytest.approx(float(np.mean(heights[grid.astype(int)]) * 12), rel=1e-6)
    assert treated.median()[0] == np.flatnonzero(heights <= 0.5)[0]


@BOTH
def test_derivatives(ties):
    """What the coefficients do to S_a, through H0 too, is central differences of the whole computation."""
    fit, rows, design = example(ties=ties)
    curve, step = both_groups(fit, cox_baseline(fit, design, *rows), design)[0], 1e-6
    for k in range(2):
        moved = [replace(fit, coefficients=fit.coefficients + sign * step * np.eye(2)[k]) for sign in (1, -1)]
        up, down = (both_groups(other, cox_baseline(other, design, *rows), design)[0].survival for other in moved)
        assert_allclose(-curve.tilt[:, k], (up - down) / (2 * step), rtol=1e-5, atol=1e-9)


def test_of_equal_hazards_it_is_nelson_and_aalen():
    """At coefficients 0, known exactly, S is exp(-sum d / n) with variance S^2 sum d / n^2, and log-minus-log limits from it."""
    fit, (time, event, entry, weight), design = example()
    none = replace(fit, coefficients=np.zeros(2), covariance=np.zeros((2, 2)))
    curve = both_groups(none, cox_baseline(none, design, time, event, entry, weight), design, prob=0.9)[0]
    at_risk = [weight[((entry < t) | (entry == 0)) & (time >= t)].sum() for t in curve.baseline.time[:4]]
    died = [weight[(time == t) & (event == 1)].sum() for t in curve.baseline.time[:4]]
    total = sum(d / n for d, n in zip(died, at_risk, strict=True)), sum(d / n**2 for d, n in zip(died, at_risk, strict=True))
    found, lower, upper = curve.survival_at(curve.baseline.time[3])
    width = 1.6448536269514722 * math.sqrt(total[1]) / total[0]
    limits = [math.exp(-total[0] * math.exp(sign * width)) for sign in (1, -1)]
    assert_allclose([found, lower, upper], [math.exp(-total[0]), *limits], rtol=1e-9)


def test_errors_beside_the_bootstrap():
    """Errors of S, S given survival, RMST and contrasts are the bootstrap's within three Monte Carlo errors, 1 / sqrt(2 R)."""
    rng, replicates, size = np.random.default_rng(31), 400, 300
    group, age = (rng.random(size) < 0.4).astype(float), rng.normal(0.0, 1.0, size)
    late, censored = rng.uniform(0, 8, size) * (rng.random(size) < 0.4), rng.uniform(10, 60, size)
    died = late + rng.exponential(20.0 * np.exp(0.7 * group - 0.4 * age))
    design, time, event = np.column_stack([group, age]), np.ceil(np.minimum(died, censored)), (died <= censored).astype(float)
    entry = np.floor(late)

    def answers(weight):
        rows = weight > 0
        data = time[rows], event[rows], entry[rows], weight[rows]
        fit = cox(design[rows], ["group", "age"], *data, ties="breslow")
        one, other = both_groups(fit, cox_baseline(fit, design[rows], *data), design)
        differences = [one.difference_at(20, other), one.rmst_difference(24, other), one.conditional_difference_at(20, 8, other)]
        ratios = [one.ratio_at(20, other), one.rmst_ratio(24, other), one.conditional_ratio_at(20, 8, other)]
        estimates = [one.rmst(24)[0], *(found[0] for found in differences), *(math.log(found[0]) for found in ratios)]
        heights = one.survival_at(20), one.conditional_at(20, 8)
        errors = [one.rmst(24)[1], *(found[1] for found in (*differences, *ratios)), *(log_log_error(found) for found in heights)]
        return [*estimates, *(log_log(height[0]) for height in heights)], errors

    errors = answers(np.ones(size))[1]
    drawn = [answers(np.bincount(rng.integers(0, size, size), minlength=size).astype(float))[0] for _ in range(replicates)]
    assert_allclose(np.std(drawn, axis=0), errors, rtol=3 / math.sqrt(2 * replicates))


def test_a_later_start():
    """Given survival to a start, each patient's S is S(t) / S(start), and the RMST runs from there."""
    fit, rows, design = example()
    whole, late = (cox_baseline(fit, design, *rows, start=start) for start in (0.0, 3.0))
    curve = both_groups(fit, late, design)[0]
    hazards = np.exp(fit.coefficients[0] + design[:, 1] * fit.coefficients[1])
    since = whole.cumulative_at([9.0]) - whole.cumulative_at([3.0])
    assert curve.survival_at(9)[0] == pytest.approx(float(np.mean(np.exp(-since * hazards))), rel=1e-12)
    assert np.isnan([*curve.survival_at(2), *curve.rmst(2), *curve.difference_at(2, curve), *late.cumulative_at([2.0])]).all()
    assert curve.survival_at(3) == (1, 1, 1)
    assert curve.rmst(3.5) == (0.5, 0.0)


def test_beyond_the_follow_up():
    """Nothing is known after the last exit."""
    fit, rows, design = example()
    one, other = both_groups(fit, cox_baseline(fit, design, *rows), design)
    beyond = one.last_follow_up + 0.1
    assert np.isnan([*one.survival_at(beyond), *one.rmst(beyond), *one.rmst_difference(beyond, other)]).all()
    assert np.isnan([*one.ratio_at(beyond, other), *one.conditional_ratio_at(beyond, 2, other)]).all()
    assert np.isnan([*one.conditional_at(beyond, 2), *one.conditional_at(4, 5), *one.rmst_ratio(0, other)]).all()


def test_conditional_survival_is_that_of_a_later_start():
    """S(t) / S(s) of one patient is S(t) of the baseline that starts at s; of a population it is the ratio of means."""
    fit, rows, design = example()
    whole, late = (cox_baseline(fit, design, *rows, start=start) for start in (0.0, 3.0))
    one, since = (standardised_survival(fit, baseline, design[:1]) for baseline in (whole, late))
    assert_allclose(one.conditional_at(9, 3), since.survival_at(9), rtol=1e-10)
    assert one.conditional_at(3, 3) == (1, 1, 1)
    treated, control = both_groups(fit, whole, design)
    heights = [curve.survival_at(9)[0] / curve.survival_at(3)[0] for curve in (treated, control)]
    assert treated.conditional_at(9, 3)[0] == pytest.approx(heights[0], rel=1e-12)
    assert_allclose(treated.conditional_ratio_at(9, 3, control)[0], heights[0] / heights[1])
    assert_allclose(treated.conditional_difference_at(9, 3, control)[0], heights[0] - heights[1])
    assert_allclose(treated.conditional_ratio_at(9, 0, control), treated.ratio_at(9, control))


def test_a_group_beside_itself():
    """A curve less itself is 0 without error, and over itself 1: what both share does not vary."""
    fit, rows, design = example()
    one = both_groups(fit, cox_baseline(fit, design, *rows), design)[0]
    assert one.difference_at(9, one) == one.rmst_difference(9, one) == one.median_difference(one) == (0, 0, 0, 0)
    assert one.ratio_at(9, one) == one.rmst_ratio(9, one) == one.median_ratio(one) == (1, 0, 1, 1)


def test_median_inverts_the_pointwise_limits():
    """The limits of the median are the first times at which those of S(t) come down to 1/2."""
    fit, rows, design = example()
    for curve in both_groups(fit, cox_baseline(fit, design, *rows), design, prob=0.8):
        limits = np.array([curve.survival_at(t) for t in curve.baseline.time])
        firsts = [np.append(curve.baseline.time[limits[:, k] <= 0.5], math.inf)[0] for k in range(3)]
        assert curve.median() == tuple(firsts)


def test_what_is_refused():
    """Other rows, other columns, strata, clusters, coefficients at infinity and curves of two fits are errors."""
    fit, rows, design = example()
    baseline = cox_baseline(fit, design, *rows)
    with pytest.raises(DataError, match="not the rows of the fit"):
        cox_baseline(fit, design[1:], *(column[1:] for column in rows))
    with pytest.raises(DataError, match="strata"):
        cox_baseline(replace(fit, strata=2), design, *rows)
    with pytest.raises(FitError, match="group have no finite coefficient"):
        cox_baseline(replace(fit, monotone=("group",)), design, *rows)
    for population in (design[:, :1], np.full((3, 2), np.nan), np.empty((0, 2))):
        with pytest.raises(DataError, match="rows of 2 finite columns"):
            standardised_survival(fit, baseline, population)
    with pytest.raises(DataError, match="number above 0"):
        standardised_survival(fit, baseline, design, np.zeros(len(design)))
    with pytest.raises(DataError, match="by cluster"):
        standardised_survival(replace(fit, clusters=9), baseline, design)
    other, other_rows, other_design = example(6)
    apart = standardised_survival(other, cox_baseline(other, other_design, *other_rows), other_design, label="apart")
    with pytest.raises(DataError, match="not from one fit"):
        standardised_survival(fit, baseline, design, label="here").difference_at(5, apart)


@pytest.mark.parametrize("reference", [0, 2])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_curves_at_the_limit_are_those_without_the_silent_group(reference: int, ties: str) -> None:
    """A group without events has S = 1; every other curve is that of a fit to the rows without it, whatever the reference."""
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], [60, 40, 9])
    time = np.round(rng.exponential(10 / np.array([1, 2, 0.5])[group]) + 0.05, 1)
    event = np.where(group == 2, 0, 1)
    x = rng.normal(size=109)
    levels = [level for level in range(3) if level != reference]
    design = np.column_stack([*(group == level for level in levels), x]).astype(float)
    fit = cox(design, ["one", "other", "x"], time, event, ties=ties)
    assert fit.monotone
    ended = at_its_limit(fit, design, time, event)
    baseline = cox_baseline(ended, design, time, event)
    kept = group < 2
    smaller = np.column_stack([group[kept] == 1, x[kept]]).astype(float)
    alone = cox(smaller, ["one", "x"], time[kept], event[kept], ties=ties)
    own = cox_baseline(alone, smaller, time[kept], event[kept])
    for level in (0, 1):
        given = np.column_stack([*(np.full(109, float(other == level)) for other in levels), x])
        curve = standardised_survival(ended, baseline, given)
        expected = standardised_survival(alone, own, np.column_stack([np.full(109, float(level)), x]))
        np.testing.assert_allclose(curve.survival_at(5.0), expected.survival_at(5.0), rtol=1e-9)
        np.testing.assert_allclose(curve.rmst(5.0), expected.rmst(5.0), rtol=1e-9)
        assert curve.median() == expected.median()
    silent = standardised_survival(ended, baseline, np.column_stack([*(np.full(109, float(o == 2)) for o in levels), x]))
    np.testing.assert_allclose(silent.survival_at(5.0), [1.0, 1.0, 1.0], atol=1e-12)


def test_a_limit_that_nothing_determines_is_refused() -> None:
    """A column that differs in no risk set has a coefficient of nothing: no curve depends on a guess of it."""
    time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 1, 0, 0])
    design = np.array([[0.0], [1.0], [0.0], [1.0]])
    fit = cox(design, ["x"], time, event)
    assert at_its_limit(fit, design, time, event) is fit
    late = np.array([[0.0], [0.0], [0.0], [1.0]])
    silent = cox(late, ["x"], time, np.array([1, 0, 0, 0]), np.array([0, 1.0, 1.5, 3.5]))
    assert np.isnan(silent.coefficients).all()
    with pytest.raises(FitError, match="no curves at the likelihood's limit"):
        at_its_limit(silent, late, time, np.array([1, 0, 0, 0]), np.array([0, 1.0, 1.5, 3.5]))


def source_by_hand(fit, baseline, design, actual, entry, weight, jumps, coefficients, times):
    """S(t | start) of the source population, patient by patient: each stands for those like them who did not live to enter."""
    moved = jumps - baseline.slope @ (coefficients - fit.coefficients)
    above, below = np.zeros(len(times)), 0.0
    for columns, own, entered, counts in zip(design, actual, entry.tolist(), weight.tolist(), strict=True):
        worth = counts * math.exp(moved[baseline.time <= entered].sum() * math.exp(own @ coefficients))
        below += worth
        for place, t in enumerate(times):
            above[place] += worth * math.exp(-moved[baseline.time <= t].sum() * math.exp(columns @ coefficients))
    return above / below


@pytest.mark.parametrize("start", [0.0, 2.5])
def test_late_entrants_stand_for_the_source_population(start):
    """Of a population that enters late S(t), RMST, their standard errors and the median are those of a plain statement and its
    numerical derivatives in every jump and coefficient; contrasts are of the same."""
    fit, rows, design = example(size=60)
    baseline = cox_baseline(fit, design, *rows, start=start)
    there = rows[0] > start
    entry, weight, own = rows[2][there], rows[3][there], design[there]
    times = [float(np.quantile(baseline.time, share)) for share in (0.3, 0.6)]
    assert np.any(entry > start)
    curves, plain = [], []
    for level in (1.0, 0.0):
        given = np.column_stack([np.full(len(own), level), own[:, 1:]])
        curves.append(standardised_survival(fit, baseline, given, weight, entry=entry, actual=own, label=str(level)))
        plain.append(
            lambda jumps, slopes, given=given: source_by_hand(fit, baseline, given, own, entry, weight, jumps, slopes, times)
        )

    def gradient(of):
        pieces, known = [], (baseline.hazard, fit.coefficients)
        for which, size in enumerate(map(len, known)):
            for place in range(size):
                step = np.zeros(size)
                step[place] = 1e-5
                up, down = ([*known] for _ in range(2))
                up[which], down[which] = known[which] + step, known[which] - step
                pieces.append((of(*up) - of(*down)) / 2e-5)
        return np.array(pieces)

    def error(slope):
        jumps, coefficients = slope[: len(baseline.hazard)], slope[len(baseline.hazard) :]
        return math.sqrt(jumps**2 @ baseline.variance + coefficients @ fit.covariance @ coefficients)

    slopes = [gradient(of) for of in plain]
    for curve, of, slope in zip(curves, plain, slopes, strict=True):
        heights = of(baseline.hazard, fit.coefficients)
        for place, t in enumerate(times):
            found = curve.survival_at(t)
            assert found[0] == pytest.approx(heights[place], rel=1e-10)
            expected = error(slope[:, place]) / (heights[place] * abs(math.log(heights[place])))
            assert log_log_error(found) == pytest.approx(expected, rel=1e-5)
        median, variance = curve.median(), curve._variance_of_jumps() + np.sum(curve.tilt @ curve.covariance * curve.tilt, axis=1)
        assert median[0] == baseline.time[np.flatnonzero(curve.survival <= 0.5)[0]]
        places = [int(np.flatnonzero(baseline.time == t)[0]) if t in baseline.time else None for t in times]
        for place, at in zip(range(2), places, strict=True):
            if at is not None:
                assert math.sqrt(variance[at]) == pytest.approx(error(slope[:, place]), rel=1e-5)
    found = curves[0].difference_at(times[1], curves[1])
    assert found[1] == pytest.approx(error(slopes[0][:, 1] - slopes[1][:, 1]), rel=1e-5)
    ratio = curves[0].ratio_at(times[1], curves[1])
    heights = [of(baseline.hazard, fit.coefficients)[1] for of in plain]
    assert ratio[1] == pytest.approx(error(slopes[0][:, 1] / heights[0] - slopes[1][:, 1] / heights[1]), rel=1e-5)


def test_medians_of_late_entrants_are_resampled_with_their_weights():
    """In a draw of the fit the median is the first event time at which the source population of that draw is halved."""
    fit, rows, design = example(size=60)
    baseline = cox_baseline(fit, design, *rows)
    one, other = both_groups(fit, baseline, design, weight=rows[3], entry=rows[2], actual=design)
    drawn = FitDraws.of(baseline, fit.coefficients, fit.covariance, 5, 1)
    found, _ = one._medians(other, 5, 1)
    population = np.column_stack([np.ones(len(design)), design[:, 1:]])
    for draw in range(5):
        total, slopes = drawn.total[draw], drawn.coefficients[draw]
        at_entry = np.array([np.append(0.0, total)[np.sum(baseline.time <= entered)] for entered in rows[2]])
        worth = rows[3] * np.exp(at_entry * np.exp(design @ slopes))
        curve = np.array([worth @ np.exp(-height * np.exp(population @ slopes)) / worth.sum() for height in total])
        reached = np.flatnonzero(curve <= 0.5)
        assert found[draw] == (baseline.time[reached[0]] if len(reached) else math.inf)
