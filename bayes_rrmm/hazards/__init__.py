"""Baseline hazards and the proportional-hazards mathematics on top of them, in NumPy, for arrays of draws."""

from bayes_rrmm.hazards.base import Baseline
from bayes_rrmm.hazards.curves import conditional_survival, cumulative_hazard, log_hazard, quantile, rmst, survival
from bayes_rrmm.hazards.exponential import Exponential
from bayes_rrmm.hazards.likelihood import pointwise_log_likelihood
from bayes_rrmm.hazards.piecewise import PiecewiseExponential
from bayes_rrmm.hazards.weibull import Weibull

__all__ = [
    "Baseline",
    "Exponential",
    "PiecewiseExponential",
    "Weibull",
    "conditional_survival",
    "cumulative_hazard",
    "log_hazard",
    "pointwise_log_likelihood",
    "quantile",
    "rmst",
    "survival",
]
