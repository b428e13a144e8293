"""Every question of an analysis, held against the data before anything is sampled."""

from __future__ import annotations

from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import AnyEstimand, HazardRatio, Rank
from bayes_rrmm.plan import Plan
from bayes_rrmm.reading.contrasts import hazard_ratio_contrasts


def check_estimands(plan: Plan, cohort: Cohort) -> None:
    """Raise AnalysisError for an estimand that the fit could not answer: a group, level or population that is not
    there, or a hazard ratio that has no single value."""
    for name, filters in plan.analysis.populations.items():
        wanted = {column: tuple(str(level) for level in levels) for column, levels in filters.items()}
        if not cohort.mask(wanted).any():
            raise AnalysisError(f"[populations.{name}]: no analysed row has these levels; widen them.")
    for index, estimand in enumerate(plan.analysis.estimands, start=1):
        try:
            _check(plan, estimand)
        except AnalysisError as error:
            raise AnalysisError(f"[[estimands]] number {index}: {error}") from None


def _check(plan: Plan, estimand: AnyEstimand) -> None:
    if isinstance(estimand, HazardRatio):
        hazard_ratio_contrasts(plan, estimand)
        return
    if isinstance(estimand, Rank):
        plan.encoding.group(estimand.of)
        if estimand.upto is None:
            _check_rank_by_hazard(plan, estimand)
        return
    if estimand.by is not None:
        plan.encoding.group(estimand.by)
        if estimand.versus is not None:
            plan.encoding.level(estimand.by, estimand.versus)


def _check_rank_by_hazard(plan: Plan, estimand: Rank) -> None:
    try:
        hazard_ratio_contrasts(plan, HazardRatio(of=estimand.of))
    except AnalysisError:
        raise AnalysisError(
            f"the groups of {estimand.of!r} have no one order of hazards, since the term interacts; "
            "rank them by RMST instead: set upto."
        ) from None
