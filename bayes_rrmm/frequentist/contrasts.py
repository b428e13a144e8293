"""Contrasts of two independent groups, each from its own Kaplan-Meier curve: survival, restricted mean and median.

Every contrast is (estimate, standard error, lower, upper). A difference has all four in its own unit; a ratio has the estimate
and the limits on its own scale and the standard error of its logarithm. The limits have the probability `prob`, whatever that of
the curves. All raise DataError where the curves start at different times, as they may under delayed entry: S(t | start) is then
conditional on different things, and the restricted means are of different spans.
"""

from __future__ import annotations

import math

from scipy import special

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.kaplan_meier import Estimate, KaplanMeier

Answer = tuple[float, float, float, float]


def survival_difference(one: KaplanMeier, other: KaplanMeier, t: float, prob: float = 0.95) -> Answer:
    """S(t | start) of `one` less that of `other`, with Greenwood's variances added and Wald limits.

    NaN where either is not known at t. Where one of them is 0 the estimate stands, without error or limits: Greenwood has none.
    """
    (height, error), (other_height, other_error) = _pair(one, other, t)
    return wald_difference(height - other_height, math.hypot(error, other_error), prob)


def survival_ratio(one: KaplanMeier, other: KaplanMeier, t: float, prob: float = 0.95) -> Answer:
    """S(t | start) of `one` over that of `other`, with Greenwood's variances of log S added and Wald limits on the log scale.

    NaN where either is not known at t. Where one of them is 0 the estimate is 0, infinity or (both) NaN, without error or limits.
    """
    return _wald_ratio_of(*_pair(one, other, t), prob)


def rmst_difference(one: KaplanMeier, other: KaplanMeier, upto: float, prob: float = 0.95) -> Answer:
    """RMST of `one` less that of `other`, from the start to `upto`, in the data's unit, with Wald limits.

    The groups are independent, so the variances add (Royston and Parmar 2013). NaN where either is not known at `upto`.
    """
    _refuse_other_start(one, other)
    (mean, error), (other_mean, other_error) = one.rmst(upto), other.rmst(upto)
    return wald_difference(mean - other_mean, math.hypot(error, other_error), prob)


def rmst_ratio(one: KaplanMeier, other: KaplanMeier, upto: float, prob: float = 0.95) -> Answer:
    """RMST of `one` over that of `other`, from the start to `upto`, with Wald limits on the log scale by the delta method.

    NaN where either is not known at `upto`, and at the start itself, where both are 0.
    """
    _refuse_other_start(one, other)
    return _wald_ratio_of(one.rmst(upto), other.rmst(upto), prob)


def median_difference(one: KaplanMeier, other: KaplanMeier, prob: float = 0.95) -> Answer:
    """Median of `one` less that of `other`, in the data's unit, with MOVER limits (Zou and Donner 2008).

    Each limit is recovered from the groups' own Brookmeyer-Crowley limits, of the curves' interval: lower = m1 - m2 -
    sqrt((m1 - l1)^2 + (u2 - m2)^2), upper the mirror image. It is infinite where the upper limit it needs, u2 or u1, is not
    reached. Where a median itself is not reached the estimate is infinity, minus infinity or (both) NaN and the limits are NaN.
    The standard error is the limits' width over 2 z, NaN where it is not finite.
    """
    _refuse_other_start(one, other)
    first, second = one.with_limits(prob).median(), other.with_limits(prob).median()
    lower, upper = _mover(first, second)
    return first[0] - second[0], error_of_width(lower, upper, prob), lower, upper


def median_ratio(one: KaplanMeier, other: KaplanMeier, prob: float = 0.95) -> Answer:
    """Median of `one` over that of `other`, times counted from 0, with MOVER limits on the log scale (Zou and Donner 2008).

    As `median_difference`, of log medians: the lower limit is 0 where u2 is not reached, the upper infinite where u1 is not.
    Where a median is not reached the estimate is 0, infinity or (both) NaN and the limits are NaN; likewise where one is 0.
    """
    _refuse_other_start(one, other)
    first, second = one.with_limits(prob).median(), other.with_limits(prob).median()
    lower, upper = _mover(_logarithms(first), _logarithms(second))
    error = error_of_width(lower, upper, prob)
    return quotient(first[0], second[0]), error, math.exp(lower), math.exp(upper)


def wald_difference(estimate: float, error: float, prob: float) -> Answer:
    """An estimate and its standard error with symmetric limits."""
    half_width = float(special.ndtri(0.5 + 0.5 * prob)) * error
    return estimate, error, estimate - half_width, estimate + half_width


def wald_ratio(estimate: float, log_error: float, prob: float) -> Answer:
    """A ratio and the standard error of its logarithm with limits symmetric on the log scale."""
    factor = math.exp(float(special.ndtri(0.5 + 0.5 * prob)) * log_error)
    return estimate, log_error, estimate / factor, estimate * factor


def quotient(one: float, other: float) -> float:
    """one / other of numbers not below 0; infinity over 0, and NaN where both are 0, or infinite."""
    if other == 0.0:
        return math.inf if one > 0.0 else math.nan
    return one / other


def error_of_width(lower: float, upper: float, prob: float) -> float:
    """The standard error whose Wald limits are as wide as these; NaN where they are not finite."""
    width = upper - lower
    return width / (2.0 * float(special.ndtri(0.5 + 0.5 * prob))) if math.isfinite(width) else math.nan


def _wald_ratio_of(one: tuple[float, float], other: tuple[float, float], prob: float) -> Answer:
    """The ratio of two independent estimates, each with its standard error."""
    if not (one[0] > 0.0 and other[0] > 0.0):
        return quotient(one[0], other[0]), math.nan, math.nan, math.nan
    return wald_ratio(one[0] / other[0], math.hypot(one[1] / one[0], other[1] / other[0]), prob)


def _pair(one: KaplanMeier, other: KaplanMeier, t: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """S(t | start) and Greenwood's standard error of both."""
    _refuse_other_start(one, other)
    return (one.survival_at(t)[0], one.standard_error_at(t)), (other.survival_at(t)[0], other.standard_error_at(t))


def _mover(one: Estimate, other: Estimate) -> tuple[float, float]:
    """The limits of a difference of independent estimates from their own limits; NaN where an estimate is not finite."""
    (first, low, high), (second, other_low, other_high) = one, other
    if not (math.isfinite(first) and math.isfinite(second)):
        return math.nan, math.nan
    difference = first - second
    return difference - math.hypot(first - low, other_high - second), difference + math.hypot(high - first, second - other_low)


def _logarithms(estimate: Estimate) -> Estimate:
    first, low, high = (math.log(value) if value > 0.0 else -math.inf for value in estimate)
    return first, low, high


def _refuse_other_start(one: KaplanMeier, other: KaplanMeier) -> None:
    if one.start != other.start:
        raise DataError(
            f"{one.label!r} starts at {one.start:g} and {other.label!r} at {other.start:g}: what they say is conditional on "
            "different things and of different spans. Make both curves of the rows at risk after the later start."
        )
