"""The plan of a model with a frailty: its prior as stated, drawn and in words, and cohorts simulated from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fits import cohort_and_plan
from scipy import stats

from bayes_rrmm.cohort import Cohort
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.overview import overview, overview_record
from bayes_rrmm.parameters import draw_from_prior, log_innovations, log_prior
from bayes_rrmm.plan import Plan, make_plan
from bayes_rrmm.prior_words import prior_lines
from bayes_rrmm.simulate import simulate_cohort, take_rows

SPREAD = {"gamma": "theta", "log-normal": "tau[frailty]"}
every_distribution = pytest.mark.parametrize("distribution", SPREAD)


def planned(patients: pd.DataFrame, distribution: str, priors: str = "", endpoint: str = "") -> tuple[Cohort, Plan]:
    """Sixty patients in twelve centres of five."""
    frame = patients.assign(centre=np.resize([f"c{i}" for i in range(12)], 60), entry=patients["time"] / 10)
    seen = ", entry = 'whole-clusters'" if endpoint else ""
    model = f"frailty = {{ cluster = 'centre', distribution = '{distribution}'{seen} }}"
    return cohort_and_plan(frame, "group", endpoint=endpoint, model=model, rest=f"[priors]\n{priors}")


@every_distribution
def test_the_spread_has_the_prior_stated(patients: pd.DataFrame, distribution: str) -> None:
    """HalfNormal(1) by default, or as stated, drawn so and with that density; the z of clusters are apart from it."""
    _, default = planned(patients, distribution)
    assert default.priors.frailty_sd == 1.0
    _, plan = planned(patients, distribution, "frailty = { half_normal = 0.4 }")
    name = SPREAD[distribution]
    draws = draw_from_prior(plan, 20_000, seed=1)
    assert stats.kstest(draws[name], stats.halfnorm(0, 0.4).cdf).pvalue > 1e-4
    parts = log_prior(plan, draws)
    np.testing.assert_allclose(parts[name], stats.halfnorm(0, 0.4).logpdf(draws[name]), rtol=1e-12)
    u = draws[name][:, None] * np.random.default_rng(2).normal(size=(20_000, 12))
    innovations = stats.norm.logpdf(u / draws[name][:, None]).sum(axis=1) if distribution == "log-normal" else np.zeros(20_000)
    np.testing.assert_allclose(log_innovations(plan, {**draws, "u": u}), innovations, rtol=1e-9)
    assert log_prior(plan, {**draws, "u": u}).keys() == parts.keys()


@every_distribution
def test_a_plan_comes_back_from_json(patients: pd.DataFrame, distribution: str) -> None:
    """The prior and the room for clusters are stored; a plan stored before there were frailties is still read."""
    _, plan = planned(patients, distribution, "frailty = { half_normal = 0.4 }")
    assert Plan.from_json(plan.analysis, plan.to_json()) == plan
    _, without = cohort_and_plan(patients, "group")
    older = without.to_json().replace(', "most_clusters": 0', "").replace(', "frailty_sd": null', "")
    assert "clusters" not in older
    assert "frailty" not in older
    assert Plan.from_json(without.analysis, older) == without


def test_only_a_sampled_spread_needs_small_steps(patients: pd.DataFrame) -> None:
    """The default target acceptance is 0.98 with a log-normal frailty; a gamma one is averaged over, and keeps 0.9."""
    assert [planned(patients, distribution)[1].target_accept for distribution in SPREAD] == [0.9, 0.98]


@every_distribution
def test_it_is_said_in_words(patients: pd.DataFrame, distribution: str) -> None:
    """The overview counts clusters and says what the prior allows between any two of them: here by simulation of its own."""
    cohort, plan = planned(patients, distribution, "frailty = { half_normal = 0.4 }")
    text = overview(plan, cohort)
    assert f"Frailty ({distribution}) of clusters (centre): 12 of 5 rows each" in text
    assert "average patient with frailty 1" in text
    assert overview_record(plan, cohort)["frailty"] == {"cluster": "centre", "distribution": distribution, "entry": None}
    (line,) = [line for line in prior_lines(plan) if "any two clusters (centre)" in line.about]
    assert f"{SPREAD[distribution]} ~ HalfNormal(0.4)" in line.about
    rng = np.random.default_rng(8)
    spread = np.abs(rng.normal(0, 0.4, 200_000))
    pair = stats.gamma(1 / spread, scale=spread).rvs((2, 200_000), random_state=rng) if distribution == "gamma" else None
    ratio = np.divide(*pair) if pair is not None else np.exp(spread * rng.normal(size=200_000) * np.sqrt(2))
    low, high = np.quantile(ratio, (0.025, 0.975))
    said = [float(part) for part in line.interval.split(" to ")]
    assert said == pytest.approx([low, high], rel=0.1)


def test_an_analysis_changed_in_python_is_checked_again(patients: pd.DataFrame) -> None:
    """Marginalising gaps beside a frailty is refused however the analysis came about."""
    cohort, plan = planned(patients, "gamma")
    changed = plan.analysis.model_copy(update={"model": plan.analysis.model.model_copy(update={"missing": "marginalise"})})
    with pytest.raises(AnalysisError, match="gaps in 'group' are marginalised"):
        make_plan(changed, cohort)


@every_distribution
def test_simulated_clusters_share_a_frailty(patients: pd.DataFrame, distribution: str) -> None:
    """Rows of one cluster come out alike, by Kendall's tau of two of them: theta / (theta + 2) if gamma (Oakes 1989)."""
    cohort, plan = planned(patients, distribution)
    pairs = take_rows(cohort, np.repeat(np.zeros(1, dtype=np.int64), 6000))
    pairs = Cohort(**{**pairs.__dict__, "cluster": np.repeat(np.arange(3000), 2).astype(str)})
    draws = {name: values[:1] for name, values in draw_from_prior(plan, 1, seed=4).items()}
    draws[SPREAD[distribution]] = np.array([1.0])
    simulated = simulate_cohort(plan, draws, pairs, np.random.default_rng(5), np.full(6000, 1e12))
    first, second = simulated.time.reshape(-1, 2).T
    found = stats.kendalltau(first, second).statistic
    if distribution == "gamma":
        assert found == pytest.approx(1 / 3, abs=0.05)
    else:
        assert 0.2 < found < 0.45


def test_simulated_late_entries_are_less_frail(patients: pd.DataFrame) -> None:
    """A patient who enters late has outlived the frail: P(T > t | T > e) is S(t) / S(e) of the population."""
    cohort, plan = planned(patients, "gamma", endpoint="entry = 'entry'")
    many = take_rows(cohort, np.zeros(8000, dtype=np.int64))
    many = Cohort(**{**many.__dict__, "cluster": np.arange(8000).astype(str), "entry": np.full(8000, 6.0)})
    draws = {name: values[:1] for name, values in draw_from_prior(plan, 1, seed=4).items()}
    draws |= {"theta": np.array([1.5]), "log_rate": np.array([-2.0]), "log_shape": np.array([0.2]), "beta": np.zeros((1, 2))}
    simulated = simulate_cohort(plan, draws, many, np.random.default_rng(5), np.full(8000, 1e12))
    hazard = np.exp(-2.0) * np.array([6.0, 20.0]) ** np.exp(0.2)
    at_entry, later = (1 + 1.5 * hazard) ** (-1 / 1.5)
    assert np.mean(simulated.time > 20.0) == pytest.approx(later / at_entry, abs=0.022)
