"""Draws along time as a curve with its band: the summary, and how it is drawn within follow-up and beyond it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plots.style import POSTERIOR
from bayes_rrmm.reading.scales import Scale
from bayes_rrmm.reading.summary import summary_of
from bayes_rrmm.rounding import interval_words
from bayes_rrmm.specification.analysis import IntervalChoice

BEYOND: Any = (0, (2, 2))


@dataclass(frozen=True)
class Curve:
    """Posterior median and limits at each time, shape (T,); `end` is the follow-up beyond which the model alone speaks."""

    time: Floats
    median: Floats
    lower: Floats
    upper: Floats
    end: float = math.inf

    def at(self, time: float) -> tuple[float, float, float]:
        """Median and limits at the last time that is not after this one."""
        index = max(0, int(np.searchsorted(self.time, time, side="right")) - 1)
        return float(self.median[index]), float(self.lower[index]), float(self.upper[index])


def curve_of(time: Floats, draws: Floats, interval: IntervalChoice, end: float = math.inf, *, scale: Scale) -> Curve:
    """The curve of draws of shape (S, T); shortest intervals are the shortest on `scale`."""
    found = [summary_of(column, interval, None, scale) for column in draws.T]
    median, lower, upper = (np.array([row[name] for row in found], dtype=np.float64) for name in ("median", "lower", "upper"))
    return Curve(time, median, lower, upper, end)


def draw_curve(axes: Axes, curve: Curve, *, color: str = POSTERIOR, style: Any = "-", band: bool = True) -> None:
    """Median and band, dashed and paler beyond the end of follow-up."""
    inside = int(np.sum(curve.time <= curve.end))
    for part, alpha, dash in ((slice(0, inside), 0.22, style), (slice(max(0, inside - 1), None), 0.1, BEYOND)):
        time = curve.time[part]
        if len(time) < 2:
            continue
        if band:
            axes.fill_between(time, curve.lower[part], curve.upper[part], color=color, alpha=alpha, linewidth=0)
        axes.plot(time, curve.median[part], color=color, linewidth=1.3 if dash is style else 1.0, linestyle=dash)


def start_note(fit: Fit) -> list[str]:
    """Where curves begin that do not run from time 0; nothing to say of others."""
    start, unit = fit.plan.start, fit.analysis.endpoint.unit
    if not start:
        return []
    if fit.analysis.model.landmark is not None:
        return [f"From the landmark at {start:.4g} {unit}, of those at risk then."]
    return [f"From {start:.4g} {unit}, where enough are at risk, of the source population alive then."]


def curve_keys(fit: Fit, what: str, *, beyond: bool = False, band: bool = True) -> list[Any]:
    """The legend's lines of the posterior's curve, its band and its part beyond follow-up."""
    interval = fit.analysis.sampling.interval
    keys: list[Any] = [Line2D([], [], color=POSTERIOR, linewidth=1.3, label=what)]
    if band:
        keys.append(Patch(facecolor=POSTERIOR, alpha=0.22, label=interval_words(interval.kind, interval.prob)))
    if beyond:
        keys.append(Line2D([], [], color=POSTERIOR, linewidth=1.0, linestyle=BEYOND, label="beyond the group's follow-up"))
    return keys
