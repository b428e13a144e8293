"""Several published contrasts pooled: y_i ~ Normal(theta_i, se_i^2), theta_i ~ Normal(mu, tau^2), tau ~ HalfNormal(0.5), mu flat.

Given tau everything is normal, so the only integral is over tau. It is done by Gauss and Legendre's rule on panels that double
in width from a thousandth of the smallest standard error, to where the prior leaves nothing: no sampling, no Monte Carlo error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayes_rrmm.evidence.classical import Classical, Floats, Ratio, classical
from bayes_rrmm.evidence.normal import exp
from bayes_rrmm.priors import Z975

TAU_SD = 0.5
NODES = 12
PRIOR_REACH = 9.0
"""Beyond so many of its sds a half-normal prior has less than 1e-17 of its probability."""
LIMITS = (0.5, 0.025, 0.975)


@dataclass(frozen=True)
class Shrunken:
    """One contrast before and after pooling."""

    about: str
    alone: Ratio
    pooled: Ratio


@dataclass(frozen=True)
class Pooled:
    """Posterior medians and equal-tailed 95 % intervals of the pooled hazard ratio exp(mu), of tau, of the hazard ratio of
    a further contrast like these (`predicted`), and of each contrast (`shrunken`); P(exp(mu) < 1) and P(further one < 1).

    `warning` says what the contrasts share. `classical` is the frequentist side.
    """

    names: tuple[str, ...]
    mean: Ratio
    p_below_1: float
    tau: float
    tau_lower: float
    tau_upper: float
    predicted: Ratio
    p_predicted_below_1: float
    shrunken: tuple[Shrunken, ...]
    classical: Classical
    warning: str = ""


@dataclass(frozen=True)
class Mixture:
    """A normal mixture: the posterior of a log hazard ratio, a component a node of tau."""

    weight: Floats
    mean: Floats
    sd: Floats

    def below(self, x: float) -> float:
        """P(log HR < x)."""
        return float(np.sum(self.weight * _normal_below((x - self.mean) / self.sd)))

    def quantile(self, probability: float) -> float:
        """The log hazard ratio that lies above this much of the probability."""
        low, high = float(np.min(self.mean - 9 * self.sd)), float(np.max(self.mean + 9 * self.sd))
        return _bisect(self.below, low, high, probability)

    def ratio(self) -> Ratio:
        """Median and 95 % interval of the hazard ratio."""
        return Ratio(*(exp(self.quantile(probability)) for probability in LIMITS))


def pool(names: tuple[str, ...], log_hr: Floats, se: Floats, tau_sd: float = TAU_SD, warning: str = "") -> Pooled:
    """Pool contrasts with these log hazard ratios and standard errors; at least two of them."""
    edges = _edges(log_hr, se, tau_sd)
    tau, weight = _nodes(edges)
    log_density = _log_density(tau, log_hr, se, tau_sd)
    top = float(log_density.max())
    mass = weight * np.exp(log_density - top)
    share = mass / mass.sum()
    centre, variance = _mean_given(tau, log_hr, se)
    mean = Mixture(share, centre, np.sqrt(variance))
    further = Mixture(share, centre, np.sqrt(variance + tau**2))

    def tau_below(x: float) -> float:
        inside, size = _nodes(np.append(edges[edges < x], x))
        return float(np.sum(size * np.exp(_log_density(inside, log_hr, se, tau_sd) - top)) / mass.sum())

    middle, low, high = (_bisect(tau_below, 0.0, float(edges[-1]), probability) for probability in LIMITS)
    shrunken = []
    for about, y, s in zip(names, log_hr, se, strict=True):
        kept = tau**2 / (s**2 + tau**2)
        own = Mixture(share, kept * y + (1 - kept) * centre, np.sqrt(kept * s**2 + (1 - kept) ** 2 * variance))
        alone = Ratio(*(exp(float(x)) for x in (y, y - Z975 * s, y + Z975 * s)))
        shrunken.append(Shrunken(about, alone, own.ratio()))
    sides = (mean.ratio(), mean.below(0.0), middle, low, high, further.ratio(), further.below(0.0))
    return Pooled(names, *sides, tuple(shrunken), classical(log_hr, se), warning)


def _log_density(tau: Floats, log_hr: Floats, se: Floats, tau_sd: float) -> Floats:
    """Log posterior density of tau, up to a constant, with mu integrated out."""
    total = se**2 + tau[:, None] ** 2
    centre, variance = _mean_given(tau, log_hr, se)
    fit = np.sum(np.log(total) + (log_hr - centre[:, None]) ** 2 / total, axis=1)
    return np.asarray(0.5 * (np.log(variance) - fit - (tau / tau_sd) ** 2))


def _mean_given(tau: Floats, log_hr: Floats, se: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of mu given each tau."""
    precision = 1 / (se**2 + tau[:, None] ** 2)
    total = precision.sum(axis=1)
    return (precision * log_hr).sum(axis=1) / total, 1 / total


def _edges(log_hr: Floats, se: Floats, tau_sd: float) -> Floats:
    """Ends of the panels: 0, then doubling, to where prior and data leave nothing."""
    end = PRIOR_REACH * tau_sd + float(np.ptp(log_hr))
    start = min(1e-3 * float(se.min()), 1e-3 * end)
    doublings = math.ceil(math.log2(end / start))
    return np.concatenate([[0.0], np.geomspace(start, end, doublings + 1)])


def _nodes(edges: Floats) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss and Legendre's rule on every panel."""
    at, size = np.polynomial.legendre.leggauss(NODES)
    half = 0.5 * np.diff(edges)[:, None]
    return (edges[:-1, None] + half * (1 + at)).ravel(), (half * size).ravel()


def _bisect(below: Callable[[float], float], low: float, high: float, probability: float) -> float:
    """Where a distribution function reaches a probability, to 1e-12."""
    while high - low > 1e-12 * max(1.0, abs(low), abs(high)):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if below(middle) < probability else (low, middle)
    return 0.5 * (low + high)


def _normal_below(z: Floats) -> Floats:
    return np.array([0.5 * math.erfc(-value) for value in (z / math.sqrt(2.0)).tolist()])
