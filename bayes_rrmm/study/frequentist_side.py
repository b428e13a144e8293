"""The frequentist numbers: Kaplan-Meier medians, reverse Kaplan-Meier follow-up, log-rank, Cox."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import special

from bayes_rrmm.cohort import Cohort
from bayes_rrmm.cohort.outcome import Outcome
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import AnalysisError, DataError, FitError
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.evidence.normal import two_sided
from bayes_rrmm.frequentist import Cox, SharedFrailty, cox, kaplan_meier, log_rank, median_follow_up, shared_frailty
from bayes_rrmm.plan import Plan, make_plan
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
MOST_CLUSTERS = 1000
"""Cox's frailties take time as the cube of the clusters: half a minute for as many, and are left out beyond."""


@dataclass(frozen=True)
class FrailtyAnswer:
    """A hazard ratio given the frailty, and the frailty's variance (log-normal: of its logarithm); 0 is its edge.

    `p` is that of the likelihood ratio against no frailty, of which a gamma model has one: a variance lies on its edge there,
    so it is half that of a chi-squared on 1 degree of freedom (Self and Liang 1987), and 1 at the edge.
    """

    given: HazardRatioAnswer
    variance: Answer = NOTHING
    p: float = math.nan


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
        model = cox(*_columns(plan, cohort), *_outcome(cohort), cluster=cohort.id)
        return _ratio(model, plan, cohort, term, pair)
    except (AnalysisError, DataError, FitError) as error:
        return replace(NO_RATIO, rows=len(cohort), why=str(error))


def hazard_ratio_given_frailty(
    cohort: Cohort, analysis: Analysis, term: str, pair: tuple[str, str], distribution: Literal["gamma", "gaussian"]
) -> FrailtyAnswer:
    """Cox of the analysis's own design with a frailty shared by the rows of a cluster; `why` there is none as in `hazard_ratio`."""
    clusters = len(np.unique(cohort.cluster_numbers))
    if clusters > MOST_CLUSTERS:
        why = f"left out for {clusters} clusters, whose frailties would take minutes (bayes_rrmm.frequentist.shared_frailty)"
        return FrailtyAnswer(replace(NO_RATIO, rows=len(cohort), why=why))
    try:
        plan = make_plan(analysis, cohort)
        time, event, entry, weight = _outcome(cohort)
        columns, names = _columns(plan, cohort)
        model = shared_frailty(columns, names, time, event, cohort.cluster_numbers, entry, weight, distribution=distribution)
        found = FrailtyAnswer(_ratio(model.cox, plan, cohort, term, pair), Answer(model.variance))
    except (AnalysisError, DataError, FitError) as error:
        return FrailtyAnswer(replace(NO_RATIO, rows=len(cohort), why=str(error)))
    return replace(found, p=_p_of_variance(model)) if distribution == "gamma" else found


def _p_of_variance(model: SharedFrailty) -> float:
    statistic = 2.0 * (model.log_likelihood - model.log_likelihood_without)
    return 1.0 if model.at_edge else 0.5 * float(special.chdtrc(1.0, max(statistic, 0.0)))


def _columns(plan: Plan, cohort: Cohort) -> tuple[Floats, list[str]]:
    return plan.encoding.design(cohort.covariates), [column.name for column in plan.encoding.columns]


def _outcome(cohort: Cohort) -> tuple[Floats, Floats, Floats, Floats]:
    return cohort.time, cohort.event, cohort.entry, cohort.weight


def _ratio(model: Cox, plan: Plan, cohort: Cohort, term: str, pair: tuple[str, str]) -> HazardRatioAnswer:
    """The contrast of a fitted model, and why it has none: where the likelihood is monotone there is no finite estimate."""
    (contrast,) = hazard_ratio_contrasts(plan, HazardRatio(term, pair[0], versus=pair[1]))
    log_hr, se, lower, upper = model.contrast(contrast.columns)
    if not (math.isfinite(log_hr) and math.isfinite(se)):
        return replace(NO_RATIO, rows=len(cohort), why=f"no finite Cox estimate: {pair[0]} or {pair[1]} has no event")
    ratio = Answer(math.exp(log_hr), math.exp(lower), math.exp(upper))
    return HazardRatioAnswer(ratio, Answer(two_sided(log_hr / se)), se, len(cohort))


def within_patients(first: Cohort, second: Cohort) -> tuple[float, float, float]:
    """Cox stratified by patient of two spells each, patients in one order, the first against the second: log HR, its standard
    error, and the number of pairs that say anything: where one ends with an event while the other goes on, or both at once.

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
