"""Draws of the parameters: the baseline they describe, prior densities against SciPy, and the change of variables."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayes_rrmm.cohort import Cohort, build_cohort
from bayes_rrmm.densities import log_density, log_likelihood
from bayes_rrmm.hazards import PiecewiseExponential, Weibull
from bayes_rrmm.parameters import (
    baseline_of,
    draw_from_prior,
    log_innovations,
    log_median,
    log_prior,
    log_relative_hazard,
    random_walk,
)
from bayes_rrmm.plan import Plan, make_plan
from bayes_rrmm.specification import parse_analysis

SIZE = 100_000
PIECEWISE = 'baseline = "piecewise-exponential"\ncuts = [6, 12, 24]'
WALK = f'{PIECEWISE}\nsmoothing = "random-walk"'
MEDIAN = "[priors]\nbaseline = { median_survival = 24, upper95 = 60 }"
Z = stats.norm.ppf(0.975)

Prepare = Callable[..., tuple[Plan, Cohort]]


@pytest.fixture
def prepare(analysis_text, patients: pd.DataFrame) -> Prepare:
    """The plan, and the cohort, of the sixty patients under a formula and further lines of the analysis."""

    def plan(formula: str = "1", **parts: str) -> tuple[Plan, Cohort]:
        analysis = parse_analysis(analysis_text(formula, **parts))
        cohort = build_cohort(patients, analysis)
        return make_plan(analysis, cohort), cohort

    return plan


def assert_drawn_from(draws: np.ndarray, law: stats.rv_continuous) -> None:
    """The draws' 2.5 %, 25 %, 50 % and 97.5 % points are those of `law`, within 5 Monte Carlo standard errors."""
    for probability in (0.025, 0.25, 0.5, 0.975):
        point = law.ppf(probability)
        error = math.sqrt(probability * (1 - probability) / len(draws)) / law.pdf(point)
        assert np.quantile(draws, probability) == pytest.approx(point, abs=5 * error)


def test_log_scale_is_the_other_weibull(prepare: Prepare) -> None:
    """Draws of log_scale describe H0(t) = (t / exp(log_scale))^shape."""
    plan, _ = prepare(rest="[priors]\nlog_scale = { normal = [3, 1] }")
    draws = {"log_scale": np.array([2.0, 3.5]), "log_shape": np.log([0.7, 1.8])}
    times = np.array([[0.5, 4.0, 30.0]])
    expected = (times / np.exp(draws["log_scale"])[:, None]) ** np.array([[0.7], [1.8]])
    np.testing.assert_allclose(baseline_of(plan, draws).cumulative_hazard(times), expected, rtol=1e-12)


def test_eta_adds_coefficients_and_pooled_effects() -> None:
    """eta = X beta + Z u, draw by draw and row by row; 0 without either."""
    rng = np.random.default_rng(1)
    beta, effect, design, indicators = rng.normal(size=(4, 2)), rng.normal(size=(4, 3)), rng.normal(size=(5, 2)), np.eye(5, 3)
    both = log_relative_hazard({"beta": beta, "effect": effect}, design, indicators)
    expected = [[b @ x + u @ z for x, z in zip(design, indicators, strict=True)] for b, u in zip(beta, effect, strict=True)]
    np.testing.assert_allclose(both, expected, rtol=1e-12)
    np.testing.assert_array_equal(log_relative_hazard({"log_rate": np.zeros(4)}, design, indicators), np.zeros((4, 5)))


def test_likelihood_is_that_of_the_rows(prepare: Prepare) -> None:
    """The likelihood of a plan is w [d log h - H] of each patient, with its own covariates, centred."""
    plan, cohort = prepare("group + age", rest="[priors]\nlog_rate = { normal = [-3, 1] }")
    draws = draw_from_prior(plan, 3, seed=1)
    x = cohort.covariates
    raw = np.column_stack([x["group"] == "b", x["group"] == "c", x["age"]]).astype(float)
    eta = draws["beta"] @ (raw - raw.mean(axis=0)).T
    shape = np.exp(draws["log_shape"])[:, None]
    cumulative = np.exp(draws["log_rate"])[:, None] * cohort.time**shape * np.exp(eta)
    hazard = shape * cumulative / cohort.time
    np.testing.assert_allclose(log_likelihood(plan, draws, cohort), cohort.event * np.log(hazard) - cumulative, rtol=1e-9)


@pytest.mark.parametrize("baseline", ["exponential", "weibull"])
def test_a_stated_median_is_the_median_drawn(baseline: str, prepare: Prepare) -> None:
    """Under { median_survival = 24, upper95 = 60 } the baseline's median is log-normal with these points."""
    plan, _ = prepare(model=f'baseline = "{baseline}"', rest=MEDIAN)
    medians = log_median(plan, draw_from_prior(plan, SIZE, seed=2))
    assert_drawn_from(medians, stats.norm(math.log(24), math.log(60 / 24) / Z))


@pytest.mark.parametrize("model", [PIECEWISE, WALK], ids=["independent", "random walk"])
def test_a_stated_median_is_the_level_of_the_pieces(model: str, prepare: Prepare) -> None:
    """The level of the log hazards is Normal(log(log 2 / 24), s); the pieces lie around it as stated."""
    plan, _ = prepare(model=model, rest=MEDIAN)
    draws = draw_from_prior(plan, SIZE, seed=3)
    law = stats.norm(math.log(math.log(2) / 24), math.log(60 / 24) / Z)
    if model == PIECEWISE:
        assert_drawn_from(draws["log_hazard_level"], law)
        assert_drawn_from((draws["log_hazard"] - draws["log_hazard_level"][:, None])[:, 2], stats.norm(0, 0.5))
    else:
        assert_drawn_from(draws["log_hazard"].mean(axis=1), law)
        assert_drawn_from(draws["sigma"], stats.halfnorm(0, 0.5))
        assert_drawn_from((np.diff(draws["log_hazard"], axis=1) / draws["sigma"][:, None])[:, 1], stats.norm())


def test_raw_pieces_are_drawn_as_stated(prepare: Prepare) -> None:
    """log_hazards: each Normal(-3, 2) and independent; or the first one, and steps of sigma z from there."""
    raw = "[priors]\nlog_hazards = { normal = [-3, 2] }"
    plan, _ = prepare(model=PIECEWISE, rest=raw)
    hazards = draw_from_prior(plan, SIZE, seed=4)["log_hazard"]
    assert hazards.shape == (SIZE, 4)
    assert_drawn_from(hazards[:, 0], stats.norm(-3, 2))
    assert_drawn_from(hazards[:, 3], stats.norm(-3, 2))
    np.testing.assert_allclose(np.corrcoef(hazards.T), np.eye(4), atol=5 / math.sqrt(SIZE))
    plan, _ = prepare(model=WALK, rest=raw)
    draws = draw_from_prior(plan, SIZE, seed=4)
    assert_drawn_from(draws["log_hazard"][:, 0], stats.norm(-3, 2))
    assert_drawn_from((np.diff(draws["log_hazard"], axis=1) / draws["sigma"][:, None])[:, 2], stats.norm())


@pytest.mark.parametrize(
    ("rest", "name", "law"),
    [
        ("[priors]\nlog_rate = { normal = [-3, 2] }", "log_rate", stats.norm(-3, 2)),
        ("[priors]\nlog_rate = { student_t = [4, -3, 2] }", "log_rate", stats.t(4, -3, 2)),
        ("[priors]\nlog_scale = { normal = [3, 2] }", "log_scale", stats.norm(3, 2)),
        ("", "log_shape", stats.norm(0, 0.5)),
        ("[priors]\nlog_shape = { student_t = [5, 0.1, 0.2] }", "log_shape", stats.t(5, 0.1, 0.2)),
    ],
)
def test_raw_priors_are_drawn_as_stated(rest: str, name: str, law: stats.rv_continuous, prepare: Prepare) -> None:
    """Draws of a parameter with a raw prior, or the default, have its quantiles."""
    plan, _ = prepare(rest=rest)
    assert_drawn_from(draw_from_prior(plan, SIZE, seed=5)[name], law)


def test_hazard_ratios_are_drawn_as_stated(prepare: Prepare, patients: pd.DataFrame) -> None:
    """A hazard ratio's prior has the stated median and 97.5 % point: of the contrast, and of one sd of a continuous covariate."""
    stated = "{ hazard_ratio = 0.8, upper95 = 2.0 }"
    plan, _ = prepare("group + age", rest=f"[priors]\ngroup = {stated}\nage = {stated}")
    beta = draw_from_prior(plan, SIZE, seed=6)["beta"]
    law = stats.norm(math.log(0.8), math.log(2.0 / 0.8) / Z)
    assert_drawn_from(beta[:, 1], law)
    assert_drawn_from(beta[:, 2] * patients["age"].std(), law)


def test_pooled_effects_are_drawn_as_stated(prepare: Prepare) -> None:
    """tau ~ HalfNormal(0.7), every group's own effect is tau times a standard normal, no two share theirs."""
    plan, _ = prepare(
        "group + sex", model='effects = { group = "pooled" }', rest="[priors]\ntau = { group = { half_normal = 0.7 } }"
    )
    draws = draw_from_prior(plan, SIZE, seed=7)
    assert_drawn_from(draws["tau"][:, 0], stats.halfnorm(0, 0.7))
    innovations = draws["effect"] / draws["tau"]
    assert innovations.shape == (SIZE, 3)
    assert_drawn_from(innovations[:, 2], stats.norm())
    np.testing.assert_allclose(np.corrcoef(innovations.T), np.eye(3), atol=5 / math.sqrt(SIZE))


def test_each_pooled_term_has_its_own_spread(analysis_text, patients: pd.DataFrame) -> None:
    """With two pooled terms, every effect has the spread of its own term."""
    rest = "[priors]\ntau = { group = { half_normal = 0.01 }, site = { half_normal = 5.0 } }"
    analysis = parse_analysis(analysis_text("group + site", model='effects = { group = "pooled", site = "pooled" }', rest=rest))
    frame = patients.assign(site=np.resize(["v", "w", "x", "y", "z"], 60))
    effect = draw_from_prior(make_plan(analysis, build_cohort(frame, analysis)), 4000, seed=14)["effect"]
    np.testing.assert_allclose(effect.std(axis=0), [0.01] * 3 + [5.0] * 5, rtol=0.15)


def test_prior_draws_follow_the_seed(prepare: Prepare) -> None:
    """One seed gives one set of draws, another seed others."""
    plan, _ = prepare("group")
    first, again, other = (draw_from_prior(plan, 5, seed=seed) for seed in (1, 1, 2))
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])
        assert (values != other[name]).all()


def test_log_prior_is_the_density_stated(prepare: Prepare) -> None:
    """Each part of the log prior equals SciPy's density of what is stated, on the scale it is stated on."""
    rest = (
        "[priors]\nlog_scale = { student_t = [4, 3, 2] }\nlog_shape = { normal = [0.2, 0.4] }\n"
        "age = { student_t = [3, 0.1, 0.2] }\ntau = { group = { half_normal = 0.7 } }"
    )
    plan, _ = prepare("group + age + sex", model='effects = { group = "pooled" }', rest=rest)
    draws = draw_from_prior(plan, 50, seed=8)
    parts = log_prior(plan, draws)
    expected = {
        "log_scale": stats.t(4, 3, 2).logpdf(draws["log_scale"]),
        "log_shape": stats.norm(0.2, 0.4).logpdf(draws["log_shape"]),
        "beta": stats.t(3, 0.1, 0.2).logpdf(draws["beta"][:, 0]) + stats.norm(0, 1).logpdf(draws["beta"][:, 1]),
        "tau": stats.halfnorm(0, 0.7).logpdf(draws["tau"][:, 0]),
    }
    assert parts.keys() == expected.keys()
    for name, density in expected.items():
        np.testing.assert_allclose(parts[name], density, rtol=1e-12)
    z = draws["effect"] / draws["tau"]
    np.testing.assert_allclose(log_innovations(plan, draws), stats.norm().logpdf(z).sum(axis=1), rtol=1e-12)


def test_log_prior_of_a_median_is_on_the_log_median(prepare: Prepare) -> None:
    """A baseline stated by its median has its density at the log median that the draws imply."""
    plan, _ = prepare(rest=MEDIAN)
    draws = draw_from_prior(plan, 50, seed=9)
    median = (np.log(np.log(2)) - draws["log_rate"]) / np.exp(draws["log_shape"])
    expected = stats.norm(math.log(24), math.log(60 / 24) / Z).logpdf(median)
    np.testing.assert_allclose(log_prior(plan, draws)["log_median"], expected, rtol=1e-10)


@pytest.mark.parametrize("stated", ["median", "log_hazards"])
def test_log_prior_of_pieces(stated: str, prepare: Prepare) -> None:
    """Pieces: level and pieces around it, or each piece; a walk: level or first piece, sigma, and standard-normal steps."""
    rest = MEDIAN if stated == "median" else "[priors]\nlog_hazards = { normal = [-3, 2] }"
    level = stats.norm(math.log(math.log(2) / 24), math.log(60 / 24) / Z)
    plan, _ = prepare(model=PIECEWISE, rest=rest)
    draws = draw_from_prior(plan, 50, seed=10)
    total = np.sum(list(log_prior(plan, draws).values()), axis=0)
    if stated == "median":
        around = draws["log_hazard_level"]
        expected = level.logpdf(around) + stats.norm(around[:, None], 0.5).logpdf(draws["log_hazard"]).sum(axis=1)
    else:
        expected = stats.norm(-3, 2).logpdf(draws["log_hazard"]).sum(axis=1)
    np.testing.assert_allclose(total, expected, rtol=1e-10)

    plan, _ = prepare(model=WALK, rest=rest)
    draws = draw_from_prior(plan, 50, seed=11)
    total = np.sum(list(log_prior(plan, draws).values()), axis=0) + log_innovations(plan, draws)
    steps = np.diff(draws["log_hazard"], axis=1) / draws["sigma"][:, None]
    expected = stats.halfnorm(0, 0.5).logpdf(draws["sigma"]) + stats.norm().logpdf(steps).sum(axis=1)
    if stated == "median":
        expected += level.logpdf(draws["log_hazard"].mean(axis=1))
    else:
        expected += stats.norm(-3, 2).logpdf(draws["log_hazard"][:, 0])
    np.testing.assert_allclose(total, expected, rtol=1e-10)


STATED = {
    "median": "baseline = { median_survival = 24, upper95 = 60 }",
    "log_scale": "log_scale = { normal = [3, 0.4] }",
    "log_rate": "log_rate = { normal = [-3, 0.8] }",
}


@pytest.mark.parametrize("stated", STATED.values(), ids=STATED.keys())
def test_the_sampled_prior_density_integrates_to_one(stated: str, prepare: Prepare) -> None:
    """In the coordinates that are sampled, log H0 at the reference time and log shape, the prior is a density.

    That holds only with the right Jacobian: without it the integral of a stated median would be E[shape], here 1.05.
    """
    plan, cohort = prepare(rest=f"[priors]\n{stated}\nlog_shape = {{ normal = [0, 0.3] }}")
    shapes, levels = np.linspace(-1.6, 1.6, 161), np.linspace(-16.0, 16.0, 1601)
    log_shape, level = (axis.ravel() for axis in np.meshgrid(shapes, levels, indexing="ij"))
    draws = weibull_draws(plan, level, log_shape)
    one = cohort.select(np.arange(len(cohort)) == 0)
    prior = np.exp(log_density(plan, draws, one) - log_likelihood(plan, draws, one).sum(axis=1))
    total = np.trapezoid(np.trapezoid(prior.reshape(161, 1601), levels, axis=1), shapes)
    assert total == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("kind", ["median", "log_scale"])
def test_the_change_of_variables_at_a_point(kind: str, prepare: Prepare) -> None:
    """The sampled density is that of the stated quantity times its slope in log H0 at the reference time, found numerically."""
    plan, cohort = prepare("group", rest=f"[priors]\n{STATED[kind]}")
    rng = np.random.default_rng(12)
    level, log_shape, step = rng.normal(-0.7, 0.5, 20), rng.normal(0.0, 0.5, 20), 1e-6
    beta = {"beta": rng.normal(size=(20, 2))}

    def quantity(at: np.ndarray) -> np.ndarray:
        draws = weibull_draws(plan, at, log_shape)
        return log_median(plan, draws) if kind == "median" else draws["log_scale"]

    slope = np.abs(quantity(level + step) - quantity(level - step)) / (2 * step)
    law = stats.norm(math.log(24), math.log(60 / 24) / Z) if kind == "median" else stats.norm(3, 0.4)
    draws = weibull_draws(plan, level, log_shape) | beta
    expected = law.logpdf(quantity(level)) + np.log(slope) + stats.norm(0, 0.5).logpdf(log_shape)
    expected += stats.norm().logpdf(beta["beta"]).sum(axis=1) + log_likelihood(plan, draws, cohort).sum(axis=1)
    np.testing.assert_allclose(log_density(plan, draws, cohort), expected, rtol=1e-7)


def weibull_draws(plan: Plan, level: np.ndarray, log_shape: np.ndarray) -> dict[str, np.ndarray]:
    """The reported parameters at a log H0 at the reference time and a log shape."""
    log_rate = level - np.exp(log_shape) * math.log(plan.reference_time)
    if plan.priors.baseline_kind == "log_scale":
        return {"log_scale": -log_rate / np.exp(log_shape), "log_shape": log_shape}
    return {"log_rate": log_rate, "log_shape": log_shape}


def test_a_walk_has_mean_zero_and_the_steps_given() -> None:
    """The matrix of J - 1 steps makes a walk over J pieces with these steps and mean zero."""
    steps = np.array([0.3, -1.0, 0.4, 2.0])
    walk = random_walk(5) @ steps
    np.testing.assert_allclose(np.diff(walk), steps, atol=1e-12)
    assert walk.mean() == pytest.approx(0.0, abs=1e-12)


def test_draws_describe_their_family(prepare: Prepare) -> None:
    """Prior draws of a plan become the baseline of its family, with as many draws."""
    for model, family in (('baseline = "weibull"', Weibull), (PIECEWISE, PiecewiseExponential)):
        plan, _ = prepare(model=model)
        baseline = baseline_of(plan, draw_from_prior(plan, 7, seed=13))
        assert isinstance(baseline, family)
        assert baseline.size == 7
