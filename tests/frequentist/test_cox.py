import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from r_results import WITH_COX, study
from test_kaplan_meier import spells

from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.frequentist import cox
from bayes_rrmm.frequentist.partial_likelihood import breslow, maximise
from bayes_rrmm.frequentist.risk_sets import risk_sets
from bayes_rrmm.frequentist.rows import as_rows

BOTH = pytest.mark.parametrize("ties", ["efron", "breslow"])


@BOTH
@pytest.mark.parametrize("name", WITH_COX)
def test_matches_r(name, ties):
    """Coefficients, standard errors, covariances and log-likelihoods are coxph's, none flagged."""
    data, r = study(name), study(name).r[f"cox_{ties}"]
    fit = cox(data.design, data.names, *data.endpoint(), ties=ties)
    assert (fit.names, fit.rows, fit.events, fit.ties, fit.monotone) == (tuple(r["terms"]), r["n"], r["events"], ties, ())
    assert_allclose(fit.coefficients, r["coef"], rtol=1e-6, atol=1e-9)
    assert_allclose(np.sqrt(np.diag(fit.covariance)), r["se"], rtol=1e-6)
    assert_allclose(fit.covariance, r["vcov"], rtol=1e-6, atol=1e-9)
    assert_allclose([fit.log_likelihood, fit.null_log_likelihood], [r["loglik"], r["loglik_null"]], rtol=1e-9)


@BOTH
@pytest.mark.parametrize("name", WITH_COX)
def test_contrast_of_one_column_is_its_row_in_r(name, ties):
    """The contrast of one column gives coxph's hazard ratio and its 95 % limits."""
    data, r = study(name), study(name).r[f"cox_{ties}"]
    fit = cox(data.design, data.names, *data.endpoint(), ties=ties)
    for k, axis in enumerate(np.eye(len(fit.names))):
        log_hr, error, lower, upper = fit.contrast(axis)
        expected = r["hr"][k], r["hr_lower"][k], r["hr_upper"][k], r["se"][k]
        assert_allclose([math.exp(log_hr), math.exp(lower), math.exp(upper), error], expected, rtol=1e-6)


def test_contrast_of_two_groups_does_not_depend_on_the_reference():
    """MMSET against MAF is the same log hazard ratio whichever level is the reference."""
    data = study("myeloma_gep")
    levels = np.unique(data.group)
    answers = []
    for reference in levels[:2]:
        names = [level for level in levels if level != reference]
        fit = cox((data.group[:, None] == names).astype(float), names, data.time, data.event)
        answers.append(fit.contrast((np.array(names) == "MMSET").astype(float) - (np.array(names) == "MAF"), prob=0.8))
    assert_allclose(answers[0], answers[1], rtol=1e-8)


@BOTH
@pytest.mark.parametrize("delayed", [0.0, 0.6])
def test_weights_count_rows(ties, delayed):
    """A row of weight w is w rows, in Efron's method too: coefficients, covariance and log-likelihoods are the same."""
    time, event, entry, weight = spells(11, size=60, delayed=delayed)
    design = np.random.default_rng(1).normal(size=(60, 2))
    copies = np.repeat(np.arange(60), weight.astype(int))
    one = cox(design, ["a", "b"], time, event, entry, weight, ties=ties)
    other = cox(design[copies], ["a", "b"], time[copies], event[copies], entry[copies], ties=ties)
    assert (one.rows, one.events) == (other.rows, other.events)
    assert_allclose(one.coefficients, other.coefficients, rtol=1e-7)
    assert_allclose(one.covariance, other.covariance, rtol=1e-7)
    assert_allclose([one.log_likelihood, one.null_log_likelihood], [other.log_likelihood, other.null_log_likelihood], rtol=1e-10)


@BOTH
def test_only_the_order_of_times_matters(ties):
    """The partial likelihood knows times by their order: squaring them all changes nothing."""
    time, event, entry, _ = spells(5, size=50)
    design = np.random.default_rng(2).normal(size=(50, 2))
    one = cox(design, ["a", "b"], time, event, entry, ties=ties)
    other = cox(design, ["a", "b"], time**2, event, entry**2, ties=ties)
    assert_allclose(one.coefficients, other.coefficients, rtol=1e-12)


@BOTH
def test_an_entry_at_an_event_time_is_not_yet_at_risk(ties):
    """Entry is exclusive: entering at the time of an event is the same as entering a moment later."""
    time, event, entry, _ = spells(6, size=50)
    assert np.isin(entry[entry > 0], time[event == 1]).any()
    design = np.random.default_rng(2).normal(size=(50, 1))
    one = cox(design, ["a"], time, event, entry, ties=ties)
    later = cox(design, ["a"], time, event, np.where(entry > 0, entry + 0.5, 0.0), ties=ties)
    earlier = cox(design, ["a"], time, event, np.where(entry > 0, entry - 0.5, 0.0), ties=ties)
    assert_allclose(one.coefficients, later.coefficients, rtol=1e-12)
    assert abs(one.coefficients[0] - earlier.coefficients[0]) > 1e-3


@BOTH
def test_a_column_on_another_scale(ties):
    """A column times 1000 has a coefficient and a standard error over 1000."""
    data = study("kidney")
    factor = np.array([1000.0, 1, 1, 1, 1])
    one = cox(data.design, data.names, data.time, data.event, ties=ties)
    other = cox(data.design * factor + 7, data.names, data.time, data.event, ties=ties)
    assert_allclose(other.coefficients, one.coefficients / factor, rtol=1e-7)
    assert_allclose(other.covariance, one.covariance / np.outer(factor, factor), rtol=1e-7)


def test_breslow_derivatives():
    """The gradient and information of Breslow's likelihood are its central differences."""
    time, event, entry, weight = spells(8, size=40)
    sets = risk_sets(as_rows(time, event, entry, weight))
    columns = np.random.default_rng(5).normal(size=(40, 3))[sets.row]
    at, step = np.array([0.3, -0.2, 0.1]), 1e-5
    _, gradient, information = breslow(at, columns, sets)
    nudged = [[breslow(at + sign * step * axis, columns, sets) for sign in (1, -1)] for axis in np.eye(3)]
    assert_allclose(gradient, [(up[0] - down[0]) / (2 * step) for up, down in nudged], rtol=1e-6)
    assert_allclose(information, [-(up[1] - down[1]) / (2 * step) for up, down in nudged], rtol=1e-6)


def test_breslow_likelihood_by_brute_force():
    """Breslow's likelihood is the product, over deaths, of exp(x beta) over its sum in the risk set."""
    time, event, entry, weight = spells(9, size=40)
    rows = as_rows(time, event, entry, weight)
    sets = risk_sets(rows)
    design = np.random.default_rng(6).normal(size=(40, 2))
    at = np.array([0.4, -0.7])
    relative = weight * np.exp(design @ at)
    brute = sum(
        weight[i] * (design[i] @ at - math.log(np.sum(relative[((entry < time[i]) | (entry == 0)) & (time >= time[i])])))
        for i in np.flatnonzero(event)
    )
    assert breslow(at, design[sets.row], sets)[0] == pytest.approx(brute, rel=1e-12)


def three_rows(*columns):
    return np.column_stack(columns), [f"c{k}" for k in range(len(columns))], [1, 2, 3], [1, 1, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (three_rows([1, 1, 1], [1, 2, 4]), "constant columns of the design: c0"),
        (three_rows([1, 2, 4], [2, 4, 8]), "collinear: c0, c1"),
        (three_rows([1, math.nan, 2]), "'c0' of the design has missing values"),
        ((np.ones((2, 1)), ["a"], [1, 2, 3], [1, 1, 1]), "the design has shape"),
        ((np.empty((3, 0)), [], [1, 2, 3], [1, 1, 1]), "no columns"),
    ],
)
def test_what_is_refused(call, message):
    """A design that determines nothing is an error that names its columns."""
    with pytest.raises(DataError, match=message):
        cox(*call)


def test_a_contrast_needs_a_number_a_column():
    """A contrast of the wrong length is an error."""
    fit = cox(*three_rows([0.1, 0.5, 0.3]))
    with pytest.raises(DataError, match="one number for each of 1 columns"):
        fit.contrast([1, -1])


@BOTH
@pytest.mark.parametrize("columns", [[[1, 1], [1, 1], [0, 0], [0, 0], [0, 0]], [[1], [1], [0], [0], [0]]])
def test_iterations_that_do_not_converge(columns, ties):
    """Collinear columns, or a monotone likelihood that nobody recognised, are an error rather than a large number."""
    sets = risk_sets(as_rows([1, 2, 3, 4, 5], [1, 1, 1, 1, 0]))
    with pytest.raises(FitError, match="did not converge"):
        maximise(np.array(columns, dtype=float), sets, ties)
