"""Hazard ratios beside Cox: the same design columns, pooled groups entering as dummies against their first level."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bayes_rrmm.agreement.row import NOTHING, Comparison, Row
from bayes_rrmm.agreement.verdict import FEW_EVENTS, PRIOR_SHARE, Answer
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import Cox, cox
from bayes_rrmm.reading import Estimates
from bayes_rrmm.reading.contrasts import Contrast, hazard_ratio_contrasts

CONVENTION = "Efron ties, Wald interval"


def cox_rows(fit: Fit, rows: Cohort, model: Cox | str, estimand: HazardRatio, estimates: Estimates) -> list[Row]:
    """A row a comparison of the estimand with the fit's `cox_model`."""
    contrasts = hazard_ratio_contrasts(fit.plan, estimand)
    adjusted = len(fit.analysis.formula.terms) > 1
    compared = []
    for contrast in contrasts:
        chosen = estimates.draws if "comparison" not in estimates.draws.dims else estimates.draws.sel(comparison=contrast.label)
        draws = chosen.transpose("chain", "draw").to_numpy()
        comparison = _compare(fit, rows, model, contrast, estimand, draws, estimates)
        identity: dict[str, Any] = {
            "estimand": "hazard-ratio",
            "term": estimand.of,
            "group": contrast.group,
            "versus": contrast.versus,
            "contrast": "ratio",
            "subgroup": contrast.subgroup,
            "population": estimates.population,
            "unit": "ratio",
        }
        compared.append(Row(identity, comparison, "Cox", CONVENTION, adjusted, float(rows.weight[rows.is_complete()].sum())))
    return compared


def cox_model(fit: Fit, rows: Cohort) -> Cox | str:
    """Cox on the fit's own design, rows with gaps left out; of each pooled term the first level is the reference.

    Where there is none, the reason's code.
    """
    encoding, complete = fit.plan.encoding, rows.select(rows.is_complete())
    keep = _free_levels(fit)
    design = np.concatenate([encoding.design(complete.covariates), encoding.indicators(complete.covariates)[:, keep]], axis=1)
    names = [column.name for column in encoding.columns] + [encoding.pooled_levels[i] for i in keep]
    try:
        return cox(design, names, complete.time, complete.event, complete.entry, complete.weight)
    except FitError:
        return "no-convergence"
    except DataError:
        if len(complete) == len(rows):
            raise
        return "nothing-left"


def _free_levels(fit: Fit) -> list[int]:
    """Positions of the pooled levels that get a dummy: all but the first of each term."""
    positions, start = [], 0
    for pooled in fit.plan.encoding.pooled:
        positions += list(range(start + 1, start + len(pooled.levels)))
        start += len(pooled.levels)
    return positions


def _compare(
    fit: Fit, rows: Cohort, model: Cox | str, contrast: Contrast, estimand: HazardRatio, draws: Floats, estimates: Estimates
) -> Comparison:
    weights = np.concatenate([contrast.columns, contrast.levels[_free_levels(fit)]])
    has_frailty = fit.plan.frailty is not None
    reasons = ["different-model"] if has_frailty else []
    reasons += [] if rows.is_complete().all() else ["different-rows"]
    if np.any(contrast.levels != 0):
        reasons.append("pooled")
    if _fewest_events(fit, rows, contrast, estimand) < FEW_EVENTS:
        reasons.append("few-events")
    if isinstance(model, str):
        return Comparison.refused(draws, NOTHING, estimates.interval, [model, *reasons])
    log_hr, se, lower, upper = model.contrast(weights, estimates.interval.prob)
    if not math.isfinite(log_hr) or not math.isfinite(se):
        return Comparison.refused(draws, NOTHING, estimates.interval, [*reasons, "monotone-likelihood"])
    prior_variance = _prior_variance(fit, contrast)
    if se**2 / (se**2 + prior_variance) > PRIOR_SHARE:
        reasons.insert(0, "prior-weighs")
    freq = Answer(math.exp(log_hr), math.exp(lower), math.exp(upper))
    if has_frailty:
        return Comparison.refused(draws, freq, estimates.interval, reasons)
    return Comparison.between(draws, freq, math.log, estimates.interval, reasons)


def _prior_variance(fit: Fit, contrast: Contrast) -> float:
    """Prior variance of the log hazard ratio, from the stored prior draws."""
    prior = fit.tree["prior"].to_dataset()
    size = fit.shape[0] * fit.shape[1]
    log_hr = np.zeros(size)
    if "beta" in prior:
        log_hr += prior["beta"].to_numpy().reshape(size, -1) @ contrast.columns
    if "effect" in prior:
        log_hr += prior["effect"].to_numpy().reshape(size, -1) @ contrast.levels
    return float(log_hr.var())


def _fewest_events(fit: Fit, rows: Cohort, contrast: Contrast, estimand: HazardRatio) -> float:
    """Events of the smaller of the two groups compared, within the subgroup where there is one."""
    if not fit.plan.encoding.is_group(estimand.of) or not contrast.versus:
        return math.inf
    inside = rows.weight * rows.event * rows.is_complete()
    if estimand.by is not None:
        level = contrast.subgroup.removeprefix(f"{estimand.by}=")
        inside = inside * (rows.covariates[estimand.by] == level).to_numpy()
    values = rows.covariates[estimand.of].to_numpy(dtype=object)
    return min(float(inside[values == level].sum()) for level in (contrast.group, contrast.versus))
