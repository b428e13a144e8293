"""The frequentist numbers: Kaplan-Meier medians, reverse Kaplan-Meier follow-up, log-rank, Cox."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bayes_rrmm.cohort import Cohort
from bayes_rrmm.cohort.outcome import Outcome
from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.frequentist import cox, kaplan_meier, log_rank, median_follow_up
from bayes_rrmm.study.consistency import two_sided
from bayes_rrmm.study.row import NOTHING, Answer


@dataclass(frozen=True)
class HazardRatioAnswer:
    """A hazard ratio with its Wald interval, its p value, the standard error of its log, and the rows used."""

    ratio: Answer
    p: Answer
    se: float
    rows: int


NO_RATIO = HazardRatioAnswer(NOTHING, NOTHING, math.nan, 0)


def median(cohort: Cohort | Outcome) -> Answer:
    """The Kaplan-Meier median and its log-log limits; infinity where not reached."""
    return Answer(*kaplan_meier(cohort.time, cohort.event, cohort.entry, cohort.weight).median())


def follow_up(cohort: Cohort | Outcome) -> Answer:
    """Median follow-up by reverse Kaplan-Meier, with its log-log limits."""
    return Answer(*median_follow_up(cohort.time, cohort.event, cohort.entry, cohort.weight))


def log_rank_p(cohort: Cohort, variable: str) -> Answer:
    """p of the log-rank test between the levels of a variable; nothing where only one has patients."""
    levels = cohort.covariates[variable].to_numpy(dtype=str)
    if len(np.unique(levels)) < 2:
        return NOTHING
    return Answer(log_rank(cohort.time, cohort.event, levels, cohort.entry, cohort.weight).p)


def hazard_ratio(cohort: Cohort, term: str, references: dict[str, str]) -> HazardRatioAnswer:
    """Cox of two-level variables against their references: the hazard ratio of `term`.

    Errors are clustered by patient where rows have ids. No ratio where the partial likelihood has no finite maximum, or the
    design is constant or collinear.
    """
    design = np.column_stack([(cohort.covariates[name] != level).to_numpy(dtype=float) for name, level in references.items()])
    outcome = (cohort.time, cohort.event, cohort.entry, cohort.weight)
    try:
        model = cox(design, list(references), *outcome, cluster=cohort.id)
    except (DataError, FitError):
        return NO_RATIO
    log_hr, se, lower, upper = model.contrast(np.array([name == term for name in references], dtype=float))
    if not (math.isfinite(log_hr) and math.isfinite(se)):
        return NO_RATIO
    ratio = Answer(math.exp(log_hr), math.exp(lower), math.exp(upper))
    return HazardRatioAnswer(ratio, Answer(two_sided(log_hr / se)), se, len(cohort))
