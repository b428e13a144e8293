"""Bayesian survival models for small groups, each number beside its frequentist counterpart.

    import bayes_rrmm as br

    analysis = br.load_analysis("myeloma_gep_weibull")
    cohort = br.read_cohort("myeloma-gep", analysis)
    fit = br.fit(analysis, cohort)
    print(br.diagnose(fit))

Names are imported when they are first used, so that the command line answers at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bayes_rrmm import plots, tables
    from bayes_rrmm.against_published import published_table
    from bayes_rrmm.agreement import Agreement, compare_with_frequentist
    from bayes_rrmm.agreement.immortal_time import ImmortalTime, immortal_time
    from bayes_rrmm.analysis import compile_analysis, fit, load_fit, run, save_fit, validate
    from bayes_rrmm.catalogue import data_names, describe_data, load_data, model_names
    from bayes_rrmm.cohort import Cohort
    from bayes_rrmm.errors import AnalysisError, BayesRrmmError, DataError, FitError, RunFolderError
    from bayes_rrmm.estimands import HazardRatio, Median, Rank, Rmst, Survival
    from bayes_rrmm.evidence import PublishedEvidence
    from bayes_rrmm.fitted import Fit
    from bayes_rrmm.model_checks import Diagnosis, diagnose, loo
    from bayes_rrmm.publications import load_published, published, published_names
    from bayes_rrmm.published_record import Published
    from bayes_rrmm.read import load_analysis, read_cohort
    from bayes_rrmm.reading import Estimates, estimate, missing_values, summarise
    from bayes_rrmm.reports import Report, report
    from bayes_rrmm.sensitivity import MissingReadings, SmallGroup, compare_missing, small_group
    from bayes_rrmm.sensitivity.power_scaling import power_scaling
    from bayes_rrmm.sensitivity.power_scaling_record import PowerScaling
    from bayes_rrmm.sensitivity.shrinkage import shrinkage
    from bayes_rrmm.sensitivity.shrinkage_record import Shrinkage
    from bayes_rrmm.specification import Analysis, parse_analysis
    from bayes_rrmm.study import PublishedTable
    from bayes_rrmm.study.lines import paired_lines

_HOMES = {
    "published_table": "against_published",
    "Agreement": "agreement",
    "ImmortalTime": "agreement",
    "compare_with_frequentist": "agreement",
    "immortal_time": "agreement",
    "compile_analysis": "analysis",
    "fit": "analysis",
    "load_fit": "analysis",
    "run": "analysis",
    "save_fit": "analysis",
    "validate": "analysis",
    "data_names": "catalogue",
    "describe_data": "catalogue",
    "load_data": "catalogue",
    "model_names": "catalogue",
    "Cohort": "cohort",
    "AnalysisError": "errors",
    "BayesRrmmError": "errors",
    "DataError": "errors",
    "FitError": "errors",
    "RunFolderError": "errors",
    "HazardRatio": "estimands",
    "Median": "estimands",
    "Rank": "estimands",
    "Rmst": "estimands",
    "Survival": "estimands",
    "PublishedEvidence": "evidence",
    "Fit": "fitted",
    "Diagnosis": "model_checks",
    "diagnose": "model_checks",
    "loo": "model_checks",
    "load_published": "publications",
    "published": "publications",
    "published_names": "publications",
    "Published": "published_record",
    "load_analysis": "read",
    "read_cohort": "read",
    "Estimates": "reading",
    "estimate": "reading",
    "missing_values": "reading",
    "summarise": "reading",
    "Report": "reports",
    "report": "reports",
    "MissingReadings": "sensitivity",
    "PowerScaling": "sensitivity.power_scaling_record",
    "Shrinkage": "sensitivity.shrinkage_record",
    "SmallGroup": "sensitivity",
    "compare_missing": "sensitivity",
    "power_scaling": "sensitivity.power_scaling",
    "shrinkage": "sensitivity.shrinkage",
    "small_group": "sensitivity",
    "Analysis": "specification",
    "parse_analysis": "specification",
    "PublishedTable": "study",
    "paired_lines": "study.lines",
}

__all__ = [
    "Agreement",
    "Analysis",
    "AnalysisError",
    "BayesRrmmError",
    "Cohort",
    "DataError",
    "Diagnosis",
    "Estimates",
    "Fit",
    "FitError",
    "HazardRatio",
    "ImmortalTime",
    "Median",
    "MissingReadings",
    "PowerScaling",
    "Published",
    "PublishedEvidence",
    "PublishedTable",
    "Rank",
    "Report",
    "Rmst",
    "RunFolderError",
    "Shrinkage",
    "SmallGroup",
    "Survival",
    "__version__",
    "compare_missing",
    "compare_with_frequentist",
    "compile_analysis",
    "data_names",
    "describe_data",
    "diagnose",
    "estimate",
    "fit",
    "immortal_time",
    "load_analysis",
    "load_data",
    "load_fit",
    "load_published",
    "loo",
    "missing_values",
    "model_names",
    "paired_lines",
    "parse_analysis",
    "plots",
    "power_scaling",
    "published",
    "published_names",
    "published_table",
    "read_cohort",
    "report",
    "run",
    "save_fit",
    "shrinkage",
    "small_group",
    "summarise",
    "tables",
    "validate",
]




def __getattr__(name: str) -> Any:
    if name in ("plots", "tables"):
        return importlib.import_module(f"bayes_rrmm.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"bayes_rrmm.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'bayes_rrmm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
