"""Reading a fit: an estimand in, labelled draws of a clinical quantity out."""

from bayes_rrmm.reading.estimates import Estimates
from bayes_rrmm.reading.estimation import estimate
from bayes_rrmm.reading.gaps import missing_values
from bayes_rrmm.reading.questions import check_estimands
from bayes_rrmm.reading.summary import summarise
from bayes_rrmm.reading.table import default_estimands, estimate_all, estimates_table, reported_estimands

__all__ = [
    "Estimates",
    "check_estimands",
    "default_estimands",
    "estimate",
    "estimate_all",
    "estimates_table",
    "missing_values",
    "reported_estimands",
    "summarise",
]
