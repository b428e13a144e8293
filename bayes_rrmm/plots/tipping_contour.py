"""The tipping point of a small group over centre and width of the prior: which priors bring its probability to the threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from scipy.special import ndtri

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.plots.dossier_frame import HOLLOW, asked, failed_handle, framed, on_side, passed, round_ticks
from bayes_rrmm.plots.frame import Frame, place
from bayes_rrmm.plots.style import PALE, Column, house_style
from bayes_rrmm.plots.table_columns import draw_key, key_height
from bayes_rrmm.results import Source
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.sensitivity.dossier_folder import Dossier, DossierSource

HEIGHT = {"single": 2.1, "double": 2.9}
LEFT, RIGHT, ABOVE, BELOW, BAR = 0.56, 0.14, 0.08, 0.46, 0.3
LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
NEAREST = 1e-4
INK = "#111111"


def tipping_contour(dossier: DossierSource, source: Source, *, column: Column = "double", title: str | None = None) -> Figure:
    """P(HR on its side of 1) by the prior's centre (a hazard ratio) and sd of log HR, darker the surer, with the threshold as a
    thick line, a dot at every refit, and the priors of the grid by name.

    Between refits the probit of P is interpolated linearly in log centre and log sd; cells beside a refit that failed its
    diagnostics, an empty marker, are hatched. `dossier` is a small group, a dossier or its folder, `source` the fit or run it
    belongs to. Raises RunFolderError where the dossier is another fit's.
    """
    found, frame = framed(dossier, source, column, title, "How sure, by the prior's centre and width")
    contour, priors = found.to_dataframe("contour"), found.to_dataframe("priors")
    with house_style():
        crossed = _is_crossed(found, contour)
        handles = _handles(found, contour, crossed)
        key = key_height([str(handle.get_label()) for handle in handles], frame.width)
        figure = frame.sheet(ABOVE + HEIGHT[column] + BELOW + BAR, key + 0.16)
        axes = place(figure, LEFT, frame.head + ABOVE, frame.width - LEFT - RIGHT, HEIGHT[column])
        _surface(figure, axes, found, contour, frame)
        inside = _named_priors(axes, contour, priors)
        _axes(axes, contour, column)
        draw_key(figure, handles, 0.14)
        return frame.complete(figure, _description(found, contour, priors[inside], crossed))


def _grid(found: Dossier, contour: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Centres, sds and P, shape (sds, centres), NaN where a refit failed."""
    p = pd.Series(np.where(passed(contour), on_side(found, contour), np.nan), index=contour.index)
    table = contour.assign(p=p).pivot_table(index="sd", columns="centre", values="p", dropna=False)
    return table.columns.to_numpy(dtype=float), table.index.to_numpy(dtype=float), table.to_numpy(dtype=float)


def _levels(threshold: float) -> list[float]:
    return sorted([level for level in LEVELS if abs(level - threshold) > 0.02] + [threshold])


def _surface(figure: Figure, axes: Axes, found: Dossier, contour: pd.DataFrame, frame: Frame) -> None:
    """The surface with its scale and the refits."""
    centres, sds, p = _grid(found, contour)
    x, y, z = np.log(centres), np.log(sds), np.ma.masked_invalid(ndtri(np.clip(p, NEAREST, 1 - NEAREST)))
    levels = _levels(found.threshold)
    edges = [-9.0, *ndtri(levels), 9.0]
    colors = mpl.colormaps["Blues"](np.linspace(0.02, 0.8, len(edges) - 1))
    axes.patch.set(hatch="////", edgecolor=PALE, linewidth=0.0)  # seen only where nothing is known
    if z.count():
        axes.contourf(x, y, z, levels=edges, colors=colors)
    others = [level for level in ndtri(levels) if z.count() and z.min() < level < z.max() and level != ndtri(found.threshold)]
    if others:
        axes.contour(x, y, z, levels=others, colors=INK, linewidths=0.4, linestyles="-")
    if _is_crossed(found, contour):
        axes.contour(x, y, z, levels=[ndtri(found.threshold)], colors=INK, linewidths=2.0)
    good = passed(contour)
    places = np.log(contour["centre"].to_numpy(dtype=float)), np.log(contour["sd"].to_numpy(dtype=float))
    axes.plot(*(where[good] for where in places), linestyle="none", marker=".", markersize=1.4, color=INK, alpha=0.6)
    bad = [where[~good] for where in places]
    axes.plot(*bad, linestyle="none", marker="o", markersize=3.5, clip_on=False, zorder=4, **HOLLOW)
    top = frame.head + ABOVE + HEIGHT[frame.column] + BELOW
    _scale(place(figure, LEFT, top, frame.width - LEFT - RIGHT, 0.1), found, levels, colors)


def _is_crossed(found: Dossier, contour: pd.DataFrame) -> bool:
    """Whether refits that passed stand on both sides of the threshold."""
    p = on_side(found, contour)[passed(contour)]
    return bool(len(p)) and bool(p.min() < found.threshold <= p.max())


def _scale(bar: Axes, found: Dossier, levels: Sequence[float], colors: Any) -> None:
    """What each shade means: equal steps, whatever they span."""
    bar.bar(range(len(colors)), 1, width=1, align="edge", color=colors)
    bar.set(xlim=(0, len(colors)), ylim=(0, 1), yticks=[])
    bar.set_xticks(range(len(colors) + 1), ["0", *(f"{level:g}" for level in levels), "1"], size=6.5)
    bar.spines[["left", "bottom"]].set_visible(False)
    bar.axvline(1 + levels.index(found.threshold), color=INK, linewidth=2.0)
    bar.set_ylabel(asked(found), rotation=0, ha="right", va="center", size=6.5, labelpad=3)


def _named_priors(axes: Axes, contour: pd.DataFrame, priors: pd.DataFrame) -> pd.Series[bool]:
    """The priors of the grid as labelled points, names by turns left and right of those above each other; which are on the grid."""
    inside = priors["sd"].between(contour["sd"].min(), contour["sd"].max())
    inside &= priors["centre"].between(contour["centre"].min(), contour["centre"].max())
    halo = [withStroke(linewidth=2.0, foreground="white")]
    by_centre: dict[float, int] = {}
    for row in priors[inside].sort_values("sd").to_dict("records"):
        x, y = math.log(row["centre"]), math.log(row["sd"])
        turn = by_centre[round(x, 1)] = by_centre.get(round(x, 1), -1) + 1
        left = bool(turn % 2) if abs(x) < 1e-9 else x < 0
        axes.plot([x], [y], marker="D", markersize=4, markerfacecolor="white", markeredgecolor=INK, markeredgewidth=1.0, zorder=5)
        axes.annotate(
            row["prior"], (x, y), (-5 if left else 5, 0), textcoords="offset points", ha="right" if left else "left", va="center",
            size=6.5, path_effects=halo, zorder=6,
        )  # fmt: skip
    return inside


def _axes(axes: Axes, contour: pd.DataFrame, column: str) -> None:
    for along, name, label in (("x", "centre", "Centre of the prior (hazard ratio)"), ("y", "sd", "Prior sd of log HR")):
        low, high = float(contour[name].min()), float(contour[name].max())
        ticks = round_ticks(low, high, 8) if along == "y" else _centres(low, high)
        labels = [f"{tick:g}" for tick in ticks]
        (axes.set_xticks if along == "x" else axes.set_yticks)(np.log(ticks), labels)
        (axes.set_xlim if along == "x" else axes.set_ylim)(math.log(low), math.log(high))
        (axes.set_xlabel if along == "x" else axes.set_ylabel)(label, size=8 if column == "double" else 7)


def _centres(low: float, high: float) -> Floats:
    inside = [value for value in (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0, 10.0) if low * 0.999 <= value <= high * 1.001]
    return np.array(inside if len(inside) > 1 else [low, high])


def _handles(found: Dossier, contour: pd.DataFrame, crossed: bool) -> list[Line2D]:
    goal = f"{asked(found)} = {found.threshold:g}"
    none = f"no line: the grid lies on one side of {found.threshold:g}"
    handles = [Line2D([], [], color=INK, linewidth=2.0 if crossed else 0, label=goal if crossed else none)]
    handles.append(Line2D([], [], linestyle="none", marker=".", markersize=2, color=INK, label="refit"))
    return handles + ([] if passed(contour).all() else [failed_handle()])


def _description(found: Dossier, contour: pd.DataFrame, priors: pd.DataFrame, crossed: bool) -> str:
    p = on_side(found, contour)[passed(contour)]
    span = f"from {figure_of(p.min(), 'probability')} to {figure_of(p.max(), 'probability')}" if len(p) else "none passed"
    told = [
        f"{row['prior']} {figure_of(value, 'probability')}"
        for row, value in zip(priors.to_dict("records"), on_side(found, priors), strict=True)
    ]
    line = f"The threshold {found.threshold:g} is a line across the grid" if crossed else f"No line is drawn at {found.threshold:g}"
    named = f" Priors named: {', '.join(told)}." if told else ""
    return f"{asked(found)} of {found.label} under {len(contour)} priors by centre and sd, {span}. {line}.{named}"
