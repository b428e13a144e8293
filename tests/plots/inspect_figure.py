"""What a figure has written on it, and whether any of it is cut off, too small, or over something else that is written."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from bayes_rrmm.plots.style import house_style


def texts_of(figure: Figure) -> list[Text]:
    """Every visible text that is not empty: of the figure, its axes and its legends."""
    return [item for item in figure.findobj(Text) if item.get_visible() and item.get_text().strip()]


def written(figure: Figure) -> list[str]:
    """What they say, the lines of wrapped ones joined."""
    return [" ".join(item.get_text().split()) for item in texts_of(figure)]


def _boxes(figure: Figure) -> Iterator[tuple[Text, np.ndarray]]:
    with house_style():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        renderer = canvas.get_renderer()
        for item in texts_of(figure):
            yield item, np.asarray(item.get_window_extent(renderer).extents)


def faults(figure: Figure) -> list[str]:
    """Texts outside the figure, texts below 6 points, and pairs of texts that cover each other by over a point."""
    boxes = [(item, box) for item, box in _boxes(figure) if box[2] > box[0]]
    width, height = figure.get_size_inches() * figure.dpi
    found = [f"outside: {item.get_text()!r}" for item, (a, b, c, d) in boxes if a < -1 or b < -1 or c > width + 1 or d > height + 1]
    found += [f"small: {item.get_text()!r}" for item, _ in boxes if item.get_fontsize() < 6]
    point = figure.dpi / 72
    for (one, first), (other, second) in itertools.combinations(boxes, 2):
        across = min(first[2], second[2]) - max(first[0], second[0])
        down = min(first[3], second[3]) - max(first[1], second[1])
        if across > point and down > point:
            found.append(f"over each other: {one.get_text()!r} and {other.get_text()!r}")
    return found


def lines_of(figure: Figure, marker: str, axes: int = 0) -> list[Line2D]:
    """The points drawn with this marker in these axes, in the order of drawing."""
    return [line for line in figure.axes[axes].get_lines() if line.get_marker() == marker]
