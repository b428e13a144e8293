"""Rows about PFS1 against PFS2 in the same patients: in the population, and within a patient, given a frailty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bayes_rrmm.cohort import Cohort
from bayes_rrmm.errors import AnalysisError, DataError
from bayes_rrmm.evidence.consistency import TOO_WIDE, check_consistency
from bayes_rrmm.published_record import PublishedHazardRatio
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.specification import Analysis
from bayes_rrmm.study import frequentist_side
from bayes_rrmm.study.bayesian_side import UNKNOWN, Posterior, Sampler, posterior_given_frailty
from bayes_rrmm.study.comparison_rows import ratio_rows
from bayes_rrmm.study.frequentist_side import NO_RATIO, FrailtyAnswer, HazardRatioAnswer
from bayes_rrmm.study.row import NOTHING, Answer, Row
from bayes_rrmm.study.sources import Source

PAIRED = "pfs1 against pfs2"
PAIR = ("first", "second")
MARGINAL = "PFS1 against PFS2 (first line / second line): Cox, errors clustered by patient"
WITHIN = "PFS1 against PFS2 (first line / second line) within a patient, given the patient's frailty"
ABOUT = (
    "PFS1 against PFS2: two rows a patient, and each ratio is of the first line's hazard to the second's. Cox with errors "
    "clustered by patient has that of the population (marginal), and is judged. A frailty multiplies the hazard of both lines "
    "of a patient; given it the ratio is that within a patient (conditional), which the Bayesian model has, and is not "
    "judged. They are different quantities: where frailties vary, the marginal ratio is nearer to 1, and nears it with time. "
    "Where only patients who relapsed are in the cohort, everybody has a PFS1 event, and all of these numbers favour the second "
    "line."
)


@dataclass(frozen=True)
class PairedRows:
    """The rows, what is odd in the published number, and what there is to say about them."""

    rows: tuple[Row, ...]
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def paired_rows(source: Source, item: PublishedHazardRatio, analysis: Analysis, sampler: Sampler | None) -> PairedRows:
    """The hazard ratio of the first line to the second by `analysis`, which has a gamma frailty: clustered Cox, Cox given a gamma
    and a log-normal frailty, and the posterior.

    A contrast that is not this one has no data behind it, and its row is empty, as is this one's where no pairs can be read.
    """
    if item.contrast != PAIRED:
        why = "no data stand behind this contrast"
        return PairedRows(tuple(ratio_rows("Hazard ratios", "", item.contrast, item, NO_RATIO, UNKNOWN, why)))
    try:
        cohort = source.cohort(analysis, source.pairs())
    except DataError as error:
        return PairedRows(tuple(ratio_rows(MARGINAL, "", "pfs1 / pfs2", item, NO_RATIO, UNKNOWN, f"not done: {error}")))
    cox = frequentist_side.hazard_ratio(cohort, analysis, "line", PAIR)
    note = _joined("errors clustered by patient", _lone(cohort), cox.why)
    marginal = ratio_rows(MARGINAL, "", "pfs1 / pfs2", item, cox, UNKNOWN, note)
    within, notes = _within(cohort, analysis, sampler)
    findings = width_of_paired(cohort, check_consistency(item.contrast, item).se, cox)
    return PairedRows((*marginal, *within), tuple(findings), (ABOUT, *notes))


def _within(cohort: Cohort, analysis: Analysis, sampler: Sampler | None) -> tuple[list[Row], list[str]]:
    """The hazard ratio and the frailty's variance, given a gamma frailty and a log-normal one, and what the notes say of each."""
    posterior, variance, why = UNKNOWN, UNKNOWN, ""
    if sampler is not None:
        try:
            posterior, variance = posterior_given_frailty(sampler, analysis, cohort, "line", PAIR)
        except (AnalysisError, DataError) as error:
            why = str(error).rstrip(".")
    gamma = _given(cohort, analysis, "gamma")
    normal = _given(cohort, analysis, "gaussian")
    said = [
        f"gamma frailty: {_joined(_cox_said(gamma), f'Bayesian: {why}' if why else _posterior_said(posterior, analysis))}",
        f"log-normal frailty: {_cox_said(normal)}",
    ]
    rows = [
        _row("hazard ratio", "pfs1 / pfs2, gamma frailty", "ratio", gamma.given.ratio, posterior, said[0]),
        _row("variance of the gamma frailty", "", "variance", gamma.variance, variance, said[0]),
        _row("hazard ratio", "pfs1 / pfs2, log-normal frailty", "ratio", normal.given.ratio, UNKNOWN, said[1]),
        _row("variance of the log frailty", "", "variance", normal.variance, UNKNOWN, said[1]),
    ]
    return rows, [f"PFS1 against PFS2, {text}." for text in said]


def _given(cohort: Cohort, analysis: Analysis, distribution: Literal["gamma", "gaussian"]) -> FrailtyAnswer:
    return frequentist_side.hazard_ratio_given_frailty(cohort, analysis, "line", PAIR, distribution)


def _row(quantity: str, group: str, unit: str, found: Answer, posterior: Posterior, note: str) -> Row:
    return Row(WITHIN, "", quantity, group, unit, NOTHING, found, posterior.answer, note=note, failed=posterior.failed)


def _cox_said(found: FrailtyAnswer) -> str:
    """What the numbers in the row do not say: the test of the variance, its edge, or why there is no ratio."""
    if found.given.why:
        return f"Cox: {found.given.why.rstrip('.')}"
    if found.variance.value == 0.0:
        return "Cox finds variance 0, its edge: the lines of a patient look independent, and the ratio is Cox's without frailty"
    if math.isnan(found.p):
        return "Cox by penalised partial likelihood, whose variance is not tested"
    return f"Cox by marginal likelihood, p of the variance {figure_of(found.p, 'p')} (half a chi-squared)"


def _posterior_said(posterior: Posterior, analysis: Analysis) -> str:
    if posterior.answer.missing:
        return ""
    above = figure_of(posterior.above, "probability")
    return f"Bayesian by the shipped pfs1_against_pfs2 ({analysis.model.baseline} baseline), P(HR > 1) {above}"


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _lone(cohort: Cohort) -> str:
    lone = int(np.sum(np.bincount(cohort.cluster_numbers) == 1))
    return f"{lone} patients have one of the lines only" if lone else ""


def width_of_paired(cohort: Cohort, published_se: float, cox: HazardRatioAnswer) -> list[str]:
    """Whether the published interval of PFS1 against PFS2 is wider than Cox of these pairs gives, and what would be as wide."""
    lines = cohort.covariates["line"].to_numpy(dtype=str)
    first, second = (float(cohort.event[lines == line].sum()) for line in PAIR)
    if math.isnan(published_se) or min(first, second) == 0:
        return []
    allowed = math.sqrt(1.0 / first + 1.0 / second)
    if published_se <= TOO_WIDE * allowed:
        return []
    paired = np.bincount(cohort.cluster_numbers)[cohort.cluster_numbers] == 2
    pairs = int(paired.sum()) // 2
    return [
        f"PFS1 against PFS2: the published interval has a standard error of {published_se:.3f} of the log hazard ratio, that of "
        f"about {4 / published_se**2:.0f} events. {pairs} pairs with {first:.0f} PFS1 and {second:.0f} PFS2 events "
        f"give {allowed:.3f} as different patients, and {cox.se:.3f} clustered by patient: the published interval is "
        f"{published_se / allowed:.1f} times as wide as {pairs} pairs taken so allow. "
        f"{_stratified(*(cohort.select(paired & (lines == line)) for line in PAIR))}"
    ]


def _stratified(first: Cohort, second: Cohort) -> str:
    log_hr, se, pairs = frequentist_side.within_patients(first, second)
    if math.isnan(se):
        return "Cox stratified by patient has no estimate here."
    return (
        f"Cox stratified by patient, which learns only from the {pairs:.0f} pairs in which one line is seen to end first, has "
        f"{se:.3f} (hazard ratio {math.exp(log_hr):.3f}): an analysis of that kind, or of fewer patients, would be as wide."
    )
