"""The log axis of hazard ratios: limits, ticks at doublings, no effect, intervals that leave the axis, whom a side favours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from bayes_rrmm.errors import FitError
from bayes_rrmm.plots.frame import MARGIN, write
from bayes_rrmm.plots.style import COX, FIRTH, PALE, POSTERIOR, PRIOR, QUIET
from bayes_rrmm.plots.table_columns import text_width, wrapped
from bayes_rrmm.rounding import figure_of

Limits = tuple[float, float]
LEAST, MOST = (0.5, 2.0), (1 / 32, 32.0)
"""What an axis of hazard ratios always reaches, and what it never goes beyond: longer intervals end in an arrow."""


@dataclass(frozen=True)
class Look:
    """How one kind of estimate is drawn: by colour, marker and line, so that it is known in grey too. `ink` is the colour of its
    numbers, dark enough to be read on white."""

    color: str
    marker: str
    face: str
    width: float
    style: Any = "-"
    size: float = 4.2
    ink: str = "#222222"


BLUE = "#005A8E"
LOOKS = {
    "bayes": Look(POSTERIOR, "o", POSTERIOR, 1.6, ink=BLUE),
    "cox": Look(COX, "s", "white", 0.9),
    "firth": Look(FIRTH, "^", FIRTH, 0.9, (0, (4, 1.5)), 4.8, "#00664A"),
    "unpooled": Look(PRIOR, "D", "white", 1.3, (0, (5, 1, 1, 1)), 3.8, "#7A5000"),
    "pooled": Look(POSTERIOR, "o", POSTERIOR, 1.6, ink=BLUE),
    "horseshoe": Look("#CC79A7", "v", "#CC79A7", 1.3, (0, (1.5, 1)), 4.6, "#8A3A6A"),
}


def limits_of(values: Iterable[float], asked: Limits | None = None) -> Limits:
    """The limits of an axis that holds the values, within a factor of 32 of 1; `asked` where it is given. Raises FitError where
    that is no range of positive numbers."""
    if asked is not None:
        if not 0 < asked[0] < asked[1] < math.inf:
            raise FitError(f"limits = {asked}: an axis of ratios runs from a positive number to a larger one, such as (0.25, 4).")
        return asked
    found = [value for value in values if math.isfinite(value) and value > 0]
    low, high = min([LEAST[0], *found]) / 1.1, max([LEAST[1], *found]) * 1.1
    return max(MOST[0], low), min(MOST[1], high)


def checked_region(region: Limits | None) -> Limits | None:
    """The region of no effect. Raises FitError where it does not hold 1."""
    if region is not None and not 0 < region[0] < 1 < region[1] < math.inf:
        raise FitError(f"region = {region}: a region of no effect holds 1, such as (0.9, 1.11); None leaves it out.")
    return region


def dress(axes: Axes, limits: Limits, inches: float, label: str = "Hazard ratio (log scale)") -> None:
    """A log axis with ticks at powers of 2, 4, ..., as many as their labels fit `inches`, and a line at 1."""
    axes.set_xscale("log", base=2)
    axes.set_xlim(limits)
    first, last = (math.log2(limit) for limit in limits)
    step = next(step for step in range(1, 100) if ((last - first) / step + 1) * 0.25 <= max(inches, 0.75))
    ticks = [2.0**power for power in range(-step * 20, step * 20 + 1, step) if first <= power <= last]
    between = [2.0**power for power in np.arange(math.ceil(first), math.floor(last) + 1)] if step > 1 else []
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.set_xticks(ticks, [f"{tick:.2g}" if tick < 0.125 else f"{tick:.3g}" for tick in ticks])
    axes.xaxis.set_minor_locator(FixedLocator(between) if between else NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(label, labelpad=2, fontsize=7)
    axes.tick_params(labelsize=6.5, pad=2)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def no_effect(axes: Axes, region: Limits | None) -> None:
    """The line at 1, and the region of no effect shaded."""
    axes.axvline(1.0, color=QUIET, linewidth=0.7, zorder=1)
    if region is not None:
        axes.axvspan(*region, color=PALE, alpha=0.8, linewidth=0, zorder=0)


def region_key(region: Limits | None) -> list[Patch]:
    """The legend's words for the region."""
    if region is None:
        return []
    low, high = (figure_of(limit, "ratio") for limit in region)
    return [Patch(facecolor=PALE, alpha=0.8, label=f"region of no effect: hazard ratio {low} to {high}")]


def key_of(look: Look, label: str) -> Line2D:
    """The legend's line for one kind of estimate."""
    return Line2D(
        [], [], color=look.color, marker=look.marker, markerfacecolor=look.face, markersize=look.size,
        linewidth=look.width, linestyle=look.style, label=label,
    )  # fmt: skip


def draw_interval(axes: Axes, height: float, values: Sequence[float], look: Look) -> None:
    """Point and interval (estimate, lower, upper) at this height. What leaves the axis ends in an arrow at its edge."""
    point, lower, upper = values
    low, high = axes.get_xlim()
    if not math.isfinite(point):
        return
    if not (math.isnan(lower) or math.isnan(upper)):
        inside = [min(max(end, low), high) for end in (lower, upper)]
        axes.plot(inside, [height, height], color=look.color, linewidth=look.width, linestyle=look.style, solid_capstyle="butt")
    for beyond, edge, arrow in ((min(lower, point) < low, low, "<"), (max(upper, point) > high, high, ">")):
        if beyond:
            axes.plot([edge], [height], marker=arrow, color=look.color, markersize=3.6, clip_on=False, linestyle="none")
    if low <= point <= high:
        axes.plot(
            [point], [height], marker=look.marker, color=look.color, markerfacecolor=look.face, markersize=look.size,
            markeredgewidth=0.9, linestyle="none", zorder=4,
        )  # fmt: skip


def favours(figure: Figure, axes: Axes, top: float, left: str, right: str, size: float = 6.5) -> None:
    """Under the axis, `top` inches from the figure's top: arrows away from 1 with whom each side favours."""
    width = float(figure.get_figwidth())
    low, high = (math.log(limit) for limit in axes.get_xlim())
    box = axes.get_position()
    middle = width * (box.x0 + box.width * min(max((0 - low) / (high - low), 0.0), 1.0))
    for text, align, room, shift in ((left, "right", middle - MARGIN, -0.04), (right, "left", width - MARGIN - middle, 0.04)):
        lines = wrapped(text, max(room - 0.04 - text_width("← x", size), 0.3), size)
        if align == "right":
            lines[0] = f"← {lines[0]}"
        else:
            lines[-1] = f"{lines[-1]} →"
        for number, line in enumerate(lines):
            write(figure, middle + shift, top + 0.09 + 0.105 * number, line, ha=align, va="baseline", size=size)


def favours_lines(width: float, texts: Sequence[str], size: float = 6.5) -> int:
    """How many lines `favours` takes at most where each side has so many inches."""
    return max(len(wrapped(text, max(width - 0.3, 0.3), size)) for text in texts)
