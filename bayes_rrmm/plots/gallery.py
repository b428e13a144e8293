"""Every figure there is, in the order of a report: its name, what it is called, how it is drawn, and of which results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from matplotlib.figure import Figure

from bayes_rrmm.plots.style import Column
from bayes_rrmm.plots.survival import main_group, survival
from bayes_rrmm.results import Results


class Draw(Protocol):
    """Draws one figure of results."""

    def __call__(self, results: Results, *, column: Column = "double", title: str | None = None) -> Figure: ...


@dataclass(frozen=True)
class Shown:
    """A figure of a report. `name` is that of its file, `caption` what it shows and how to read it, `applies` whether the results
    have it."""

    name: str
    caption: str
    draw: Draw
    applies: Callable[[Results], bool]


def _survival(results: Results, *, column: Column = "double", title: str | None = None) -> Figure:
    by = main_group(results.fit)
    return survival(results, by=by, column=column, title=title, curves=results.curves)


GALLERY = (
    Shown(
        "survival",
        "Posterior survival over Kaplan-Meier, with numbers at risk. Where line and steps part, the model does not fit; dashed is "
        "beyond the group's follow-up, where only the model speaks.",
        _survival,
        lambda results: results.has_rows,
    ),
)
