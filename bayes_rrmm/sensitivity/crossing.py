"""Where a probability crosses a threshold, from refits on a grid of priors: the tipping points of STATISTICS, section 6."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression
from scipy.special import ndtr, ndtri

from bayes_rrmm.cohort.record import Floats

SCALES = tuple(float(sd) for sd in np.geomspace(0.1, 5.0, 17))
"""Prior sds of log HR, centred at HR 1, of the curve; every other one is a line of the contour."""
CENTRES = tuple(float(hr) for hr in np.exp(np.linspace(-math.log(4.0), math.log(4.0), 15)))
"""Prior centres (hazard ratios) of the contour; the middle one is 1, which the curve has too."""
NEAREST_TO_CERTAIN = 1e-5


@dataclass(frozen=True)
class Crossing:
    """Where P crosses the threshold: `at`, and how far Monte Carlo error (2 standard errors) may move it, `low` to `high`.

    NaN where there is none on the grid; `start` and `end` are P there. A limit is NaN where, within that error, there is none.
    """

    at: float
    low: float
    high: float
    start: float
    end: float

    @property
    def is_there(self) -> bool:
        """Whether there is one."""
        return not math.isnan(self.at)


def crossing(x: ArrayLike, p: ArrayLike, error: ArrayLike, threshold: float) -> Crossing:
    """Of a P that only rises or only falls with x (each of shape (K,), x increasing); NaN entries are left out.

    Monte Carlo error makes P wobble, so the nearest monotone sequence (isotonic regression, in the direction of the whole) is
    read, linearly on the scale of normal quantiles, on which P of a normal model is smooth.
    """
    places, values, errors = (np.asarray(item, dtype=np.float64) for item in (x, p, error))
    known = np.isfinite(places) & np.isfinite(values)
    places, values, errors = places[known], values[known], errors[known]
    if len(places) < 2:
        return Crossing(math.nan, math.nan, math.nan, math.nan, math.nan)
    rising = bool(np.corrcoef(np.arange(len(values)), values)[0, 1] >= 0) if np.ptp(values) else True
    found = [_cross(places, values + shift * errors, threshold, rising) for shift in (0.0, 2.0, -2.0)]
    around = sorted((value for value in found[1:] if not math.isnan(value)), key=float)
    low, high = (around[0], around[-1]) if len(around) == 2 else (math.nan, math.nan)
    return Crossing(found[0], low, high, float(values[0]), float(values[-1]))


def _cross(x: Floats, p: Floats, threshold: float, rising: bool) -> float:
    monotone = np.asarray(isotonic_regression(p, increasing=rising).x)
    z = ndtri(np.clip(monotone, NEAREST_TO_CERTAIN, 1 - NEAREST_TO_CERTAIN)) - ndtri(threshold)
    beyond = z >= 0 if rising else z <= 0
    if beyond[0] or not beyond[-1]:
        return math.nan
    k = int(np.argmax(beyond))
    return float(x[k - 1] + (x[k] - x[k - 1]) * z[k - 1] / (z[k - 1] - z[k]))


def normal_probability(log_hr: float, se: float, mean: float, sd: float) -> float:
    """P(HR < 1) of a normal likelihood under Normal(mean, sd^2): what a refit is compared with."""
    precision = 1 / se**2 + 1 / sd**2
    return float(ndtr(-(log_hr / se**2 + mean / sd**2) / math.sqrt(precision)))
