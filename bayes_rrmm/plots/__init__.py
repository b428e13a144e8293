"""Figures: each a function of a fit, a run folder or its results that returns a matplotlib Figure. Sole owner of matplotlib."""

from bayes_rrmm.plots.chain_ranks import chain_ranks
from bayes_rrmm.plots.densities import densities
from bayes_rrmm.plots.energy import energy
from bayes_rrmm.plots.forest import forest
from bayes_rrmm.plots.gallery import GALLERY, OF_DOSSIERS
from bayes_rrmm.plots.hazard import hazard
from bayes_rrmm.plots.hazard_ratio_over_time import hazard_ratio_over_time
from bayes_rrmm.plots.influence import influence
from bayes_rrmm.plots.loo_k import loo_k
from bayes_rrmm.plots.pit import pit
from bayes_rrmm.plots.predictive import predictive
from bayes_rrmm.plots.prior_grid import prior_grid
from bayes_rrmm.plots.prior_posterior import prior_posterior
from bayes_rrmm.plots.ranks import ranks
from bayes_rrmm.plots.rmst_difference import rmst_difference
from bayes_rrmm.plots.shrinkage import shrinkage
from bayes_rrmm.plots.style import save
from bayes_rrmm.plots.subgroups import subgroups
from bayes_rrmm.plots.survival import main_group, survival
from bayes_rrmm.plots.tipping_contour import tipping_contour
from bayes_rrmm.plots.tipping_curve import tipping_curve
from bayes_rrmm.plots.trace import trace

__all__ = [
    "GALLERY",
    "OF_DOSSIERS",
    "chain_ranks",
    "densities",
    "energy",
    "forest",
    "hazard",
    "hazard_ratio_over_time",
    "influence",
    "loo_k",
    "main_group",
    "pit",
    "predictive",
    "prior_grid",
    "prior_posterior",
    "ranks",
    "rmst_difference",
    "save",
    "shrinkage",
    "subgroups",
    "survival",
    "tipping_contour",
    "tipping_curve",
    "trace",
]
