"""Draws of exchangeable effects: the sd of each given the rest, what the prior says of their spread, and draws from it.

`tau` has one spread a pooled term, `effect` one number a level (of all terms, in the order of the encoding). Terms under a
horseshoe come last; for these alone `local` has lambda of each level and `slab` c of each term (see `Horseshoe`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.plan import Plan
from bayes_rrmm.resolved_priors import Horseshoe


def spread_over_levels(plan: Plan, draws: Mapping[str, Floats]) -> Floats:
    """The sd of each pooled level's effect given everything else, shape (S, L): tau of its term, under a horseshoe times l."""
    spread = draws["tau"][:, owners([len(pooled.cells) for pooled in plan.encoding.pooled])]
    if plan.priors.horseshoes:
        free = spread[:, -draws["local"].shape[1] :] * draws["local"]
        ends = draws["slab"][:, owners(horseshoe_sizes(plan))]
        spread[:, -draws["local"].shape[1] :] = free / np.hypot(1.0, free / ends)
    return spread


def horseshoe_sizes(plan: Plan) -> list[int]:
    """How many effects each term under a horseshoe has."""
    return [len(pooled.cells) for pooled in plan.encoding.pooled if pooled.is_horseshoe]


def owners(sizes: list[int]) -> NDArray[np.int64]:
    """The position of the term that each effect belongs to, `sizes` being how many effects each term has."""
    return np.repeat(np.arange(len(sizes)), sizes)


def log_prior_of_spread(plan: Plan, draws: Mapping[str, Floats]) -> dict[str, Floats]:
    """Log prior density of tau and, of c^2, the squared slab, summed over terms, shape (S,): what is stated, not lambda."""
    normal = len(plan.priors.tau_sd)
    parts = {"tau": log_half_normal(draws["tau"][:, :normal], np.array(plan.priors.tau_sd)).sum(axis=1)}
    if plan.priors.horseshoes:
        scales = np.array([item.tau for item in plan.priors.horseshoes])
        parts["tau"] = parts["tau"] + _log_half_cauchy(draws["tau"][:, normal:], scales).sum(axis=1)
        shape, rate = slab_prior(plan.priors.horseshoes)
        square = draws["slab"] ** 2
        density = shape * np.log(rate) - special.gammaln(shape) - (shape + 1) * np.log(square) - rate / square
        parts["slab"] = density.sum(axis=1)
    return parts


def log_innovations_of_effects(plan: Plan, draws: Mapping[str, Floats]) -> Floats:
    """Log density of the standard normals behind the effects, and of each lambda of a horseshoe, shape (S,)."""
    z = draws["effect"] / spread_over_levels(plan, draws)
    total = (-0.5 * z**2 - 0.5 * math.log(2 * math.pi)).sum(axis=1)
    return np.asarray(total + _log_half_cauchy(draws["local"], 1.0).sum(axis=1) if plan.priors.horseshoes else total)


def draw_effects(plan: Plan, rng: np.random.Generator, size: int) -> dict[str, Floats]:
    """`size` draws of every spread and effect from the prior; none without pooled terms."""
    if not plan.encoding.pooled:
        return {}
    priors, levels = plan.priors, len(plan.encoding.pooled_levels)
    horseshoes = sum(horseshoe_sizes(plan))
    draws = {"tau": np.abs(rng.normal(0.0, priors.tau_sd, (size, len(priors.tau_sd))))}
    innovations = rng.normal(size=(size, levels))
    if priors.horseshoes:
        scales = np.array([item.tau for item in priors.horseshoes])
        shape, rate = slab_prior(priors.horseshoes)
        wide = np.abs(rng.standard_cauchy((size, len(scales)))) * scales
        draws["tau"] = np.concatenate([draws["tau"], wide], axis=1)
        draws["local"] = np.abs(rng.standard_cauchy((size, horseshoes)))
        draws["slab"] = np.sqrt(rate / rng.gamma(shape, 1.0, (size, len(scales))))
    draws["effect"] = spread_over_levels(plan, draws) * innovations
    return draws


def slab_prior(horseshoes: tuple[Horseshoe, ...]) -> tuple[Floats, Floats]:
    """Shape and rate of the inverse gamma prior of each c^2."""
    shape = np.array([item.slab_df / 2 for item in horseshoes])
    return shape, shape * np.array([item.slab_scale for item in horseshoes]) ** 2


def log_half_normal(values: Floats, sd: float | Floats) -> Floats:
    """Log density of a half-normal."""
    return np.asarray(0.5 * math.log(2 / math.pi) - np.log(sd) - 0.5 * (values / sd) ** 2)


def _log_half_cauchy(values: Floats, scale: float | Floats) -> Floats:
    return np.asarray(math.log(2 / math.pi) - np.log(scale) - np.log1p((values / scale) ** 2))
