"""Tests, which stand alone: log-rank (stratified, by permutation), proportional hazards, the baseline's fit, independent entry."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.agreement.entry_side import entry_rows
from bayes_rrmm.agreement.row import NOTHING, Comparison, Row
from bayes_rrmm.agreement.verdict import FEW_EVENTS, Answer, Reason
from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.frequentist import log_rank, median_follow_up, permutation_log_rank
from bayes_rrmm.frequentist.permutation import MOST_PATIENTS


def lone_tests(known: Counterparts) -> Iterator[Row]:
    """The tests of every group of the formula, and those of the model's form."""
    for group in known.encoding.groups:
        yield from _log_rank_rows(known, group.name)
    yield from _form_rows(known)
    yield from entry_rows(known.rows)
    yield _follow_up(known)


def _follow_up(known: Counterparts) -> Row:
    """Median follow-up by reverse Kaplan-Meier, with its limits."""
    rows = known.rows
    event = np.where(rows.is_last_spell, rows.event, 1.0)  # the end of an earlier spell is no end of follow-up
    found = median_follow_up(rows.time, event, rows.entry, rows.weight, prob=known.prob, interval=known.interval)
    identity = {"estimand": "follow-up", "term": "", "unit": rows.unit}
    comparison = Comparison.refused(NOTHING, Answer(*found), [Reason("data-only")])
    return Row(identity, comparison, "reverse Kaplan-Meier", f"median, {known.interval} interval", False, float(rows.weight.sum()))


def _log_rank_rows(known: Counterparts, name: str) -> Iterator[Row]:
    """Log-rank; by permutation where a group has few events; stratified by the other groups of the formula."""
    rows = known.rows.select(known.rows.is_complete((name,)))
    labels, outcome = rows.covariates[name].to_numpy(dtype=str), (rows.time, rows.event)
    if len(np.unique(labels)) < 2:
        return
    reasons = [] if len(rows) == len(known.rows) else [Reason("different-rows")]
    test = log_rank(*outcome, labels, rows.entry, rows.weight)
    found = f"chi-square {test.statistic:.3f} on {test.degrees_of_freedom} df"
    alone = "; rows of one cluster taken as independent" if rows.cluster is not None else ""
    yield _test("log-rank", name, test.p, f"{test.method}, {found}, p", f"all groups, unadjusted{alone}", rows, reasons)
    events = {level: float((rows.weight * rows.event)[labels == level].sum()) for level in np.unique(labels)}
    if min(events.values()) < FEW_EVENTS and float(rows.weight.sum()) > MOST_PATIENTS:
        limit = f"not made: for up to {MOST_PATIENTS:,} patients"
        yield _test("log-rank", name, math.nan, "permutation log-rank, p", limit, rows, reasons)
    elif min(events.values()) < FEW_EVENTS:
        permuted = permutation_log_rank(*outcome, labels, rows.entry, rows.weight)
        how = f"{permuted.arrangements:,} arrangements"
        how += ", exact" if permuted.method == "exact" else f" drawn, Monte Carlo error {permuted.error:.4f}"
        together = _rows_together(rows)
        valid = "valid" if permuted.valid and not together else "NOT VALID"
        convention = f"{how}; {together or permuted.reason}"
        yield _test("log-rank", name, permuted.p, f"permutation log-rank, {valid}, p", convention, rows, reasons)
    others = [group.name for group in known.encoding.groups if group.name != name]
    known_too = known.rows.select(known.rows.is_complete((name, *others)))
    if others and len(known_too):
        strata = known_too.covariates[others].astype(str).agg(" / ".join, axis=1).to_numpy(dtype=str)
        yield from _stratified(known, name, known_too, strata, ", ".join(others))
    if rows.cluster is not None:
        yield from _stratified(known, name, rows, rows.cluster, "the frailty's cluster")


def _rows_together(rows: Cohort) -> str:
    """Why rows cannot be exchanged one by one: several are of one subject or of one cluster."""
    for labels, called in ((rows.id, "subject"), (rows.cluster, "cluster")):
        if labels is not None and len(np.unique(labels)) < len(labels):
            return f"rows of one {called} belong together and are not exchangeable"
    return ""


def _stratified(known: Counterparts, name: str, rows: Cohort, strata: NDArray[np.str_], called: str) -> Iterator[Row]:
    """Groups compared within strata only; nothing where no stratum has two."""
    labels = rows.covariates[name].to_numpy(dtype=str)
    if len(np.unique(labels)) < 2:
        return
    test = log_rank(rows.time, rows.event, labels, rows.entry, rows.weight, strata=strata)
    if test.degrees_of_freedom == 0:
        return
    reasons = [] if len(rows) == len(known.rows) else [Reason("different-rows")]
    found = f"chi-square {test.statistic:.3f} on {test.degrees_of_freedom} df"
    convention = f"within {test.strata} strata of {called}"
    yield _test("log-rank", name, test.p, f"stratified {test.method}, {found}, p", convention, rows, reasons, adjusted=True)


def _form_rows(known: Counterparts) -> Iterator[Row]:
    """Schoenfeld's test of each term and of all, and the likelihood-ratio test of the baseline."""
    without = "; without the frailty, over which hazards are not proportional" if known.fit.plan.frailty is not None else ""
    tested = known.proportionality
    if tested is not None:
        several = len(tested.by_term) > 1
        for test in (*tested.by_term, *([tested.overall] if several else [])):
            if test.degrees_of_freedom:
                method = f"Schoenfeld, chi-square {test.statistic:.3f} on {test.degrees_of_freedom} df, p"
                name = test.name if test is not tested.overall else ""
                convention = f"score test, g(t) = 1 - Kaplan-Meier, {known.ties.capitalize()} ties{without}"
                yield _test(
                    "proportional-hazards", name, test.p, method, convention, known.complete, known.left_out, adjusted=several
                )
    baseline = known.baseline_fit
    if baseline is not None and baseline.degrees_of_freedom:
        method = f"likelihood ratio, chi-square {baseline.statistic:.3f} on {baseline.degrees_of_freedom} df, p"
        steps = ", ".join(f"{cut:g}" for cut in baseline.cuts)
        convention = f"{known.fit.plan.family} against the same times a step at {steps}{without}"
        yield _test("baseline-fit", "", baseline.p, method, convention, known.complete, known.left_out, adjusted=bool(known.names))


def _test(
    estimand: str, term: str, p: float, method: str, convention: str, rows: Cohort, reasons: list[Reason], adjusted: bool = False
) -> Row:
    identity = {"estimand": estimand, "term": term, "unit": "p"}
    return Row(identity, Comparison.of_test(p, reasons), method, convention, adjusted, float(rows.weight.sum()))
