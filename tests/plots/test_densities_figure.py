"""Densities show the draws of each hazard ratio on their log, the part below a threshold, and the table's numbers."""

from __future__ import annotations

import dataclasses

import figure_fits
import numpy as np
import pytest
from inspect_figure import faults, lines_of, written
from matplotlib.figure import Figure
from scipy.stats import norm

from bayes_rrmm.errors import AnalysisError, FitError
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.plots.densities import densities
from bayes_rrmm.plots.density_rows import log_density
from bayes_rrmm.reading import estimate
from bayes_rrmm.results import Results, results_of
from bayes_rrmm.rounding import figure_of


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(figure_fits.grouped())


@pytest.fixture(scope="module")
def figure(results: Results) -> Figure:
    return densities(results, "group")


def test_the_density_is_that_of_the_log() -> None:
    """Of log-normal draws it is the normal density of the log, within the error of a kernel; draws of one value have none."""
    draws = np.exp(np.random.default_rng(1).normal(-0.5, 0.4, 20_000))
    grid, density = log_density(draws, 0.05, 5.0)
    np.testing.assert_allclose(density, norm(-0.5, 0.4).pdf(np.log(grid)), atol=0.03)
    np.testing.assert_allclose(np.trapezoid(density, np.log(grid)), 1.0, atol=1e-3)
    assert not log_density(np.full(10, 0.7), 0.5, 2.0)[1].any()
    _, without = log_density(np.append(draws, np.inf), 0.05, 5.0)
    np.testing.assert_array_equal(without, density)


def test_numbers_are_those_of_the_table(figure: Figure, results: Results) -> None:
    """Median, interval and P(HR < 1) of each row are written as estimates.csv rounds."""
    table = results.estimates.query("term == 'group' and threshold == 1.0")
    said = written(figure)
    for row in table.to_dict("records"):
        assert "{} [{}, {}]".format(*(figure_of(row[name], "ratio") for name in ("median", "lower", "upper"))) in said
        assert f"P(HR < 1) = {figure_of(row['p_below'], 'probability')}" in said
    assert len(table) == 3


def test_another_threshold_is_counted_among_the_draws(results: Results) -> None:
    """P(HR < 0.8) is the share of draws below it, which estimates.csv also has."""
    said = written(densities(results, "group", below=0.8))
    table = results.estimates.query("term == 'group' and threshold == 0.8")
    assert len(table) == 3
    for p in table["p_below"]:
        assert f"P(HR < 0.8) = {figure_of(p, 'probability')}" in said
    with pytest.raises(FitError, match="the threshold of a hazard ratio is a positive number"):
        densities(results, below=0.0)


def test_curves_are_densities_and_bars_intervals(figure: Figure, results: Results) -> None:
    """Each curve has the shape of its draws' density; thin bars end at the table's limits, thick ones hold 66 %."""
    axes = figure.axes[0]
    draws = estimate(results.fit, HazardRatio("group")).draws.stack(sample=("chain", "draw")).to_numpy()
    curves = [line for line in axes.get_lines() if len(line.get_xdata()) > 50]
    bars = [line for line in axes.get_lines() if len(line.get_xdata()) == 2 and line.get_linewidth() in (0.9, 2.4)]
    table = results.estimates.query("term == 'group' and threshold == 1.0")
    for index, row in enumerate(table.to_dict("records")):
        grid, density = log_density(draws[index], *axes.get_xlim())
        heights = curves[index].get_ydata()
        np.testing.assert_array_equal(curves[index].get_xdata(), grid)
        np.testing.assert_allclose((heights.max() - heights) / np.ptp(heights), density / density.max(), atol=1e-3)
        thin, thick = bars[2 * index], bars[2 * index + 1]
        np.testing.assert_allclose(thin.get_xdata(), np.clip([row["lower"], row["upper"]], *axes.get_xlim()))
        np.testing.assert_allclose(thick.get_xdata(), np.quantile(draws[index], [0.17, 0.83]))
        assert lines_of(figure, "o")[index].get_xdata()[0] == row["median"]


def test_the_part_below_the_threshold_is_darker(results: Results) -> None:
    """The dark area of each density ends at the threshold; the pale one goes on."""
    axes = densities(results, "age", below=1.1).axes[0]
    pale, dark = axes.collections
    assert dark.get_alpha() > pale.get_alpha()
    assert dark.get_paths()[0].vertices[:, 0].max() == pytest.approx(1.1, rel=0.02)
    assert pale.get_paths()[0].vertices[:, 0].max() > 1.3


@pytest.mark.parametrize("column", ["single", "double"])
@pytest.mark.parametrize("kind", ["grouped", "crossed", "pooled"])
def test_nothing_is_cut_off_or_covered(column: str, kind: str, results: Results) -> None:
    """Long names, subgroups and twelve levels fit both widths."""
    source = results if kind == "grouped" else dataclasses.replace(getattr(figure_fits, kind)(), cohort=None)
    assert faults(densities(source, column=column)) == []


def test_failed_diagnostics_are_marked_and_nothing_is_refused(results: Results) -> None:
    """A failed fit carries its mark; a model without terms is refused."""
    judged = dataclasses.replace(results.fit, provenance={"gate": {"passed": False, "failed": ["r_hat of log_shape"]}}, cohort=None)
    assert any("DIAGNOSTICS FAILED" in text for text in written(densities(judged, "age")))
    assert not any("DIAGNOSTICS FAILED" in text for text in written(densities(results, "age")))
    with pytest.raises(AnalysisError, match="reports no hazard ratio"):
        densities(figure_fits.bare())
