"""The survival of a member of a new cluster: S(t) = E[exp(-w H(t))] over the distribution of the frailty w.

It is written as exp(-G(H)): G, the cumulative hazard of the population, grows more slowly than H, since the frail leave
first. Hazards are proportional within a cluster, and not in the population. Source: STATISTICS, section 3.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from bayes_rrmm.hazards.base import Floats, beside
from bayes_rrmm.hazards.frailty import lognormal_log_moment

LOWEST, STEP, POINTS = -16.0, 0.25, 101
"""The grid of log H on which the log-normal G is tabulated, from 1e-7 to 8,100; beyond it log G is continued as a line."""


class NewMember(ABC):
    """The frailty distribution of S draws, as it acts on the survival of somebody of whose cluster nothing is known."""

    @abstractmethod
    def population_hazard(self, hazard: Floats) -> Floats:
        """G(H) = -log E[exp(-w H)], elementwise; the first axis of `hazard` is the draws'."""

    @abstractmethod
    def inverse(self, value: float | Floats) -> Floats:
        """The H at which G(H) is `value` > 0: of one value, shape (S,), or of an array with a first axis of the draws."""

    @abstractmethod
    def take(self, draws: slice) -> NewMember:
        """The same with some of its draws."""


@final
@dataclass(frozen=True)
class GammaMember(NewMember):
    """Gamma with mean 1 and variance theta, of shape (S,): G(H) = log(1 + theta H) / theta."""

    theta: Floats

    def population_hazard(self, hazard: Floats) -> Floats:
        theta = beside(self.theta, hazard)
        return np.asarray(np.log1p(theta * hazard) / theta)

    def inverse(self, value: float | Floats) -> Floats:
        theta = self.theta if np.ndim(value) == 0 else beside(self.theta, np.asarray(value))
        return np.asarray(np.expm1(theta * value) / theta)

    def take(self, draws: slice) -> GammaMember:
        return GammaMember(self.theta[draws])


@final
@dataclass(frozen=True)
class LogNormalMember(NewMember):
    """log w ~ Normal(0, tau). `log_hazard` and `slope` hold log G and its derivative on the grid of log H, shape (S, POINTS):
    between its points log G is a cubic that has both, so that S(t) is exact to 1e-6 while tau <= 2, to 1e-4 at tau = 3."""

    log_hazard: Floats
    slope: Floats

    def population_hazard(self, hazard: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            position = (np.log(hazard) - LOWEST) / STEP
        cell = np.clip(np.floor(position), 0, POINTS - 2)
        low = cell.astype(np.int64).reshape(len(hazard), -1)
        share = (np.clip(position, 0.0, POINTS - 1.0) - cell).reshape(low.shape)
        ends = [np.take_along_axis(table, low + end, axis=1) for table in (self.log_hazard, self.slope) for end in (0, 1)]
        inside = _hermite(share, ends[0], ends[1], STEP * ends[2], STEP * ends[3]).reshape(hazard.shape)
        first, last = (beside(self.slope[:, end], hazard) for end in (0, -1))
        beyond = first * np.minimum(position, 0.0) + last * np.maximum(position - (POINTS - 1), 0.0)
        return np.asarray(np.exp(inside + STEP * beyond))

    def inverse(self, value: float | Floats) -> Floats:
        shape = np.shape(value) if np.ndim(value) else (len(self.slope),)
        low, high = np.full(shape, -80.0), np.full(shape, 200.0)
        for _ in range(60):
            middle = 0.5 * (low + high)
            above = self.population_hazard(np.exp(middle)) > value
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray(np.exp(0.5 * (low + high)))

    def take(self, draws: slice) -> LogNormalMember:
        return LogNormalMember(self.log_hazard[draws], self.slope[draws])


def lognormal_member(tau: Floats) -> LogNormalMember:
    """Log-normal frailty of sd tau, of shape (S,), tabulated by quadrature.

    d log G / d log H = H E[w exp(-w H)] / (E[exp(-w H)] G).
    """
    log_h = LOWEST + STEP * np.arange(POINTS)
    hazard = np.broadcast_to(np.exp(log_h), (len(tau), POINTS))
    log_survival = lognormal_log_moment(tau, np.zeros(POINTS), hazard)
    log_g = np.log(-log_survival)
    log_density = log_h + lognormal_log_moment(tau, np.ones(POINTS), hazard)
    return LogNormalMember(log_g, np.exp(log_density - log_survival - log_g))


def _hermite(share: Floats, start: Floats, end: Floats, start_slope: Floats, end_slope: Floats) -> Floats:
    """The cubic on [0, 1] with these values and slopes at its ends."""
    left = 1.0 - share
    bend = share * left
    return np.asarray(
        start * left**2 * (1.0 + 2.0 * share)
        + end * share**2 * (3.0 - 2.0 * share)
        + bend * (left * start_slope - share * end_slope)
    )
