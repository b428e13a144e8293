"""Log-likelihoods of parametric proportional-hazards models with their derivatives in closed form.

Time is in the data's unit and no constant is dropped: w [ d log h(t) - (H(t) - H(entry)) ], STATISTICS section 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayes_rrmm.frequentist.rows import Floats


@dataclass(frozen=True)
class Poisson:
    """Constant hazards exp(cells theta) in C cells, (C, Q): `events` and `exposure` (person-time) of each, shape (C,).

    The likelihood of Poisson counts with offset log exposure, without the terms that do not hold theta (Holford 1980;
    Laird and Olivier 1981): the survival log-likelihood itself.
    """

    cells: Floats
    events: Floats
    exposure: Floats

    def __call__(self, theta: Floats) -> tuple[float, Floats, Floats]:
        eta = self.cells @ theta
        expected = self.exposure * np.exp(eta)
        value = float(self.events @ eta - np.sum(expected))
        return value, self.cells.T @ (self.events - expected), (self.cells * expected[:, None]).T @ self.cells


@dataclass(frozen=True)
class WeibullLikelihood:
    """H(t) = exp(cells theta) (t / reference)^shape of N rows; `cells` has shape (N, Q), `log_time` and `log_entry` (N,).

    Both are logarithms of time over the reference; minus infinity is an entry at time 0. `events` and `weight` have shape
    (N,), `events` counts weights. A point is theta followed by log shape, (Q + 1,). `log_reference` gives the density its
    unit. With k = shape, A = w H(t), B = w H(entry), u and v their log times, the derivatives in eta are d - (A - B), in log k
    the sum of d (1 + k u) - k (A u - B v).
    """

    cells: Floats
    log_time: Floats
    log_entry: Floats
    events: Floats
    weight: Floats
    log_reference: float

    def __call__(self, point: Floats) -> tuple[float, Floats, Floats]:
        eta, log_shape = self.cells @ point[:-1], point[-1]
        at_exit, at_entry = np.exp(log_shape) * self.log_time, np.exp(log_shape) * self.log_entry
        after, before = self.weight * np.exp(eta + at_exit), self.weight * np.exp(eta + at_entry)
        # At an entry of 0 the cumulative hazard is 0, and so is its product with minus infinity.
        late = np.where(np.isfinite(self.log_entry), at_entry, 0.0)
        hazard = after - before
        slope = after * at_exit - before * late
        curve = after * at_exit**2 - before * late**2
        log_density = eta + log_shape + at_exit - self.log_time - self.log_reference
        value = float(self.events @ log_density - np.sum(hazard))
        gradient = np.append(self.cells.T @ (self.events - hazard), self.events @ (1.0 + at_exit) - np.sum(slope))
        cross = self.cells.T @ slope
        last = np.sum(slope + curve) - self.events @ at_exit
        information = np.block([[(self.cells * hazard[:, None]).T @ self.cells, cross[:, None]], [cross[None, :], last]])
        return value, gradient, information
