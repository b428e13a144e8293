"""Posterior survival with its band over Kaplan-Meier, a panel a group, numbers at risk under each."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from bayes_rrmm.agreement.curves import curves_table, everyone_table
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import at_risk
from bayes_rrmm.plots.style import KAPLAN_MEIER, POSTERIOR, QUIET, SETTINGS, mark_failed

PANEL = (2.35, 1.75)
"""Width and height of one panel in inches; four columns make a double-column figure."""

MOST_COLUMNS = 3


def main_group(fit: Fit) -> str | None:
    """The first group variable of the formula, by which a figure is drawn; None where there is none."""
    groups = fit.plan.encoding.groups
    return groups[0].name if groups else None


def survival(fit: Fit, cohort: Cohort | None = None, by: str | None = None, *, passed: bool = True) -> Figure:
    """Survival by group: posterior median and interval (standardised over the cohort), Kaplan-Meier, numbers at risk.

    `by` None draws everyone in one panel. The posterior is dashed beyond a group's follow-up, where only the model
    speaks. `passed` False puts the mark of failed diagnostics on the figure. Raises FitError where rows are needed
    that the fit was saved without.
    """
    rows = cohort if cohort is not None else fit.require_cohort("the survival figure")
    table = everyone_table(fit, rows) if by is None else curves_table(fit, rows, by)
    levels = list(fit.plan.encoding.group(by).levels) if by is not None else ["all"]
    columns = min(MOST_COLUMNS, len(levels))
    lines = math.ceil(len(levels) / columns)
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(0.75 + PANEL[0] * columns, 0.95 + (PANEL[1] + 0.75) * lines))
        panels = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
        ticks = _ticks(rows)
        for index, panel in enumerate(panels.ravel()):
            if index >= len(levels):
                panel.set_visible(False)
                continue
            level = levels[index]
            _panel(panel, table[table["group"] == level], _title(fit, by, level), ticks)
            keep = np.ones(len(rows), dtype=bool) if by is None else (rows.covariates[by] == level).to_numpy()
            counts = at_risk(ticks, rows.time[keep], rows.entry[keep], rows.weight[keep])
            _numbers_at_risk(panel, ticks, counts, first=index % columns == 0)
            panel.tick_params(labelbottom=True)
        _finish(figure, fit, rows, passed, lines)
    return figure


def _title(fit: Fit, by: str | None, level: str) -> str:
    if by is None:
        return "All patients"
    group = fit.plan.encoding.group(by)
    index = group.levels.index(level)
    return f"{level} ({group.counts[index]:g} patients, {group.events[index]:g} events)"


def _panel(panel: Axes, table: pd.DataFrame, title: str, ticks: Floats) -> None:
    posterior = table[table["source"] == "posterior"]
    inside = posterior[~posterior["extrapolated"]]
    beyond = posterior[posterior["extrapolated"]]
    start = {"time": 0.0, "survival": 1.0, "lower": 1.0, "upper": 1.0}
    inside = pd.concat([pd.DataFrame([start]), inside[list(start)]])
    panel.fill_between(inside["time"], inside["lower"], inside["upper"], color=POSTERIOR, alpha=0.22, linewidth=0)
    panel.plot(inside["time"], inside["survival"], color=POSTERIOR, linewidth=1.3)
    if len(beyond):
        panel.fill_between(beyond["time"], beyond["lower"], beyond["upper"], color=POSTERIOR, alpha=0.09, linewidth=0)
        panel.plot(beyond["time"], beyond["survival"], color=POSTERIOR, linewidth=1.0, linestyle=(0, (2, 2)))
    observed = table[table["source"] == "kaplan-meier"]
    panel.step(observed["time"], observed["survival"], where="post", color=KAPLAN_MEIER, linewidth=0.9)
    for limit in ("lower", "upper"):
        panel.step(observed["time"], observed[limit], where="post", color=KAPLAN_MEIER, linewidth=0.5, linestyle=":")
    panel.set_title(title, loc="left")
    panel.set_xlim(0, ticks[-1] if len(ticks) > 1 else None)
    panel.set_ylim(0, 1.02)
    panel.set_xticks(ticks)
    panel.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))


def _numbers_at_risk(panel: Axes, ticks: Floats, counts: Floats, first: bool) -> None:
    place = panel.get_xaxis_transform()
    for tick, count in zip(ticks, counts, strict=True):
        panel.text(tick, -0.30, f"{count:g}", transform=place, ha="center", va="top", size=6.5, color=QUIET)
    if first:
        panel.text(-0.02, -0.205, "At risk", transform=panel.transAxes, ha="left", va="top", size=6.5, color=QUIET)


def _ticks(rows: Cohort) -> Floats:
    end = float(rows.time.max())
    steps = [1, 1.2, 1.5, 2, 2.4, 3, 5, 6, 10] if rows.unit == "months" else [1, 2, 2.5, 5, 10]
    ticks = MaxNLocator(nbins=6, steps=steps).tick_values(0.0, end)
    inside = [tick for tick in ticks if tick >= 0]
    return np.asarray([tick for tick in inside if tick <= end] + [next(tick for tick in inside if tick >= end)]).astype(np.float64)


def _finish(figure: Figure, fit: Fit, rows: Cohort, passed: bool, lines: int) -> None:
    interval = fit.analysis.sampling.interval
    kind = {"eti": "equal-tailed", "hdi": "highest-density"}[interval.kind]
    figure.suptitle(f"{fit.analysis.title}: {fit.analysis.endpoint.name}", x=0.01, y=0.995, ha="left", va="top", size=9, weight="bold")
    height = figure.get_figheight()
    figure.text(
        0.01,
        0.07 / height,
        f"Blue: {fit.plan.family} posterior median, {interval.prob:.0%} {kind} interval; dashed beyond the group's follow-up. "
        f"Black: Kaplan-Meier, log-log interval dotted.\nTime in {rows.unit}.",
        size=6.5,
        color=QUIET,
        va="bottom",
    )
    bottom = 0.95 / height
    figure.subplots_adjust(left=0.075, right=0.985, top=1 - 0.55 / height, bottom=bottom, hspace=0.62 + 0.02 * lines, wspace=0.12)
    if not passed:
        mark_failed(figure)
