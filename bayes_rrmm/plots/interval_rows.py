"""Rows of estimates beside a log axis of hazard ratios, with text columns: the body of forest and shrinkage figures.

In two columns of a page what belongs to a row stands in columns left and right of the axis; in one it stands under the row's
label. Heights are inches from the body's top, in the axes too, so text and markers meet.
"""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_rrmm.plots.frame import MARGIN, Frame, place, write
from bayes_rrmm.plots.ratio_axis import Look, draw_interval
from bayes_rrmm.plots.style import QUIET
from bayes_rrmm.plots.table_columns import SMALL, text_width, widest, wrapped

STEP, GAP, HEAD = 0.135, 0.07, 0.2
"""Inches of a line, between rows, and of the columns' names."""
APART, INDENT = 0.12, 0.08
NARROWEST = 0.85


@dataclass(frozen=True)
class Line:
    """One estimate of a row: how it looks, (estimate, lower, upper) or None where there is none, and its text."""

    look: Look
    values: tuple[float, float, float] | None
    text: str


@dataclass(frozen=True)
class Block:
    """A row: its label, its cells (by column of `Columns.before` and `Columns.after`), its estimates, a line each, and what of
    its cells stands under the label in one column of a page. A heading has no estimates; its label is bold."""

    label: str
    before: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    after: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()

    @property
    def is_heading(self) -> bool:
        """Whether it names the rows below it."""
        return not self.lines


@dataclass(frozen=True)
class Columns:
    """The names of the text columns left of the axis, of the estimates' text (also one for a single column of a page), and of
    the columns right of it."""

    before: tuple[str, ...]
    text: tuple[str, str]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """Where everything stands, in inches: of each block its lines of label, what is written below, its top."""

    labels: tuple[tuple[str, ...], ...]
    below: tuple[tuple[str, ...], ...]
    tops: tuple[float, ...]
    height: float
    before: tuple[float, ...]
    axis: tuple[float, float]
    text: float
    after: tuple[float, ...]


def lay_out(frame: Frame, blocks: list[Block], columns: Columns) -> Layout:
    """The places of all rows and columns in this frame; the axis takes the width that text leaves."""
    size, single = SMALL[frame.column], frame.column == "single"
    gap = 0.08 if single else APART
    texts = [line.text for block in blocks for line in block.lines]
    text = max(widest(texts, size), text_width(columns.text[single], size, "bold"))
    before, after = ((), ()) if single else (_widths(blocks, columns, "before", size), _widths(blocks, columns, "after", size))
    taken = text + sum(before) + sum(after) + gap * (2 + len(before) + len(after)) + 2 * MARGIN
    label = min(_label_width(blocks, size, single), frame.width - taken - NARROWEST)
    left = MARGIN + label + gap + sum(before) + gap * len(before)
    width = frame.width - left - gap - text - sum(after) - gap * len(after) - MARGIN
    whole = frame.width - 2 * MARGIN if single else left - MARGIN
    rooms = [whole if block.is_heading and (single or not block.before) else label for block in blocks]
    labels, below, tops, top = [], [], [], 0.04
    for block, room in zip(blocks, rooms, strict=True):
        labels.append(tuple(wrapped(block.label, room - INDENT, size, _weight(block))))
        folded = block.folded if single else ()
        below.append(tuple(part for line in folded for part in wrapped(line, room - INDENT, size)))
        tops.append(top)
        lines = max(len(labels[-1]) + len(below[-1]), len(block.lines))
        top += STEP * lines + (0.03 if block.is_heading else GAP)
    ends = _right_edges(MARGIN + label + gap, before, gap), _right_edges(left + width + gap + text + gap, after, gap)
    return Layout(tuple(labels), tuple(below), tuple(tops), top, ends[0], (left, width), left + width + gap, ends[1])


def _label_width(blocks: list[Block], size: float, single: bool) -> float:
    """Inches of the labels' column: headings of whom patients are counted in a column of their own must fit it too."""
    inside = [block for block in blocks if block.lines or (block.before and not single)]
    own = [text_width(block.label, size, _weight(block)) + INDENT for block in inside]
    own += [text_width(line, size) + INDENT for block in inside for line in block.folded if single]
    return min(max([*own, 0.5]) + 0.01, 1.2 if single else 1.75)


def _right_edges(left: float, widths: tuple[float, ...], gap: float) -> tuple[float, ...]:
    """The right edge of each column, the first of which starts at `left`."""
    return tuple(left + sum(widths[: place + 1]) + gap * place for place in range(len(widths)))


def draw_blocks(figure: Figure, frame: Frame, blocks: list[Block], columns: Columns, layout: Layout) -> tuple[Axes, float]:
    """The axes with nothing drawn yet (see `draw_lines`), the text columns, and the body's top in inches."""
    size, top = SMALL[frame.column], frame.head + HEAD
    axes = place(figure, layout.axis[0], top, layout.axis[1], layout.height)
    axes.set_ylim(layout.height, 0.0)
    head = {"size": size, "weight": "bold", "va": "bottom"}
    write(figure, layout.text, top - 0.02, columns.text[frame.column == "single"], **head)
    for x, name in zip((*layout.before, *layout.after), (*columns.before, *columns.after), strict=False):
        if frame.column == "double":
            write(figure, x, top - 0.02, name, ha="right", **head)
    for index, block in enumerate(blocks):
        y = top + layout.tops[index]
        left = MARGIN + (0.0 if block.is_heading else INDENT)
        backing = {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if block.is_heading else None
        for line in layout.labels[index]:
            write(figure, left, y + STEP / 2, line, va="center", size=size, weight=_weight(block), bbox=backing)
            y += STEP
        for line in layout.below[index]:
            write(figure, MARGIN + INDENT, y + STEP / 2, line, va="center", size=size, color=QUIET)
            y += STEP
        middle = top + layout.tops[index] + STEP / 2
        for number, answer in enumerate(block.lines):
            write(figure, layout.text, middle + STEP * number, answer.text, va="center", size=size, color=answer.look.ink)
        for x, cell in zip((*layout.before, *layout.after), (*block.before, *block.after), strict=False):
            write(figure, x, middle, cell, ha="right", va="center", size=size)
    return axes, top


def draw_lines(axes: Axes, blocks: list[Block], layout: Layout) -> None:
    """Points and intervals, at the heights of their text."""
    for block, top in zip(blocks, layout.tops, strict=True):
        for number, line in enumerate(block.lines):
            if line.values is not None:
                draw_interval(axes, top + STEP * (number + 0.5), line.values, line.look)


def _weight(block: Block) -> str:
    return "bold" if block.is_heading else "normal"


def _widths(blocks: list[Block], columns: Columns, side: str, size: float) -> tuple[float, ...]:
    names: tuple[str, ...] = getattr(columns, side)
    cells: list[tuple[str, ...]] = [getattr(block, side) for block in blocks if getattr(block, side)]
    return tuple(
        max(text_width(name, size, "bold"), widest([row[place] for row in cells], size)) for place, name in enumerate(names)
    )
