"""The posterior predictive check: curves of replicates are Kaplan-Meier's, and tell a model that fits from one that does not."""

from __future__ import annotations

import dataclasses

import fits
import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.errors import AnalysisError, FitError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import kaplan_meier, median_follow_up
from bayes_rrmm.model_checks.predictive import Compared, Predicted, predict, product_limit


def weibull(size: int, shape: float, seed: int, follow_up: float = 40.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    time = 20.0 * rng.weibull(shape, size) + 0.01
    end = rng.uniform(5.0, follow_up, size)
    group = np.resize(["a", "a", "b"], size)
    exit_ = np.round(np.minimum(time, end), 3)
    return pd.DataFrame({"time": exit_, "event": (time <= end).astype(int), "group": group})


def fit_of(frame: pd.DataFrame, formula: str = "group", **parts: str) -> Fit:
    cohort, plan = fits.cohort_and_plan(frame, formula, **parts)
    return fits.laplace_fit(plan, cohort)


def share_outside(one: Predicted) -> float:
    lower, upper = np.quantile(one.replicates, [0.025, 0.975], axis=0)
    observed = np.array([one.observed.survival_at(t)[0] for t in one.time])
    return float(np.mean((observed < lower) | (observed > upper)))


@pytest.mark.parametrize("start", [0.0, 4.0])
def test_the_curve_of_a_replicate_is_kaplan_meier_s(start: float) -> None:
    """With ties, delayed entry and a late start, the product-limit curve is that of the frequentist floor."""
    rng = np.random.default_rng(4)
    time = np.round(rng.exponential(10.0, 200) + start + 1.0)
    event, entry = rng.integers(0, 2, 200).astype(float), np.where(rng.random(200) < 0.5, start, 0.5 * time * (start > 0))
    curve = kaplan_meier(time, event, entry)
    at = np.linspace(curve.start, curve.last_follow_up, 57)
    expected = [curve.survival_at(t)[0] for t in at]
    np.testing.assert_allclose(product_limit(time, event, entry, curve.start, at), expected, atol=1e-12)


def test_p_is_never_certain() -> None:
    """By hand: 2 of 4 above and 1 equal, the data counted among them; all below; all above."""
    assert Compared(3.0, np.array([1.0, 3.0, 4.0, 5.0])).p == pytest.approx((2 + 0.5 + 0.5) / 5)
    assert Compared(9.0, np.arange(4.0)).p == pytest.approx(0.1)
    assert Compared(-1.0, np.arange(4.0)).p == pytest.approx(0.9)


def test_a_model_that_fits_is_told_from_one_that_does_not() -> None:
    """Data of a steep Weibull lie inside the band of a Weibull model, and for a good part outside that of an exponential one."""
    frame = weibull(200, 2.5, 5)
    (right,) = predict(fit_of(frame, "1"))
    (wrong,) = predict(fit_of(frame, "1", model='baseline = "exponential"'))
    assert share_outside(right) < 0.05
    assert share_outside(wrong) > 0.3


def test_replicates_do_not_follow_the_data_but_the_draws() -> None:
    """Of patients who die three times as fast as the draws have it, replicates have fewer events and survive longer."""
    fit = fit_of(weibull(150, 1.0, 6))
    slow = {**fit.draws, "log_rate": fit.draws["log_rate"] - np.log(3.0)}
    for one in predict(fits.fit_with(fit.plan, fit.cohort, slow), by="group"):
        assert one.events is not None
        assert one.survival is not None
        assert one.events.p < 0.02
        assert one.survival.p > 0.98


def test_what_is_compared_is_the_data_s_own() -> None:
    """Number of events, and Kaplan-Meier at the group's median follow-up; each group of its own patients; the seed is the fit's."""
    frame = weibull(90, 1.2, 7)
    fit = fit_of(frame)
    found = predict(fit, by="group")
    assert [one.label for one in found] == ["a", "b"]
    for one in found:
        own = frame[frame["group"] == one.label]
        curve = kaplan_meier(own["time"], own["event"])
        assert one.patients == len(own)
        assert one.events is not None
        assert one.survival is not None
        assert one.events.observed == own["event"].sum()
        assert one.follow_up == median_follow_up(own["time"], own["event"])[0]
        assert one.survival.observed == curve.survival_at(one.follow_up)[0]
        assert one.replicates.shape == (200, len(one.time))
        assert (np.diff(one.replicates, axis=1) <= 1e-12).all()
        risk = [(own["time"] >= t).sum() for t in (one.few_left, np.nextafter(one.few_left, np.inf))]
        assert risk[0] >= 5 > risk[1]
    again = predict(fit, by="group")
    assert all((one.replicates == other.replicates).all() for one, other in zip(found, again, strict=True))


def test_where_nobody_is_censored_the_number_of_events_says_nothing() -> None:
    """It is left out, and S is compared at the median time of exit."""
    frame = weibull(60, 1.0, 8).assign(event=1)
    (one,) = predict(fit_of(frame, "1"))
    assert one.events is None
    assert one.follow_up == pytest.approx(frame["time"].median())


def test_a_landmark_and_delayed_entry_start_where_kaplan_meier_does() -> None:
    """All curves are conditional on survival to one time; with too few ever at risk there is none."""
    frame = weibull(120, 1.0, 9).assign(start=lambda rows: np.minimum(0.5 * rows["time"], 8.0))
    ratio = '[[estimands]]\nkind = "hazard-ratio"\nof = "group"'
    for parts in ({"endpoint": 'entry = "start"'}, {"model": "landmark = 6", "rest": ratio}):
        (one,) = predict(fit_of(frame, **parts))
        assert one.time[0] == one.observed.start > 0
        assert (one.replicates[:, 0] == 1).all()
        assert share_outside(one) < 0.1
    few = frame[:8]
    (none,) = predict(fit_of(few, "1", endpoint='entry = "start"'))
    assert len(none.time) == 0
    assert none.survival is None


def test_what_cannot_be_checked_is_refused() -> None:
    """No such group; no rows."""
    fit = fit_of(weibull(40, 1.0, 10))
    with pytest.raises(AnalysisError, match="'grup' is not a group of this model; did you mean 'group'"):
        predict(fit, by="grup")
    with pytest.raises(FitError, match="the posterior predictive check needs the analysed rows"):
        predict(dataclasses.replace(fit, cohort=None))
