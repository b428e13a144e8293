"""The densities that power-scaling scales: the prior, its parts, and the likelihood, each summed to one number a draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bayes_rrmm.cluster_likelihood import cluster_blocks
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.densities import log_covariates
from bayes_rrmm.fitted import Fit
from bayes_rrmm.parameters import FRAILTY, log_prior
from bayes_rrmm.plan import Plan
from bayes_rrmm.resolved_priors import Location

BLOCK = 4_000_000
"""Numbers held at once: rows x draws of one block."""

PRIOR, LIKELIHOOD = "prior", "likelihood"
EFFECTS, BASELINE, SPREAD, COVARIATES = "prior_effects", "prior_baseline", "prior_frailty", "prior_covariates"
PARTS = (EFFECTS, BASELINE, SPREAD, COVARIATES)
"""The parts of the prior: of effects and their spread, of the baseline, of the frailty, of marginalised covariates."""

_BASELINE = {"log_median", "log_rate", "log_scale", "log_shape", "log_hazard", "log_hazard_level", "sigma"}
_COVARIATES = {"gamma", "share"}


@dataclass(frozen=True)
class Component:
    """A log density of each draw, shape (chains, draws), and the parameters it is of.

    Only to a power above `least_power` does it have a finite integral: a half-Cauchy's is infinite to the power 0.5.
    """

    name: str
    log_density: Floats
    parameters: tuple[str, ...] = ()
    least_power: float = 0.0

    @property
    def is_constant(self) -> bool:
        """Whether it is flat, so that no power changes anything."""
        return float(np.ptp(self.log_density)) <= 1e-12 * max(1.0, float(np.abs(self.log_density).max()))


def components_of(fit: Fit) -> list[Component]:
    """The prior as a whole, each part of it that the model has, and the likelihood.

    Raises FitError where the likelihood needs rows that the fit was saved without.
    """
    stated = log_prior(fit.plan, fit.draws)
    least = {EFFECTS: _least_power_of_effects(fit.plan), BASELINE: _least_power(fit.plan.priors.baseline)}
    parts = [
        Component(part, _summed(stated, names).reshape(fit.shape), names, least.get(part, 0.0))
        for part in PARTS
        if (names := tuple(name for name in stated if part_of(name) == part))
    ]
    whole = Component(PRIOR, _summed(stated, tuple(stated)).reshape(fit.shape), tuple(stated), max(least.values()))
    return [whole, *parts, Component(LIKELIHOOD, total_log_likelihood(fit).reshape(fit.shape))]


def _least_power(prior: Location) -> float:
    """A Student t falls as |x|^-(nu + 1), and its power must fall faster than 1 / |x|; a normal falls faster at any power."""
    return 0.0 if prior.nu is None else 1.0 / (prior.nu + 1.0)


def _least_power_of_effects(plan: Plan) -> float:
    """That of the heaviest tail: of coefficients, of a horseshoe's half-Cauchy tau (as of nu = 1) and of its squared slab."""
    tails = [_least_power(prior) for prior in plan.priors.coefficients]
    for horseshoe in plan.priors.horseshoes:
        tails += [0.5, 1.0 / (1.0 + horseshoe.slab_df / 2.0)]
    return max(tails, default=0.0)


def part_of(parameter: str) -> str:
    """The part of the prior that the density of a parameter belongs to."""
    if parameter in _BASELINE:
        return BASELINE
    if parameter in FRAILTY.values():
        return SPREAD
    return COVARIATES if parameter in _COVARIATES else EFFECTS


def _summed(stated: dict[str, Floats], names: tuple[str, ...]) -> Floats:
    return np.asarray(np.sum([stated[name] for name in names], axis=0))


def total_log_likelihood(fit: Fit, block: int = BLOCK) -> Floats:
    """Log-likelihood of all rows, and of their marginalised covariates, shape (S,); summed in blocks where it was not kept."""
    if "log_likelihood" in fit.tree.children and fit.plan.covariates is None:
        kept = fit.tree["log_likelihood"]["survival"]
        unit = [dim for dim in kept.dims if dim not in ("chain", "draw")]
        return np.asarray(kept.sum(unit).transpose("chain", "draw").to_numpy().ravel())
    rows = fit.require_cohort("power-scaling the likelihood")
    total = np.zeros(fit.shape[0] * fit.shape[1])
    for part in _blocks(fit, rows, block):
        total += fit.log_likelihood(part).sum(axis=1) + log_covariates(fit.plan, fit.draws, part).sum(axis=1)
    return total


def _blocks(fit: Fit, rows: Cohort, block: int) -> Iterator[Cohort]:
    """Rows in turn; with a frailty, whole clusters."""
    draws = fit.shape[0] * fit.shape[1]
    if fit.plan.frailty is not None:
        yield from (part for _, part in cluster_blocks(rows, draws))
        return
    size = max(1, block // draws)
    for start in range(0, len(rows), size):
        position = np.arange(len(rows))
        yield rows.select((position >= start) & (position < start + size))
