"""The number that a Kaplan-Meier curve, or a standardised Cox curve, gives for an estimand; or why it gives none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from bayes_rrmm.agreement.row import NOTHING
from bayes_rrmm.agreement.verdict import (
    LARGEST_DIFFERENCE,
    LARGEST_SPAN,
    NO_WIDTH,
    Answer,
    Reason,
    Transform,
    standard_error,
    too_wide,
)
from bayes_rrmm.estimands import Curve, Median, Rmst
from bayes_rrmm.frequentist import (
    KaplanMeier,
    StandardisedSurvival,
    median_difference,
    median_ratio,
    rmst_difference,
    rmst_ratio,
    survival_difference,
    survival_ratio,
)
from bayes_rrmm.reading import Estimates


def of_kaplan_meier(estimand: Curve, estimates: Estimates, curves: Sequence[KaplanMeier], time: float) -> Answer:
    """Of one group or of two, at `time` where it is survival. A condition `given` is already in the curves."""
    prob, difference = estimates.interval.prob, estimates.contrast == "difference"
    if len(curves) == 2:
        one, other = curves
        if isinstance(estimand, Median):
            return _limits((median_difference if difference else median_ratio)(one, other, prob))
        if isinstance(estimand, Rmst):
            return _limits((rmst_difference if difference else rmst_ratio)(one, other, estimand.upto, prob))
        return _limits((survival_difference if difference else survival_ratio)(one, other, time, prob))
    (curve,) = curves
    if isinstance(estimand, Median):
        return Answer(*curve.median())
    return _mean(curve.rmst(estimand.upto), prob) if isinstance(estimand, Rmst) else Answer(*curve.survival_at(time))


def of_standardised(estimand: Curve, estimates: Estimates, curves: Sequence[StandardisedSurvival], time: float) -> Answer:
    """Of one group or of two of one Cox fit, at `time` where it is survival."""
    difference, given = estimates.contrast == "difference", estimates.given
    if len(curves) == 2:
        return _limits(_contrast_of_standardised(estimand, *curves, difference=difference, given=given, time=time))
    (curve,) = curves
    if isinstance(estimand, Rmst):
        return _mean(curve.rmst(estimand.upto), estimates.interval.prob)
    if isinstance(estimand, Median):
        return Answer(*curve.median())
    return Answer(*(curve.survival_at(time) if given is None else curve.conditional_at(time, given)))


def _contrast_of_standardised(
    estimand: Curve, one: StandardisedSurvival, other: StandardisedSurvival, *, difference: bool, given: float | None, time: float
) -> tuple[float, float, float, float]:
    if isinstance(estimand, Median):
        return (one.median_difference if difference else one.median_ratio)(other)
    if isinstance(estimand, Rmst):
        return (one.rmst_difference if difference else one.rmst_ratio)(estimand.upto, other)
    if given is not None:
        return (one.conditional_difference_at if difference else one.conditional_ratio_at)(time, given, other)
    return (one.difference_at if difference else one.ratio_at)(time, other)


def why_none(
    answer: Answer, scale: Transform, curves: Sequence[KaplanMeier | StandardisedSurvival], *, steps: bool = False
) -> list[Reason]:
    """Why an answer cannot be compared: beyond follow-up, a median not reached, no width; none where it can.

    One without width is at the end of its scale, as where nobody had the event yet, unless it goes by `steps`: a median whose
    limits fall in one step of the curve is a number to compare all the same.
    """
    if math.isnan(answer.estimate) and not any(math.isinf(value) for value in (answer.lower, answer.upper)):
        ends = [f"{curve.label} {curve.last_follow_up:g}" for curve in curves]
        return [Reason("beyond-follow-up", f"follow-up ends at {', '.join(ends)}" if ends else "")]
    if any(math.isinf(value) for value in (answer.estimate, answer.lower, answer.upper)):
        return [Reason("not-reached", ", ".join(_lowest(curve) for curve in curves))]
    on_scale = answer.on(scale)
    if on_scale is None or (not steps and on_scale.width <= NO_WIDTH * max(1.0, abs(on_scale.estimate))):
        return [Reason("degenerate-interval")]
    return [too_wide(answer)] if scale is math.log and answer.lower * LARGEST_SPAN < answer.upper else []


def wide_step(curve: KaplanMeier, answer: Answer, prob: float) -> list[Reason]:
    """Whether the step in which Kaplan-Meier falls past the median is wider than half a standard error, on the log scale."""
    at = int(np.searchsorted(curve.time, answer.estimate)) if math.isfinite(answer.estimate) else 0
    on_scale = answer.on(math.log)
    if at == 0 or on_scale is None or on_scale.width == 0 or curve.time[at - 1] <= 0:
        return []
    steps = math.log(curve.time[at] / curve.time[at - 1]) / standard_error(on_scale, prob)
    if steps <= LARGEST_DIFFERENCE:
        return []
    return [Reason("wide-step", f"from {curve.time[at - 1]:g} to {curve.time[at]:g}, {steps:.1f} standard errors")]


def _lowest(curve: KaplanMeier | StandardisedSurvival) -> str:
    lowest = curve.survival[-1] if len(curve.survival) else 1.0
    return f"{curve.label}: S falls to {lowest:.2f} by {curve.last_follow_up:g}"


def _limits(found: tuple[float, float, float, float]) -> Answer:
    estimate, _, lower, upper = found
    return Answer(estimate, lower, upper)


def _mean(found: tuple[float, float], prob: float) -> Answer:
    """An RMST and its standard error with Wald limits."""
    mean, error = found
    if math.isnan(mean):
        return NOTHING
    margin = float(ndtri(0.5 + prob / 2)) * error
    return Answer(mean, mean - margin, mean + margin)
