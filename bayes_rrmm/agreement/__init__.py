"""Bayesian beside frequentist: the same estimand from the same rows, with the reason where they differ."""

from bayes_rrmm.agreement.compare import Agreement, compare_with_frequentist

__all__ = ["Agreement", "compare_with_frequentist"]
