"""Piecewise constant hazard: h0(t) = exp(a_j) on (c_{j-1}, c_j], c_0 = 0, the last interval open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from bayes_rrmm.hazards.base import Baseline, Floats, beside
from bayes_rrmm.hazards.exponential import integral_of_exponential


def interval_bounds(cuts: Floats) -> tuple[Floats, Floats]:
    """Lower and upper bounds of the J intervals made by J - 1 cuts; the last is open."""
    return np.concatenate([[0.0], cuts]), np.concatenate([cuts, [np.inf]])


@final
@dataclass(frozen=True)
class PiecewiseExponential(Baseline):
    """`log_hazards`: shape (S, J), one column an interval; `cuts`: shape (J - 1,), increasing, above 0.

    An event on a cut belongs to the earlier interval.
    """

    log_hazards: Floats
    cuts: Floats

    @property
    def size(self) -> int:
        return len(self.log_hazards)

    def log_hazard(self, time: Floats) -> Floats:
        interval = np.searchsorted(self.cuts, time, side="left")
        if time.shape[0] == 1:
            return np.asarray(self.log_hazards[:, interval[0]])
        return np.take_along_axis(self.log_hazards, interval.reshape(len(interval), -1), axis=1).reshape(time.shape)

    def cumulative_hazard(self, time: Floats) -> Floats:
        total = np.zeros((self.size, *np.shape(time)[1:]))
        for low, high, hazard in self._intervals():
            total = total + beside(hazard, time) * (np.clip(time, low, high) - low)
        return total

    def inverse_cumulative_hazard(self, value: Floats) -> Floats:
        time = np.zeros((self.size, *np.shape(value)[1:]))
        left = value + np.zeros_like(time)
        for low, high, hazard in self._intervals():
            rate = beside(hazard, value)
            spent = np.minimum(left, rate * (high - low))
            time = time + spent / rate
            left = left - spent
        return time

    def restricted_mean(self, upto: Floats, log_relative_hazard: Floats, since: Floats | float = 0.0) -> Floats:
        upto, log_relative_hazard, start = np.broadcast_arrays(upto, log_relative_hazard, since)
        relative = np.exp(log_relative_hazard)
        total = np.zeros((self.size, *np.shape(upto)[1:]))
        reached = np.zeros_like(total)
        for low, high, hazard in self._intervals():
            rate = beside(hazard, upto) * relative
            width = np.clip(upto, low, high) - np.clip(start, low, high)
            total = total + np.exp(-reached) * integral_of_exponential(rate, width)
            reached = reached + rate * width
        return total

    def take(self, draws: slice) -> PiecewiseExponential:
        return PiecewiseExponential(self.log_hazards[draws], self.cuts)

    def _intervals(self) -> list[tuple[float, float, Floats]]:
        lows, highs = interval_bounds(self.cuts)
        return [
            (float(low), float(high), np.exp(self.log_hazards[:, j]))
            for j, (low, high) in enumerate(zip(lows, highs, strict=True))
        ]
