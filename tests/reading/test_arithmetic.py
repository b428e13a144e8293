"""Arithmetic on estimates pairs their draws, keeps what they mean, and refuses what has no meaning."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import fits
import numpy as np
import pytest

from bayes_rrmm.errors import FitError
from bayes_rrmm.estimands import HazardRatio, Median, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.parameters import draw_from_prior
from bayes_rrmm.reading import Estimates, estimate, summarise


@pytest.fixture
def rmst(mixed_fit: Fit) -> Estimates:
    return estimate(mixed_fit, Rmst(upto=30), by="group")


def test_sel_takes_one_label(rmst: Estimates) -> None:
    """Selecting a label leaves its draws, in order, and drops the dimension."""
    chosen = rmst.sel(group="b")
    assert chosen.label_dims == ()
    np.testing.assert_array_equal(chosen.draws, rmst.draws.isel(group=1))
    assert chosen.extrapolated.ndim == 0


def test_sel_takes_a_time_of_any_number_type(mixed_fit: Fit) -> None:
    """A whole number selects the time it equals."""
    survival = estimate(mixed_fit, Survival(at=(6, 12)), by="group")
    np.testing.assert_array_equal(survival.sel(time=12, group="c").draws, survival.draws.isel(time=1, group=2))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"group": "bb"}, r"'bb' is no group; did you mean 'b'\? Valid: a, b, c"),
        ({"groups": "b"}, r"no dimension 'groups'; did you mean 'group'\? Valid: group"),
        ({"chain": 0}, r"no dimension 'chain'; Valid: group"),
    ],
)
def test_sel_refuses_what_is_not_there(labels: dict[str, object], message: str, rmst: Estimates) -> None:
    """An unknown label or dimension is refused with the nearest one; chains and draws are no labels."""
    with pytest.raises(FitError, match=message):
        rmst.sel(**labels)


def test_differences_and_ratios_are_taken_draw_by_draw(rmst: Estimates) -> None:
    """a - b and a / b pair each draw with the same draw of the other, and say what they have become."""
    b, c = rmst.sel(group="b"), rmst.sel(group="c")
    gain, ratio = c - b, c / b
    np.testing.assert_array_equal(gain.draws, c.draws.to_numpy() - b.draws.to_numpy())
    np.testing.assert_array_equal(ratio.draws, c.draws.to_numpy() / b.draws.to_numpy())
    assert (gain.contrast, gain.unit, gain.null, gain.population) == ("difference", "months", 0.0, "cohort")
    assert (ratio.contrast, ratio.unit, ratio.null) == ("ratio", "ratio", 1.0)


def test_labels_align_exactly(mixed_fit: Fit, rmst: Estimates) -> None:
    """Other labels or dimensions on the two sides are refused, never dropped or repeated; one label of each is fine."""
    early, late = (estimate(mixed_fit, Survival(at=at), by="group") for at in (6, 12))
    for operation in (lambda: late - early, lambda: rmst - rmst.sel(group="a"), lambda: rmst.sel(group="a") / rmst):
        with pytest.raises(FitError, match="their labels differ; select one label of each with sel"):
            operation()
    assert not (rmst - rmst).draws.any()
    np.testing.assert_array_equal(
        (late.sel(time=12) - early.sel(time=6)).draws, late.draws.isel(time=0).to_numpy() - early.draws.isel(time=0).to_numpy()
    )


def test_extrapolation_is_inherited(mixed_fit: Fit) -> None:
    """A contrast of two groups is extrapolated where one of them is."""
    ends = dict(zip("abc", mixed_fit.plan.encoding.group("group").last_follow_up, strict=True))
    shortest, longest = min(ends, key=ends.__getitem__), max(ends, key=ends.__getitem__)
    read = estimate(mixed_fit, Rmst(upto=ends[longest]), by="group")
    assert bool((read.sel(group=longest) - read.sel(group=shortest)).extrapolated)
    assert not (read.sel(group=longest) - read.sel(group=longest)).extrapolated


def test_a_number_shifts_the_value_of_no_effect(mixed_fit: Fit) -> None:
    """Subtracting or dividing by a number moves draws and the value of no effect together: P(below it) stays."""
    ratio = estimate(mixed_fit, HazardRatio("group", "b"))
    p_below = summarise(ratio)["p_below"].item()
    for moved, null in ((ratio - 1, 0.0), (ratio / 4, 0.25)):
        assert moved.null == null
        assert summarise(moved)["p_below"].item() == p_below
    np.testing.assert_array_equal((ratio - 1).draws, ratio.draws - 1)
    np.testing.assert_array_equal((ratio / 4).draws, ratio.draws / 4)
    years = estimate(mixed_fit, Rmst(upto=30)) / 12
    assert (years.null, years.unit) == (None, "months / 12")


def test_other_fits_are_refused(mixed_fit: Fit, rmst: Estimates) -> None:
    """Draws of two fits are not paired, even of one model and data with other draws; the same draws again are."""
    other = fits.fit_with(mixed_fit.plan, mixed_fit.cohort, draw_from_prior(mixed_fit.plan, 6, 4), chains=2)
    with pytest.raises(FitError, match=r"they differ in their fit \(the draws are not paired\)"):
        rmst - estimate(other, Rmst(upto=30), by="group")
    again = fits.fit_with(mixed_fit.plan, mixed_fit.cohort, draw_from_prior(mixed_fit.plan, 6, 3), chains=2)
    assert not (rmst - estimate(again, Rmst(upto=30), by="group")).draws.any()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"unit": "days"}, r"their unit \(months and days\)"),
        ({"population": "women"}, r"their population \(cohort and women\)"),
        ({"endpoint": "PFS"}, r"their endpoint \(OS and PFS\)"),
        ({"estimand": "median"}, r"their estimand \(rmst and median\)"),
        ({"contrast": "difference"}, r"their contrast \(none and difference\)"),
        ({"given": 12.0}, r"their given \(None and 12.0\)"),
        ({"horizon": 40.0}, r"their horizon \(30.0 and 40.0\)"),
    ],
)
def test_other_meanings_are_refused(changed: dict[str, object], message: str, rmst: Estimates) -> None:
    """Another unit, population, endpoint, estimand, contrast or condition is refused, and both are named."""
    other = dataclasses.replace(rmst, **changed)
    for operation in (lambda: rmst - other, lambda: rmst / other):
        with pytest.raises(FitError, match=f"these estimates cannot be combined: they differ in {message}"):
            operation()


def test_real_estimates_of_other_populations_are_refused(mixed_fit: Fit, rmst: Estimates) -> None:
    """The same estimand standardised over women only does not combine with the cohort's, nor with a probability."""
    with pytest.raises(FitError, match=r"population \(cohort and women\)"):
        rmst - estimate(mixed_fit, Rmst(upto=30, population="women"), by="group")
    with pytest.raises(FitError, match=r"unit \(months and probability\)"):
        rmst / estimate(mixed_fit, Survival(at=12), by="group")


def test_medians_that_are_not_reached_have_no_contrast(mixed_fit: Fit, fit_of: Callable[..., Fit]) -> None:
    """A contrast with an infinite draw on either side is refused with the two remedies; extrapolated medians have one."""
    reached = estimate(mixed_fit, Median(horizon=math.inf), by="group")
    cut = estimate(mixed_fit, Median(horizon=float(reached.draws.median())), by="group")
    assert np.isinf(cut.draws).any()
    a = cut.sel(group="a")
    for operation in (lambda: cut - cut, lambda: a / a):
        with pytest.raises(FitError, match="undefined where one is not reached; use horizon=inf or RMST"):
            operation()
    assert np.isfinite((reached.sel(group="b") - reached.sel(group="a")).draws).all()
