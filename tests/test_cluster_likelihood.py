"""Clusters and subjects with the frailty averaged over: what adds up, what conditions on what, and delayed entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fits import cohort_and_plan, fit_with
from scipy import integrate, optimize, stats

import bayes_rrmm as br
import bayes_rrmm.cluster_likelihood as module
from bayes_rrmm.cluster_likelihood import draw_frailties, experience, log_likelihood_by_cluster, log_likelihood_by_subject
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.densities import log_likelihood
from bayes_rrmm.errors import AnalysisError, DataError, FitError
from bayes_rrmm.parameters import FRAILTY, draw_from_prior, log_relative_hazard
from bayes_rrmm.plan import Plan

SIZE = 7
PRIORS = "[priors]\nbaseline = { median_survival = 15, upper95 = 40 }"
BASELINES = {
    "Weibull": "",
    "piecewise": "baseline = 'piecewise-exponential'\ncuts = [6, 20]",
    "exponential": "baseline = 'exponential'",
}
Planned = tuple[Cohort, Plan, dict[str, np.ndarray]]
DISTRIBUTIONS = ("gamma", "log-normal")


def frailty(distribution: str, cluster: str = "centre", entry: str = "") -> str:
    seen = f", entry = '{entry}'" if entry else ""
    return f"frailty = {{ cluster = '{cluster}', distribution = '{distribution}'{seen} }}\n"


def planned(
    frame: pd.DataFrame,
    distribution: str,
    baseline: str = "Weibull",
    endpoint: str = "",
    cluster: str = "centre",
    entry: str = "",
    landmark: float | None = None,
) -> Planned:
    """The rows, the plan and draws of its prior."""
    model = frailty(distribution, cluster, entry) + BASELINES[baseline] + (f"\nlandmark = {landmark:g}" if landmark else "")
    cohort, plan = cohort_and_plan(frame, "group + age", endpoint=endpoint, model=model, rest=PRIORS)
    return cohort, plan, draw_from_prior(plan, SIZE, seed=5)


@pytest.fixture
def centres(patients: pd.DataFrame) -> pd.DataFrame:
    """The patients in nine centres of different sizes, not in their order, some of whom enter late."""
    rng = np.random.default_rng(3)
    entry = np.where(rng.random(60) < 0.4, patients["time"] * rng.random(60), 0.0)
    return patients.assign(centre=rng.choice([*"ihgfedcba"], 60), entry=entry, who=[f"p{i}" for i in range(60)])


def only(cohort: Cohort, keep: np.ndarray, plan: Plan, draws: dict[str, np.ndarray]) -> np.ndarray:
    """The clusters' log-likelihood of some of the rows, added up."""
    return log_likelihood_by_cluster(plan, draws, cohort.select(keep)).sum(axis=1)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("baseline", BASELINES)
def test_the_frailty_is_averaged_over(centres: pd.DataFrame, distribution: str, baseline: str) -> None:
    """A cluster's likelihood is the mean, over draws of its frailty, of the product of its rows' likelihoods given it."""
    cohort, plan, draws = planned(centres, distribution, baseline)
    draws = {name: values[:1] for name, values in draws.items()}
    draws["theta" if distribution == "gamma" else "tau[frailty]"] = np.array([0.6])
    # Equally likely frailties, by their quantiles: a rule with nothing in common with the ones used.
    at = (np.arange(40_000) + 0.5) / 40_000
    u = np.log(stats.gamma(1 / 0.6, scale=0.6).ppf(at)) if distribution == "gamma" else stats.norm(0, 0.6).ppf(at)
    many = {name: np.repeat(values, len(u), axis=0) for name, values in draws.items()}
    clusters = cohort.cluster_numbers.max() + 1
    given = log_likelihood(plan, {**many, "u": np.repeat(u[:, None], clusters, axis=1)}, cohort)
    summed = np.stack([given[:, cohort.cluster_numbers == cluster].sum(axis=1) for cluster in range(clusters)], axis=1)
    top = summed.max(axis=0)
    averaged = top + np.log(np.mean(np.exp(summed - top), axis=0))
    np.testing.assert_allclose(log_likelihood_by_cluster(plan, draws, cohort)[0], averaged, rtol=0, atol=2e-3)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_subject_is_left_out_given_the_others(centres: pd.DataFrame, distribution: str) -> None:
    """A patient's term is the likelihood of all rows over that of the rows of everybody else."""
    late = {"endpoint": "entry = 'entry'", "entry": "whole-clusters"} if distribution == "gamma" else {}
    cohort, plan, draws = planned(centres, distribution, **late)
    terms, everyone = log_likelihood_by_subject(plan, draws, cohort), only(cohort, np.ones(60, dtype=bool), plan, draws)
    assert terms.shape == (SIZE, 60)
    for subject in (0, 17, 59):
        others = np.arange(60) != subject
        np.testing.assert_allclose(terms[:, subject], everyone - only(cohort, others, plan, draws), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_subject_of_several_clusters_has_one_term(centres: pd.DataFrame, distribution: str) -> None:
    """Rows of one subject in two centres, one after the other, are left out together."""
    earlier = np.where(np.arange(60) % 2, np.roll(centres["time"], 1), 0.0)
    frame = centres.assign(who=[f"p{i // 2:02}" for i in range(60)], entry=earlier, time=centres["time"] + earlier)
    cohort, plan, draws = planned(frame, distribution, endpoint="id = 'who'\nentry = 'entry'")
    assert len(frame[["who", "centre"]].drop_duplicates()) > 30
    terms = log_likelihood_by_subject(plan, draws, cohort)
    everyone = only(cohort, np.ones(60, dtype=bool), plan, draws)
    for number, subject in enumerate(sorted(frame["who"].unique())):
        others = (frame["who"] != subject).to_numpy()
        np.testing.assert_allclose(terms[:, number], everyone - only(cohort, others, plan, draws), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_where_the_cluster_is_the_subject_the_two_are_one(patients: pd.DataFrame, distribution: str) -> None:
    """Spells of one patient are one cluster: its term is the cluster's, in the order of the names."""
    frame = patients.assign(who=[f"p{(i * 7) % 30:02}" for i in range(60)])
    cohort, plan, draws = planned(frame, distribution, endpoint="id = 'who'", cluster="who")
    clusters, subjects = log_likelihood_by_cluster(plan, draws, cohort), log_likelihood_by_subject(plan, draws, cohort)
    np.testing.assert_allclose(subjects, clusters[:, np.argsort(frame["who"].unique())], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("distribution", "late"), [("gamma", False), ("gamma", True), ("log-normal", False)])
def test_a_follow_up_cut_into_spells_says_the_same(patients: pd.DataFrame, distribution: str, late: bool) -> None:
    """Splitting every patient's time at risk in two changes nothing, also where the first part begins after time 0."""
    start = patients["time"] / 5 if late else 0.0 * patients["time"]
    whole = patients.assign(who=[f"p{i:02}" for i in range(60)], entry=start)
    middle = start + 0.4 * (patients["time"] - start)
    parts = [whole.assign(time=middle, event=0), whole.assign(entry=middle)]
    endpoint = "id = 'who'\nentry = 'entry'"
    one, plan, draws = planned(whole, distribution, endpoint=endpoint, cluster="who")
    two, *_ = planned(pd.concat(parts), distribution, endpoint=endpoint, cluster="who")
    found = [log_likelihood_by_cluster(plan, draws, cohort) for cohort in (one, two)]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9, atol=1e-9)


def test_late_entry_is_given_survival_to_it(patients: pd.DataFrame) -> None:
    """A patient alone in a cluster who enters at e has the density f(t) / S(e) of the population, whose S(t) is
    (1 + theta H(t))^(-1/theta): the frail had their event before."""
    frame = patients.assign(who=[f"p{i:02}" for i in range(60)], entry=patients["time"] / 3)
    cohort, plan, draws = planned(frame, "gamma", endpoint="id = 'who'\nentry = 'entry'", cluster="who")
    theta = draws["theta"][:, None]
    at_exit = experience(plan, draws, replace(cohort, entry=np.zeros(60)), cohort.cluster_numbers)
    at_entry = experience(plan, draws, replace(cohort, time=cohort.entry, entry=np.zeros(60)), cohort.cluster_numbers)
    log_survival = -np.log1p(theta * at_exit.hazard) / theta
    log_density = log_survival + at_exit.log_hazard - cohort.event * np.log1p(theta * at_exit.hazard)
    wanted = log_density + np.log1p(theta * at_entry.hazard) / theta
    np.testing.assert_allclose(log_likelihood_by_cluster(plan, draws, cohort), wanted, rtol=1e-9, atol=1e-9)


def test_frailties_are_drawn_given_the_rest(centres: pd.DataFrame) -> None:
    """w given parameters and data is gamma with shape 1/theta + D and rate 1/theta + A + L: its draws have that mean and sd."""
    cohort, plan, draws = planned(centres, "gamma", endpoint="entry = 'entry'", entry="whole-clusters")
    many = {name: np.repeat(values[:1], 20_000, axis=0) for name, values in draws.items()}
    w = np.exp(draw_frailties(plan, many, cohort, seed=9))
    known = experience(plan, {name: values[:1] for name, values in draws.items()}, cohort, cohort.cluster_numbers)
    shape = 1 / draws["theta"][0] + known.events
    rate = 1 / draws["theta"][0] + known.before[0] + known.hazard[0]
    assert np.all(np.abs(w.mean(axis=0) - shape / rate) < 4.5 * np.sqrt(shape) / rate / np.sqrt(20_000))
    np.testing.assert_allclose(w.std(axis=0), np.sqrt(shape) / rate, rtol=0.05)


def test_blocks_give_what_the_whole_gives(centres: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking clusters in blocks changes no term."""
    cohort, plan, draws = planned(centres, "gamma")
    whole = log_likelihood_by_cluster(plan, draws, cohort)
    monkeypatch.setattr(module, "BLOCK", 12 * SIZE)
    assert len(list(module.cluster_blocks(cohort, SIZE))) > 3
    np.testing.assert_allclose(log_likelihood_by_cluster(plan, draws, cohort), whole, rtol=1e-13)


def test_rows_without_clusters_are_refused(centres: pd.DataFrame) -> None:
    """Rows read for another analysis do not say who shares a frailty, and rows alone have no likelihood without it."""
    cohort, plan, draws = planned(centres, "gamma")
    with pytest.raises(FitError, match="do not say which of them share a frailty"):
        log_likelihood_by_cluster(plan, draws, replace(cohort, cluster=None))
    with pytest.raises(FitError, match="depend on each other through its frailty"):
        log_likelihood(plan, draws, cohort)


SITUATIONS: dict[str, dict[str, Any]] = {
    "nobody enters late": {},
    "landmark": {"landmark": 6.0},
    "lone clusters enter late": {"endpoint": "entry = 'entry'", "cluster": "who"},
    "whole clusters": {"endpoint": "entry = 'entry'", "entry": "whole-clusters"},
    "as they entered": {"endpoint": "entry = 'entry'", "entry": "at-entry"},
}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_cluster_by_numerical_integration(centres: pd.DataFrame, distribution: str, situation: str) -> None:
    """Row by row, draw by draw: the integral over w of the product of hazards and survival of a cluster's members after they were
    seen, over the chance, by the same w, of what they are known to have survived: their entry, or nothing from a landmark on."""
    if distribution == "log-normal" and situation in ("lone clusters enter late", "whole clusters"):
        with pytest.raises((AnalysisError, DataError), match="no closed form"):
            planned(centres, distribution, **SITUATIONS[situation])
        return
    cohort, plan, draws = planned(centres, distribution, **SITUATIONS[situation])
    spread = 0.7
    draws = {name: values[:1] for name, values in draws.items()} | {FRAILTY[distribution]: np.array([spread])}
    rate, shape = np.exp(draws["log_rate"][0]), np.exp(draws["log_shape"][0])
    relative = np.exp(log_relative_hazard(draws, plan.encoding.design(cohort.covariates), np.zeros((len(cohort), 0))))[0]
    survived = situation in ("lone clusters enter late", "whole clusters")

    def density(u: float) -> float:
        if distribution == "log-normal":
            return stats.norm(0, spread).pdf(u)
        return stats.gamma(1 / spread, scale=spread).pdf(np.exp(u)) * np.exp(u)

    def integral(of: Callable[[float], float]) -> float:
        about = {"points": [-2.0, 0.0, 2.0], "limit": 400, "epsabs": 0, "epsrel": 1e-9}
        return integrate.quad(lambda u: density(u) * of(np.exp(u)), -40.0, 8.0, **about)[0]

    found = log_likelihood_by_cluster(plan, draws, cohort)[0]
    for cluster in np.unique(cohort.cluster_numbers)[:12]:
        rows = np.flatnonzero(cohort.cluster_numbers == cluster)

        def likelihood(w: float, rows: np.ndarray = rows) -> float:
            product = 1.0
            for row in rows:
                hazard = w * rate * shape * cohort.time[row] ** (shape - 1) * relative[row]
                since = w * rate * (cohort.time[row] ** shape - cohort.entry[row] ** shape) * relative[row]
                known = w * rate * cohort.entry[row] ** shape * relative[row] if survived else 0.0
                product *= hazard ** cohort.event[row] * np.exp(-since - known)
            return product

        def known_before(w: float, rows: np.ndarray = rows) -> float:
            before = sum(w * rate * cohort.entry[row] ** shape * relative[row] for row in rows) if survived else 0.0
            return float(np.exp(-before))

        wanted = np.log(integral(likelihood)) - np.log(integral(known_before))
        assert found[cluster] == pytest.approx(wanted, abs=1e-5)


def test_at_a_landmark_rate_and_spread_are_those_of_the_clusters_at_it() -> None:
    """Clusters of ten of a gamma frailty: the maximum of the landmark's likelihood is near what the simulated clusters that are
    there have, and S(24 | 6) near the share of the simulated members who live on; conditioning on survival to it was far off."""
    rng = np.random.default_rng(11)
    clusters, size, theta, rate, landmark = 3000, 10, 0.5, 0.03, 6.0
    w = rng.gamma(1 / theta, theta, clusters)
    time = rng.exponential(1 / (rate * w[:, None]), (clusters, size))
    end = rng.uniform(24.0, 36.0, (clusters, size))
    there = (time > landmark).any(axis=1)
    frame = pd.DataFrame(
        {
            "time": np.minimum(time, end).ravel(),
            "event": (time <= end).astype(int).ravel(),
            "centre": np.repeat([f"c{i}" for i in range(clusters)], size),
        }
    )
    model = f"baseline = 'exponential'\nlandmark = {landmark:g}\n" + frailty("gamma")
    cohort, plan = cohort_and_plan(frame, model=model)

    def loss(parameters: np.ndarray, plan: Plan = plan) -> float:
        draws = {"log_rate": parameters[:1], "theta": np.exp(parameters[1:])}
        return -float(log_likelihood_by_cluster(plan, draws, cohort).sum())

    best = optimize.minimize(loss, [np.log(rate), np.log(theta)], method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-3}).x
    own, own_theta = rate * w[there].mean(), w[there].var() / w[there].mean() ** 2
    assert np.exp(best[0]) == pytest.approx(own, rel=0.04)
    assert np.exp(best[1]) == pytest.approx(own_theta, rel=0.1)
    draws = {"log_rate": np.repeat(best[:1], 2), "theta": np.repeat(np.exp(best[1:]), 2)}
    found = br.estimate(fit_with(plan, cohort, draws, chains=2), br.Survival(at=24.0)).draws.to_numpy()[0, 0, 0]
    alive = time > landmark
    by_cluster = np.mean([np.mean(time[i, alive[i]] > 24.0) for i in np.flatnonzero(there)])
    assert float(found) == pytest.approx(by_cluster, abs=0.015)
    plain = cohort_and_plan(frame, model="baseline = 'exponential'\n" + frailty("gamma"))[1]
    naive = replace(plan, analysis=plain.analysis)
    assert naive.survived_before(cohort).max() == landmark
    other = optimize.minimize(lambda p: loss(p, naive), [np.log(rate), np.log(theta)], method="Nelder-Mead").x
    assert np.exp(other[0]) > 2 * own


def test_a_group_defined_at_the_landmark_has_no_immortal_time() -> None:
    """Responders, who are known at the landmark and fare no better after it, have a hazard ratio near 1: what came before does not
    enter their likelihood. Counted from time 0 their time before response is immortal, and the ratio is far below."""
    rng = np.random.default_rng(4)
    clusters, size, landmark = 400, 5, 6.0
    w = np.repeat(rng.gamma(2.0, 0.5, clusters), size)
    time, response = rng.exponential(1 / (0.12 * w)), rng.exponential(8.0, clusters * size)
    group = np.where(response < np.minimum(time, landmark), "responder", "other")
    frame = pd.DataFrame({"time": np.minimum(time, 36.0), "event": (time < 36.0).astype(int), "group": group})
    frame["centre"] = np.repeat([f"c{i}" for i in range(clusters)], size)

    def log_ratio(more: str) -> float:
        rest = "[variables.group]\nreference = 'other'"
        cohort, plan = cohort_and_plan(frame, "group", model=f"baseline = 'exponential'\n{more}" + frailty("gamma"), rest=rest)

        def loss(parameters: np.ndarray) -> float:
            draws = {"log_rate": parameters[:1], "theta": np.exp(parameters[1:2]), "beta": parameters[None, 2:]}
            return -float(log_likelihood_by_cluster(plan, draws, cohort).sum())

        return float(optimize.minimize(loss, [-3.0, -0.7, 0.0], method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-3}).x[2])

    assert abs(log_ratio(f"landmark = {landmark:g}\n")) < 0.2
    assert log_ratio("") < -0.4
