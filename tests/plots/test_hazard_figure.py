"""The hazard figure draws the slope of the log of averaged survival over events by person-time, interval by interval."""

from __future__ import annotations

from collections.abc import Callable

import figure_fits
import numpy as np
import pytest
import small_study
import time_figure_fits as made
from inspect_figure import faults, written
from matplotlib.axes import Axes

import bayes_rrmm as br
from bayes_rrmm.errors import AnalysisError, FitError
from bayes_rrmm.estimands import Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist.occurrence import garwood
from bayes_rrmm.plots.hazard import hazard, rate_cuts
from bayes_rrmm.plots.style import KAPLAN_MEIER, POSTERIOR
from bayes_rrmm.reading import estimate

COLUMNS = ("single", "double")


def posterior(panel: Axes) -> tuple[np.ndarray, np.ndarray]:
    """Times and medians, within follow-up and beyond it."""
    lines = [line for line in panel.get_lines() if line.get_color() == POSTERIOR]
    joined = [np.array(line.get_data())[:, (index > 0) :] for index, line in enumerate(lines)]
    return tuple(np.concatenate(joined, axis=1))


def rates(panel: Axes) -> list[tuple[float, float, float, float, float]]:
    """Start, end, rate and limits of every interval drawn."""
    dark = [line for line in panel.get_lines() if line.get_color() == KAPLAN_MEIER]
    found = []
    for level, limits, _ in zip(dark[::3], dark[1::3], dark[2::3], strict=True):
        (start, end), (rate, _), (lower, upper) = level.get_xdata(), level.get_ydata(), limits.get_ydata()
        found.append((start, end, rate, lower, upper))
    return found


@pytest.mark.parametrize("make", [small_study.fit, made.frail])
def test_the_line_is_the_slope_of_the_log_of_survival(make: Callable[[], Fit]) -> None:
    """At several times the median equals that of the slopes of -log S, S the standardised curve of each draw."""
    fit = make()
    levels = fit.plan.encoding.group("group").levels
    for panel, level in zip(hazard(fit, by="group").axes, levels, strict=True):
        times, heights = posterior(panel)
        for index in (2, 10, -1):
            step = 1e-4 * times[index]
            curve = estimate(fit, Survival(at=(times[index] - step, times[index] + step)), by="group").sel(group=level).draws
            before, after = np.log(curve.to_numpy().reshape(-1, 2)).T
            assert heights[index] == pytest.approx(np.median((before - after) / (2 * step)), rel=1e-5)


def test_the_rates_are_events_over_person_time() -> None:
    """Each step is the events over the person-time of the group in its interval, with Garwood's limits; all events are in them."""
    fit = small_study.fit()
    cohort = fit.cohort
    for panel, level in zip(hazard(fit, by="group").axes, fit.plan.encoding.group("group").levels, strict=True):
        keep = (cohort.covariates["group"] == level).to_numpy()
        time, event = cohort.time[keep], cohort.event[keep]
        total = 0.0
        for start, end, rate, lower, upper in rates(panel):
            events = event[(time > start) & (time <= end)].sum()
            exposure = np.clip(np.minimum(time, end) - start, 0, None).sum()
            limits = np.array(garwood(events)) / exposure
            np.testing.assert_allclose((rate, lower, upper), (events / exposure, *limits))
            assert events >= 5
            total += events
        assert total == event.sum()


def test_a_piecewise_baseline_has_its_own_cuts_and_steps() -> None:
    """Rates are taken between the model's cuts; the posterior jumps there, and between them it is level without covariates."""
    fit = made.piecewise()
    for panel in hazard(fit, by="group").axes:
        assert [start for start, *_ in rates(panel)] == [0.0, 6.0, 12.0, 24.0]
        times, heights = posterior(panel)
        inside = heights[(times > 6) & (times <= 12)]
        np.testing.assert_allclose(inside, inside[0], rtol=1e-9)
        assert abs(heights[times == 6][0] / inside[0] - 1) > 0.01
    assert any("of the model's baseline" in text for text in written(hazard(fit, by="group")))


def test_without_events_there_is_one_interval_with_rate_0() -> None:
    """A group without events has the rate 0 over all its time, and an upper limit."""
    fit = figure_fits.grouped()
    keep = (fit.cohort.covariates["group"] == "no events").to_numpy()
    assert len(rate_cuts(fit, fit.cohort.select(keep))) == 0
    levels = fit.plan.encoding.group("group").levels
    ((start, _, rate, lower, upper),) = rates(hazard(fit, by="group").axes[levels.index("no events")])
    assert (start, rate, lower) == (0.0, 0.0, 0.0)
    assert upper == pytest.approx(-np.log(0.025) / fit.cohort.time[keep].sum())


def test_beyond_follow_up_it_is_dashed() -> None:
    """Where a group is no longer followed the line is dashed, from its last follow-up on."""
    fit = small_study.fit()
    cohort, some = fit.cohort, 0
    for panel, level in zip(hazard(fit, by="group").axes, fit.plan.encoding.group("group").levels, strict=True):
        end = cohort.time[(cohort.covariates["group"] == level).to_numpy()].max()
        solid, *dashed = (line for line in panel.get_lines() if line.get_color() == POSTERIOR)
        assert solid.get_xdata()[-1] <= end
        for line in dashed:
            assert line.get_linestyle() == "--"
            assert line.get_xdata()[1] > end
            some += 1
    assert some > 0


def test_under_a_landmark_it_starts_there() -> None:
    """Neither the posterior nor a rate is drawn before the landmark, and the figure says where it is."""
    figure = hazard(made.landmark(), by="group")
    for panel in figure.axes:
        assert posterior(panel)[0].min() > 6.0
        assert min(start for start, *_ in rates(panel)) == 6.0
    assert "From the landmark at 6 months, of those at risk then." in written(figure)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("make", [figure_fits.grouped, figure_fits.pooled, made.gaps, made.delayed, made.landmark, made.piecewise])
def test_nothing_overlaps(make: Callable[[], Fit], column: str) -> None:
    """Whatever the model, all that is written is inside, apart and legible, and the rule of the intervals is stated."""
    figure = hazard(make(), by="group", column=column)
    assert faults(figure) == []
    assert any(text.startswith(("Intervals of the rates", "at least 5")) for text in written(figure))


def test_everyone_in_one_panel() -> None:
    """Without `by` there is one panel of all patients, also where the model has no covariate."""
    for fit in (figure_fits.bare(), small_study.fit()):
        figure = hazard(fit)
        assert len(figure.axes) == 1
        assert {"All patients", f"{fit.cohort.patients:g} patients, {fit.cohort.events:g} events"} <= set(written(figure))
        assert faults(figure) == []


def test_a_failed_fit_is_marked() -> None:
    """The mark stands on the figure and in its description."""
    figure = hazard(small_study.failing_fit())
    assert any("DIAGNOSTICS FAILED" in text for text in written(figure))
    assert figure.get_label().startswith("DIAGNOSTICS FAILED")


def test_what_cannot_be_drawn_is_refused() -> None:
    """An unknown group and a fit without rows are refused in words."""
    fit = small_study.fit()
    with pytest.raises(AnalysisError, match="'stage' is not a group"):
        hazard(fit, by="stage")
    with pytest.raises(FitError, match="the hazard figure needs the analysed rows"):
        hazard(br.Fit(fit.plan, fit.tree))
