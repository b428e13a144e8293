"""Fits that nothing was sampled for: draws around the posterior mode, from the prior, or as given, in a real Fit.

A fit is a plan, draws under the reported names, and the sampler's statistics. Tests of what is read from draws need no
more, and compile nothing.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import minimize

from bayes_rrmm.cohort import Cohort, build_cohort
from bayes_rrmm.fitted import Fit, as_dataset
from bayes_rrmm.hazards import pointwise_log_likelihood
from bayes_rrmm.overview import cohort_record
from bayes_rrmm.parameters import baseline_of, draw_from_prior, log_prior, log_relative_hazard
from bayes_rrmm.plan import Plan, make_plan
from bayes_rrmm.specification import parse_analysis

REFERENCE_DATA = Path(__file__).parent / "reference" / "data"
CHAINS, DRAWS, SEED = 4, 500, 20260311

Draws = dict[str, np.ndarray]


def analysis_toml(formula: str = "1", endpoint: str = "", model: str = "", rest: str = "") -> str:
    """The text of an analysis of columns time and event, in months, with lines added to [endpoint], to [model] and after them."""
    return (
        'schema = 1\ntitle = "A made-up fit"\n[endpoint]\nname = "OS"\ntime = "time"\nevent = "event"\nunit = "months"\n'
        f"{endpoint}\n[model]\nformula = '{formula}'\n{model}\n{rest}\n"
    )


def cohort_and_plan(frame: pd.DataFrame, formula: str = "1", **parts: str) -> tuple[Cohort, Plan]:
    """The cohort and the plan of a table under an analysis; `parts` are those of `analysis_toml`."""
    analysis = parse_analysis(analysis_toml(formula, **parts))
    cohort = build_cohort(frame, analysis)
    return cohort, make_plan(analysis, cohort)


def fit_with(plan: Plan, cohort: Cohort | None, draws: Draws, *, chains: int = CHAINS, seed: int = SEED) -> Fit:
    """A fit of these draws, laid out as a sampled one is; divergences are none and the energy is of independent draws."""
    size = len(next(iter(draws.values())))
    rng = np.random.default_rng(seed)
    shape = (chains, size // chains)
    statistics = {"diverging": np.zeros(shape, dtype=bool), "energy": rng.normal(100.0, 2.0, shape)}
    groups = {
        "posterior": as_dataset(draws, plan, chains),
        "sample_stats": xr.Dataset({name: (("chain", "draw"), values) for name, values in statistics.items()}),
        "prior": as_dataset(draw_from_prior(plan, size, seed), plan, chains),
        "log_prior": as_dataset(log_prior(plan, draws), plan, chains),
    }
    provenance: dict[str, Any] = {"seed": seed, "sampling": plan.analysis.sampling.model_dump()}
    if cohort is not None:
        rows = {"row": cohort.row_numbers}
        groups["observed_data"] = xr.Dataset({"survival": ("row", cohort.time), "event": ("row", cohort.event)}, coords=rows)
        provenance["data"] = cohort_record(cohort)
    return Fit(plan, xr.DataTree.from_dict(groups), provenance, cohort)


def prior_fit(plan: Plan, cohort: Cohort, *, size: int = CHAINS * DRAWS, seed: int = SEED) -> Fit:
    """A fit whose posterior draws come from the prior (other draws than those of its prior group)."""
    return fit_with(plan, cohort, draw_from_prior(plan, size, seed + 1), seed=seed)


def laplace_fit(plan: Plan, cohort: Cohort, *, size: int = CHAINS * DRAWS, seed: int = SEED) -> Fit:
    """A fit of independent normal draws around the posterior mode, with the curvature there: as good as sampled, for many rows."""
    return fit_with(plan, cohort, laplace_draws(plan, cohort, size, seed), seed=seed)


def laplace_draws(plan: Plan, cohort: Cohort, size: int, seed: int = SEED) -> Draws:
    """Normal draws around the posterior mode of a model without pooled effects and random walks."""
    start = draw_from_prior(plan, 1, seed)
    assert not {"tau", "sigma"} & start.keys(), "a mode says little of a hierarchical model"
    design = plan.encoding.design(cohort.covariates)
    none = np.zeros((len(cohort), 0))

    def named(points: np.ndarray) -> Draws:
        draws, position = {}, 0
        for name, values in start.items():
            part = points[:, position : position + values[0].size]
            draws[name] = part if values.ndim > 1 else part[:, 0]
            position += values[0].size
        return draws

    def losses(points: np.ndarray) -> np.ndarray:
        draws = named(points)
        eta = log_relative_hazard(draws, design, none)
        outcome = (cohort.time, cohort.event, cohort.entry, cohort.weight)
        with np.errstate(all="ignore"):  # the search tries wild steps
            likelihood = pointwise_log_likelihood(baseline_of(plan, draws), eta, *outcome).sum(axis=1)
            density = likelihood + np.sum(list(log_prior(plan, draws).values()), axis=0)
        return np.where(np.isfinite(density), -density, 1e10)

    mode, covariance = _mode(plan, cohort, start, losses)
    return named(np.random.default_rng(seed).multivariate_normal(mode, covariance, size))


MODES: dict[str, tuple[np.ndarray, np.ndarray]] = {}
"""What was found of a plan and its rows: dossiers of one made-up run refit the same again and again."""


def _mode(plan: Plan, cohort: Cohort, start: Draws, losses: Any) -> tuple[np.ndarray, np.ndarray]:
    """Where the density is highest, and the inverse of its curvature there."""
    digest = hashlib.sha256(f"{plan.to_json()} {plan.analysis.model_dump_json()}".encode())
    for values in (plan.encoding.design(cohort.covariates), cohort.time, cohort.event, cohort.entry, cohort.weight):
        digest.update(repr(values.shape).encode() + np.ascontiguousarray(values).tobytes())
    key = digest.hexdigest()
    if key not in MODES:
        zero = np.zeros(sum(values[0].size for values in start.values()))
        zero[0] = np.log(cohort.events / cohort.person_time)
        if "log_hazard" in start:
            zero[: -plan.encoding.design(cohort.covariates).shape[1] or None] = zero[0]
        steps = 1e-5 * np.eye(len(zero))

        def gradient(at: np.ndarray) -> np.ndarray:
            ahead, behind = np.split(losses(np.vstack([at + steps, at - steps])), 2)
            return (ahead - behind) / 2e-5

        mode = minimize(lambda at: losses(at[None])[0], zero, jac=gradient, method="BFGS", options={"gtol": 1e-4}).x
        covariance = np.linalg.inv(_hessian(losses, mode))
        MODES[key] = mode, 0.5 * (covariance + covariance.T)
    return MODES[key]


def _hessian(losses: Any, at: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Central second differences."""
    steps = step * np.eye(len(at))
    corners = [(a, b) for a in (-1, 1) for b in (-1, 1)]
    points = [at + a * one + b * other for one in steps for other in steps for a, b in corners]
    values = losses(np.array(points)).reshape(len(at), len(at), len(corners))
    return np.asarray(values @ [a * b for a, b in corners]) / (4 * step**2)
