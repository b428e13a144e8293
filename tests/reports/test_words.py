"""What the report says in words follows from the numbers: strength, methods, checklist, formulas, paths left out."""

from __future__ import annotations

import dataclasses

import fits
import pandas as pd
import pytest
from normal_dossier import with_table
from small_study import dossier, failing_fit, fit, patients

from bayes_rrmm.fitted import Fit
from bayes_rrmm.reports.answer import answer_of, strength_of
from bayes_rrmm.reports.checklist import checklist_of
from bayes_rrmm.reports.citations import REFERENCES, Bibliography
from bayes_rrmm.reports.formal import formal_model
from bayes_rrmm.reports.methods import methods_of
from bayes_rrmm.reports.sections import without_paths, without_row_numbers
from bayes_rrmm.results import Results, results_of

PIECEWISE = 'baseline = "piecewise-exponential"\ncuts = [6, 12]'


@pytest.mark.parametrize(
    ("probability", "word"),
    [
        (1.0, "very strong"), (0.995, "very strong"), (0.99, "strong"), (0.975, "strong"), (0.96, "moderate"), (0.92, "weak"),
        (0.7, "no clear"),
    ],
)
def test_strength_is_the_probability_in_a_word(probability: float, word: str) -> None:
    """Each word holds from its own probability on."""
    assert strength_of(probability) == word


def fitted(formula: str, **parts: str) -> Fit:
    cohort, plan = fits.cohort_and_plan(patients(), formula, **parts)
    return fits.prior_fit(plan, cohort, size=400)


def test_one_contrast_is_told_in_one_sentence() -> None:
    """A single hazard ratio is told with its interval, direction and probability, and two sentences are all there is."""
    frame = patients()[lambda table: table["group"] != "other"].reset_index(drop=True)
    cohort, plan = fits.cohort_and_plan(frame, "group", rest='[variables.group]\nreference = "many"')
    results = results_of(fits.laplace_fit(plan, cohort))
    answer = answer_of(results)
    row = results.estimates[results.estimates["threshold"] == 1.0].iloc[0]
    side = "lower" if row["p_below"] >= 0.5 else "higher"
    assert f"the probability that the hazard is {side} is" in answer.finding
    assert answer.finding.startswith("OS: the hazard ratio of few against many is ")
    assert answer.warning == ""


def test_directions_that_are_settled_are_named_apart_from_the_open_ones() -> None:
    """Of several contrasts those with P at least 0.975 are named by direction; every other is said to be open."""
    results = results_of(fit())
    table = results.estimates[(results.estimates["estimand"] == "hazard-ratio") & (results.estimates["threshold"] == 1.0)]
    table = table[table["term"] == "group"].assign(p_below=[0.99, 0.5], p_above=[0.01, 0.5])
    asked = Results(results.fit)
    asked.__dict__["estimates"] = table
    asked.__dict__["crosscheck"] = results.crosscheck
    finding = answer_of(asked).finding
    assert "the hazard is lower with a probability of at least 0.975 in 1: few against many" in finding
    assert "for other against many it remains open" in finding


def test_methods_say_only_what_was_done() -> None:
    """Each part of a model brings its sentence and its reference, and is silent where it is not there."""
    plain = methods_of(results_of(fit()), Bibliography())
    assert "Weibull baseline hazard with the covariates group, age" in plain
    assert "References are many (group)." in plain
    for absent in ("frailty", "landmark", "horseshoe", "partially pooled", "piecewise", "sceptical", "marginalised"):
        assert absent not in plain
    bibliography = Bibliography()
    model = 'baseline = "piecewise-exponential"\ncuts = [6, 12]\neffects = { group = "pooled" }'
    other = methods_of(Results(fitted("group", model=model)), bibliography, dossiers=True)
    assert "a piecewise-constant baseline hazard [1] of 3 intervals (independent log hazards)" in other
    assert "Effects of group were partially pooled (exchangeable)." in other
    assert "sceptical, enthusiastic, neutral and vague priors" in other
    assert REFERENCES["piecewise"] == bibliography.references[0]


def test_methods_say_that_diagnostics_failed() -> None:
    """A failed gate is part of the methods, word for word."""
    assert "Diagnostics failed (DIAGNOSTICS FAILED: r_hat of log_shape)" in methods_of(results_of(failing_fit()), Bibliography())
    assert "All diagnostics passed." in methods_of(results_of(fit()), Bibliography())


def test_references_are_numbered_as_they_are_cited() -> None:
    """The first cited is 1, one cited again keeps its number."""
    bibliography = Bibliography()
    assert (bibliography.cite("cox"), bibliography.cite("efron", "cox"), bibliography.cite("cox")) == ("[1]", "[2, 1]", "[1]")
    assert bibliography.references == (REFERENCES["cox"], REFERENCES["efron"])


def states(results: Results, shown: tuple[str, ...] = (), dossiers: tuple = ()) -> dict[str, str]:
    return {item.asks: item.state for item in checklist_of(results, shown, dossiers)}


def test_the_checklist_ticks_what_was_done() -> None:
    """Priors refitted, predictions checked, limits stated and a question asked are ticked only where they are."""
    bare = states(results_of(fit()))
    whole = with_table(dossier(), "baselines", pd.DataFrame({"baseline": ["exponential"]}))
    full = states(results_of(fit()), ("predictive", "prior_posterior"), (whole,))
    refitted = ("Refit under other priors: broad, sceptical, enthusiastic", "Refit under other models")
    for asks in (*refitted, "Check the posterior's predictions"):
        assert (bare[asks], full[asks]) == ("not done", "done")
    assert bare["State the limits of what matters clinically"] == "done"
    assert states(Results(fitted("group")))["State the limits of what matters clinically"] == "yours to write"
    assert bare["State the goals of the analysis"] == "yours to write"


def test_the_checklist_does_not_tick_a_failed_check() -> None:
    """Convergence is failed, with a count, where a check of it failed."""
    results = results_of(failing_fit())
    failed = results.checks.assign(verdict=["failed" if check == "r_hat" else "passed" for check in results.checks["check"]])
    judged = Results(results.fit)
    judged.__dict__["checks"] = failed
    judged.__dict__["estimates"] = results.estimates
    assert states(judged)["Show that chains converged, for every reported quantity"] == "failed"
    assert states(judged)["Show that chains are long enough, for every reported quantity"] == "done"


@pytest.mark.parametrize(
    ("formula", "parts", "expected"),
    [
        ("group", {"rest": "[priors]\nbaseline = { median_survival = 24, upper95 = 120 }"}, "H0(t) = log 2 · (t / M)^k"),
        ("group", {"rest": "[priors]\nlog_rate = { normal = [0, 10] }"}, "b0 ~ Normal(0, 10)"),
        ("group", {"rest": "[priors]\nlog_scale = { normal = [0, 10] }"}, "H0(t) = (t / exp(b0))^k"),
        ("age", {"model": 'baseline = "exponential"'}, "H0(t) = log 2 · (t / M)"),
        ("group", {"model": 'effects = { group = "pooled" }'}, "u[group] = τ z, z ~ Normal(0, 1), τ ~ HalfNormal(0.5)"),
        ("group", {"model": f'{PIECEWISE}\nsmoothing = "random-walk"'}, "z_j ~ Normal(0, 1), centred at mean 0"),
        ("group", {"model": PIECEWISE}, "cut points 6, 12, the last interval open"),
    ],
)  # fmt: skip
def test_the_formulas_are_those_of_the_plan(formula: str, parts: dict[str, str], expected: str) -> None:
    """Each baseline and kind of effect has its formula with its numbers."""
    _, plan = fits.cohort_and_plan(patients(), formula, **parts)
    assert any(expected in line for line in formal_model(plan)), formal_model(plan)


def test_no_row_number_is_told() -> None:
    """A conclusion that names a patient's row says one patient instead."""
    said = without_row_numbers("without row 224, who moves it most, it is 1.02; rows 3, 4 and 2 more count; 9 rows stay")
    assert said == "without one patient, who moves it most, it is 1.02; one patient count; 9 rows stay"


def test_paths_of_the_machine_are_left_out() -> None:
    """A command keeps the names of its files and loses their folders."""
    said = without_paths("bayes-rrmm fit /home/somebody/mine.toml ../data/patients.csv --out=runs/mine")
    assert said == "bayes-rrmm fit mine.toml patients.csv --out=mine"
    assert without_paths("bayes-rrmm fit '/home/some body/mine.toml' data.csv") == "bayes-rrmm fit mine.toml data.csv"
    assert without_paths("bayes-rrmm demo") == "bayes-rrmm demo"


def test_a_model_without_a_contrast_has_an_answer_too() -> None:
    """Without covariates the first quantity asked is told, with its interval."""
    cohort, plan = fits.cohort_and_plan(pd.DataFrame({"time": [1.0, 2.0, 3.0, 9.0] * 5, "event": [1, 1, 0, 1] * 5}), "1")
    answer = answer_of(results_of(fits.laplace_fit(plan, cohort)))
    assert answer.finding.startswith("OS: median is ")
    assert "20 patients with 15 events" in answer.strength


def test_synthetic_patients_are_called_so() -> None:
    """Data that say of themselves that they are synthetic are called so in the answer."""
    data = {**fit().provenance["data"], "origin": "rrmm1-synthetic"}
    synthetic = dataclasses.replace(fit(), provenance={**fit().provenance, "data": data})
    assert "SYNTHETIC" in answer_of(results_of(synthetic)).strength
    assert "SYNTHETIC" not in answer_of(results_of(fit())).strength
