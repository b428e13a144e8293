"""The published study beside the data: every number of its abstract, recomputed the frequentist and the Bayesian way."""

from bayes_rrmm.study.consistency import Consistency, check_consistency
from bayes_rrmm.study.table import PublishedTable, build_table

__all__ = ["Consistency", "PublishedTable", "build_table", "check_consistency"]
