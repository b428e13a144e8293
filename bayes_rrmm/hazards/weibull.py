"""Weibull, on the proportional-hazards scale: H0(t) = exp(log_rate) t^shape (R's survreg: shape = 1/scale)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import special

from bayes_rrmm.hazards.base import Baseline, Floats, beside


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

    def restricted_mean(self, upto: Floats, log_relative_hazard: Floats) -> Floats:
        """With r = exp(log_rate + log_relative_hazard): Gamma(1 + 1/k) r^(-1/k) P(1/k, r upto^k), P the regularised lower
        incomplete gamma function (NIST DLMF 8.2.4); its first-order expansion where r upto^k is below 1e-8."""
        shape = np.exp(beside(self.log_shape, log_relative_hazard))
        log_rate = beside(self.log_rate, log_relative_hazard) + log_relative_hazard
        at_end = np.exp(log_rate) * upto**shape
        small = at_end < 1e-8
        argument = np.where(small, 1.0, at_end)
        log_scale = -np.where(small, 0.0, log_rate) / shape
        closed = np.exp(log_scale + special.gammaln(1.0 + 1.0 / shape) + np.log(special.gammainc(1.0 / shape, argument)))
        return np.where(small, upto * (1.0 - at_end / (1.0 + shape)), closed)

    def take(self, draws: slice) -> Weibull:
        return Weibull(self.log_rate[draws], self.log_shape[draws])
