"""Survival, medians and RMST beside Kaplan-Meier of the same rows, group by group."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import ndtri

from bayes_rrmm.agreement.row import NOTHING, Comparison, Row
from bayes_rrmm.agreement.verdict import FEW_EVENTS, LARGEST_DIFFERENCE, WIDTH_RATIOS, Answer, Transform, log_minus_log
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.estimands import AnyEstimand, Curve, Median, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import KaplanMeier, kaplan_meier
from bayes_rrmm.reading import Estimates
from bayes_rrmm.reading.table import labelled_draws

METHOD = "Kaplan-Meier"


def curve_rows(fit: Fit, rows: Cohort, estimand: Curve, estimates: Estimates) -> list[Row]:
    """A row a group and time of the estimand."""
    by = estimates.by or None
    adjusted = fit.analysis.formula.variables != ((by,) if by else ())
    shared = _shared_reasons(fit, estimates, by)
    by_known = by is None or bool(rows.is_complete((by,)).all())
    curves: dict[str, KaplanMeier] = {}
    compared = []
    for _, labels, draws in labelled_draws(_plain(estimand), estimates):
        group = str(labels.get(by, "")) if by else ""
        for level in (group, labels.get("versus", "")):
            if level not in curves:
                curves[level] = _kaplan_meier(rows, by, level, estimates)
        comparison = _compare(estimand, estimates, curves, (group, labels.get("versus", "")), labels, draws, shared, by_known)
        identity: dict[str, Any] = {
            "estimand": estimates.estimand,
            "term": by or "",
            "group": group,
            "versus": labels.get("versus", ""),
            "contrast": estimates.contrast,
            "population": estimates.population,
            "at": labels.get("time", _horizon(estimand)),
            "given": math.nan if estimates.given is None else estimates.given,
            "unit": estimates.unit,
        }
        convention = "first t with S(t) <= 1/2, log-log interval" if isinstance(estimand, Median) else "log-log interval"
        if isinstance(estimand, Rmst):
            convention = "area under the curve, Greenwood-type variance"
        compared.append(Row(identity, comparison, METHOD, convention, adjusted, _rows(curves, group, labels)))
    return compared


def _horizon(estimand: Curve) -> float:
    """The time that an RMST or a median runs to, as in estimates.csv; NaN where none was stated."""
    stated = getattr(estimand, "upto", getattr(estimand, "horizon", None))
    return stated if stated is not None and math.isfinite(stated) else math.nan


def _rows(curves: dict[str, KaplanMeier], group: str, labels: dict[str, Any]) -> float:
    """Patients behind the frequentist number: of the group, and of the one it is compared with."""
    return sum(curves[level].rows for level in dict.fromkeys((group, labels.get("versus") or group)))


def _plain(estimand: Curve) -> AnyEstimand:
    assert isinstance(estimand, Survival | Median | Rmst)
    return estimand


def _kaplan_meier(rows: Cohort, by: str | None, level: str, estimates: Estimates) -> KaplanMeier:
    keep = np.ones(len(rows), dtype=bool) if not by or not level else (rows.covariates[by] == level).to_numpy()
    entry = rows.entry
    if estimates.given is not None:
        entry = np.maximum(entry, estimates.given)
        keep = keep & (rows.time > estimates.given)
    label, prob = level or "all", estimates.interval.prob
    if not keep.any():
        return _nobody(label, estimates.given or 0.0, prob)
    outcome = (rows.time[keep], rows.event[keep], entry[keep], rows.weight[keep])
    if np.any(rows.entry[keep] > (estimates.given or 0.0)):
        return kaplan_meier(*outcome, prob=prob, label=label)
    # Everyone was there at `given`: nobody enters late, so few at risk is no reason to start later.
    return kaplan_meier(*outcome, prob=prob, label=label, fewest_at_risk=1.0)


def _nobody(label: str, given: float, prob: float) -> KaplanMeier:
    """The curve of a group that nobody is left of at `given`: its follow-up ends there."""
    none = np.empty(0)
    return KaplanMeier(label, 0.0, 0.0, given, none, none, none, none, none, none, given, prob)


def _shared_reasons(fit: Fit, estimates: Estimates, by: str | None) -> list[str]:
    """Reasons, true of every row of the estimand, for which the two sides answer different questions."""
    reasons = []
    others = [name for name in fit.analysis.formula.variables if name != by]
    if estimates.population not in ("cohort", "average") or (estimates.population == "average" and others):
        reasons.append("different-population")
    if by is not None and others:
        reasons.append("different-adjustment")
    return reasons


def _compare(
    estimand: Curve,
    estimates: Estimates,
    curves: dict[str, KaplanMeier],
    pair: tuple[str, str],
    labels: dict[str, Any],
    draws: Floats,
    shared: list[str],
    by_known: bool,
) -> Comparison:
    interval = estimates.interval
    used = [curves[level] for level in ((pair[0], pair[1]) if pair[1] else (pair[0],))]
    reasons = [] if by_known else ["different-rows"]
    reasons += ["few-events"] if min(curve.events for curve in used) < FEW_EVENTS else []
    answer, scale, missing = _frequentist(estimand, estimates, used, labels)
    expected_start = estimates.given or 0.0
    if any(curve.start > expected_start for curve in used):
        missing = [*(code for code in missing if code != "beyond-follow-up"), "late-start"]
    if shared or missing:
        return Comparison.refused(draws, answer, interval, [*shared, *missing, *reasons])
    compared = Comparison.between(draws, answer, scale, interval, reasons)
    verdict = compared.verdict
    if verdict.width_ratio < WIDTH_RATIOS[0]:
        known = tuple(code for code in verdict.reasons if code != "unexplained")
        left = ("unexplained",) if abs(verdict.difference_in_se) > LARGEST_DIFFERENCE and not known else ()
        verdict = replace(verdict, reasons=(*known, "borrows-strength", *left))
    return replace(compared, verdict=verdict)


def _frequentist(
    estimand: Curve, estimates: Estimates, used: list[KaplanMeier], labels: dict[str, Any]
) -> tuple[Answer, Transform, list[str]]:
    """The counterpart, the scale of comparison, and why there is none."""
    if isinstance(estimand, Rmst):
        return _rmst(estimand, estimates, used)
    if estimates.contrast != "none":
        return NOTHING, float, ["no-counterpart"]
    if isinstance(estimand, Median):
        answer = Answer(*used[0].median())
        reached = all(map(math.isfinite, (answer.estimate, answer.lower, answer.upper)))
        return answer, math.log, [] if reached else ["not-reached"]
    answer = Answer(*used[0].survival_at(labels["time"]))
    if math.isnan(answer.estimate):
        return answer, log_minus_log, ["beyond-follow-up"]
    return answer, log_minus_log, [] if 0 < answer.lower < answer.upper < 1 else ["degenerate-interval"]


def _rmst(estimand: Rmst, estimates: Estimates, used: list[KaplanMeier]) -> tuple[Answer, Transform, list[str]]:
    if estimates.contrast == "ratio":
        return NOTHING, float, ["no-counterpart"]
    values = [curve.rmst(estimand.upto) for curve in used]
    if any(math.isnan(value) for value, _ in values):
        return NOTHING, float, ["beyond-follow-up"]
    difference = values[0][0] - (values[1][0] if len(values) > 1 else 0.0)
    margin = float(ndtri(0.5 + estimates.interval.prob / 2)) * math.sqrt(sum(se**2 for _, se in values))
    return Answer(difference, difference - margin, difference + margin), float, []
