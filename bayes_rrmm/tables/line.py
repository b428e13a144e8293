"""A line of a table, and how wide the columns have to be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

INDENT = "  "
WRAPS_AT = (34, 26)
"""Letters after which the first column, and any other, goes on below."""
LETTER, CAPITAL = 1.2, 1.6
"""Digits that a small letter and a capital are as wide as: columns are measured in digits."""


@dataclass(frozen=True)
class Line:
    """A line of cells, or a heading: one cell that spans all columns. A line with an `indent` belongs to the last one with less."""

    cells: tuple[str, ...]
    indent: int = 0
    is_heading: bool = False

    @classmethod
    def heading(cls, text: str) -> Line:
        """A heading over the lines that follow."""
        return cls((text,), 0, True)

    @property
    def shown(self) -> tuple[str, ...]:
        """The cells for a fixed-width text, the first one indented."""
        return (INDENT * self.indent + self.cells[0], *self.cells[1:])


def widths_of(heads: Sequence[str], lines: Sequence[Line], words: bool = True) -> list[int]:
    """Digits that each column needs. With `words` heads may break between words, and texts after `WRAPS_AT` letters; without,
    every character is as wide as a digit, as on a terminal."""
    body = [line.shown for line in lines if not line.is_heading]
    widths = []
    for place, head in enumerate(heads):
        cells = [cells[place] for cells in body]
        if not words:
            widths.append(max([len(head), *map(len, cells)]))
            continue
        limit = WRAPS_AT[min(place, 1)]
        whole = [min(_width(cell), limit) for cell in cells]
        longest = [_width(word) for cell in (head, *cells) for word in cell.split()]
        widths.append(max([3, *whole, *longest]))
    return widths


def _width(text: str) -> int:
    return math.ceil(sum(CAPITAL if letter.isupper() else LETTER if letter.isalpha() else 1.0 for letter in text))
