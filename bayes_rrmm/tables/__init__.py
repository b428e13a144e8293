"""Tables for print: CSV, LaTeX, Word and HTML, from a fit, a run folder or its results."""

from bayes_rrmm.tables.agreement import agreement
from bayes_rrmm.tables.baseline import baseline, baseline_data
from bayes_rrmm.tables.catalogue import TABLES, Printed
from bayes_rrmm.tables.diagnostics import diagnostics
from bayes_rrmm.tables.estimates import estimates
from bayes_rrmm.tables.line import Line
from bayes_rrmm.tables.parameters import parameters, priors
from bayes_rrmm.tables.table import Table

__all__ = [
    "TABLES",
    "Line",
    "Printed",
    "Table",
    "agreement",
    "baseline",
    "baseline_data",
    "diagnostics",
    "estimates",
    "parameters",
    "priors",
]
