"""Rows of densities beside a log axis, each above its own base line, with a label left and text right: ridges and half-eyes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.plots.frame import MARGIN, Frame, place, write
from bayes_rrmm.plots.style import QUIET
from bayes_rrmm.plots.table_columns import SMALL, widest, wrapped

TALL, UNDER, HEADING = 0.36, 0.13, 0.2
"""Inches of a density at its peak, of what stands under its base line, and of a heading."""
LINE, INDENT, NARROWEST = 0.125, 0.08, 0.9
GRID = 257


@dataclass(frozen=True)
class Row:
    """A row: its label and lines of small text under it, and its text right of the axis, a line each. A heading has neither."""

    label: str
    under: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    is_heading: bool = False


@dataclass(frozen=True)
class RowLayout:
    """Where rows stand, in inches: lines of each label, lines under it, base lines and tops from the body's top; columns."""

    labels: tuple[tuple[str, ...], ...]
    under: tuple[tuple[str, ...], ...]
    tops: tuple[float, ...]
    bases: tuple[float, ...]
    height: float
    axis: tuple[float, float]
    text: float


def log_density(draws: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """The density of the log of the draws on a grid of values from `low` to `high`: a Gaussian kernel, Scott's bandwidth. Draws
    that are not finite are left out; of draws that are all one value there is no density, and it is 0 everywhere."""
    grid = np.exp(np.linspace(math.log(low), math.log(high), GRID))
    logs = np.log(draws[np.isfinite(draws) & (draws > 0)])
    if len(logs) < 2 or np.ptp(logs) < 1e-12:
        return grid, np.zeros(GRID)
    from scipy.stats import gaussian_kde

    return grid, np.asarray(gaussian_kde(logs)(np.log(grid)), dtype=np.float64)


def lay_out_rows(frame: Frame, rows: Sequence[Row], others: Sequence[Row] = ()) -> RowLayout:
    """The places of the rows; the axis takes the width that text leaves, theirs and that of `others` on the same sheet."""
    size, single = SMALL[frame.column], frame.column == "single"
    gap = 0.08 if single else 0.14
    text = widest([line for row in (*rows, *others) for line in row.texts], size)
    own = [widest([row.label, *row.under], size) + INDENT for row in (*rows, *others) if not row.is_heading]
    label = min(max([*own, 0.4]) + 0.01, 1.1 if single else 1.8, frame.width - text - 2 * gap - 2 * MARGIN - NARROWEST)
    left = MARGIN + label + gap
    labels, under, tops, bases, top = [], [], [], [], 0.02
    for row in rows:
        room = frame.width - 2 * MARGIN if row.is_heading else label - INDENT
        labels.append(tuple(wrapped(row.label, room, size, "bold" if row.is_heading else "normal")))
        under.append(tuple(part for line in row.under for part in wrapped(line, room, size)))
        tops.append(top)
        if row.is_heading:
            top += HEADING + LINE * (len(labels[-1]) - 1)
            bases.append(top)
            continue
        bases.append(top + TALL)
        top += max(TALL + UNDER, LINE * max(len(labels[-1]) + len(under[-1]), len(row.texts)) + 0.06)
    axis = (left, frame.width - left - gap - text - MARGIN)
    return RowLayout(tuple(labels), tuple(under), tuple(tops), tuple(bases), top + 0.02, axis, left + axis[1] + gap)


def draw_rows(figure: Figure, frame: Frame, rows: Sequence[Row], layout: RowLayout, top: float) -> Axes:
    """The axes, in which heights are inches from `top`, with nothing drawn yet, and the texts of the rows."""
    size = SMALL[frame.column]
    axes = place(figure, layout.axis[0], top, layout.axis[1], layout.height)
    axes.set_ylim(layout.height, 0.0)
    for index, row in enumerate(rows):
        lines = [(line, row.is_heading) for line in layout.labels[index]]
        tall = LINE * (len(lines) + len(layout.under[index]))
        start = layout.tops[index] if row.is_heading else max(layout.tops[index], layout.bases[index] + UNDER / 2 - tall)
        y = top + start + LINE / 2
        for line, bold in lines:
            write(
                figure, MARGIN + (0.0 if bold else INDENT), y, line, va="center", size=size, weight="bold" if bold else "normal",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8} if bold else None,
            )  # fmt: skip
            y += LINE
        for line in layout.under[index]:
            write(figure, MARGIN + INDENT, y, line, va="center", size=size, color=QUIET)
            y += LINE
        y = top + max(layout.tops[index], layout.bases[index] + UNDER / 2 - LINE * len(row.texts)) + LINE / 2
        for line in row.texts:
            write(figure, layout.text, y, line, va="center", size=size)
            y += LINE
    return axes
