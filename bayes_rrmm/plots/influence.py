"""The influence of single patients on a small group's hazard ratio: each left out, each status flipped, and everybody else."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bayes_rrmm.plots.dossier_frame import UNSOUND, asked, failed_handle, framed, interval_of, passed, sides
from bayes_rrmm.plots.frame import place
from bayes_rrmm.plots.interval_rows import Block, Columns, Line, draw_blocks, draw_lines, lay_out
from bayes_rrmm.plots.ratio_axis import LOOKS, Look, dress, favours, favours_lines, key_of, limits_of, no_effect
from bayes_rrmm.plots.ratio_blocks import values_of
from bayes_rrmm.plots.ratio_rows import ratio_text
from bayes_rrmm.plots.style import POSTERIOR, QUIET, Column, house_style
from bayes_rrmm.plots.table_columns import draw_key, key_height
from bayes_rrmm.results import Source
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.sensitivity.dossier_folder import Dossier, DossierSource
from bayes_rrmm.sensitivity.patient_names import by_influence, patient_names

Row = Mapping[Hashable, Any]
MOST, OUTSIDE = 15, 3
"""Patients of the group, and others, who have a row: those who move it most."""
LEFT_OUT = LOOKS["bayes"]
FLIPPED = replace(LOOKS["unpooled"], style="-", width=1.1)
BY_WEIGHTS = Look(QUIET, "o", "white", 0.9)
OTHERS = "#999999"
HEAD, AXIS, STRIP, FOOT = 0.2, 0.36, 0.75, 0.42


@dataclass(frozen=True)
class _Shown:
    """What the figure is made of: the rows, the patients of the group and the others by influence, and how they are called."""

    blocks: list[Block]
    inside: pd.DataFrame
    outside: pd.DataFrame
    names: Mapping[str, str]


def influence(
    dossier: DossierSource, source: Source, *, rows: bool = False, column: Column = "double", title: str | None = None
) -> Figure:
    """The hazard ratio without each patient of the group, and with each of its statuses flipped, below the one analysed, those who
    move it most first; then the most influential patients outside the group, and under the axis how far leaving each patient out
    moves log HR, in posterior sds.

    Of more than 15 patients of the group the others are told as a span. Patients are called A, B, ... by influence, the others
    1, 2, ...; with `rows` by their row's number. Neither times nor statuses are shown. `dossier` is a small group, a dossier or its
    folder, `source` the fit or run it belongs to. Raises RunFolderError where the dossier is another fit's.
    """
    found, frame = framed(dossier, source, column, title, "What single patients do")
    shown = _shown(found, rows)
    prob, p = interval_of(found), asked(found)
    columns = Columns((), (f"HR [{prob} interval], {p}", f"HR [{prob}], P"), ())
    handles = _handles(shown, p, column)
    with house_style():
        layout = lay_out(frame, shown.blocks, columns)
        key = key_height([str(handle.get_label()) for handle in handles], frame.width)
        aside = 0.12 * favours_lines(0.35 * frame.width, sides(found))
        strip_top = HEAD + layout.height + AXIS + aside + 0.16
        figure = frame.sheet(strip_top + STRIP + FOOT, key + 0.16)
        axes, top = draw_blocks(figure, frame, shown.blocks, columns, layout)
        dress(axes, limits_of(values_of(shown.blocks)), layout.axis[1])
        no_effect(axes, None)
        analysed = shown.blocks[0].lines[0].values
        if analysed:
            axes.axvline(analysed[0], color=POSTERIOR, linewidth=0.6, linestyle=(0, (4, 2)), zorder=1)
        draw_lines(axes, shown.blocks, layout)
        favours(figure, axes, top + layout.height + AXIS - 0.02, *sides(found))
        _strip(place(figure, 0.75, frame.head + strip_top, frame.width - 0.87, STRIP), shown)
        draw_key(figure, handles, 0.16)
        return frame.complete(figure, _description(found, shown))


def _shown(found: Dossier, rows: bool) -> _Shown:
    flipped = found.to_dataframe("flipped")
    inside, outside = by_influence(found)
    names = {who: who if rows else name for who, name in patient_names(found).items()}
    turned = {str(row["patient"]): row for row in flipped.to_dict("records")}
    priors = found.to_dataframe("priors")
    analysed = priors[priors["prior"] == "as analysed"].to_dict("records")[0]
    blocks = [Block("as analysed", (), (_line(analysed, LEFT_OUT, found),))]
    blocks.append(Block(found.group))
    for row in inside[:MOST].to_dict("records"):
        who = str(row["patient"])
        again = (_line(turned[who], FLIPPED, found),) if who in turned else ()
        blocks.append(Block(names[who], (), (_line(row, LEFT_OUT, found), *again)))
    if len(inside) > MOST:
        rest = [turned[str(who)] for who in inside["patient"][MOST:] if str(who) in turned]
        lines = (Line(LEFT_OUT, None, _span(inside[MOST:].to_dict("records"))), Line(FLIPPED, None, _span(rest)))
        blocks.append(Block(f"{len(inside) - MOST} more", (), lines))
    if len(outside):
        blocks.append(Block(f"{min(OUTSIDE, len(outside))} of {len(outside)} others"))
    for row in outside[:OUTSIDE].to_dict("records"):
        look = BY_WEIGHTS if row["method"] == "PSIS" else LEFT_OUT
        blocks.append(Block(names[str(row["patient"])], (), (_line(row, look, found),)))
    return _Shown(blocks, inside, outside, names)


def _line(row: Row, look: Look, found: Dossier) -> Line:
    """The hazard ratio of one row, with its probability; a refit that failed has an empty marker and says so."""
    values = float(row["hr"]), float(row["lower"]), float(row["upper"])
    if math.isnan(values[0]):
        return Line(UNSOUND, None, "refit failed")
    below = float(row["p_below_1"])
    text = f"{ratio_text(values)}, {figure_of(below if found.side == 'below' else 1 - below, 'probability')}"
    return Line(look, values, text) if row["passed"] else Line(replace(UNSOUND, marker=look.marker), values, f"{text} failed")


def _span(rows: Sequence[Row]) -> str:
    known = [float(row["hr"]) for row in rows if row["passed"] and not math.isnan(row["hr"])]
    return f"{figure_of(min(known), 'ratio')} to {figure_of(max(known), 'ratio')}" if known else "-"


def _strip(axes: Axes, shown: _Shown) -> None:
    """How far each patient moves log HR: the group's as points, the others' as bars of how many."""
    inside = shown.inside[passed(shown.inside)]["shift"].to_numpy(dtype=float)
    outside = shown.outside[passed(shown.outside)]["shift"].to_numpy(dtype=float)
    both = np.abs(np.concatenate([inside, outside, [0.1]]))
    reach = 1.1 * float(both.max())
    axes.set_xlim(-reach, reach)
    axes.set_xticks([tick for tick in MaxNLocator(6).tick_values(-reach, reach) if abs(tick) <= reach])
    axes.axvline(0.0, color=QUIET, linewidth=0.7)
    if len(outside):
        counts, *_ = axes.hist(outside, bins=list(np.linspace(-reach, reach, 62)), color=OTHERS, edgecolor="white", linewidth=0.3)
        most = int(np.max(counts))
        axes.set_ylim(0, 1.45 * most)
        axes.set_yticks([0, most])
        axes.set_ylabel("others", size=7)
    else:
        axes.set_yticks([])
    heights = np.full(len(inside), 0.88)
    axes.plot(
        inside, heights, linestyle="none", marker="o", markersize=4, color=POSTERIOR, alpha=0.75, clip_on=False,
        transform=axes.get_xaxis_transform(),
    )  # fmt: skip
    axes.set_xlabel("Shift of log HR without one patient (posterior sds)", size=7, labelpad=2)
    axes.tick_params(labelsize=6.5, pad=2)


def _handles(shown: _Shown, p: str, column: str) -> list[Artist]:
    about = f"; P is {p}" if column == "single" else ""
    handles: list[Artist] = [
        key_of(LEFT_OUT, f"left out, by refit (and as analysed){about}"),
        key_of(FLIPPED, "status flipped, by refit"),
    ]
    lines = [line for block in shown.blocks for line in block.lines]
    if any(line.look is BY_WEIGHTS for line in lines):
        handles.append(key_of(BY_WEIGHTS, "left out, by importance sampling (PSIS)"))
    if len(shown.outside):
        handles.append(Patch(facecolor=OTHERS, label="other patients: how many"))
    return handles + ([failed_handle()] if any(line.look.color == UNSOUND.color for line in lines) else [])


def _description(found: Dossier, shown: _Shown) -> str:
    size = f"{found.sizes.patients:g} patients, {found.sizes.events:g} events"
    parts = [f"Hazard ratio of {found.label} ({size}), as analysed {shown.blocks[0].lines[0].text}"]
    known = shown.inside[passed(shown.inside)]
    if len(known):
        first = known.to_dict("records")[0]
        parts.append(
            f"left out one by one, the group's patients bring it to {_span(known.to_dict('records'))}, most "
            f"{shown.names[str(first['patient'])]} ({first['shift']:+.2f} posterior sds)"
        )
    turned = _span(found.to_dataframe("flipped").to_dict("records"))
    parts.append(f"with one status flipped it is {turned}")
    if len(shown.outside):
        told = _span(shown.outside.to_dict("records"))
        parts.append(f"without any one of {len(shown.outside)} patients outside the group {told}")
    return f"{'; '.join(parts)}."
