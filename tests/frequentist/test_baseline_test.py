"""The likelihood-ratio test of a parametric baseline against one free to change in steps."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from r_results import study
from scipy import optimize, stats

from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.frequentist import baseline_test, parametric

SHAPE = {"weibull": 1 / 1.3, "flat": 1.0}
FAMILIES = pytest.mark.parametrize(("family", "cuts"), [("exponential", ()), ("weibull", ()), ("piecewise", (5.0, 12.0))])


def rows_of(rng, size, *, hazard="weibull", delayed=True, weighted=False):
    """Design of two columns, names, time, event, entry, weight: Weibull with shape 1.3, exponential, or a hazard that peaks."""
    design = np.column_stack([rng.random(size) < 0.4, rng.normal(0.0, 1.0, size)]).astype(float)
    unit = rng.exponential(np.exp(-design @ [0.5, -0.3]))
    # H(t) = log(1 + (t / 12)^4) is a log-logistic hazard, up and then down.
    died = 12.0 * np.expm1(unit) ** 0.25 if hazard == "peak" else 20.0 * unit ** SHAPE[hazard]
    late = rng.uniform(0, 6, size) * (rng.random(size) < 0.5) if delayed else np.zeros(size)
    censored = late + rng.uniform(5, 50, size)
    seen = died > late
    weight = rng.integers(1, 4, size).astype(float) if weighted else np.ones(size)
    time = np.minimum(died, censored)
    columns = time[seen], (died <= censored)[seen].astype(float), late[seen], weight[seen]
    return design[seen], ("group", "age"), *columns


@pytest.mark.parametrize(
    ("family", "cuts", "hazard"), [("exponential", (), "flat"), ("weibull", (), "weibull"), ("piecewise", (6.0,), "flat")]
)
def test_size(family, cuts, hazard):
    """Where the model holds, p is below 0.05 in 5 % of 400 cohorts and below 0.2 in 20 %, within three binomial errors."""
    rng = np.random.default_rng(17)
    p = np.array([baseline_test(family, *rows_of(rng, 150, hazard=hazard), cuts=cuts).p for _ in range(400)])
    for level in (0.05, 0.2):
        assert np.mean(p < level) == pytest.approx(level, abs=3 * math.sqrt(level * (1 - level) / 400))


@FAMILIES
def test_power_against_a_hazard_that_peaks(family, cuts):
    """A hazard that rises and falls is found in more than 7 of 10 cohorts."""
    rng = np.random.default_rng(18)
    p = np.array([baseline_test(family, *rows_of(rng, 250, hazard="peak"), cuts=cuts).p for _ in range(40)])
    assert np.mean(p < 0.05) > 0.7


@pytest.mark.parametrize("family", ["exponential", "weibull"])
def test_is_that_of_scipy(family):
    """Twice the difference of two log-likelihoods, written from the hazard and maximised by scipy, with entry and weights."""
    design, names, time, event, entry, weight = rows_of(np.random.default_rng(3), 120, weighted=True)
    found = baseline_test(family, design, names, time, event, entry, weight)
    assert len(found.cuts) == found.degrees_of_freedom == 4

    def minus(point, cuts):
        shape = math.exp(point[-1]) if family == "weibull" else 1.0
        bounds = np.concatenate([[0.0], cuts, [np.inf]])
        linear, log_hazard = design @ point[:2], point[2 : 3 + len(cuts)]

        def cumulative(t):
            inside = np.clip(t[:, None], bounds[:-1], bounds[1:]) ** shape - bounds[:-1] ** shape
            return inside @ np.exp(log_hazard) * np.exp(linear)

        interval = np.searchsorted(cuts, time)
        log_density = log_hazard[interval] + linear + math.log(shape) + (shape - 1) * np.log(time)
        return -float(weight @ (event * log_density - (cumulative(time) - cumulative(entry))))

    best = []
    for cuts in (np.empty(0), found.cuts):
        start = np.concatenate([[0.0, 0.0], np.full(len(cuts) + 1, -3.5), [0.1]])
        best.append(optimize.minimize(minus, start, args=(cuts,), method="BFGS", options={"gtol": 1e-5}))
    statistic = 2 * (best[0].fun - best[1].fun)
    assert found.statistic == pytest.approx(statistic, abs=1e-6)
    assert found.p == pytest.approx(stats.chi2.sf(statistic, 4), abs=1e-7)
    assert found.shape == pytest.approx(math.exp(best[0].x[-1]) if family == "weibull" else 1.0, rel=1e-5)


@FAMILIES
def test_the_unit_of_time_does_not_matter(family, cuts):
    """In days the statistic is that in months, and the cuts are multiplied."""
    design, names, time, event, entry, weight = rows_of(np.random.default_rng(5), 200)
    months = baseline_test(family, design, names, time, event, entry, weight, cuts=cuts)
    scale = 30.4375
    days = baseline_test(family, design, names, time * scale, event, entry * scale, weight, cuts=np.array(cuts) * scale)
    assert days.statistic == pytest.approx(months.statistic, rel=1e-8)
    assert_allclose(days.cuts, months.cuts * scale)
    assert days.shape == pytest.approx(months.shape, rel=1e-8)


@FAMILIES
def test_weights_count_rows(family, cuts):
    """A row of weight w is w rows, and the narrower model is that of `parametric`."""
    design, names, time, event, entry, weight = rows_of(np.random.default_rng(6), 80, weighted=True)
    copies = np.repeat(np.arange(len(time)), weight.astype(int))
    one = baseline_test(family, design, names, time, event, entry, weight, cuts=cuts)
    other = baseline_test(family, design[copies], names, time[copies], event[copies], entry[copies], cuts=cuts)
    assert one.statistic == pytest.approx(other.statistic, rel=1e-7)
    assert_allclose(one.cuts, other.cuts)
    if family != "weibull":
        wider = parametric("piecewise", design, names, time, event, entry, weight, cuts=one.cuts)
        narrow = parametric(family, design, names, time, event, entry, weight, cuts=cuts)
        assert one.statistic == pytest.approx(2 * (wider.log_likelihood - narrow.log_likelihood), rel=1e-9)
        assert one.degrees_of_freedom == len(one.cuts) - len(cuts)


@pytest.mark.parametrize(("family", "cuts"), [("exponential", ()), ("weibull", ()), ("piecewise", (2.0,))])
def test_a_level_without_events(family, cuts):
    """Its patients drop out of both limits: the test is that of the others."""
    design, _, time, event, entry, weight = rows_of(np.random.default_rng(7), 150)
    lucky = np.arange(len(time)) % 7 == 0
    event = np.where(lucky, 0.0, event)
    found = baseline_test(family, np.column_stack([design, lucky]), ("a", "b", "c"), time, event, entry, weight, cuts=cuts)
    rest = [column[~lucky] for column in (time, event, entry, weight)]
    others = baseline_test(family, design[~lucky], ("a", "b"), *rest, cuts=cuts)
    assert found.degrees_of_freedom == others.degrees_of_freedom > 0
    assert found.statistic == pytest.approx(others.statistic, rel=1e-6)


def test_intervals():
    """Intervals share the events out; 50 events make five, 29 two, 19 none; a piecewise interval with 9 stays whole."""
    none, at = np.empty((60, 0)), np.arange(1.0, 61.0)
    five = baseline_test("weibull", none, (), at, at <= 50)
    assert_allclose(five.cuts, [10.5, 20.5, 30.5, 40.5])
    assert_allclose(baseline_test("exponential", none, (), at, at <= 29).cuts, [15.5])
    few = baseline_test("weibull", none, (), at, at <= 19)
    assert (few.degrees_of_freedom, few.cuts.size, math.isnan(few.p), math.isnan(few.statistic)) == (0, 0, True, True)
    assert few.shape == pytest.approx(math.exp(parametric("weibull", none, (), at, at <= 19).baseline[1]))
    assert_allclose(baseline_test("piecewise", none, (), at, at <= 50, cuts=[9.0, 30.0]).cuts, [9, 20.5, 30, 40.5])
    whole = baseline_test("piecewise", none, (), at, at <= 9)
    assert (whole.degrees_of_freedom, math.isnan(whole.p)) == (0, True)


def test_events_that_crowd_at_one_time():
    """Times in years leave the Weibull family fewer intervals, or none: within one it needs events at two times."""
    rng = np.random.default_rng(9)
    years = np.ceil(rng.weibull(1.5, 200) * 2)
    event = (years <= 4).astype(float)
    found = baseline_test("weibull", np.empty((200, 0)), (), np.minimum(years, 4), event)
    assert found.cuts.tolist() == [2.5]
    assert math.isfinite(found.statistic)
    same = baseline_test("exponential", np.empty((200, 0)), (), np.minimum(years, 4), event)
    assert len(same.cuts) == 3


def test_real_cohorts():
    """The myeloma cohorts of R's files have an answer, with delayed entry too."""
    for name in ("myeloma_gep", "myeloma_mayo"):
        data = study(name)
        for family in ("exponential", "weibull"):
            found = baseline_test(family, data.design, data.names, data.time, data.event, data.entry)
            assert 0 <= found.p <= 1
            assert found.degrees_of_freedom == 4


def test_what_is_refused():
    """Time 0, no events and cuts of another family are the errors of `parametric`."""
    none = np.empty((3, 0))
    with pytest.raises(DataError, match="'time' is 0"):
        baseline_test("weibull", none, (), [0, 1, 2], [1, 1, 1])
    with pytest.raises(FitError, match="no events"):
        baseline_test("exponential", none, (), [1, 2, 3], [0, 0, 0])
    with pytest.raises(DataError, match="cuts are for the piecewise family"):
        baseline_test("weibull", none, (), [1, 2, 3], [1, 1, 1], cuts=[1.5])
