"""Standardised (marginal) survival from a Cox model: what a population's survival would be with a group set for everyone.

g-computation: S_a(t) = mean over the population of exp(-H0(t) exp(x_a' beta)), x_a a patient's columns with the group set to a.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.cox import Cox
from bayes_rrmm.frequentist.cox_baseline import CoxBaseline
from bayes_rrmm.frequentist.kaplan_meier import NOT_KNOWN, Estimate
from bayes_rrmm.frequentist.rows import Floats

Answer = tuple[float, float, float, float]


@dataclass(frozen=True)
class StandardisedSurvival:
    """S_a(t | start), a step function that falls at the K event times `time`, with what its standard errors are made of.

    `survival`, (K,), holds from each time on. By the delta method a small change of it is minus `fall`, (K,), times the change
    of H0 at known coefficients, minus `tilt`, (K, P), times that of the coefficients; the two are independent. The population
    is taken as given, as on the Bayesian side: its own sampling is not in the errors.
    """

    label: str
    start: float
    time: Floats
    survival: Floats
    fall: Floats
    tilt: Floats
    variance: Floats
    covariance: Floats
    last_follow_up: float
    prob: float

    def survival_at(self, t: float) -> Estimate:
        """S_a(t | start) and its limits, Wald on the scale log(-log S); 1 before the first event, NaN where not known."""
        if not self._known_at(t):
            return NOT_KNOWN
        at = self._at(t)
        value, error = 1.0 + float(at @ (self.survival - 1.0)), self._error(at)
        if not 0.0 < value < 1.0:
            return (1.0, 1.0, 1.0) if value == 1.0 else (value, math.nan, math.nan)
        shift = float(special.ndtri(0.5 + 0.5 * self.prob)) * error / (value * abs(math.log(value)))
        return value, value ** math.exp(shift), value ** math.exp(-shift)

    def rmst(self, upto: float) -> tuple[float, float]:
        """The integral of S_a from the start to `upto` and its standard error; NaN where not known."""
        if not self._known_at(upto):
            return math.nan, math.nan
        widths = self._widths(upto)
        return upto - self.start + float(widths @ (self.survival - 1.0)), self._error(widths)

    def median(self) -> float:
        """The first t with S_a(t | start) <= 1/2; infinity where not reached."""
        reached = np.flatnonzero(self.survival <= 0.5)
        return float(self.time[reached[0]]) if len(reached) else math.inf

    def difference_at(self, t: float, other: StandardisedSurvival) -> Answer:
        """S_a(t | start) less that of another group from the same fit: estimate, standard error and Wald limits."""
        return self._difference(self._at(t), other) if self._known_at(t) else (math.nan, math.nan, math.nan, math.nan)

    def rmst_difference(self, upto: float, other: StandardisedSurvival) -> Answer:
        """The RMST less that of another group from the same fit: estimate, standard error and Wald limits."""
        return self._difference(self._widths(upto), other) if self._known_at(upto) else (math.nan, math.nan, math.nan, math.nan)

    def _known_at(self, t: float) -> bool:
        return self.start <= t <= self.last_follow_up

    def _at(self, t: float) -> Floats:
        """1 at the last event time up to `t`, if there is one, and 0 elsewhere; shape (K,)."""
        return np.asarray(np.arange(len(self.time)) == np.searchsorted(self.time, t, side="right") - 1, dtype=np.float64)

    def _widths(self, upto: float) -> Floats:
        """For how long, up to `upto`, S_a holds its value of each event time; shape (K,)."""
        return np.diff(np.minimum(np.append(self.time, upto), upto))

    def _difference(self, weights: Floats, other: StandardisedSurvival) -> Answer:
        if not np.array_equal(self.time, other.time) or not np.array_equal(self.covariance, other.covariance):
            raise DataError(f"{self.label!r} and {other.label!r} are not from one fit: their difference has no error here.")
        estimate, error = float(weights @ (self.survival - other.survival)), self._error(weights, other)
        half_width = float(special.ndtri(0.5 + 0.5 * self.prob)) * error
        return estimate, error, estimate - half_width, estimate + half_width

    def _error(self, weights: Floats, other: StandardisedSurvival | None = None) -> float:
        """The standard error of weights' survival, or of weights' (survival - that of the other); weights (K,)."""
        fall = self.fall if other is None else self.fall - other.fall
        tilt = weights @ (self.tilt if other is None else self.tilt - other.tilt)
        # A jump of H0 lowers S at its time and at all that follow.
        later = np.cumsum((weights * fall)[::-1])[::-1]
        return math.sqrt(max(float(self.variance @ later**2 + tilt @ self.covariance @ tilt), 0.0))


def standardised_survival(
    fit: Cox,
    baseline: CoxBaseline,
    design: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    label: str = "",
    prob: float = 0.95,
) -> StandardisedSurvival:
    """S_a(t) of the population whose columns, with the group set to a, are `design`, (M, P), with weights `weight`, (M,).

    `baseline` is `cox_baseline` of the fit. Intervals by the delta method (Therneau and Grambsch 2000, section 10.2, for one
    patient; here summed over a population); with a clustered fit they would need the clusters' part in H0 too. Raises DataError
    where the columns are not those of the fit, or the fit is clustered.
    """
    if fit.clusters:
        raise DataError("the fit has a robust covariance by cluster, which standardised curves do not use: fit without 'cluster'.")
    columns, share = _population(design, weight, len(fit.names))
    relative = np.exp(columns @ fit.coefficients)
    total = np.cumsum(baseline.hazard)
    surviving = np.exp(-np.outer(total, relative)) * share
    fall = surviving @ relative
    moved = total[:, None] * (surviving @ (relative[:, None] * columns))
    return StandardisedSurvival(
        label=label,
        start=baseline.start,
        time=baseline.time,
        survival=np.sum(surviving, axis=1),
        fall=fall,
        tilt=moved - fall[:, None] * np.cumsum(baseline.slope, axis=0),
        variance=baseline.variance,
        covariance=fit.covariance,
        last_follow_up=baseline.last_follow_up,
        prob=prob,
    )


def _population(design: ArrayLike, weight: ArrayLike | None, size: int) -> tuple[Floats, Floats]:
    """The distinct patients, (M', P), and the share of each, (M',). Raises DataError."""
    columns = np.asarray(design, dtype=np.float64)
    if columns.ndim != 2 or columns.shape[1] != size or not np.all(np.isfinite(columns)) or len(columns) == 0:
        raise DataError(f"the population has shape {columns.shape}: it needs rows of {size} finite columns, those of the fit.")
    counts = np.ones(len(columns)) if weight is None else np.asarray(weight, dtype=np.float64)
    if counts.shape != (len(columns),) or not np.all(counts > 0):
        raise DataError(f"'weight' has shape {counts.shape}: give a number above 0 for each of {len(columns)} rows.")
    distinct, pattern = np.unique(columns, axis=0, return_inverse=True)
    return distinct, np.bincount(pattern.reshape(-1), weights=counts) / np.sum(counts)
