"""Published contrasts pooled the frequentist way: inverse variance (fixed effect) and DerSimonian and Laird (1986)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_rrmm.evidence.normal import exp
from bayes_rrmm.priors import Z975

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """A hazard ratio with its 95 % interval."""

    hr: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Classical:
    """Both poolings; Cochran's Q with its degrees of freedom, I^2 = max(0, (Q - df)/Q), and DerSimonian and Laird's tau.

    `dependent` is the fixed effect if the contrasts were one and the same evidence (correlation 1), the widest it can be.
    """

    fixed: Ratio
    random: Ratio
    dependent: Ratio
    q: float
    df: int
    i2: float
    tau: float


def classical(log_hr: Floats, se: Floats) -> Classical:
    """Pool log hazard ratios with these standard errors, all independent."""
    weight = 1 / se**2
    mean = float(np.sum(weight * log_hr) / weight.sum())
    q, df = float(np.sum(weight * (log_hr - mean) ** 2)), len(log_hr) - 1
    tau2 = max(0.0, (q - df) / float(weight.sum() - np.sum(weight**2) / weight.sum()))
    random = 1 / (se**2 + tau2)
    return Classical(
        fixed=ratio_of(mean, 1 / math.sqrt(weight.sum())),
        random=ratio_of(float(np.sum(random * log_hr) / random.sum()), 1 / math.sqrt(random.sum())),
        dependent=ratio_of(mean, float(np.sum(1 / se) / weight.sum())),
        q=q,
        df=df,
        i2=max(0.0, (q - df) / q) if q > 0 else 0.0,
        tau=math.sqrt(tau2),
    )


def ratio_of(log_hr: float, se: float) -> Ratio:
    """A Wald interval."""
    return Ratio(exp(log_hr), exp(log_hr - Z975 * se), exp(log_hr + Z975 * se))
