"""The frame of every figure, measured in inches from its top left corner: title, mark of a failed fit, data, description.

A figure is `Frame.sheet`, then axes with `place` and texts with `write`, then `Frame.complete`.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_rrmm.errors import FitError
from bayes_rrmm.plots.style import FAILED, QUIET, width_of
from bayes_rrmm.results import Results

TITLE_SIZE, LETTER = 9.0, 0.082
"""Points of a title, and the inches that one of its letters takes on average."""
LINE, MARGIN = 0.16, 0.06
MARK = "DIAGNOSTICS FAILED: see checks.csv"


@dataclass(frozen=True)
class Frame:
    """What stands around a figure: its column of the page, the title above ('' none), the mark of a failed fit ('' none), and
    the name of the data."""

    column: str
    title: str
    mark: str
    data: str

    @property
    def width(self) -> float:
        """Inches of the whole figure."""
        return width_of(self.column)

    @property
    def head(self) -> float:
        """Inches that title and mark take: the body of the figure starts below them."""
        return MARGIN + LINE * (len(self._lines()) + bool(self.mark)) + 0.04

    def sheet(self, body: float, foot: float = 0.2) -> Figure:
        """An empty figure with a body of so many inches below the head, and below the body a foot that has the data's name."""
        return Figure(figsize=(self.width, self.head + body + foot))

    def complete(self, figure: Figure, description: str) -> Figure:
        """The figure with title, mark and data written; `description` (what it shows, in words) is kept as its label, which
        `save` puts into the file and a report reads out."""
        lines = self._lines()
        for index, line in enumerate(lines):
            write(figure, MARGIN, MARGIN + LINE * index, line, size=TITLE_SIZE, weight="bold")
        if self.mark:
            write(figure, MARGIN, MARGIN + LINE * len(lines), MARK, size=8, weight="bold", color=FAILED)
        if self.data:
            bottom = figure.get_figheight() - 0.04
            write(figure, self.width - MARGIN, bottom, f"Data: {self.data}", ha="right", va="bottom", size=6, color=QUIET)
        figure.set_label(f"{MARK}. {description}" if self.mark else description)
        return figure

    def _lines(self) -> list[str]:
        return textwrap.wrap(self.title, int((self.width - 2 * MARGIN) / LETTER)) if self.title else []


def frame_of(results: Results, column: str, title: str | None = None, what: str = "", *, mark: str | None = None) -> Frame:
    """The frame of a figure of these results. `title` is what was asked for ('' none, as journals put it into the caption); by
    default `what` the figure shows, the analysis's title and its endpoint. `mark` overrides that of the results."""
    if title is None:
        named = f"{results.fit.analysis.title} ({results.fit.analysis.endpoint.name})"
        title = f"{what}: {named}" if what else named
    width_of(column)
    return Frame(column, title, results.mark if mark is None else mark, results.fit.data_name)


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes of this size, `left` and `top` inches from the figure's top left corner. Raises FitError where they do not fit."""
    total_width, total_height = figure.get_size_inches()
    box = (left / total_width, 1 - (top + height) / total_height, width / total_width, height / total_height)
    if min(box[2:]) <= 0 or box[0] < 0 or box[1] < -1e-9 or box[0] + box[2] > 1 + 1e-9 or box[1] + box[3] > 1 + 1e-9:
        raise FitError("the figure is too narrow for what it holds; draw it with column='double', or of fewer groups.")
    return figure.add_axes(box)


def write(figure: Figure, left: float, top: float, text: str, **style: Any) -> None:
    """A text whose anchor (by default its top left) is `left` and `top` inches from the figure's top left corner."""
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - top / height, text, **{"ha": "left", "va": "top", "size": 7, **style})
