"""The figure of hazard ratios over time draws the constant one, the marginal one and Cox in windows, and the Schoenfeld test."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache

import figure_fits
import numpy as np
import pytest
import small_study
import time_figure_fits as made
from inspect_figure import faults, written
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

import bayes_rrmm as br
from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.errors import AnalysisError, FitError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist.windows import windowed_cox
from bayes_rrmm.plots.cox_windows import window_cuts
from bayes_rrmm.plots.hazard_ratio_over_time import ORANGE, hazard_ratio_over_time
from bayes_rrmm.plots.style import COX, POSTERIOR
from bayes_rrmm.reading.population import group_curves
from bayes_rrmm.results import Results
from bayes_rrmm.rounding import figure_of

COLUMNS = ("single", "double")


@cache
def read(make: Callable[[], Fit]) -> Results:
    """The results of a fit, its tables computed once for all tests."""
    return Results(make())


@pytest.fixture
def results() -> Results:
    return read(small_study.fit)


def drawn(panel: Axes, color: str) -> list[Line2D]:
    return [line for line in panel.get_lines() if line.get_color() == color]


def test_the_level_line_is_the_reported_hazard_ratio(results: Results) -> None:
    """Line and band stand at the median and limits of estimates.csv, whose numbers are written above."""
    figure = hazard_ratio_over_time(results)
    table = results.estimates
    rows = table[(table["estimand"] == "hazard-ratio") & (table["threshold"] == 1.0)].to_dict("records")
    for panel, row in zip(figure.axes, rows, strict=True):
        (line,) = drawn(panel, POSTERIOR)
        assert set(line.get_ydata()) == {row["median"]}
        band = panel.collections[0].get_paths()[0].vertices[:, 1]
        assert (band.min(), band.max()) == (row["lower"], row["upper"])
        text = f"HR {row['median']:.2f} [{row['lower']:.2f}, {row['upper']:.2f}]"
        assert text in written(figure)
        assert text.removeprefix("HR ") in figure.get_label()


@pytest.mark.parametrize("make", [small_study.fit, made.gaps, made.frail])
def test_the_marginal_line_is_the_ratio_of_marginal_hazards(make: Callable[[], Fit]) -> None:
    """The dashed line is the median of the ratio of the two standardised hazards, draw by draw."""
    fit = make()
    known = {curve.label: curve for curve in group_curves(fit, "group", "cohort", average=False)[0]}
    levels = fit.plan.encoding.group("group").levels
    for panel, level in zip(hazard_ratio_over_time(read(make)).axes, levels[1:], strict=True):
        line = drawn(panel, ORANGE)[0]
        times = np.asarray(line.get_xdata())[[0, 5]]
        one, other = (known[name].curve.hazard(times) for name in (level, levels[0]))
        np.testing.assert_allclose(np.asarray(line.get_ydata())[[0, 5]], np.median(one / other, axis=0), rtol=1e-9)


def test_without_other_covariates_both_are_one() -> None:
    """In a model of the groups alone, without frailty, marginal and conditional ratio are the same at all times."""
    for panel in hazard_ratio_over_time(read(made.piecewise)).axes:
        (level,) = drawn(panel, POSTERIOR)
        for line in drawn(panel, ORANGE):
            np.testing.assert_allclose(line.get_ydata(), level.get_ydata()[0], rtol=1e-9)


def test_squares_are_cox_in_windows(results: Results) -> None:
    """Each square is the windowed Cox model's hazard ratio, adjusted for age; windows without an event in both groups have none."""
    fit, cohort = results.fit, results.rows
    cuts = window_cuts(Counterparts(fit, cohort))
    assert len(cuts) == 3
    levels = fit.plan.encoding.group("group").levels
    label = cohort.covariates["group"].to_numpy()
    design = np.column_stack([label == levels[1], label == levels[2], cohort.covariates["age"]]).astype(float)
    columns = (cohort.time, cohort.event, cohort.entry, cohort.weight)
    cox = windowed_cox(design, ["one", "two", "age"], ["one", "two"], *columns, cuts=cuts)
    ends = [0.0, *cuts, np.inf]
    for index, panel in enumerate(hazard_ratio_over_time(results).axes):
        expected = []
        for window, (low, high) in enumerate(itertools.pairwise(ends)):
            inside = (cohort.event > 0) & (cohort.time > low) & (cohort.time <= high)
            if all((inside & (label == level)).any() for level in (levels[index + 1], levels[0])):
                expected.append(np.exp(cox.contrast(window, np.eye(2)[index])[0]))
        squares = [line for line in drawn(panel, COX) if line.get_marker() == "s"]
        np.testing.assert_allclose([line.get_ydata()[0] for line in squares], expected, rtol=1e-6)
        assert expected


def test_the_schoenfeld_test_is_that_of_the_table(results: Results) -> None:
    """The p that is written is the one of crosscheck.csv."""
    table = results.crosscheck
    (p,) = table.loc[(table["estimand"] == "proportional-hazards") & (table["term"] == "group"), "frequentist"]
    text = f"Schoenfeld test of proportional hazards of group: p = {figure_of(p, 'p')}."
    figure = hazard_ratio_over_time(results)
    assert text in " ".join(written(figure))
    assert text in figure.get_label()


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("make", [made.gaps, made.delayed, made.landmark])
def test_nothing_overlaps(make: Callable[[], Fit], column: str) -> None:
    """Gaps, late entry, a landmark: all that is written is inside, apart and legible."""
    assert faults(hazard_ratio_over_time(read(make), column=column)) == []


def test_a_group_without_events_has_no_cox_and_says_so() -> None:
    """Where no window has events in both groups there is no square, and the panel says so."""
    fit = figure_fits.grouped()
    figure = hazard_ratio_over_time(read(figure_fits.grouped), column="single")
    panel = figure.axes[fit.plan.encoding.group("group").levels.index("no events") - 1]
    assert drawn(panel, COX) == []
    assert any("no events" in text for text in written(figure))
    assert "Cox: no window with events in both" in " ".join(written(figure))
    assert faults(figure) == []


def test_with_a_frailty_the_words_say_whose_ratio_it_is() -> None:
    """The constant ratio is within a cluster, and Cox's errors are grouped by it."""
    figure = hazard_ratio_over_time(read(figure_fits.pooled))
    words = " ".join(written(figure))
    assert "hazard ratio within a cluster" in words
    assert "errors by cluster, without the frailty" in words
    assert faults(figure) == []


def test_under_a_landmark_it_starts_there() -> None:
    """Neither line nor window stands before the landmark."""
    for panel in hazard_ratio_over_time(read(made.landmark)).axes:
        for line in (*drawn(panel, POSTERIOR), *drawn(panel, ORANGE), *drawn(panel, COX)):
            assert min(line.get_xdata()) >= 6.0


def test_rows_with_gaps_are_left_out_of_cox_and_counted() -> None:
    """The note says how many rows the Cox model leaves out."""
    lacking = int((~made.gaps().cohort.is_complete()).sum())
    assert f"without the {lacking} rows with gaps" in " ".join(written(hazard_ratio_over_time(read(made.gaps))))


def test_a_failed_fit_is_marked() -> None:
    """The mark stands on the figure and in its description."""
    failing = Results(small_study.failing_fit())
    failing.__dict__.update({name: getattr(read(small_study.fit), name) for name in ("estimates", "crosscheck")})
    figure = hazard_ratio_over_time(failing)
    assert any("DIAGNOSTICS FAILED" in text for text in written(figure))
    assert figure.get_label().startswith("DIAGNOSTICS FAILED")


def test_what_cannot_be_drawn_is_refused() -> None:
    """No group, a ratio that depends on another covariate, and a fit without rows are refused in words."""
    with pytest.raises(AnalysisError, match="compares groups"):
        hazard_ratio_over_time(figure_fits.bare())
    with pytest.raises(AnalysisError, match="depends on sex: it has no single value; draw the hazard by group"):
        hazard_ratio_over_time(figure_fits.crossed())
    fit = small_study.fit()
    with pytest.raises(FitError, match="needs the analysed rows"):
        hazard_ratio_over_time(br.Fit(fit.plan, fit.tree))
