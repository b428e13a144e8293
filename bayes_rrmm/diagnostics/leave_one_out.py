"""PSIS leave-one-out: what the model would have predicted for each unit without it (Vehtari, Gelman and Gabry 2017)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
TOO_HIGH = 0.7
"""Pareto k above which a unit's term is unreliable and a refit is called for."""


@dataclass(frozen=True)
class LeaveOneOut:
    """Leave-one-out terms in nats. `elpd_i`, `pareto_k` and `p_i` have shape (units,); a unit of `count` w stands for w
    identical ones (frequency weights), each left out on its own."""

    elpd_i: Floats
    pareto_k: Floats
    p_i: Floats
    count: Floats
    unit: str

    @property
    def elpd(self) -> float:
        """Expected log pointwise predictive density, summed over units."""
        return float(self.count @ self.elpd_i)

    @property
    def p_loo(self) -> float:
        """Effective number of parameters."""
        return float(self.count @ self.p_i)

    @property
    def se(self) -> float:
        """Standard error of `elpd` over units."""
        total = self.count.sum()
        spread = self.count @ (self.elpd_i - self.elpd / total) ** 2 / (total - 1)
        return float(math.sqrt(total * spread))

    @property
    def n_high_k(self) -> int:
        """Units whose Pareto k is above 0.7."""
        return int(self.count @ (self.pareto_k > TOO_HIGH))


def leave_one_out(
    blocks: Iterable[Floats], relative_efficiency: float = 1.0
) -> tuple[Floats, Floats, Floats]:
    """elpd, Pareto k and effective parameters of each unit, from blocks of log-likelihood (chains, draws, units).

    `relative_efficiency` is effective draws over draws. Blocks keep memory bounded where rows x draws is large.
    """
    terms = [_term(block[:, :, i], relative_efficiency) for block in blocks for i in range(block.shape[2])]
    elpd, pareto_k, p = np.array(terms, dtype=np.float64).T
    return elpd, np.where(np.isnan(pareto_k), math.inf, pareto_k), p


def _term(log_likelihood: Floats, relative_efficiency: float) -> tuple[float, float, float]:
    """elpd, Pareto k and effective parameters of one unit. k is infinite where the tail cannot be smoothed."""
    try:
        elpd, pareto_k, p = array_stats.loo(log_likelihood, r_eff=relative_efficiency)
    except ValueError:  # the largest weights are one value repeated: a stuck chain, or a unit that says nothing
        elpd = math.log(log_likelihood.size) - special.logsumexp(-log_likelihood)
        p = special.logsumexp(log_likelihood) - math.log(log_likelihood.size) - elpd
        pareto_k = math.inf if np.ptp(log_likelihood) else 0.0
    return float(elpd), float(pareto_k), float(p)
