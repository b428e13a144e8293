"""Landmark, delayed entry, `given` and populations against the known truth of a simulation: posterior, Kaplan-Meier and Cox each.

Two risks, two arms, constant hazards. The truth is a sum of four exponentials written out here; no side is held to another.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import fits
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

import bayes_rrmm as br
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import estimate_all
from bayes_rrmm.reading.population import group_curves

HAZARD = {"high": 0.15, "low": 0.02}
RATIO = 0.6
"""Hazard ratio of arm B to arm A."""
ASKED = """
[variables.arm]
reference = "A"
[variables.risk]
reference = "low"
[populations.frail]
risk = ["high"]
[[estimands]]
kind = "hazard-ratio"
of = "arm"
"""
SIZE = 2500


@dataclass(frozen=True)
class Scenario:
    """How the patients come to be seen, and what is asked of them."""

    entry: str = ""
    landmark: float = 0.0
    given: float = 0.0
    population: str = "cohort"
    expects: float = 0.0


SCENARIOS = {
    "from time 0": Scenario(),
    "from time 0, given 6": Scenario(given=6.0),
    "from time 0, the frail": Scenario(population="frail"),
    "landmark": Scenario(landmark=6.0, expects=6.0),
    "landmark, given 9": Scenario(landmark=6.0, given=9.0, expects=6.0),
    "landmark, the frail": Scenario(landmark=6.0, population="frail", expects=6.0),
    "delayed entry, some from 0": Scenario(entry="some from 0"),
    "delayed entry, all late": Scenario(entry="late", expects=5.0),
    "delayed entry, all late, given 8": Scenario(entry="late", given=8.0, expects=5.0),
    "delayed entry, the frail": Scenario(entry="late", population="frail", expects=5.0),
    "delayed entry and a landmark": Scenario(entry="some from 0", landmark=6.0, expects=6.0),
    "enterers": Scenario(entry="some from 0", population="enterers"),
}


def patients(entry: str) -> pd.DataFrame:
    """Patients of two risks and two arms, half each, independent of each other, of entry and of how long each is seen."""
    rng = np.random.default_rng(20082)
    size = SIZE if not entry else 4 * SIZE
    risk, arm = rng.choice(["high", "low"], size), rng.choice(["A", "B"], size)
    rate = np.array([HAZARD[level] for level in risk]) * np.where(arm == "B", RATIO, 1.0)
    time = rng.exponential(1.0 / rate)
    if entry == "late":
        entered = rng.uniform(5.0, 20.0, size)
    else:
        entered = np.where(rng.random(size) < 0.25, 0.0, rng.uniform(0.0, 18.0, size)) if entry else np.zeros(size)
    end = entered + rng.uniform(24.0, 48.0, size)
    frame = pd.DataFrame({"time": np.minimum(time, end), "event": (time <= end).astype(int), "entry": entered})
    return frame.assign(risk=risk, arm=arm)[time > entered].iloc[:SIZE]


@functools.cache
def fitted(entry: str, landmark: float) -> tuple[Fit, Cohort]:
    """Draws around the posterior mode of the right model."""
    endpoint, model = ('entry = "entry"' if entry else ""), (f"landmark = {landmark:g}" if landmark else "")
    asked = ASKED
    for scenario in SCENARIOS.values():
        if (scenario.entry, scenario.landmark) != (entry, landmark):
            continue
        where = f'population = "{scenario.population}"\n'
        given = f"given = {scenario.given:g}\n" if scenario.given else ""
        for by in ('by = "arm"\n', ""):
            asked += f'[[estimands]]\nkind = "survival"\nat = [12, 24]\n{by}{where}{given}'
            if not given:
                asked += f'[[estimands]]\nkind = "median"\n{by}{where}[[estimands]]\nkind = "rmst"\nupto = 24\n{by}{where}'
    model = f'baseline = "exponential"\n{model}'
    cohort, plan = fits.cohort_and_plan(patients(entry), "arm + risk", endpoint=endpoint, model=model, rest=asked)
    return fits.laplace_fit(plan, cohort), cohort


def shares(scenario: Scenario, start: float) -> dict[tuple[str, str], float]:
    """The shares of risk and arm in the population of the scenario."""
    found = {}
    for risk in HAZARD if scenario.population != "frail" else ("high",):
        for arm in ("A", "B"):
            rate = HAZARD[risk] * (RATIO if arm == "B" else 1.0)
            if scenario.population == "enterers":
                found[risk, arm] = 0.25 + 0.75 * -math.expm1(-18.0 * rate) / (18.0 * rate)
            else:
                found[risk, arm] = math.exp(-rate * start)
    total = sum(found.values())
    return {who: share / total for who, share in found.items()}


def truth(scenario: Scenario, start: float, group: str):
    """G(t) of everybody given the arm, or in the arm each has, from the start on, which enterers have at their own entry."""
    begin = 0.0 if scenario.population == "enterers" else start

    def curve(time: float) -> float:
        total = 0.0
        for (risk, arm), share in shares(scenario, begin).items():
            rate = HAZARD[risk] * (RATIO if (group or arm) == "B" else 1.0)
            total += share * math.exp(-rate * (time - begin))
        return total

    return curve


@functools.cache
def compared(entry: str, landmark: float) -> pd.DataFrame:
    fit, cohort = fitted(entry, landmark)
    return br.compare_with_frequentist(fit, cohort).table


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_side_is_near_the_truth(name: str) -> None:
    """Survival, median and RMST, of each arm and of everyone, and the hazard ratio: the posterior, Kaplan-Meier (of everyone) and
    standardised Cox each lie within 4 of their own standard errors of what was simulated."""
    scenario = SCENARIOS[name]
    fit, _ = fitted(scenario.entry, scenario.landmark)
    table = compared(scenario.entry, scenario.landmark)
    start = fit.plan.start
    assert start == pytest.approx(scenario.expects, abs=0.1)
    begin = 0.0 if scenario.population == "enterers" else start
    conditions = table["given"].fillna(0.0)
    mine = (table["population"] == scenario.population) & (conditions == (scenario.given or begin))
    rows = table[mine & table["estimand"].isin(["survival", "median", "rmst"])]
    seen = set()
    for row in rows.to_dict("records"):
        curve = truth(scenario, start, row["group"])
        if row["estimand"] == "survival":
            right = curve(row["at"]) / (curve(scenario.given) if scenario.given else 1.0)
        elif row["estimand"] == "median":
            right = brentq(lambda time, curve=curve: curve(time) - 0.5, begin, 1000.0)
        else:
            times = np.linspace(begin, 24.0, 2001)
            right = float(np.trapezoid([curve(time) for time in times.tolist()], times))
        sides = [("posterior", row["bayes"], row["bayes_lower"], row["bayes_upper"])]
        if row["method"].startswith("Cox") or (row["method"].startswith("Kaplan-Meier") and not row["group"]):
            own = row["population"] in ("cohort", "enterers") or row["method"].startswith("Cox")
            sides += [(row["method"], row["frequentist"], row["freq_lower"], row["freq_upper"])] if own else []
        for side, value, lower, upper in sides:
            if math.isnan(value) or math.isinf(value):
                continue
            error = (upper - lower) / (2 * 1.959964)
            assert abs(value - right) < 4 * error, (side, row["estimand"], row["group"], row["at"], value, right, error)
            seen.add((side, row["estimand"], row["group"]))
    assert {(side, group) for side, _, group in seen} >= {("posterior", "A"), ("posterior", "B"), ("posterior", "")}
    if scenario.population == "cohort":
        assert any(side == "Cox, standardised" for side, _, _ in seen)
    if scenario.population in ("cohort", "enterers"):
        assert any(side == "Kaplan-Meier" and group == "" for side, _, group in seen)


@pytest.mark.parametrize("name", ["from time 0", "landmark", "delayed entry, all late", "landmark, the frail"])
def test_the_hazard_is_near_the_truth(name: str) -> None:
    """The marginal hazard of each arm after the start is that of those still alive in the simulated population."""
    scenario = SCENARIOS[name]
    fit, _ = fitted(scenario.entry, scenario.landmark)
    for curve in group_curves(fit, "arm", scenario.population, average=False)[0]:
        exact = truth(scenario, fit.plan.start, curve.label)
        times = np.array([8.4, 15.0])
        found = curve.curve.hazard(times)
        for time, draws in zip(times.tolist(), found.T, strict=True):
            right = (math.log(exact(time - 1e-4)) - math.log(exact(time + 1e-4))) / 2e-4
            assert abs(np.median(draws) - right) < 4 * draws.std()


def test_the_hazard_ratio_is_near_the_truth() -> None:
    """Conditional on risk the ratio of the arms is the simulated one, however patients came to be seen: posterior and Cox."""
    for scenario in SCENARIOS.values():
        table = compared(scenario.entry, scenario.landmark)
        for row in table[table["estimand"] == "hazard-ratio"].to_dict("records"):
            for lower, value, upper in (
                (row["bayes_lower"], row["bayes"], row["bayes_upper"]),
                (row["freq_lower"], row["frequentist"], row["freq_upper"]),
            ):
                if row["adjusted"]:
                    error = (math.log(upper) - math.log(lower)) / (2 * 1.959964)
                    assert abs(math.log(value / RATIO)) < 4 * error


def test_counting_survivors_twice_would_be_seen() -> None:
    """At the landmark, mean S_i(t) / mean S_i(L) over those who are there is not near the truth: the test above can tell."""
    fit, cohort = fitted("", 6.0)
    eta = fit.eta(cohort.covariates)
    rate = np.exp(fit.draws["log_rate"])[:, None] * np.exp(eta)
    twice = np.mean(np.exp(-rate * 12.0), axis=1) / np.mean(np.exp(-rate * 6.0), axis=1)
    assert abs(np.median(twice) - truth(SCENARIOS["landmark"], 6.0, "")(12.0)) > 10 * twice.std()


def test_the_source_population_says_how_it_is_made() -> None:
    """A note names the population and its start, Kish's effective number and the largest share, by an account of their own."""
    fit, cohort = fitted("late", 0.0)
    one = fits.fit_with(fit.plan, cohort, {name: values[:4] for name, values in fit.draws.items()}, chains=2)
    start = fit.plan.start
    rate = np.exp(one.draws["log_rate"])[:, None] * np.exp(one.eta(cohort.covariates))
    there = cohort.time > start
    worth = np.where(there, np.exp(rate * np.maximum(cohort.entry - start, 0.0)), 0.0)
    kish = np.median(worth.sum(axis=1) ** 2 / (worth**2).sum(axis=1))
    largest = np.median(worth.max(axis=1) / worth.sum(axis=1))
    (note,) = br.estimate(one, br.Survival(at=12)).notes
    assert f"the source population alive at {start:.4g} months" in note
    assert f"of {there.sum()} patients Kish's effective number is {kish:.1f}, the largest share {largest:.1%}" in note


def test_a_share_above_a_tenth_is_flagged() -> None:
    """Where one late entrant stands for more than a tenth of the source population, a note warns and names the other one."""
    frame = patients("some from 0").iloc[:40].copy()
    frame.loc[frame.index[0], ["entry", "time", "event", "risk"]] = [60.0, 61.0, 0, "high"]
    cohort, plan = fits.cohort_and_plan(frame, "risk", endpoint='entry = "entry"', model='baseline = "exponential"')
    notes = br.estimate(fits.laplace_fit(plan, cohort), br.Survival(at=12)).notes
    assert any(note.startswith("WARNING: one patient who entered late carries") and '"enterers"' in note for note in notes)


def test_nothing_is_read_before_enough_are_at_risk() -> None:
    """Under delayed entry a time before the start of the curves is refused, in words that name the start and the remedy."""
    fit, _ = fitted("late", 0.0)
    for asked in (br.Survival(at=(3, 12)), br.Rmst(upto=4), br.Survival(at=12, given=2)):
        with pytest.raises(br.AnalysisError, match=r"is not after 5\S* months, where enough are at risk"):
            br.estimate(fit, asked)
    assert br.estimate(fit, br.Rmst(upto=24)).given == fit.plan.start


def test_enterers_are_those_who_entered_each_from_then_on() -> None:
    """In each draw the mean over all rows of S(entry + t) / S(entry), by scalar arithmetic; nobody who entered is left out."""
    fit, cohort = fitted("some from 0", 0.0)
    one = fits.fit_with(fit.plan, cohort, {name: values[:4] for name, values in fit.draws.items()}, chains=2)
    rate = np.exp(one.draws["log_rate"])[:, None]
    found = br.estimate(one, br.Survival(at=12, population="enterers"), by="arm")
    for index, arm in enumerate(("A", "B")):
        relative = np.exp(one.eta(cohort.covariates.assign(arm=arm)))
        by_hand = np.mean(np.exp(-rate * relative * (cohort.entry + 12.0)) / np.exp(-rate * relative * cohort.entry), axis=1)
        np.testing.assert_allclose(found.draws.to_numpy().reshape(4, 2)[:, index], by_hand, rtol=1e-9)
    assert found.notes[0] == "curves are of those who entered, in time since each one's own entry"


def test_late_spells_by_hand() -> None:
    """Rows that are spells of subjects, some of whom enter late: in each draw every spell shares its subject's place in the source
    population, by the subject's first entry, and who left before the start has none."""
    rng = np.random.default_rng(3)
    size = 60
    entered = np.where(rng.random(size) < 0.08, 0.0, rng.uniform(2.0, 10.0, size))
    middle, group = entered + rng.uniform(0.2, 4.0, size), rng.choice(["a", "b"], size)
    end = middle + rng.exponential(6.0, size)
    who, risk = [f"p{i}" for i in range(size)], rng.normal(size=size)
    first = pd.DataFrame({"who": who, "entry": entered, "time": middle, "event": 0, "group": group, "risk": risk})
    second = first.assign(entry=middle, time=end, event=(rng.random(size) < 0.7).astype(int), risk=risk + rng.normal(size=size))
    frame = pd.concat([first, second], ignore_index=True)
    cohort, plan = fits.cohort_and_plan(frame, "group + risk", endpoint='entry = "entry"\nid = "who"')
    fit = fits.laplace_fit(plan, cohort, size=8)
    assert plan.start > 0
    assert (end <= plan.start).any() or (middle <= plan.start).any()
    found = br.estimate(fit, br.Survival(at=plan.start + 6.0, by="group")).draws.to_numpy().reshape(8, 2)
    rate, shape = np.exp(fit.draws["log_rate"]), np.exp(fit.draws["log_shape"])
    own = np.exp(fit.eta(cohort.covariates))
    for place, level in enumerate("ab"):
        given = np.exp(fit.eta(cohort.covariates.assign(group=level)))
        for draw in range(8):

            def since(time: float, draw: int = draw) -> float:
                return rate[draw] * (time ** shape[draw] - plan.start ** shape[draw])

            above = below = 0.0
            for row in range(2 * size):
                subject = row % size
                if end[subject] <= plan.start:
                    continue
                worth = 0.5 * math.exp(since(max(entered[subject], plan.start)) * own[draw, row])
                above += worth * math.exp(-since(plan.start + 6.0) * given[draw, row])
                below += worth
            assert found[draw, place] == pytest.approx(above / below, rel=1e-9)


def test_a_group_that_left_before_the_start_stops_nothing() -> None:
    """Where nothing is asked RMST runs to the shortest follow-up of those followed beyond the start, and its figure leaves others
    out: a fit with a group that left before then is read like any other."""
    rng = np.random.default_rng(4)
    entered = np.where(np.arange(80) < 6, 1.0, rng.uniform(5.0, 12.0, 80))
    time = np.where(np.arange(80) < 6, 2.0 + 0.1 * np.arange(80), entered + rng.exponential(10.0, 80) + 0.1)
    frame = pd.DataFrame({"time": time, "event": 1, "entry": entered, "group": np.where(np.arange(80) < 6, "early", "late")})
    frame["other"] = np.resize(["u", "v"], 80)
    cohort, plan = fits.cohort_and_plan(frame, "group + other", endpoint='entry = "entry"')
    fit = fits.laplace_fit(plan, cohort, size=40)
    assert plan.start > 5.0
    asked = {(getattr(item, "by", None), getattr(item, "upto", None)) for item, _ in estimate_all(fit)}
    late = float(time[6:].max())
    assert ("group", late) in asked
    with pytest.raises(br.AnalysisError, match="followed beyond the start"):
        br.plots.rmst_difference(fit, by="group")
    assert len(br.compare_with_frequentist(fit, cohort).table)
