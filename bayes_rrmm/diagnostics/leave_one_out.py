"""PSIS leave-one-out: what the model would have predicted for each unit without it (Vehtari, Gelman and Gabry 2017)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TOO_HIGH = 0.7
"""Pareto k above which a unit's term is unreliable and a refit is called for."""


@dataclass(frozen=True)
class LeaveOneOut:
    """elpd in nats, summed over units (subjects); `elpd_i` and `pareto_k` have shape (units,)."""

    elpd_i: Floats
    pareto_k: Floats
    p_loo: float
    unit: str

    @property
    def elpd(self) -> float:
        """Expected log pointwise predictive density."""
        return float(self.elpd_i.sum())

    @property
    def se(self) -> float:
        """Standard error of `elpd` over units."""
        return float(math.sqrt(len(self.elpd_i) * self.elpd_i.var(ddof=1)))

    @property
    def n_high_k(self) -> int:
        """Units whose Pareto k is above 0.7."""
        return int(np.sum(self.pareto_k > TOO_HIGH))


def leave_one_out(blocks: Iterable[Floats], unit: str = "row", relative_efficiency: float = 1.0) -> LeaveOneOut:
    """PSIS-LOO from blocks of pointwise log-likelihood, each of shape (chains, draws, units in the block).

    `relative_efficiency` is effective draws over draws. Blocks keep memory bounded where rows x draws is large.
    """
    elpd, k, p = [], [], []
    for block in blocks:
        for index in range(block.shape[2]):
            one, pareto, effective = array_stats.loo(block[:, :, index], r_eff=relative_efficiency)
            elpd.append(float(one))
            k.append(float(pareto))
            p.append(float(effective))
    return LeaveOneOut(np.array(elpd), np.array(k), float(np.sum(p)), unit)
