"""Constant hazard: h0(t) = exp(log_rate)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from bayes_rrmm.hazards.base import Baseline, Floats, beside


def integral_of_exponential(rate: Floats, width: Floats) -> Floats:
    """The integral of exp(-rate u) for u from 0 to `width`, exact as the rate goes to 0."""
    exponent = rate * width
    small = exponent < 1e-12
    safe = np.where(small, 1.0, exponent)
    return np.asarray(width * np.where(small, 1.0 - 0.5 * exponent, -np.expm1(-safe) / safe))


@final
@dataclass(frozen=True)
class Exponential(Baseline):
    """`log_rate`: shape (S,), log events per unit of time."""

    log_rate: Floats

    @property
    def size(self) -> int:
        return len(self.log_rate)

    def log_hazard(self, time: Floats) -> Floats:
        return beside(self.log_rate, time) + np.zeros_like(time)

    def cumulative_hazard(self, time: Floats) -> Floats:
        return np.exp(beside(self.log_rate, time)) * time

    def inverse_cumulative_hazard(self, value: Floats) -> Floats:
        return value * np.exp(-beside(self.log_rate, value))

    def restricted_mean(self, upto: Floats, log_relative_hazard: Floats, since: Floats | float = 0.0) -> Floats:
        width, log_relative_hazard = np.broadcast_arrays(upto - since, log_relative_hazard)
        return integral_of_exponential(np.exp(beside(self.log_rate, width) + log_relative_hazard), width)

    def take(self, draws: slice) -> Exponential:
        return Exponential(self.log_rate[draws])
