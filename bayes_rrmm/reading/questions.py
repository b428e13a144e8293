"""Every question of an analysis, held against the data before anything is sampled."""

from __future__ import annotations

from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import ENTERERS, AnyEstimand, HazardRatio, Median, Rank, Rmst, Survival
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
        else:
            check_times(plan, Rmst(upto=estimand.upto), estimand.population)
        return
    check_times(plan, estimand, estimand.population)
    if estimand.by is not None:
        plan.encoding.group(estimand.by)
        if estimand.versus is not None:
            plan.encoding.level(estimand.by, estimand.versus)


def check_times(plan: Plan, estimand: Survival | Median | Rmst, population: str) -> None:
    """Raise AnalysisError for a time before the start of the curves, when nobody or too few are at risk and nothing is known."""
    start = 0.0 if population == ENTERERS else plan.start
    asked: dict[str, float | None] = {}
    if isinstance(estimand, Survival):
        asked = {"at": min(estimand.at)} if estimand.given is None else {"given": estimand.given}
    elif isinstance(estimand, Rmst):
        asked = {"upto": estimand.upto}
    else:
        asked = {"horizon": estimand.horizon}
    for key, time in asked.items():
        if time is None or time > start or (key == "given" and time == start) or not start:
            continue
        unit, landmark = plan.analysis.endpoint.unit, plan.analysis.model.landmark
        if landmark is not None:
            raise AnalysisError(
                f"{key} = {time:g} is not after the landmark ({landmark:g} {unit}), before which nobody is followed; "
                "name a later time."
            )
        raise AnalysisError(
            f"{key} = {time:g} is not after {start:g} {unit}, where enough are at risk under delayed entry for curves to begin, "
            f'given survival to it; name a later time, or ask for population = "{ENTERERS}", in time since each one\'s own entry.'
        )


def _check_rank_by_hazard(plan: Plan, estimand: Rank) -> None:
    try:
        hazard_ratio_contrasts(plan, HazardRatio(of=estimand.of))
    except AnalysisError:
        raise AnalysisError(
            f"the groups of {estimand.of!r} have no one order of hazards, since the term interacts; "
            "rank them by RMST instead: set upto."
        ) from None
