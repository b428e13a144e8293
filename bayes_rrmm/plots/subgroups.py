"""The hazard ratio of a term in each subgroup of a variable that it interacts with, and how far subgroups differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.fitted import Fit
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
    lines_of,
    methods_key,
    sides_of,
    values_of,
)
from bayes_rrmm.plots.ratio_rows import (
    Key,
    RatioRow,
    Ratios,
    counted,
    probability_text,
    ratio_draws,
    ratio_text,
    read_ratios,
)
from bayes_rrmm.plots.style import Column, house_style
from bayes_rrmm.reading import reported_estimands
from bayes_rrmm.reading.summary import interval_of, quantile_of
from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import prob_words


def subgroups(
    source: Source,
    of: str | None = None,
    *,
    by: str | None = None,
    methods: Sequence[str] = METHODS,
    region: Limits | None = NO_EFFECT,
    limits: Limits | None = None,
    column: Column = "double",
    title: str | None = None,
) -> Figure:
    """The hazard ratio of `of` in each subgroup of `by`, a group that it interacts with (by default those reported, else the one
    there is): posterior, Cox and, where events are few, Firth, with patients and events of both sides and P(HR < 1).

    "ratio of HRs" is the hazard ratio of the subgroup over that of the first one, median and interval of the paired draws: what
    the question whether subgroups differ is answered by. `region`, `limits` and `methods` are those of `forest`. Raises
    AnalysisError where the term interacts with no group.
    """
    methods, region = checked_methods(methods), checked_region(region)
    results = results_of(source)
    questions = _questions(results, of, by)
    found = read_ratios(results, questions, crosscheck=bool({"cox", "firth"} & set(methods)))
    found = Ratios(_by_comparison(found.rows), found.crosschecked, found.kind, found.prob)
    draws = ratio_draws(results.fit, questions)
    blocks = list(_blocks(results, found, draws, methods))
    text = (f"HR [{prob_words(found.prob)} interval]", f"HR [{prob_words(found.prob)}]")
    columns = Columns(("patients", "events"), text, ("P(HR < 1)", "ratio of HRs"))
    label = "ratio of HRs: to that of the first subgroup; around 1 where subgroups are alike"
    about = Line2D([], [], linestyle="none", label=label)
    handles, axis = [*methods_key(results, found, methods), about], limits_of(values_of(blocks), limits)
    frame = frame_of(results, column, title, "Hazard ratios in subgroups")
    with house_style():
        figure, _, _ = draw_sheet(frame, Sheet(blocks, columns, axis, region, handles, sides_of(found)))
        return frame.complete(figure, _description(found))


def _questions(results: Results, of: str | None, by: str | None) -> list[HazardRatio]:
    """The hazard ratios by subgroup that are reported, else those of the first interaction that fits what was asked."""
    reported = [item for item in reported_estimands(results.fit) if isinstance(item, HazardRatio) and item.by is not None]
    found = [item for item in reported if of in (None, item.of) and by in (None, item.by)]
    if found:
        return found
    crossed = [term.variables for term in results.fit.analysis.formula.terms if len(term.factors) == 2]
    for pair in crossed:
        for term, group in (pair, pair[::-1]):
            if results.fit.plan.encoding.is_group(group) and of in (None, term) and by in (None, group):
                return [HazardRatio(of=term, by=group)]
    whom = f"{of!r} interacts with no group" if of is not None else "no term interacts with a group"
    within = f" {by!r}" if by is not None else ""
    raise AnalysisError(f"{whom}{within}, so there are no subgroups to show; put an interaction such as a:b into the formula.")


def _by_comparison(rows: Sequence[RatioRow]) -> tuple[RatioRow, ...]:
    """The rows with the subgroups of one comparison beside each other."""
    order = list(dict.fromkeys((row.term, row.group, row.versus) for row in rows))
    return tuple(sorted(rows, key=lambda row: order.index((row.term, row.group, row.versus))))


def _blocks(results: Results, found: Ratios, draws: Mapping[Key, Floats], methods: Sequence[str]) -> Iterator[Block]:
    for _, items in groupby(found.rows, lambda row: (row.term, row.group, row.versus, row.subgroup.partition("=")[0])):
        rows = list(items)
        first = rows[0]
        yield Block(f"{first.term}: {first.group} versus {first.versus}" if first.versus else first.group)
        for row in rows:
            beside = "1" if row is first else _ratio(results.fit, draws, row, first)
            cells, p = _cells(results, row), probability_text(row.p_below)
            counts = () if cells[0] == "-" else (f"{cells[0]} patients", f"{cells[1]} events")
            folded = (*counts, f"P(HR < 1) {p}", *([] if row is first else [f"ratio {beside}"]))
            yield Block(row.subgroup.replace("=", " = "), cells, lines_of(row, methods, found.crosschecked), (p, beside), folded)


def _cells(results: Results, row: RatioRow) -> tuple[str, str]:
    """Patients and events of both sides."""
    own = count_cells(row.patients, row.events)
    if not row.versus or math.isnan(row.patients):
        return own
    other = count_cells(*counted(results, row.term, row.versus, row.subgroup))
    return f"{own[0]} vs {other[0]}", f"{own[1]} vs {other[1]}"


def _ratio(fit: Fit, draws: Mapping[Key, Floats], row: RatioRow, first: RatioRow) -> str:
    one, other = (draws[item.term, item.group, item.versus, item.subgroup] for item in (row, first))
    lower, upper, _ = interval_of(one / other, fit.analysis.sampling.interval, "log")
    return ratio_text((quantile_of(one / other, 0.5), lower, upper))


def _description(found: Ratios) -> str:
    rows = [f"{row.term} {row.name} {ratio_text(row.bayes)}, P(HR < 1) {probability_text(row.p_below)}" for row in found.rows]
    return f"Hazard ratios in subgroups, posterior median with {found.interval}: {'; '.join(rows)}."


__all__ = ["subgroups"]
