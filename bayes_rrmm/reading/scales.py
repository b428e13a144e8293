"""The scale on which a quantity is compared: on it differences are counted in standard errors, and the shortest interval is taken,
so that the interval of A over B is that of B over A turned round. Source: STATISTICS, section 4."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from bayes_rrmm.cohort.record import Floats

Scale = Literal["natural", "log", "log-minus-log"]


def scale_of(estimand: str, contrast: str) -> Scale:
    """Log for ratios and times to an event, log(-log S) for survival, natural for areas, ranks and differences."""
    if contrast == "difference":
        return "natural"
    if contrast == "ratio" or estimand in ("hazard-ratio", "median"):
        return "log"
    return "log-minus-log" if estimand == "survival" else "natural"


def on_scale(values: Floats, scale: Scale) -> Floats:
    """The values on the scale, elementwise; infinite at its ends (0 and 1 of a survival probability), NaN beyond them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale == "log":
            return np.log(values)
        return np.asarray(np.log(-np.log(values)) if scale == "log-minus-log" else values)


TRANSFORMS: dict[Scale, Callable[[float], float]] = {
    "natural": float,
    "log": math.log,
    "log-minus-log": lambda survival: math.log(-math.log(survival)),
}
"""The same of one number, which raises ValueError where it is not defined."""
