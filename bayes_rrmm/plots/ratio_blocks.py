"""Hazard ratios as rows of a figure: their estimates, cells and legend, and the sheet that holds them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayes_rrmm.errors import FitError, nearest
from bayes_rrmm.plots.frame import Frame
from bayes_rrmm.plots.interval_rows import Block, Columns, Layout, Line, draw_blocks, draw_lines, lay_out
from bayes_rrmm.plots.ratio_axis import LOOKS, Limits, dress, favours, favours_lines, key_of, no_effect, region_key
from bayes_rrmm.plots.ratio_rows import RatioRow, Ratios, answer_of, ratio_text
from bayes_rrmm.plots.table_columns import draw_key, key_height
from bayes_rrmm.results import Results
from bayes_rrmm.rounding import prob_words

METHODS = ("bayes", "cox", "firth")
NO_EFFECT = (0.9, 1 / 0.9)
HEAD, AXIS, DATA = 0.2, 0.36, 0.16
"""Inches of the columns' names, of the axis's ticks and name, and of the data's name at the foot."""
NOT_ESTIMABLE = "not estimable"
NAMELESS = ("no", "yes", "0", "1", "false", "true", "none", "absent", "present")
"""Levels that say nothing without the name of their variable."""


@dataclass(frozen=True)
class Sheet:
    """What stands on a sheet of hazard ratios: rows, names of columns, limits of the axis, region of no effect, legend, and whom
    either side of 1 favours."""

    blocks: list[Block]
    columns: Columns
    limits: Limits
    region: Limits | None
    handles: Sequence[Artist]
    sides: tuple[str, str]


def draw_sheet(frame: Frame, sheet: Sheet) -> tuple[Figure, Axes, Layout]:
    """The figure, not yet complete, with its axes and where the rows stand in them."""
    layout = lay_out(frame, sheet.blocks, sheet.columns)
    handles = sorted([*sheet.handles, *region_key(sheet.region)], key=_is_note)
    key = key_height([str(handle.get_label()) for handle in handles], frame.width)
    aside = 0.12 * favours_lines(0.35 * frame.width, sheet.sides)
    figure = frame.sheet(HEAD + layout.height + AXIS + aside, key + DATA)
    axes, top = draw_blocks(figure, frame, sheet.blocks, sheet.columns, layout)
    dress(axes, sheet.limits, layout.axis[1])
    no_effect(axes, sheet.region)
    draw_lines(axes, sheet.blocks, layout)
    favours(figure, axes, top + layout.height + AXIS - 0.02, *sheet.sides)
    draw_key(figure, handles, DATA)
    return figure, axes, layout


def _is_note(handle: Artist) -> bool:
    """Whether a line of the legend is only words, which come last."""
    return isinstance(handle, Line2D) and handle.get_linestyle() == "None"


def checked_methods(methods: Sequence[str]) -> tuple[str, ...]:
    """The methods. Raises FitError for one that there is not, or for none."""
    if not methods:
        raise FitError(f"methods is empty: name at least one of {', '.join(METHODS)}.")
    for method in methods:
        if method not in METHODS:
            raise FitError(f"methods has {method!r}, which is no method of this figure; {nearest(method, METHODS)}")
    return tuple(methods)


def lines_of(row: RatioRow, methods: Sequence[str], crosschecked: bool) -> tuple[Line, ...]:
    """The estimates of a row: Cox's also where it has none, since that is an answer; Firth's only where it was asked."""
    lines = [Line(LOOKS["bayes"], row.bayes, ratio_text(row.bayes))] if "bayes" in methods else []
    if "cox" in methods and crosschecked:
        lines.append(_frequentist("cox", row.cox))
    if "firth" in methods and row.firth is not None:
        lines.append(_frequentist("firth", row.firth))
    return tuple(lines) or (Line(LOOKS["bayes"], None, "-"),)


def _frequentist(method: str, row: dict[str, Any] | None) -> Line:
    answer = answer_of(row)
    return Line(LOOKS[method], answer, ratio_text(answer) if answer else NOT_ESTIMABLE)


def count_cells(patients: float, events: float) -> tuple[str, str]:
    """Patients and events as text; `-` where they are not known."""
    return ("-", "-") if math.isnan(patients) else (f"{patients:g}", f"{events:g}")


def folded_counts(cells: Sequence[str]) -> tuple[str, ...]:
    """The same in words, for a single column of a page; nothing where they are not known."""
    return () if not cells or cells[0] == "-" else (f"{cells[0]} patients, {cells[1]} events",)


def values_of(blocks: Sequence[Block]) -> list[float]:
    """Every number that is drawn, for the limits of the axis."""
    return [value for block in blocks for line in block.lines if line.values for value in line.values]


def methods_key(results: Results, found: Ratios, methods: Sequence[str]) -> list[Line2D]:
    """What each marker is: for Cox also how it is adjusted, and of how many rows where it leaves some out."""
    handles = []
    if "bayes" in methods:
        handles.append(key_of(LOOKS["bayes"], f"posterior median ({results.fit.plan.family}), {found.interval}"))
    cox = [row.cox for row in found.rows if row.cox is not None]
    firth = [row.firth for row in found.rows if row.firth is not None]
    if "cox" in methods and cox:
        words = f"{cox[0]['method']}{_adjusted(cox)}, {prob_words(found.prob)} Wald interval{_rows(cox[0])}"
        handles.append(key_of(LOOKS["cox"], words))
    if "firth" in methods and firth:
        words = f"Firth's Cox{_adjusted(firth)} (where events are few), {prob_words(found.prob)} profile interval"
        handles.append(key_of(LOOKS["firth"], words))
    if not found.crosschecked and {"cox", "firth"} & set(methods):
        handles.append(Line2D([], [], linestyle="none", label="Cox: not drawn, the fit was saved without its rows"))
    return handles


def _adjusted(rows: Sequence[dict[str, Any]]) -> str:
    return " adjusted" if all(bool(row["adjusted"]) for row in rows) else ""


def _rows(row: dict[str, Any]) -> str:
    used, all_rows = row["rows_freq"], row["rows_bayes"]
    return f" ({used:g} of {all_rows:g} patients: no gaps)" if used < all_rows else ""


def sides_of(found: Ratios) -> tuple[str, str]:
    """Whom each side of 1 favours: by name where there is one comparison or one reference, else by hazard."""
    pairs = {(row.term, row.versus) for row in found.rows}
    if len(pairs) != 1 or not found.rows[0].versus:
        return "lower hazard", "higher hazard"
    groups, versus = {row.group for row in found.rows}, found.rows[0].versus
    about = f"{found.rows[0].term} = " if versus.lower() in NAMELESS else ""
    group = f"{about}{groups.pop()}" if len(groups) == 1 else "the group named"
    return f"favours {group}", f"favours {about}{versus}"
