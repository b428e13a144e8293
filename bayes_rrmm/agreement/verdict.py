"""Verdicts: do two answers to one question agree, and if not, which of the known reasons hold. STATISTICS, section 4."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

LARGEST_DIFFERENCE = 0.5
WIDTH_RATIOS = (0.8, 1.25)
PRIOR_SHARE = 0.3
FEW_EVENTS = 10
SMALL_P = 0.05

REASONS = {
    "prior-weighs": "the prior holds over 30 % of the information, or makes much of the difference",
    "pooled": "the groups' effects are pooled: each is drawn towards the others, the frequentist ones are not",
    "few-events": "a group has fewer than 10 events",
    "monotone-likelihood": "a level has no events (or a covariate separates them), so the estimate diverges and is not printed",
    "no-convergence": "the frequentist fit did not converge, so there is no estimate to compare with",
    "non-proportional": "the hazards are not proportional (Schoenfeld test, p < 0.05), so one ratio does not fit all times",
    "baseline-misfit": "the baseline does not fit (likelihood-ratio test against a piecewise one, p < 0.05)",
    "empty-interval": "an interval of the piecewise baseline has no events: there its hazard is the prior's",
    "model-form": "the same model by maximum likelihood, without a prior, differs in the same way: proportional hazards and the "
    "form of the baseline make much of the difference",
    "borrows-strength": "the model's interval is narrower by maximum likelihood too: proportionality and the baseline let groups "
    "and times inform each other",
    "skewed": "the posterior is skewed on the scale of comparison, where a normal approximation is symmetric",
    "wide-step": "Kaplan-Meier falls past the median in one step that is wider than half a standard error",
    "different-rows": "the frequentist side leaves out patients whose covariates have gaps, the Bayesian side marginalises them",
    "nothing-left": "leaving out the rows with gaps leaves nothing to estimate this from",
    "empty-group": "a group compared here has no patients",
    "empty-cell": "a combination of groups that the answer is about has no patients: there the prior alone speaks",
    "clustered-rows": "rows of one cluster are compared, and Kaplan-Meier's variance takes them as independent",
    "few-clusters": "errors by cluster need more clusters than these",
    "lone-rows": "each cluster has one row, so no frailty can be estimated",
    "too-wide": "the interval spans more than a factor of a million: the data do not determine the answer, and it is not printed",
    "different-model": "the Bayesian number takes account of the frailty of the cluster, the frequentist one does not",
    "many-clusters": "Cox with a frailty takes too long with so many clusters, so there is no estimate to compare with",
    "different-adjustment": "the Bayesian number is adjusted for other covariates, the frequentist one is not",
    "different-population": "the Bayesian number is about another population than the analysed rows",
    "beyond-follow-up": "the time lies beyond follow-up, where the data are silent",
    "not-reached": "the median or a limit of it is not reached",
    "degenerate-interval": "the frequentist curve is at 0 or 1, or falls in one step, and its interval has no width: a median's "
    "difference is counted in posterior standard errors",
    "late-start": "the frequentist curve starts late: fewer than 10 are at risk before",
    "test-only": "a test, for which there is no posterior quantity",
    "data-only": "it describes the data, and there is no posterior quantity",
    "unexplained": "part of the difference has no listed reason: look at the diagnostics and at the rows themselves",
}

NO_WIDTH = 1e-9
"""An interval narrower than this, beside its estimate, has no width but rounding's."""

LARGEST_SPAN = 1e6
"""An interval of a ratio whose limits are further apart is not an answer."""

OF_WIDTH_ONLY = frozenset({"borrows-strength", "degenerate-interval"})
"""Reasons why an interval has another width, but not why it lies elsewhere."""

Transform = Callable[[float], float]


@dataclass(frozen=True)
class Reason:
    """One of the known reasons, and the number that showed that it holds."""

    code: str
    evidence: str = ""

    @property
    def sentence(self) -> str:
        """The reason in words, with its evidence."""
        return REASONS[self.code] + (f" ({self.evidence})" if self.evidence else "")


def few_events(events: Mapping[str, float]) -> list[Reason]:
    """The reason that groups with few events give, by the events of each."""
    few = [f"{level} {count:g}" for level, count in events.items() if count < FEW_EVENTS]
    return [Reason("few-events", ", ".join(few))] if few else []


@dataclass(frozen=True)
class Answer:
    """An estimate with its limits, on its natural scale."""

    estimate: float
    lower: float
    upper: float

    def on(self, scale: Transform) -> Answer | None:
        """The answer on another scale, its limits in order; None where a number is not finite there."""
        try:
            values = [scale(value) for value in (self.estimate, self.lower, self.upper)]
        except (ValueError, ZeroDivisionError):
            return None
        return Answer(values[0], *sorted(values[1:])) if np.isfinite(values).all() else None

    @property
    def width(self) -> float:
        """Upper less lower limit."""
        return self.upper - self.lower


def too_wide(answer: Answer) -> Reason:
    """The reason not to print an interval of a ratio, with its orders of magnitude."""
    return Reason("too-wide", f"{answer.lower:.0e} to {answer.upper:.0e}")


@dataclass(frozen=True)
class Verdict:
    """Difference in frequentist standard errors, ratio of widths (Bayesian / frequentist), verdict, reasons."""

    difference_in_se: float
    width_ratio: float
    verdict: str
    reasons: tuple[Reason, ...]

    @property
    def codes(self) -> str:
        """Reason codes, semicolon separated."""
        return ";".join(reason.code for reason in self.reasons)

    @property
    def sentence(self) -> str:
        """The reasons in words."""
        return "; ".join(reason.sentence for reason in self.reasons)

    @property
    def shifted(self) -> bool:
        """Whether the answers lie more than half a standard error apart."""
        return abs(self.difference_in_se) > LARGEST_DIFFERENCE

    @property
    def resized(self) -> bool:
        """Whether the intervals differ too much in width."""
        return not WIDTH_RATIOS[0] <= self.width_ratio <= WIDTH_RATIOS[1]


def compare(bayes: Answer, freq: Answer, scale: Transform, prob: float) -> tuple[float, float] | None:
    """Difference in frequentist standard errors and ratio of widths on `scale`; None where either is not finite there."""
    ours, theirs = bayes.on(scale), freq.on(scale)
    if ours is None or theirs is None or theirs.width <= NO_WIDTH * max(1.0, abs(theirs.estimate)):
        return None
    return (ours.estimate - theirs.estimate) / standard_error(theirs, prob), ours.width / theirs.width


def _in_posterior_errors(bayes: Answer, freq: Answer, scale: Transform, prob: float) -> float | None:
    """The difference in posterior standard errors; None where an answer is not finite on the scale, or the posterior is a point."""
    ours, theirs = bayes.on(scale), freq.on(scale)
    if ours is None or theirs is None or not ours.width > 0:
        return None
    return (ours.estimate - theirs.estimate) / standard_error(ours, prob)


def standard_error(answer: Answer, prob: float) -> float:
    """The standard error that an interval of probability `prob` stands for."""
    return answer.width / (2 * float(ndtri(0.5 + prob / 2)))


def judge(
    bayes: Answer,
    freq: Answer,
    scale: Transform,
    prob: float,
    reasons: Sequence[Reason],
    when_differing: Callable[[Verdict], list[Reason]] = lambda _: [],
) -> Verdict:
    """Compare on `scale`. Every reason that holds is listed, whatever the verdict; `when_differing` looks for more.

    A difference that no reason covers is unexplained. Where the frequentist interval has no width, as where a median falls in one
    large step, the difference is counted in posterior standard errors, and the widths are not compared.
    """
    compared = compare(bayes, freq, scale, prob)
    if compared is None:
        infinite = not all(map(math.isfinite, (bayes.estimate, bayes.upper, freq.estimate, freq.upper)))
        apart = None if infinite else _in_posterior_errors(bayes, freq, scale, prob)
        if apart is None:
            return not_comparable([Reason("not-reached" if infinite else "degenerate-interval"), *reasons])
        found = _once([Reason("degenerate-interval"), *reasons])
        if abs(apart) <= LARGEST_DIFFERENCE:
            return Verdict(apart, math.nan, "agree", tuple(found))
        explains_place = any(reason.code not in OF_WIDTH_ONLY for reason in found)
        return Verdict(apart, math.nan, "differ", tuple(found if explains_place else [*found, Reason("unexplained")]))
    first = Verdict(*compared, "agree", tuple(reasons))
    if not first.shifted and not first.resized:
        return first
    found = _once([*reasons, *when_differing(first)])
    explains_place = any(reason.code not in OF_WIDTH_ONLY for reason in found)
    if (first.shifted and not explains_place) or not found:
        found.append(Reason("unexplained"))
    return Verdict(*compared, "differ", tuple(found))


def not_comparable(reasons: Sequence[Reason]) -> Verdict:
    """No comparison, and why."""
    return Verdict(math.nan, math.nan, "not-comparable", tuple(_once(reasons)))


def _once(reasons: Sequence[Reason]) -> list[Reason]:
    """Each reason once, with the evidence it was first given."""
    first: dict[str, Reason] = {}
    for reason in reasons:
        first.setdefault(reason.code, reason)
    return list(first.values())
