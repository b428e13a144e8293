"""What pooling does to each level of a term: an arrow from its unpooled to its pooled hazard ratio, beside Cox and Firth."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayes_rrmm.errors import FitError
from bayes_rrmm.plots.frame import MARK, frame_of
from bayes_rrmm.plots.interval_rows import STEP, Block, Columns, Layout, Line
from bayes_rrmm.plots.ratio_axis import LOOKS, Limits, key_of, limits_of
from bayes_rrmm.plots.ratio_blocks import NOT_ESTIMABLE, Sheet, count_cells, draw_sheet, folded_counts, values_of
from bayes_rrmm.plots.ratio_rows import Answer, ratio_text
from bayes_rrmm.plots.style import QUIET, Column, house_style
from bayes_rrmm.results import Source, results_of
from bayes_rrmm.rounding import interval_words, prob_words

if TYPE_CHECKING:
    from bayes_rrmm.sensitivity.shrinkage_record import Shrinkage

BAYESIAN, FREQUENTIST = ("unpooled", "pooled", "horseshoe"), ("cox", "firth")
NEEDED = ("level", "versus", "subgroup", "patients", "events", "unpooled_hr", "unpooled_lower", "unpooled_upper")
Row = Mapping[Hashable, Any]


def shrinkage(
    found: Shrinkage | pd.DataFrame,
    source: Source,
    *,
    limits: Limits | None = None,
    column: Column = "double",
    title: str | None = None,
) -> Figure:
    """Each level's hazard ratio unpooled, pooled (or under a horseshoe), by Cox and by Firth, with patients and events, and an
    arrow from the unpooled estimate to each pooled one.

    `found` is what `br.shrinkage` returned, or its table as shrinkage.csv holds it; `source` the fit it is of, for title, mark
    and interval. Numbers are the table's. Raises FitError for a table without an unpooled and a pooled fit.
    """
    results = results_of(source)
    table = found if isinstance(found, pd.DataFrame) else found.table
    kinds = _kinds(table)
    rows = table.fillna({"subgroup": "", "note": ""}).to_dict("records")
    blocks = list(_blocks(rows, kinds))
    versus = str(rows[0]["versus"])
    interval = results.fit.analysis.sampling.interval
    words, prob = interval_words(interval.kind, interval.prob), prob_words(interval.prob)
    handles = [*_key(kinds, words, prob), *_arrow_key(versus)]
    columns = Columns(("patients", "events"), (f"HR [{prob} interval]", f"HR [{prob}]"), ("shrunk",))
    axis = limits_of(values_of(blocks), limits)
    failed = not isinstance(found, pd.DataFrame) and not found.passed
    frame = frame_of(results, column, title, "Shrinkage", mark=MARK if failed else None)
    with house_style():
        sheet = Sheet(blocks, columns, axis, None, handles, ("favours the group named", f"favours {versus}"))
        figure, axes, layout = draw_sheet(frame, sheet)
        _arrows(axes, blocks, layout, kinds)
        return frame.complete(figure, _description(rows, kinds, words))


def _kinds(table: pd.DataFrame) -> list[str]:
    """The Bayesian fits of the table, the unpooled one first."""
    missing = [name for name in NEEDED if name not in table.columns]
    kinds = [kind for kind in BAYESIAN if f"{kind}_hr" in table.columns and table[f"{kind}_hr"].notna().any()]
    if missing or kinds[:1] != ["unpooled"] or len(kinds) < 2:
        what = f"{', '.join(missing)} is missing" if missing else f"it has {' and '.join(kinds) or 'no fit'}"
        raise FitError(f"shrinkage compares an unpooled fit with a pooled one, and here {what}; make the table with br.shrinkage.")
    return kinds


def _blocks(rows: Sequence[Row], kinds: Sequence[str]) -> Iterator[Block]:
    """What the levels are compared with as a heading, of each subgroup where there are any; then the other levels."""
    subgroup = None
    for row in rows:
        cells = count_cells(float(row["patients"]), float(row["events"]))
        if row["level"] == row["versus"]:
            where = f", {row['subgroup']}" if row["subgroup"] else ""
            subgroup = row["subgroup"]
            yield Block(f"versus {row['versus']}{where}", cells, folded=folded_counts(cells))
            continue
        if row["subgroup"] and row["subgroup"] != subgroup:
            subgroup = row["subgroup"]
            yield Block(f"versus {row['versus']}, {subgroup}")
        shares = [f"{kind}_shrinkage" for kind in kinds[1:]]
        after = "" if len(shares) > 1 else _share(row.get(shares[0], math.nan))
        folded = (*folded_counts(cells), *([f"shrunk {after}"] if after not in ("", "-") else []))
        yield Block(str(row["level"]), cells, tuple(_lines(row, kinds)), (after,), folded)


def _lines(row: Row, kinds: Sequence[str]) -> Iterator[Line]:
    for kind in (*kinds, *FREQUENTIST):
        if f"{kind}_hr" not in row:
            continue
        answer = _answer(row, kind)
        if answer is not None or kind != "firth":
            yield Line(LOOKS[kind], answer, NOT_ESTIMABLE if answer is None else ratio_text(answer))


def _answer(row: Row, kind: str) -> Answer | None:
    point, lower, upper = (float(row[f"{kind}_{name}"]) for name in ("hr", "lower", "upper"))
    return (point, lower, upper) if math.isfinite(point) else None


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0%}"


def _arrows(axes: Axes, blocks: Sequence[Block], layout: Layout, kinds: Sequence[str]) -> None:
    """From the unpooled point to each pooled one; none where either is off the axis."""
    low, high = axes.get_xlim()
    style = {"arrowstyle": "-|>", "color": QUIET, "linewidth": 0.8, "shrinkA": 2.5, "shrinkB": 2.5, "mutation_scale": 6}
    for block, top in zip(blocks, layout.tops, strict=True):
        points = [line.values[0] if line.values else math.nan for line in block.lines[: len(kinds)]]
        for number, point in enumerate(points[1:], start=1):
            if low <= points[0] <= high and low <= point <= high:
                ends = (point, top + STEP * (number + 0.5)), (points[0], top + STEP * 0.5)
                axes.annotate("", *ends, zorder=6, arrowprops=style)


def _key(kinds: Sequence[str], words: str, prob: str) -> list[Line2D]:
    called = {"unpooled": "unpooled", "pooled": "pooled", "horseshoe": "under a horseshoe"}
    handles = [key_of(LOOKS[kind], f"{called[kind]}: posterior median, {words}") for kind in kinds]
    handles.append(key_of(LOOKS["cox"], f"Cox, {prob} Wald interval"))
    handles.append(key_of(LOOKS["firth"], f"Firth's Cox, {prob} profile interval"))
    return handles


def _arrow_key(versus: str) -> list[Line2D]:
    arrow = Line2D([], [], color=QUIET, linewidth=0.8, marker=">", markevery=[1], markersize=3, label="from unpooled to pooled")
    moves = f"beyond 0 to 100% where {versus} moves too"
    label = f"shrunk: 1 - log HR / log HR unpooled; {moves}; - where the unpooled effect is next to 0"
    return [arrow, Line2D([], [], linestyle="none", label=label)]


def _description(rows: Sequence[Row], kinds: Sequence[str], words: str) -> str:
    told = []
    for row in rows:
        if row["level"] != row["versus"]:
            answers = [(kind, _answer(row, kind)) for kind in kinds]
            name = f"{row['level']} ({row['subgroup']})" if row["subgroup"] else str(row["level"])
            said = ", ".join(f"{kind} {ratio_text(answer) if answer else '-'}" for kind, answer in answers)
            told.append(f"{name}, {row['events']:g} events: {said}")
    return f"Hazard ratios against {rows[0]['versus']} unpooled and pooled, median and {words}: {'; '.join(told)}."


__all__ = ["shrinkage"]
