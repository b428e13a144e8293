"""The large-sample distribution of a Cox fit, resampled: medians of standardised curves, several of one fit together.

A median is no smooth function of a curve, and two curves of one fit are dependent: limits for their contrast come from drawing
coefficients and baseline together (Krinsky and Robb 1986). Coefficients are normal about the estimate. Each jump of H0 is gamma
with the jump's mean and variance, so that paths never fall: with one death a jump it is exponential, as in the weird bootstrap
(Andersen, Borgan, Gill and Keiding 1993, section IV.1.4). It is then multiplied by exp(-(slope / jump)' change of coefficients),
which gives H0 its derivative in the coefficients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bayes_rrmm.frequentist.cox_baseline import CoxBaseline
from bayes_rrmm.frequentist.rows import Floats

MOST_STEPS = 60
"""Newton for a convex function from below; a handful of steps unless hazard ratios differ by thousands."""


@dataclass(frozen=True)
class FitDraws:
    """D draws of a fit: `coefficients`, (D, P), and H0 right after each of its K event times `time`, `total`, (D, K)."""

    time: Floats
    coefficients: Floats
    total: Floats

    @classmethod
    def of(cls, baseline: CoxBaseline, coefficients: Floats, covariance: Floats, draws: int, seed: int) -> FitDraws:
        """`draws` draws about the coefficients, (P,), of covariance (P, P), and about the jumps of the baseline."""
        rng = np.random.default_rng(seed)
        values, vectors = np.linalg.eigh(covariance)
        change = rng.standard_normal((draws, len(values))) * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
        spread = baseline.variance / baseline.hazard
        jumps = rng.gamma(baseline.hazard / spread, spread, (draws, len(spread)))
        jumps *= np.exp(-change @ (baseline.slope / baseline.hazard[:, None]).T)
        return cls(baseline.time, coefficients + change, np.cumsum(jumps, axis=1))

    def survival_at(self, t: float, columns: Floats, share: Floats) -> Floats:
        """S(t) of a population, whose patients have `columns`, (M, P), and shares (M,), in each draw; shape (D,)."""
        passed = int(np.searchsorted(self.time, t, side="right"))
        if passed == 0:
            return np.ones(len(self.total))
        return np.exp(-self.total[:, passed - 1, None] * np.exp(self.coefficients @ columns.T)) @ share

    def medians(self, columns: Floats, share: Floats) -> Floats:
        """The first event time with S <= 1/2 of that population in each draw, shape (D,); infinity where not reached. Shares may
        differ between draws, (D, M)."""
        shares = np.broadcast_to(share, (len(self.coefficients), len(columns)))
        halved = np.array([_halving(np.exp(columns @ draw), own) for draw, own in zip(self.coefficients, shares, strict=True)])
        passed = np.sum(self.total < halved[:, None], axis=1)
        return np.append(self.time, math.inf)[passed]


def _halving(relative: Floats, share: Floats) -> float:
    """The H0 at which the mean of exp(-H0 relative), over the shares, both (M,), is 1/2.

    Newton on its logarithm, convex and falling: from below it never overshoots, and by Jensen's inequality the root of the
    average patient is below.
    """
    hazard = math.log(2.0) / float(share @ relative)
    for _ in range(MOST_STEPS):
        surviving = share * np.exp(-hazard * relative)
        alive = float(np.sum(surviving))
        step = alive * math.log(2.0 * alive) / float(surviving @ relative)
        hazard += step
        if step <= 1e-12 * hazard:
            break
    return hazard


def difference_limits(one: Floats, other: Floats, longest: float, prob: float) -> tuple[float, float]:
    """Equal-tailed limits of one - other from their draws, (D,) each, of what is infinite beyond `longest`.

    Not reached is anything above `longest`: such a draw counts for the lower limit with the least that the difference may then
    be, and for the upper limit with the most. Limits are draws, the next outward.
    """
    tail = 0.5 - 0.5 * prob
    lower = np.quantile(np.minimum(one, longest) - other, tail, method="lower")
    upper = np.quantile(one - np.minimum(other, longest), 1.0 - tail, method="higher")
    return float(lower), float(upper)
