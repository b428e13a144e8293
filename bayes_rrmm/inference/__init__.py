"""Sampling: the PyMC models, compiled once and sampled by nutpie on any data and priors. Sole owner of PyMC."""

from bayes_rrmm.inference.compiled import CompiledModel, compile_model, fit_plan

__all__ = ["CompiledModel", "compile_model", "fit_plan"]
