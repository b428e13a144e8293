"""The figure of the probability integral transform: line and band are those of the check, and leaving the band is said in words."""

from __future__ import annotations

import dataclasses

import figure_fits
import fits
import numpy as np
import pandas as pd
import pytest
import small_study
import time_figure_fits
from inspect_figure import faults, lines_of, written

from bayes_rrmm.errors import FitError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.model_checks.pit import pit as transformed
from bayes_rrmm.model_checks.pit import uniformity
from bayes_rrmm.plots.frame import MARK
from bayes_rrmm.plots.pit import pit
from bayes_rrmm.plots.style import KAPLAN_MEIER
from bayes_rrmm.rounding import figure_of

FITS = {
    "groups": figure_fits.grouped,
    "twelve pooled levels, frailty": figure_fits.pooled,
    "no covariate": figure_fits.bare,
    "delayed entry": time_figure_fits.delayed,
    "landmark": time_figure_fits.landmark,
    "gaps": time_figure_fits.gaps,
}


def misfit() -> Fit:
    """An exponential model of times that a steep Weibull made."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"time": np.round(20.0 * rng.weibull(3.0, 200) + 0.01, 3), "event": 1})
    cohort, plan = fits.cohort_and_plan(frame, model='baseline = "exponential"')
    return fits.laplace_fit(plan, cohort)


@pytest.mark.parametrize("column", ["single", "double"])
@pytest.mark.parametrize("name", FITS)
def test_nothing_is_cut_off_or_covered(name: str, column: str) -> None:
    """At both columns every text is inside, apart from the others, and at least 6 points."""
    assert faults(pit(FITS[name](), column=column)) == []


def test_line_and_band_are_those_of_the_check() -> None:
    """From 0 over the differences to 0; the band around them; p and the numbers of patients in words."""
    fit = small_study.fit()
    figure = pit(fit)
    spread, found = uniformity(transformed(fit).u), transformed(fit)
    axes = figure.axes[0]
    (line,) = [line for line in axes.get_lines() if line.get_color() == KAPLAN_MEIER]
    np.testing.assert_allclose(line.get_ydata(), [0.0, *spread.difference, 0.0])
    np.testing.assert_allclose(line.get_xdata(), [0.0, *spread.at, 1.0])
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(spread.lower.min())
    assert band[:, 1].max() == pytest.approx(spread.upper.max())
    said = f"Inside the band everywhere (p {figure_of(spread.p, 'p')})"
    assert said in written(figure)
    assert said in figure.get_label()
    assert f"{len(found.u)} patients, {found.censored} censored" in figure.get_label()


def test_leaving_the_band_is_said_and_marked() -> None:
    """Too few early events of an exponential model: points where the band is left, and words that say which way and where."""
    fit = misfit()
    spread = uniformity(transformed(fit).u)
    figure = pit(fit)
    (points,) = lines_of(figure, "o")
    np.testing.assert_allclose(points.get_ydata(), spread.difference[spread.outside])
    worst = int(np.argmax(np.abs(spread.difference)))
    way = "more" if spread.difference[worst] > 0 else "fewer"
    (said,) = [text for text in written(figure) if text.startswith("Outside the band")]
    where = f"{float(spread.at[worst]):.2f}"  # noqa: PD008
    assert said == f"Outside the band (p {figure_of(spread.p, 'p')}): most at {where}, {way} events by then than predicted"
    assert said in figure.get_label()
    assert faults(pit(fit, column="single")) == []


def test_what_is_not_reliable_and_what_is_averaged_is_said() -> None:
    """Patients of a high Pareto k are counted; a frailty is averaged over, given the others of its cluster."""
    figure = pit(figure_fits.pooled())
    texts = " ".join(written(figure))
    high = transformed(figure_fits.pooled()).high_k
    assert high > 0
    assert f"For {high} patients the prediction is not reliable (Pareto k above 0.7)." in texts
    assert "Frailties are averaged over, given the others of the same site." in texts


def test_a_failed_fit_is_marked_and_rows_are_needed() -> None:
    """The mark is on the figure and in its description; without rows it is refused."""
    figure = pit(small_study.failing_fit())
    assert MARK in written(figure)
    assert figure.get_label().startswith(MARK)
    with pytest.raises(FitError, match="the probability integral transform needs the analysed rows"):
        pit(dataclasses.replace(small_study.fit(), cohort=None))
