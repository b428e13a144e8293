"""A plan holds what the user declared and what the data taught: cut points, and priors as numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.cohort import build_cohort
from bayes_rrmm.plan import Plan, interval_events, make_plan
from bayes_rrmm.resolved_priors import Location
from bayes_rrmm.specification import parse_analysis

MakePlan = Callable[..., Plan]
PIECEWISE = 'baseline = "piecewise-exponential"'


@pytest.fixture
def plan_of(analysis_text) -> MakePlan:
    """The plan of a table under a formula and further lines of the analysis."""

    def plan(frame: pd.DataFrame, formula: str = "1", **parts: str) -> Plan:
        analysis = parse_analysis(analysis_text(formula, **parts))
        return make_plan(analysis, build_cohort(frame, analysis))

    return plan


@pytest.mark.parametrize(
    ("formula", "model", "rest"),
    [
        ("1", "", ""),
        ("group*age", "", "[variables.age]\nper = 10\n[priors]\nlog_rate = { student_t = [3, 0, 2] }"),
        (
            "poly(age, 2) + bs(dose, df=4)",
            f"{PIECEWISE}\nsmoothing = 'random-walk'",
            "[priors]\nlog_hazards = { normal = [-3, 3] }",
        ),
        (
            "group + sex",
            f"{PIECEWISE}\ncuts = [6, 12]\neffects = {{ group = 'pooled' }}",
            "[priors]\ntau = { group = { half_normal = 1 } }",
        ),
        ("sex", 'baseline = "exponential"', "[priors]\nbaseline = { median_survival = 24, upper95 = 60 }"),
    ],
)
def test_json_keeps_everything(formula: str, model: str, rest: str, patients: pd.DataFrame, plan_of: MakePlan) -> None:
    """A plan read back from JSON, beside its analysis, is the same plan."""
    plan = plan_of(patients, formula, model=model, rest=rest)
    assert Plan.from_json(plan.analysis, plan.to_json()) == plan


def test_cuts_belong_to_the_piecewise_baseline(patients: pd.DataFrame, plan_of: MakePlan) -> None:
    """Only a piecewise baseline has cut points: the user's own, or the rule's."""
    assert plan_of(patients).cuts == ()
    assert plan_of(patients, model=f"{PIECEWISE}\ncuts = [6, 12]").cuts == (6, 12)
    by_rule = plan_of(patients, model=f'{PIECEWISE}\ncuts = {{ rule = "equal-events", intervals = 3 }}')
    assert len(by_rule.cuts) == 2
    assert set(by_rule.cuts) <= set(patients.loc[patients["event"] == 1, "time"])


def test_events_by_interval_add_up(patients: pd.DataFrame, plan_of: MakePlan) -> None:
    """Every event is in one interval, also where the user's own interval holds none."""
    plan = plan_of(patients, model=f"{PIECEWISE}\ncuts = [10, 20, 5000]")
    cohort = build_cohort(patients, plan.analysis)
    happened = patients.loc[patients["event"] == 1, "time"]
    expected = [(happened <= 10).sum(), happened.between(10, 20, inclusive="right").sum(), (happened > 20).sum(), 0]
    assert interval_events(plan, cohort).tolist() == expected


def test_the_reference_time_lies_inside_the_data(patients: pd.DataFrame, plan_of: MakePlan) -> None:
    """The reference time is the median event time, and the last follow-up the latest exit."""
    plan = plan_of(patients)
    assert plan.reference_time == patients.loc[patients["event"] == 1, "time"].median()
    assert plan.last_follow_up == patients["time"].max()


def test_defaults_are_scaled_by_the_data_and_labelled(patients: pd.DataFrame, plan_of: MakePlan) -> None:
    """Unstated: log HR of a contrast, or of one sd, Normal(0, 1); log shape Normal(0, 0.5); the median around log 2 x T / d."""
    priors = plan_of(patients, "group + age").priors
    sd = patients["age"].std()
    assert priors.coefficients[:2] == (Location(0.0, 1.0, is_default=True),) * 2
    assert priors.coefficients[2].sd == pytest.approx(1 / sd)
    assert priors.coefficients[2].is_default
    assert priors.log_shape == Location(0.0, 0.5, is_default=True)
    centre = math.log(2) * patients["time"].sum() / patients["event"].sum()
    assert priors.baseline_kind == "median"
    assert (math.exp(priors.baseline.mean), priors.baseline.sd, priors.baseline.is_default) == (pytest.approx(centre), 1.5, True)
    assert (priors.sigma_sd, plan_of(patients, "group", model="effects = { group = 'pooled' }").priors.tau_sd) == (0.5, (0.5,))


@pytest.mark.parametrize("per", [1, 10])
def test_a_default_with_a_named_step_is_for_the_step(per: int, patients: pd.DataFrame, plan_of: MakePlan) -> None:
    """With `per` the default Normal(0, 1) is the log HR of that step, whatever the sd."""
    (prior,) = plan_of(patients, "age", rest=f"[variables.age]\nper = {per}").priors.coefficients
    assert prior == Location(0.0, 1.0, is_default=True)


def test_a_clinical_statement_is_per_sd_or_per_step(patients: pd.DataFrame, plan_of: MakePlan) -> None:
    """A hazard ratio stated for a continuous covariate is that of one sd, or of the step named; for a group, of the contrast."""
    stated = "[priors]\nage = { hazard_ratio = 1.2, upper95 = 3.0 }\ngroup = { hazard_ratio = 0.8, upper95 = 2.0 }"
    mean, sd = math.log(1.2), (math.log(3.0) - math.log(1.2)) / 1.959963984540054
    scale = patients["age"].std()
    *groups, per_unit = plan_of(patients, "group + age", rest=stated).priors.coefficients
    assert (per_unit.mean * scale, per_unit.sd * scale) == pytest.approx((mean, sd))
    *_, per_step = plan_of(patients, "group + age", rest=f"[variables.age]\nper = 10\n{stated}").priors.coefficients
    assert (per_step.mean, per_step.sd) == pytest.approx((mean, sd))
    for contrast in groups:
        assert math.exp(contrast.mean + 1.959963984540054 * contrast.sd) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("statement", "nu"), [("{ normal = [0.1, 0.02] }", None), ("{ student_t = [4, 0.1, 0.02] }", 4.0)], ids=["normal", "student"]
)
def test_a_raw_prior_is_per_unit_of_the_column(statement: str, nu: float | None, patients: pd.DataFrame, plan_of: MakePlan) -> None:
    """A raw prior on a continuous covariate is for one unit as given: a step of ten has ten times its mean and sd."""
    for per, declared in ((1, ""), (10, "[variables.age]\nper = 10\n")):
        (prior,) = plan_of(patients, "age", rest=f"{declared}[priors]\nage = {statement}").priors.coefficients
        assert (prior.mean, prior.sd, prior.nu) == (pytest.approx(0.1 * per), pytest.approx(0.02 * per), nu)


def test_a_raw_prior_on_a_function_has_no_step(patients: pd.DataFrame, plan_of: MakePlan) -> None:
    """The step of a covariate does not change the prior of a function of it."""
    rest = '[variables.age]\nper = 10\n[priors]\n"log(age)" = { normal = [0.1, 0.02] }'
    _, logged = plan_of(patients, "age + log(age)", rest=rest).priors.coefficients
    assert (logged.mean, logged.sd) == pytest.approx((0.1, 0.02))


@pytest.mark.parametrize(
    ("baseline", "stated", "kind"),
    [
        ("weibull", "log_rate = { normal = [-3, 2] }", "log_rate"),
        ("weibull", "log_scale = { normal = [3, 2] }", "log_scale"),
        ("exponential", "log_rate = { student_t = [5, -3, 2] }", "log_rate"),
        ("piecewise-exponential", "log_hazards = { normal = [-3, 3] }", "log_hazards"),
        ("weibull", "baseline = { median_survival = 24, upper95 = 120 }", "median"),
    ],
)
def test_the_key_says_what_a_baseline_prior_is_about(
    baseline: str, stated: str, kind: str, patients: pd.DataFrame, plan_of: MakePlan
) -> None:
    """Each statement is kept on the scale that its key names, and is no default."""
    priors = plan_of(patients, model=f'baseline = "{baseline}"', rest=f"[priors]\n{stated}").priors
    assert priors.baseline_kind == kind
    assert not priors.baseline.is_default


def test_arrays_hold_the_priors_of_the_columns(patients: pd.DataFrame, plan_of: MakePlan) -> None:
    """Means, sds and degrees of freedom stand in the order of the columns, infinity for a normal."""
    rest = "[priors]\ngroup = { student_t = [4, 0.5, 2] }\nsex = { normal = [-1, 0.3] }"
    means, sds, nus = plan_of(patients, "sex + group", rest=rest).priors.coefficient_arrays()
    np.testing.assert_array_equal(means, [-1, 0.5, 0.5])
    np.testing.assert_array_equal(sds, [0.3, 2, 2])
    np.testing.assert_array_equal(nus, [np.inf, 4, 4])
