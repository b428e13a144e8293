"""The posterior of each hazard ratio as a density, the part below a threshold shaded, with the probability of it written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import FitError
from bayes_rrmm.plots.density_rows import TALL, Row, draw_rows, lay_out_rows, log_density
from bayes_rrmm.plots.frame import frame_of
from bayes_rrmm.plots.ratio_axis import Limits, dress, limits_of
from bayes_rrmm.plots.ratio_rows import (
    RatioRow,
    Ratios,
    heading_of,
    questions_of,
    ratio_draws,
    ratio_text,
    read_ratios,
)
from bayes_rrmm.plots.style import POSTERIOR, QUIET, Column, house_style
from bayes_rrmm.plots.table_columns import draw_key, key_height
from bayes_rrmm.reading.summary import interval_of
from bayes_rrmm.results import Source, results_of
from bayes_rrmm.rounding import figure_of, interval_words
from bayes_rrmm.specification.analysis import IntervalChoice

INNER = 0.66
"""Probability of the thick interval."""
AXIS, DATA, BAR = 0.36, 0.16, 0.045
"""Inches of the axis's ticks and name, of the data's name, and from a base line down to the interval's bar."""


@dataclass(frozen=True)
class _Density:
    """One hazard ratio: its row of estimates.csv, its draws, P(HR < below), and the limits of the thick interval."""

    row: RatioRow
    draws: Floats
    p_below: float
    inner: tuple[float, float]


def densities(
    source: Source,
    of: str | None = None,
    *,
    below: float = 1.0,
    limits: Limits | None = None,
    column: Column = "double",
    title: str | None = None,
) -> Figure:
    """The posterior density of every reported hazard ratio (`of` None) or of those of one term, the part below `below` shaded,
    with P(HR < below) written; under each its median, its interval and a thick interval of 66 % of the same kind.

    Densities are those of log HR, by a Gaussian kernel of Scott's bandwidth (scipy), each drawn to the same height. Medians and
    intervals are those of estimates.csv. Raises FitError where `below` is not positive, AnalysisError for a term that has no
    single hazard ratio.
    """
    if not 0 < below < math.inf:
        raise FitError(f"below = {below}: the threshold of a hazard ratio is a positive number, such as 1 or 0.8.")
    results = results_of(source)
    questions = questions_of(results, of)
    found = read_ratios(results, questions, crosscheck=False)
    draws = ratio_draws(results.fit, questions)
    shown = [_density(row, draws[row.term, row.group, row.versus, row.subgroup], below, found) for row in found.rows]
    rows, places = _rows(shown, below)
    axis = limits_of([value for item in shown for value in (*np.quantile(item.draws, (0.002, 0.998)), below)], limits)
    frame = frame_of(results, column, title, "Posterior of hazard ratios")
    handles = _key(found, below)
    with house_style():
        layout = lay_out_rows(frame, rows)
        key = key_height([str(handle.get_label()) for handle in handles], frame.width)
        figure = frame.sheet(0.06 + layout.height + AXIS, key + DATA)
        axes = draw_rows(figure, frame, rows, layout, frame.head + 0.06)
        dress(axes, axis, layout.axis[1])
        axes.axvline(1.0, color=QUIET, linewidth=0.7, zorder=1)
        if below != 1:
            axes.axvline(below, color=QUIET, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
        for place, item in zip(places, shown, strict=True):
            _draw(axes, layout.bases[place], item, below)
        draw_key(figure, handles, DATA)
        return frame.complete(figure, _description(shown, found, below))


def _density(row: RatioRow, draws: Floats, below: float, found: Ratios) -> _Density:
    """P(HR < 1) is that of the table, so that a figure never says another number."""
    lower, upper, _ = interval_of(draws, IntervalChoice(kind="hdi" if found.kind == "hdi" else "eti", prob=INNER), "log")
    return _Density(row, draws, row.p_below if below == 1.0 else float(np.mean(draws < below)), (lower, upper))


def _rows(shown: Sequence[_Density], below: float) -> tuple[list[Row], list[int]]:
    """The rows with their headings, and which of them have a density."""
    rows: list[Row] = []
    places = []
    named = heading_of([item.row for item in shown])
    for heading, items in groupby(shown, lambda item: named(item.row)):
        if heading:
            rows.append(Row(heading, is_heading=True))
        for item in items:
            places.append(len(rows))
            rows.append(Row(item.row.group, texts=(ratio_text(item.row.bayes), _probability(item, below))))
    return rows, places


def _probability(item: _Density, below: float) -> str:
    p = figure_of(item.p_below, "probability")
    sign = "" if p[0] in "<>" else "= "
    return f"P(HR < {below:g}) {sign}{p}"


def _draw(axes: Axes, base: float, item: _Density, below: float) -> None:
    low, high = axes.get_xlim()
    grid, density = log_density(item.draws, low, high)
    heights = base - 0.94 * TALL * density / max(float(density.max()), 1e-300)
    axes.plot(grid, heights, color=POSTERIOR, linewidth=1.0, zorder=3)
    axes.fill_between(grid, heights, base, color=POSTERIOR, alpha=0.10, linewidth=0, zorder=2)
    axes.fill_between(grid, heights, base, where=(grid <= below).tolist(), color=POSTERIOR, alpha=0.45, linewidth=0, zorder=2)
    axes.axhline(base, color=QUIET, linewidth=0.4, zorder=1)
    median, lower, upper = item.row.bayes
    bar = base + BAR
    for ends, width in (((lower, upper), 0.9), (item.inner, 2.4)):
        axes.plot(np.clip(ends, low, high), [bar, bar], color=POSTERIOR, linewidth=width, solid_capstyle="butt", zorder=4)
    for beyond, edge, arrow in ((lower < low, low, "<"), (upper > high, high, ">")):
        if beyond:
            axes.plot([edge], [bar], marker=arrow, color=POSTERIOR, markersize=3.6, clip_on=False, linestyle="none")
    if low <= median <= high:
        axes.plot([median], [bar], marker="o", color=POSTERIOR, markerfacecolor="white", markersize=3.6, zorder=5)


def _key(found: Ratios, below: float) -> list[Patch | Line2D]:
    bar: dict[str, Any] = {"color": POSTERIOR, "marker": "o", "markerfacecolor": "white", "markersize": 3.6}
    return [
        Patch(facecolor=POSTERIOR, alpha=0.45, label=f"posterior density of the log hazard ratio, below {below:g}"),
        Line2D([], [], linewidth=0.9, label=f"median and {found.interval}", **bar),
        Line2D([], [], linewidth=2.4, label=interval_words(found.kind, INNER), **bar),
    ]


def _description(shown: Sequence[_Density], found: Ratios, below: float) -> str:
    rows = [f"{item.row.term} {item.row.name} {ratio_text(item.row.bayes)}, {_probability(item, below)}" for item in shown]
    return (
        f"Posterior density of each hazard ratio (Gaussian kernel on its log, each drawn to the same height), shaded below "
        f"{below:g}, with median and {found.interval}: {'; '.join(rows)}."
    )


__all__ = ["densities"]
