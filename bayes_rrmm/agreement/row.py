"""One row of the agreement table, before it is laid out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bayes_rrmm.agreement.verdict import Answer, Reason, Transform, Verdict, judge, not_comparable
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.reading.scales import Scale
from bayes_rrmm.reading.summary import summary_of
from bayes_rrmm.specification.analysis import IntervalChoice

NOTHING = Answer(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Comparison:
    """Both answers and the verdict on them."""

    bayes: Answer
    freq: Answer
    verdict: Verdict

    @classmethod
    def of_test(cls, p: float, reasons: Sequence[Reason] = ()) -> Comparison:
        """A test stands alone: its p value is on the frequentist side."""
        return cls(NOTHING, Answer(p, math.nan, math.nan), not_comparable([Reason("test-only"), *reasons]))

    @classmethod
    def between(
        cls,
        bayes: Answer,
        freq: Answer,
        scale: Transform,
        prob: float,
        reasons: Sequence[Reason],
        when_differing: Callable[[Verdict], list[Reason]] = lambda _: [],
    ) -> Comparison:
        """The posterior's median and interval against the frequentist answer, on `scale`."""
        return cls(bayes, freq, judge(bayes, freq, scale, prob, reasons, when_differing))

    @classmethod
    def refused(cls, bayes: Answer, freq: Answer, reasons: Sequence[Reason]) -> Comparison:
        """Both answers are shown, and why they cannot be compared."""
        return cls(bayes, freq, not_comparable(reasons))


@dataclass(frozen=True)
class Row:
    """What is compared (`identity` holds the contract's label columns), how, and the comparison.

    `adjusted` says whether the frequentist number is adjusted for the model's other covariates.
    """

    identity: dict[str, Any]
    comparison: Comparison
    method: str
    convention: str
    adjusted: bool
    rows_freq: float


def posterior_answer(draws: Floats, interval: IntervalChoice, scale: Scale) -> Answer:
    """Posterior median and interval, a shortest one the shortest on the scale of comparison."""
    summary = summary_of(draws.ravel(), interval, None, scale)
    return Answer(summary["median"], summary["lower"], summary["upper"])
