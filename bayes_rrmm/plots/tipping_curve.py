"""The tipping curve of a small group: how sure one may be of its hazard ratio, by the width of a prior that expects none."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from bayes_rrmm.plots.dossier_frame import HOLLOW, asked, failed_handle, framed, on_side, passed, round_ticks
from bayes_rrmm.plots.frame import place, write
from bayes_rrmm.plots.style import PALE, POSTERIOR, QUIET, Column, house_style
from bayes_rrmm.plots.table_columns import draw_key, key_height, wrapped
from bayes_rrmm.priors import Z975
from bayes_rrmm.results import Source
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.sensitivity.dossier_folder import Dossier, DossierSource

HEIGHT = {"single": 1.75, "double": 2.2}
LEFT, RIGHT, BELOW, LINE = 0.56, 0.26, 0.48, 0.13
"""Inches beside the axes, of their ticks below, and of a line of text."""
ERRORS, SIZE = 2.0, 7.0
ALONG = "Prior sd of log HR, centred at HR 1; below it the prior's 95 % interval of the hazard ratio"


def tipping_curve(dossier: DossierSource, source: Source, *, column: Column = "double", title: str | None = None) -> Figure:
    """P(HR on its side of 1) under priors log HR ~ Normal(0, sd^2), by sd: each refit with 2 Monte Carlo errors either way, the
    threshold, and where the one crosses the other with what Monte Carlo error leaves open, or that it does not.

    `dossier` is a small group, a dossier or its folder, `source` the fit or run it belongs to. A refit that failed its diagnostics
    has an empty marker and counts for nothing; one without draws stands on the axis. Raises RunFolderError where the dossier is
    another fit's.
    """
    found, frame = framed(dossier, source, column, title, "How sure, by the prior's width")
    curve, crossed = found.to_dataframe("curve"), _crossed(found)
    told = _told(found, crossed)
    with house_style():
        wide = frame.width - LEFT - RIGHT
        above, below = wrapped(told, wide, SIZE, "bold"), wrapped(ALONG, wide, SIZE)
        handles = _handles(curve)
        key = key_height([str(handle.get_label()) for handle in handles], frame.width)
        top = frame.head + LINE * len(above) + 0.08
        figure = frame.sheet(top - frame.head + HEIGHT[column] + BELOW + LINE * len(below), key + 0.2)
        axes = place(figure, LEFT, top, wide, HEIGHT[column])
        sds = curve["sd"].to_numpy(dtype=float)
        axes.set_xlim(sds.min() / 1.12, sds.max() * 1.12)
        _probabilities(axes, found, curve)
        _crossing(axes, crossed)
        _axes(axes, found, sds)
        write(figure, LEFT, frame.head + 0.02, "\n".join(above), size=SIZE, weight="bold")
        write(figure, LEFT + wide / 2, top + HEIGHT[column] + BELOW, "\n".join(below), size=SIZE, ha="center")
        draw_key(figure, handles, 0.16)
        size = f"{found.sizes.patients:g} patients, {found.sizes.events:g} events"
        span = _span(on_side(found, curve)[passed(curve)])
        description = (
            f"{asked(found)} of {found.label} ({size}) under {len(curve)} priors centred at a hazard ratio of 1, of sds of "
            f"log HR from {sds.min():.2g} to {sds.max():.2g}: {span}. {told[0].upper()}{told[1:]}."
        )
        return frame.complete(figure, description)


def _span(values: np.ndarray) -> str:
    return " to ".join(figure_of(value, "probability") for value in (values[0], values[-1])) if len(values) else "none passed"


def _crossed(found: Dossier) -> dict[str, float]:
    table = found.to_dataframe("crossings")
    row = table[table["along"] == "sd"].iloc[0]
    return {name: float(row[name]) for name in ("at", "low", "high", "p_start", "p_end")}


def _told(found: Dossier, crossed: dict[str, float]) -> str:
    goal = f"{found.threshold:g}"
    if not math.isnan(crossed["at"]):
        doubt = "" if math.isnan(crossed["low"]) else f" ({crossed['low']:.2g} to {crossed['high']:.2g} within Monte Carlo error)"
        return f"reaches {goal} at a prior sd of {crossed['at']:.2g}{doubt}"
    if math.isnan(crossed["p_end"]):
        return "no crossing is known: too few refits passed"
    if crossed["p_start"] >= found.threshold:
        return f"no crossing: the tightest prior leaves {figure_of(crossed['p_start'], 'probability')}, above {goal}"
    return f"no crossing: the widest prior gives {figure_of(crossed['p_end'], 'probability')}, short of {goal}"


def _probabilities(axes: Axes, found: Dossier, curve: pd.DataFrame) -> None:
    sd, p = curve["sd"].to_numpy(dtype=float), on_side(found, curve)
    error, good = ERRORS * curve["p_error"].to_numpy(dtype=float), passed(curve)
    axes.axhline(found.threshold, color="#222222", linewidth=0.9, linestyle=(0, (5, 2)))
    limits = np.clip(p[good] - error[good], 0, 1), np.clip(p[good] + error[good], 0, 1)
    axes.vlines(sd[good], *limits, color=POSTERIOR, linewidth=0.9)
    axes.plot(sd[good], p[good], color=POSTERIOR, linewidth=0.8, marker="o", markersize=3.2)
    shown = p[~np.isnan(p)]
    low = min(0.5, float(shown.min()) - 0.02) if len(shown) else 0.5
    low = max(0.0, math.floor(20 * low) / 20)
    axes.set_yticks([tick for tick in np.linspace(0, 1, 11) if tick >= low - 1e-9])
    axes.set_ylim(low - 0.02 * (1 - low), 1 + 0.03 * (1 - low))
    bad = np.where(np.isnan(p[~good]), low, p[~good])
    axes.plot(sd[~good], bad, linestyle="none", marker="o", markersize=4, clip_on=False, zorder=4, **HOLLOW)


def _crossing(axes: Axes, crossed: dict[str, float]) -> None:
    if math.isnan(crossed["at"]):
        return
    if not math.isnan(crossed["low"]):
        axes.axvspan(crossed["low"], crossed["high"], color=PALE, linewidth=0, zorder=0)
    axes.axvline(crossed["at"], color="#222222", linewidth=0.9)


def _axes(axes: Axes, found: Dossier, sds: np.ndarray) -> None:
    ticks = round_ticks(float(sds.min()), float(sds.max()), 4)
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    ends = [[figure_of(math.exp(sign * Z975 * tick), "ratio") for sign in (-1, 1)] for tick in ticks]
    axes.set_xticks(ticks, [f"{tick:g}\n{low}\nto {high}" for tick, (low, high) in zip(ticks, ends, strict=True)], size=6.5)
    axes.set_ylabel(asked(found))
    axes.annotate(
        f"threshold {found.threshold:g}", (1.0, found.threshold), (0, -2.5), xycoords=axes.get_yaxis_transform(),
        textcoords="offset points", ha="right", va="top", size=6.5, color=QUIET,
    )  # fmt: skip


def _handles(curve: pd.DataFrame) -> list[Line2D]:
    handles = [Line2D([], [], color=POSTERIOR, linewidth=0.8, marker="o", markersize=3.2, label="refit, 2 Monte Carlo errors")]
    return handles + ([] if passed(curve).all() else [failed_handle()])
