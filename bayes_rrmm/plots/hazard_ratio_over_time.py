"""Is the hazard ratio constant? The conditional one, the marginal one over time, and Cox in windows of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plots.cox_windows import Window, cox_in_windows, windows_of
from bayes_rrmm.plots.frame import frame_of
from bayes_rrmm.plots.hazard import hazard_times
from bayes_rrmm.plots.ratio_axis import limits_of
from bayes_rrmm.plots.ratio_rows import Answer, ratio_text
from bayes_rrmm.plots.style import COX, POSTERIOR, QUIET, Column, house_style
from bayes_rrmm.plots.time_curves import Curve, curve_keys, curve_of, draw_curve, start_note
from bayes_rrmm.plots.time_panels import Panel, columns_of, dress, group_of, time_panels
from bayes_rrmm.reading import estimate, summarise
from bayes_rrmm.reading.contrasts import Contrast, hazard_ratio_contrasts
from bayes_rrmm.reading.population import group_curves
from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import figure_of, prob_words

SQUARE = "s"
MARGINAL, ORANGE = (0, (4, 1.5)), "#D55E00"


@dataclass(frozen=True)
class _Ratio:
    """A level against the reference: the constant ratio of the model, the marginal one by time, Cox by window."""

    level: str
    versus: str
    constant: Answer
    marginal: Curve
    windows: tuple[Window, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The constant ratio in words, and what is missing."""
        return (f"HR {ratio_text(self.constant)}", *([] if self.windows else ["Cox: no window with events in both"]))


def hazard_ratio_over_time(source: Source, of: str | None = None, *, column: Column = "double", title: str | None = None) -> Figure:
    """The hazard ratio of each level of the group `of` (None: the first one) against its reference, over time; a panel a level.

    The band is the model's own, conditional and constant by assumption. The marginal ratio, of hazards standardised over the cohort
    (of those still free of the event), changes with time wherever there are other covariates or a frailty, and that is no sign of
    non-proportional hazards. Squares are Cox's hazard ratios in windows of as many events each, adjusted as the model is, with Wald
    limits, none where a group compared has no event in a window; with them goes the p of the Schoenfeld test. Raises
    AnalysisError where `of` is no group or its hazard ratio depends on another covariate, FitError without rows.
    """
    results = results_of(source)
    of = group_of(results, of, "the hazard ratio over time")
    results.rows_for("the hazard ratio over time")
    contrasts = _contrasts(results.fit, of)
    known = Counterparts(results.fit, results.rows)
    found, why = _ratios(results, known, of, contrasts)
    frame = frame_of(results, column, title, f"Hazard ratio of {of} over time")
    unit, tested = results.fit.analysis.endpoint.unit, _schoenfeld(results, of)
    with house_style():
        above = [Panel(f"{one.level} versus {one.versus}", one.texts) for one in found]
        notes, along = [tested, *_notes(results, known, why)], f"Time ({unit})"
        figure, panels = time_panels(frame, above, _keys(known, found), notes, "Hazard ratio (log scale)", along)
        end, limits, columns = float(results.rows.time.max()), _limits(found), columns_of(len(found), column)
        for index, (panel, one) in enumerate(zip(panels, found, strict=True)):
            _ratio_axis(panel, limits)
            dress(panel, end, unit, first=index % columns == 0, narrow=column == "single" and columns > 1)
            _draw(panel, one)
        return frame.complete(figure, _description(results, of, found, tested))


def _contrasts(fit: Fit, of: str) -> list[Contrast]:
    """Every level against the reference. Raises AnalysisError where there is none, or their ratio has no single value."""
    try:
        contrasts = hazard_ratio_contrasts(fit.plan, HazardRatio(of=of))
    except AnalysisError as error:
        raise AnalysisError(f"{str(error).partition(';')[0]}; draw the hazard by {of}, or the subgroups, instead.") from None
    if not contrasts:
        raise AnalysisError(f"{of!r} has one level only: there is nothing to compare it with.")
    return contrasts


def _ratios(results: Results, known: Counterparts, of: str, contrasts: Sequence[Contrast]) -> tuple[list[_Ratio], str]:
    """The ratios of every level, and why Cox has no windows; '' where it has."""
    fit, rows = results.fit, results.rows
    times, constant = hazard_times(fit, rows), _constant(results, of)
    curves = {curve.label: curve for curve in group_curves(fit, of, rows, average=False)[0]}
    hazards = {name: curve.curve.hazard(times) for name, curve in curves.items()}
    windowed = cox_in_windows(known, of)
    found = []
    for contrast in contrasts:
        level, versus = contrast.group, contrast.versus
        end = min(curves[level].last_follow_up, curves[versus].last_follow_up)
        ratio, interval = hazards[level] / hazards[versus], fit.analysis.sampling.interval
        marginal = curve_of(times, ratio, interval, end, scale="log")
        windows = () if isinstance(windowed, str) else windows_of(known, windowed, of, contrast, end)
        found.append(_Ratio(level, versus, constant[level], marginal, windows))
    return found, windowed if isinstance(windowed, str) else ""


def _constant(results: Results, of: str) -> dict[str, Answer]:
    """The conditional hazard ratio of each level: as estimates.csv has it where it is reported, else from the draws."""
    versus = results.fit.plan.encoding.group(of).reference
    summary = summarise(estimate(results.fit, HazardRatio(of=of))).to_dict("records")
    table = results.estimates
    own = (table["estimand"] == "hazard-ratio") & (table["term"] == of) & (table["versus"] == versus) & (table["subgroup"] == "")
    rows = [*summary, *table[own].to_dict("records")]
    return {str(row["group"]): (float(row["median"]), float(row["lower"]), float(row["upper"])) for row in rows}


def _schoenfeld(results: Results, of: str) -> str:
    """What the Schoenfeld test of the term says, as crosscheck.csv has it."""
    if not results.is_compared:
        return "Schoenfeld test of proportional hazards: not computed."
    table = results.crosscheck
    rows = table[(table["estimand"] == "proportional-hazards") & (table["term"] == of)]
    p = float(rows["frequentist"].iloc[0]) if len(rows) else math.nan
    if math.isnan(p):
        return f"Schoenfeld test of proportional hazards of {of}: none could be made."
    shown = figure_of(p, "p")
    return f"Schoenfeld test of proportional hazards of {of}: p {shown if shown[0] in '<>' else f'= {shown}'}."


def _notes(results: Results, known: Counterparts, why: str) -> list[str]:
    notes = ["The marginal ratio may drift although the model's hazards are proportional: the frail leave first in each group."]
    if why:
        notes.append(f"No Cox in windows: {why}.")
    else:
        about = ["adjusted as the model is"] if len(known.terms) > 1 else []
        left = float(known.rows.weight.sum() - known.complete.weight.sum())
        about += [f"without the {left:g} rows with gaps"] if left else []
        about += ["errors by cluster, without the frailty"] if known.complete.cluster is not None else []
        said = f" ({'; '.join(about)})" if about else ""
        notes.append(
            f"Cox in windows of about as many events each{said}; none where a group compared has no event. "
            "Long intervals leave the panel."
        )
    return notes + start_note(results.fit)


def _limits(found: Sequence[_Ratio]) -> tuple[float, float]:
    """One axis for all panels, which Cox's limits may leave."""
    held: list[float] = []
    for one in found:
        inside = one.marginal.time <= one.marginal.end
        held += [*one.constant, *one.marginal.median[inside], *(window.answer[0] for window in one.windows)]
    return limits_of(held)


def _ratio_axis(panel: Axes, limits: tuple[float, float]) -> None:
    panel.set_yscale("log", base=2)
    panel.set_ylim(limits)
    first, last = (math.log2(limit) for limit in limits)
    step = 1 if last - first <= 6 else 2
    ticks = [2.0**power for power in range(-6, 7, step) if first <= power <= last]
    panel.yaxis.set_major_locator(FixedLocator(ticks))
    panel.set_yticks(ticks, [f"{tick:.3g}" if tick >= 0.125 else f"{tick:.2g}" for tick in ticks])
    panel.yaxis.set_minor_locator(NullLocator())
    panel.axhline(1.0, color=QUIET, linewidth=0.7, zorder=1)


def _draw(panel: Axes, one: _Ratio) -> None:
    point, lower, upper = one.constant
    ends = [float(one.marginal.time[0]), float(one.marginal.time[-1])]
    panel.fill_between(ends, [lower, lower], [upper, upper], color=POSTERIOR, alpha=0.22, linewidth=0)
    panel.plot(ends, [point, point], color=POSTERIOR, linewidth=1.3)
    draw_curve(panel, one.marginal, color=ORANGE, style=MARGINAL, band=False)
    low, high = panel.get_ylim()
    for window in one.windows:
        value, least, most = window.answer
        middle = 0.5 * (window.start + window.end)
        panel.plot([window.start, window.end], [value, value], color=COX, linewidth=1.0, solid_capstyle="butt")
        panel.plot([middle, middle], [max(least, low), min(most, high)], color=COX, linewidth=0.7)
        panel.plot(
            [middle], [value], color=COX, marker=SQUARE, markersize=2.8, markerfacecolor="white", markeredgewidth=0.8,
            linestyle="none", zorder=4,
        )  # fmt: skip


def _keys(known: Counterparts, found: Sequence[_Ratio]) -> list[Any]:
    fit: Fit = known.fit
    kind = "hazard ratio within a cluster" if fit.plan.frailty is not None else "conditional hazard ratio"
    keys = curve_keys(fit, f"{kind} ({fit.plan.family}), proportional by assumption")
    label = "marginal hazard ratio, standardised over the cohort: median"
    keys.append(Line2D([], [], color=ORANGE, linewidth=1.3, linestyle=MARGINAL, label=label))
    if any(one.windows for one in found):
        keys.append(
            Line2D(
                [], [], color=COX, linewidth=1.0, marker=SQUARE, markersize=2.8, markerfacecolor="white", markeredgewidth=0.8,
                label=f"Cox in a window of time, {prob_words(known.prob)} Wald interval",
            )
        )  # fmt: skip
    return keys


def _description(results: Results, of: str, found: Sequence[_Ratio], tested: str) -> str:
    said = []
    for one in found:
        inside = one.marginal.median[one.marginal.time <= one.marginal.end]
        drift = f", marginal {figure_of(inside[0], 'ratio')} to {figure_of(inside[-1], 'ratio')}" if len(inside) else ""
        cox = ", ".join(figure_of(window.answer[0], "ratio") for window in one.windows)
        said.append(f"{one.level} {ratio_text(one.constant)}{drift}{f', Cox by window {cox}' if cox else ''}")
    return (
        f"Hazard ratio of {of} against {found[0].versus} over time ({results.fit.analysis.endpoint.name}): the conditional ratio, "
        f"constant by assumption, the marginal one, and Cox in windows of time. {'; '.join(said)}. {tested}"
    )


__all__ = ["hazard_ratio_over_time"]
