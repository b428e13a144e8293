"""Where a parametric likelihood has no finite maximum, and what is refused."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from r_results import study
from test_parametric import example

from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.frequentist import parametric
from bayes_rrmm.frequentist.newton import climb
from bayes_rrmm.hazards import pointwise_log_likelihood


@pytest.mark.parametrize(("family", "cuts"), [("exponential", ()), ("weibull", ()), ("piecewise", (2.0,))])
def test_levels_without_events_are_flagged(family, cuts):
    """With no event in the reference nor in Proliferation nothing is printed as 1e8, and what is finite still comes out."""
    data = study("myeloma_gep_zero")
    fit = parametric(family, data.design, data.names, data.time, data.event, cuts=cuts)
    assert fit.monotone[:6] == fit.names
    assert_allclose(fit.coefficients, [math.inf] * 5 + [math.nan])
    assert np.isnan(fit.covariance[:6]).all()
    assert np.isneginf(fit.parameter(fit.baseline_names[0])[0])
    assert fit.contrast([1, 0, 0, 0, 0, 0]) == (math.inf, math.inf, -math.inf, math.inf)
    inside = np.isin(data.group, ["Cyclin D-2", "Hyperdiploid", "Low bone disease", "MAF", "MMSET"])
    alone = parametric(family, data.design[inside][:, [0]], ["d2"], data.time[inside], data.event[inside], cuts=cuts, centre=[0.0])
    levels = parametric(family, data.design[inside][:, :4], list("abcd"), data.time[inside], data.event[inside], cuts=cuts)
    assert fit.log_likelihood == pytest.approx(levels.log_likelihood, rel=1e-10)
    assert alone.log_likelihood < levels.log_likelihood
    assert_allclose(fit.contrast([1, -1, 0, 0, 0, 0]), levels.contrast([1, -1, 0, 0]), rtol=1e-9)


def test_a_monotone_likelihood_has_its_limit():
    """The flagged limit is what the likelihood tends to as the level without events goes to minus infinity, and not more."""
    time, event = np.array([2.0, 3, 5, 8, 4, 6]), np.array([1, 1, 0, 1, 0, 0])
    group = np.array([0.0, 0, 0, 0, 1, 1])[:, None]
    fit = parametric("weibull", group, ["b"], time, event, centre=[0.0])
    assert (fit.monotone, fit.coefficients[0]) == (("b",), -math.inf)
    far = pointwise_log_likelihood(fit.hazard, -30.0 * group.T, time, event, np.zeros(6), np.ones(6)).sum()
    assert fit.log_likelihood == pytest.approx(float(far), abs=1e-10)
    alone = parametric("weibull", np.empty((4, 0)), [], time[:4], event[:4])
    for name in ("log_rate", "log_shape"):
        assert_allclose(fit.parameter(name), alone.parameter(name), rtol=1e-8)


def test_intervals_without_events():
    """An interval without an event has hazard 0, one that nobody reaches has none: both are named, the rest is finite."""
    fit = parametric("piecewise", np.empty((4, 0)), [], [1, 2, 6, 7], [1, 1, 0, 1], cuts=[2.5, 5.0, 9.0])
    assert fit.monotone == ("log_hazard_2", "log_hazard_4")
    assert_allclose(fit.baseline[[0, 2]], [math.log(2 / 8), math.log(1 / 3)])
    assert fit.baseline[1] == -math.inf
    assert math.isnan(fit.baseline[3])


def test_an_interval_without_events_leaves_the_hazard_ratio():
    """Rows in an interval without events tell nothing of a hazard ratio: it is that of the follow-up before."""
    columns, names, time, event, _, _ = example(5)
    cut = float(np.max(time[event == 1]))
    last = np.append(time, [cut + 1, cut + 2]), np.append(event, [0, 0]), np.vstack([columns, columns[:2]])
    fit = parametric("piecewise", last[2], names, last[0], last[1], cuts=[cut])
    before = parametric("exponential", last[2], names, np.minimum(last[0], cut), last[1])
    assert fit.monotone == ("log_hazard_2",)
    assert_allclose(fit.coefficients, before.coefficients, rtol=1e-9)


def test_a_shape_without_bound_is_an_error():
    """Where all events fall together at the end of follow-up the Weibull likelihood rises for ever with the shape."""
    with pytest.raises(FitError, match="shape has no finite estimate"):
        parametric("weibull", np.empty((4, 0)), [], [3, 5, 5, 2], [0, 1, 1, 0])
    assert parametric("weibull", np.empty((4, 0)), [], [3, 5, 5, 6], [0, 1, 1, 0]).monotone == ()


def test_a_function_without_a_maximum_is_an_error():
    """Newton's method on a slope without end stops with an error that names the model."""
    with pytest.raises(FitError, match="the slope did not converge"):
        climb(lambda at: (float(-np.exp(-at[0])), np.exp(-at), np.exp(-at)[:, None]), np.zeros(1), "slope")


def rows_of(**changed):
    call = {"family": "weibull", "design": np.array([[0.1], [0.5], [0.3]]), "names": ["a"], "time": [1, 2, 3], "event": [1, 1, 0]}
    return call | changed


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (rows_of(time=[1, 0, 3]), "row 2, 'time' is 0"),
        (rows_of(design=np.ones((3, 1))), "constant columns"),
        (rows_of(cuts=[2.0]), "cuts are for the piecewise family"),
        (rows_of(family="piecewise", cuts=[2.0, 1.0]), "finite, above 0 and increasing"),
        (rows_of(family="piecewise", cuts=[0.0, 1.0]), "finite, above 0 and increasing"),
        (rows_of(centre=[0.0, 1.0]), "'centre' has shape"),
    ],
)
def test_what_is_refused(call, message):
    """A broken rule is an error that names it."""
    with pytest.raises(DataError, match=message):
        parametric(**call)


def test_no_events_and_unknown_names():
    """Without events there is nothing to fit; a parameter or a contrast that the model lacks is named."""
    with pytest.raises(FitError, match="no events"):
        parametric(**rows_of(event=[0, 0, 0]))
    fit = parametric(**rows_of())
    with pytest.raises(DataError, match="no parameter 'shape'; it has a, log_rate, log_shape"):
        fit.parameter("shape")
    with pytest.raises(DataError, match="one number for each of 1 columns"):
        fit.contrast([1, 2])
