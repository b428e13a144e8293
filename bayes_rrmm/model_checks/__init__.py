"""Checks of a whole fit: the diagnostics gate on what is reported, the parameter table, leave-one-out."""

from bayes_rrmm.model_checks.cross_validation import loo
from bayes_rrmm.model_checks.gate import Diagnosis, diagnose, parameters_table

__all__ = ["Diagnosis", "diagnose", "loo", "parameters_table"]
