"""The abstract noun: a baseline hazard h0(t), known by S draws of its parameters.

Every method works element by element on an array whose first axis is the draws' (length S, or 1 to share the value
among all draws) and returns an array whose first axis has length S. Time is in the unit the draws were made in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Baseline(ABC):
    """A baseline hazard; its subclasses are final and hold nothing but draws of their parameters."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of draws, S."""

    @abstractmethod
    def log_hazard(self, time: Floats) -> Floats:
        """log h0(t)."""

    @abstractmethod
    def cumulative_hazard(self, time: Floats) -> Floats:
        """H0(t), the integral of h0 from 0 to t."""

    @abstractmethod
    def inverse_cumulative_hazard(self, value: Floats) -> Floats:
        """The time at which H0 reaches `value` (>= 0); infinity where it never does."""

    @abstractmethod
    def restricted_mean(self, upto: Floats, log_relative_hazard: Floats, since: Floats | float = 0.0) -> Floats:
        """The integral of exp(-(H0(u) - H0(since)) exp(log_relative_hazard)) for u from `since` to `upto` >= since; the arguments
        broadcast."""

    @abstractmethod
    def take(self, draws: slice) -> Baseline:
        """The same baseline with some of its draws."""


def beside(parameter: Floats, other: Floats) -> Floats:
    """A parameter of shape (S,), with axes of length 1 added so that it broadcasts along the first axis of `other`."""
    return parameter.reshape((-1,) + (1,) * (np.ndim(other) - 1))
