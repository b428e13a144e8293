"""The Cohort: validated rows of patients, for one analysis."""

from bayes_rrmm.cohort.build import build_cohort
from bayes_rrmm.cohort.record import Cohort, Dropped

__all__ = ["Cohort", "Dropped", "build_cohort"]
