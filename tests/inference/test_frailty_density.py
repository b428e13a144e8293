"""With a frailty too the NumPy log-density is that of the PyMC model: at random points, nothing compiled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from reference_runs import parse
from scipy import stats
from test_density import BASELINES, COVARIATES, EVERYTHING, INTERPRETED, constant, evaluated, random_points, reported

import bayes_rrmm as br
from bayes_rrmm.cluster_likelihood import log_likelihood_by_cluster
from bayes_rrmm.densities import log_density
from bayes_rrmm.inference import build_model
from bayes_rrmm.plan import Plan, make_plan

ROWS = 48
CASES = [(baseline, EVERYTHING, distribution) for baseline in BASELINES for distribution in ("gamma", "log-normal")] + [
    (baseline, "no covariate", distribution)
    for baseline in ("exponential, median", "Weibull, median", "piecewise, log hazards")
    for distribution in ("gamma", "log-normal")
]


@pytest.fixture(scope="module")
def spells() -> pd.DataFrame:
    """Twenty-four subjects of two consecutive spells each, a third of whom enter late, in nine centres; exits on a cut."""
    rng = np.random.default_rng(11)
    subject = np.repeat(np.arange(ROWS // 2), 2)
    first_entry = np.where(subject[::2] % 3 == 0, np.round(rng.random(ROWS // 2) * 4 + 0.1, 1), 0.0)
    middle = np.round(first_entry + rng.exponential(8, ROWS // 2) + 0.5, 1)
    end = np.round(middle + rng.exponential(8, ROWS // 2) + 0.5, 1)
    end[3] = middle[4] = 30.0
    end[4] = 41.0
    return pd.DataFrame(
        {
            "who": [f"p{number}" for number in subject],
            "centre": [f"c{number}" for number in rng.permutation(9)[subject % 9]],
            "entry": np.column_stack([first_entry, middle]).ravel(),
            "time": np.column_stack([middle, end]).ravel(),
            "event": rng.integers(0, 2, ROWS),
            "age": rng.integers(45, 80, ROWS),
            "sex": np.resize(["f", "m", "m"], ROWS),
            "site": np.resize(["a", "b", "c", "d", "b"], ROWS),
            "stage": np.resize(["i", "ii", "iii", "ii", "i", "iii", "iii"], ROWS),
        }
    )


def planned(spells: pd.DataFrame, baseline: str, covariates: str, distribution: str) -> tuple[Plan, br.Cohort]:
    """The plan and rows of an analysis with a frailty of the centre; under a log-normal one nobody enters late."""
    model, prior = BASELINES[baseline]
    seen = ', entry = "whole-clusters"' if distribution == "gamma" else ""
    formula, variables, priors = COVARIATES[covariates]
    effects = ", ".join(f'{name} = "pooled"' for name in ("site", "stage") if name in formula)
    analysis = parse(
        f'schema = 1\ntitle = "A test"\n[endpoint]\nname = "OS"\ntime = "time"\nevent = "event"\nunit = "months"\nentry = "entry"\n'
        f'id = "who"\n[model]\nformula = "{formula}"\n{model}\neffects = {{ {effects} }}\n'
        f'frailty = {{ cluster = "centre", distribution = "{distribution}"{seen} }}\n{variables}\n'
        f"[priors]\n{prior}\n{priors}\nfrailty = {{ half_normal = 0.7 }}\n"
    )
    late = spells.index % 2 == 0 if distribution == "log-normal" else np.zeros(len(spells), dtype=bool)
    cohort = br.read_cohort(spells.assign(entry=spells["entry"].where(~late, 0.0)), analysis)
    return make_plan(analysis, cohort), cohort


def reported_frailty(plan: Plan, points: list[dict[str, np.ndarray]], clusters: int) -> dict[str, np.ndarray]:
    """The points as reported parameters, with the frailty's; u = tau z of the clusters there are, tau with the sign it is sampled
    with."""
    draws = reported(plan, points)
    if plan.frailty == "gamma":
        return draws | {"theta": np.exp([point["theta_log__"] for point in points])}
    signed = np.array([point["frailty_signed_tau"] for point in points])
    u = signed[:, None] * np.stack([point["frailty_z"] for point in points])[:, :clusters]
    return draws | {"tau[frailty]": np.abs(signed), "u": u}


@pytest.mark.parametrize(("baseline", "covariates", "distribution"), CASES)
def test_numpy_and_pymc_state_one_density(spells: pd.DataFrame, baseline: str, covariates: str, distribution: str) -> None:
    """Equal to 1e-9 with late entries of centres' subjects and spells. PyMC samples the coefficients of standardised columns,
    tau of either sign, and a standard normal for every cluster it has room for: these are constants, and densities of no data."""
    plan, cohort = planned(spells, baseline, covariates, distribution)
    model = build_model(plan, cohort)
    points = random_points(model, np.random.default_rng([len(baseline), len(covariates), len(distribution)]))
    draws = reported_frailty(plan, points, clusters=9)
    surplus = constant(plan)
    if distribution == "log-normal":
        surplus = surplus - np.array([stats.norm.logpdf(point["frailty_z"][9:]).sum() for point in points]) + np.log(2)
    whole = evaluated(model.compile_logp(jacobian=False, mode=INTERPRETED), points)
    np.testing.assert_allclose(log_density(plan, draws, cohort) - surplus, whole, rtol=1e-9, atol=1e-9)
    if distribution == "gamma":
        clusters = evaluated(model.compile_logp(vars=[model["survival"]], jacobian=False, mode=INTERPRETED), points)
        np.testing.assert_allclose(log_likelihood_by_cluster(plan, draws, cohort).sum(axis=1), clusters, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("distribution", ["gamma", "log-normal"])
def test_its_gradient_is_the_density_s(spells: pd.DataFrame, distribution: str) -> None:
    """PyMC's gradient, which sampling goes by, is that of the NumPy density by differences, spread of the frailty included."""
    plan, cohort = planned(spells, "piecewise, median", "no covariate", distribution)
    model = build_model(plan, cohort)
    point = random_points(model, np.random.default_rng(5))[0]
    if distribution == "log-normal":
        point["frailty_z"][9:] = 0.0  # where the density of clusters without rows is flat
    gradient = model.compile_dlogp(jacobian=False, mode=INTERPRETED)(point)
    differences = []
    for name in (variable.name for variable in model.value_vars):
        for index in np.ndindex(np.shape(point[name])):
            ends = [{**point, name: np.array(point[name], dtype=float)} for _ in range(2)]
            for end, step in zip(ends, (1e-5, -1e-5), strict=True):
                end[name][index] += step
            high, low = log_density(plan, reported_frailty(plan, ends, clusters=9), cohort)
            differences.append((high - low) / 2e-5)
    np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-5)
