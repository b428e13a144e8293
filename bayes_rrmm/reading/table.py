"""estimates.csv: every estimand of an analysis, one row a label and threshold. The columns are a contract (DESIGN)."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import AnyEstimand, HazardRatio, Median, Rmst
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plan import Plan
from bayes_rrmm.reading.contrasts import hazard_ratio_contrasts
from bayes_rrmm.reading.estimates import Estimates
from bayes_rrmm.reading.estimation import estimate
from bayes_rrmm.reading.summary import summary_of

COLUMNS = [
    "estimand", "endpoint", "term", "group", "versus", "contrast", "subgroup", "population", "at", "given",
    "threshold", "unit", "median", "mean", "sd", "lower", "upper", "interval", "prob", "p_below", "p_above",
    "p_not_reached", "extrapolated", "passed",
]  # fmt: skip


def default_estimands(plan: Plan) -> tuple[AnyEstimand, ...]:
    """What is read when the analysis names no estimand: every hazard ratio there is, and median and RMST by each group.

    RMST runs to the follow-up of the group that was followed for the shortest time, of those followed beyond the start of the
    curves.
    """
    chosen: list[AnyEstimand] = []
    for term in plan.analysis.formula.terms:
        question = HazardRatio(of=term.name)
        try:
            hazard_ratio_contrasts(plan, question)
        except AnalysisError:
            continue
        chosen.append(question)
    for group in plan.encoding.groups:
        chosen.append(Median(by=group.name))
        ends = [end for end in group.last_follow_up if end > plan.start]
        chosen += [Rmst(upto=min(ends), by=group.name)] if ends else []
    return tuple(chosen) or (Median(),)


def estimate_all(fit: Fit) -> list[tuple[AnyEstimand, Estimates]]:
    """The analysis's estimands (or the default ones), each with its draws."""
    return [(estimand, estimate(fit, estimand)) for estimand in reported_estimands(fit)]


def reported_estimands(fit: Fit) -> tuple[AnyEstimand, ...]:
    """What a fit reports: the estimands of its analysis, or the default ones."""
    return tuple(fit.analysis.estimands or default_estimands(fit.plan))


def estimates_table(read: list[tuple[AnyEstimand, Estimates]], passed: dict[str, bool] | None = None) -> pd.DataFrame:
    """The table of estimates.csv. `passed` tells by `draw_name` whether the quantity passed the diagnostics gate."""
    rows: list[dict[str, Any]] = []
    for estimand, estimates in read:
        thresholds = dict.fromkeys((1.0, *estimand.threshold)) if isinstance(estimand, HazardRatio) else (estimates.null,)
        for name, labels, draws in labelled_draws(estimand, estimates):
            verdict = None if passed is None else passed[name]
            for threshold in thresholds:
                summary = summary_of(draws.ravel(), estimates.interval, threshold, estimates.scale)
                rows.append({**_identity(estimand, estimates, labels), **summary, "passed": verdict})
            if estimates.unit == "rank":
                about = {**_identity(estimand, estimates, labels), "passed": verdict}
                rows += [{**about, **extra} for extra in _rank_rows(estimates, draws)]
    return pd.DataFrame(rows, columns=COLUMNS)


def labelled_draws(estimand: AnyEstimand, estimates: Estimates) -> list[tuple[str, dict[str, Any], np.ndarray[Any, Any]]]:
    """Every label of the estimates: a name, its labels, and its draws of shape (chains, draws)."""
    dims = estimates.label_dims
    found = []
    for labels in itertools.product(*(estimates.draws[dim].to_numpy().tolist() for dim in dims)):
        where = dict(zip(dims, labels, strict=True))
        chosen = estimates.draws.sel(where)
        known = {str(name): coord.item() for name, coord in chosen.coords.items() if coord.ndim == 0}
        known["extrapolated"] = bool(estimates.extrapolated.sel(where))
        found.append((draw_name(estimand, estimates, known), known, chosen.transpose("chain", "draw").to_numpy()))
    return found


def draw_name(estimand: AnyEstimand, estimates: Estimates, labels: dict[str, Any]) -> str:
    """A readable name of one quantity, unique within an analysis."""
    detail = [str(value) for key, value in labels.items() if key not in ("extrapolated", "comparison", "versus") and str(value)]
    if labels.get("versus"):
        detail.append(f"versus {labels['versus']}")
    upto = getattr(estimand, "upto", None)
    horizon = getattr(estimand, "horizon", None)
    detail += [f"upto={upto:g}"] if upto is not None else []
    detail += [f"horizon={horizon:g}"] if horizon is not None else []
    detail += [f"given={estimates.given:g}"] if estimates.given is not None else []
    what = estimates.estimand if estimates.contrast == "none" else f"{estimates.estimand} {estimates.contrast}"
    where = "" if estimates.population in ("conditional", "conditional on the frailty", "cohort") else f", {estimates.population}"
    about = estimates.term or estimates.by
    return f"{what}[{', '.join([about, *detail]) if about else ', '.join(detail)}{where}]"


def _identity(estimand: AnyEstimand, estimates: Estimates, labels: dict[str, Any]) -> dict[str, Any]:
    term = estimates.term or estimates.by
    group = labels.get("group", labels.get(term, ""))
    time = labels.get("time", getattr(estimand, "upto", None))
    if isinstance(estimand, Median) and estimand.horizon is not None and math.isfinite(estimand.horizon):
        time = estimand.horizon
    return {
        "estimand": estimates.estimand,
        "endpoint": estimates.endpoint,
        "term": term,
        "group": group,
        "versus": labels.get("versus", ""),
        "contrast": "ratio" if estimates.estimand == "hazard-ratio" else estimates.contrast,
        "subgroup": labels.get("subgroup", ""),
        "population": estimates.population,
        "at": time,
        "given": estimates.given,
        "unit": estimates.unit,
        "extrapolated": labels["extrapolated"],
    }


def _rank_rows(estimates: Estimates, draws: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    groups = estimates.draws.sizes[estimates.term]
    measures = {
        "probability-best": float(np.mean(draws == 1)),
        "probability-worst": float(np.mean(draws == groups)),
        "sucra": float((groups - draws.mean()) / (groups - 1)),
    }
    return [{"estimand": name, "unit": "probability", "mean": value} for name, value in measures.items()]
