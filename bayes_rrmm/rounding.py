"""One rule of rounding for everything a person reads: ratios 2 decimals, times 1, probabilities 3 and never 0.000 or 1.000."""

from __future__ import annotations

import math


def figure_of(value: float, unit: str) -> str:
    """The value as text, by its unit; `-` where there is none, `NR` where it is not reached."""
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "NR"
    if unit in ("probability", "p"):
        return "<0.001" if value < 0.0005 else ">0.999" if value >= 0.9995 else f"{value:.3f}"
    return f"{value:.2f}" if unit == "ratio" else f"{value:.1f}"
