"""Maximum likelihood of exponential, Weibull and piecewise-exponential models, beside R and from first principles."""

import math

import numpy as np
import pandas as pd
import pytest
from lifelines import WeibullAFTFitter
from numpy.testing import assert_allclose
from r_results import DATASETS, study
from scipy import optimize
from test_kaplan_meier import spells

from bayes_rrmm.frequentist import parametric
from bayes_rrmm.frequentist.newton import climb
from bayes_rrmm.frequentist.parametric_likelihood import Poisson, WeibullLikelihood
from bayes_rrmm.hazards import pointwise_log_likelihood

TOLERANCE = {"rtol": 1e-6, "atol": 1e-9}
WITH_ML = tuple(name for name in DATASETS if "pe" in study(name).r)
FAMILIES = pytest.mark.parametrize(("family", "cuts"), [("exponential", ()), ("weibull", ()), ("piecewise", (4.0, 8.0))])


def r_fits():
    """Every maximum-likelihood fit R has on the hazard scale: data set, entry of its file, family."""
    found = []
    for name in WITH_ML:
        keys = [key for key, r in study(name).r["weibull"].items() if "est" in r]
        found += [(name, key, "weibull" if key.startswith("weibull") else "exponential") for key in keys]
    return found


def in_r_order(fit):
    """Estimates and covariance in R's order: log rate, coefficients, log shape."""
    size = len(fit.names)
    order = [size, *range(size), *range(size + 1, size + len(fit.baseline))]
    return np.concatenate([fit.coefficients, fit.baseline])[order], fit.covariance[np.ix_(order, order)]


def example(seed=3, size=60):
    """Random rows with ties, delayed entry and whole weights, and two columns."""
    time, event, entry, weight = spells(seed, size=size)
    columns = np.random.default_rng(seed).normal(size=(size, 2)) * [1.0, 30.0] + [0.0, 60.0]
    return columns, ("a", "b"), time, event, entry, weight


@pytest.mark.parametrize(("name", "key", "family"), r_fits())
def test_matches_r(name, key, family):
    """Estimates, covariance, log-likelihood and AIC are those of survreg, and of R's own Newton under delayed entry."""
    data, r = study(name), study(name).r["weibull"][key]
    entry = None if key.endswith("ignoring_entry") else data.entry
    fit = parametric(family, data.design, data.names, data.time, data.event, entry)
    estimates, covariance = in_r_order(fit)
    assert ("b0", *fit.names, *fit.baseline_names[1:]) == tuple(r["terms"])
    assert_allclose(estimates, r["est"], **TOLERANCE)
    assert_allclose(np.sqrt(np.diag(covariance)), r["se"], **TOLERANCE)
    assert_allclose(covariance, r["vcov"], **TOLERANCE)
    assert fit.log_likelihood == pytest.approx(r["loglik"], rel=1e-9)
    if "aic" in r:
        assert fit.aic == pytest.approx(r["aic"], rel=1e-9)


@pytest.mark.parametrize("name", WITH_ML)
def test_piecewise_matches_r(name):
    """Log hazards, coefficients, covariance and survival log-likelihood are those of R's Poisson glm on split person-time."""
    data, r = study(name), study(name).r["pe"]
    fit = parametric("piecewise", data.design, data.names, *data.endpoint(), cuts=r["cuts"])
    assert_allclose(fit.baseline, r["log_hazard"], **TOLERANCE)
    assert_allclose(fit.coefficients, r["coef"], **TOLERANCE)
    size = len(fit.names)
    order = [*range(size, size + len(fit.baseline)), *range(size)]
    assert_allclose(fit.covariance[np.ix_(order, order)], r["vcov"], **TOLERANCE)
    assert fit.log_likelihood == pytest.approx(r["loglik_survival"], rel=1e-9)


def test_entry_is_used():
    """Leaving entry out of the Mayo data moves the log hazard ratio by more than five standard errors."""
    data = study("myeloma_mayo")
    fits = [parametric("weibull", data.design, data.names, data.time, data.event, entry) for entry in (data.entry, None)]
    assert abs(fits[0].coefficients[0] - fits[1].coefficients[0]) > 5 * fits[0].parameter("year10")[1]


def test_is_lifelines_aft_on_another_scale():
    """Without delayed entry lifelines' Weibull AFT model is the same: log HR = -shape * coefficient."""
    data = study("kidney")
    fit = parametric("weibull", data.design, data.names, data.time, data.event)
    frame = {f"x{k}": column for k, column in enumerate(data.design.T)} | {"time": data.time, "event": data.event}
    with np.errstate(all="ignore"):
        aft = WeibullAFTFitter().fit(pd.DataFrame(frame), "time", "event")
    log_hr = -math.exp(aft.params_["rho_", "Intercept"]) * aft.params_["lambda_"].drop("Intercept")
    assert_allclose(fit.coefficients, log_hr, rtol=1e-3)
    assert fit.log_likelihood == pytest.approx(aft.log_likelihood_, abs=1e-6)


@FAMILIES
def test_log_likelihood_is_that_of_the_bayesian_models(family, cuts):
    """At the maximum the log-likelihood is the sum of the rows' that the samplers use, with entry and weights."""
    columns, names, time, event, entry, weight = example()
    fit = parametric(family, columns, names, time, event, entry, weight, cuts=cuts)
    eta = ((columns - fit.centre) @ fit.coefficients)[None, :]
    rows = pointwise_log_likelihood(fit.hazard, eta, time, event, entry, weight)
    assert fit.log_likelihood == pytest.approx(float(rows.sum()), rel=1e-12)


@FAMILIES
def test_is_the_maximum_by_finite_differences(family, cuts):
    """Central differences of the Bayesian side's log-likelihood are 0 at the estimates, and their curvature is the information."""
    columns, names, time, event, entry, weight = example()
    fit = parametric(family, columns, names, time, event, entry, weight, cuts=cuts)
    estimates = np.concatenate([fit.coefficients, fit.baseline])

    def value(point):
        moved = parametric_at(fit, point)
        eta = ((columns - fit.centre) @ point[:2])[None, :]
        return float(pointwise_log_likelihood(moved, eta, time, event, entry, weight).sum())

    step = 1e-4 * np.sqrt(np.diag(fit.covariance))
    slopes = [(value(estimates + nudge) - value(estimates - nudge)) for nudge in np.diag(step)]
    assert_allclose(slopes, 0.0, atol=1e-7)
    wide = 100 * step
    curves = [2 * value(estimates) - value(estimates + nudge) - value(estimates - nudge) for nudge in np.diag(wide)]
    assert_allclose(curves / wide**2, np.diag(np.linalg.inv(fit.covariance)), rtol=1e-3)


def parametric_at(fit, point):
    """The baseline of a fit with other parameters."""
    baseline = point[len(fit.names) :]
    if fit.family == "piecewise":
        return type(fit.hazard)(baseline[None, :], fit.cuts)
    return type(fit.hazard)(*(baseline[k : k + 1] for k in range(len(baseline))))


def weibull_likelihood():
    columns, _, time, event, entry, weight = example()
    cells = np.hstack([(columns - columns.mean(axis=0)) / columns.std(axis=0), np.ones((len(time), 1))])
    with np.errstate(divide="ignore"):
        return WeibullLikelihood(cells, np.log(time / 5), np.log(entry / 5), weight * event, weight, math.log(5.0))


def poisson_likelihood():
    rng = np.random.default_rng(7)
    return Poisson(rng.normal(size=(30, 4)), rng.poisson(1.0, 30).astype(float), rng.exponential(size=30) + 0.1)


@pytest.mark.parametrize("likelihood", [weibull_likelihood(), poisson_likelihood()], ids=["weibull", "poisson"])
def test_derivatives(likelihood):
    """The gradient and the information are central differences of the value and of the gradient, away from the maximum."""
    at, step = np.array([0.3, -0.2, -0.4, 0.25]), 1e-5
    _, gradient, information = likelihood(at)
    nudged = [[likelihood(at + sign * step * axis) for sign in (1, -1)] for axis in np.eye(4)]
    assert_allclose(gradient, [(up[0] - down[0]) / (2 * step) for up, down in nudged], rtol=1e-6)
    assert_allclose(information, [-(up[1] - down[1]) / (2 * step) for up, down in nudged], rtol=1e-6, atol=1e-6)


@FAMILIES
def test_weights_count_rows(family, cuts):
    """A row of weight w is w rows: estimates, covariance, log-likelihood and AIC are the same."""
    columns, names, time, event, entry, weight = example(11)
    copies = np.repeat(np.arange(len(time)), weight.astype(int))
    one = parametric(family, columns, names, time, event, entry, weight, cuts=cuts)
    other = parametric(family, columns[copies], names, time[copies], event[copies], entry[copies], cuts=cuts)
    assert (one.rows, one.events) == (other.rows, other.events)
    assert_allclose([*one.coefficients, *one.baseline], [*other.coefficients, *other.baseline], rtol=1e-9)
    assert_allclose(one.covariance, other.covariance, rtol=1e-9)
    assert one.aic == pytest.approx(other.aic, rel=1e-12)


@FAMILIES
def test_splitting_rows_changes_nothing(family, cuts):
    """A row from entry to exit is a row to the middle without event and one from there on: the likelihood is the same."""
    columns, names, time, event, entry, _ = example(5)
    middle = (entry + time) / 2
    whole = parametric(family, columns, names, time, event, entry, cuts=cuts)
    late = np.concatenate([entry, middle]), np.concatenate([middle, time])
    split = parametric(family, np.vstack([columns] * 2), names, late[1], np.append(0 * event, event), late[0], cuts=cuts)
    assert_allclose([*split.coefficients, *split.baseline], [*whole.coefficients, *whole.baseline], rtol=1e-8)
    assert split.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-12)


def test_a_unit_of_time():
    """In days instead of months the log hazard ratio is the same, and the log rate is that of a day."""
    columns, names, time, event, entry, _ = example(5)
    months, days = (parametric("weibull", columns, names, k * time, event, k * entry) for k in (1.0, 30.4375))
    assert_allclose(days.coefficients, months.coefficients, rtol=1e-9)
    assert_allclose(days.covariance[:2, :2], months.covariance[:2, :2], rtol=1e-9)
    assert days.baseline[1] == pytest.approx(months.baseline[1])
    assert days.baseline[0] == pytest.approx(months.baseline[0] - math.exp(months.baseline[1]) * math.log(30.4375))


@FAMILIES
def test_centre_moves_the_baseline_alone(family, cuts):
    """The baseline at another point is that at the means plus the linear predictor between them, errors included."""
    columns, names, time, event, entry, weight = example()
    mean = parametric(family, columns, names, time, event, entry, weight, cuts=cuts)
    zero = parametric(family, columns, names, time, event, entry, weight, cuts=cuts, centre=[0.0, 0.0])
    assert_allclose(mean.centre, np.average(columns, axis=0, weights=weight))
    levels = 1 if family == "weibull" else len(mean.baseline)
    assert_allclose(zero.baseline[:levels], mean.baseline[:levels] - mean.centre @ mean.coefficients, rtol=1e-9)
    jacobian = np.eye(len(mean.covariance))
    jacobian[2 : 2 + levels, :2] = -mean.centre
    assert_allclose(zero.covariance, jacobian @ mean.covariance @ jacobian.T, rtol=1e-8, atol=1e-12)


def test_without_columns():
    """The rate of an exponential model is events over person-time, and its error 1 / sqrt(events)."""
    _, _, time, event, entry, weight = example()
    fit = parametric("exponential", np.empty((len(time), 0)), [], time, event, entry, weight)
    rate, error, lower, upper = fit.parameter("log_rate", prob=0.9)
    events = np.sum(weight * event)
    assert rate == pytest.approx(math.log(events / np.sum(weight * (time - entry))))
    assert error == pytest.approx(1 / math.sqrt(events))
    assert_allclose([lower, upper], [rate - 1.6448536269514722 * error, rate + 1.6448536269514722 * error], rtol=1e-12)


def test_piecewise_without_columns_is_events_over_exposure():
    """Each log hazard is log(events / person-time) of its interval; an event on a cut is in the earlier one."""
    fit = parametric("piecewise", np.empty((4, 0)), [], [1, 2, 3, 5], [1, 1, 1, 0], cuts=[2.0])
    assert_allclose(np.exp(fit.baseline), [2 / 7, 1 / 4], rtol=1e-9)
    assert fit.cuts.tolist() == [2.0]
    assert fit.monotone == ()


def test_is_the_maximum_by_another_optimiser():
    """Nelder and Mead, who know no derivatives, find no better Weibull parameters."""
    likelihood = weibull_likelihood()
    peak = climb(likelihood, np.zeros(4), "Weibull model")
    found = optimize.minimize(lambda at: -likelihood(at)[0], peak.point + 0.3, method="Nelder-Mead", options={"maxiter": 4000})
    assert -found.fun == pytest.approx(peak.value, abs=1e-5)
    assert peak.value >= -found.fun
