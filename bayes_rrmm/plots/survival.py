"""Posterior survival with its band over Kaplan-Meier, a panel a group, numbers at risk under each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from bayes_rrmm.agreement.curves import curves_table, everyone_table
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import at_risk
from bayes_rrmm.plots.frame import MARK, Frame, frame_of, place, write
from bayes_rrmm.plots.style import KAPLAN_MEIER, POSTERIOR, QUIET, Column, house_style
from bayes_rrmm.results import Source, results_of
from bayes_rrmm.rounding import interval_words, prob_words

PANEL_HEIGHT = 1.55
ABOVE, BELOW = 0.44, 0.62
"""Inches of a panel's axes, and of its name above and the numbers at risk below them."""
LEFT, GAP, FOOT = 0.48, 0.18, {"single": 1.0, "double": 0.76}

MOST_TICKS = 150
"""Censored patients of a group up to which each has its tick."""


def main_group(fit: Fit) -> str | None:
    """The first group variable of the formula, by which a figure is drawn; None where there is none."""
    groups = fit.plan.encoding.groups
    return groups[0].name if groups else None


def survival(
    source: Source,
    cohort: Cohort | None = None,
    by: str | None = None,
    *,
    column: Column = "double",
    title: str | None = None,
    passed: bool | None = None,
    curves: pd.DataFrame | None = None,
) -> Figure:
    """Survival by group: posterior median and interval (standardised over the cohort), Kaplan-Meier, numbers at risk.

    `by` None draws everyone in one panel. The posterior is dashed beyond a group's follow-up, where only the model
    speaks; under delayed entry Kaplan-Meier starts where enough are at risk. A fit whose diagnostics failed leaves its
    mark on the figure; `passed` overrides what the fit says. `column` is the width, that of one or of two columns of a page, and
    `title` what stands above ('' nothing). `curves` are the rows of curves.csv where they are at hand, else they are
    computed. Raises FitError where rows are needed that the fit was saved without.
    """
    results = results_of(source, cohort)
    fit, rows = results.fit, results.rows_for("the survival figure")
    if curves is None:
        curves = everyone_table(fit, rows) if by is None else curves_table(fit, rows, by)
    table = curves[curves["term"] == (by or "")]
    levels = ["all"] if by is None else list(fit.plan.encoding.group(by).levels)
    columns = _columns(len(levels), column)
    frame = frame_of(results, column, title, mark=None if passed is None else "" if passed else MARK)
    with house_style():
        figure, panels = _layout(len(levels), columns, frame)
        ticks = _ticks(rows, 4 if column == "single" and columns > 1 else 6)
        for index, (panel, level) in enumerate(zip(panels, levels, strict=True)):
            keep = np.ones(len(rows), dtype=bool) if by is None else (rows.covariates[by] == level).to_numpy()
            _curves(panel, table[table["group"] == level], fit.plan.start)
            _censored(panel, table[table["group"] == level], rows.time[keep & rows.is_last_spell & (rows.event == 0)])
            _axes(panel, ticks, 1.02 * float(rows.time.max()), first=index % columns == 0)
            _title(panel, "All patients" if by is None else level, rows.select(keep))
            _numbers_at_risk(panel, ticks, at_risk(ticks, rows.time[keep], rows.entry[keep], rows.weight[keep]))
        _legend(figure, fit, rows, column)
        return frame.complete(figure, _description(fit, rows, by, levels))


def _description(fit: Fit, rows: Cohort, by: str | None, levels: list[str]) -> str:
    whom = "all patients" if by is None else f"each {by}: {', '.join(levels)}"
    return (
        f"{fit.analysis.endpoint.name} over time in {rows.unit} of {whom}. Posterior median and interval of a {fit.plan.family} "
        f"model, standardised over the patients, over the unadjusted Kaplan-Meier curve, with the numbers at risk; "
        f"{rows.patients:g} patients, {rows.events:g} events."
    )


def _columns(count: int, column: str) -> int:
    if column == "single":
        return min(count, 2)
    return count if count <= 4 else 4 if count > 6 else 3


def _layout(count: int, columns: int, frame: Frame) -> tuple[Figure, list[Axes]]:
    lines = math.ceil(count / columns)
    figure = frame.sheet(lines * (ABOVE + PANEL_HEIGHT + BELOW), FOOT[frame.column])
    wide = min((frame.width - LEFT - 0.12 + GAP) / columns, 4.4)
    panels = []
    for index in range(count):
        line, across = divmod(index, columns)
        top = frame.head + line * (ABOVE + PANEL_HEIGHT + BELOW) + ABOVE
        panels.append(place(figure, LEFT + across * wide, top, wide - GAP, PANEL_HEIGHT))
    return figure, panels


def _curves(panel: Axes, table: pd.DataFrame, origin: float) -> None:
    posterior = table[table["source"] == "posterior"]
    start = pd.DataFrame([{"time": origin, "survival": 1.0, "lower": 1.0, "upper": 1.0, "extrapolated": False}])
    posterior = pd.concat([start, posterior[start.columns]], ignore_index=True)
    reached = int(np.sum(~posterior["extrapolated"].astype(bool)))
    for part, alpha, style in ((posterior[:reached], 0.22, "-"), (posterior[max(0, reached - 1) :], 0.10, (0, (2, 2)))):
        panel.fill_between(part["time"], part["lower"], part["upper"], color=POSTERIOR, alpha=alpha, linewidth=0)
        panel.plot(part["time"], part["survival"], color=POSTERIOR, linewidth=1.3 if style == "-" else 1.0, linestyle=style)
    observed = table[table["source"] == "kaplan-meier"]
    if not len(observed):
        panel.text(0.03, 0.05, "Kaplan-Meier: fewer than 10 at risk", transform=panel.transAxes, size=6, color=QUIET)
        return
    panel.step(observed["time"], observed["survival"], where="post", color=KAPLAN_MEIER, linewidth=0.9)
    for limit in ("lower", "upper"):
        panel.step(observed["time"], observed[limit], where="post", color=KAPLAN_MEIER, linewidth=0.5, linestyle=":")
    entered = float(observed["time"].iloc[0])
    if entered > 0:
        panel.text(0.03, 0.05, f"Kaplan-Meier: S(t | {entered:.3g})", transform=panel.transAxes, size=6, color=QUIET)


def _censored(panel: Axes, table: pd.DataFrame, times: Floats) -> None:
    observed = table[table["source"] == "kaplan-meier"].sort_values("time")
    if len(times) > MOST_TICKS or not len(observed):
        return
    times = times[times > observed["time"].iloc[0]]
    steps = observed["time"].to_numpy()[:-1]
    height = observed["survival"].to_numpy()[np.searchsorted(steps, times, side="right") - 1]
    panel.plot(times, height, linestyle="none", marker="|", markersize=3, markeredgewidth=0.5, color=KAPLAN_MEIER)


def _axes(panel: Axes, ticks: Floats, end: float, first: bool) -> None:
    panel.set_xlim(0, end)
    panel.set_ylim(0, 1.02)
    panel.set_xticks(ticks)
    panel.set_yticks(np.arange(0, 1.01, 0.25))
    panel.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    if not first:
        panel.tick_params(labelleft=False)


def _title(panel: Axes, name: str, rows: Cohort) -> None:
    panel.text(0, 1.13, name, transform=panel.transAxes, weight="bold", size=8, va="bottom")
    counted = f"{rows.patients:g} patients, {rows.events:g} events"
    panel.text(0, 1.03, counted, transform=panel.transAxes, size=6.5, color=QUIET, va="bottom")


def _numbers_at_risk(panel: Axes, ticks: Floats, counts: Floats) -> None:
    place: Any = panel.get_xaxis_transform()
    panel.text(0.0, -0.185, "Number at risk", transform=panel.transAxes, ha="left", va="top", size=6, color=QUIET)
    for tick, count in zip(ticks, counts, strict=True):
        panel.text(tick, -0.275, f"{count:g}", transform=place, ha="center", va="top", size=6.5)


def _ticks(rows: Cohort, most: int) -> Floats:
    """At most so many times from 0 to the last follow-up; multiples of 12 where the unit is months."""
    end = float(rows.time.max())
    if rows.unit == "months" and end > 12:
        years = next((step for step in (1, 2, 3, 4, 5, 10, 20) if 12.0 * (most - 1) * step > end), None)
        if years is not None:
            return np.asarray(np.arange(0.0, end, 12.0 * years))
    ticks = MaxNLocator(nbins=most - 1, steps=[1, 2, 2.5, 5, 10]).tick_values(0.0, end)
    return np.asarray([tick for tick in ticks if 0 <= tick <= end], dtype=np.float64)


def _legend(figure: Figure, fit: Fit, rows: Cohort, column: str) -> None:
    interval = fit.analysis.sampling.interval
    width, height = figure.get_size_inches()
    handles = [
        Line2D([], [], color=POSTERIOR, linewidth=1.3, label=f"posterior median ({fit.plan.family})"),
        Patch(facecolor=POSTERIOR, alpha=0.22, label=interval_words(interval.kind, interval.prob)),
        Line2D([], [], color=POSTERIOR, linewidth=1.0, linestyle=(0, (2, 2)), label="beyond the group's follow-up"),
        Line2D([], [], color=KAPLAN_MEIER, linewidth=0.9, marker="|", markersize=3, label="Kaplan-Meier, censored"),
        Line2D([], [], color=KAPLAN_MEIER, linewidth=0.5, linestyle=":", label=f"{prob_words(interval.prob)} log-log interval"),
    ]
    figure.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.0, 0.12 / height), ncols=2 if column == "single" else 3,
        frameon=False, fontsize=6 if column == "single" else 6.5, columnspacing=1.4,
    )  # fmt: skip
    write(figure, width / 2, height - FOOT[column] + 0.16, f"Time ({rows.unit})", ha="center", va="bottom", size=8)


__all__ = ["main_group", "survival"]
