"""Why a Bayesian and a frequentist answer differ: each reason measured on the row's own scale."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayes_rrmm.agreement.verdict import (
    LARGEST_DIFFERENCE,
    PRIOR_SHARE,
    WIDTH_RATIOS,
    Answer,
    Reason,
    Transform,
    Verdict,
    compare,
    standard_error,
)
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.reading.summary import quantile_of

ONE_SD = 0.158655254
NOT_NORMAL = frozenset({"few-events", "pooled"})
"""Reasons with which likelihood times prior is not normal: it is no guide to what is left over."""
PART = 0.3
"""The share of a difference from which what makes it counts as a reason."""


@dataclass(frozen=True)
class Without:
    """What the prior alone says of a quantity, as draws, what maximum likelihood of the model says, and both together; None
    where that cannot be read."""

    prior: Floats | None
    likelihood: Answer | None
    combined: Answer | None


def prior_reasons(prior: Floats | None, freq: Answer, scale: Transform, prob: float) -> list[Reason]:
    """Whether the prior weighs: its share of the information, se^2 / (se^2 + s^2), and how far it draws the answer."""
    there = freq.on(scale)
    if prior is None or there is None or there.width == 0:
        return []
    centre, spread = _centre_and_spread(prior, scale)
    if not math.isfinite(centre) or not spread > 0:
        return []
    se = standard_error(there, prob)
    share = se**2 / (se**2 + spread**2)
    pull = share * (centre - there.estimate) / se
    if share <= PRIOR_SHARE and abs(pull) <= LARGEST_DIFFERENCE:
        return []
    return [Reason("prior-weighs", f"{100 * share:.0f} %, {pull:+.1f} standard errors")]


def _centre_and_spread(prior: Floats, scale: Transform) -> tuple[float, float]:
    """Median of the prior draws on the scale, and their sd; the half distance of the quantiles one sd away where a few of them
    are not finite there."""
    values = np.array([_or_infinite(scale, float(value)) for value in np.asarray(prior).ravel()])
    centre = quantile_of(values, 0.5)
    if np.isfinite(values).all():
        return centre, float(values.std())
    return centre, 0.5 * (quantile_of(values, 1 - ONE_SD) - quantile_of(values, ONE_SD))


def _or_infinite(scale: Transform, value: float) -> float:
    """The value on the scale; infinite, with the sign that its order gives it, where the scale ends."""
    try:
        return scale(value)
    except (ValueError, ZeroDivisionError):
        return -math.inf if value <= 0 else math.inf


def explanation(
    bayes: Answer, freq: Answer, scale: Transform, prob: float, without: Without, left_out: float = 0.0
) -> Callable[[Verdict], list[Reason]]:
    """What to look for once two answers differ: how much of it the model's form and the prior make, and a skewed posterior.

    The difference (and the logarithm of the ratio of widths) is the sum of three parts: maximum likelihood of the same model
    against the counterpart (form), likelihood times prior against maximum likelihood (prior), and the rest. A part of the same
    sign that is at least `PART` of the whole is a reason. A rest of more than half of it is unexplained, unless normal
    distributions are no guide (`NOT_NORMAL`, a skewed posterior) or the rows that one side leaves out can make it: with a share
    `left_out` of rows or events left out two right answers differ by about its root in standard errors.
    """

    def reasons(verdict: Verdict) -> list[Reason]:
        found = []
        parts = _parts(freq, scale, prob, without)
        if parts is not None:
            moved = [verdict.shifted and _is_part(part, verdict.difference_in_se) for part, _ in parts] + [False]
            resized = [verdict.resized and _is_part(part, _log(verdict.width_ratio)) for _, part in parts] + [False]
            said = [f"{shift:+.1f} standard errors, interval {math.exp(width):.2f} times as wide" for shift, width in parts]
            narrower = resized[0] and verdict.width_ratio < 1
            found += [Reason("model-form", said[0])] if moved[0] or (resized[0] and not narrower) else []
            found += [Reason("borrows-strength", f"{math.exp(parts[0][1]):.2f} times as wide")] if narrower else []
            found += [Reason("prior-weighs", said[-1])] if moved[1] or resized[1] else []
        skew = _skew(bayes, scale)
        if skew is not None and not WIDTH_RATIOS[0] <= skew <= WIDTH_RATIOS[1]:
            found.append(Reason("skewed", f"upper half {skew:.2f} times as wide as the lower"))
        elif parts is not None and len(parts) > 1 and not {reason.code for reason in verdict.reasons} & NOT_NORMAL:
            found += _unexplained(verdict, parts, left_out)
        return found

    return reasons


def _unexplained(verdict: Verdict, parts: list[tuple[float, float]], left_out: float) -> list[Reason]:
    shift = verdict.difference_in_se - sum(part for part, _ in parts)
    width = _log(verdict.width_ratio) - sum(part for _, part in parts)
    moved = verdict.shifted and abs(shift) > max(abs(verdict.difference_in_se) / 2, 2 * math.sqrt(left_out))
    lost = -math.log1p(-left_out) if left_out < 1 else math.inf
    resized = verdict.resized and (math.isinf(width) or abs(width) > max(abs(_log(verdict.width_ratio)) / 2, lost))
    if not (moved or resized):
        return []
    return [Reason("unexplained", f"{shift:+.1f} standard errors, interval {math.exp(width):.2f} times as wide, are left over")]


def _parts(freq: Answer, scale: Transform, prob: float, without: Without) -> list[tuple[float, float]] | None:
    """Form, then, where it can be told, prior: each its part of the difference and of the log ratio of widths; None without."""
    form = None if without.likelihood is None else compare(without.likelihood, freq, scale, prob)
    if form is None or form[1] <= 0:
        return None
    both = None if without.combined is None else compare(without.combined, freq, scale, prob)
    first = (form[0], math.log(form[1]))
    return [first] if both is None else [first, (both[0] - first[0], _log(both[1]) - first[1])]


def _log(width_ratio: float) -> float:
    """The logarithm of a ratio of widths; -inf where all draws are equal, so that the Bayesian interval has no width."""
    return math.log(width_ratio) if width_ratio > 0 else -math.inf


def _is_part(part: float, whole: float) -> bool:
    return part * whole > 0 and abs(part) >= PART * abs(whole)


def _skew(bayes: Answer, scale: Transform) -> float | None:
    """The upper half of the interval over the lower, on the scale."""
    ours = bayes.on(scale)
    if ours is None or ours.estimate == ours.lower:
        return None
    return (ours.upper - ours.estimate) / (ours.estimate - ours.lower)
