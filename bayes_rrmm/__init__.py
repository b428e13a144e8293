"""Bayesian survival models for small groups, each number beside its frequentist counterpart."""

__version__ = "0.1.0"
