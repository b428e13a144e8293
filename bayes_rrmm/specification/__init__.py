"""The analysis file as frozen records: what the user declares, and nothing the data taught."""

from bayes_rrmm.specification.analysis import Analysis, parse_analysis
from bayes_rrmm.specification.formula import Formula, Term, parse_formula

__all__ = ["Analysis", "Formula", "Term", "parse_analysis", "parse_formula"]
