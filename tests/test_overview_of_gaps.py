"""The overview says which gaps are averaged over, how they are modelled and under which priors, in words and as data."""

from __future__ import annotations

import json

import fits
import pandas as pd
import pytest
from by_enumeration import TABLE
from scipy import stats
from scipy.special import expit

from bayes_rrmm.overview import overview, overview_record
from bayes_rrmm.prior_words import prior_lines

WEIGHTED = 'weight = "count"'
MARGINALISE = 'missing = "marginalise"'


def overview_of(frame: pd.DataFrame, model: str) -> str:
    cohort, plan = fits.cohort_and_plan(frame, "x + y + age", endpoint=WEIGHTED, model=model)
    return overview(plan, cohort)


def test_gaps_are_counted_and_their_model_is_named() -> None:
    """Unknown patients by covariate (weights counted), what predicts each, the assumption, and the rows without a gap are there."""
    text = overview_of(TABLE, MARGINALISE)
    assert "assumed missing at random given the covariates of the formula and the outcome" in text
    assert "x: unknown in 4 patients, logit given age" in text
    assert "y: unknown in 2 patients, logit given age, x" in text
    assert "7 of 11 rows have no gap" in text
    assert "Rows: 11 analysed of 11 read" in text
    independent = overview_of(TABLE, f'{MARGINALISE}\ncovariate_model = "independent"')
    assert "x: unknown in 4 patients, with shares of its own" in independent


@pytest.mark.parametrize(("frame", "model"), [(TABLE, 'missing = "drop"'), (TABLE.dropna(), MARGINALISE)], ids=["drop", "complete"])
def test_nothing_is_said_where_nothing_is_marginalised(frame: pd.DataFrame, model: str) -> None:
    """Dropped rows or complete data leave no word of marginalising."""
    assert "marginalised" not in overview_of(frame, model)
    assert "unknown in" not in overview_of(frame, model)


def test_groups_count_who_is_known() -> None:
    """A group's levels have the patients and events that are known to be theirs, no gap among them."""
    text = overview_of(TABLE, MARGINALISE)
    for level in ("a", "b"):
        rows = TABLE[TABLE["x"] == level]
        patients, events = rows["count"].sum(), (rows["count"] * rows["event"]).sum()
        assert f"  {level}  {patients:>6g} patients, {events:>5g} events" in text


def test_it_is_there_as_data() -> None:
    """The record for JSON has the gaps of each covariate, and none where nothing is marginalised."""
    cohort, plan = fits.cohort_and_plan(TABLE, "x + y + age", endpoint=WEIGHTED, model=MARGINALISE)
    assert json.loads(json.dumps(overview_record(plan, cohort)))["marginalised"] == {"x": 4.0, "y": 2.0}
    cohort, plan = fits.cohort_and_plan(TABLE, "x + y + age", endpoint=WEIGHTED)
    assert overview_record(plan, cohort)["marginalised"] == {}


def test_priors_of_the_covariate_model_are_in_words() -> None:
    """Odds ratios of covariates and shares at the average are stated with the 95 % interval that the priors allow."""
    _, plan = fits.cohort_and_plan(TABLE, "x + y + age", model=MARGINALISE)
    lines = {line.about: line for line in prior_lines(plan)}
    low, high = stats.lognorm(1.0).ppf([0.025, 0.975])
    assert lines["odds ratio of y for each covariate"].interval == f"{low:.3g} to {high:.3g}"
    low, high = expit(stats.norm(0, 1.5).ppf([0.025, 0.975]))
    line = lines["odds of each level of x against a, as a probability"]
    assert (line.interval, line.origin) == (f"{low:.2f} to {high:.2f}", "fixed")
    _, alone = fits.cohort_and_plan(TABLE, "x", model=MARGINALISE)
    assert not any(line.about.startswith("odds ratio") for line in prior_lines(alone))
    _, shares = fits.cohort_and_plan(TABLE, "x + y", model=f'{MARGINALISE}\ncovariate_model = "independent"')
    assert {line.about: line.interval for line in prior_lines(shares)}["shares of the levels of x"].startswith("Dirichlet(1)")
