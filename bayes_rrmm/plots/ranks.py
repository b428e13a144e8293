"""Ranks of the groups of a term: the probability of each rank, with SUCRA and the median rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import HazardRatio, Rank
from bayes_rrmm.plots.frame import MARGIN, Frame, frame_of, place, write
from bayes_rrmm.plots.style import POSTERIOR, QUIET, Column, house_style
from bayes_rrmm.plots.table_columns import SMALL, text_width, widest, wrapped
from bayes_rrmm.reading import estimate, estimates_table, reported_estimands
from bayes_rrmm.reading.contrasts import hazard_ratio_contrasts
from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import figure_of

CELL, HEAD, UNDER, FOOT, LINE = 0.29, 0.24, 0.36, 0.34, 0.12
"""Inches of a cell's height, of the columns' names, of the ranks below, of the foot, and of a line of a label."""
WIDEST, GAP = 0.75, 0.1
INK = 0.55
"""Probability from which a cell is so dark that its number is white."""


@dataclass(frozen=True)
class _Ranked:
    """The levels, best first, with the probability of each rank (L, L), SUCRA and median rank."""

    levels: tuple[str, ...]
    probabilities: Floats
    sucra: tuple[float, ...]
    median: tuple[float, ...]


@dataclass(frozen=True)
class _Grid:
    """Where the cells stand, in inches: left edge, top, and the size of one; the labels' lines; text size; the text columns right
    of it, as (right edge, name); whether cells are so narrow that their numbers stand upright."""

    left: float
    top: float
    wide: float
    tall: float
    labels: tuple[tuple[str, ...], ...]
    size: float
    columns: tuple[tuple[float, str], ...]
    turned: bool


def ranks(
    source: Source, of: str | None = None, *, upto: float | None = None, column: Column = "double", title: str | None = None
) -> Figure:
    """The probability of each rank for each group of `of` (None: of the first rank that is reported), darker where it is higher,
    with SUCRA (1 surely best, 0 surely worst) and the median rank; the group with the highest SUCRA stands on top.

    Rank 1 is the lowest hazard, or with `upto` the longest RMST to that time. SUCRA and median are those of estimates.csv where
    the rank is reported. Raises AnalysisError where no rank is reported and `of` names no group, or the groups have no one order.
    """
    results = results_of(source)
    question = _question(results, of, upto)
    found = _ranked(results, question)
    frame = frame_of(results, column, title, f"Ranks of {question.of}")
    grid = _grid(frame, found)
    with house_style():
        figure = frame.sheet(HEAD + grid.tall * len(found.levels) + UNDER, FOOT)
        _draw_cells(figure, found, grid)
        _draw_texts(figure, found, grid)
        note = f"Rank 1: {_best(question, results)}. SUCRA: 1 surely best, 0 surely worst."
        for index, line in enumerate(wrapped(note, frame.width - 2 * MARGIN, 6.2)):
            write(figure, MARGIN, float(figure.get_figheight()) - FOOT + 0.02 + 0.1 * index, line, size=6.2, color=QUIET)
        return frame.complete(figure, _description(found, question, _best(question, results)))


def _question(results: Results, of: str | None, upto: float | None) -> Rank:
    """The rank that is reported, else that of the group. Raises AnalysisError where there is none to draw."""
    reported = [item for item in reported_estimands(results.fit) if isinstance(item, Rank)]
    found = [item for item in reported if of in (None, item.of) and upto in (None, item.upto)]
    if found:
        return found[0]
    groups = [group.name for group in results.fit.plan.encoding.groups]
    if of is None:
        names = ", ".join(groups) or "none"
        raise AnalysisError(f"the analysis reports no such rank; name the group whose levels are to be ranked with `of`: {names}.")
    question = Rank(of=results.fit.plan.encoding.group(of).name, upto=upto)
    if upto is None:
        try:
            hazard_ratio_contrasts(results.fit.plan, HazardRatio(of=of))
        except AnalysisError:
            raise AnalysisError(
                f"the groups of {of!r} have no one order of hazards, since the term interacts; rank them by RMST instead: set upto."
            ) from None
    return question


def _ranked(results: Results, question: Rank) -> _Ranked:
    estimates = estimate(results.fit, question)
    draws = estimates.draws.transpose("chain", "draw", question.of)
    levels = [str(level) for level in draws[question.of].to_numpy()]
    flat = draws.to_numpy().reshape(-1, len(levels))
    probabilities = np.array([[np.mean(flat[:, level] == rank + 1) for rank in range(len(levels))] for level in range(len(levels))])
    is_reported = question in reported_estimands(results.fit)
    table = results.estimates if is_reported else estimates_table([(question, estimates)])
    table = table[(table["term"] == question.of) & (table["at"].isna() if question.upto is None else table["at"] == question.upto)]
    by_level = {kind: rows.drop_duplicates("group").set_index("group") for kind, rows in table.groupby("estimand")}
    sucra = [float(value) for value in by_level["sucra"].loc[levels, "mean"]]
    median = [float(value) for value in by_level["rank"].loc[levels, "median"]]
    order = sorted(range(len(levels)), key=lambda level: -sucra[level])
    picked = (tuple(values[level] for level in order) for values in (sucra, median))
    return _Ranked(tuple(levels[level] for level in order), probabilities[order], *picked)


def _grid(frame: Frame, found: _Ranked) -> _Grid:
    size, single, count = SMALL[frame.column], frame.column == "single", len(found.levels)
    names = ("SUCRA", "median") if single else ("SUCRA", "median rank")
    sides = [text_width(name, size, "bold") for name in names]
    label = min(widest(found.levels, size) + 0.02, (0.78 if count > 8 else 0.95) if single else 1.9)
    labels = tuple(tuple(wrapped(level, label, size)) for level in found.levels)
    left = MARGIN + label + 0.08
    wide = min((frame.width - left - sum(sides) - GAP * (len(sides) + 0.5) - MARGIN) / count, WIDEST)
    across = text_width("<0.001", _small(size))
    turned = across > wide - 0.03
    tall = max(across + 0.07 if turned else CELL, *(LINE * len(lines) + 0.06 for lines in labels))
    x, columns = left + wide * count, []
    for side, name in zip(sides, names, strict=True):
        x += GAP + side
        columns.append((x, name))
    return _Grid(left, frame.head + HEAD, wide, tall, labels, size, tuple(columns), turned)


def _draw_cells(figure: Figure, found: _Ranked, grid: _Grid) -> None:
    """The map of probabilities, with their numbers."""
    count = len(found.levels)
    axes = place(figure, grid.left, grid.top, grid.wide * count, grid.tall * count)
    paint = LinearSegmentedColormap.from_list("ranks", ["white", POSTERIOR])
    axes.imshow(found.probabilities, cmap=paint, vmin=0, vmax=1, aspect="auto")
    for (row, rank), p in np.ndenumerate(found.probabilities):
        color = "white" if p >= INK else "#222222"
        text = figure_of(float(p), "probability")
        axes.text(rank, row, text, ha="center", va="center", rotation=90 * grid.turned, size=_small(grid.size), color=color)
    axes.set_xticks(range(count), [str(rank + 1) for rank in range(count)], fontsize=grid.size)
    axes.set_yticks([])
    axes.tick_params(length=0, pad=2)
    axes.set_xlabel("Rank", labelpad=1, fontsize=7)
    for spine in axes.spines.values():
        spine.set(visible=True, color=QUIET)


def _small(size: float) -> float:
    return max(6.0, size - 0.5)


def _draw_texts(figure: Figure, found: _Ranked, grid: _Grid) -> None:
    write(figure, grid.left, grid.top - 0.03, "probability of each rank", va="bottom", size=grid.size, weight="bold")
    for x, name in grid.columns:
        write(figure, x, grid.top - 0.03, name, ha="right", va="bottom", size=grid.size, weight="bold")
    for row, lines in enumerate(grid.labels):
        middle = grid.top + grid.tall * (row + 0.5)
        write(figure, grid.left - 0.06, middle, "\n".join(lines), ha="right", va="center", size=grid.size, linespacing=1.1)
        cells = (figure_of(found.sucra[row], "probability"), figure_of(found.median[row], "rank"))
        for (x, _), cell in zip(grid.columns, cells, strict=True):
            write(figure, x, middle, cell, ha="right", va="center", size=grid.size)


def _best(question: Rank, results: Results) -> str:
    if question.upto is None:
        return "the lowest hazard"
    return f"the longest RMST to {question.upto:g} {results.fit.analysis.endpoint.unit}"


def _description(found: _Ranked, question: Rank, best: str) -> str:
    told: Sequence[str] = [
        f"{level}: SUCRA {figure_of(sucra, 'probability')}, median rank {figure_of(median, 'rank')}, "
        f"P(rank 1) {figure_of(float(row[0]), 'probability')}"
        for level, sucra, median, row in zip(found.levels, found.sucra, found.median, found.probabilities, strict=True)
    ]
    return f"Probability of each rank of the levels of {question.of}, rank 1 being {best}: {'; '.join(told)}."


__all__ = ["ranks"]
