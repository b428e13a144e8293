"""Prior against posterior of each hazard ratio and of the baseline's median, and how far the data narrowed it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import FitError
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.parameters import log_median
from bayes_rrmm.plots.density_rows import TALL, Row, draw_rows, lay_out_rows, log_density
from bayes_rrmm.plots.frame import frame_of
from bayes_rrmm.plots.ratio_axis import Limits, dress, limits_of
from bayes_rrmm.plots.ratio_rows import Answer, heading_of, questions_of, ratio_draws, read_ratios
from bayes_rrmm.plots.style import POSTERIOR, PRIOR, QUIET, Column, house_style
from bayes_rrmm.plots.table_columns import draw_key, key_height
from bayes_rrmm.reading import default_estimands, reported_estimands
from bayes_rrmm.reading.summary import interval_of, quantile_of
from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import figure_of, interval_words

AXIS, DATA = 0.36, 0.16
"""Inches of an axis's ticks and name, and of the data's name."""
DASHES = (0, (4, 1.5))
AVERAGE, MEDIAN = "average patient", "median of the average patient"


@dataclass(frozen=True)
class _Pair:
    """One quantity before and after the data: its heading and name, draws, and what is reported of both."""

    heading: str
    name: str
    unit: str
    prior_draws: Floats
    draws: Floats
    prior: Answer
    posterior: Answer

    @property
    def narrowed(self) -> float:
        """The sd of the log of the posterior draws over that of the prior draws."""
        before, after = (np.log(draws[np.isfinite(draws)]) for draws in (self.prior_draws, self.draws))
        return float(after.std(ddof=1) / before.std(ddof=1)) if len(before) > 1 and before.std(ddof=1) > 0 else math.nan


def prior_posterior(
    source: Source,
    of: str | None = None,
    *,
    limits: Limits | None = None,
    column: Column = "double",
    title: str | None = None,
) -> Figure:
    """Prior and posterior density of every reported hazard ratio (`of` None: where none is reported, of every term that has one)
    or of those of one term, and of the median of the average patient, in the endpoint's unit, that the baseline implies.

    Both have median and interval written, and the sd of the log of the posterior as a share of the prior's: 1 where the data
    said nothing. The prior is 4,000 or so draws of the package's own, read as the posterior is; densities are of the log, by a
    Gaussian kernel of Scott's bandwidth (scipy). Raises FitError where the fit holds no prior draws.
    """
    results = results_of(source)
    before = _prior_of(results.fit)
    ratios, medians = _ratios(results, before, of), [_median(results.fit, before)]
    frame = frame_of(results, column, title, "Prior and posterior")
    rows, places = _rows(ratios)
    low = _rows(medians)[0]
    values = [value for pair in ratios for value in np.quantile(pair.prior_draws, (0.01, 0.99))]
    values += [value for pair in ratios for value in np.quantile(pair.draws, (0.002, 0.998))]
    interval = results.fit.analysis.sampling.interval
    words = interval_words(interval.kind, interval.prob)
    handles = [
        Line2D([], [], color=POSTERIOR, linewidth=1.3, label=f"posterior, median and {words}"),
        Line2D([], [], color=PRIOR, linewidth=1.2, linestyle=DASHES, label="prior, likewise"),
        Line2D([], [], linestyle="none", label="sd: of the log; 1 where the data said nothing"),
    ]
    with house_style():
        upper, lower = lay_out_rows(frame, rows, low), lay_out_rows(frame, low, rows)
        tall = upper.height + AXIS + 0.08 if ratios else 0.0
        key = key_height([str(handle.get_label()) for handle in handles], frame.width)
        figure = frame.sheet(0.06 + tall + lower.height + AXIS, key + DATA)
        if ratios:
            axes = draw_rows(figure, frame, rows, upper, frame.head + 0.06)
            dress(axes, limits_of(values, limits), upper.axis[1])
            axes.axvline(1.0, color=QUIET, linewidth=0.7, zorder=1)
            for place, pair in zip(places, ratios, strict=True):
                _draw(axes, upper.bases[place], pair)
        axes = draw_rows(figure, frame, low, lower, frame.head + 0.06 + tall)
        _dress_times(axes, medians[0], lower.axis[1])
        _draw(axes, lower.bases[0], medians[0])
        draw_key(figure, handles, DATA)
        return frame.complete(figure, _description([*ratios, *medians]))


def _prior_of(fit: Fit) -> Fit:
    """A fit that has learnt nothing: its draws are those of the prior."""
    if "prior" not in fit.tree.children:
        raise FitError("this fit holds no draws of its prior; fit again with this version to see prior and posterior.")
    tree = xr.DataTree.from_dict({"posterior": fit.tree["prior"].to_dataset()})
    return Fit(fit.plan, tree, {}, fit.cohort)


def _ratios(results: Results, before: Fit, of: str | None) -> list[_Pair]:
    reported = any(isinstance(item, HazardRatio) for item in reported_estimands(results.fit))
    if of is not None or reported:
        questions = questions_of(results, of)
    else:
        questions = [item for item in default_estimands(results.fit.plan) if isinstance(item, HazardRatio)]
    if not questions:
        return []
    prior, posterior = ratio_draws(before, questions), ratio_draws(results.fit, questions)
    pairs = []
    rows = read_ratios(results, questions, crosscheck=False).rows
    heading = heading_of(rows)
    for row in rows:
        key = (row.term, row.group, row.versus, row.subgroup)
        stated = _summary(results.fit, prior[key])
        pairs.append(_Pair(heading(row), row.group, "ratio", prior[key], posterior[key], stated, row.bayes))
    return pairs


def _median(fit: Fit, before: Fit) -> _Pair:
    """Of the average patient: with pooled effects of u = 0, with a frailty of a cluster at its centre."""
    unit = fit.analysis.endpoint.unit
    prior, posterior = (np.exp(log_median(item.plan, item.draws)) for item in (before, fit))
    return _Pair("", AVERAGE, unit, prior, posterior, _summary(fit, prior), _summary(fit, posterior))


def _summary(fit: Fit, draws: Floats) -> Answer:
    lower, upper, _ = interval_of(draws, fit.analysis.sampling.interval, "log")
    return quantile_of(draws, 0.5), lower, upper


def _rows(pairs: Sequence[_Pair]) -> tuple[list[Row], list[int]]:
    rows: list[Row] = []
    places = []
    for heading, items in groupby(pairs, lambda pair: pair.heading):
        if heading:
            rows.append(Row(heading, is_heading=True))
        for pair in items:
            places.append(len(rows))
            share = f"sd {figure_of(pair.narrowed, 'ratio')} of the prior's"
            rows.append(Row(pair.name, texts=(_text(pair.posterior, pair.unit), f"prior {_text(pair.prior, pair.unit)}", share)))
    return rows, places


def _text(answer: Answer, unit: str) -> str:
    point, lower, upper = (figure_of(value, unit) for value in answer)
    return f"{point} [{lower}, {upper}]"


def _draw(axes: Axes, base: float, pair: _Pair) -> None:
    """Both densities on one scale, the higher one as tall as there is room."""
    low, high = axes.get_xlim()
    grid, prior = log_density(pair.prior_draws, low, high)
    _, posterior = log_density(pair.draws, low, high)
    scale = 0.94 * TALL / max(float(prior.max()), float(posterior.max()), 1e-300)
    axes.axhline(base, color=QUIET, linewidth=0.4, zorder=1)
    axes.fill_between(grid, base - scale * posterior, base, color=POSTERIOR, alpha=0.25, linewidth=0, zorder=2)
    axes.plot(grid, base - scale * posterior, color=POSTERIOR, linewidth=1.3, zorder=4)
    axes.plot(grid, base - scale * prior, color=PRIOR, linewidth=1.2, linestyle=DASHES, zorder=3)


def _dress_times(axes: Axes, pair: _Pair, inches: float) -> None:
    """A log axis of time over the central 98 % of prior and posterior, with ticks at 1, 2 and 5 times powers of ten."""
    finite = [draws[np.isfinite(draws)] for draws in (pair.prior_draws, pair.draws)]
    ends = np.array([np.quantile(draws, (0.01, 0.99)) for draws in finite])
    low, high = max(float(ends[:, 0].min()), 1e-6) / 1.1, min(float(ends[:, 1].max()), 1e6) * 1.1
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [factor * 10.0**power for power in range(-6, 7) for factor in factors if low <= factor * 10.0**power <= high]
        if len(ticks) * 0.27 <= inches:
            break
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"Baseline median ({pair.unit}, log scale)", labelpad=2, fontsize=7)
    axes.tick_params(labelsize=6.5, pad=2)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _description(pairs: Sequence[_Pair]) -> str:
    rows = []
    for pair in pairs:
        share = f"sd {figure_of(pair.narrowed, 'ratio')} of the prior's"
        answers = f"{_text(pair.posterior, pair.unit)} (prior {_text(pair.prior, pair.unit)}), {share}"
        rows.append(f"{pair.heading} {pair.name}".strip() + f" {answers}")
    return f"Prior and posterior density of each hazard ratio and of the {MEDIAN}, on log scales: {'; '.join(rows)}."


__all__ = ["prior_posterior"]
