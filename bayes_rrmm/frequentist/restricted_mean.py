"""The difference of two groups in restricted mean survival time, each from its own Kaplan-Meier curve."""

from __future__ import annotations

import math

from scipy import special

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.kaplan_meier import KaplanMeier

Answer = tuple[float, float, float, float]


def rmst_difference(one: KaplanMeier, other: KaplanMeier, upto: float, prob: float = 0.95) -> Answer:
    """RMST of `one` less that of `other`, from the start to `upto`: estimate, standard error and Wald limits, in the data's unit.

    The groups are independent, so the variances add (Royston and Parmar 2013). NaN where either is not known at `upto`. Raises
    DataError where the curves start at different times, as under delayed entry: the two means are then of different spans.
    """
    if one.start != other.start:
        raise DataError(
            f"{one.label!r} starts at {one.start:g} and {other.label!r} at {other.start:g}: their restricted means are of "
            "different spans. Make both curves of the rows at risk after the later start."
        )
    (mean, error), (other_mean, other_error) = one.rmst(upto), other.rmst(upto)
    together = math.hypot(error, other_error)
    half_width = float(special.ndtri(0.5 + 0.5 * prob)) * together
    difference = mean - other_mean
    return difference, together, difference - half_width, difference + half_width
