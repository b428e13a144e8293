"""Other baselines of a small group's dossier: which, under which priors, and against maximum likelihood."""

from __future__ import annotations

import math
from dataclasses import replace

import fits
import numpy as np
import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.frequentist import parametric
from bayes_rrmm.inference.inputs import structure_of
from bayes_rrmm.plan import Plan
from bayes_rrmm.sensitivity.group_baselines import analysed_choice, baselines_table, choices_of, plans_of
from bayes_rrmm.sensitivity.group_question import ask
from bayes_rrmm.sensitivity.refits import Refit, key_of, read_off


@pytest.fixture
def frame() -> pd.DataFrame:
    """A hundred patients, twelve of them in a group with twice the hazard."""
    rng = np.random.default_rng(5)
    few = np.arange(100) < 12
    time = 20.0 * rng.weibull(1.3, 100) / np.where(few, 1.7, 1.0) + 0.05
    group = np.where(few, "few", "rest").astype(object)
    return pd.DataFrame({"time": np.round(time, 2), "event": (rng.random(100) < 0.8).astype(int), "group": group})


def planned(frame: pd.DataFrame, model: str = "", priors: str = "") -> tuple[Cohort, Plan]:
    rest = f'[variables.group]\nreference = "rest"\n{priors}'
    return fits.cohort_and_plan(frame, "group", model=model, rest=rest)


def test_the_usual_ones_are_the_families_the_rules_and_the_smoothings(frame: pd.DataFrame) -> None:
    """Both other families, half, all and twice the default intervals, equal widths, two walks; without the analysis' own."""
    cohort, plan = planned(frame)
    names = [choice.name for choice in choices_of(plan, cohort, None)]
    assert names == [
        "exponential", "equal-events, 4 intervals", "equal-events, 8 intervals", "equal-events, 16 intervals",
        "equal-width, 8 intervals", "equal-events, 8 intervals, random walk", "equal-width, 8 intervals, random walk",
    ]  # fmt: skip
    assert choices_of(plan, cohort, ()) == []
    own, piecewise = planned(frame, 'baseline = "piecewise-exponential"\ncuts = [4, 9]')
    names = [choice.name for choice in choices_of(piecewise, own, None)]
    assert names[:2] == ["exponential", "weibull"]
    assert names[-1] == "listed, 3 intervals, random walk"
    assert analysed_choice(piecewise).name == "listed, 3 intervals"
    assert choices_of(piecewise, own, ["cuts=4,9"]) == []


def test_equal_widths_and_numbers_of_intervals_share_a_structure(frame: pd.DataFrame) -> None:
    """The usual baselines need three models beside the analysis' own: exponential, independent intervals, a random walk."""
    cohort, plan = planned(frame)
    plans = plans_of(plan, cohort, choices_of(plan, cohort, None))
    assert len({structure_of(item) for item in plans}) == 3
    own, piecewise = planned(frame, 'baseline = "piecewise-exponential"\ncuts = [4, 9, 20]')
    few = plans_of(piecewise, own, choices_of(piecewise, own, ["equal-events:3", "equal-width:2"]))
    assert {structure_of(item) for item in few} == {structure_of(piecewise)}


def test_intervals_after_the_last_exit_change_nothing(frame: pd.DataFrame) -> None:
    """The mode and its curvature are those of the plan without them."""
    cohort, plan = planned(frame)
    choices = choices_of(plan, cohort, ["equal-events:3", "equal-events:6"])
    padded, _ = plans_of(plan, cohort, choices)
    assert padded.cuts[:2] == choices[0].cuts
    assert min(padded.cuts[2:]) > cohort.time.max()
    question = ask(fits.prior_fit(plan, cohort), cohort, "few")
    with_room, without = (
        read_off("", fits.laplace_fit(item, cohort, size=40_000), question.estimand)
        for item in (padded, replace(padded, cuts=choices[0].cuts))
    )
    assert with_room.log_mean == pytest.approx(without.log_mean, abs=0.02 * without.log_sd)
    assert with_room.log_sd == pytest.approx(without.log_sd, rel=0.02)


def test_a_prior_is_carried_where_it_means_the_same(frame: pd.DataFrame) -> None:
    """A median goes to every family; a log rate to exponential and Weibull, and elsewhere the default stands and says so."""
    median = "[priors]\nbaseline = { median_survival = 12, upper95 = 60 }"
    cohort, plan = planned(frame, priors=median)
    asked = ["exponential", "equal-events:4", "equal-events:4:random-walk"]
    choices = choices_of(plan, cohort, asked)
    assert {choice.prior for choice in choices} == {"as analysed"}
    assert {item.priors for item in plans_of(plan, cohort, choices)} == {plan.priors}
    cohort, plan = planned(frame, priors="[priors]\nlog_rate = { normal = [-3, 2] }")
    choices = choices_of(plan, cohort, asked)
    assert [choice.prior == "as analysed" for choice in choices] == [True, False, False]
    assert "log_rate is no parameter of this baseline" in choices[1].prior
    exponential, pieces, _ = (item.priors for item in plans_of(plan, cohort, choices))
    assert exponential == plan.priors
    assert pieces.baseline_kind == "median"
    assert math.exp(pieces.baseline.mean) == pytest.approx(math.log(2) * cohort.person_time / cohort.events)
    assert pieces.coefficients == plan.priors.coefficients


def test_each_row_has_its_maximum_likelihood_and_its_events(frame: pd.DataFrame) -> None:
    """ML of the same intervals, to eight digits; the posterior near it under a wide prior; an interval without events is named."""
    cohort, plan = planned(frame, priors="[priors]\ngroup = { normal = [0, 5] }")
    fit = fits.laplace_fit(plan, cohort)
    question = ask(fit, cohort, "few")
    choices = choices_of(plan, cohort, ["exponential", "equal-width:4", "cuts=5,500"])
    plans = plans_of(plan, cohort, choices)
    found = [read_off("", fits.laplace_fit(item, cohort), question.estimand) for item in plans]
    table = baselines_table(question, fit, cohort, choices, read_off("", fit, question.estimand), found)
    assert table["baseline"].tolist() == ["weibull", "exponential", *["piecewise-exponential"] * 2]
    assert table["shift"].iloc[0] == 0
    few = (frame["group"] == "few").to_numpy(float)[:, None]
    families, bounds = ("weibull", "exponential", "piecewise", "piecewise"), ((), (), choices[1].cuts, (5.0, 500.0))
    for row, family, cuts in zip(table.to_dict("records"), families, bounds, strict=True):
        model = parametric(family, few, ["few"], frame["time"].to_numpy(), frame["event"].to_numpy(), cuts=cuts)
        log_hr, se, lower, upper = model.contrast([1.0])
        np.testing.assert_allclose([row["hr_ml"], row["lower_ml"], row["upper_ml"]], np.exp([log_hr, lower, upper]), rtol=1e-8)
        assert abs(row["log_mean"] - log_hr) < 0.25 * se  # log hazards of intervals are drawn to each other
        assert sum(map(float, row["events"].split())) == cohort.events
    assert table["note"].tolist()[3] == "no event in (500, end]: the prior decides there"
    assert table["note"].tolist()[0] == ""


@pytest.mark.parametrize(
    "text", ["gompertz", "weibull:3", "equal-events:0", "equal-width:two", "cuts=9,4", "cuts=", "equal-width:4:soft"]
)
def test_what_is_no_baseline_is_refused_with_the_forms(text: str, frame: pd.DataFrame) -> None:
    """The value and every form that is understood."""
    cohort, plan = planned(frame)
    with pytest.raises(br.AnalysisError, match=r"write one of exponential, weibull, equal-events:8") as refusal:
        choices_of(plan, cohort, [text])
    assert repr(text) in str(refusal.value)


def test_refits_of_baselines_have_keys_of_their_own(frame: pd.DataFrame) -> None:
    """Family, cuts and smoothing are part of what a refit is resumed by."""
    cohort, plan = planned(frame)
    question = ask(fits.prior_fit(plan, cohort), cohort, "few")
    plans = [plan, *plans_of(plan, cohort, choices_of(plan, cohort, None))]
    assert len({key_of(Refit("", item, cohort), question.estimand) for item in plans}) == len(plans)
