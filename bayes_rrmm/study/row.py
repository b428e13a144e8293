"""One published number, the same number from the data twice, and whether each agrees."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from bayes_rrmm.rounding import figure_of

NEAR = 0.1
"""A median published without an interval is met within 10 %."""

CALENDAR_MONTHS = 6.0
"""A published date is met by one inside the published limits and within half a year of it."""

ROUNDING = 1e-9
SIGNIFICANT = 0.05

COUNTS = ("patients", "levels")
"""Units of whole numbers, which are met exactly."""

Rule = Literal["interval", "near", "not-reached", "p", "equal", "calendar"]


@dataclass(frozen=True)
class Answer:
    """A number with its limits, NaN where there is none; infinity is a median not reached. `text` stands for what is no number."""

    value: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    text: str = ""

    @property
    def missing(self) -> bool:
        """Whether nothing is known."""
        return math.isnan(self.value) and not self.text

    def shown(self, unit: str) -> str:
        """As a person reads it, such as `22.0 [18.9, 25.0]`."""
        if self.text:
            return self.text
        if math.isnan(self.value):
            return "-"
        centre, low, high = (_figure(number, unit) for number in (self.value, self.lower, self.upper))
        if math.isinf(self.lower):
            return centre
        return centre if math.isnan(self.lower) and math.isnan(self.upper) else f"{centre} [{low}, {high}]"


NOTHING = Answer()


@dataclass(frozen=True)
class Verdict:
    """In a word or two, and whether it agrees; None where there is nothing to judge."""

    word: str = ""
    agrees: bool | None = None


@dataclass(frozen=True)
class Row:
    """A number of the publication: what it is about, the three answers, and the rule by which two are judged against the first.

    `bayesian_is` says what the Bayesian number is where it is not the same quantity, as where a p value is published;
    `failed` names the diagnostics that its fit failed.
    """

    section: str
    endpoint: str
    quantity: str
    group: str
    unit: str
    published: Answer
    frequentist: Answer
    bayesian: Answer = NOTHING
    bayesian_is: str = ""
    note: str = ""
    failed: tuple[str, ...] = ()

    @property
    def rule(self) -> Rule:
        """How an answer is judged, which follows from what was published."""
        if self.unit == "calendar":
            return "calendar"
        if self.unit == "p":
            return "p"
        if self.unit in COUNTS:
            return "equal"
        if math.isinf(self.published.value):
            return "not-reached"
        return "near" if math.isnan(self.published.lower) else "interval"

    def verdict(self, answer: Answer) -> Verdict:
        """Whether an answer agrees with the published number; a posterior tail beside a p value is another thing."""
        if answer is self.bayesian and self.bayesian_is:
            return Verdict()
        return judge(self.rule, self.published, answer)

    def record(self) -> dict[str, Any]:
        """The row as published.csv has it."""
        found: dict[str, Any] = {"endpoint": self.endpoint, "quantity": self.quantity, "group": self.group, "unit": self.unit}
        for side in ("published", "frequentist", "bayesian"):
            answer: Answer = getattr(self, side)
            found |= {side: answer.value, f"{side}_lower": answer.lower, f"{side}_upper": answer.upper}
            found[f"{side}_text"] = answer.shown(self.unit)
            if side != "published":
                verdict = self.verdict(answer)
                found |= {f"{side}_verdict": verdict.word, f"{side}_agrees": verdict.agrees}
        about = {"rule": self.rule, "bayesian_is": self.bayesian_is, "note": self.note, "diagnostics": "; ".join(self.failed)}
        return found | about


def judge(rule: Rule, published: Answer, answer: Answer) -> Verdict:
    """The verdict of one rule on one answer."""
    if answer.missing or published.missing:
        return Verdict()
    if rule == "near":
        return _near(published.value, answer.value)
    if rule == "not-reached":
        agrees, words = math.isinf(answer.value), ("not reached", "reached")
    elif rule == "p":
        agrees = (answer.value < SIGNIFICANT) == (published.value < SIGNIFICANT)
        words = ("same side", "other side")
    elif rule == "equal":
        agrees, words = answer.value == published.value, ("equal", "differs")
    else:
        limits = answer if rule == "calendar" else published
        near = rule != "calendar" or abs(answer.value - published.value) <= CALENDAR_MONTHS
        agrees, words = near and limits.lower <= answer.value <= limits.upper, ("inside", "outside")
    return Verdict(words[0] if agrees else words[1], agrees)


def _near(published: float, value: float) -> Verdict:
    if math.isinf(value):
        return Verdict("not reached", False)
    off = value / published - 1.0
    # Published medians are whole numbers, so the limits are often met exactly, and must not be lost to rounding.
    return Verdict("within 10 %", True) if abs(off) <= NEAR + ROUNDING else Verdict(f"{100 * off:+.0f} %", False)


def _figure(value: float, unit: str) -> str:
    if unit in COUNTS and math.isfinite(value):
        return f"{value:g}"
    # Hazard ratios are published to three decimals, and are shown as they were; a variance is small.
    if unit in ("ratio", "variance") and math.isfinite(value):
        return f"{value:.3f}"
    return figure_of(value, unit)
