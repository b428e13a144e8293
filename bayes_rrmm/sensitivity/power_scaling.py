"""Power-scaling: how far each reported number moves when the prior, or the likelihood, is made a little stronger or weaker.

Kallioinen, Paananen, Buerkner and Vehtari (Statistics and Computing 2024;34:57). A density is raised to a power near 1, the draws
are reweighed by Pareto-smoothed importance sampling, and the sensitivity is the cumulative Jensen-Shannon distance between the
draws with and without weights, per doubling. Computed by ArviZ. Only what the analyst stated is scaled: standard-normal
innovations of pooled effects, random walks and frailties are not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.diagnostics.leave_one_out import TOO_HIGH
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import AnyEstimand, HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import Estimates, estimate, estimate_all, estimates_table
from bayes_rrmm.reading.summary import summary_of
from bayes_rrmm.reading.table import labelled_draws
from bayes_rrmm.sensitivity.power_scaling_components import LIKELIHOOD, PRIOR, Component, components_of
from bayes_rrmm.sensitivity.power_scaling_record import (
    CANCEL,
    CONFLICT,
    DATA,
    NEITHER,
    NOT_COMPUTED,
    SCALED_COLUMNS,
    STRONG,
    PowerScaling,
)
from bayes_rrmm.sensitivity.reweighted import smoothed_weights
from bayes_rrmm.specification.analysis import IntervalChoice

THRESHOLD = 0.05
"""Sensitivity at which a component is felt: the limit of ArviZ and of the paper."""

NEAR = (0.99, 1.01)
"""Powers between which the sensitivity is a slope."""

FAR = {"half": 0.5, "twice": 2.0}
"""Powers for the size of the movement: of a normal prior, an sd 1.41 times as large, and 0.71 times."""

LABELS = [
    "estimand", "endpoint", "term", "group", "versus", "contrast", "subgroup", "population", "at", "given", "unit", "extrapolated",
]  # fmt: skip


def power_scaling(
    fit: Fit, cohort: Cohort | None = None, estimands: Sequence[AnyEstimand] | None = None, *, threshold: float = THRESHOLD
) -> PowerScaling:
    """The sensitivity of each estimand (those of the analysis unless given) to prior and likelihood, by importance sampling.

    `cohort` are the fit's rows, needed where the fit was saved without them. Raises FitError where they are missing,
    RunFolderError where they are others, AnalysisError where an estimand or the threshold makes no sense.
    """
    if not 0 < threshold < 1:
        raise AnalysisError(
            f"threshold = {threshold:g}: a sensitivity is felt from a value between 0 and 1; the usual one is 0.05."
        )
    if cohort is not None:
        fit = replace(fit, cohort=fit.same_rows(cohort, "power-scaling"))
    components = components_of(fit)
    weighed = [Weighed.of(component) for component in components]
    read = estimate_all(fit) if estimands is None else [(item, estimate(fit, item)) for item in estimands]
    prob = fit.analysis.sampling.interval.prob
    found, moved = [], []
    for labels, draws, on_log in (one for item in read for one in _quantities(*item)):
        row, movements = _read(labels, draws, on_log, weighed, prob, threshold)
        found.append(row)
        moved += movements
    return PowerScaling(
        title=fit.analysis.title,
        table=pd.DataFrame(found, columns=[*LABELS, *SCALED_COLUMNS]),
        moved=pd.DataFrame(moved),
        threshold=threshold,
        prob=prob,
        draws=fit.shape[0] * fit.shape[1],
        parts={item.name: item.parameters for item in components if item.name not in (PRIOR, LIKELIHOOD)},
        pareto_k={name: {item.component.name: item.far_k[name] for item in weighed} for name in FAR},
        near_k=max(item.near_k for item in weighed),
        improper=tuple(item.name for item in components if item.least_power >= FAR["half"]),
        noise={item.component.name: item.noise(fit.analysis.sampling.seed) for item in weighed},
        mark=fit.mark,
        notes=_notes(fit, read),
    )


@dataclass(frozen=True)
class Weighed:
    """A component and the weights of the draws under each power of it; `far` has None where Pareto k is too high, or where
    the power has no finite integral: then k is infinite."""

    component: Component
    near: tuple[Floats, Floats]
    near_k: float
    far: dict[str, Floats | None]
    far_k: dict[str, float]

    @classmethod
    def of(cls, component: Component) -> Weighed:
        values = component.log_density
        if component.is_constant:
            even = np.full(values.shape, 1.0 / values.size)
            nothing: dict[str, Floats | None] = {name: even.ravel() for name in FAR}
            return cls(component, (even, even), 0.0, nothing, dict.fromkeys(FAR, 0.0))
        near = [np.exp(array_stats.power_scale_lw(values, alpha=alpha, axis=(-2, -1))) for alpha in NEAR]
        first, second = (weight / weight.sum() for weight in near)
        efficiency = min(1.0, float(array_stats.ess(values, method="mean")) / values.size)
        smoothed = {name: smoothed_weights((power - 1.0) * values.ravel(), efficiency) for name, power in FAR.items()}
        proper = {name: power > component.least_power for name, power in FAR.items()}
        return cls(
            component,
            (first, second),
            max(smoothed_weights((alpha - 1.0) * values.ravel(), efficiency)[1] for alpha in NEAR),
            {name: weight if k <= TOO_HIGH and proper[name] else None for name, (weight, k) in smoothed.items()},
            {name: k if proper[name] else math.inf for name, (_, k) in smoothed.items()},
        )

    def sensitivity(self, draws: Floats) -> float:
        """The distance per doubling of the component, for draws of shape (chains, draws)."""
        if self.component.is_constant:
            return 0.0
        return float(array_stats.power_scale_sense(draws, *self.near, *NEAR, chain_axis=-2, draw_axis=-1))

    def noise(self, seed: int) -> float:
        """The sensitivity of independent normal draws, which have nothing to do with the component: the mean of 20."""
        rng = np.random.default_rng([seed, 7])
        return float(np.mean([self.sensitivity(rng.normal(size=self.component.log_density.shape)) for _ in range(20)]))

    def shift(self, draws: Floats) -> float:
        """How far the mean moves for a doubling, to first order, in posterior sds: ln 2 cov(quantity, log density) / sd."""
        if self.component.is_constant:
            return 0.0
        return float(math.log(2.0) * np.cov(draws.ravel(), self.component.log_density.ravel())[0, 1] / draws.std(ddof=1))


def _quantities(estimand: AnyEstimand, estimates: Estimates) -> list[tuple[dict[str, Any], Floats, bool]]:
    """Labels as in estimates.csv, draws of shape (chains, draws), and whether the quantity is read on the log scale."""
    table = estimates_table([(estimand, estimates)])
    if isinstance(estimand, HazardRatio):  # one row a threshold, of the same draws
        table = table.iloc[:: len(dict.fromkeys((1.0, *estimand.threshold)))]
    table = table[table["unit"] == estimates.unit]  # the probabilities of being best and worst are made of the same ranks
    drawn = [draws for _, _, draws in labelled_draws(estimand, estimates)]
    on_log = estimates.unit == "ratio" or estimates.estimand == "median"
    return [
        ({str(key): value for key, value in labels.items()}, draws, on_log and bool(np.all(draws > 0)))
        for labels, draws in zip(table[LABELS].to_dict("records"), drawn, strict=True)
    ]


def _read(
    labels: dict[str, Any], draws: Floats, on_log: bool, weighed: list[Weighed], prob: float, threshold: float
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A row of the table, and of the movements one for each component of the prior and each power."""
    summary = summary_of(draws.ravel(), IntervalChoice(kind="eti", prob=prob), None)
    row = {**labels, **{name: summary[name] for name in ("median", "lower", "upper", "p_not_reached")}}
    row |= {"prob": prob, "scale": "log" if on_log else "natural"}
    moved = []
    for item in weighed:
        if item.component.name == LIKELIHOOD:
            continue
        for name, power in FAR.items():
            limits = _limits(draws.ravel(), item.far[name], prob)
            moved.append({**labels, "component": item.component.name, "power": power, **limits, "pareto_k": item.far_k[name]})
            if item.component.name == PRIOR:
                row |= {f"{key}_{name}": value for key, value in limits.items()}
    values, reason = _finite(draws, on_log)
    if values is None:
        return row | {"diagnosis": NOT_COMPUTED, "flagged": False, "reason": reason}, moved
    row |= {item.component.name: item.sensitivity(values) for item in weighed}
    if math.isnan(row[PRIOR]) or math.isnan(row[LIKELIHOOD]):
        return row | {"diagnosis": NOT_COMPUTED, "flagged": False, "reason": "a log density of prior or data is no number"}, moved
    for item in weighed:
        if item.component.name in (PRIOR, LIKELIHOOD):
            row[f"shift_{item.component.name}"] = item.shift(values)
    parts = [row[item.component.name] for item in weighed if item.component.name not in (PRIOR, LIKELIHOOD)]
    diagnosis = diagnose_scaling(row[PRIOR], row[LIKELIHOOD], parts, threshold)
    return row | {"diagnosis": diagnosis, "flagged": diagnosis in (CONFLICT, STRONG, CANCEL), "reason": reason}, moved


def diagnose_scaling(prior: float, likelihood: float, parts: Sequence[float], threshold: float) -> str:
    """The paper's reading of the two sensitivities; one line of its own for parts of the prior that cancel each other."""
    if prior >= threshold:
        return CONFLICT if likelihood >= threshold else STRONG
    if any(part >= max(threshold, 2.0 * prior) for part in parts):
        return CANCEL
    return DATA if likelihood >= threshold else NEITHER


def _finite(draws: Floats, on_log: bool) -> tuple[Floats | None, str]:
    """Draws as they are measured, shape (chains, draws), and what was done to them; None, with the reason, where nothing can be.

    A draw that is not reached counts as the latest that is: the distance is then that of min(quantity, horizon).
    """
    reached = np.isfinite(draws)
    if np.isnan(draws).any():
        return None, "some draws are no number"
    if reached.mean() < 0.5:
        return None, "not reached in more than half of the draws"
    values = np.where(reached, draws, draws[reached].max())
    if np.ptp(values) == 0:
        return None, "every draw is the same"
    reason = "" if reached.all() else f"not reached in {1 - reached.mean():.1%} of the draws, which count as the latest that is"
    return (np.log(values) if on_log else values), reason


def _limits(draws: Floats, weight: Floats | None, prob: float) -> dict[str, float]:
    """Median and equal-tailed limits of weighted draws, each in the middle of its weight; NaN where there are no weights."""
    names = ("median", "lower", "upper")
    if weight is None or np.isnan(draws).any():
        return dict.fromkeys(names, math.nan)
    order = np.argsort(draws, kind="stable")
    ordered, middle = draws[order], np.cumsum(weight[order]) - 0.5 * weight[order]
    found = {}
    for name, at in zip(names, (0.5, 0.5 - 0.5 * prob, 0.5 + 0.5 * prob), strict=True):
        position = float(np.interp(at, middle, np.arange(len(ordered))))
        low = math.floor(position)
        share = position - low
        if share == 0.0:
            found[name] = float(ordered[low])
        else:  # infinite beside a finite draw is infinite
            found[name] = float((1 - share) * ordered[low] + share * ordered[low + 1])
    return found


def _notes(fit: Fit, read: Sequence[tuple[AnyEstimand, Estimates]]) -> tuple[str, ...]:
    notes = []
    if fit.analysis.sampling.interval.kind == "hdi":
        notes.append("intervals here are equal-tailed, unlike those of the analysis")
    if fit.plan.priors.baseline.is_default:
        notes.append("the prior of the baseline is a default scaled by the data: its strength is scaled here, its centre is not")
    if fit.plan.frailty is not None:
        notes.append("the likelihood is that of clusters, their frailty averaged over")
    if fit.plan.covariates is not None:
        notes.append("the likelihood is that of outcomes and of the covariates with gaps together")
    if any(not np.isfinite(estimates.draws.to_numpy()).all() for _, estimates in read):
        notes.append("a median that is not reached counts, for its sensitivity, as the latest that is reached")
    return tuple(notes)
