"""What a fit with a frailty says: hazard ratios within a cluster, and curves of a new cluster, its frailty averaged over."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fits import cohort_and_plan, fit_with
from scipy import integrate, stats

import bayes_rrmm as br
from bayes_rrmm.agreement.curves import curves_table
from bayes_rrmm.frequentist import shared_frailty
from bayes_rrmm.parameters import draw_from_prior

FEW = 8
MODELS = {
    "Weibull": "",
    "piecewise": "baseline = 'piecewise-exponential'\ncuts = [5, 9, 20]\n",
    "exponential": "baseline = 'exponential'\n",
}
CASES = [(baseline, distribution) for baseline in MODELS for distribution in ("gamma", "log-normal")]


def fit_of(patients: pd.DataFrame, baseline: str, distribution: str) -> br.Fit:
    """A few draws of the prior of a model with a frailty of the centre, spreads moderate, as a fit."""
    frame = patients.assign(centre=np.resize([*"abcdefg"], 60))
    model = f"{MODELS[baseline]}frailty = {{ cluster = 'centre', distribution = '{distribution}' }}"
    prior = "[priors]\nbaseline = { median_survival = 15, upper95 = 40 }"
    cohort, plan = cohort_and_plan(frame, "group + age", model=model, rest=prior)
    draws = draw_from_prior(plan, FEW, seed=2)
    name = "theta" if distribution == "gamma" else "tau[frailty]"
    return fit_with(plan, cohort, {**draws, name: np.linspace(0.1, 1.6, FEW)}, chains=2)


def survival_by_hand(fit: br.Fit, level: str) -> Callable[[int, float], float]:
    """S(t) of a draw and time: the mean over the analysed patients, given the level, of E[exp(-w H)], w integrated out."""
    spread = fit.draws.get("theta", fit.draws.get("tau[frailty]"))
    frame = fit.require_cohort("hands").covariates.assign(group=level)
    eta = fit.eta(frame)

    def survival(draw: int, time: float) -> float:
        hazard = fit.baseline.cumulative_hazard(np.full((1, 1), time))[draw, 0] * np.exp(eta[draw])
        if fit.plan.frailty == "gamma":
            return float(np.mean((1 + spread[draw] * hazard) ** (-1 / spread[draw])))
        z = np.linspace(-9, 9, 2001)
        weight = stats.norm.pdf(z) * (z[1] - z[0])
        return float(np.mean(np.exp(-hazard[:, None] * np.exp(spread[draw] * z)) @ weight))

    return survival


@pytest.mark.parametrize(("baseline", "distribution"), CASES)
def test_curves_are_averaged_over_the_frailty(patients: pd.DataFrame, baseline: str, distribution: str) -> None:
    """Survival, conditional survival, median and RMST are those of the curve integrated by hand over patients and frailty."""
    fit = fit_of(patients, baseline, distribution)
    by_hand = survival_by_hand(fit, "b")
    survival = br.estimate(fit, br.Survival(at=(3.0, 11.0, 30.0)), by="group").sel(group="b").draws.to_numpy().reshape(FEW, 3)
    given = br.estimate(fit, br.Survival(at=(11.0,), given=3.0), by="group").sel(group="b").draws.to_numpy().reshape(FEW)
    medians = br.estimate(fit, br.Median(horizon=math.inf), by="group").sel(group="b").draws.to_numpy().reshape(FEW)
    rmst = br.estimate(fit, br.Rmst(upto=25.0), by="group").sel(group="b").draws.to_numpy().reshape(FEW)
    for draw in range(FEW):
        wanted = [by_hand(draw, time) for time in (3.0, 11.0, 30.0)]
        np.testing.assert_allclose(survival[draw], wanted, rtol=0, atol=2e-6)
        assert given[draw] == pytest.approx(wanted[1] / wanted[0], abs=5e-6)
        assert by_hand(draw, medians[draw]) == pytest.approx(0.5, abs=2e-6)
    for draw in (0, FEW - 1):
        area, _ = integrate.quad(lambda time: by_hand(draw, time), 0, 25, points=[1e-3, 0.1, 5, 9, 20], limit=200, epsabs=1e-9)  # noqa: B023
        assert rmst[draw] == pytest.approx(area, abs=25 * 2e-6)


EARLY, LATER = 1e-3, (0.1, 1.0, 3.0)
"""The cumulative hazard within a cluster, of the level with the higher one, at which two levels are compared."""
SURVIVAL_ERROR = {"gamma": 1e-14, "log-normal": 1e-6}
"""How exact S(t) is: a closed form to rounding, a table to what `LogNormalMember` promises while tau <= 2."""


@pytest.mark.parametrize("distribution", ["gamma", "log-normal"])
def test_population_hazards_are_not_proportional(patients: pd.DataFrame, distribution: str) -> None:
    """Between new clusters the ratio of log survival starts at the conditional hazard ratio and comes nearer to 1.

    Each draw is asked at its own times, where survival is far enough from 1 for its logarithm to be known: an error e of S is one
    of e / (S G) in log G, G = -log S. At a small H the population's G lies below m H and above m H - q H^2 / 2, with m and q the
    frailty's mean and mean square (since 1 - x <= exp(-x) <= 1 - x + x^2 / 2), which says how near the start must be.
    """
    fit = fit_of(patients, "Weibull", distribution)
    log_ratio = np.log(br.estimate(fit, br.HazardRatio("group", "b")).draws.to_numpy().ravel())
    highest = fit.eta(average_patient(fit, ["a", "b"])).max(axis=1)
    wanted = np.array([EARLY, *LATER]) / np.exp(highest)[:, None]
    times = fit.baseline.inverse_cumulative_hazard(wanted)
    at = tuple(np.unique(times).tolist())
    curves = br.estimate(fit, br.Survival(at=at), by="group", population="average").draws.sel(group=["b", "a"])
    survival = np.take_along_axis(curves.to_numpy().reshape(FEW, 2, -1), np.searchsorted(at, times)[:, None], axis=2)
    hazard = -np.log(survival)
    over_time = np.abs(np.log(hazard[:, 0] / hazard[:, 1]))
    error = (SURVIVAL_ERROR[distribution] / (survival * hazard)).sum(axis=1)

    spread = fit.draws["theta" if distribution == "gamma" else "tau[frailty]"]
    square_by_mean = 1 + spread if distribution == "gamma" else np.exp(1.5 * spread**2)
    bend = -np.log1p(-0.5 * square_by_mean * EARLY)
    assert bend.max() < 0.03
    assert error[:, 0].max() < 0.01
    assert np.all(np.abs(over_time[:, 0] - np.abs(log_ratio)) < bend + error[:, 0])
    assert np.all(np.diff(over_time[:, 1:], axis=1) < -(error[:, 1:-1] + error[:, 2:]))


def average_patient(fit: br.Fit, levels: list[str]) -> pd.DataFrame:
    """Patients of these levels of group with the average of everything else."""
    return pd.DataFrame({"group": levels, "age": fit.require_cohort("a test").covariates["age"].mean()})


def test_each_number_says_what_it_is_about(patients: pd.DataFrame) -> None:
    """A hazard ratio is labelled conditional on the frailty, with a note; a curve has a note that it is a new cluster's."""
    fit = fit_of(patients, "Weibull", "gamma")
    ratio, curve = br.estimate(fit, br.HazardRatio("group")), br.estimate(fit, br.Median(), by="group")
    assert ratio.population == "conditional on the frailty"
    assert any("compare rows of one cluster (centre)" in note for note in ratio.notes)
    assert any("curves are those of a new cluster (centre)" in note for note in curve.notes)
    assert br.estimate(fit, br.Rank(of="group")).population == "conditional on the frailty"


def test_cox_has_the_same_frailty(patients: pd.DataFrame) -> None:
    """Hazard ratios stand beside Cox with the frailty, which is compared, and with clustered errors, which is another model's;
    Kaplan-Meier is compared as ever."""
    frame = patients.assign(centre=np.resize([*"abcdefg"], 60))
    model = "frailty = { cluster = 'centre', distribution = 'gamma' }"
    cohort, plan = cohort_and_plan(frame, "group", model=model)
    fit = fit_with(plan, cohort, draw_from_prior(plan, 2000, seed=3))
    table = br.compare_with_frequentist(fit).table
    ratios = table[table["estimand"] == "hazard-ratio"]
    assert ratios["method"].tolist() == ["Cox, gamma frailty", "Cox, errors by cluster"] * 2
    other = ratios["method"] == "Cox, errors by cluster"
    assert ["different-model" in codes.split(";") for codes in ratios["reason_code"]] == other.tolist()
    assert ratios["verdict"].eq("not-comparable").tolist() == other.tolist()
    assert ratios[["bayes", "frequentist"]].notna().all(axis=None)
    design = np.column_stack([frame["group"] == level for level in "bc"]).astype(float)
    theirs = shared_frailty(design, ["b", "c"], frame["time"], frame["event"], frame["centre"], information="diagonal")
    np.testing.assert_allclose(ratios.loc[~other, "frequentist"], np.exp(theirs.cox.coefficients), rtol=1e-6)
    medians = table[table["estimand"] == "median"]
    without = medians["method"] == "Weibull ML"  # maximum likelihood has no frailty
    assert medians["reason_code"].str.contains("different-model").tolist() == without.tolist()
    assert len(curves_table(fit, cohort, by="group")) > 300


@pytest.mark.parametrize("distribution", ["gamma", "log-normal"])
def test_a_saved_fit_reads_the_same(patients: pd.DataFrame, distribution: str, tmp_path) -> None:
    """Rows, clusters and frailty come back from a run folder, with the same leave-one-out and curves; without rows it asks."""
    fit = fit_of(patients, "Weibull", distribution)
    again = br.load_fit(br.save_fit(fit, tmp_path / "run"))
    assert again.plan == fit.plan
    np.testing.assert_array_equal(br.loo(again).elpd_i, br.loo(fit).elpd_i)
    curve = br.Survival(at=(5.0,))
    np.testing.assert_array_equal(br.estimate(again, curve).draws, br.estimate(fit, curve).draws)
    bare = br.load_fit(br.save_fit(fit, tmp_path / "bare", rows=False))
    with pytest.raises(br.FitError, match="saved without them"):
        br.loo(bare)


def test_leave_one_out_is_by_patient_in_any_blocks(patients: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit is a row where rows are patients, in their order, also when clusters are taken in blocks."""
    import bayes_rrmm.cluster_likelihood as module

    fit = fit_of(patients, "exponential", "gamma")
    whole = br.loo(fit)
    assert (whole.unit, len(whole.elpd_i)) == ("row", 60)
    monkeypatch.setattr(module, "BLOCK", 12 * FEW)
    np.testing.assert_allclose(br.loo(fit).elpd_i, whole.elpd_i, rtol=1e-12)
    shifted = replace(fit, cohort=fit.require_cohort("a test").select(np.arange(60) % 2 == 0))
    assert len(br.loo(shifted).elpd_i) == 30
