"""What the figures of arviz-plots share: the parameters that mixed worst, as ArviZ wants them, and its figure in our frame."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayes_rrmm.errors import FitError
from bayes_rrmm.fitted import parameter_names
from bayes_rrmm.plots.frame import MARGIN, Frame, write
from bayes_rrmm.plots.style import QUIET
from bayes_rrmm.results import Results

MOST = 6
"""Parameters on one figure."""
OF_COVARIATES = ("gamma[", "share[")
"""How the parameters begin that are of the covariates' model and not of the hazard's."""
DRAWN = 500
"""Draws of a chain that a trace shows: beyond, it shows every so-manyth."""
LEFT, RIGHT, ABOVE, HEIGHT, BELOW = 0.46, 0.2, 0.36, 0.95, 0.3
"""Inches around and of a panel."""


def worst(results: Results, parameters: Sequence[str] | None = None, most: int = MOST) -> list[str]:
    """The parameters asked for, or those of the hazard that mixed worst: lowest bulk effective sample size first.

    Raises FitError for an unknown one.
    """
    table = results.parameters
    known = table["parameter"].tolist()
    unknown = [name for name in parameters or () if name not in known]
    if unknown:
        raise FitError(f"{unknown[0]!r} is no parameter of this fit; they are {', '.join(known[:12])}.")
    if parameters is not None:
        return list(parameters)
    of_covariates = table["parameter"].str.startswith(OF_COVARIATES)
    order = table["ess_bulk"].where(~of_covariates).fillna(math.inf).to_numpy(dtype=float)
    return [known[index] for index in np.argsort(order, kind="stable")[:most]]


def draws_of(results: Results, names: Sequence[str], every: int = 1) -> xr.DataTree:
    """Their draws under the contract's names, each so-manyth, with the sampler's statistics beside."""
    tree = results.fit.tree
    posterior = tree["posterior"].to_dataset()
    statistics = tree["sample_stats"].to_dataset().assign_coords(chain=posterior["chain"], draw=posterior["draw"])
    places = parameter_names(posterior)
    chosen = xr.Dataset({name: posterior[places[name][0]].sel(places[name][1], drop=True) for name in names})
    parts = {"posterior": chosen, "sample_stats": statistics}
    return xr.DataTree.from_dict({name: part.isel(draw=slice(None, None, every)) for name, part in parts.items()})


def adopted(collection: Any, frame: Frame, count: int, said: str) -> tuple[Figure, list[Axes]]:
    """The figure that arviz-plots made, taken from pyplot and laid out in our frame, and its `count` panels in order; `said` is
    written below them."""
    figure = _taken(collection)
    panels = figure.axes[:count]
    for extra in figure.axes[count:]:
        extra.remove()
    columns = min(count, 2 if frame.column == "single" else 3)
    lines = math.ceil(count / columns)
    below = textwrap.wrap(said, int((frame.width - 2 * MARGIN) / 0.058))
    height = frame.head + lines * (ABOVE + HEIGHT + BELOW) + 0.13 * len(below) + 0.24
    figure.set_size_inches(frame.width, height)
    write(figure, MARGIN, height - 0.2, "\n".join(below), size=6.5, color=QUIET, va="bottom")
    wide = frame.width / columns
    for index, panel in enumerate(panels):
        line, across = divmod(index, columns)
        bottom = height - frame.head - line * (ABOVE + HEIGHT + BELOW) - ABOVE - HEIGHT
        box = ((across * wide + LEFT) / frame.width, bottom / height, (wide - LEFT - RIGHT) / frame.width, HEIGHT / height)
        panel.set_position(box)
    return figure, panels


def adopted_alone(collection: Any, frame: Frame, left: float, width: float, height: float, foot: float) -> tuple[Figure, Axes]:
    """The figure that arviz-plots made of one panel, in our frame: the panel of this size, so far from the left, a foot below."""
    figure = _taken(collection)
    total = frame.head + 0.1 + height + foot
    figure.set_size_inches(frame.width, total)
    panel, *others = figure.axes
    for other in others:
        other.remove()
    panel.set_position((left / frame.width, foot / total, width / frame.width, height / total))
    return figure, panel


def _taken(collection: Any) -> Figure:
    """The figure of a plot collection, which pyplot then no longer holds."""
    from matplotlib import pyplot

    figure: Figure = collection.viz["figure"].item()
    pyplot.close(figure)
    figure.set_layout_engine("none")
    return figure


def named(panels: Sequence[Axes], names: Sequence[str], frame: Frame, end: float) -> None:
    """Write each panel's parameter above it, and nothing else of arviz-plots's own words; ticks at 0, half and `end` below, and
    three beside."""
    letters = 19 if frame.column == "single" else 30
    for panel, name in zip(panels, names, strict=True):
        panel.set_title("")
        panel.set_xlabel("")
        panel.set_xlim(0, end)
        panel.set_xticks([0, end / 2, end], ["0", f"{end / 2:g}", f"{end:g}"])
        low, high = panel.get_ylim()
        ticks = MaxNLocator(nbins=3).tick_values(low, high)
        panel.set_yticks([tick for tick in ticks if low <= tick <= high])
        panel.tick_params(labelsize=6, labelbottom=True)
        lines = textwrap.wrap(name.replace("=", "=\u200b "), letters)
        shown = [*lines[:1], *([lines[1] if len(lines) == 2 else f"{lines[1][: letters - 2]} ..."] if lines[1:] else [])]
        panel.text(0.0, 1.05, "\n".join(shown).replace("\u200b ", ""), transform=panel.transAxes, size=6.5, linespacing=1.0)
