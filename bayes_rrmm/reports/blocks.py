"""What a section of the report is made of: text, figures, tables, lists, code, things to paste."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_rrmm.errors import BayesRrmmError
from bayes_rrmm.plots.style import svg_of
from bayes_rrmm.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PIXELS = 96
"""CSS pixels an inch."""

DRAWING_ERRORS = (ValueError, FloatingPointError, ZeroDivisionError, np.linalg.LinAlgError)
"""What ArviZ and matplotlib raise of draws that no figure is made for, such as chains that never moved."""

Block = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A section of the report: its heading, the anchor that leads to it, and what it holds, in order."""

    anchor: str
    name: str
    blocks: list[Block] = field(default_factory=list)


def text(words: str, *, mark: bool = False) -> Block:
    """A paragraph; with `mark` in the way of a failed check."""
    return {"kind": "text", "text": words, "mark": mark}


def heading(words: str) -> Block:
    """A heading inside a section."""
    return {"kind": "heading", "text": words}


def items(lines: Sequence[str]) -> Block:
    """A list."""
    return {"kind": "list", "entries": list(lines)}


def code(name: str, words: str) -> Block:
    """Text as it stands, such as a file."""
    return {"kind": "code", "name": name, "text": words}


def table(made: Table, *, folded: str = "") -> Block:
    """A table; under a line to open where it is `folded`."""
    kind = {"kind": "fold", "text": folded} if folded else {"kind": "table"}
    return {**kind, "name": made.title, "html": made.to_html()}


def refusals(*, lenient: bool) -> tuple[type[Exception], ...]:
    """The errors that leave out one figure and not the whole report; of a fit that failed (`lenient`) also errors of drawing."""
    return (BayesRrmmError, *DRAWING_ERRORS) if lenient else (BayesRrmmError,)


def drawn(name: str, caption: str, draw: Callable[[], Figure], *, lenient: bool = False) -> Block:
    """A figure as an SVG inside the page, its description read out; a sentence where it cannot be drawn, and why. `lenient` is for
    a fit that failed: its draws may be such that drawing fails."""
    try:
        figure = draw()
        svg = svg_of(figure)
    except refusals(lenient=lenient) as error:
        return text(f"Figure {name}: not drawn. {error}")
    width, height = figure.get_size_inches()
    source = base64.b64encode(svg.encode()).decode()
    return {
        "kind": "figure",
        "name": name,
        "source": f"data:image/svg+xml;base64,{source}",
        "alt": str(figure.get_label()),
        "caption": caption,
        "width": round(width * PIXELS),
        "height": round(height * PIXELS),
    }
