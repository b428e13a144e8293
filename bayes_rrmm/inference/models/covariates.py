"""The linear predictor that every family shares: independent effects, and pooled effects of exchangeable groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayes_rrmm.inference.inputs import Structure

Inputs = dict[str, Any]


BY_ROW = (
    "events", "net_exits", "survived_entries", "log_time", "exposure", "exposure_before", "cluster_of_row", "cluster_events",
    "rising_steps", "known", "design", "student_design", "membership", "horseshoe_membership",
)  # fmt: skip
"""Inputs whose first axis is rows, clusters or patterns, and so may be longer or shorter than when the model was compiled; besides
those of gaps and of the covariate model, which are named by what they begin with."""


def data(inputs: Inputs, *names: str) -> list[Any]:
    """The named inputs as pm.Data, which a compiled model can be given anew.

    What the structure decides of a shape is said to PyTensor, which otherwise compiles a check of it at every use: a third of the
    time that a structure takes.
    """
    return [pm.Data(name, inputs[name], shape=fixed_shape(name, np.shape(inputs[name]))) for name in names]


def fixed_shape(name: str, shape: tuple[int, ...]) -> tuple[int | None, ...]:
    """The shape of an input as far as the structure decides it."""
    if name == "gap_padding":
        return (None, None)
    if name in BY_ROW or name.startswith(("gap_", "member_", "predictors_")):
        return (None, *shape[1:])
    return shape


def effects(structure: Structure, inputs: Inputs) -> dict[str, Any]:
    """beta ~ Normal (or Student t); u_g = tau z_g, z_g ~ Normal(0, 1), tau ~ HalfNormal, g a group of a pooled term:
    each by the name of the columns it multiplies.

    What is sampled is tau with a sign, a normal whose absolute value is tau: (-tau, -z) is the same u, and a chain passes through
    0 where it would linger on the logarithm of tau (1.4 times the effective draws of tau, median of 15 fits; 1.6 in the tails).
    """
    found: dict[str, Any] = {}
    if structure.columns:
        mean, sd = data(inputs, "beta_mean", "beta_sd")
        found["design"] = pm.Normal("beta", mean, sd, dims="column")
    if structure.student_columns:
        nu, mean, sd = data(inputs, "student_nu", "student_mean", "student_sd")
        found["student_design"] = pm.StudentT("student_beta", nu=nu, mu=mean, sigma=sd, dims="student_column")
    if structure.pooled:
        (tau_sd,) = data(inputs, "tau_sd")
        signed_tau = pm.Normal("signed_tau", 0.0, tau_sd, dims="pooled_term")
        z = pm.Normal("z", 0.0, 1.0, dims="pooled_level")
        owner = np.repeat(np.arange(len(structure.pooled)), structure.pooled)
        found["membership"] = (signed_tau[0] if len(structure.pooled) == 1 else signed_tau[owner]) * z
    if structure.horseshoes:
        found["horseshoe_membership"] = horseshoe(structure, inputs)
    return found


def horseshoe(structure: Structure, inputs: Inputs) -> Any:
    """u_j = tau l_j z_j with l_j^2 = c^2 lambda_j^2 / (c^2 + tau^2 lambda_j^2), of each term under a horseshoe: see
    `resolved_priors.Horseshoe`. Sampled are the logarithms of tau, c^2 and lambda, and z."""
    scale, shape, rate = data(inputs, "horseshoe_scale", "slab_shape", "slab_rate")
    tau: Any = pm.HalfCauchy("horseshoe_tau", scale, dims="horseshoe_term")
    slab: Any = pm.InverseGamma("squared_slab", shape, rate, dims="horseshoe_term")
    local: Any = pm.HalfCauchy("local", 1.0, dims="horseshoe_level")
    z: Any = pm.Normal("horseshoe_z", 0.0, 1.0, dims="horseshoe_level")
    owner = np.repeat(np.arange(len(structure.horseshoes)), structure.horseshoes)
    free = tau[owner] * local
    return free / pt.sqrt(1.0 + free**2 / slab[owner]) * z


def linear_predictor(inputs: Inputs, found: dict[str, Any], prefix: str = "") -> Any:
    """x' beta + u of the rows whose columns are named with `prefix`; the number 0 without covariates.

    Products are written as sums, not as a matrix product: the latter triples the compilation.
    """
    eta: Any = 0.0
    for name, effect in found.items():
        (columns,) = data(inputs, f"{prefix}{name}")
        eta = eta + (columns * effect).sum(axis=1)
    return eta


def survival_of_gaps(structure: Structure, inputs: Inputs, found: dict[str, Any], log_hazard: Any, cumulative_hazard: Any) -> None:
    """Add the covariate model, and the rows with gaps: log sum_k P(x = k) L(x = k) over the patterns k that each may have.

    `log_hazard` (at the exit) and `cumulative_hazard` (from entry to exit) are the baseline's, one a row with gaps.
    """
    log_share = log_covariate_model(structure, inputs)
    known, padding, weight, events = data(inputs, "known", "gap_padding", "gap_weight", "gap_events")
    patterns = known.shape[0]
    pm.CustomDist("covariates", log_share[:patterns], logp=lambda known, log_share: known * log_share, observed=known)

    eta = linear_predictor(inputs, found, "gap_").reshape(padding.shape)
    log_share_of_gap = log_share[patterns:].reshape(padding.shape) + padding

    def log_likelihood(events: Any, log_hazard: Any, cumulative_hazard: Any, eta: Any, log_share: Any, weight: Any) -> Any:
        log_survival = events[:, None] * (log_hazard[:, None] + eta) - cumulative_hazard[:, None] * pt.exp(eta)
        return weight * pt.logsumexp(log_share + log_survival, axis=1)

    pm.CustomDist(
        "survival_of_gaps",
        log_hazard,
        cumulative_hazard,
        eta,
        log_share_of_gap,
        weight,
        logp=log_likelihood,
        observed=events,
        signature="(r),(r),(r,k),(r,k),(r)->(r)",
    )


def log_covariate_model(structure: Structure, inputs: Inputs) -> Any:
    """log P(x) of each covariate pattern: each marginalised covariate's logits against its first level, or its share."""
    total: Any = 0.0
    gamma = None if structure.independent else pm.Normal("gamma", 0.0, data(inputs, "gamma_sd")[0], dims="logit")
    start = 0
    for index, (levels, width) in enumerate(structure.incomplete):
        (member,) = data(inputs, f"member_{index}")
        if gamma is None:
            share = pm.Dirichlet(f"share_{index}", np.ones(levels))
            total = total + (member * pt.log(share)).sum(axis=1)
            continue
        (predictors,) = data(inputs, f"predictors_{index}")
        logits = []
        for level in range(1, levels):
            logits.append((predictors * gamma[start : start + width]).sum(axis=1))
            total = total + member[:, level] * logits[-1]
            start += width
        total = total - (pt.softplus(logits[0]) if levels == 2 else pt.logsumexp(pt.stack([0.0 * logits[0], *logits]), axis=0))
    return total


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
        "horseshoe_term": range(len(structure.horseshoes)),
        "horseshoe_level": range(sum(structure.horseshoes)),
        "interval": range(structure.intervals),
        "cluster": range(structure.clusters),
        "step": range(structure.intervals - 1),
        "logit": range(sum((levels - 1) * width for levels, width in structure.incomplete)),
    }
