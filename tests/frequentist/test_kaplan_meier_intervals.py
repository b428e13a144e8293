"""Both intervals of Kaplan-Meier, its quantiles and its standard errors, beside R and by hand."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from r_results import WITH_COX, curves, study
from test_kaplan_meier import TOLERANCE, or_infinity, spells

from bayes_rrmm.frequentist import kaplan_meier
from bayes_rrmm.frequentist.kaplan_meier import ROUNDING

INTERVALS = pytest.mark.parametrize("interval", ["log-log", "log"])


def or_nan(value):
    return math.nan if value is None else value


def as_r_reads(curve, limit, height):
    """R's time at which a limit comes down to a height: it sorts the limit, so one that rises again has its last such piece.

    `approx` inside R's quantile.survfit takes the piece with the largest value not above the height; ours is the first piece.
    """
    below = np.flatnonzero(limit <= height + ROUNDING)
    return curve.time[below[np.argmax(limit[below])]] if len(below) else math.inf


@INTERVALS
@pytest.mark.parametrize(("name", "group"), curves())
def test_survival_and_its_limits_match_r(name, group, interval):
    """S(t), Greenwood's standard error and both limits at the landmarks are R's, with delayed entry too."""
    data, r = study(name), study(name).kaplan_meier(group)
    curve = kaplan_meier(*data.endpoint(data.of(group)), interval=interval)
    limits = r[f"ci_{interval}"]
    assert curve.interval == interval
    for i, t in enumerate(r["landmarks"]["time"]):
        expected = r["landmarks"]["surv"][i], limits["surv_lower"][i], limits["surv_upper"][i]
        if expected == (1, None, None):
            # R: no log-log interval at S = 1 once its curve has a point there (a censoring); ours is [1, 1].
            expected = 1, 1, 1
        assert_allclose(curve.survival_at(t), [or_nan(value) for value in expected], **TOLERANCE)
        assert_allclose(curve.standard_error_at(t), or_nan(r["landmarks"]["std_err_surv"][i]), **TOLERANCE)


@INTERVALS
@pytest.mark.parametrize(("dead", "key"), [(0.25, "q25"), (0.5, "median"), (0.75, "q75")])
@pytest.mark.parametrize(("name", "group"), curves())
def test_quantiles_match_r(name, group, dead, key, interval):
    """The quartiles and the limits that invert either interval are R's; one log limit of aml rises again, and R reads it so."""
    data, r = study(name), study(name).kaplan_meier(group)
    curve = kaplan_meier(*data.endpoint(data.of(group)), interval=interval)
    found, lower, upper = curve.quantile(dead)
    expected = [or_infinity(value) for value in (r[key], *r[f"ci_{interval}"][key])]
    if (name, group, key, interval) == ("aml", "overall", "median", "log"):
        assert (upper, expected[2], as_r_reads(curve, curve.upper, 0.5)) == (45, 48, 48)
        upper = as_r_reads(curve, curve.upper, 0.5)
    assert_allclose([found, lower, upper], expected, **TOLERANCE)


@pytest.mark.parametrize("name", WITH_COX)
def test_reverse_curve_matches_r(name):
    """Median follow-up has R's log interval."""
    data, r = study(name), study(name).r["reverse_km"]
    found = kaplan_meier(data.time, 1 - data.event, data.entry, interval="log").median()
    assert_allclose(found, [or_infinity(value) for value in (r["median"], *r["ci_log"])], **TOLERANCE)


@pytest.mark.parametrize("seed", range(4))
def test_log_interval_by_hand(seed):
    """S exp(-+ 1.96 sigma), sigma^2 the sum of d / (n (n - d)), cut at 1, with entry and weights; the standard error is S sigma."""
    time, event, entry, weight = spells(seed)
    curve = kaplan_meier(time, event, entry, weight, interval="log", fewest_at_risk=1)
    sigma = 0.0
    for k, t in enumerate(curve.time):
        exposed = np.sum(weight[((entry < t) | (entry == 0)) & (time >= t)])
        died = np.sum(weight[(time == t) & (event == 1)])
        if exposed == died:
            assert np.isnan([curve.lower[k], curve.upper[k], curve.standard_error_at(t)]).all()
            break
        sigma += died / (exposed * (exposed - died))
        width = 1.959963984540054 * math.sqrt(sigma)
        limits = curve.survival[k] * math.exp(-width), min(curve.survival[k] * math.exp(width), 1.0)
        assert_allclose([curve.lower[k], curve.upper[k]], limits, rtol=1e-12)
        assert curve.standard_error_at(t) == pytest.approx(curve.survival[k] * math.sqrt(sigma), rel=1e-12)


def test_no_standard_error_where_nothing_is_known():
    """Before the first event the error is 0; beyond the follow-up, and at S = 0, there is none."""
    curve = kaplan_meier([1, 2, 3], [1, 1, 0])
    assert curve.standard_error_at(0.5) == 0
    assert math.isnan(curve.standard_error_at(3.5))
    assert math.isnan(kaplan_meier([1, 2], [1, 1]).standard_error_at(2))
