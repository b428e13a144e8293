"""Figures: each a function of a fit that returns a matplotlib Figure. Sole owner of matplotlib."""

from bayes_rrmm.plots.style import save
from bayes_rrmm.plots.survival import main_group, survival

__all__ = ["main_group", "save", "survival"]
