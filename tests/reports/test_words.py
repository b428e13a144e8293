"""What the report says in words follows from the numbers: strength, methods, checklist, formulas, paths left out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import fits
import pandas as pd
import pytest
from normal_dossier import with_table
from small_study import dossier, failing_fit, fit, patients
from small_study import results as passed

from bayes_rrmm.agreement import compare_with_frequentist
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reports.answer import answer_of, strength_of
from bayes_rrmm.reports.checklist import checklist_of, has_reasons
from bayes_rrmm.reports.citations import REFERENCES, Bibliography
from bayes_rrmm.reports.formal import formal_model
from bayes_rrmm.reports.methods import methods_of
from bayes_rrmm.reports.sections import without_paths
from bayes_rrmm.results import Results, results_of
from bayes_rrmm.sensitivity.patient_names import patient_names, without_rows

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
    side = "below" if row["p_below"] >= 0.5 else "above"
    assert f"and the probability that it is {side} 1 is" in answer.finding
    assert answer.finding.startswith("OS: the hazard ratio by group, few / many, is ")
    assert "(9 patients with" in answer.strength
    assert answer.warning == ""


def test_directions_that_are_settled_are_named_apart_from_the_open_ones() -> None:
    """Of several contrasts those with P at least 0.975 are named by direction; every other is said to be open."""
    results = passed()
    table = results.estimates[(results.estimates["estimand"] == "hazard-ratio") & (results.estimates["threshold"] == 1.0)]
    table = table[table["term"] == "group"].assign(p_below=[0.99, 0.5], p_above=[0.01, 0.5])
    asked = Results(results.fit)
    asked.__dict__["estimates"] = table
    asked.__dict__["crosscheck"] = results.crosscheck
    finding = answer_of(asked).finding
    assert "is below 1 with a probability of at least 0.975: few / many" in finding
    assert "The direction remains open for other / many" in finding


def test_methods_say_only_what_was_done() -> None:
    """Each part of a model brings its sentence and its reference, and is silent where it is not there."""
    plain = methods_of(passed(), Bibliography())
    assert "Weibull baseline hazard with the covariates group, age" in plain
    assert "References are many (group)." in plain
    for absent in ("frailty", "landmark", "horseshoe", "partially pooled", "piecewise", "sceptical", "marginalised"):
        assert absent not in plain
    bibliography = Bibliography()
    model = 'baseline = "piecewise-exponential"\ncuts = [6, 12]\neffects = { group = "pooled" }'
    other = methods_of(Results(fitted("group", model=model)), bibliography, (dossier(),))
    assert "a piecewise-constant baseline hazard [1] of 3 intervals (independent log hazards)" in other
    assert "Effects of group were partially pooled (exchangeable)." in other
    assert "sceptical, enthusiastic, neutral and vague priors" in other
    assert REFERENCES["piecewise"] == bibliography.references[0]


def test_methods_say_that_diagnostics_failed() -> None:
    """A failed gate is part of the methods, word for word."""
    assert "Diagnostics failed (DIAGNOSTICS FAILED: r_hat of log_shape)" in methods_of(as_passed(failing_fit()), Bibliography())
    assert "All diagnostics passed." in methods_of(passed(), Bibliography())


def with_tables(found: Fit, **tables: pd.DataFrame) -> Results:
    """Results of a fit with these tables as they would be read from its folder."""
    results = Results(found)
    results.__dict__.update(tables)
    return results


def as_passed(found: Fit) -> Results:
    """Results of the study's fit under another provenance, with the tables of its draws."""
    return with_tables(found, estimates=passed().estimates, checks=passed().checks, crosscheck=passed().crosscheck)


def test_methods_count_the_checks_that_failed() -> None:
    """Checks of reported quantities that failed are counted, though the fit itself carries no mark; none at all passes nothing."""
    checks = passed().checks
    failed = checks.assign(verdict=["failed", *["passed"] * (len(checks) - 1)])
    assert f"1 of {len(checks)} checks failed." in methods_of(with_tables(fit(), checks=failed), Bibliography())
    assert "No diagnostics are written." in methods_of(with_tables(fit(), checks=checks.iloc[:0]), Bibliography())


def test_methods_name_the_conventions_of_the_agreement_table() -> None:
    """Ties and intervals are those that crosscheck was made with, and ranks are not said to have a counterpart."""
    usual = methods_of(passed(), Bibliography())
    assert "with Efron's ties [" in usual
    assert "Firth's penalised Cox" in usual
    assert "Hazard ratios and restricted mean survival times were set beside frequentist counterparts" in usual
    cohort, plan = fits.cohort_and_plan(patients(), "group", rest='[[estimands]]\nkind = "median"\nby = "group"\n')
    other = fits.laplace_fit(plan, cohort)
    asked = compare_with_frequentist(other, ties="breslow", interval="log").table
    said = methods_of(with_tables(other, crosscheck=asked), Bibliography())
    assert "Kaplan-Meier curves" in said
    assert "with log intervals" in said
    assert "Efron" not in said
    breslow = compare_with_frequentist(fit(), ties="breslow").table
    assert "with Breslow's ties and Wald intervals" in methods_of(with_tables(fit(), crosscheck=breslow), Bibliography())


def test_methods_name_only_the_tests_and_models_there_are() -> None:
    """Without covariates there is no Cox, no test of proportionality and no log-rank; where they are, they are named."""
    cohort, plan = fits.cohort_and_plan(patients(), "1", rest='[[estimands]]\nkind = "median"\n')
    alone = methods_of(results_of(fits.laplace_fit(plan, cohort)), Bibliography())
    assert "Medians were set beside frequentist counterparts" in alone
    for absent in ("Cox", "Efron", "Firth", "Schoenfeld", "log-rank"):
        assert absent not in alone
    whole = methods_of(passed(), Bibliography())
    assert "Schoenfeld" in whole
    assert "log-rank" in whole


def test_methods_say_of_a_small_group_what_its_dossier_holds() -> None:
    """Power-scaling, patients left out and statuses reversed are told only where the dossier has a table of them."""
    none = pd.DataFrame()
    bare = with_table(with_table(dossier(), "left_out", none), "flipped", none)
    said = methods_of(passed(), Bibliography(), (bare,))
    assert "For few the analysis was refitted under sceptical" in said
    for absent in ("without each patient", "reversed", "power-scaled"):
        assert absent not in said
    scaled = with_table(dossier(), "power_scaling", pd.DataFrame({"estimand": ["hazard-ratio"]}))
    said = methods_of(passed(), Bibliography(), (scaled,))
    for there in ("without each patient of the group and with each status of the group reversed", "and power-scaled ["):
        assert there in said


def test_methods_count_high_pareto_k() -> None:
    """Leave-one-out is told where there is one, with the patients it cannot be trusted for."""
    loo = passed().loo.assign(**{"n_pareto_k_above_0.7": 3})
    assert "Pareto k exceeded 0.7 for 3 of 109 rows" in methods_of(with_tables(fit(), loo=loo), Bibliography())
    none = loo.assign(**{"n_pareto_k_above_0.7": 0})
    assert "Pareto k" not in methods_of(with_tables(fit(), loo=none), Bibliography())


def test_leave_one_out_that_the_folder_holds_is_told_without_rows(tmp_path: Path) -> None:
    """A folder with loo.csv is told of though no rows are at hand, one without is not."""
    bare = Results(dataclasses.replace(fit(), cohort=None), None, tmp_path)
    bare.__dict__.update(estimates=passed().estimates, checks=passed().checks)
    assert "leave-one-out" not in methods_of(bare, Bibliography())
    passed().loo.to_csv(tmp_path / "loo.csv", index=False)
    assert "leave-one-out" in methods_of(bare, Bibliography())


def test_references_are_numbered_as_they_are_cited() -> None:
    """The first cited is 1, one cited again keeps its number."""
    bibliography = Bibliography()
    assert (bibliography.cite("cox"), bibliography.cite("efron", "cox"), bibliography.cite("cox")) == ("[1]", "[2, 1]", "[1]")
    assert bibliography.references == (REFERENCES["cox"], REFERENCES["efron"])


def states(results: Results, shown: tuple[str, ...] = (), dossiers: tuple = ()) -> dict[str, str]:
    return {item.asks: item.state for item in checklist_of(results, shown, dossiers)}


def test_the_checklist_ticks_what_was_done() -> None:
    """Priors refitted, predictions checked, limits stated and a question asked are ticked only where they are."""
    bare = states(passed())
    whole = with_table(dossier(), "baselines", pd.DataFrame({"baseline": ["exponential"]}))
    full = states(passed(), ("predictive", "prior_posterior"), (whole,))
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


def test_no_check_is_no_check_passed() -> None:
    """Convergence is not done where no check of it is written."""
    found = states(with_tables(fit(), checks=passed().checks.iloc[:0]))
    assert found["Show that chains converged, for every reported quantity"] == "not done"
    assert found["Show that chains are long enough, for every reported quantity"] == "not done"


COMMENTED = """
[priors]
# A tenfold hazard is not believed by anybody.
group = { hazard_ratio = 1.0, upper95 = 3.0 }
baseline = { median_survival = 24, upper95 = 120 }
log_shape = { normal = [0, 0.5] }
"""


@pytest.mark.parametrize(
    ("rest", "model", "state"),
    [
        (COMMENTED, "", "done"),
        (COMMENTED.replace("# A", "# x = A").replace(" tenfold", ""), "", "yours to write"),
        ("\n".join(line for line in COMMENTED.splitlines() if "#" not in line), "", "yours to write"),
        ("\n".join(line for line in COMMENTED.splitlines() if "log_shape" not in line), "", "yours to write"),
        ("\n".join(line for line in COMMENTED.splitlines() if "baseline" not in line), "", "yours to write"),
        (COMMENTED.replace("group = {", "# group = {"), 'effects = { group = "pooled" }', "yours to write"),
    ],
)
def test_priors_are_justified_by_statement_and_comment(rest: str, model: str, state: str) -> None:
    """Every prior in the model is stated, the shape and tau too, and [priors] has a comment that is not a statement put aside."""
    results = Results(fitted("group", rest=rest, model=model))
    assert states(results)["State the priors and justify them"] == state


def test_reasons_are_comments_of_the_priors() -> None:
    """A comment right above a heading, or behind a statement, belongs to it; a # in quotes is none."""
    assert has_reasons("# why\n[priors]\nx = 1\n")
    assert has_reasons("[priors.group]\nx = 1 # why\n")
    assert has_reasons("[a]\n[priors]\n# why")
    assert not has_reasons("[priors]\nx = 1\n\n# why\n[sampling]\n")
    assert not has_reasons("# why\n\n[priors]\n'# x' = 1\n")


def test_the_checklist_ticks_no_record_that_is_not_there() -> None:
    """Versions, the analysis file and patients are told of only where the fit has them; prior predictions claim no data."""
    found = dataclasses.replace(fit(), cohort=None, provenance={"versions": {"pymc": "6.0"}})
    asks = ("Name the software with versions", "Share the analysis script", "Describe the outcome and the covariates")
    stripped = dataclasses.replace(fit().plan, analysis=fit().plan.analysis.model_copy(update={"source": ""}))
    with_versions = {item.asks: item for item in checklist_of(with_tables(found, checks=passed().checks), (), ())}
    bare = dataclasses.replace(found, plan=stripped, provenance={})
    without = {item.asks: item for item in checklist_of(with_tables(bare, checks=passed().checks), (), ())}
    assert [with_versions[ask].state for ask in asks] == ["done", "done", "done"]
    assert [without[ask].state for ask in asks] == ["not done", "not done", "done"]
    assert without[asks[2]].how == "Methods"
    assert "no replicated data" in without["Check the prior's predictions"].how
    assert without["Check the prior's predictions"].state == "not done"


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
    """A conclusion that names a patient's row (or rows, of one patient's spells) calls the patient as the influence figure does."""
    names = {"row 22": "patient B", "row 224": "patient A", "rows 3, 4": "other 1"}
    said = without_rows("without row 224 it is 1.02, without row 22 0.9, without rows 3, 4 1.0; row 7 and 9 rows stay", names)
    assert said == "without patient A it is 1.02, without patient B 0.9, without other 1 1.0; one patient and 9 rows stay"
    assert patient_names(dossier())["row 9"] == "patient A"


def test_paths_of_the_machine_are_left_out() -> None:
    """A command keeps the names of its files and loses their folders."""
    said = without_paths("bayes-rrmm fit /home/somebody/mine.toml ../data/patients.csv --out=runs/mine")
    assert said == "bayes-rrmm fit mine.toml patients.csv --out=mine"
    assert without_paths("bayes-rrmm fit '/home/some body/mine.toml' data.csv") == "bayes-rrmm fit mine.toml data.csv"
    assert without_paths("bayes-rrmm demo") == "bayes-rrmm demo"
    assert without_paths(r"bayes-rrmm fit C:\Users\jane\mine.toml data.csv") == "bayes-rrmm fit mine.toml data.csv"


def test_a_model_without_a_contrast_has_an_answer_too() -> None:
    """Without covariates the first quantity asked is told, with its interval."""
    cohort, plan = fits.cohort_and_plan(pd.DataFrame({"time": [1.0, 2.0, 3.0, 9.0] * 5, "event": [1, 1, 0, 1] * 5}), "1")
    answer = answer_of(results_of(fits.laplace_fit(plan, cohort)))
    assert answer.finding.startswith("OS: median survival (months) (median and 95% equal-tailed interval): all ")
    assert "20 patients with 15 events" in answer.strength


def test_synthetic_patients_are_called_so() -> None:
    """Data that say of themselves that they are synthetic are called so in the answer."""
    data = {**fit().provenance["data"], "origin": "rrmm1-synthetic"}
    synthetic = dataclasses.replace(fit(), provenance={**fit().provenance, "data": data})
    assert "SYNTHETIC" in answer_of(as_passed(synthetic)).strength
    assert "SYNTHETIC" not in answer_of(passed()).strength


@pytest.mark.parametrize("name", ["photosynthetic_trial.csv", "synthetic_lethality_registry.csv", "my-synthetic"])
def test_other_data_are_not_called_synthetic(name: str) -> None:
    """A name with the word in it does not make anybody's patients made up: only the package's own cohorts are."""
    data = {**fit().provenance["data"], "origin": name}
    other = dataclasses.replace(fit(), provenance={**fit().provenance, "data": data})
    assert "SYNTHETIC" not in answer_of(as_passed(other)).strength


def test_an_interaction_is_no_hazard_ratio() -> None:
    """An interaction is told as a ratio of hazard ratios; where several terms are asked for, the answer names those it leaves to
    the tables."""
    crossed = answer_of(results_of(fitted("group * age", rest='[[estimands]]\nkind = "hazard-ratio"\nof = "group:age"')))
    assert "ratio of hazard ratios by group:age" in crossed.finding
    rest = "".join(f'[[estimands]]\nkind = "hazard-ratio"\nof = "{of}"\n' for of in ("age", "group"))
    plain = answer_of(results_of(fitted("group + age", rest=rest)))
    assert "hazard ratio by age, 1 more" in plain.finding
    assert "Those of group are in the tables." in plain.finding


def test_cox_without_an_estimate_is_not_said_to_differ() -> None:
    """In a group without events Cox diverges: the answer says that it has no comparable estimate and that the prior decides."""
    frame = patients()[lambda table: table["group"] != "other"].reset_index(drop=True)
    frame.loc[frame["group"] == "few", "event"] = 0
    cohort, plan = fits.cohort_and_plan(frame, "group", rest='[variables.group]\nreference = "many"')
    strength = answer_of(results_of(fits.laplace_fit(plan, cohort))).strength
    assert "Cox has no comparable estimate" in strength
    assert "the prior decides it, since a group has no events" in strength
    assert "(9 patients with 0 events against" in strength
