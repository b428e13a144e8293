"""Baseline hazards and the proportional-hazards mathematics on top of them, in NumPy, for arrays of draws."""

from bayes_rrmm.hazards.base import Baseline
from bayes_rrmm.hazards.curves import conditional_survival, cumulative_hazard, log_hazard, quantile, rmst, survival
from bayes_rrmm.hazards.exponential import Exponential
from bayes_rrmm.hazards.frailty import gamma_log_likelihood, lognormal_log_likelihood
from bayes_rrmm.hazards.likelihood import pointwise_log_likelihood
from bayes_rrmm.hazards.new_member import GammaMember, NewMember, lognormal_member
from bayes_rrmm.hazards.piecewise import PiecewiseExponential
from bayes_rrmm.hazards.weibull import Weibull

__all__ = [
    "Baseline",
    "Exponential",
    "GammaMember",
    "NewMember",
    "PiecewiseExponential",
    "Weibull",
    "conditional_survival",
    "cumulative_hazard",
    "gamma_log_likelihood",
    "log_hazard",
    "lognormal_log_likelihood",
    "lognormal_member",
    "pointwise_log_likelihood",
    "quantile",
    "rmst",
    "survival",
]
