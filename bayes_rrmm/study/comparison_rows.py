"""Rows about medians, group comparisons and hazard ratios: each from one cohort, read the frequentist and the Bayesian way."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_rrmm.cohort import Cohort
from bayes_rrmm.errors import AnalysisError, DataError
from bayes_rrmm.published_record import (
    GroupComparison,
    MultivariableCox,
    NotReached,
    Overall,
    PublishedGroup,
    WithHazardRatio,
    WithP,
)
from bayes_rrmm.specification import Analysis
from bayes_rrmm.study import frequentist_side
from bayes_rrmm.study.bayesian_side import (
    TAIL,
    UNKNOWN,
    Posterior,
    Sampler,
    posterior_group_median,
    posterior_hazard_ratio,
    posterior_median,
)
from bayes_rrmm.study.frequentist_side import HazardRatioAnswer
from bayes_rrmm.study.row import NOTHING, Answer, Row
from bayes_rrmm.study.sources import (
    ADJUSTED_FOR,
    Source,
    analysis_of,
    column_of,
    multivariable_analysis,
    outcome_of,
)

REST = "every other"


def overall_rows(source: Source, items: tuple[Overall, ...], sampler: Sampler | None) -> list[Row]:
    """The median of each endpoint in everyone; empty where the data have no columns of the endpoint."""
    rows = []
    for item in items:
        published = Answer(item.median, *(item.ci or (math.nan, math.nan)))
        why = source.lacks(item.endpoint)
        found, posterior = (NOTHING, UNKNOWN) if why else _median(source, item.endpoint, source.table, sampler)
        row = _median_row("Medians of everyone", item.endpoint, "", published, found, posterior)
        rows.append(replace(row, note=why) if why else row)
    return rows


def group_rows(source: Source, item: GroupComparison, sampler: Sampler | None) -> list[Row]:
    """Size and median of each group, and p of the log-rank test; complete cases. Hazard ratios are of the first group shown.

    Each median is of its group alone, as in Kaplan-Meier; the hazard ratio behind the posterior tail takes proportional hazards.
    """
    variable, section = column_of(item.variable), f"{outcome_of(item.endpoint)[0]} by {item.variable}"
    rows = [row for group in item.groups for row in _group(source, section, item.endpoint, variable, group, sampler)]
    levels = tuple(group.level for group in item.groups)
    analysis = analysis_of(item.endpoint, variable, {variable: levels[-1]})
    everyone = source.cohort(analysis)
    cohort = everyone.select(np.isin(everyone.covariates[variable].to_numpy(dtype=str), levels))
    ratio, pair = UNKNOWN, ""
    if len(levels) == 2:
        pair = f"{levels[0]} / {levels[1]}"
        if sampler is not None and all(source.count(variable, level) for level in levels):
            ratio = posterior_hazard_ratio(sampler, analysis, cohort, variable, (levels[0], levels[1]))
    return rows + _p_rows(section, item.endpoint, "log-rank p", pair, item, frequentist_side.log_rank_p(cohort, variable), ratio)


def _group(
    source: Source, section: str, endpoint: str, variable: str, group: PublishedGroup, sampler: Sampler | None
) -> list[Row]:
    table, rows = source.of_level(variable, group.level), []
    if group.n is not None:
        count = Answer(float(len(table)))
        rows.append(Row(section, endpoint, "patients", group.level, "patients", Answer(float(group.n)), count))
    if group.median is not None:
        published = Answer(group.median, *(group.ci or (math.nan, math.nan)))
        found, posterior = _median(source, endpoint, table, sampler)
        rows.append(_median_row(section, endpoint, group.level, published, found, posterior))
    return rows


def _median(source: Source, endpoint: str, table: pd.DataFrame, sampler: Sampler | None) -> tuple[Answer, Posterior]:
    """The median of some patients alone; no Bayesian one where nobody of them has the event."""
    if not len(table):
        return NOTHING, UNKNOWN
    outcome = source.outcome(endpoint, table)
    posterior = UNKNOWN
    if sampler is not None and outcome.event.any():
        analysis = analysis_of(endpoint)
        posterior = posterior_median(sampler, analysis, source.cohort(analysis, table))
    return frequentist_side.median(outcome), posterior


def multivariable_rows(source: Source, item: MultivariableCox, sampler: Sampler | None, missing: str) -> list[Row]:
    """The hazard ratio of one term, adjusted for the others: Cox on complete cases, the model with gaps as `missing` says."""
    references = ADJUSTED_FOR if item.term in ADJUSTED_FOR else {item.term: "no", **ADJUSTED_FOR}
    complete = multivariable_analysis(item.endpoint, references, "drop")
    cohort, pair = source.cohort(complete), ("yes", references[item.term])
    found = frequentist_side.hazard_ratio(cohort, complete, item.term, pair)
    note = f"adjusted for {', '.join(name for name in references if name != item.term)}: Cox of {found.rows} complete cases"
    note += f"; {found.why}" if found.why else ""
    posterior = UNKNOWN
    if sampler is not None:
        analysis = multivariable_analysis(item.endpoint, references, missing)
        analysed = source.cohort(analysis)
        posterior, why = _tried(sampler, analysis, analysed, item.term, pair)
        note += f"; Bayesian: {why}" if why else f"; Bayesian of {len(analysed)} patients"
    section = f"{outcome_of(item.endpoint)[0]}, multivariable Cox"
    return ratio_rows(section, item.endpoint, item.term, item, found, posterior, note)


def _tried(
    sampler: Sampler, analysis: Analysis, cohort: Cohort, term: str, pair: tuple[str, str]
) -> tuple[Posterior, str]:
    """The hazard ratio, or why the data do not allow it."""
    try:
        return posterior_hazard_ratio(sampler, analysis, cohort, term, pair), ""
    except (AnalysisError, DataError) as error:
        return UNKNOWN, str(error)


def not_reached_rows(source: Source, item: NotReached, sampler: Sampler | None) -> list[Row]:
    """The median of each regimen alone, on each endpoint: not reached, as published?

    Where nobody of a regimen has the event, its posterior takes the hazard of the rest to be proportional.
    """
    rows = []
    for endpoint in item.endpoints:
        for regimen in item.regimens:
            table = source.of_level("regimen", regimen)
            found, posterior = _median(source, endpoint, table, sampler)
            if sampler is not None and 0 < len(table) < len(source.table) and posterior.answer.missing:
                posterior = _beside_the_rest(source, endpoint, regimen, sampler)
            section = "Medians not reached, by regimen"
            rows.append(_median_row(section, endpoint, regimen, Answer(math.inf), found, posterior))
    return rows


def _beside_the_rest(source: Source, endpoint: str, regimen: str, sampler: Sampler) -> Posterior:
    own = (source.text("regimen", "the regimen") == regimen).to_numpy(dtype=bool)
    analysis = analysis_of(endpoint, "regimen", {"regimen": REST})
    cohort = source.cohort(analysis, source.table.assign(regimen=np.where(own, regimen, REST)))
    return posterior_group_median(sampler, analysis, cohort, "regimen", regimen)


def _median_row(section: str, endpoint: str, group: str, published: Answer, found: Answer, posterior: Posterior) -> Row:
    note = f"P(not reached in follow-up) {posterior.not_reached:.2f}" if posterior.not_reached > 0 else ""
    return Row(section, endpoint, "median", group, "months", published, found, posterior.answer, note=note, failed=posterior.failed)


def ratio_rows(
    section: str, endpoint: str, term: str, item: WithHazardRatio, found: HazardRatioAnswer, posterior: Posterior, note: str
) -> list[Row]:
    """A published hazard ratio beside those of the data, and its p value where it was published."""
    published = Answer(item.hr, *(item.ci or (math.nan, math.nan)))
    answers = (published, found.ratio, posterior.answer)
    first = Row(section, endpoint, "hazard ratio", term, "ratio", *answers, note=note, failed=posterior.failed)
    return [first, *_p_rows(section, endpoint, "Wald p", term, item, found.p, posterior)]


def _p_rows(section: str, endpoint: str, quantity: str, group: str, item: WithP, found: Answer, posterior: Posterior) -> list[Row]:
    published = NOTHING if item.p is None else Answer(item.p)
    if item.p_below is not None:
        published = Answer(math.nextafter(item.p_below, 0.0), text=f"<{item.p_below:g}")
    if published.missing:
        return []
    tail = NOTHING if math.isnan(posterior.above) else posterior.tail
    label, note = ("", "") if tail.missing else (TAIL, f"P(HR > 1) {posterior.above:.3f}")
    return [Row(section, endpoint, quantity, group, "p", published, found, tail, label, note, posterior.failed)]
