"""The linear predictor that every family shares: independent effects, and pooled effects of exchangeable groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.inference.inputs import Structure

Inputs = dict[str, Floats]


def data(inputs: Inputs, *names: str) -> list[Any]:
    """The named inputs as pm.Data, which a compiled model can be given anew."""
    return [pm.Data(name, inputs[name]) for name in names]


def linear_predictor(structure: Structure, inputs: Inputs) -> Any:
    """x' beta + u: beta ~ Normal (or Student t); u_g = tau z_g, z_g ~ Normal(0, 1), tau ~ HalfNormal, g a group of a
    pooled term. Products are written as sums, not as a matrix product: the latter triples the compilation.
    """
    eta: Any = 0.0
    if structure.columns:
        design, mean, sd = data(inputs, "design", "beta_mean", "beta_sd")
        beta = pm.Normal("beta", mean, sd, dims="column")
        eta = eta + (design * beta).sum(axis=1)
    if structure.student_columns:
        design, nu, mean, sd = data(inputs, "student_design", "student_nu", "student_mean", "student_sd")
        student_beta = pm.StudentT("student_beta", nu=nu, mu=mean, sigma=sd, dims="student_column")
        eta = eta + (design * student_beta).sum(axis=1)
    if structure.pooled:
        membership, tau_sd = data(inputs, "membership", "tau_sd")
        tau = pm.HalfNormal("tau", tau_sd, dims="pooled_term")
        z = pm.Normal("z", 0.0, 1.0, dims="pooled_level")
        owner = np.repeat(np.arange(len(structure.pooled)), structure.pooled)
        spread = tau[0] if len(structure.pooled) == 1 else tau[owner]
        eta = eta + (membership * (spread * z)).sum(axis=1)
    return eta


def location(name: str, mean: Any, sd: Any, nu: Any | None, **rest: Any) -> Any:
    """Normal(mean, sd), or with degrees of freedom Student t."""
    if nu is None:
        return pm.Normal(name, mean, sd, **rest)
    return pm.StudentT(name, nu=nu, mu=mean, sigma=sd, **rest)


def coords(structure: Structure) -> dict[str, range]:
    """The dimensions of a model; labels are put on the draws afterwards, so that equal structures share a compilation."""
    return {
        "column": range(structure.columns),
        "student_column": range(structure.student_columns),
        "pooled_term": range(len(structure.pooled)),
        "pooled_level": range(sum(structure.pooled)),
        "interval": range(structure.intervals),
        "step": range(structure.intervals - 1),
    }
