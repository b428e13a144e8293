"""One rule of rounding for everything a person reads.

Ratios 2 decimals (from "<0.01" to ">999"), months and weeks 1, years 2, days none, probabilities 3 and never 0.000 or 1.000.
"""

from __future__ import annotations

import math

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
