"""The figures of a small group's dossier as text."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from bayes_rrmm.rounding import figure_of

Row = Mapping[Hashable, Any]
"""A row of a table, by column."""


def span(values: Sequence[float], unit: str = "probability") -> str:
    """The smallest to the largest, or the one that all are."""
    low, high = (figure_of(value, unit) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def ratio(row: Row) -> str:
    """A hazard ratio with its limits."""
    if math.isnan(row["hr"]):
        return "-"
    middle, lower, upper = (figure_of(row[name], "ratio") for name in ("hr", "lower", "upper"))
    return f"{middle} [{lower}, {upper}]"


def number(count: float, what: str) -> str:
    """A count with its noun, in the singular where it is one."""
    return f"{count:g} {what}{'' if count == 1 else 's'}"


def below(row: Row) -> str:
    """The probability that it is below 1."""
    return f"P(HR < 1) {figure_of(row['p_below_1'], 'probability')}"


def mark(row: Row) -> str:
    """What a refit whose diagnostics failed carries."""
    return "" if row["passed"] else "  DIAGNOSTICS FAILED"
