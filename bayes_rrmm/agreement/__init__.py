"""Bayesian beside frequentist: the same estimand from the same rows, with the reason where they differ."""

from bayes_rrmm.agreement.compare import Agreement, compare_with_frequentist, main_rows
from bayes_rrmm.agreement.immortal_time import ImmortalTime, immortal_time

__all__ = ["Agreement", "ImmortalTime", "compare_with_frequentist", "immortal_time", "main_rows"]
