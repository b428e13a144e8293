"""How far an answer depends on what was chosen: refits of one analysis under other choices, side by side."""

from bayes_rrmm.sensitivity.missing import MissingReadings, compare_missing

__all__ = ["MissingReadings", "compare_missing"]
