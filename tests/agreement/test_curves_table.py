"""curves.csv: the posterior's standardised curve and Kaplan-Meier by group, with the numbers at risk."""

from __future__ import annotations

import fits
import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.agreement.curves import curves_table, everyone_table, time_grid
from bayes_rrmm.estimands import Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import at_risk, kaplan_meier
from bayes_rrmm.reading import estimate

COLUMNS = ["source", "term", "group", "time", "survival", "lower", "upper", "at_risk", "extrapolated"]


@pytest.fixture(scope="module")
def fit(two_groups: pd.DataFrame) -> Fit:
    """Groups and sexes, entry delayed for a third of the rows."""
    start = np.where(np.arange(80) % 3 == 0, two_groups["time"] / 4, 0.0)
    cohort, plan = fits.cohort_and_plan(two_groups.assign(start=start), "group + sex", endpoint='entry = "start"')
    return fits.laplace_fit(plan, cohort)


def test_the_posterior_is_the_standardised_curve(fit: Fit) -> None:
    """Posterior rows are median and interval of survival standardised over the cohort, on a grid to the last follow-up."""
    table = curves_table(fit, fit.cohort, "group")
    assert table.columns.tolist() == COLUMNS
    times = time_grid(fit.cohort)
    assert (times[0] > 0, times[-1]) == (True, fit.cohort.time.max())
    summary = estimate(fit, Survival(at=tuple(times)), by="group").to_dataframe()
    posterior = table[table["source"] == "posterior"]
    np.testing.assert_array_equal(posterior[["survival", "lower", "upper"]], summary[["median", "lower", "upper"]])
    np.testing.assert_array_equal(posterior["time"], np.tile(times, 2))
    ends = dict(zip("ab", fit.plan.encoding.group("group").last_follow_up, strict=True))
    assert (posterior["extrapolated"] == (posterior["time"] > posterior["group"].map(ends))).all()
    assert posterior["at_risk"].isna().all()


@pytest.mark.parametrize("level", ["a", "b"])
def test_kaplan_meier_is_our_own_function(level: str, fit: Fit) -> None:
    """Kaplan-Meier rows run from 1 over the steps of that group's curve to its end, with those at risk: entry < t <= exit."""
    cohort = fit.cohort
    table = curves_table(fit, cohort, "group")
    rows = table[(table["source"] == "kaplan-meier") & (table["group"] == level)]
    keep = (cohort.covariates["group"] == level).to_numpy()
    curve = kaplan_meier(cohort.time[keep], cohort.event[keep], cohort.entry[keep])
    for name in ("time", "survival", "lower", "upper"):
        np.testing.assert_array_equal(rows[name][1:-1], getattr(curve, name))
    ends = rows.iloc[[0, -1]]
    assert ends["time"].tolist() == [0.0, curve.last_follow_up]
    assert ends["survival"].tolist() == [1.0, curve.survival[-1]]
    np.testing.assert_array_equal(rows["at_risk"], at_risk(rows["time"].to_numpy(), cohort.time[keep], cohort.entry[keep]))
    by_hand = [((cohort.entry[keep] < t) & (cohort.time[keep] >= t)).sum() for t in rows["time"][1:]]
    np.testing.assert_array_equal(rows["at_risk"][1:], by_hand)


def test_every_group_variable_in_turn(fit: Fit) -> None:
    """Without `by` each group variable of the formula has its curves; where there is none, everyone has one."""
    table = curves_table(fit, fit.cohort)
    assert table["term"].unique().tolist() == ["group", "sex"]
    parts = [curves_table(fit, fit.cohort, name) for name in ("group", "sex")]
    pd.testing.assert_frame_equal(table, pd.concat(parts, ignore_index=True))
    cohort, plan = fits.cohort_and_plan(fit.cohort.to_frame(), "1")
    alone = fits.laplace_fit(plan, cohort)
    pd.testing.assert_frame_equal(curves_table(alone, cohort), everyone_table(alone, cohort))
    assert everyone_table(alone, cohort)["group"].unique().tolist() == ["all"]
    assert everyone_table(alone, cohort)["term"].unique().tolist() == [""]


def test_a_group_without_events_is_flat() -> None:
    """A group without events has its posterior curve and a Kaplan-Meier curve of 1 to its last follow-up."""
    frame = pd.DataFrame({"time": np.arange(1.0, 31.0), "event": [1, 1, 0] * 10, "group": ["a", "b", "c"] * 10})
    cohort, plan = fits.cohort_and_plan(frame, "group")
    table = curves_table(fits.laplace_fit(plan, cohort), cohort)
    counts = table.groupby(["group", "source"]).size()
    assert counts["c"].to_dict() == {"kaplan-meier": 2, "posterior": 100}
    assert counts["a"].to_dict() == {"kaplan-meier": 12, "posterior": 100}
    flat = table[(table["group"] == "c") & (table["source"] == "kaplan-meier")]
    assert flat[["time", "survival", "at_risk"]].to_numpy().tolist() == [[0.0, 1.0, 10.0], [30.0, 1.0, 1.0]]
    assert table.dtypes[["time", "survival", "at_risk"]].tolist() == [np.dtype(float)] * 3


def test_a_late_start_is_where_the_curve_starts() -> None:
    """Under delayed entry the curve starts where ten are at risk, and a group in which ten never are has no curve."""
    enough = pd.DataFrame({"start": np.arange(1.0, 31.0), "time": np.arange(1.0, 31.0) + 40.0, "event": 1, "group": "a"})
    few = pd.DataFrame({"start": np.arange(1.0, 9.0), "time": np.arange(1.0, 9.0) + 40.0, "event": 1, "group": "b"})
    cohort, plan = fits.cohort_and_plan(pd.concat([enough, few]), "group", endpoint='entry = "start"')
    table = curves_table(fits.laplace_fit(plan, cohort), cohort)
    observed = table[table["source"] == "kaplan-meier"]
    assert observed["group"].unique().tolist() == ["a"]
    assert observed.iloc[0][["time", "survival"]].tolist() == [10.0, 1.0]
