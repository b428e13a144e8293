"""The published study beside the data: every number of its abstract, recomputed the frequentist and the Bayesian way."""

from bayes_rrmm.study.table import PublishedTable, build_table

__all__ = ["PublishedTable", "build_table"]
