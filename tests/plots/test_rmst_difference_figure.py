"""The figure of RMST differences draws the difference at every horizon, beside Kaplan-Meier's, and the reported contrast."""

from __future__ import annotations

import re
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
from bayes_rrmm.estimands import Rmst
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import kaplan_meier
from bayes_rrmm.frequentist import rmst_difference as by_hand
from bayes_rrmm.plots.rmst_difference import rmst_difference
from bayes_rrmm.plots.style import KAPLAN_MEIER, POSTERIOR
from bayes_rrmm.reading import estimate, estimates_table, summarise
from bayes_rrmm.results import Results

COLUMNS = ("single", "double")
REPORTED = Rmst(by="group", upto=24, contrast="difference")


def medians(panel: Axes) -> np.ndarray:
    """Horizons and medians of the posterior's line."""
    (line,) = (line for line in panel.get_lines() if line.get_color() == POSTERIOR and line.get_linewidth() == 1.3)
    return np.array(line.get_data())


def of_level(fit: Fit, level: str) -> tuple[np.ndarray, ...]:
    cohort = fit.cohort
    keep = (cohort.covariates["group"] == level).to_numpy()
    return cohort.time[keep], cohort.event[keep], cohort.entry[keep], cohort.weight[keep]


def test_the_line_is_the_difference_of_rmsts() -> None:
    """The line starts at 0 and at other horizons equals the posterior median of the standardised difference; it ends with the
    shorter follow-up of the two groups."""
    fit = small_study.fit()
    figure = rmst_difference(fit)
    levels = fit.plan.encoding.group("group").levels
    assert [panel.get_title() for panel in figure.axes] == [""] * (len(levels) - 1)
    for panel, level in zip(figure.axes, levels[1:], strict=True):
        horizons, heights = medians(panel)
        assert (horizons[0], heights[0]) == (0.0, 0.0)
        assert horizons[-1] == min(of_level(fit, name)[0].max() for name in (level, levels[0]))
        for index in (1, 7, -1):
            table = summarise(estimate(fit, Rmst(upto=horizons[index], contrast="difference"), by="group"))
            assert heights[index] == pytest.approx(table.set_index("group").loc[level, "median"], abs=1e-4)


def test_the_other_group_can_be_the_reference() -> None:
    """With `versus` every other group is compared with it, with the sign turned."""
    fit = small_study.fit()
    usual, turned = rmst_difference(fit), rmst_difference(fit, versus="few")
    assert {"many versus few", "other versus few"} <= set(written(turned))
    one, other = medians(usual.axes[0]), medians(turned.axes[0])
    at = np.intersect1d(one[0], other[0])[[2, -1]]
    for horizon in at:
        assert one[1][one[0] == horizon] == pytest.approx(-other[1][other[0] == horizon])


def test_kaplan_meier_is_dotted_beside_it() -> None:
    """The dotted lines are the difference of the areas under the groups' own curves and its Wald limits."""
    fit = small_study.fit()
    levels = fit.plan.encoding.group("group").levels
    base = kaplan_meier(*of_level(fit, levels[0]), label=levels[0])
    for panel, level in zip(rmst_difference(fit).axes, levels[1:], strict=True):
        dotted = [line for line in panel.get_lines() if line.get_color() == KAPLAN_MEIER]
        assert len(dotted) == 3
        curve = kaplan_meier(*of_level(fit, level), label=level)
        horizons = dotted[0].get_xdata()
        answers = np.array([by_hand(curve, base, t) for t in horizons[1:]])
        for line, place in zip(dotted, (0, 2, 3), strict=True):
            np.testing.assert_allclose(line.get_ydata()[1:], answers[:, place])


def test_the_reported_contrast_is_a_point_with_its_text() -> None:
    """A contrast of estimates.csv is drawn at its horizon and written as the table has it."""
    fit = figure_fits.grouped()
    table = estimates_table([(REPORTED, estimate(fit, REPORTED))])
    results = Results(fit)
    results.__dict__["estimates"] = table  # as a run folder would hold it
    figure = rmst_difference(results)
    for panel, row in zip(figure.axes, table.to_dict("records"), strict=True):
        (point,) = (line for line in panel.get_lines() if line.get_marker() == "o")
        assert (point.get_xdata()[0], point.get_ydata()[0]) == (24.0, row["median"])
        text = f"to 24.0 months: {row['median']:.1f} [{row['lower']:.1f}, {row['upper']:.1f}]"
        assert text in written(figure)
        assert text in figure.get_label()


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("make", [figure_fits.grouped, made.gaps, made.delayed, made.piecewise, made.frail])
def test_nothing_overlaps(make: Callable[[], Fit], column: str) -> None:
    """Long names, a group without events, gaps, late entry, cuts or a frailty: all that is written is inside, apart and legible."""
    assert faults(rmst_difference(make(), column=column)) == []


def test_twelve_pooled_groups_fit_one_column() -> None:
    """Eleven comparisons of long names under a frailty say that the posterior is of a new cluster."""
    figure = rmst_difference(figure_fits.pooled(), column="single")
    assert len(figure.axes) == 11
    assert faults(figure) == []
    assert any("new cluster" in text for text in written(figure))


def test_late_entry_has_no_kaplan_meier_and_says_so() -> None:
    """Where a curve starts late it is given survival to its start, which is another difference: none is drawn."""
    figure = rmst_difference(made.delayed())
    for panel in figure.axes:
        assert not [line for line in panel.get_lines() if line.get_color() == KAPLAN_MEIER]
    assert "no Kaplan-Meier: entry is delayed" in written(figure)


def test_no_patients_time_is_written() -> None:
    """Without a reported contrast the number is that at a tick of the axis, not at somebody's last follow-up."""
    figure = rmst_difference(made.gaps())
    told = [text for text in written(figure) if text.startswith("to ")]
    assert [float(re.match(r"to ([\d.]+) months", text).group(1)) for text in told] == [24.0, 24.0]
    times = {f"{time:.1f}" for time in made.gaps().cohort.time} - {"24.0", "36.0"}
    assert not times & {text.split()[1] for text in told}


def test_a_failed_fit_is_marked() -> None:
    """The mark stands on the figure and in its description."""
    figure = rmst_difference(small_study.failing_fit())
    assert any("DIAGNOSTICS FAILED" in text for text in written(figure))
    assert figure.get_label().startswith("DIAGNOSTICS FAILED")


def test_what_cannot_be_drawn_is_refused() -> None:
    """No group, an unknown level and a fit without rows are refused in words."""
    with pytest.raises(AnalysisError, match="compares groups"):
        rmst_difference(figure_fits.bare())
    with pytest.raises(AnalysisError, match="'fewer' is no level"):
        rmst_difference(small_study.fit(), versus="fewer")
    fit = small_study.fit()
    with pytest.raises(FitError, match="needs the analysed rows"):
        rmst_difference(br.Fit(fit.plan, fit.tree))
