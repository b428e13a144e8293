"""One standardised curve of a Cox fit: what is read off it and set against another of the same fit, with errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.contrasts import Answer, error_of_width, quotient, wald_difference, wald_ratio
from bayes_rrmm.frequentist.cox_baseline import CoxBaseline
from bayes_rrmm.frequentist.fit_draws import FitDraws, difference_limits
from bayes_rrmm.frequentist.kaplan_meier import Estimate
from bayes_rrmm.frequentist.rows import Floats

Value = tuple[float, Floats]
"""A functional of the curve, and its derivatives in the K jumps of H0 and the P coefficients, shape (K + P,)."""

DRAWS, SEED = 2000, 20082
"""Of the resampled limits of contrasts of medians: at 95 % Monte Carlo moves each by 1.5 % of their width."""


@dataclass(frozen=True)
class Late:
    """The N patients of a population some of whom enter after the start: their columns in the group each has, (N, P), how many
    jumps of H0 came before their entry, 0 for those at risk at the start, how many each stands for, and their place among the
    designs."""

    columns: Floats
    passed: NDArray[np.int64]
    counts: Floats
    design: NDArray[np.int64]

    def weights(self, coefficients: Floats, total: Floats) -> Floats:
        """Their shares, (N,), of the source population alive at the start: each counts for exp(H0(entry) exp(x' beta)), H0 being
        `total` right after its jumps, (K,)."""
        log_worth = np.append(0.0, total)[self.passed] * np.exp(self.columns @ coefficients)
        worth = self.counts * np.exp(log_worth - log_worth.max())
        return np.asarray(worth / np.sum(worth))

    def share(self, coefficients: Floats, total: Floats) -> Floats:
        """The same added up by design, (M,)."""
        return np.bincount(self.design, weights=self.weights(coefficients, total))


@dataclass(frozen=True)
class StandardisedSurvival:
    """S_a(t | start), a step function that falls at the K event times of `baseline`, with what its standard errors are made of.

    The population is `columns`, (M, P), with the group set to a, and its `share`, (M,); it is taken as given, as on the Bayesian
    side: its own sampling is not in the errors. `survival`, (K,), holds from each time on. By the delta method a small change of
    it is minus `fall`, (K,), times the change of H0 at known coefficients, minus `tilt`, (K, P), times that of the coefficients,
    whose covariance is `covariance`, (P, P); the two are independent. Where some enter late (`late`), shares are estimated too:
    `worth`, (K, K), is what each jump of H0 moves by them.

    Every contrast with another group of the same fit is (estimate, standard error, lower, upper): of a ratio the estimate and
    the limits are on its own scale and the error is of its logarithm. Nothing is known, and all is NaN, before the start and
    beyond the last follow-up. A contrast with a curve of another fit raises DataError.
    """

    label: str
    baseline: CoxBaseline
    coefficients: Floats
    covariance: Floats
    columns: Floats
    share: Floats
    survival: Floats
    fall: Floats
    tilt: Floats
    prob: float
    late: Late | None = None
    worth: Floats | None = None

    @property
    def start(self) -> float:
        """Where the curve begins: 0 unless the baseline leaves out an early part."""
        return self.baseline.start

    @property
    def last_follow_up(self) -> float:
        """Where the data end."""
        return self.baseline.last_follow_up

    def survival_at(self, t: float) -> Estimate:
        """S_a(t | start) and its limits, Wald on the scale log(-log S); 1 before the first event."""
        return self._log_log(self._survival(t))

    def conditional_at(self, t: float, given: float) -> Estimate:
        """S_a(t) / S_a(given), survival to t of those who survive to `given`, and its limits, Wald on the scale log(-log).

        1 where there is no event in between; NaN also where t is before `given`.
        """
        return self._log_log(self._conditional(t, given))

    def rmst(self, upto: float) -> tuple[float, float]:
        """The integral of S_a from the start to `upto` and its standard error."""
        mean, gradient = self._mean(upto)
        return mean, self._error(gradient)

    def median(self) -> Estimate:
        """The first t with S_a(t | start) <= 1/2, and the first t at which each pointwise limit is; infinity where not reached."""
        variance = self._variance_of_jumps() + np.sum(self.tilt @ self.covariance * self.tilt, axis=1)
        inside = np.where((self.survival > 0.0) & (self.survival < 1.0), self.survival, math.nan)
        shift = self._z * np.sqrt(variance) / (inside * -np.log(inside))
        # A curve that is 0 to rounding has a lower limit of 0; its upper limit stays unknown.
        lower = np.where(self.survival == 0.0, 0.0, inside ** np.exp(shift))
        return self._first_half(self.survival), self._first_half(lower), self._first_half(inside ** np.exp(-shift))

    def difference_at(self, t: float, other: StandardisedSurvival) -> Answer:
        """S_a(t | start) less that of another group, with Wald limits."""
        return self._difference(other, self._survival(t), other._survival(t))

    def ratio_at(self, t: float, other: StandardisedSurvival) -> Answer:
        """S_a(t | start) over that of another group, with Wald limits on the log scale."""
        return self._ratio(other, self._survival(t), other._survival(t))

    def conditional_difference_at(self, t: float, given: float, other: StandardisedSurvival) -> Answer:
        """S_a(t) / S_a(given) less that of another group, with Wald limits."""
        return self._difference(other, self._conditional(t, given), other._conditional(t, given))

    def conditional_ratio_at(self, t: float, given: float, other: StandardisedSurvival) -> Answer:
        """S_a(t) / S_a(given) over that of another group, with Wald limits on the log scale."""
        return self._ratio(other, self._conditional(t, given), other._conditional(t, given))

    def rmst_difference(self, upto: float, other: StandardisedSurvival) -> Answer:
        """The RMST less that of another group, in the data's unit, with Wald limits."""
        return self._difference(other, self._mean(upto), other._mean(upto))

    def rmst_ratio(self, upto: float, other: StandardisedSurvival) -> Answer:
        """The RMST over that of another group, with Wald limits on the log scale; NaN at the start itself, where both are 0."""
        return self._ratio(other, self._mean(upto), other._mean(upto))

    def median_difference(self, other: StandardisedSurvival, *, draws: int = DRAWS, seed: int = SEED) -> Answer:
        """The median less that of another group, in the data's unit, with percentile limits of `draws` draws of the fit.

        The estimate is infinity, minus infinity or (both) NaN where a median is not reached. In a draw where one is not, it lies
        somewhere beyond the last follow-up: the lower limit takes the least that the difference may then be and the upper the
        most, which is infinite where too many draws leave it open. The standard error is the limits' width over 2 z, NaN where
        that is not finite.
        """
        lower, upper = difference_limits(*self._medians(other, draws, seed), self.last_follow_up, self.prob)
        return self.median()[0] - other.median()[0], error_of_width(lower, upper, self.prob), lower, upper

    def median_ratio(self, other: StandardisedSurvival, *, draws: int = DRAWS, seed: int = SEED) -> Answer:
        """The median over that of another group, times counted from 0; as `median_difference`, of log medians.

        The estimate is 0, infinity or (both) NaN where a median is not reached, and a limit 0 or infinity where draws leave it
        open; limits are NaN where both medians are 0, a time without a logarithm, in a draw.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            one, two = (np.log(medians) for medians in self._medians(other, draws, seed))
            lower, upper = difference_limits(one, two, math.log(self.last_follow_up), self.prob)
        error = error_of_width(lower, upper, self.prob)
        return quotient(self.median()[0], other.median()[0]), error, math.exp(lower), math.exp(upper)

    @property
    def _z(self) -> float:
        return float(special.ndtri(0.5 + 0.5 * self.prob))

    def _survival(self, t: float) -> Value:
        """S_a(t | start) and its derivatives."""
        if not self._known_at(t):
            return self._unknown
        at = np.asarray(np.arange(len(self.survival)) == np.searchsorted(self.baseline.time, t, side="right") - 1, dtype=np.float64)
        return 1.0 + float(at @ (self.survival - 1.0)), self._gradient(at)

    def _conditional(self, t: float, given: float) -> Value:
        """S_a(t) / S_a(given) and its derivatives."""
        (height, change), (base, base_change) = self._survival(t), self._survival(given)
        # A curve that is 0 to rounding has no survivors to condition on.
        if not t >= given or not base > 0.0:
            return self._unknown
        return height / base, (change - height / base * base_change) / base

    def _mean(self, upto: float) -> Value:
        """The integral of S_a to `upto` and its derivatives."""
        if not self._known_at(upto):
            return self._unknown
        widths = np.diff(np.minimum(np.append(self.baseline.time, upto), upto))
        return upto - self.start + float(widths @ (self.survival - 1.0)), self._gradient(widths)

    @property
    def _unknown(self) -> Value:
        return math.nan, np.full(len(self.survival) + len(self.coefficients), math.nan)

    def _known_at(self, t: float) -> bool:
        return self.start <= t <= self.last_follow_up

    def _gradient(self, weights: Floats) -> Floats:
        """The derivatives of weights' survival; weights (K,)."""
        # A jump of H0 lowers S at its time and at all that follow.
        in_jumps = -np.cumsum((weights * self.fall)[::-1])[::-1]
        return np.append(in_jumps if self.worth is None else in_jumps + weights @ self.worth, -(weights @ self.tilt))

    def _variance_of_jumps(self) -> Floats:
        """What the jumps of H0 add to the variance of S at each time, (K,)."""
        if self.worth is None:
            return np.asarray(self.fall**2 * np.cumsum(self.baseline.variance))
        gradient = self.worth - np.tril(np.tile(self.fall[:, None], (1, len(self.fall))))
        return np.asarray(gradient**2 @ self.baseline.variance)

    def _error(self, gradient: Floats) -> float:
        """The standard error of what has these derivatives."""
        jumps, coefficients = gradient[: len(self.survival)], gradient[len(self.survival) :]
        return math.sqrt(max(float(jumps**2 @ self.baseline.variance + coefficients @ self.covariance @ coefficients), 0.0))

    def _log_log(self, value: Value) -> Estimate:
        """A survival probability and its limits, Wald on the scale log(-log); none at 0."""
        height, gradient = value
        if not 0.0 < height < 1.0:
            return (1.0, 1.0, 1.0) if height == 1.0 else (height, math.nan, math.nan)
        shift = self._z * self._error(gradient) / (height * abs(math.log(height)))
        return height, height ** math.exp(shift), height ** math.exp(-shift)

    def _difference(self, other: StandardisedSurvival, one: Value, two: Value) -> Answer:
        self._refuse_other_fit(other)
        return wald_difference(one[0] - two[0], self._error(one[1] - two[1]), self.prob)

    def _ratio(self, other: StandardisedSurvival, one: Value, two: Value) -> Answer:
        self._refuse_other_fit(other)
        if not (one[0] > 0.0 and two[0] > 0.0):
            return quotient(one[0], two[0]), math.nan, math.nan, math.nan
        return wald_ratio(one[0] / two[0], self._error(one[1] / one[0] - two[1] / two[0]), self.prob)

    def _refuse_other_fit(self, other: StandardisedSurvival) -> None:
        same = (np.array_equal(self.baseline.hazard, other.baseline.hazard), np.array_equal(self.covariance, other.covariance))
        if not all(same) or self.start != other.start:
            raise DataError(
                f"{self.label!r} and {other.label!r} are not from one fit: their contrast has no error here. Make both curves of "
                "one fit and its baseline, or contrast two Kaplan-Meier curves."
            )

    def _medians(self, other: StandardisedSurvival, draws: int, seed: int) -> tuple[Floats, Floats]:
        """The medians of both in the same draws of the fit, shape (D,) each."""
        self._refuse_other_fit(other)
        drawn = FitDraws.of(self.baseline, self.coefficients, self.covariance, draws, seed)
        return (
            drawn.medians(self.columns, _shares(self, drawn)),
            drawn.medians(other.columns, _shares(other, drawn)),
        )

    def _first_half(self, curve: Floats) -> float:
        reached = np.flatnonzero(curve <= 0.5)
        return float(self.baseline.time[reached[0]]) if len(reached) else math.inf


def _shares(curve: StandardisedSurvival, drawn: FitDraws) -> Floats:
    """The shares of its patients, (M,), or in each draw, (D, M), where some enter late."""
    if curve.late is None:
        return curve.share
    pairs = zip(drawn.coefficients, drawn.total, strict=True)
    return np.array([curve.late.share(coefficients, total) for coefficients, total in pairs])
