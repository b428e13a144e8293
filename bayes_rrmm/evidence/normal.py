"""The standard normal distribution without SciPy, which takes longer to import than a published number takes to judge."""

from __future__ import annotations

import math
from statistics import NormalDist

_STANDARD = NormalDist()


def below(z: float) -> float:
    """P(Z < z), accurate in both tails."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def quantile(probability: float) -> float:
    """The z with P(Z < z) = probability, 0 < probability < 1."""
    return _STANDARD.inv_cdf(probability)


def two_sided(z: float) -> float:
    """The two-sided p value of a standard normal z."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def exp(x: float) -> float:
    """e^x, infinite where a float cannot hold it."""
    return math.exp(x) if x < 709.0 else math.inf
