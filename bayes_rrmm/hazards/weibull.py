"""Weibull, on the proportional-hazards scale: H0(t) = exp(log_rate) t^shape (R's survreg: shape = 1/scale)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import special

from bayes_rrmm.hazards.base import Baseline, Floats, beside

NODES = 16
FAR = 500.0
"""Where the upper incomplete gamma function is near the smallest number, and its asymptotic series exact while the shape is above
1/50."""


@final
@dataclass(frozen=True)
class Weibull(Baseline):
    """`log_rate`: shape (S,), log H0 at time 1; `log_shape`: shape (S,)."""

    log_rate: Floats
    log_shape: Floats

    @property
    def size(self) -> int:
        return len(self.log_rate)

    def log_hazard(self, time: Floats) -> Floats:
        log_shape = beside(self.log_shape, time)
        return np.asarray(beside(self.log_rate, time) + log_shape + np.expm1(log_shape) * np.log(time))

    def cumulative_hazard(self, time: Floats) -> Floats:
        with np.errstate(divide="ignore"):  # a power takes twice as long; at time 0 its log is minus infinity, and H0 is 0
            log_time = np.log(time)
        return np.asarray(np.exp(beside(self.log_rate, time) + np.exp(beside(self.log_shape, time)) * log_time))

    def inverse_cumulative_hazard(self, value: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            log_value = np.log(value)
        return np.exp((log_value - beside(self.log_rate, value)) / np.exp(beside(self.log_shape, value)))

    def restricted_mean(self, upto: Floats, log_relative_hazard: Floats, since: Floats | float = 0.0) -> Floats:
        """With r = exp(log_rate + log_relative_hazard): Gamma(1 + 1/k) r^(-1/k) P(1/k, r upto^k), P the regularised lower
        incomplete gamma function (NIST DLMF 8.2.4); its first-order expansion where r upto^k is below 1e-8. From `since` on:
        `_later_mean`."""
        shape = np.exp(beside(self.log_shape, log_relative_hazard))
        log_rate = beside(self.log_rate, log_relative_hazard) + log_relative_hazard
        if np.any(np.asarray(since) > 0.0):
            return _later_mean(shape, log_rate, upto, since)
        at_end = np.exp(log_rate) * upto**shape
        small = at_end < 1e-8
        argument = np.where(small, 1.0, at_end)
        log_scale = -np.where(small, 0.0, log_rate) / shape
        closed = np.exp(log_scale + special.gammaln(1.0 + 1.0 / shape) + np.log(special.gammainc(1.0 / shape, argument)))
        return np.where(small, upto * (1.0 - at_end / (1.0 + shape)), closed)

    def take(self, draws: slice) -> Weibull:
        return Weibull(self.log_rate[draws], self.log_shape[draws])


def _later_mean(shape: Floats, log_rate: Floats, upto: Floats, since: Floats | float) -> Floats:
    """With x = r since^k, z = r upto^k, a = 1/k: r^(-a) exp(x) (Gamma(a, x) - Gamma(a, z)) / k, of upper incomplete gamma functions
    where x is above a and of lower ones below, so that little cancels; by Gauss-Legendre where z - x is below 1e-5 and the
    integrand nearly 1."""
    power, start = 1.0 / shape, np.maximum(since, np.finfo(np.float64).tiny)
    first, last = np.exp(log_rate) * start**shape, np.exp(log_rate) * upto**shape
    small = last - first < 1e-5
    z = np.where(small, 2.0 * first + 1.0, last)
    from_above = _scaled_upper_gamma(power, first) - np.exp(first - z) * _scaled_upper_gamma(power, z)
    x = np.minimum(first, power)
    from_below = special.gammainc(power, z) - special.gammainc(power, x)
    with np.errstate(divide="ignore"):
        log_part = np.where(first < power, np.log(from_below) + special.gammaln(power) + x, np.log(from_above))
    closed = np.exp(log_part - power * log_rate) / shape
    if not np.any(small):
        return np.asarray(closed)
    width, mean = upto - since, np.zeros_like(closed)
    for node, weight in zip(*np.polynomial.legendre.leggauss(NODES), strict=True):
        mean += 0.5 * weight * np.exp(first - np.exp(log_rate) * (start + 0.5 * (node + 1.0) * width) ** shape)
    return np.asarray(np.where(small, width * mean, closed))


def _scaled_upper_gamma(power: Floats, x: Floats) -> Floats:
    """exp(x) Gamma(power, x), by its asymptotic series where x exceeds 500 (NIST DLMF 8.11.2)."""
    near = np.minimum(x, FAR)
    close = np.exp(near + special.gammaln(power)) * special.gammaincc(power, near)
    far = np.maximum(x, FAR)
    terms = [np.ones_like(far)]
    for step in range(1, 9):
        terms.append(terms[-1] * (power - step) / far)
    return np.where(x <= FAR, close, far ** (power - 1.0) * sum(terms))
