"""A median may not be reached: beyond a horizon it is infinite, without one it is extrapolated and says so."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from fits import cohort_and_plan, fit_with

from bayes_rrmm.estimands import Median, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import estimate, summarise

ENDS = {"a": 20.0, "b": 60.0, "c": 45.0}
MEDIANS = (10.0, 30.0, 50.0, 70.0)


@pytest.fixture(scope="module")
def staggered() -> Fit:
    """Three groups followed to 20, 60 and 45 months, and four draws with medians of 10, 30, 50 and 70 in each."""
    rows = [(end * share, 1, group) for group, end in ENDS.items() for share in (0.3, 0.6, 1.0)]
    frame = pd.DataFrame(rows, columns=["time", "event", "group"])
    cohort, plan = cohort_and_plan(frame, "group", model='baseline = "exponential"')
    draws = {"log_rate": np.log(math.log(2) / np.array(MEDIANS)), "beta": np.zeros((4, 2))}
    return fit_with(plan, cohort, draws, chains=2)


def test_the_default_horizon_is_the_groups_last_follow_up(staggered: Fit) -> None:
    """A draw beyond the last follow-up of its own group is not reached: infinite, and nothing is extrapolated."""
    read = estimate(staggered, Median(), by="group")
    reached = {group: [m if m <= end else math.inf for m in MEDIANS] for group, end in ENDS.items()}
    for group, expected in reached.items():
        np.testing.assert_allclose(read.draws.sel(group=group).to_numpy().ravel(), expected, rtol=1e-12)
    assert not read.extrapolated.any()
    assert summarise(read).set_index("group")["p_not_reached"].to_dict() == {"a": 0.75, "b": 0.25, "c": 0.5}


def test_for_everyone_it_is_the_last_follow_up_of_all(staggered: Fit) -> None:
    """Without groups the horizon is the latest exit of anyone."""
    np.testing.assert_allclose(estimate(staggered, Median()).draws.to_numpy().ravel(), [10, 30, 50, math.inf], rtol=1e-12)


def test_a_horizon_of_ones_own(staggered: Fit) -> None:
    """A stated horizon holds for every group; where the reported median or a limit lies beyond follow-up it is extrapolated."""
    read = estimate(staggered, Median(horizon=55), by="group")
    for group in ENDS:
        np.testing.assert_allclose(read.draws.sel(group=group).to_numpy().ravel(), [10, 30, 50, math.inf], rtol=1e-12)
    assert summarise(read)["median"].tolist() == [pytest.approx(40.0)] * 3
    assert read.extrapolated.to_series().to_dict() == {"a": True, "b": False, "c": False}


def test_a_rare_draw_beyond_follow_up_extrapolates_nothing(staggered: Fit) -> None:
    """What is reported is extrapolated where it lies beyond follow-up, not where a draw in a thousand does."""
    draws = {"log_rate": np.log(math.log(2) / np.array([10.0] * 999 + [30.0])), "beta": np.zeros((1000, 2))}
    read = estimate(fit_with(staggered.plan, staggered.cohort, draws, chains=2), Median(horizon=math.inf), by="group")
    assert not read.extrapolated.any()


def test_without_a_horizon_nothing_is_infinite(staggered: Fit) -> None:
    """With horizon = inf every draw has its median, extrapolated wherever any lies beyond its group's follow-up."""
    read = estimate(staggered, Median(horizon=math.inf), by="group")
    for group in ENDS:
        np.testing.assert_allclose(read.draws.sel(group=group).to_numpy().ravel(), MEDIANS, rtol=1e-12)
    assert bool(read.extrapolated.all())
    assert summarise(read)["extrapolated"].tolist() == [True, True, True]


def test_curves_beyond_follow_up_are_extrapolated(staggered: Fit) -> None:
    """Survival and RMST are labelled by group and time: extrapolated only beyond that group's last follow-up."""
    survival = estimate(staggered, Survival(at=(20, 21, 50)), by="group").extrapolated
    assert survival.sel(group="a").to_numpy().tolist() == [False, True, True]
    assert survival.sel(group="b").to_numpy().tolist() == [False, False, False]
    assert estimate(staggered, Rmst(upto=46), by="group").extrapolated.to_series().to_dict() == {"a": True, "b": False, "c": True}


def test_a_median_that_is_often_not_reached_has_quantiles_only(staggered: Fit) -> None:
    """Where draws are infinite the mean and sd are missing; the median and limits are infinite only where they must be."""
    summary = summarise(estimate(staggered, Median(), by="group")).set_index("group")
    assert summary.loc["a", "median"] == math.inf
    assert summary.loc["b", "median"] == pytest.approx(40.0)
    assert summary["mean"].isna().all()
    assert summary["sd"].isna().all()
    assert summary.loc["b", "upper"] == math.inf
    assert summary.loc["b", "lower"] == pytest.approx(np.quantile([10, 30, 50, 1e9], 0.025))
