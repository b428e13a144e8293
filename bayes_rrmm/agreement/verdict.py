"""Verdicts: do two answers to one question agree, and if not, which of the known reasons hold. STATISTICS, section 4."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

LARGEST_DIFFERENCE = 0.5
WIDTH_RATIOS = (0.8, 1.25)
PRIOR_SHARE = 0.3
FEW_EVENTS = 10

REASONS = {
    "prior-weighs": "the prior holds more than 30 % of the information on this contrast",
    "pooled": "the groups' effects are pooled: each is drawn towards the others, Cox's are not",
    "few-events": "a group has fewer than 10 events",
    "monotone-likelihood": "a level has no events (or a covariate separates them), so the Cox estimate diverges and is not printed",
    "no-convergence": "Cox did not converge, so there is no estimate to compare with",
    "different-rows": "the frequentist side leaves out patients whose covariates have gaps, the Bayesian side marginalises them",
    "nothing-left": "leaving out the rows with gaps leaves nothing to estimate this from, so there is no Cox",
    "different-model": "the Bayesian hazard ratio is conditional on the frailty of the cluster, and Cox has no frailty",
    "different-adjustment": "the Bayesian number is adjusted for other covariates, Kaplan-Meier is not",
    "different-population": "the Bayesian number is about another population than the analysed rows",
    "beyond-follow-up": "the time lies beyond follow-up, where Kaplan-Meier is silent",
    "not-reached": "the median or a limit of it is not reached",
    "degenerate-interval": "Kaplan-Meier is at 0 or 1, or flat, and its interval has no width",
    "late-start": "Kaplan-Meier starts late: fewer than 10 are at risk before",
    "no-counterpart": "this version has no frequentist counterpart",
    "test-only": "a test, for which there is no posterior quantity",
    "borrows-strength": "the model's interval is narrower: proportionality and the baseline let groups and times inform each other",
    "unexplained": "no listed reason holds; look at the baseline's fit and at proportionality",
}

Transform = Callable[[float], float]


def log_minus_log(survival: float) -> float:
    """log(-log S), the scale on which survival probabilities are compared."""
    return math.log(-math.log(survival))


@dataclass(frozen=True)
class Answer:
    """An estimate with its limits, on its natural scale."""

    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Verdict:
    """Difference in frequentist standard errors, ratio of widths (Bayesian / frequentist), verdict, reasons."""

    difference_in_se: float
    width_ratio: float
    verdict: str
    reasons: tuple[str, ...]

    @property
    def codes(self) -> str:
        """Reason codes, semicolon separated."""
        return ";".join(self.reasons)

    @property
    def sentence(self) -> str:
        """The reasons in words."""
        return "; ".join(REASONS[code] for code in self.reasons)


def judge(bayes: Answer, freq: Answer, scale: Transform, prob: float, reasons: list[str]) -> Verdict:
    """Compare on `scale`; every reason that holds is listed, whatever the verdict."""
    try:
        b = [scale(value) for value in (bayes.estimate, bayes.lower, bayes.upper)]
        f = [scale(value) for value in (freq.estimate, freq.lower, freq.upper)]
    except (ValueError, ZeroDivisionError):
        return not_comparable(["degenerate-interval", *reasons])
    width = abs(f[2] - f[1])
    if not np.isfinite([*b, *f]).all():
        return not_comparable(["not-reached", *reasons])
    if width == 0:
        return not_comparable(["degenerate-interval", *reasons])
    z = float(ndtri(0.5 + prob / 2))
    difference = (b[0] - f[0]) / (width / (2 * z))
    ratio = abs(b[2] - b[1]) / width
    agree = abs(difference) <= LARGEST_DIFFERENCE and WIDTH_RATIOS[0] <= ratio <= WIDTH_RATIOS[1]
    if agree:
        return Verdict(difference, ratio, "agree", tuple(reasons))
    return Verdict(difference, ratio, "differ", tuple(reasons) or ("unexplained",))


def not_comparable(reasons: list[str]) -> Verdict:
    """No comparison, and why."""
    return Verdict(math.nan, math.nan, "not-comparable", tuple(dict.fromkeys(reasons)))

