"""The difference in restricted mean survival time between groups, by the horizon up to which it is taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import rmst_difference as kaplan_meier_difference
from bayes_rrmm.plots.frame import frame_of
from bayes_rrmm.plots.ratio_rows import Answer
from bayes_rrmm.plots.style import KAPLAN_MEIER, POSTERIOR, QUIET, Column, house_style
from bayes_rrmm.plots.time_curves import Curve, curve_keys, curve_of, draw_curve, start_note
from bayes_rrmm.plots.time_panels import Panel, columns_of, dress, group_of, time_panels, time_ticks
from bayes_rrmm.reading.population import group_curves
from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import figure_of, prob_words

HORIZONS = 25
MARKER = "o"
DOTTED: Any = (0, (1, 1.2))


@dataclass(frozen=True)
class _Compared:
    """A group against `versus`: the posterior by horizon, Kaplan-Meier's difference with its limits, (4, T), the first row the
    horizons (none where the two are not comparable: `missing` says why), the contrasts that estimates.csv holds, by horizon, and
    the last tick of the time axis that is within the follow-up of both."""

    level: str
    versus: str
    posterior: Curve
    observed: Floats
    missing: str
    reported: tuple[tuple[float, Answer], ...]
    tick: float
    unit: str

    @property
    def shown(self) -> tuple[float, Answer]:
        """The number written above the panel: the contrast reported last, else that at the last tick, no patient's own time."""
        return self.reported[-1] if self.reported else (self.tick, self.posterior.at(self.tick))

    @property
    def text(self) -> str:
        """That number in words."""
        horizon, answer = self.shown
        if horizon == 0:
            return "followed too briefly for a number"
        point, lower, upper = (figure_of(value, self.unit, "difference") for value in answer)
        return f"to {figure_of(horizon, self.unit)} {self.unit}: {point} [{lower}, {upper}]"


def rmst_difference(
    source: Source, by: str | None = None, *, versus: str | None = None, column: Column = "double", title: str | None = None
) -> Figure:
    """RMST of each group of `by` less that of `versus`, from the start of the curves (0 unless a landmark or delayed entry moves
    it) to every horizon up to the shorter follow-up of the two; a panel a group, in the endpoint's unit.

    `by` None takes the first group variable, `versus` None its reference. The posterior's median and interval are of curves
    standardised over the cohort; dotted is the difference of the groups' own Kaplan-Meier curves with its Wald limits, unadjusted,
    and none where a curve starts later. A contrast of estimates.csv is a point. Raises AnalysisError where no groups can be
    compared, FitError without rows.
    """
    results = results_of(source)
    by = group_of(results, by, "the RMST difference")
    group = results.fit.plan.encoding.group(by)
    versus = group.reference if versus is None else results.fit.plan.encoding.level(by, versus)
    compared = _compared(results, by, versus)
    if not compared:
        raise AnalysisError(
            f"{by!r} has no level beside {versus} that was followed beyond the start of the curves: there is nothing to compare it "
            "with."
        )
    unit = results.fit.analysis.endpoint.unit
    frame = frame_of(results, column, title, f"RMST difference by {by}")
    with house_style():
        above = [Panel(f"{one.level} versus {versus}", (one.text, *([one.missing] if one.missing else []))) for one in compared]
        axis, keys, notes = f"RMST difference ({unit})", _keys(results.fit, compared), _notes(results, by, versus)
        figure, panels = time_panels(frame, above, keys, notes, axis, f"Horizon ({unit})")
        figure_end = max(float(one.posterior.time[-1]) for one in compared)
        limits, columns = _limits(compared), columns_of(len(compared), column)
        for index, (panel, one) in enumerate(zip(panels, compared, strict=True)):
            panel.set_ylim(limits)
            dress(panel, figure_end, unit, first=index % columns == 0, narrow=column == "single" and columns > 1)
            _draw(panel, one)
        return frame.complete(figure, _description(results, compared))


def _compared(results: Results, by: str, versus: str) -> list[_Compared]:
    fit, rows = results.fit, results.rows_for("the RMST difference")
    known, interval = Counterparts(fit, rows), fit.analysis.sampling.interval
    curves = {curve.label: curve for curve in group_curves(fit, by, rows, average=False)[0]}
    ends = {level: min(curve.last_follow_up, curves[versus].last_follow_up) for level, curve in curves.items() if level != versus}
    ends = {level: end for level, end in ends.items() if end > fit.plan.start}
    if not ends:
        return []
    ticks = time_ticks(max(ends.values()), rows.unit, 6)[1:]
    times = np.union1d(np.linspace(fit.plan.start, max(ends.values()), HORIZONS + 1)[1:], [*ends.values(), *ticks])
    times = times[times > fit.plan.start]
    areas = {name: curve.curve.areas(times) for name, curve in curves.items()}
    found = []
    for level, end in ends.items():
        upto = times <= end
        differences = np.column_stack([np.zeros(len(areas[level])), (areas[level] - areas[versus])[:, upto]])
        posterior = curve_of(np.append(fit.plan.start, times[upto]), differences, interval, scale="natural")
        observed, missing = _observed(known, by, (level, versus), fit.plan.start, times[upto])
        reported = _reported(results, by, (level, versus), end)
        tick = max(ticks[ticks <= end], default=0.0)
        found.append(_Compared(level, versus, posterior, observed, missing, reported, float(tick), rows.unit))
    return found


def _observed(known: Counterparts, by: str, pair: tuple[str, str], begin: float, times: Floats) -> tuple[Floats, str]:
    """Kaplan-Meier's difference by horizon, (4, T), or why there is none."""
    one, other = (known.kaplan_meier(by, level, begin or None) for level in pair)
    start = max(one.start, other.start)
    if start > begin:
        return np.empty((4, 0)), f"no Kaplan-Meier: {'entry is delayed' if math.isfinite(start) else 'too few are at risk'}"
    answers = [kaplan_meier_difference(one, other, time, known.prob) for time in times.tolist()]
    rows = [(begin, 0.0, 0.0, 0.0), *((time, *answer[:1], *answer[2:]) for time, answer in zip(times, answers, strict=True))]
    return np.array(rows, dtype=np.float64).T, ""


def _reported(results: Results, by: str, pair: tuple[str, str], end: float) -> tuple[tuple[float, Answer], ...]:
    """The contrasts of estimates.csv of this pair over the cohort, by horizon; of those within the follow-up of both."""
    table = results.estimates
    own = (table["estimand"] == "rmst") & (table["contrast"] == "difference") & (table["population"] == "cohort")
    own &= (table["term"] == by) & (table["group"] == pair[0]) & (table["versus"] == pair[1]) & (table["at"] <= end)
    rows = table[own].drop_duplicates("at").sort_values("at").to_dict("records")
    return tuple((float(row["at"]), (float(row["median"]), float(row["lower"]), float(row["upper"]))) for row in rows)


def _limits(compared: Sequence[_Compared]) -> tuple[float, float]:
    """One axis for all panels: it holds every band and Kaplan-Meier's estimate; its limits may leave the panel."""
    held = [0.0]
    for one in compared:
        held += [float(one.posterior.lower.min()), float(one.posterior.upper.max())]
        held += one.observed[1][np.isfinite(one.observed[1])].tolist()
    room = 0.05 * (max(held) - min(held)) or 1.0
    return min(held) - room, max(held) + room


def _draw(panel: Axes, one: _Compared) -> None:
    panel.axhline(0.0, color=QUIET, linewidth=0.7, zorder=1)
    draw_curve(panel, one.posterior)
    widths = () if one.missing else (1.4, 0.8, 0.8)
    for height, width in zip(one.observed[1 : 1 + len(widths)], widths, strict=True):
        panel.plot(one.observed[0], height, color=KAPLAN_MEIER, linewidth=width, linestyle=DOTTED)
    for horizon, (point, lower, upper) in one.reported:
        panel.plot([horizon, horizon], [lower, upper], color=POSTERIOR, linewidth=0.9)
        panel.plot([horizon], [point], color=POSTERIOR, marker=MARKER, markersize=4, linestyle="none", zorder=4)


def _keys(fit: Fit, compared: Sequence[_Compared]) -> list[Any]:
    keys = curve_keys(fit, f"posterior median ({fit.plan.family}), standardised over the cohort")
    if any(one.reported for one in compared):
        label = "reported contrast, its interval"
        keys.append(Line2D([], [], color=POSTERIOR, marker=MARKER, markersize=4, linewidth=0.9, label=label))
    if any(not one.missing for one in compared):
        prob = fit.analysis.sampling.interval.prob
        keys.append(Line2D([], [], color=KAPLAN_MEIER, linewidth=1.4, linestyle=DOTTED, label="Kaplan-Meier, unadjusted"))
        keys.append(
            Line2D([], [], color=KAPLAN_MEIER, linewidth=0.8, linestyle=DOTTED, label=f"its {prob_words(prob)} Wald interval")
        )
    return keys


def _notes(results: Results, by: str, versus: str) -> list[str]:
    notes = [f"Above 0: more time free of the event than {versus}. Each panel ends with the shorter follow-up of the two."]
    notes += start_note(results.fit)
    frailty = results.fit.analysis.model.frailty
    if frailty is not None:
        notes.append(f"Posterior of a new cluster ({frailty.cluster}); Kaplan-Meier takes rows of one cluster as independent.")
    if not results.rows.is_complete((by,)).all():
        notes.append(f"Kaplan-Meier leaves out patients whose {by} is unknown.")
    return notes


def _description(results: Results, compared: Sequence[_Compared]) -> str:
    each = "; ".join(f"{one.level} {one.text}{f' ({one.missing})' if one.missing else ''}" for one in compared)
    return (
        f"Difference in restricted mean survival time ({results.fit.analysis.endpoint.name}) from {compared[0].versus} by the "
        f"horizon, posterior median and interval beside the Kaplan-Meier curves' difference: {each}."
    )


__all__ = ["rmst_difference"]
