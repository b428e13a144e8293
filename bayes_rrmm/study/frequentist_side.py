"""The frequentist numbers: Kaplan-Meier medians, reverse Kaplan-Meier follow-up, log-rank, Cox."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from bayes_rrmm.cohort import Cohort
from bayes_rrmm.cohort.outcome import Outcome
from bayes_rrmm.errors import AnalysisError, DataError, FitError
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.evidence.normal import two_sided
from bayes_rrmm.frequentist import cox, kaplan_meier, log_rank, median_follow_up
from bayes_rrmm.plan import make_plan
from bayes_rrmm.reading.contrasts import hazard_ratio_contrasts
from bayes_rrmm.specification import Analysis
from bayes_rrmm.study.row import NOTHING, Answer


@dataclass(frozen=True)
class HazardRatioAnswer:
    """A hazard ratio with its Wald interval, its p value, the standard error of its log, the rows used; `why` there is none."""

    ratio: Answer
    p: Answer
    se: float
    rows: int
    why: str = ""


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


def hazard_ratio(cohort: Cohort, analysis: Analysis, term: str, pair: tuple[str, str]) -> HazardRatioAnswer:
    """Cox of the analysis's own design: the hazard ratio of the first level of `pair` to the second.

    Errors are clustered by patient where rows have ids. Where there is no ratio, `why` says why: a level nobody has, a
    design that is constant or collinear, a partial likelihood without a finite maximum.
    """
    try:
        plan = make_plan(analysis, cohort)
        (contrast,) = hazard_ratio_contrasts(plan, HazardRatio(term, pair[0], versus=pair[1]))
        names = [column.name for column in plan.encoding.columns]
        outcome = (cohort.time, cohort.event, cohort.entry, cohort.weight)
        model = cox(plan.encoding.design(cohort.covariates), names, *outcome, cluster=cohort.id)
    except (AnalysisError, DataError, FitError) as error:
        return replace(NO_RATIO, rows=len(cohort), why=str(error))
    log_hr, se, lower, upper = model.contrast(contrast.columns)
    if not (math.isfinite(log_hr) and math.isfinite(se)):
        return replace(NO_RATIO, rows=len(cohort), why=f"no finite Cox estimate: {pair[0]} or {pair[1]} has no event")
    ratio = Answer(math.exp(log_hr), math.exp(lower), math.exp(upper))
    return HazardRatioAnswer(ratio, Answer(two_sided(log_hr / se)), se, len(cohort))


def within_patients(first: Outcome, second: Outcome) -> tuple[float, float, float]:
    """Cox stratified by patient of two spells each, the first against the second: log HR, its standard error, and the number of
    pairs that say anything: those in which one ends with an event while the other goes on, or both at once.

    The partial likelihood of such a pair is logistic, p = HR / (1 + HR) that the first ends first; two events at one time
    count as half of each (Efron), twice.
    """
    earlier = (first.event > 0) & (first.time < second.time)
    earlier |= (first.event > 0) & (first.time == second.time) & (second.event == 0)
    later = (second.event > 0) & (second.time < first.time)
    later |= (second.event > 0) & (first.time == second.time) & (first.event == 0)
    both = (first.event > 0) & (second.event > 0) & (first.time == second.time)
    wins, losses = float(earlier.sum() + both.sum()), float(later.sum() + both.sum())
    if min(wins, losses) == 0:
        return math.nan, math.nan, wins + losses
    return math.log(wins / losses), math.sqrt(1.0 / wins + 1.0 / losses), float((earlier | later | both).sum())
