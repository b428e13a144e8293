"""One rule of rounding for everything a person reads.

Ratios 2 decimals (from "<0.01" to ">999"), months and weeks 1, years 2, days none, probabilities 3 and never 0.000 or 1.000.
"""

from __future__ import annotations

import math

MEASURES = {
    "count": 0, "r_hat": 3, "ess_bulk": 0, "ess_tail": 0, "mcse": 3, "e_bfmi": 2, "pareto_k": 2, "elpd": 1, "se": 2, "width": 2,
}  # fmt: skip
"""Decimals of what is no estimate: counts, diagnostics, and how far two answers are apart."""

INTERVAL_KINDS = {"eti": "equal-tailed", "hdi": "highest-density"}

DECIMALS = {"ratio": 2, "years": 2, "days": 0, "probability": 3}


def figure_of(value: float, unit: str, contrast: str = "none") -> str:
    """The value as text, by its unit; `-` where there is none, `NR` where it is not reached.

    A difference of probabilities is no probability: it may be negative, and 0.000 is a value it can have.
    """
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "NR"
    if unit in ("probability", "p") and contrast == "none":
        return "<0.001" if value < 0.0005 else ">0.999" if value >= 0.9995 else f"{value:.3f}"
    if unit == "ratio" and (value >= 1000 or 0 < value < 0.005):
        return ">999" if value > 1 else "<0.01"
    return f"{value:.3g}" if abs(value) >= 1e6 else f"{value:.{DECIMALS.get(unit, 1)}f}"


def measure_of(value: float, measure: str) -> str:
    """A count or a diagnostic as text, by its kind in `MEASURES`; `-` where there is none, `infinite` where it is."""
    if math.isnan(value):
        return "-"
    return "infinite" if math.isinf(value) else f"{value:z.{MEASURES[measure]}f}"


def prob_words(prob: float) -> str:
    """The probability of an interval as it is, such as `95%` or `97.5%`: never rounded to whole percents."""
    return f"{round(100 * prob, 6):.10g}%"


def kind_words(kind: str) -> str:
    """A kind of interval in words: `eti` is equal-tailed, `hdi` highest-density."""
    return INTERVAL_KINDS[kind]


def interval_words(kind: str, prob: float) -> str:
    """Such as `95% equal-tailed interval`."""
    return f"{prob_words(prob)} {kind_words(kind)} interval"


def percent_of(part: float, whole: float) -> str:
    """A share as a percentage with one decimal; never 0.0 where there is somebody, nor 100.0 where somebody is missing; `-` of
    nobody."""
    if whole == 0:
        return "-"
    percent = 100 * part / whole
    if 0 < percent < 0.05:
        return "<0.1"
    return ">99.9" if 99.95 <= percent < 100 else f"{percent:.1f}"


def spread_figure_of(value: float, spread: float) -> str:
    """A number of the data's own unit, with the decimals that show two digits of its spread: none from 100 on, one from 1 on."""
    if math.isnan(value):
        return "-"
    if not (math.isfinite(spread) and spread > 0):
        return f"{value:.4g}"
    decimals = 0 if spread >= 100 else 1 if spread >= 1 else min(6, 1 - math.floor(math.log10(spread)))
    return f"{value:z.{decimals}f}"
