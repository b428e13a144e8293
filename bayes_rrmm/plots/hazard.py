"""The hazard over time: the posterior's, of a population, over events by person-time in intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist.occurrence import Occurrence, occurrence
from bayes_rrmm.hazards.cuts import cut_points
from bayes_rrmm.hazards.new_member import LogNormalMember
from bayes_rrmm.plots.frame import frame_of
from bayes_rrmm.plots.style import KAPLAN_MEIER, Column, house_style
from bayes_rrmm.plots.time_curves import Curve, curve_keys, curve_of, draw_curve, start_note
from bayes_rrmm.plots.time_panels import Panel, columns_of, dress, group_of, time_panels, time_ticks
from bayes_rrmm.reading.population import group_curves
from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import prob_words, spread_figure_of

SQUARE = "s"
POINTS, FEW_POINTS = 61, 31
"""Times of a curve; a log-normal frailty is averaged over by a table at each, which takes seconds."""
EARLY = 0.04
"""Share of the time axis from which the posterior's height counts for the axis: at time 0 a Weibull's hazard may be infinite."""
TALLEST = 1.6
"""How much higher than the highest rate and posterior median an axis goes for the sake of limits; these may leave it."""


@dataclass(frozen=True)
class _Hazard:
    """One panel: its name, its patients and events, the posterior and the rates."""

    name: str
    patients: float
    events: float
    posterior: Curve
    rates: Occurrence


def hazard(source: Source, by: str | None = None, *, column: Column = "double", title: str | None = None) -> Figure:
    """The hazard of everyone, or of each group of `by`, in events per unit of person-time; a panel a group.

    The posterior's median and interval are of the hazard standardised over the cohort, of those still free of the event at t:
    minus the slope of the log of the averaged survival; dashed beyond the group's follow-up. Beside it are the group's own events
    over person-time, with exact (Garwood) limits, in the intervals of a piecewise baseline, else in intervals that hold as many
    events each. Where a landmark or delayed entry moves the start of the curves, the posterior begins there. Raises AnalysisError
    where `by` is no group, FitError without rows.
    """
    results = results_of(source)
    by = None if by is None else group_of(results, by, "the hazard")
    rows = results.rows_for("the hazard figure")
    found = _hazards(results.fit, rows, by)
    frame = frame_of(results, column, title, "Hazard" if by is None else f"Hazard by {by}")
    with house_style():
        above = [Panel(one.name, (f"{one.patients:g} patients, {one.events:g} events",)) for one in found]
        axis = f"Events per person-{rows.unit.removesuffix('s')}"
        keys = _keys(results.fit, found)
        figure, panels = time_panels(frame, above, keys, _notes(results, by), axis, f"Time ({rows.unit})")
        top, columns = _top(found), columns_of(len(found), column)
        for index, (panel, one) in enumerate(zip(panels, found, strict=True)):
            dress(panel, float(rows.time.max()), rows.unit, first=index % columns == 0, narrow=column == "single" and columns > 1)
            panel.set_ylim(0.0, top)
            draw_curve(panel, one.posterior)
            _draw_rates(panel, one.rates)
        return frame.complete(figure, _description(results, rows, by, found))


def _hazards(fit: Fit, rows: Cohort, by: str | None) -> list[_Hazard]:
    times, interval = hazard_times(fit, rows), fit.analysis.sampling.interval
    found = []
    for curve in group_curves(fit, by, rows, average=False)[0]:
        keep = np.ones(len(rows), dtype=bool) if by is None else (rows.covariates[by] == curve.label).to_numpy()
        own = rows.select(keep)
        draws = curve.curve.hazard(times)
        end = float(own.time.max()) if len(own) else 0.0
        posterior = curve_of(times, draws, interval, end, scale="log")
        outcome = (own.time, own.event, own.entry, own.weight)
        rates = occurrence(*outcome, cuts=rate_cuts(fit, own), prob=interval.prob)
        name = "All patients" if by is None else curve.label
        found.append(_Hazard(name, own.patients, own.events, posterior, rates))
    return found


def hazard_times(fit: Fit, rows: Cohort) -> Floats:
    """Times at which a hazard is drawn, from after the start of the curves to the last follow-up; both sides of every cut of a
    piecewise baseline, where the hazard jumps."""
    points = FEW_POINTS if isinstance(fit.new_member, LogNormalMember) else POINTS
    times = np.linspace(0.0, float(rows.time.max()), points)[1:]
    cuts = fit.plan.cut_array
    cuts = cuts[cuts < times[-1]]
    whole = np.unique(np.concatenate([times, cuts, np.nextafter(cuts, np.inf)]))
    return np.asarray(whole[whole > fit.plan.start])


def rate_cuts(fit: Fit, rows: Cohort) -> Floats:
    """The model's cuts where its baseline is piecewise, else those that split the rows' events evenly, at least 5 in each."""
    if fit.plan.cuts:
        return fit.plan.cut_array
    return cut_points(None, rows.time, rows.event, rows.weight) if rows.events else np.empty(0)


def _top(found: Sequence[_Hazard]) -> float:
    """One axis for all panels."""
    points, limits = [], []
    for one in found:
        end = one.posterior.time[-1]
        late = (one.posterior.time >= EARLY * end) & (one.posterior.time <= max(one.posterior.end, EARLY * end + 1e-9))
        points += [*one.posterior.median[late], *one.rates.rate[np.isfinite(one.rates.rate)]]
        limits += [*one.posterior.upper[late], *one.rates.upper[np.isfinite(one.rates.upper)]]
    highest, most = float(max(points)), float(max(limits))
    return 1.05 * min(most, TALLEST * highest)


def _draw_rates(panel: Axes, rates: Occurrence) -> None:
    for start, end, rate, lower, upper in zip(rates.start, rates.end, rates.rate, rates.lower, rates.upper, strict=True):
        if not np.isfinite(rate) or end <= start:
            continue
        middle = 0.5 * (start + end)
        panel.plot([start, end], [rate, rate], color=KAPLAN_MEIER, linewidth=1.1, solid_capstyle="butt")
        panel.plot([middle, middle], [lower, upper], color=KAPLAN_MEIER, linewidth=0.7)
        panel.plot(
            [middle], [rate], color=KAPLAN_MEIER, marker=SQUARE, markersize=2.6, markerfacecolor="white", markeredgewidth=0.8,
            linestyle="none", zorder=4,
        )  # fmt: skip


def _keys(fit: Fit, found: Sequence[_Hazard]) -> list[Any]:
    beyond = any(np.any(one.posterior.time > one.posterior.end) for one in found)
    prob = found[0].rates.prob
    label = f"events over person-time in the interval, {prob_words(prob)} exact limits"
    rates = Line2D(
        [], [], color=KAPLAN_MEIER, linewidth=1.1, marker=SQUARE, markersize=2.6, markerfacecolor="white", markeredgewidth=0.8,
        label=label,
    )  # fmt: skip
    return [*curve_keys(fit, f"posterior median ({fit.plan.family}), standardised over the cohort", beyond=beyond), rates]


def _notes(results: Results, by: str | None) -> list[str]:
    even = "with about as many events each, at least 5 where there are so many"
    rule = "of the model's baseline" if results.fit.plan.cuts else even
    notes = [f"Intervals of the rates: {rule}; rates are {'those observed' if by is None else 'of the group alone, unadjusted'}."]
    analysis = results.fit.analysis
    notes += start_note(results.fit)
    if analysis.model.frailty is not None:
        notes.append(f"Posterior of a new cluster ({analysis.model.frailty.cluster}), its frailty averaged over.")
    if by is not None and not results.rows.is_complete((by,)).all():
        notes.append(f"The rates leave out patients whose {by} is unknown.")
    return notes


def _description(results: Results, rows: Cohort, by: str | None, found: Sequence[_Hazard]) -> str:
    ticks = time_ticks(float(rows.time.max()), rows.unit, 6)
    said = []
    for one in found:
        reached = ticks[(ticks >= one.posterior.time[0]) & (ticks <= one.posterior.end)]
        heights = [f"{_figure(one.posterior.at(tick))} at {tick:g}" for tick in (reached[[0, -1]] if len(reached) > 1 else reached)]
        said.append(f"{one.name} {', '.join(heights)}" if heights else one.name)
    return (
        f"Hazard of {results.fit.analysis.endpoint.name} over time, in events per person-{rows.unit.removesuffix('s')}, "
        f"{'of everyone' if by is None else f'by {by}'}: posterior median and interval beside events over person-time. "
        f"Posterior medians: {'; '.join(said)} {rows.unit}."
    )


def _figure(answer: tuple[float, float, float]) -> str:
    return spread_figure_of(answer[0], (answer[2] - answer[1]) / 4)


__all__ = ["hazard"]
