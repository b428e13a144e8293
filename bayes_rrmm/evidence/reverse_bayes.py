"""Which prior would change the verdict of an interval? Analysis of credibility: Matthews, R Soc Open Sci 2018;5:171047.

A significant result has a sceptical limit S: the prior centred at 1 with 95 % interval 1/S to S makes the posterior interval just
touch 1. A non-significant one has an advocacy limit A: the prior with 95 % interval between 1 and A does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from bayes_rrmm.evidence.normal import exp

Kind = Literal["sceptical", "advocacy", "touching", "none"]
SMALL, LARGE = 1e-3, 1e3


@dataclass(frozen=True)
class Credibility:
    """The limit of a published interval, on the log scale, and whether the result is credible at 95 % by itself.

    `kind` is "touching" where the interval ends at 1 exactly (the limit is infinite), "none" where it is centred at 1, so that
    it argues for no side. `credible` is Matthews's intrinsic credibility: a significant estimate beyond the sceptical limit.
    """

    kind: Kind
    log_limit: float
    credible: bool

    @property
    def limit(self) -> float:
        """The limit as a hazard ratio: above 1 for a sceptical one, on the estimate's side of 1 for an advocacy one."""
        return exp(self.log_limit)

    @property
    def shown(self) -> str:
        """The limit as text: "< 0.001" and "> 1000" beyond these."""
        return "infinite" if self.kind == "touching" else limit_text(self.log_limit)


def credibility(low: float, high: float) -> Credibility:
    """The limit of the 95 % interval exp(low) to exp(high).

    Sceptical, where both are on one side of 1: log S = (high - low)^2 / (4 sqrt(low high)). Advocacy, where they are not:
    log A = -(low + high) (high - low)^2 / (2 low high).
    """
    middle, width = 0.5 * (low + high), high - low
    if low * high > 0:
        log_limit = width**2 / (4 * math.sqrt(low * high))
        return Credibility("sceptical", log_limit, abs(middle) > log_limit)
    if low * high == 0:
        return Credibility("touching", math.inf, False)
    if middle == 0:
        return Credibility("none", 0.0, False)
    return Credibility("advocacy", -middle * width**2 / (low * high), False)


def limit_text(log_limit: float) -> str:
    """A hazard ratio as text with two decimals, three below 0.1; "< 0.001" and "> 1000" beyond these."""
    if log_limit < math.log(SMALL):
        return "< 0.001"
    if log_limit > math.log(LARGE):
        return "> 1000"
    value = math.exp(log_limit)
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def rounding_decides(found: Credibility, low: float, high: float, half_unit: float) -> bool:
    """Whether limits that are printed the same, `half_unit` of a hazard ratio up or down, could be significant or credible
    where these are not, or not where these are."""
    shifts = [(a, b) for a in (-half_unit, half_unit) for b in (-half_unit, half_unit)]
    ends = [(math.exp(low) + a, math.exp(high) + b) for a, b in shifts]
    others = [credibility(math.log(lower), math.log(upper)) for lower, upper in ends if 0 < lower < upper]
    return any(_verdict(other) != _verdict(found) for other in others)


def _verdict(found: Credibility) -> tuple[bool, bool, bool]:
    return found.kind == "sceptical", found.kind == "touching", found.credible


def credibility_words(found: Credibility, low: float, high: float) -> str:
    """What the limit of the interval exp(low) to exp(high) means."""
    if found.kind == "touching":
        return (
            "The interval ends at 1 as printed, so the limit is infinite: it touches 1 without any prior, every sceptic has it "
            "include 1, and any evidence for the estimate's side has it exclude 1."
        )
    if found.kind == "none":
        return "The interval is centred at 1: it argues for neither side, and no advocate's prior has it exclude 1."
    return _advocacy(found) if found.kind == "advocacy" else _sceptical(found, 0.5 * (low + high))


def as_wide_as(log_limit: float) -> str:
    """Where other evidence has to lie, for a limit beyond those that are printed."""
    return "below 1, be it as wide as 0.001 to 1" if log_limit < 0 else "above 1, be it as wide as 1 to 1000"


def _sceptical(found: Credibility, middle: float) -> str:
    doubt = f"{limit_text(-found.log_limit)} to {found.shown}"
    text = (
        f"Significant at 5 %; sceptical limit {found.shown}: a doubter who holds with 95 % that the hazard ratio is within {doubt} "
        "has, after this result, an interval that just touches 1; who doubts less is convinced. "
    )
    if found.log_limit > math.log(LARGE):
        text += "The interval itself almost touches 1, so nearly everyone is such a doubter. "
    where = limit_text(middle)
    if found.credible:
        return text + f"The estimate, {where}, is beyond the limit: credible at 95 % by itself (that takes p below about 0.013)."
    return (
        text + f"The estimate, {where}, is within it: not credible at 95 % by itself (that takes p below about 0.013), only beside "
        f"other evidence of effects beyond {limit_text(math.copysign(found.log_limit, middle))}."
    )


def _advocacy(found: Credibility) -> str:
    text = f"Not significant at 5 %, so not credible by itself; advocacy limit {found.shown}: "
    if abs(found.log_limit) > math.log(LARGE):
        return text + (
            f"beside other evidence whose own 95 % interval lies {as_wide_as(found.log_limit)}, it would be credible at 95 %: it "
            "lacks very little."
        )
    ends = f"{found.shown} and 1" if found.log_limit < 0 else f"1 and {found.shown}"
    text += f"beside other evidence whose own 95 % interval lies between {ends} it would be credible at 95 %. "
    return text + f"Evidence that allows effects beyond {found.shown} is too vague to do that while it touches 1."
