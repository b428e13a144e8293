"""The overview says what would be fitted, in words and as data, and samples nothing."""

from __future__ import annotations

import json

import fits
import numpy as np
import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.overview import cohort_record, overview, overview_record


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Thirty rows in months: one at time 0, two with a gap in group, ten that enter late, weights of two."""
    frame = pd.DataFrame({"time": np.arange(30.0), "event": [1, 0] * 15, "group": ["a", "b", "c"] * 10, "count": 2})
    frame["age"] = 50.0 + np.arange(30) % 7
    frame["start"] = np.where(np.arange(30) % 3 == 2, 1.0, 0.0)
    frame.loc[[4, 7], "group"] = None
    return frame


def overview_of(table: pd.DataFrame, formula: str = "group", **parts: str) -> str:
    cohort, plan = fits.cohort_and_plan(table, formula, **parts)
    return overview(plan, cohort)


DROP = 'zero_times = "drop"'


def test_rows_and_events(table: pd.DataFrame) -> None:
    """Rows read and analysed, what was left out and why with row numbers, events and person-time stand in it."""
    text = overview_of(table, endpoint=f'{DROP}\nweight = "count"')
    kept = table[(table["time"] > 0) & table["group"].notna()]
    assert "Rows: 27 analysed of 30 read from the data" in text
    assert 'left out 1: no time at risk (zero_times = "drop") (rows 1)' in text
    assert "left out 2: group is missing (rows 5, 8)" in text
    assert "frequency weights: they stand for 54 patients" in text
    assert f"Events: {2 * kept['event'].sum()} in {2 * kept['time'].sum():.1f} person-months at risk" in text


def test_delayed_entry_and_notes(table: pd.DataFrame) -> None:
    """Late entries are counted, and what was done to rows without time at risk is noted."""
    text = overview_of(table.dropna(), endpoint='entry = "start"\nzero_times = "half-day"')
    late = int((table.dropna()["start"] > 0).sum())
    assert f"Delayed entry: {late} rows enter after time 0 (the latest at 1.0 months)" in text
    assert "Note: rows without time at risk count as followed for half a day: 1." in text


def test_groups(table: pd.DataFrame) -> None:
    """Each group has its patients, events, follow-up and reference; pooled groups have no reference in the model."""
    kept = table[table["time"] > 0]
    text = overview_of(table, endpoint=DROP)
    assert "Group group (reference a):" in text
    for level, rows in kept.groupby("group"):
        patients, events = len(rows), rows["event"].sum()
        assert f"  {level}  {patients:>6} patients, {events:>5} events, followed to {rows['time'].max():.1f} months" in text
    pooled = overview_of(table, endpoint=DROP, model='effects = { group = "pooled" }')
    assert "Group group (pooled, no reference in the model):" in pooled


def test_continuous_covariates(table: pd.DataFrame) -> None:
    """A continuous covariate has its mean, sd and the step its effect is for."""
    kept = table[table["time"] > 0]["age"]
    text = overview_of(table, "age", endpoint=DROP, rest="[variables.age]\nper = 5")
    assert f"Continuous age: mean {kept.mean():.4g}, sd {kept.std():.4g}; effects per 5" in text


def test_intervals_without_events_are_named(table: pd.DataFrame) -> None:
    """Each interval of a piecewise baseline has its events, and one without is said to be left to the prior."""
    text = overview_of(table, "1", endpoint=DROP, model='baseline = "piecewise-exponential"\ncuts = [10, 28.5]')
    assert "(0, 10]  5 events" in text
    assert "(10, 28.5]  9 events" in text
    assert "(28.5, end)  0 events  <- no event: the prior decides here" in text


def test_priors_in_clinical_words(table: pd.DataFrame) -> None:
    """Every prior stands there with its 95 % interval and whether it was stated or is the default."""
    rest = "[priors]\nbaseline = { median_survival = 20, upper95 = 80 }\ngroup = { hazard_ratio = 1.0, upper95 = 4.0 }"
    text = overview_of(table, endpoint=DROP, rest=rest)
    assert "hazard ratio, group=b against a: 0.25 to 4 (stated); weighs as much as" in text
    assert "Weibull shape: 0.375 to 2.66 (default)" in text
    (median,) = [line for line in text.splitlines() if line.startswith("  median survival of the average patient")]
    low, high = (float(word) for word in median.split(": ")[1].split(" (")[0].split(" to "))
    assert (low, high) == (pytest.approx(5, rel=0.05), pytest.approx(80, rel=0.05))


def test_title_and_question_lead() -> None:
    """A shipped analysis is introduced by its title, question, endpoint, baseline and formula."""
    analysis = br.load_analysis("myeloma_gep_weibull")
    lines = br.validate(analysis, br.read_cohort("myeloma-gep", analysis)).splitlines()
    assert lines[:3] == [
        analysis.title,
        f"  {analysis.question}",
        "  OS, weibull baseline, formula: molecular_group",
    ]


def test_the_same_as_data(table: pd.DataFrame) -> None:
    """The record says the same in JSON: rows, events, dropped rows, groups, columns, cuts and priors."""
    cohort, plan = fits.cohort_and_plan(
        table, "group + age", endpoint=DROP, model='baseline = "piecewise-exponential"\ncuts = [10, 20]'
    )
    record = json.loads(json.dumps(overview_record(plan, cohort)))
    assert (record["rows_read"], record["rows"], record["events"], record["unit"]) == (30, 27, cohort.events, "months")
    assert record["fingerprint"] == cohort.fingerprint
    assert [(item["reason"], item["first_rows"]) for item in record["dropped"]] == [
        ('no time at risk (zero_times = "drop")', [1]),
        ("group is missing", [5, 8]),
    ]
    assert record["groups"][0]["levels"] == ["a", "b", "c"]
    assert record["columns"] == ["group=b", "group=c", "age"]
    assert record["cuts"] == [10, 20]
    assert {prior["origin"] for prior in record["priors"]} <= {"default", "stated"} | {
        "default, scaled by the data: log 2 x person-time / events"
    }
    assert cohort_record(cohort).items() <= overview_record(plan, cohort).items()
