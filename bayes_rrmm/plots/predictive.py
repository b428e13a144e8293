"""Posterior predictive check: the Kaplan-Meier curve over the band of those of cohorts that the fitted model makes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from bayes_rrmm.model_checks.predictive import FEW, Compared, Predicted, predict
from bayes_rrmm.plots.frame import frame_of
from bayes_rrmm.plots.style import KAPLAN_MEIER, POSTERIOR, QUIET, Column, house_style
from bayes_rrmm.plots.time_curves import BEYOND, curve_of, draw_curve
from bayes_rrmm.plots.time_panels import Panel, columns_of, dress, group_of, time_panels
from bayes_rrmm.reading.summary import summary_of
from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import figure_of, interval_words, measure_of


def predictive(source: Source, by: str | None = None, *, column: Column = "double", title: str | None = None) -> Figure:
    """Kaplan-Meier of everyone, or of each group of `by` that has patients, over median and interval of the Kaplan-Meier curves of
    200 replicated cohorts: the same patients with new outcomes from the posterior, followed as long (`model_checks.predict` says
    how). Above each panel the number of events, and S at the group's median follow-up, beside those of the replicates, with the
    posterior predictive p of each.

    Raises AnalysisError where `by` is no group, FitError without rows, DataError where rows are spells that continue each other.
    """
    results = results_of(source)
    rows = results.rows_for("the posterior predictive check")
    by = None if by is None else group_of(results, by, "the posterior predictive check")
    found = predict(results.fit, rows, by)
    frame = frame_of(results, column, title, "Posterior predictive check")
    with house_style():
        above = [Panel("All patients" if by is None else one.label, tuple(_said(results, one))) for one in found]
        keys, notes = _keys(results, found), _notes(results, by, found)
        figure, panels = time_panels(frame, above, keys, notes, "Survival", f"Time ({rows.unit})")
        columns = columns_of(len(found), column)
        for index, (panel, one) in enumerate(zip(panels, found, strict=True)):
            dress(panel, float(rows.time.max()), rows.unit, first=index % columns == 0, narrow=column == "single" and columns > 1)
            panel.set_ylim(0.0, 1.02)
            panel.set_yticks(np.arange(0.0, 1.01, 0.25))
            panel.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
            if index % columns:
                panel.tick_params(labelleft=False)
            _draw(panel, one, results)
        return frame.complete(figure, _description(results, by, found))


def _draw(panel: Axes, one: Predicted, results: Results) -> None:
    if not len(one.time):
        panel.text(0.03, 0.05, "fewer than 10 at risk", transform=panel.transAxes, size=6, color=QUIET)
        return
    draw_curve(panel, curve_of(one.time, one.replicates, results.fit.analysis.sampling.interval, one.few_left, scale="natural"))
    curve = one.observed
    last = curve.survival[-1] if len(curve.time) else 1.0
    times = np.concatenate([[curve.start], curve.time, [curve.last_follow_up]])
    heights = np.concatenate([[1.0], curve.survival, [last]])
    panel.step(times, heights, where="post", color=KAPLAN_MEIER, linewidth=1.0)
    if curve.start > 0:
        panel.text(0.03, 0.05, f"S(t | {curve.start:.3g})", transform=panel.transAxes, size=6, color=QUIET)


def _said(results: Results, one: Predicted) -> list[str]:
    """The lines above a panel: the number of the data with its p, and below it what the replicates have."""
    lines = [f"{one.patients:g} patients" + (f", {one.observed.events:g} events" if one.events is None else "")]
    if one.events is not None:
        lines += _beside(results, f"Events {one.events.observed:g}", one.events, "count")
    if one.survival is not None:
        at = figure_of(one.follow_up, results.fit.analysis.endpoint.unit)
        lines += _beside(results, f"S({at}) {figure_of(one.survival.observed, 'probability')}", one.survival, "probability")
    return lines


def _beside(results: Results, name: str, compared: Compared, unit: str) -> list[str]:
    found = summary_of(compared.replicated, results.fit.analysis.sampling.interval, None)
    numbers = [found[which] for which in ("median", "lower", "upper")]
    middle, lower, upper = (measure_of(n, "count") if unit == "count" else figure_of(n, unit) for n in numbers)
    return [f"{name}, p {figure_of(compared.p, 'p')}:", f"{middle} [{lower}, {upper}]"]


def _keys(results: Results, found: Sequence[Predicted]) -> list[Any]:
    interval = results.fit.analysis.sampling.interval
    words = interval_words(interval.kind, interval.prob)
    keys: list[Any] = [
        Line2D([], [], color=KAPLAN_MEIER, linewidth=1.0, drawstyle="steps-post", label="Kaplan-Meier of the patients"),
        Line2D([], [], color=POSTERIOR, linewidth=1.3, label=f"Kaplan-Meier of replicates ({results.fit.plan.family}), median"),
        Patch(facecolor=POSTERIOR, alpha=0.22, label=f"{words} of the replicates"),
    ]
    if any(np.any(one.time > one.few_left) for one in found):
        keys.append(Line2D([], [], color=POSTERIOR, linewidth=1.0, linestyle=BEYOND, label=f"fewer than {FEW} patients at risk"))
    return keys


def _notes(results: Results, by: str | None, found: Sequence[Predicted]) -> list[str]:
    analysis, count = results.fit.analysis, len(found[0].replicates)
    whose = "all patients" if by is None else "the group"
    notes = [
        f"{count} replicates: the same patients, outcomes from the posterior, each followed to its own censoring, or, after an "
        f"event, to a time drawn from the reverse Kaplan-Meier curve of {whose}.",
        "Above each panel: number of the data; p, the share of replicates above it, ties by half, near 0 or 1 where the model does "
        "not fit; median and interval of the replicates. S at the median follow-up.",
    ]
    if analysis.model.frailty is not None:
        notes.append(f"Frailties of each {analysis.model.frailty.cluster} are drawn anew.")
    if results.fit.plan.covariates is not None and not results.rows.is_complete().all():
        notes.append("Missing covariates are drawn from their model.")
    if by is not None and not results.rows.is_complete((by,)).all():
        notes.append(f"Patients whose {by} is unknown are left out.")
    empty = [] if by is None else [level for level in results.fit.plan.encoding.group(by).levels if level not in _labels(found)]
    if empty:
        notes.append(f"No patients: {', '.join(empty)}.")
    return notes


def _labels(found: Sequence[Predicted]) -> list[str]:
    return [one.label for one in found]


def _description(results: Results, by: str | None, found: Sequence[Predicted]) -> str:
    said = []
    for one in found:
        words = ", ".join(_said(results, one)).replace(":, ", ", replicates ")
        share = _outside(results, one)
        outside = "" if math.isnan(share) else f"; outside the interval during {share:.0%} of the follow-up"
        said.append(f"{'All patients' if by is None else one.label}: {words}{outside}")
    return (
        f"Posterior predictive check of {results.fit.analysis.endpoint.name}: Kaplan-Meier curve of the patients over median and "
        f"interval of those of {len(found[0].replicates)} replicated cohorts. {'. '.join(said)}."
    )


def _outside(results: Results, one: Predicted) -> float:
    """The share of the follow-up during which the observed curve is outside the pointwise interval."""
    if not len(one.time):
        return math.nan
    band = curve_of(one.time, one.replicates, results.fit.analysis.sampling.interval, scale="natural")
    observed = np.append(1.0, one.observed.survival)[np.searchsorted(one.observed.time, one.time, side="right")]
    return float(np.mean((observed < band.lower - 1e-12) | (observed > band.upper + 1e-12)))


__all__ = ["predictive"]
