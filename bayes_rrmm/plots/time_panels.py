"""Small panels along one time axis, one a group: names and what is said of each above, ticks, key and notes below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.plots.frame import MARGIN, Frame, place, write
from bayes_rrmm.plots.style import QUIET
from bayes_rrmm.plots.survival import main_group
from bayes_rrmm.plots.table_columns import draw_key, key_height, wrapped
from bayes_rrmm.results import Results

HEIGHT, BELOW, LEFT, GAP = 1.35, 0.28, 0.6, 0.16
"""Inches of a panel's axes, of the ticks below it, of the numbers left of a line of panels, and between two panels."""
NAME, TEXT, LINE = 7.5, 6.2, 0.115
WIDEST = 4.4


@dataclass(frozen=True)
class Panel:
    """What stands above one panel: its name, and lines of text."""

    name: str
    texts: tuple[str, ...] = ()


def time_panels(
    frame: Frame, panels: Sequence[Panel], handles: Sequence[Artist], notes: Sequence[str], axis: str, along: str
) -> tuple[Figure, list[Axes]]:
    """A figure with empty axes under the names of the panels, `axis` along the height of each line of them, `along` their time, the
    notes and the key of the handles below. Raises FitError where the panels do not fit the column."""
    columns = columns_of(len(panels), frame.column)
    wide = min((frame.width - LEFT - 0.1 + GAP) / columns, WIDEST)
    above = [_above(panel, wide - GAP + 0.08) for panel in panels]
    tall = LINE * max(len(lines) for lines in above) + 0.14
    told = [line for note in notes for line in wrapped(note, 0.97 * (frame.width - 2 * MARGIN), TEXT)]
    foot = 0.2 + LINE * len(told) + key_height([str(handle.get_label()) for handle in handles], frame.width) + 0.16
    lines = math.ceil(len(panels) / columns)
    figure = frame.sheet(lines * (tall + HEIGHT + BELOW), foot)
    made = []
    for index, texts in enumerate(above):
        line, across = divmod(index, columns)
        top, left = frame.head + line * (tall + HEIGHT + BELOW), LEFT + across * wide
        for number, (text, weight) in enumerate(texts):
            size, color = (NAME, "#000000") if weight == "bold" else (TEXT, QUIET)
            write(figure, left, top + 0.06 + LINE * number, text, size=size, weight=weight, color=color)
        made.append(place(figure, left, top + tall, wide - GAP, HEIGHT))
        if across == 0:
            label = "\n".join(wrapped(axis, HEIGHT, 7.0))
            write(figure, MARGIN, top + tall + HEIGHT / 2, label, size=7, rotation=90, va="center", multialignment="center")
    bottom = float(figure.get_figheight())
    write(figure, LEFT + (columns * wide - GAP) / 2, bottom - foot, along, size=7.5, ha="center")
    for number, line_of_notes in enumerate(told):
        write(figure, MARGIN, bottom - foot + 0.2 + LINE * number, line_of_notes, size=TEXT, color=QUIET)
    draw_key(figure, handles, 0.16)
    return figure, made


def dress(axes: Axes, end: float, unit: str, *, first: bool, narrow: bool) -> None:
    """The time axis from 0 to `end`, with ticks at multiples of 12 where the unit is months; heights only named in the `first`
    panel of a line."""
    axes.set_xlim(0.0, 1.02 * end)
    axes.set_xticks(time_ticks(end, unit, 4 if narrow else 6))
    axes.tick_params(labelsize=6.5, pad=2)
    if not first:
        axes.tick_params(labelleft=False)


def columns_of(count: int, column: str) -> int:
    """Panels in a line."""
    if column == "single":
        return min(count, 2)
    return count if count <= 4 else 4 if count > 6 else 3


def time_ticks(end: float, unit: str, most: int) -> Floats:
    """At most so many times from 0 to `end`."""
    if unit == "months" and end > 12:
        step = next((years for years in (1, 2, 3, 4, 5, 10, 20) if 12.0 * (most - 1) * years > end), None)
        if step is not None:
            return np.asarray(np.arange(0.0, end, 12.0 * step))
    ticks = MaxNLocator(nbins=most - 1, steps=[1, 2, 2.5, 5, 10]).tick_values(0.0, end)
    return np.asarray([tick for tick in ticks if 0 <= tick <= end], dtype=np.float64)


def group_of(results: Results, by: str | None, what: str) -> str:
    """The group variable asked for, or the first of the formula. Raises AnalysisError where there is none."""
    chosen = by if by is not None else main_group(results.fit)
    if chosen is None:
        raise AnalysisError(f"{what} compares groups, and the formula of this analysis has none; add a group variable to it.")
    return results.fit.plan.encoding.group(chosen).name


def _above(panel: Panel, inches: float) -> list[tuple[str, str]]:
    name = [(line, "bold") for line in wrapped(panel.name, inches, NAME, "bold")]
    return [*name, *((line, "normal") for text in panel.texts for line in wrapped(text, inches, TEXT))]
