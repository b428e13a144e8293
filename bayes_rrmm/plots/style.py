"""What all figures share: colours that survive colour blindness and grey print, embedded fonts, sizes, the failure mark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

POSTERIOR = "#0072B2"
KAPLAN_MEIER = "#222222"
FAILED = "#B2182B"
QUIET = "#666666"

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
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "text.parse_math": False,
}
"""Type 42 fonts are embedded whole in a PDF, as journals ask."""


def save(figure: Figure, path: str | Path, dpi: int = 300) -> None:
    """Write the figure in the format of the file's suffix; 300 dpi where it has pixels."""
    with mpl.rc_context(SETTINGS):
        metadata = {"CreationDate": None} if str(path).endswith(".pdf") else None
        figure.savefig(path, dpi=dpi, metadata=metadata)


def mark_failed(figure: Figure) -> None:
    """The mark of a fit whose diagnostics failed: on the figure itself, so that it travels with it."""
    below_title = 1 - 0.24 / figure.get_figheight()
    text = "DIAGNOSTICS FAILED: see checks.csv"
    figure.text(0.01, below_title, text, color=FAILED, weight="bold", ha="left", va="top", size=8)
