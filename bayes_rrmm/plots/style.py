"""What all figures share: journal columns, colours that survive colour blindness and grey print, embedded fonts."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.figure import Figure

from bayes_rrmm.errors import FitError, nearest

Column = Literal["single", "double"]
INCH = 25.4
WIDTHS = {"single": 84.0, "double": 174.0}
"""Millimetres of one and of two columns of a journal's page: the narrowest that the large publishers ask for, so they fit all."""

POSTERIOR = "#0072B2"
KAPLAN_MEIER = "#222222"
COX = "#222222"
FIRTH = "#009E73"
PRIOR = "#E69F00"
FAILED = "#B2182B"
QUIET = "#666666"
PALE = "#DDDDDD"
GROUPS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#222222", "#8C7A00")
"""Okabe and Ito's colours, which the colour-blind tell apart; lines also differ in style, and markers in shape, for grey print."""
STYLES: tuple[Any, ...] = (
    "-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1, 1, 1)), (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (2, 3)),
)  # fmt: skip
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")

SETTINGS: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "bayes_rrmm",
    "text.parse_math": False,
}
"""Type 42 fonts are embedded whole in a PDF, as journals ask; in an SVG letters are outlines, which need no font; the same figure
gives the same bytes."""

FORMATS = ("pdf", "svg", "png")


@contextmanager
def house_style() -> Iterator[None]:
    """The settings of every figure, for the time of drawing; matplotlib's own are as before afterwards."""
    with mpl.rc_context(SETTINGS):
        yield


def width_of(column: str) -> float:
    """Inches of a journal's column. Raises FitError where there is no such preset."""
    if column not in WIDTHS:
        raise FitError(f"column = {column!r} is no preset; {nearest(str(column), WIDTHS)}")
    return WIDTHS[column] / INCH


def save(figure: Figure, path: str | Path, dpi: int = 300) -> None:
    """Write the figure in the format of the file's suffix: PDF or SVG, or PNG of `dpi` dots an inch. The description of the
    figure, its alternative text, goes into the file. Raises FitError for another suffix."""
    suffix = Path(path).suffix.removeprefix(".").lower()
    if suffix not in FORMATS:
        raise FitError(f"{path}: a figure is written as PDF, SVG or PNG; end its name in .pdf, .svg or .png.")
    words = str(figure.get_label())
    metadata: dict[str, dict[str, Any]] = {
        "pdf": {"CreationDate": None, "Subject": words},
        "svg": {"Date": None, "Description": words},
        "png": {"Description": words},
    }
    with house_style():
        figure.savefig(path, dpi=dpi, metadata=metadata[suffix])


def svg_of(figure: Figure) -> str:
    """The figure as the text of an SVG file, such as a web page holds; letters are outlines, so it needs no font."""
    buffer = io.StringIO()
    with house_style():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Description": str(figure.get_label())})
    return buffer.getvalue()
