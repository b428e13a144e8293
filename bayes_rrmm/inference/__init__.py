"""Sampling: the PyMC models, compiled once and sampled by nutpie on any data and priors. Sole owner of PyMC."""

from bayes_rrmm.inference.callbacks import load_sampler
from bayes_rrmm.inference.compiled import COMPILED, CompiledModel, build_model, compile_model

__all__ = ["COMPILED", "CompiledModel", "build_model", "compile_model", "load_sampler"]
