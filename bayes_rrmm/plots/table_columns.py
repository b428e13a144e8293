"""Text beside axes: how wide a text is, lines that fit a width, and a legend whose lines are known before the figure is made."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

SMALL = {"single": 6.2, "double": 7.0}
"""Points of the text in a table beside axes."""
KEY_SIZE, KEY_LINE, KEY_HANDLE = 6.2, 0.125, 0.42
"""Points of a legend's text, the inches that one line of it takes, and those of the sample before it with its margins."""

HALVED = 5.0
"""Inches of a figure from which a legend has two columns at least, and long labels are wrapped in them."""
HINTED = 1.06
"""Letters on a screen's grid of pixels are a little wider than their outlines."""


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Inches that the text takes in the font of every figure."""
    *before, last = text.rstrip().split(" ")
    return sum(_advance(word, size, weight) + _advance(" ", size, weight) for word in before) + _outline(last, size, weight)


def _advance(text: str, size: float, weight: str) -> float:
    """Inches from the beginning of the text to that of what follows it."""
    return _outline(f"{text}|", size, weight) - _outline("|", size, weight)


@lru_cache(maxsize=4096)
def _outline(text: str, size: float, weight: str) -> float:
    """Inches to the last point of a word's outline: words come again and again, and an outline takes a while."""
    if not text:
        return 0.0
    path = TextPath((0.0, 0.0), text, size=size, prop=FontProperties(family="DejaVu Sans", weight=weight))
    return HINTED * float(path.vertices[:, 0].max()) / 72.0


def widest(texts: Sequence[str], size: float, weight: str = "normal") -> float:
    """Inches of the widest of the texts; 0 where there is none."""
    return max((text_width(text, size, weight) for text in texts), default=0.0)


def wrapped(text: str, inches: float, size: float, weight: str = "normal") -> list[str]:
    """The text in lines that fit the width: broken at spaces, and inside a word that alone is wider, after a hyphen or the like,
    or else anywhere."""

    def fits(line: str) -> bool:
        return text_width(line, size, weight) <= inches

    lines, line = [], ""
    for word in text.split():
        if fits(f"{line} {word}".strip()):
            line = f"{line} {word}".strip()
            continue
        lines += [line] if line else []
        line = ""
        for piece in re.findall(r"[^\-_/,=]*[\-_/,=]+|[^\-_/,=]+", word):
            if line and not fits(line + piece):
                lines.append(line)
                line = ""
            line += piece
            while not fits(line) and len(line) > 1:
                cut = next((n for n in range(len(line) - 1, 1, -1) if fits(line[:n])), 1)
                lines.append(line[:cut])
                line = line[cut:]
    return [*lines, line] if line or not lines else lines


def key_height(labels: Sequence[str], width: float) -> float:
    """Inches that `draw_key` needs for these labels in a figure of this width."""
    columns, texts = _arranged(labels, width)
    return KEY_LINE * sum(_lines_of_rows(columns, texts)) + 0.1


def draw_key(figure: Figure, handles: Sequence[Artist], bottom: float) -> None:
    """The legend of the figure, its lower edge so many inches above the lower edge of the figure."""
    width, height = figure.get_size_inches()
    columns, texts = _arranged([str(handle.get_label()) for handle in handles], float(width))
    figure.legend(
        handles=list(handles), labels=["\n".join(lines) for lines in texts], loc="lower left", ncols=columns, frameon=False,
        bbox_to_anchor=(0.03 / float(width), bottom / float(height)), fontsize=KEY_SIZE, columnspacing=1.2, handlelength=2.2,
        labelspacing=0.35, borderpad=0.2, borderaxespad=0.2,
    )  # fmt: skip


def _arranged(labels: Sequence[str], width: float) -> tuple[int, list[list[str]]]:
    """How many columns the labels of a legend take, and the lines of each."""
    room = width - 0.1
    wide = min(widest(labels, KEY_SIZE) + KEY_HANDLE, room / 2 if width > HALVED else room)
    columns = max(1, min(len(labels), int(room / wide)))
    return columns, [wrapped(label, room / columns - KEY_HANDLE, KEY_SIZE) for label in labels]


def _lines_of_rows(columns: int, texts: Sequence[Sequence[str]]) -> list[int]:
    """The lines of each row of the legend; matplotlib fills it column by column."""
    rows = math.ceil(len(texts) / columns)
    tall = [len(text) for text in texts]
    return [max(tall[row::rows]) for row in range(rows)]
