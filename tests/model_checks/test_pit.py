"""The transform of the censored predictive distribution is uniform where the model is right, and the band says how uniform."""

from __future__ import annotations

import dataclasses

import fits
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayes_rrmm.errors import FitError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.model_checks import cross_validation
from bayes_rrmm.model_checks import pit as module
from bayes_rrmm.model_checks.pit import pit, uniformity


def weibull(size: int, shape: float, seed: int) -> pd.DataFrame:
    """Two groups, of which the second has half the hazard of the first; a third of the patients censored."""
    rng = np.random.default_rng(seed)
    group = np.resize(["a", "b"], size)
    time = 20.0 * rng.weibull(shape, size) * np.where(group == "b", 2.0 ** (1 / shape), 1.0) + 0.01
    end = rng.uniform(5.0, 60.0, size)
    exits = np.round(np.minimum(time, end), 3)
    return pd.DataFrame({"time": exits, "event": (time <= end).astype(int), "group": group, "site": np.resize(list("wxyz"), size)})


def fit_of(frame: pd.DataFrame, formula: str = "group", **parts: str) -> Fit:
    cohort, plan = fits.cohort_and_plan(frame, formula, **parts)
    return fits.laplace_fit(plan, cohort)


def one_draw(frame: pd.DataFrame, formula: str = "group", **parts: str) -> Fit:
    """A fit whose draws are all the same one of the prior, so that leaving anybody out changes nothing."""
    cohort, plan = fits.cohort_and_plan(frame, formula, **parts)
    prior = fits.prior_fit(plan, cohort, size=8)
    return fits.fit_with(plan, cohort, {name: np.repeat(values[3:4], 200, axis=0) for name, values in prior.draws.items()})


def test_u_is_the_prediction_of_the_others() -> None:
    """Of events it is F(t) under draws weighted by the inverse of the patient's own likelihood: nearly so, before smoothing."""
    frame = weibull(80, 1.3, 1).assign(event=1)
    fit = fit_of(frame)
    rows = fit.require_cohort("test")
    ratios = np.exp(-fit.log_likelihood(rows))
    below = 1.0 - np.exp(fit.log_likelihood(dataclasses.replace(rows, event=np.zeros(80))))
    left_out = np.sort((ratios * below).sum(axis=0) / ratios.sum(axis=0))
    found = pit(fit).u
    np.testing.assert_allclose(found, left_out, atol=2e-3)
    assert np.abs(found - np.sort(below.mean(axis=0))).max() > 5e-3


def test_entry_gaps_and_frailty_are_in_the_prediction() -> None:
    """By hand at one draw: the hazard since entry; the mixture over a gap's values; a gamma frailty given the cluster's others."""
    frame = weibull(40, 1.0, 2).assign(event=1, start=lambda rows: 0.25 * rows["time"])
    model = 'frailty = { cluster = "site", distribution = "gamma", entry = "whole-clusters" }'
    fit = one_draw(frame, endpoint='entry = "start"', model=model)
    rows = fit.require_cohort("test")
    draws = {name: values[0] for name, values in fit.draws.items()}
    relative = np.exp(draws["log_rate"] + fit.plan.encoding.design(rows.covariates) @ draws["beta"])
    before, by_then = (relative * time ** np.exp(draws["log_shape"]) for time in (rows.entry, rows.time))
    same = np.equal.outer(frame["site"].to_numpy(), frame["site"].to_numpy()) & ~np.eye(40, dtype=bool)
    shape, rate = 1 / draws["theta"] + same.sum(axis=1), 1 / draws["theta"] + same @ by_then
    expected = 1.0 - ((rate + before) / (rate + by_then)) ** shape
    np.testing.assert_allclose(pit(fit).u, np.sort(expected), atol=1e-9)

    gaps = frame.assign(sex=np.resize(["f", "m", "m", None, "f"], 40)).drop(columns="start")
    fit = one_draw(gaps, "group + sex", model='missing = "marginalise"')
    rows = fit.require_cohort("test")
    beta, shape = fit.draws["beta"][0], np.exp(fit.draws["log_shape"][0])
    log_rate = fit.draws["log_rate"][0]

    def below(sex: str) -> np.ndarray:
        design = fit.plan.encoding.design(rows.covariates.assign(sex=rows.covariates["sex"].fillna(sex)))
        return 1.0 - np.exp(-np.exp(log_rate + design @ beta) * rows.time**shape)

    filled = [rows.covariates.assign(sex=sex) for sex in ("f", "m")]
    chance = np.exp([fit.plan.covariates.log_probability(fit.draws, frame)[0] for frame in filled])
    mixed = (chance[0] * below("f") + chance[1] * below("m")) / chance.sum(axis=0)
    np.testing.assert_allclose(pit(fit).u, np.sort(mixed), atol=1e-9)


def test_a_censored_patient_has_a_draw_above_its_time() -> None:
    """Of one censored patient among many, u is uniform on (F(c), 1) over seeds; the number of draws is said."""
    frame = pd.DataFrame({"time": [10.0, 30.0], "event": [0, 1]})
    fit = one_draw(frame, "1")
    u = []
    for seed in range(200):
        found = pit(dataclasses.replace(fit, provenance={**fit.provenance, "seed": seed}))
        assert found.censored == 1
        u.append(found.u)
    hazard = np.exp(fit.draws["log_rate"][0]) * np.array([10.0, 30.0]) ** np.exp(fit.draws["log_shape"][0])
    below = 1.0 - np.exp(-hazard)
    pairs = np.array(u)
    drawn = np.where(np.isclose(pairs[:, 0], below[1], atol=1e-12), pairs[:, 1], pairs[:, 0])
    assert (drawn > below[0]).all()
    assert stats.kstest((drawn - below[0]) / (1 - below[0]), "uniform").pvalue > 0.01


def test_a_model_that_is_right_stays_inside_and_a_wrong_one_leaves() -> None:
    """Data of a steep Weibull: inside under a Weibull model; under an exponential one too few events come early."""
    frame = weibull(300, 2.5, 3)
    right = uniformity(pit(fit_of(frame)).u)
    assert not right.outside.any()
    assert right.p > 0.05
    wrong = uniformity(pit(fit_of(frame, model='baseline = "exponential"')).u)
    assert wrong.outside.any()
    assert wrong.p < 0.001
    early = wrong.at < 0.25
    assert (wrong.difference[early & wrong.outside] < 0).all()
    assert (early & wrong.outside).any()


@pytest.mark.parametrize("distribution", ["gamma", "log-normal"])
def test_a_frailty_that_is_right_stays_inside(distribution: str) -> None:
    """Ten clusters of 25 with a large frailty, predicted at the true parameters: of 12 samples at most 2 leave the 95 % band."""
    outside = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        w = rng.gamma(2.0, 0.5, 10) if distribution == "gamma" else np.exp(rng.normal(size=10))
        time = 20.0 * rng.exponential(size=250) / np.repeat(w, 25) + 0.001
        end = rng.uniform(5.0, 60.0, 250)
        frame = pd.DataFrame({"time": np.minimum(time, end), "event": (time <= end) * 1, "site": np.repeat(list("abcdefghij"), 25)})
        model = f'frailty = {{ cluster = "site", distribution = "{distribution}" }}'
        cohort, plan = fits.cohort_and_plan(frame, model=model)
        spread = {"theta": 0.5} if distribution == "gamma" else {"tau[frailty]": 1.0}
        truth = {"log_rate": -np.log(20.0), "log_shape": 0.0, **spread}
        fit = fits.fit_with(plan, cohort, {name: np.full(40, value) for name, value in truth.items()})
        outside += bool(uniformity(pit(fit).u).outside.any())
    assert outside <= 2


def test_weights_and_identical_rows_are_patients() -> None:
    """A row of weight 3 is three patients, and rows that are alike are predicted alike, in whatever blocks."""
    frame = weibull(30, 1.0, 4).assign(event=1, count=np.resize([1, 3, 2], 30))
    weighted = pit(fit_of(frame, endpoint='weight = "count"'))
    assert len(weighted.u) == 60
    values, times = np.unique(weighted.u, return_counts=True)
    assert len(values) == 30
    assert sorted(times) == sorted(frame["count"])


@pytest.mark.parametrize("model", ["", 'frailty = { cluster = "site", distribution = "gamma" }'])
def test_blocks_change_nothing(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """u is the same in many blocks as in one."""
    cohort, plan = fits.cohort_and_plan(weibull(40, 1.0, 5), "group", model=model)
    fit = fits.prior_fit(plan, cohort, size=200)
    whole = pit(fit)
    monkeypatch.setattr(module, "BLOCK", 200 * 11)
    parts = pit(fit)
    np.testing.assert_allclose(parts.u, whole.u, atol=1e-12)
    assert parts.high_k == whole.high_k


def test_patients_with_a_high_pareto_k_are_those_of_leave_one_out() -> None:
    """Draws from the prior, far from the data: as many are counted as unreliable as leave-one-out has."""
    cohort, plan = fits.cohort_and_plan(weibull(60, 1.0, 6), "group")
    fit = fits.prior_fit(plan, cohort, size=2000)
    with_all_draws = cross_validation.loo(fit)
    assert abs(pit(fit).high_k - with_all_draws.n_high_k) <= 2


def test_the_band_holds_as_often_as_it_says() -> None:
    """Of 200 uniform samples about 95 % stay inside everywhere, and p below 0.2 comes as often as that."""
    rng = np.random.default_rng(7)
    found = [uniformity(rng.random(60)) for _ in range(200)]
    inside = np.mean([not one.outside.any() for one in found])
    assert abs(inside - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 200)
    assert abs(np.mean([one.p < 0.2 for one in found]) - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 200)
    assert all(one.outside.any() == (one.p <= 0.05) for one in found if abs(one.p - 0.05) > 0.005)


def test_what_cannot_be_done_is_refused() -> None:
    """No rows; no ids where subjects are to be left out."""
    frame = weibull(20, 1.0, 8)
    with pytest.raises(FitError, match="the probability integral transform needs the analysed rows"):
        pit(dataclasses.replace(fit_of(frame), cohort=None))
    spells = frame.assign(patient=np.repeat(np.arange(10), 2), start=np.where(np.arange(20) % 2, np.roll(frame["time"], 1), 0.0))
    fit = fit_of(spells.assign(time=spells["time"] + spells["start"]), endpoint='id = "patient"\nentry = "start"')
    assert len(pit(fit).u) == 20
    with pytest.raises(FitError, match="needs ids"):
        pit(fit, dataclasses.replace(fit.require_cohort("test"), id=None))
