"""Hazard ratios: posterior, Cox and Firth a row each comparison, over a region of no effect, with their numbers beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from matplotlib.figure import Figure

from bayes_rrmm.plots.frame import frame_of
from bayes_rrmm.plots.interval_rows import Block, Columns
from bayes_rrmm.plots.ratio_axis import Limits, checked_region, limits_of
from bayes_rrmm.plots.ratio_blocks import (
    METHODS,
    NO_EFFECT,
    Sheet,
    checked_methods,
    count_cells,
    draw_sheet,
    folded_counts,
    lines_of,
    methods_key,
    sides_of,
    values_of,
)
from bayes_rrmm.plots.ratio_rows import (
    RatioRow,
    Ratios,
    answer_of,
    counted,
    heading_of,
    probability_text,
    questions_of,
    ratio_text,
    read_ratios,
)
from bayes_rrmm.plots.style import Column, house_style
from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import prob_words


def forest(
    source: Source,
    of: str | None = None,
    *,
    methods: Sequence[str] = METHODS,
    region: Limits | None = NO_EFFECT,
    limits: Limits | None = None,
    column: Column = "double",
    title: str | None = None,
) -> Figure:
    """Every reported hazard ratio (`of` None) or those of one term: posterior median and interval, the Cox estimate that is
    adjusted as the model is, and Firth's where events are few; with patients and events of the group (of a continuous covariate,
    of everyone) and P(HR < 1).

    `region` is where a hazard ratio is taken for no effect, shaded and named in the legend: by default a hazard less than a tenth
    lower, or as much higher (0.90 to 1.11); None leaves it out. `limits` are those of the axis; intervals beyond them end in
    arrows. Numbers are those of estimates.csv and crosscheck.csv. Raises FitError for an unknown method, AnalysisError for a term
    that has no single hazard ratio.
    """
    methods, region = checked_methods(methods), checked_region(region)
    results = results_of(source)
    found = read_ratios(results, questions_of(results, of), crosscheck=bool({"cox", "firth"} & set(methods)))
    blocks = list(_blocks(results, found, methods))
    prob = prob_words(found.prob)
    columns = Columns(("patients", "events"), (f"HR [{prob} interval]", f"HR [{prob}]"), ("P(HR < 1)",))
    handles, axis = methods_key(results, found, methods), limits_of(values_of(blocks), limits)
    frame = frame_of(results, column, title, "Hazard ratios")
    with house_style():
        figure, _, _ = draw_sheet(frame, Sheet(blocks, columns, axis, region, handles, sides_of(found)))
        return frame.complete(figure, _description(found, region))


def _blocks(results: Results, found: Ratios, methods: Sequence[str]) -> Iterator[Block]:
    """Of each term and what its levels are compared with a heading, then its rows."""
    for heading, items in groupby(found.rows, heading_of(found.rows)):
        rows = list(items)
        if heading:
            first = rows[0]
            cells = count_cells(*counted(results, first.term, first.versus, first.subgroup)) if first.versus else ()
            yield Block(heading, cells, folded=folded_counts(cells))
        for row in rows:
            yield _block(row, methods, found.crosschecked)


def _block(row: RatioRow, methods: Sequence[str], crosschecked: bool) -> Block:
    cells, p = count_cells(row.patients, row.events), probability_text(row.p_below)
    folded = (*folded_counts(cells), f"P(HR < 1) {p}")
    return Block(row.group, cells, lines_of(row, methods, crosschecked), (p,), folded)


def _description(found: Ratios, region: Limits | None) -> str:
    rows = []
    for row in found.rows:
        cox = answer_of(row.cox)
        beside = f" (Cox {ratio_text(cox)})" if cox else ""
        rows.append(f"{row.term} {row.name} {ratio_text(row.bayes)}{beside}, P(HR < 1) {probability_text(row.p_below)}")
    shaded = "" if region is None else " The region of no effect is shaded."
    return f"Forest plot of hazard ratios, posterior median with {found.interval}: {'; '.join(rows)}.{shaded}"


__all__ = ["forest"]
