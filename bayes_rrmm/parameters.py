"""Draws of a model's parameters under their reported names, and what follows from them without sampling.

`Draws` maps a name to an array whose first axis is the draws': log_rate or log_scale, log_shape, log_hazard (J),
log_hazard_level, sigma, beta (P), tau (terms), effect (L), local and slab of a horseshoe, gamma or share of marginalised
covariates, and theta or tau[frailty] of a gamma or log-normal frailty. Which of them a model has depends on its plan. Beside
these, where a frailty is given and not averaged over, `u` holds its logarithm for each cluster (G), in the order in which
clusters first appear.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy import special

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.hazards import Baseline, Exponential, GammaMember, NewMember, PiecewiseExponential, Weibull, lognormal_member
from bayes_rrmm.plan import Plan
from bayes_rrmm.pooled_effects import draw_effects, log_half_normal, log_innovations_of_effects, log_prior_of_spread
from bayes_rrmm.resolved_priors import INTERVAL_SD, Location

Draws = Mapping[str, Floats]
LOG_LOG_2 = math.log(math.log(2.0))
FRAILTY = {"gamma": "theta", "log-normal": "tau[frailty]"}
"""The parameter of each frailty: the variance of w, which has mean 1, or the sd of log w, which has mean 0."""


def baseline_of(plan: Plan, draws: Draws) -> Baseline:
    """The baseline hazard that the draws describe."""
    if plan.family == "exponential":
        return Exponential(draws["log_rate"])
    if plan.family == "weibull":
        if "log_scale" in draws:
            return Weibull(-np.exp(draws["log_shape"]) * draws["log_scale"], draws["log_shape"])
        return Weibull(draws["log_rate"], draws["log_shape"])
    return PiecewiseExponential(draws["log_hazard"], plan.cut_array)


def new_member(plan: Plan, draws: Draws) -> NewMember | None:
    """The frailty that the draws describe, as it acts on a member of a new cluster; None without one."""
    if plan.frailty is None:
        return None
    spread = draws[FRAILTY[plan.frailty]]
    return GammaMember(spread) if plan.frailty == "gamma" else lognormal_member(spread)


def log_relative_hazard(draws: Draws, design: Floats, indicators: Floats) -> Floats:
    """eta, shape (S, N), of rows with centred design (N, P) and pooled indicators (N, L)."""
    size = len(next(iter(draws.values())))
    eta = np.zeros((size, len(design)))
    if "beta" in draws:
        eta += draws["beta"] @ design.T
    if "effect" in draws:
        eta += draws["effect"] @ indicators.T
    return eta


def log_prior(plan: Plan, draws: Draws) -> dict[str, Floats]:
    """Log prior density of each stated parameter, shape (S,), on the scale it is stated on.

    Standard-normal innovations of pooled effects (and lambda of a horseshoe), random walks and log-normal frailties are not in
    it (see `log_innovations`), so that scaling these densities by a power scales what the analyst stated.
    """
    priors = plan.priors
    parts = _baseline_log_prior(plan, draws)
    if plan.family == "weibull":
        parts["log_shape"] = _log_density(draws["log_shape"], priors.log_shape)
    if "beta" in draws:
        densities = [_log_density(draws["beta"][:, i], prior) for i, prior in enumerate(priors.coefficients)]
        parts["beta"] = np.sum(densities, axis=0)
    if "tau" in draws:
        parts |= log_prior_of_spread(plan, draws)
    if "sigma" in draws:
        parts["sigma"] = log_half_normal(draws["sigma"], priors.sigma_sd)
    if plan.frailty is not None and priors.frailty_sd is not None:
        name = FRAILTY[plan.frailty]
        parts[name] = log_half_normal(draws[name], priors.frailty_sd)
    if plan.covariates is not None and plan.covariates.kind == "sequential":
        sd = plan.covariates.gamma_sd
        parts["gamma"] = (_log_normal_density(draws["gamma"] / sd, 0.0, 1.0) - np.log(sd)).sum(axis=1)
    elif plan.covariates is not None:
        flat = sum(special.gammaln(len(variable.levels)) for variable in plan.covariates.variables)
        parts["share"] = np.full(len(draws["share"]), flat)
    return parts


def _baseline_log_prior(plan: Plan, draws: Draws) -> dict[str, Floats]:
    prior, kind = plan.priors.baseline, plan.priors.baseline_kind
    level = Location(LOG_LOG_2 - prior.mean, prior.sd, prior.nu)
    if plan.family == "piecewise-exponential":
        hazards = draws["log_hazard"]
        if plan.smoothing == "random-walk":
            anchor = _log_density(hazards.mean(axis=1), level) if kind == "median" else _log_density(hazards[:, 0], prior)
            return {"log_hazard": anchor}
        if kind == "median":
            around = draws["log_hazard_level"]
            spread = _log_normal_density(hazards - around[:, None], 0.0, INTERVAL_SD).sum(axis=1)
            return {"log_hazard_level": _log_density(around, level), "log_hazard": spread}
        return {"log_hazard": _log_density(hazards, prior).sum(axis=1)}
    stated = {"median": "log_median"}.get(kind, kind)
    return {stated: _log_density(log_median(plan, draws) if kind == "median" else draws[kind], prior)}


def log_median(plan: Plan, draws: Draws) -> Floats:
    """Log median survival of the average patient, shape (S,)."""
    return np.log(baseline_of(plan, draws).inverse_cumulative_hazard(np.array([math.log(2.0)])))


def log_innovations(plan: Plan, draws: Draws) -> Floats:
    """Log density of the standard normals behind pooled effects, random walks and, where given, log-normal frailties; (S,)."""
    total = np.zeros(len(next(iter(draws.values()))))
    if "tau" in draws:
        total += log_innovations_of_effects(plan, draws)
    if "sigma" in draws:
        steps = np.diff(draws["log_hazard"], axis=1) / draws["sigma"][:, None]
        total += _log_normal_density(steps, 0.0, 1.0).sum(axis=1)
    if plan.frailty == "log-normal" and "u" in draws:
        total += _log_normal_density(draws["u"] / draws[FRAILTY["log-normal"]][:, None], 0.0, 1.0).sum(axis=1)
    return total


def draw_from_prior(plan: Plan, size: int, seed: int) -> dict[str, Floats]:
    """`size` independent draws from the prior, under the reported names."""
    rng = np.random.default_rng([seed, 1])
    priors = plan.priors
    draws: dict[str, Floats] = {}
    stated = _draw(priors.baseline, rng, size)
    if plan.family == "piecewise-exponential":
        draws |= _draw_log_hazards(plan, stated, rng, size)
    elif plan.family == "weibull":
        draws["log_shape"] = _draw(priors.log_shape, rng, size)
        shape = np.exp(draws["log_shape"])
        if priors.baseline_kind == "log_scale":
            draws["log_scale"] = stated
        else:
            draws["log_rate"] = LOG_LOG_2 - shape * stated if priors.baseline_kind == "median" else stated
    else:
        draws["log_rate"] = LOG_LOG_2 - stated if priors.baseline_kind == "median" else stated
    if priors.coefficients:
        draws["beta"] = np.column_stack([_draw(prior, rng, size) for prior in priors.coefficients])
    draws |= draw_effects(plan, rng, size)
    if plan.covariates is not None:
        draws |= plan.covariates.draw_from_prior(rng, size)
    if plan.frailty is not None and priors.frailty_sd is not None:
        draws[FRAILTY[plan.frailty]] = np.abs(rng.normal(0.0, priors.frailty_sd, size))
    return draws


def _draw_log_hazards(plan: Plan, stated: Floats, rng: np.random.Generator, size: int) -> dict[str, Floats]:
    priors, intervals = plan.priors, len(plan.cuts) + 1
    level = LOG_LOG_2 - stated if priors.baseline_kind == "median" else stated
    if plan.smoothing == "random-walk":
        sigma = np.abs(rng.normal(0.0, priors.sigma_sd, size))
        walk = (sigma[:, None] * rng.normal(size=(size, intervals - 1))) @ random_walk(intervals).T
        start = 0.0 if priors.baseline_kind == "median" else walk[:, :1]
        return {"sigma": sigma, "log_hazard": level[:, None] + walk - start}
    if priors.baseline_kind == "median":
        around = level[:, None] + rng.normal(0.0, INTERVAL_SD, (size, intervals))
        return {"log_hazard_level": level, "log_hazard": around}
    return {"log_hazard": np.column_stack([stated, *(_draw(priors.baseline, rng, size) for _ in range(intervals - 1))])}


def random_walk(intervals: int) -> Floats:
    """The matrix that turns J - 1 steps into a walk over J intervals with mean zero; shape (J, J - 1)."""
    walk = np.tril(np.ones((intervals, intervals - 1)), -1)
    return np.asarray(walk - walk.mean(axis=0))


def _draw(prior: Location, rng: np.random.Generator, size: int) -> Floats:
    unit = rng.normal(size=size) if prior.nu is None else rng.standard_t(prior.nu, size=size)
    return prior.mean + prior.sd * unit


def _log_density(values: Floats, prior: Location) -> Floats:
    if prior.nu is None:
        return _log_normal_density(values, prior.mean, prior.sd)
    nu, z = prior.nu, (values - prior.mean) / prior.sd
    constant = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - 0.5 * math.log(nu * math.pi) - math.log(prior.sd)
    return np.asarray(constant - (nu + 1) / 2 * np.log1p(z**2 / nu))


def _log_normal_density(values: Floats, mean: float, sd: float) -> Floats:
    return np.asarray(-0.5 * ((values - mean) / sd) ** 2 - math.log(sd) - 0.5 * math.log(2 * math.pi))
