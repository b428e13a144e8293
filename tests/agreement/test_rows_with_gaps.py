"""The frequentist side leaves rows with gaps out, says so, and counts the rows it kept; the Bayesian side keeps them all."""

from __future__ import annotations

import math

import fits
import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.agreement import compare_with_frequentist
from bayes_rrmm.estimands import HazardRatio, Median, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import cox, kaplan_meier, log_rank

MARGINALISE = 'missing = "marginalise"'
WEIGHTED = 'weight = "count"'
DIFFERENT = "the frequentist side leaves out patients whose covariates have gaps, the Bayesian side marginalises them"


@pytest.fixture(scope="module")
def gappy(two_groups: pd.DataFrame) -> pd.DataFrame:
    """The two groups, the group unknown in every fifth row and the sex in every eleventh; some rows count twice."""
    order = np.arange(len(two_groups))
    return two_groups.assign(
        group=two_groups["group"].where(order % 5 > 0, None),
        sex=two_groups["sex"].where(order % 11 > 0, None),
        count=np.where(order % 7 == 0, 2, 1),
    )


def prior_fit(frame: pd.DataFrame, formula: str = "group + sex", model: str = MARGINALISE) -> Fit:
    cohort, plan = fits.cohort_and_plan(frame, formula, endpoint=WEIGHTED, model=model)
    return fits.prior_fit(plan, cohort, size=200)


@pytest.fixture(scope="module")
def fit(gappy: pd.DataFrame) -> Fit:
    return prior_fit(gappy)


def test_cox_is_that_of_the_rows_without_gaps(fit: Fit, gappy: pd.DataFrame, compared) -> None:
    """Cox stands there for the rows without any gap, also for the term without one: its numbers, its rows, and the reason."""
    kept = gappy.dropna()
    design = np.column_stack([kept["group"] == "b", kept["sex"] == "m"]).astype(float)
    model = cox(design, ["b", "m"], kept["time"], kept["event"], weight=kept["count"])
    table = compared(fit, HazardRatio(of="group"), HazardRatio(of="sex"))
    for row, contrast in zip(table.itertuples(), np.eye(2), strict=True):
        estimate, _, lower, upper = model.contrast(contrast)
        found = np.log([row.frequentist, row.freq_lower, row.freq_upper])
        np.testing.assert_allclose(found, [estimate, lower, upper], rtol=1e-8)
        assert row.rows_freq == kept["count"].sum() < row.rows_bayes == gappy["count"].sum()
        assert "different-rows" in row.reason_code.split(";")
        assert DIFFERENT in row.reason


def test_without_gaps_the_rows_are_the_same(gappy: pd.DataFrame, compared) -> None:
    """Complete rows under `marginalise` are not called different, and both sides count the same."""
    table = compared(prior_fit(gappy.dropna()), HazardRatio(of="group"), Survival(at=6, by="group"))
    assert not table["reason_code"].str.contains("different-rows").any()
    assert (table.loc[table["estimand"] == "hazard-ratio", "rows_freq"] == gappy.dropna()["count"].sum()).all()


def test_few_events_are_those_cox_has(gappy: pd.DataFrame, compared) -> None:
    """A group with enough events in all, but fewer than 10 in rows without gaps, has few."""
    known_a = np.flatnonzero(gappy["group"] == "a")
    rare = gappy.assign(sex=gappy["sex"].where(~np.isin(np.arange(len(gappy)), known_a[5:]), None))
    events = (rare["event"] * rare["count"])[rare["group"] == "a"]
    assert events.sum() > 20
    assert events[rare["sex"].notna()].sum() < 10
    few = compared(prior_fit(rare), HazardRatio(of="group"))["reason_code"].item()
    assert "few-events" in few.split(";")
    enough = compared(prior_fit(gappy), HazardRatio(of="group"))["reason_code"].item()
    assert "few-events" not in enough.split(";")


@pytest.mark.parametrize("question", [Survival(at=6), Median(horizon=math.inf), Rmst(upto=24)], ids=lambda question: question.kind)
def test_kaplan_meier_is_that_of_rows_whose_group_is_known(fit: Fit, gappy: pd.DataFrame, all_compared, question) -> None:
    """By group, Kaplan-Meier has the rows whose group is known, whatever else they lack, and the reason says so."""
    table = all_compared(fit, question.model_copy(update={"by": "group"}))
    table = table[table["method"] == "Kaplan-Meier"]
    for level, row in zip("ab", table.itertuples(), strict=True):
        known = gappy[gappy["group"] == level]
        curve = kaplan_meier(known["time"], known["event"], weight=known["count"])
        expected = {
            "survival": lambda curve=curve: curve.survival_at(6)[0],
            "median": lambda curve=curve: curve.median()[0],
            "rmst": lambda curve=curve: curve.rmst(24)[0],
        }[question.kind]()
        assert row.frequentist == pytest.approx(expected, rel=1e-12)
        assert row.rows_freq == known["count"].sum()
        assert "different-rows" in row.reason_code.split(";")


def test_everybody_s_curve_has_everybody(fit: Fit, gappy: pd.DataFrame, compared) -> None:
    """Without groups no row is left out: Kaplan-Meier has them all, and nothing is called different."""
    row = compared(fit, Survival(at=6)).iloc[0]
    assert row["rows_freq"] == row["rows_bayes"] == gappy["count"].sum()
    assert "different-rows" not in row["reason_code"]


def test_the_log_rank_test_is_that_of_known_groups(fit: Fit, gappy: pd.DataFrame) -> None:
    """Each group's log-rank test has the rows in which that group is known, and says how many."""
    table = compare_with_frequentist(fit, read=[]).table
    for name in ("group", "sex"):
        known = gappy[gappy[name].notna()]
        expected = log_rank(known["time"], known["event"], known[name], weight=known["count"])
        row = table[(table["estimand"] == "log-rank") & (table["term"] == name)].iloc[0]
        assert row["frequentist"] == pytest.approx(expected.p, rel=1e-12)
        assert row["rows_freq"] == known["count"].sum()
        assert row["rows_bayes"] == gappy["count"].sum()


@pytest.mark.parametrize("left", ["nobody", "one group"])
def test_nothing_left_for_cox(two_groups: pd.DataFrame, compared, left: str) -> None:
    """Where the rows without gaps are none, or all of one group, there is no Cox and the reason says why; the posterior stands."""
    odd = np.arange(len(two_groups)) % 2 > 0
    lacks_group, lacks_sex = (~odd, odd) if left == "nobody" else (np.zeros(len(odd), dtype=bool), two_groups["group"] == "b")
    frame = two_groups.assign(
        group=two_groups["group"].mask(lacks_group, None),
        sex=np.where(lacks_sex, None, np.resize(["f", "f", "m", "m"], len(odd))),
        count=1,
    )
    row = compared(prior_fit(frame), HazardRatio(of="group")).iloc[0]
    assert row["rows_freq"] == (0 if left == "nobody" else (two_groups["group"] == "a").sum())
    assert row["verdict"] == "not-comparable"
    assert row["reason_code"].split(";")[:2] == ["nothing-left", "different-rows"]
    assert "leaves nothing to estimate this from" in row["reason"]
    assert math.isnan(row["frequentist"])
    assert math.isfinite(row["bayes"])
