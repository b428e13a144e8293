"""The posterior predictive figure: curves and numbers are those of the check, whole at both columns; what is missing is said."""

from __future__ import annotations

import dataclasses

import figure_fits
import numpy as np
import pytest
import small_study
import time_figure_fits
from inspect_figure import faults, written

from bayes_rrmm.errors import AnalysisError, DataError, FitError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import kaplan_meier
from bayes_rrmm.model_checks.predictive import predict
from bayes_rrmm.plots.frame import MARK
from bayes_rrmm.plots.predictive import predictive
from bayes_rrmm.plots.style import KAPLAN_MEIER, POSTERIOR
from bayes_rrmm.rounding import figure_of

FITS = {
    "groups": (figure_fits.grouped, "group"),
    "twelve pooled levels, frailty": (figure_fits.pooled, "group"),
    "no covariate": (figure_fits.bare, None),
    "delayed entry": (time_figure_fits.delayed, "group"),
    "landmark": (time_figure_fits.landmark, "group"),
    "gaps": (time_figure_fits.gaps, "sex"),
    "piecewise": (time_figure_fits.piecewise, None),
}


@pytest.mark.parametrize("column", ["single", "double"])
@pytest.mark.parametrize("name", FITS)
def test_nothing_is_cut_off_or_covered(name: str, column: str) -> None:
    """At both columns every text is inside, apart from the others, and at least 6 points."""
    make, by = FITS[name]
    assert faults(predictive(make(), by, column=column)) == []


def test_curves_are_those_of_the_check() -> None:
    """The steps are Kaplan-Meier of the group; the line is the median, the band the interval, of the replicates at each time."""
    fit = small_study.fit()
    figure = predictive(fit, "group")
    found = predict(fit, by="group")
    assert len(figure.axes) == len(found) == 3
    for axes, one in zip(figure.axes, found, strict=True):
        (steps,) = [line for line in axes.get_lines() if line.get_color() == KAPLAN_MEIER]
        own = (fit.require_cohort("test").covariates["group"] == one.label).to_numpy()
        curve = kaplan_meier(fit.require_cohort("test").time[own], fit.require_cohort("test").event[own])
        np.testing.assert_array_equal(steps.get_xdata()[1:-1], curve.time)
        np.testing.assert_array_equal(steps.get_ydata()[1:-1], curve.survival)
        assert steps.get_drawstyle() == "steps-post"
        drawn = [line for line in axes.get_lines() if line.get_color() == POSTERIOR]
        assert [line.get_linestyle() for line in drawn] == ["-", "--"]
        times = np.concatenate([drawn[0].get_xdata(), drawn[1].get_xdata()[1:]])
        heights = np.concatenate([drawn[0].get_ydata(), drawn[1].get_ydata()[1:]])
        np.testing.assert_array_equal(times, one.time)
        np.testing.assert_allclose(heights, np.median(one.replicates, axis=0))
        assert drawn[0].get_xdata()[-1] <= one.few_left < drawn[1].get_xdata()[1]
        band = axes.collections[0].get_paths()[0].vertices
        lower, upper = np.quantile(one.replicates[:, 5], [0.025, 0.975])
        assert sorted(band[np.isclose(band[:, 0], one.time[5]), 1]) == pytest.approx([lower, upper])


def test_numbers_are_written_above() -> None:
    """Events and S of the data with their p, and median and interval of the replicates; the same in the description."""
    fit = small_study.fit()
    figure = predictive(fit, "group")
    texts = written(figure)
    found = predict(fit, by="group")
    assert [one.events is None for one in found] == [bool(one.observed.events == one.patients) for one in found]
    assert "9 patients, 9 events" in texts
    for one in found:
        if one.label == "few":
            continue
        assert one.events is not None
        assert one.survival is not None
        middle, lower, upper = (f"{value:.0f}" for value in np.quantile(one.events.replicated, [0.5, 0.025, 0.975]))
        assert f"Events {one.events.observed:g}, p {figure_of(one.events.p, 'p')}:" in texts
        assert f"{middle} [{lower}, {upper}]" in texts
        head = f"S({figure_of(one.follow_up, 'months')}) {figure_of(one.survival.observed, 'probability')}"
        assert f"{head}, p {figure_of(one.survival.p, 'p')}:" in texts
        chosen = np.quantile(one.survival.replicated, [0.5, 0.025, 0.975])
        middle, lower, upper = (figure_of(value, "probability") for value in chosen)
        assert f"{middle} [{lower}, {upper}]" in texts
        assert f"{head}, p {figure_of(one.survival.p, 'p')}, replicates {middle} [{lower}, {upper}]" in figure.get_label()


def test_what_is_done_is_said() -> None:
    """Gaps, frailties, the start of a late curve, groups without patients, and how many replicates there are."""
    said = {name: " ".join(written(predictive(make(), by))) for name, (make, by) in FITS.items()}
    assert "200 replicates" in said["groups"]
    assert "Missing covariates are drawn from their model." in said["gaps"]
    assert "Patients whose sex is unknown are left out." in said["gaps"]
    assert "Frailties of each site are drawn anew." in said["twelve pooled levels, frailty"]
    assert "S(t | 6)" in said["landmark"]
    assert "All patients" in said["no covariate"]


def test_a_failed_fit_is_marked() -> None:
    """The mark is on the figure and in its description."""
    figure = predictive(small_study.failing_fit())
    assert MARK in written(figure)
    assert figure.get_label().startswith(MARK)


def test_what_cannot_be_drawn_is_refused() -> None:
    """No such group, no rows, and spells that continue each other."""
    fit = small_study.fit()
    with pytest.raises(AnalysisError, match="'grp' is not a group"):
        predictive(fit, "grp")
    with pytest.raises(FitError, match="the posterior predictive check needs the analysed rows"):
        predictive(dataclasses.replace(fit, cohort=None))
    with pytest.raises(DataError, match="continues another"):
        predictive(spells())


def spells() -> Fit:
    """A fit whose first two rows are one patient's."""
    fit = time_figure_fits.delayed()
    rows = fit.require_cohort("test")
    entry = rows.entry.copy()
    entry[1] = rows.time[0]
    time = np.maximum(rows.time, entry + 1.0)
    names = np.arange(len(rows)).astype(str)
    names[1] = names[0]
    changed = dataclasses.replace(rows, id=names, entry=entry, time=time)
    return dataclasses.replace(fit, cohort=changed)
