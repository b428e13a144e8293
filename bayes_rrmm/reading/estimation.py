"""`estimate`: the draws of one estimand from a fit. Definitions: STATISTICS, section 3."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import ENTERERS, AnyEstimand, Curve, HazardRatio, Median, Rank, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading.contrasts import hazard_ratio_contrasts
from bayes_rrmm.reading.estimates import Estimates
from bayes_rrmm.reading.population import LARGE_SHARE, GroupCurve, Members, empty_cells, group_curves
from bayes_rrmm.reading.questions import check_times
from bayes_rrmm.reading.summary import summary_of

CONDITIONAL = ("conditional", "conditional on the frailty")
"""Population of a hazard ratio: given the other covariates, and given the frailty of a model that has one."""
RATIOS_WITHIN = (
    "hazard ratios compare rows of one cluster ({cluster}), whose frailty is the same: between clusters hazards are not "
    "proportional, and their ratio is nearer to 1"
)
CURVES_OF_NEW = "curves are those of a new cluster ({cluster}): averaged over the distribution of the frailty{anew}"
ANEW = ", which is that among clusters at the start of the curves"


def estimate(fit: Fit, estimand: AnyEstimand, *, by: str | None = None, population: str | Cohort | None = None) -> Estimates:
    """Draws of the estimand, labelled.

    `by` and `population` override those of the estimand; a cohort may stand for the population. Curves are
    standardised over the analysed rows unless told otherwise, and given survival to the plan's `start`: the result's `given`.
    Of a cohort followed from time 0 survival from `given` on is mean S_i(t) / mean S_i(given); from a start after it, the mean of
    S_i(t) / S_i(start) over those who are there. Raises AnalysisError for a group, term or population that the model does
    not have, and for a time before the start; FitError where rows are needed that the fit was saved without.
    """
    if isinstance(estimand, HazardRatio):
        return _hazard_ratio(fit, estimand if by is None else estimand.model_copy(update={"by": by}))
    if isinstance(estimand, Rank):
        return _rank(fit, estimand, population or estimand.population)
    who = population if population is not None else estimand.population
    return _curve(fit, estimand, by or estimand.by, who)


def _hazard_ratio(fit: Fit, estimand: HazardRatio) -> Estimates:
    contrasts = hazard_ratio_contrasts(fit.plan, estimand)
    log_hr = np.zeros((len(contrasts), *fit.shape))
    for index, contrast in enumerate(contrasts):
        total = np.zeros(fit.shape[0] * fit.shape[1])
        if "beta" in fit.draws:
            total = total + fit.draws["beta"] @ contrast.columns
        if "effect" in fit.draws:
            total = total + fit.draws["effect"] @ contrast.levels
        log_hr[index] = total.reshape(fit.shape)
    labels = [contrast.label for contrast in contrasts]
    draws = xr.DataArray(
        np.exp(log_hr),
        dims=("comparison", "chain", "draw"),
        coords={
            "comparison": labels,
            "group": ("comparison", [contrast.group for contrast in contrasts]),
            "versus": ("comparison", [contrast.versus for contrast in contrasts]),
            "subgroup": ("comparison", [contrast.subgroup for contrast in contrasts]),
            "chain": np.arange(fit.shape[0]),
            "draw": np.arange(fit.shape[1]),
        },
    ).transpose("chain", "draw", "comparison")
    never = xr.zeros_like(draws.isel(chain=0, draw=0, drop=True), dtype=bool)
    if estimand.group is not None and len(labels) == 1:
        draws, never = draws.isel(comparison=0), never.isel(comparison=0)
    about = {"unit": "ratio", "population": CONDITIONAL[fit.plan.frailty is not None], "term": estimand.of}
    return _labelled(fit, estimand, draws, never, **about, notes=_on_frailty(fit, RATIOS_WITHIN), null=estimand.threshold[0])


def _rank(fit: Fit, estimand: Rank, population: str | Cohort) -> Estimates:
    """Ranks of the groups: 1 for the lowest hazard, or for the longest RMST where `upto` is given."""
    group = fit.plan.encoding.group(estimand.of)
    if estimand.upto is None:
        everyone = HazardRatio(of=estimand.of)
        ratios = estimate(fit, everyone).draws.transpose("chain", "draw", "comparison")
        reference = str(ratios["versus"].to_numpy()[0])
        values = np.concatenate([np.ones((*fit.shape, 1)), ratios.to_numpy()], axis=2)
        levels = [reference, *(str(level) for level in ratios["group"].to_numpy())]
        where, beyond = CONDITIONAL[fit.plan.frailty is not None], [False] * len(levels)
    else:
        rmst = _curve(fit, Rmst(upto=estimand.upto), estimand.of, population)
        values, levels = -rmst.draws.transpose("chain", "draw", estimand.of).to_numpy(), list(group.levels)
        where, beyond = rmst.population, rmst.extrapolated.to_numpy().tolist()
    ranks = values.argsort(axis=2).argsort(axis=2) + 1.0
    coords = {"chain": np.arange(fit.shape[0]), "draw": np.arange(fit.shape[1]), estimand.of: levels}
    draws = xr.DataArray(ranks, dims=("chain", "draw", estimand.of), coords=coords)
    extrapolated = xr.DataArray(beyond, dims=(estimand.of,), coords={estimand.of: levels})
    ranked = "the lowest hazard" if estimand.upto is None else f"the longest RMST to {estimand.upto:g} {fit.analysis.endpoint.unit}"
    notes = (f"ranks of {estimand.of}: 1 is best, {ranked}",)
    return _labelled(fit, estimand, draws, extrapolated, unit="rank", population=where, term=estimand.of, notes=notes)


def _curve(fit: Fit, estimand: Survival | Median | Rmst, by: str | None, population: str | Cohort) -> Estimates:
    average, start = population == "average", 0.0 if population == ENTERERS else fit.plan.start
    check_times(fit.plan, estimand, population if isinstance(population, str) else "")
    curves, who = group_curves(fit, by, population, average)
    pieces, beyond = zip(*(_read(fit, estimand, curve) for curve in curves), strict=True)
    times = list(estimand.at) if isinstance(estimand, Survival) else None
    dims, coords = ["chain", "draw"], {"chain": np.arange(fit.shape[0]), "draw": np.arange(fit.shape[1])}
    values = np.stack([piece.reshape(*fit.shape, -1) for piece in pieces], axis=2)
    flags = np.array(beyond)
    if by is not None:
        dims, coords = [*dims, by], {**coords, by: np.array([curve.label for curve in curves], dtype=object)}
    else:
        values, flags = values[:, :, 0], flags[0]
    if times is not None:
        dims, coords = [*dims, "time"], {**coords, "time": np.array(times)}
    else:
        values, flags = values[..., 0], flags[..., 0]
    draws = xr.DataArray(values, dims=dims, coords=coords)
    extrapolated = xr.DataArray(flags, dims=dims[2:], coords={dim: coords[dim] for dim in dims[2:]})
    unit = "probability" if isinstance(estimand, Survival) else fit.analysis.endpoint.unit
    result = _labelled(
        fit,
        estimand,
        draws,
        extrapolated,
        unit=unit,
        population=who.name,
        by=by or "",
        given=getattr(estimand, "given", None) or start or None,
        notes=(*_on_frailty(fit, CURVES_OF_NEW), *about_start(fit, who), *(() if average else empty_cells(fit, by, who))),
    )
    return result if estimand.contrast == "none" else contrast_between_groups(fit, result, estimand, by)


def contrast_between_groups(fit: Fit, values: Estimates, estimand: Curve, by: str | None) -> Estimates:
    """Each group minus, or divided by, the group `versus` (default: the reference)."""
    if by is None:
        raise AnalysisError(f"contrast = {estimand.contrast!r} needs by, the variable whose groups are compared.")
    encoding = fit.plan.encoding
    versus = encoding.group(by).reference if estimand.versus is None else encoding.level(by, estimand.versus)
    others = [level for level in encoding.group(by).levels if level != versus]
    base = values.draws.sel({by: versus}, drop=True)
    chosen = values.draws.sel({by: others})
    difference = estimand.contrast == "difference"
    draws = (chosen - base) if difference else (chosen / base)
    flags = values.extrapolated.sel({by: others}) | values.extrapolated.sel({by: versus}, drop=True)
    return replace(
        values,
        draws=draws.assign_coords(versus=versus),
        extrapolated=flags,
        contrast=estimand.contrast,
        unit=values.unit if difference else "ratio",
        null=0.0 if difference else 1.0,
    )


def _read(fit: Fit, estimand: Survival | Median | Rmst, curve: GroupCurve) -> tuple[Floats, Any]:
    """Draws (S,) or (S, T) for one group, and whether each lies beyond its follow-up."""
    if isinstance(estimand, Survival):
        times = np.array(estimand.at)
        beyond = (times > curve.last_follow_up).tolist()
        given = estimand.given
        return curve.curve.survival(times) if given is None else curve.curve.conditional(times, given), beyond
    if isinstance(estimand, Rmst):
        return curve.curve.rmst(np.array([estimand.upto])), [estimand.upto > curve.last_follow_up]
    medians = curve.curve.quantile(0.5)
    horizon = curve.last_follow_up if estimand.horizon is None else estimand.horizon
    reached = np.where(medians <= horizon, medians, math.inf)
    reported = summary_of(reached, fit.analysis.sampling.interval, None, "log")
    limits = [reported[name] for name in ("lower", "median", "upper")]
    return reached, [any(math.isfinite(limit) and limit > curve.last_follow_up for limit in limits)]


def about_start(fit: Fit, who: Members) -> tuple[str, ...]:
    """Of whom curves are that do not run from time 0, and how unevenly late entrants make up their population."""
    start, unit = fit.plan.start, fit.analysis.endpoint.unit
    if who.name == ENTERERS:
        return ("curves are of those who entered, in time since each one's own entry",)
    if start and fit.analysis.model.landmark is not None:
        whom = f"those at risk at the landmark of {start:.4g} {unit}"
        return (f"curves are of {whom}, given survival to it; time runs from the origin",)
    sharing = who.sharing
    if sharing is None:
        return (f"curves start at {start:.4g} {unit}, given survival to it; time runs from the origin",) if start else ()
    alive = f"alive at {start:.4g} {unit}" if start else "at time 0"
    notes = [
        f"curves are of the source population {alive}: later entrants weigh what their survival from then to their entry implies; "
        f"of {sharing.patients:g} patients Kish's effective number is {sharing.kish:.1f}, the largest share {sharing.largest:.1%}"
    ]
    if sharing.largest > LARGE_SHARE:
        notes.append(
            f"WARNING: one patient who entered late carries {sharing.largest:.0%} of the source population's weight: curves hang "
            f'on them; ask for population = "{ENTERERS}", or for what follows a landmark'
        )
    return tuple(notes)


def _on_frailty(fit: Fit, note: str) -> tuple[str, ...]:
    """What a number of a model with a frailty is about; nothing to say of others."""
    frailty = fit.analysis.model.frailty
    return () if frailty is None else (note.format(cluster=frailty.cluster, anew=ANEW if fit.plan.frailty_is_anew else ""),)


def _labelled(fit: Fit, estimand: AnyEstimand, draws: xr.DataArray, extrapolated: xr.DataArray, **rest: Any) -> Estimates:
    return Estimates(
        draws=draws,
        estimand=estimand.kind,
        endpoint=fit.analysis.endpoint.name,
        origin=fit.identity,
        horizon=getattr(estimand, "upto", getattr(estimand, "horizon", None)),
        mark=fit.mark,
        interval=fit.analysis.sampling.interval,
        extrapolated=extrapolated,
        **rest,
    )
