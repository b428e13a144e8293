"""The NumPy log-density against that of the PyMC model, at random points. Nothing is compiled: PyTensor runs op by op."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import parts
import pytest
from pymc import Model
from pytensor.compile.mode import Mode
from reference_runs import parse

import bayes_rrmm as br
from bayes_rrmm.densities import log_covariates, log_density, log_likelihood
from bayes_rrmm.inference import build_model
from bayes_rrmm.plan import Plan, make_plan

POINTS = 25
INTERPRETED = Mode(linker="py", optimizer=None)

CUTS = 'baseline = "piecewise-exponential"\ncuts = [6, 12, 30]\n'
WALK = f'{CUTS}smoothing = "random-walk"\n'
MEDIAN = "baseline = { median_survival = 15, upper95 = 90 }"
BASELINES = {
    "exponential, log rate": ('baseline = "exponential"', "log_rate = { normal = [-3, 2] }"),
    "exponential, log rate, Student t": ('baseline = "exponential"', "log_rate = { student_t = [5, -3, 2] }"),
    "exponential, median": ('baseline = "exponential"', MEDIAN),
    "Weibull, log rate": ('baseline = "weibull"', "log_rate = { normal = [-3, 2] }\nlog_shape = { normal = [0.1, 0.4] }"),
    "Weibull, log scale": ('baseline = "weibull"', "log_scale = { normal = [2.5, 1] }"),
    "Weibull, log scale, Student t": (
        'baseline = "weibull"',
        "log_scale = { student_t = [6, 2.5, 1] }\nlog_shape = { student_t = [7, 0, 0.3] }",
    ),
    "Weibull, median": ('baseline = "weibull"', MEDIAN),
    "Weibull, default": ('baseline = "weibull"', ""),
    "piecewise, log hazards": (CUTS, "log_hazards = { normal = [-3, 3] }"),
    "piecewise, log hazards, Student t": (CUTS, "log_hazards = { student_t = [4, -3, 2] }"),
    "piecewise, median": (CUTS, MEDIAN),
    "random walk, log hazards": (WALK, "log_hazards = { normal = [-3, 3] }\nsigma = { half_normal = 0.4 }"),
    "random walk, log hazards, Student t": (WALK, "log_hazards = { student_t = [4, -3, 2] }"),
    "random walk, median": (WALK, MEDIAN),
}
COVARIATES = {
    "no covariate": ("1", "", ""),
    "one continuous, for a step": ("age", "[variables.age]\nper = 10", "age = { hazard_ratio = 1, upper95 = 2 }"),
    "independent, Student t and pooled": (
        "age + sex + site",
        "",
        "age = { student_t = [4, 0, 0.05] }\nsex = { normal = [0.2, 0.7] }\ntau = { site = { half_normal = 0.8 } }",
    ),
    "two pooled": ("sex + site + stage", "", "tau = { stage = { half_normal = 0.3 } }"),
    "a pooled interaction": ("age + sex * site", "", "tau = { 'site:sex' = { half_normal = 0.4 } }"),
    "a pooled interaction of pooled groups": ("site * stage", "", "tau = { stage = { half_normal = 0.3 } }"),
    "a horseshoe": ("sex * site", "", "sex = { student_t = [4, 0, 0.5] }"),
    "two horseshoes beside a pooled group": ("sex * site + stage", "", "tau = { stage = { half_normal = 0.3 } }"),
}
EFFECTS = {
    "a pooled interaction": "'sex:site' = 'pooled'",
    "a pooled interaction of pooled groups": "'site:stage' = 'pooled', site = 'pooled', stage = 'pooled'",
    "a horseshoe": "'sex:site' = { pooling = 'horseshoe', nonzero = 2.5, slab_scale = 0.7, slab_df = 3 }",
    "two horseshoes beside a pooled group": "'sex:site' = 'horseshoe', site = { pooling = 'horseshoe' }, stage = 'pooled'",
}
"""How effects are related, where it is not that site and stage are pooled."""
EVERYTHING = "independent, Student t and pooled"
CASES = [(baseline, EVERYTHING) for baseline in BASELINES] + [
    (baseline, covariates)
    for baseline in ("exponential, median", "Weibull, median", "random walk, log hazards")
    for covariates in ("no covariate", "one continuous, for a step", "two pooled", *EFFECTS)
]
WITH_GAPS = {
    "one of two levels": ("sex + age", "", ""),
    "one of three levels": ("stage + age", "", ""),
    "both, two in some rows": ("stage + sex + age", "", ""),
    "shares of their own": ("stage + sex + site", "", 'covariate_model = "independent"'),
    "beside a pooled group": ("site + sex + stage", "", ""),
    "in a pooled group": ("stage + sex", "", ""),
    "in a pooled interaction": ("stage * sex", "", ""),
    "in a horseshoe": ("stage * sex + age", "", ""),
    "in an interaction with a number": ("sex * age + stage", "", ""),
    "in an interaction of both": ("sex * stage", "", 'covariate_model = "sequential"'),
    "under Student t": ("sex + stage + age", "sex = { student_t = [3, 0.3, 0.8] }\nage = { student_t = [4, 0, 0.05] }", ""),
}
POOLED_WITH_GAPS = {
    "beside a pooled group": "site = 'pooled'",
    "in a pooled group": "stage = 'pooled'",
    "in a pooled interaction": "'stage:sex' = 'pooled'",
    "in a horseshoe": "'stage:sex' = 'horseshoe'",
}
GAP_CASES = [("Weibull, median", gaps) for gaps in WITH_GAPS] + [
    ("exponential, median", "both, two in some rows"),
    ("exponential, log rate", "shares of their own"),
    ("Weibull, log rate", "beside a pooled group"),
    ("Weibull, log scale, Student t", "both, two in some rows"),
    ("piecewise, median", "both, two in some rows"),
    ("piecewise, median", "beside a pooled group"),
    ("piecewise, log hazards", "shares of their own"),
    ("random walk, log hazards", "both, two in some rows"),
    ("random walk, log hazards", "shares of their own"),
    ("random walk, median", "in a pooled group"),
]


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    """Delayed entry, frequency weights, equal rows, and exits on a cut."""
    return parts.patients()


def planned(patients: pd.DataFrame, baseline: str, covariates: str) -> tuple[Plan, br.Cohort]:
    """The plan of one baseline with one set of covariates, and its rows."""
    model, prior = BASELINES[baseline]
    formula, variables, priors = COVARIATES[covariates]
    pooled = ", ".join(f"{name} = 'pooled'" for name in ("site", "stage") if name in formula)
    return written(patients, formula, model, EFFECTS.get(covariates, pooled), f"{variables}\n[priors]\n{prior}\n{priors}")


def planned_with_gaps(patients: pd.DataFrame, baseline: str, gaps: str) -> tuple[Plan, br.Cohort]:
    """The same of covariates that are marginalised: sex is unknown in every sixth row, stage in every fourth."""
    model, prior = BASELINES[baseline]
    formula, priors, covariate_model = WITH_GAPS[gaps]
    order = np.arange(len(patients))
    frame = patients.assign(
        sex=patients["sex"].where(order % 6 != 1, None), stage=patients["stage"].where(order % 4 != 3, None)
    )
    rule = f'{model}\nmissing = "marginalise"\n{covariate_model}'
    return written(frame, formula, rule, POOLED_WITH_GAPS.get(gaps, ""), f"[priors]\n{prior}\n{priors}")


def written(patients: pd.DataFrame, formula: str, model: str, effects: str, rest: str) -> tuple[Plan, br.Cohort]:
    """The plan and the rows of an analysis with delayed entry and frequency weights."""
    analysis = parse(
        f'schema = 1\ntitle = "A test"\n[endpoint]\nname = "OS"\ntime = "time"\nevent = "event"\nunit = "months"\n'
        f'entry = "entry"\nweight = "count"\n[model]\nformula = "{formula}"\n{model}\n'
        f"effects = {{ {effects} }}\n{rest}\n"
    )
    cohort = br.read_cohort(patients, analysis)
    return make_plan(analysis, cohort), cohort


def random_points(model: Model, rng: np.random.Generator) -> list[dict[str, np.ndarray]]:
    """Points near the data, under the names of PyMC's value variables (scales by their logarithm)."""
    about = {"level": -3.0, "log_hazard": -3.0, "log_hazard_level": -3.0, "log_rate": -3.0, "sigma_log__": -0.7}
    shapes = {name: np.shape(value) for name, value in model.initial_point().items()}
    return [{name: about.get(name, 0.0) + rng.normal(0.0, 0.6, shape) for name, shape in shapes.items()} for _ in range(POINTS)]


def reported(plan: Plan, points: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The points as the reported parameters, by the definitions and not by the package's own code."""
    draws = [_reported(plan, point) for point in points]
    return {name: np.stack([draw[name] for draw in draws]) for name in draws[0]}


def _reported(plan: Plan, point: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    draw = {name: point[name] for name in ("log_rate", "log_shape", "log_hazard_level", "log_hazard") if name in point}
    if "anchor" in point:
        shape = np.exp(point["log_shape"])
        if plan.priors.baseline_kind == "log_scale":
            draw["log_scale"] = np.log(plan.reference_time) - point["anchor"] / shape
        else:
            draw["log_rate"] = point["anchor"] - shape * np.log(plan.reference_time)
    if "step_z" in point:
        draw["sigma"] = np.exp(point["sigma_log__"])
        walk = np.concatenate([[0.0], np.cumsum(draw["sigma"] * point["step_z"])])
        draw["log_hazard"] = point["level"] + walk - walk.mean()
    sampled = {"normal": iter(point.get("beta", ())), "student": iter(point.get("student_beta", ()))}
    beta = [next(sampled["student" if prior.is_student else "normal"]) for prior in plan.priors.coefficients]
    if beta:
        draw["beta"] = np.array(beta) / [column.scale for column in plan.encoding.columns]
    if plan.encoding.pooled:
        draw |= _reported_effects(plan, point)
    if "gamma" in point:
        draw["gamma"] = point["gamma"]
    simplexes = [point[name] for name in sorted(point) if name.endswith("_simplex__")]
    if simplexes:
        logits = [np.append(values, -values.sum()) for values in simplexes]
        draw["share"] = np.concatenate([np.exp(one) / np.exp(one).sum() for one in logits])
    return draw


def _reported_effects(plan: Plan, point: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Effects one by one: tau z (tau sampled with a sign), or tau l z with l^2 = c^2 lambda^2 / (c^2 + tau^2 lambda^2); terms
    under a horseshoe come last."""
    taus = [*point.get("signed_tau", ()), *np.exp(point.get("horseshoe_tau_log__", []))]
    slabs, local = iter(np.exp(point.get("squared_slab_log__", []))), np.exp(point.get("local_log__", []))
    z, left = iter([*point.get("z", ()), *point.get("horseshoe_z", ())]), iter(local)
    effects = []
    for tau, term in zip(taus, plan.encoding.pooled, strict=True):
        square = next(slabs) if term.pooling == "horseshoe" else None
        for _ in term.levels:
            own = 1.0 if square is None else next(left)
            shrunk = own if square is None else np.sqrt(square * own**2 / (square + tau**2 * own**2))
            effects.append(tau * shrunk * next(z))
    draw = {"tau": np.abs(taus), "effect": np.array(effects)}
    return draw | ({"local": local, "slab": np.sqrt(np.exp(point["squared_slab_log__"]))} if len(local) else {})


def constant(plan: Plan) -> float:
    """By how much the density of what is reported exceeds PyMC's: it samples the coefficients of standardised columns, and a
    spread with a sign, of which either is half as likely."""
    pooled = sum(term.pooling == "pooled" for term in plan.encoding.pooled)
    return float(np.log([column.scale for column in plan.encoding.columns]).sum() + pooled * np.log(2.0))


def evaluated(function: Callable[[dict[str, np.ndarray]], np.ndarray], points: list[dict[str, np.ndarray]]) -> np.ndarray:
    """The function at every point."""
    return np.array([float(function(point)) for point in points])


@pytest.mark.parametrize(("baseline", "covariates"), CASES)
def test_numpy_and_pymc_state_one_density(patients: pd.DataFrame, baseline: str, covariates: str) -> None:
    """The closed-form log-density and its likelihood equal PyMC's to 1e-9, with delayed entry and frequency weights, up to a
    known constant."""
    plan, cohort = planned(patients, baseline, covariates)
    model = build_model(plan, cohort)
    points = random_points(model, np.random.default_rng([len(baseline), len(covariates)]))
    draws = reported(plan, points)
    stretch = constant(plan)

    each = model.compile_logp(vars=[model["survival"], *model.free_RVs], jacobian=False, sum=False, mode=INTERPRETED)
    assert model.basic_RVs == [*model.free_RVs, model["survival"]]
    terms = np.array([[float(np.sum(term)) for term in each(point)] for point in points])
    whole, survival = terms.sum(axis=1), terms[:, 0]

    np.testing.assert_array_less(np.abs(log_density(plan, draws, cohort) - stretch - whole), 1e-9 * np.maximum(1.0, np.abs(whole)))
    pointwise = log_likelihood(plan, draws, cohort)
    assert pointwise.shape == (POINTS, len(cohort))
    np.testing.assert_array_less(np.abs(pointwise.sum(axis=1) - survival), 1e-9 * np.maximum(1.0, np.abs(survival)))


@pytest.mark.parametrize(("baseline", "gaps"), GAP_CASES)
def test_they_state_one_density_of_rows_with_gaps(patients: pd.DataFrame, baseline: str, gaps: str) -> None:
    """With gaps marginalised too, and in each part: outcomes and covariates of rows without gaps, and rows with them.

    PyMC has rows with gaps in one factor, NumPy in two: the outcome given the known covariates, and these.
    """
    plan, cohort = planned_with_gaps(patients, baseline, gaps)
    model = build_model(plan, cohort)
    points = random_points(model, np.random.default_rng([len(baseline), len(gaps)]))
    draws = reported(plan, points)
    stretch = constant(plan)
    whole = evaluated(model.compile_logp(jacobian=False, mode=INTERPRETED), points)
    np.testing.assert_allclose(log_density(plan, draws, cohort) - stretch, whole, rtol=1e-9, atol=1e-9)

    complete = cohort.is_complete()
    assert 0 < complete.sum() < len(cohort)
    outcome, covariates = log_likelihood(plan, draws, cohort), log_covariates(plan, draws, cohort)
    parts = {
        "survival": outcome[:, complete],
        "covariates": covariates[:, complete],
        "survival_of_gaps": (outcome + covariates)[:, ~complete],
    }
    each = model.compile_logp(vars=[model[name] for name in parts], jacobian=False, sum=False, mode=INTERPRETED)
    found = np.array([[float(np.sum(part)) for part in each(point)] for point in points])
    np.testing.assert_allclose(np.transpose([values.sum(axis=1) for values in parts.values()]), found, rtol=1e-9, atol=1e-9)


def test_its_gradient_is_the_density_s(patients: pd.DataFrame) -> None:
    """PyMC's gradient, which sampling goes by, is that of the NumPy density by differences, where some rows have fewer ways
    to fill their gaps than others and are padded."""
    plan, cohort = planned_with_gaps(patients, "Weibull, median", "both, two in some rows")
    model = build_model(plan, cohort)
    point = random_points(model, np.random.default_rng(5))[0]
    gradient = model.compile_dlogp(jacobian=False, mode=INTERPRETED)(point)
    differences = []
    for name in (variable.name for variable in model.value_vars):
        for index in np.ndindex(np.shape(point[name])):
            ends = [{**point, name: np.array(point[name], dtype=float)} for _ in range(2)]
            for end, step in zip(ends, (1e-5, -1e-5), strict=True):
                end[name][index] += step
            high, low = log_density(plan, reported(plan, ends), cohort)
            differences.append((high - low) / 2e-5)
    np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-5)
