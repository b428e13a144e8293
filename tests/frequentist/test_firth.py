import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from partial_likelihood_by_hand import factors, penalised
from r_results import study
from scipy import optimize, stats
from test_kaplan_meier import spells

from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.frequentist import cox, firth_cox
from bayes_rrmm.frequentist import firth_profile as profile_module
from bayes_rrmm.frequentist import newton as newton_module
from bayes_rrmm.frequentist.jeffreys import JeffreysLikelihood
from bayes_rrmm.frequentist.risk_sets import risk_sets
from bayes_rrmm.frequentist.rows import as_rows

BOTH = pytest.mark.parametrize("ties", ["efron", "breslow"])


def dummies(group, names):
    return (np.asarray(group)[:, None] == np.asarray(names)).astype(float)


CASES = {
    "ties, delayed entry, weights": {"seed": 3, "size": 25, "delayed": 0.5, "weights": True, "strata": 1},
    "strata": {"seed": 4, "size": 36, "delayed": 0.0, "weights": False, "strata": 3},
    "all of it": {"seed": 8, "size": 30, "delayed": 0.4, "weights": True, "strata": 2},
}


def case(seed, size, delayed, weights, strata):
    time, event, entry, weight = spells(seed, size=size, delayed=delayed)
    rng = np.random.default_rng(seed + 100)
    design = np.column_stack([rng.normal(size=size), rng.random(size) < 0.3, rng.normal(size=size)]).astype(float)
    return design, time, event, entry, weight if weights else np.ones(size), rng.integers(0, strata, size)


@BOTH
@pytest.mark.parametrize("name", CASES)
def test_maximum_and_profile_by_another_optimiser(name, ties):
    """SciPy on the likelihood written out, its determinant by Leibniz: estimates, limits and p of a column and of a contrast."""
    design, *rest, strata = case(**CASES[name])
    fit = firth_cox(design, ["a", "b", "c"], *rest, strata=strata, ties=ties)
    found = factors(design, *rest, strata, ties)
    tight = {"method": "BFGS", "options": {"gtol": 1e-9}}
    best = optimize.minimize(lambda beta: -penalised(beta, found), np.zeros(3), **tight)
    assert_allclose(fit.coefficients, best.x, rtol=1e-5, atol=1e-6)
    null = penalised(np.zeros(3), found)
    assert fit.log_likelihood - fit.null_log_likelihood == pytest.approx(-best.fun - null, rel=1e-8)
    for vector in ([0.0, 1.0, 0.0], [1.0, -1.0, 0.5]):
        contrast = np.array(vector)
        rest_of_space = np.linalg.svd(contrast[None, :])[2][1:].T
        along = contrast / (contrast @ contrast)

        def fall(value, along=along, others=rest_of_space):
            held = optimize.minimize(lambda g: -penalised(value * along + others @ g, found), others.T @ best.x, **tight)
            return 2 * (held.fun - best.fun)

        got = fit.contrast(contrast, prob=0.9)
        assert got.estimate == pytest.approx(contrast @ best.x, rel=1e-5, abs=1e-6)
        assert [fall(got.lower), fall(got.upper)] == pytest.approx([stats.chi2.ppf(0.9, 1)] * 2, rel=1e-6)
        assert got.lower < got.estimate < got.upper
        assert got.statistic == pytest.approx(fall(0.0), rel=1e-6, abs=1e-8)
        assert got.p == pytest.approx(stats.chi2.sf(got.statistic, 1), rel=1e-9)


@BOTH
def test_derivatives(ties):
    """Gradient and curvature of the penalised likelihood are central differences, with ties, delayed entry, weights, strata."""
    design, time, event, entry, weight, strata = case(seed=5, size=40, delayed=0.5, weights=True, strata=2)
    sets = risk_sets(as_rows(time, event, entry, weight), strata)
    likelihood = JeffreysLikelihood(design[sets.row], sets, ties)
    at, step = np.array([0.4, -0.3, 0.2]), 1e-5
    here = likelihood.at(at)
    nudged = [[likelihood.at(at + sign * step * axis) for sign in (1, -1)] for axis in np.eye(3)]
    assert_allclose(here.gradient, [(up.value - down.value) / (2 * step) for up, down in nudged], rtol=1e-7)
    assert_allclose(here.curvature, [-(up.gradient - down.gradient) / (2 * step) for up, down in nudged], rtol=1e-7)


@BOTH
def test_weights_count_rows(ties):
    """A row of weight w is w rows, in estimates and in profile limits."""
    design, time, event, entry, weight, _ = case(seed=11, size=30, delayed=0.6, weights=True, strata=1)
    copies = np.repeat(np.arange(30), weight.astype(int))
    one = firth_cox(design, ["a", "b", "c"], time, event, entry, weight, ties=ties)
    other = firth_cox(design[copies], ["a", "b", "c"], time[copies], event[copies], entry[copies], ties=ties)
    assert (one.rows, one.events) == (other.rows, other.events)
    assert_allclose(one.coefficients, other.coefficients, rtol=1e-7)
    mine, theirs = one.contrast([1, -1, 0]), other.contrast([1, -1, 0])
    assert_allclose([mine.lower, mine.upper, mine.p], [theirs.lower, theirs.upper, theirs.p], rtol=1e-6)


def test_the_correction_shrinks_as_one_over_the_size():
    """The data k times over: Firth's estimate is off Cox's by 1 / k of what it was, and its limits become Wald's."""
    design, time, event, entry, weight, _ = case(seed=2, size=60, delayed=0.3, weights=True, strata=1)
    off = []
    for k in (100, 1000):
        plain = cox(design, ["a", "b", "c"], time, event, entry, weight * k, ties="breslow")
        fit = firth_cox(design, ["a", "b", "c"], time, event, entry, weight * k)
        off.append(fit.coefficients - plain.coefficients)
    assert_allclose(10 * off[1], off[0], rtol=0.02)
    found, wald = fit.contrast([0, 1, -1]), plain.contrast([0, 1, -1])
    assert_allclose([found.lower - wald[2], found.upper - wald[3]], 0.0, atol=0.01 * wald[1])


def test_a_large_sample_of_delayed_entry():
    """myeloma_mayo, 2,769 deaths: Firth's estimate and profile limits are Cox's and Wald's to 1 % of a standard error."""
    data = study("myeloma_mayo")
    plain = cox(data.design, data.names, *data.endpoint(), ties="breslow").contrast([1])
    found = firth_cox(data.design, data.names, *data.endpoint()).contrast([1])
    assert_allclose([found.estimate, found.lower, found.upper], [plain[0], plain[2], plain[3]], atol=0.01 * plain[1])


@BOTH
@pytest.mark.parametrize("name", ["myeloma_gep_tiny", "myeloma_gep_zero"])
def test_the_reference_does_not_matter(name, ties):
    """A contrast of two groups, limits and p included, is the same whatever the reference; also of groups without events."""
    data = study(name)
    levels = list(np.unique(data.group))
    pair = {"Cyclin D-1": 1.0, "Low bone disease": -1.0}
    answers = []
    for reference in levels[:3]:
        names = [level for level in levels if level != reference]
        fit = firth_cox(dummies(data.group, names), names, data.time, data.event, ties=ties)
        found = fit.contrast([pair.get(level, 0.0) for level in names])
        answers.append([found.estimate, found.error, found.lower, found.upper, found.p])
    assert_allclose(answers[1:], [answers[0]] * 2, rtol=1e-7)
    assert np.isfinite(answers).all()


@BOTH
def test_levels_without_events(ties):
    """myeloma_gep_zero, 5 deaths in 255, none in two levels: every interval is finite, and rates are near (d + 1/2) / n."""
    data = study("myeloma_gep_zero")
    fit = firth_cox(data.design, data.names, data.time, data.event, ties=ties)
    assert fit.undetermined == ()
    found = [fit.contrast(axis) for axis in np.eye(6)]
    assert all(-20 < one.lower < one.estimate < one.upper < 20 for one in found)
    levels = ["Cyclin D-1", *(name.removeprefix("molecular_group") for name in data.names)]
    rate = [math.log((data.event[data.of(level)].sum() + 0.5) / data.of(level).sum()) for level in levels]
    assert_allclose(fit.coefficients, np.array(rate[1:]) - rate[0], atol=0.05)


def test_a_column_on_another_scale():
    """A column times 1000 plus 7 has coefficients, errors and limits over 1000, and the same p."""
    data = study("kidney")
    factor = np.array([1000.0, 1, 1, 1, 1])
    one = firth_cox(data.design, data.names, data.time, data.event)
    other = firth_cox(data.design * factor + 7, data.names, data.time, data.event)
    assert_allclose(other.coefficients, one.coefficients / factor, rtol=1e-8)
    assert_allclose(other.covariance, one.covariance / np.outer(factor, factor), rtol=1e-7)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-12)
    mine, theirs = one.contrast([1, 0, 0, 0, 0]), other.contrast([1, 0, 0, 0, 0])
    assert_allclose([theirs.lower, theirs.upper], [mine.lower / 1000, mine.upper / 1000], rtol=1e-7)
    assert theirs.p == pytest.approx(mine.p, rel=1e-7)


@BOTH
@pytest.mark.parametrize("name", [*CASES, "a level without events"])
def test_two_ways_to_a_limit(name, ties, monkeypatch):
    """Newton's method, in a few evaluations, and bracketing find one limit, within a hundred-millionth of a standard error."""
    if name in CASES:
        design, *rest, strata = case(**CASES[name])
        fit = firth_cox(design, ["a", "b", "c"], *rest, strata=strata, ties=ties)
    else:
        empty = study("myeloma_gep_zero")
        fit = firth_cox(empty.design, empty.names, *empty.endpoint(), ties=ties)
    evaluated, at = [], JeffreysLikelihood.at
    monkeypatch.setattr(JeffreysLikelihood, "at", lambda self, point: evaluated.append(point) or at(self, point))
    for vector in np.eye(len(fit.names)):
        top = fit.maximum
        profile = profile_module.Profile(top.likelihood, top.peak, top.basis.T @ (vector / top.scale), top.covariance)
        for reach in (-1.96, 0.67, 1.96):
            evaluated.clear()
            found = profile.limit(reach)
            assert len(evaluated) <= 9
            assert found == pytest.approx(profile._by_bracketing(reach), abs=1e-8 * profile.error)


def test_where_newton_goes_astray_the_limit_is_bracketed(monkeypatch):
    """The limits are the same where Newton's method is given no steps."""
    design, *rest, _ = case(**CASES["ties, delayed entry, weights"])
    fit = firth_cox(design, ["a", "b", "c"], *rest)
    found = fit.contrast([1, 0, 0])
    monkeypatch.setattr(profile_module, "MOST_STEPS", 0)
    bracketed = fit.contrast([1, 0, 0])
    assert_allclose([bracketed.lower, bracketed.upper], [found.lower, found.upper], rtol=0, atol=1e-8 * found.error)


def test_limits_and_p_are_one_test():
    """The interval of probability 1 - p ends at 0, and a wider one lies outside a narrower one."""
    fit = firth_cox(*[study("kidney").design, study("kidney").names], *study("kidney").endpoint())
    found = fit.contrast([0, 1, 0, 0, 0])
    just = fit.contrast([0, 1, 0, 0, 0], prob=1 - found.p)
    assert found.estimate < 0
    assert just.upper == pytest.approx(0.0, abs=1e-7)
    wide = fit.contrast([0, 1, 0, 0, 0], prob=0.99)
    assert wide.lower < found.lower < found.upper < wide.upper
    assert (found.prob, wide.prob) == (0.95, 0.99)


def test_a_level_never_at_risk_is_not_known():
    """A level whose patients left before the first event is named and NaN; the others are as if it had not been there."""
    time = np.array([5.0, 6, 7, 8, 9, 10, 1, 2])
    event = np.array([1.0, 1, 0, 1, 1, 0, 0, 0])
    group = np.array(list("aababbcc"))
    fit = firth_cox(dummies(group, ["b", "c"]), ["b", "c"], time, event)
    there = group != "c"
    rest = firth_cox(dummies(group[there], ["b"]), ["b"], time[there], event[there])
    assert fit.undetermined == ("c",)
    assert math.isnan(fit.coefficients[1])
    assert np.isnan(fit.covariance[1]).all()
    assert fit.coefficients[0] == pytest.approx(rest.coefficients[0], rel=1e-7)
    unknown, known = fit.contrast([0, 1]), fit.contrast([1, 0])
    assert (unknown.lower, unknown.upper) == (-math.inf, math.inf)
    assert math.isnan(unknown.p)
    assert_allclose([known.lower, known.upper], [rest.contrast([1]).lower, rest.contrast([1]).upper], rtol=1e-6)


def test_without_events_nothing_is_known():
    """Without events every column is undetermined."""
    fit = firth_cox([[1], [0]], ["x"], [1, 2], [0, 0])
    assert (fit.undetermined, fit.events, fit.log_likelihood) == (("x",), 0.0, 0.0)
    assert math.isnan(fit.contrast([1]).estimate)


@pytest.mark.parametrize(
    ("vector", "prob", "message"),
    [([1, 0], 0.95, "one number for each of 1 columns"), ([0], 0.95, "not all 0"), ([1], 1.0, "between 0 and 1")],
)
def test_contrasts_that_are_refused(vector, prob, message):
    """A contrast of the wrong length, of nothing, or an interval of probability 1 is an error."""
    with pytest.raises(DataError, match=message):
        firth_cox([[1], [0]], ["x"], [1, 2], [1, 0]).contrast(vector, prob=prob)


def test_what_cannot_be_found_is_an_error(monkeypatch):
    """Steps or doublings that run out raise an error rather than returning where they stood."""
    fit = firth_cox([[1], [0]], ["x"], [1, 2], [1, 0])
    monkeypatch.setattr(profile_module, "MOST_DOUBLINGS", 0)
    monkeypatch.setattr(profile_module, "MOST_STEPS", 0)
    with pytest.raises(FitError, match="has not fallen enough"):
        fit.contrast([1])
    monkeypatch.setattr(newton_module, "MOST_STEPS", 1)
    with pytest.raises(FitError, match="Firth-penalised Cox model did not converge in 1 steps"):
        firth_cox([[1], [0]], ["x"], [1, 2], [1, 0])
