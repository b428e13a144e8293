"""Probability integral transform: whether events come when the other patients predict them, as the difference from uniform."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bayes_rrmm.model_checks.pit import Pit, Uniformity, uniformity
from bayes_rrmm.model_checks.pit import pit as transformed
from bayes_rrmm.plots.frame import MARGIN, frame_of, place, write
from bayes_rrmm.plots.style import FAILED, KAPLAN_MEIER, POSTERIOR, QUIET, Column, house_style
from bayes_rrmm.plots.table_columns import draw_key, key_height, wrapped
from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import figure_of, prob_words

LEFT, HEIGHT, LINE = 0.62, 1.75, 0.125
PROB = 0.95


def pit(source: Source, *, column: Column = "double", title: str | None = None) -> Figure:
    """How the probabilities F(t) that the other patients predict for each patient's time are spread: their distribution less the
    uniform one, with a simultaneous 95 % band that a model without fault stays inside. Above 0 more events have come by then
    than predicted, below it fewer. A censored patient has a draw from (F(t), 1): `model_checks.pit.pit`.

    Raises FitError where rows, or the ids of subjects, are needed that the fit was saved without.
    """
    results = results_of(source)
    found = transformed(results.fit, results.rows_for("the probability integral transform"))
    spread = uniformity(found.u, PROB)
    frame = frame_of(results, column, title, "Calibration of the predictions")
    with house_style():
        keys = _keys(bool(spread.outside.any()))
        told = [line for text in _notes(results, found) for line in wrapped(text, 0.97 * (frame.width - 2 * MARGIN), 6.2)]
        key = key_height([str(handle.get_label()) for handle in keys], frame.width)
        foot = 0.42 + LINE * len(told) + key + 0.2
        above = wrapped(_said(spread), frame.width - LEFT - MARGIN, 6.5)
        top = 0.1 + LINE * len(above)
        figure = frame.sheet(top + HEIGHT, foot)
        bottom = float(figure.get_figheight())
        color = FAILED if spread.outside.any() else QUIET
        write(figure, LEFT, frame.head + 0.04, "\n".join(above), size=6.5, color=color, linespacing=1.1)
        axes = place(figure, LEFT, frame.head + top, min(frame.width - LEFT - 0.15, 4.4), HEIGHT)
        _draw(axes, spread)
        for number, line in enumerate(told):
            write(figure, MARGIN, bottom - foot + 0.42 + LINE * number, line, size=6.2, color=QUIET)
        draw_key(figure, keys, 0.16)
        return frame.complete(
            figure,
            "Distribution of the leave-one-out predicted probability of an event by each patient's time, less the uniform one, "
            f"with a simultaneous {prob_words(PROB)} band: {len(found.u)} patients, {found.censored} censored. {_said(spread)}.",
        )


def _draw(axes: Any, spread: Uniformity) -> None:
    def ended(values: Any) -> Any:
        return np.concatenate([[0.0], values, [0.0]])

    at = np.concatenate([[0.0], spread.at, [1.0]])
    axes.fill_between(at, ended(spread.lower), ended(spread.upper), color=POSTERIOR, alpha=0.18, linewidth=0)
    axes.axhline(0.0, color=QUIET, linewidth=0.6, linestyle=(0, (3, 2)))
    axes.plot(at, ended(spread.difference), color=KAPLAN_MEIER, linewidth=1.1)
    outside = spread.outside
    axes.plot(spread.at[outside], spread.difference[outside], linestyle="none", marker="o", markersize=2.6, color=FAILED, zorder=4)
    top = 1.12 * float(max(np.abs(spread.upper).max(), np.abs(spread.lower).max(), np.abs(spread.difference).max()))
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(-top, top)
    axes.set_yticks([tick for tick in MaxNLocator(nbins=5).tick_values(-top, top) if -top <= tick <= top])
    axes.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "0.25", "0.5", "0.75", "1"])
    axes.set_xlabel("Predicted probability of an event by then")
    axes.set_ylabel("Share, less uniform", labelpad=2)


def _said(spread: Uniformity) -> str:
    """In words whether the band holds, and where not."""
    p = f"p {figure_of(spread.p, 'p')}"
    if not spread.outside.any():
        return f"Inside the band everywhere ({p})"
    worst = int(np.argmax(np.where(spread.outside, np.abs(spread.difference), -1.0)))
    way = "more" if spread.difference[worst] > 0 else "fewer"
    return f"Outside the band ({p}): most at {figure_of(float(spread.at[worst]), 'ratio')}, {way} events by then than predicted"


def _keys(outside: bool) -> list[Any]:
    keys: list[Any] = [
        Line2D([], [], color=KAPLAN_MEIER, linewidth=1.1, label="patients, less a uniform distribution"),
        Patch(facecolor=POSTERIOR, alpha=0.18, label=f"simultaneous {prob_words(PROB)} band of a model without fault"),
    ]
    if outside:
        keys.append(Line2D([], [], linestyle="none", marker="o", markersize=2.6, color=FAILED, label="outside the band"))
    return keys


def _notes(results: Results, found: Pit) -> list[str]:
    notes = [
        f"Each of {len(found.u)} patients is predicted from the others; {found.censored} censored ones have a draw from what is "
        "left of their distribution. Above 0 more events have come by then than predicted, below 0 fewer."
    ]
    if found.high_k:
        notes.append(f"For {found.high_k} patients the prediction is not reliable (Pareto k above 0.7).")
    if results.fit.analysis.model.frailty is not None:
        notes.append(f"Frailties are averaged over, given the others of the same {results.fit.analysis.model.frailty.cluster}.")
    return notes


__all__ = ["pit"]
