"""A table becomes a cohort: what is kept, what is dropped and said, what each cell is read as."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.cohort import build_cohort
from bayes_rrmm.errors import DataError
from bayes_rrmm.specification import parse_analysis


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """The table as a CSV reader gives it: all text, '' where a value is missing."""
    return frame.astype(object).where(frame.notna(), "").astype(str)


def test_a_cohort_holds_the_columns_of_the_analysis(patients: pd.DataFrame, analysis_text) -> None:
    """Time, event and the covariates of the formula, row by row; entry 0 and weight 1 unless named."""
    cohort = build_cohort(patients, parse_analysis(analysis_text("group + age")))
    np.testing.assert_array_equal(cohort.time, patients["time"])
    np.testing.assert_array_equal(cohort.event, patients["event"])
    np.testing.assert_array_equal(cohort.entry, 0.0)
    np.testing.assert_array_equal(cohort.weight, 1.0)
    assert list(cohort.covariates.columns) == ["group", "age"]
    assert cohort.covariates["group"].tolist() == patients["group"].tolist()
    assert cohort.covariates["age"].tolist() == patients["age"].tolist()
    assert cohort.row_numbers.tolist() == list(range(1, 61))
    assert (len(cohort), cohort.rows_read, cohort.dropped, cohort.unit) == (60, 60, (), "months")
    assert cohort.events == patients["event"].sum()
    assert cohort.person_time == pytest.approx(patients["time"].sum())
    assert not cohort.has_delayed_entry


def test_text_and_typed_values_are_one_cohort(patients: pd.DataFrame, analysis_text) -> None:
    """A DataFrame and the CSV written from it give the same cohort, down to the fingerprint."""
    analysis = parse_analysis(analysis_text("group + sex + age"))
    patients.loc[4, "age"] = np.nan
    patients["group"] = patients["group"].astype("category")
    typed, text = build_cohort(patients, analysis), build_cohort(as_text(patients), analysis)
    assert typed.fingerprint == text.fingerprint
    assert typed.dropped == text.dropped


@pytest.mark.parametrize("gap", ["", "NA", "N/A", "NaN", "nan", "NULL", "null", ".", "  ", " NA ", None, np.nan, pd.NA, pd.NaT])
def test_every_way_to_write_a_gap_is_a_gap(gap: object, patients: pd.DataFrame, analysis_text) -> None:
    """Empty cells and the missing values of R, SAS and pandas are gaps, whatever the column."""
    frame = patients.astype(object)
    frame.loc[2, "group"], frame.loc[6, "age"] = gap, gap
    cohort = build_cohort(frame, parse_analysis(analysis_text("group + age")))
    assert [(item.reason, item.rows) for item in cohort.dropped] == [("group is missing", (3,)), ("age is missing", (7,))]
    assert len(cohort) == 58
    assert 3 not in cohort.row_numbers


def test_a_row_is_dropped_for_one_reason(patients: pd.DataFrame, analysis_text) -> None:
    """A row with two gaps is counted under the first; one with no time at risk, under that."""
    frame = patients.astype(object)
    frame.loc[0, "time"] = 0
    frame.loc[[0, 1], "group"] = None
    frame.loc[[0, 1, 2], "age"] = None
    cohort = build_cohort(frame, parse_analysis(analysis_text("group + age", 'zero_times = "drop"')))
    assert [item.rows for item in cohort.dropped] == [(1,), (2,), (3,)]
    assert len(cohort) + sum(len(item.rows) for item in cohort.dropped) == cohort.rows_read


def test_gaps_outside_the_formula_drop_nobody(patients: pd.DataFrame, analysis_text) -> None:
    """Complete cases are complete in the analysed columns only."""
    patients["dose"] = np.nan
    assert len(build_cohort(patients, parse_analysis(analysis_text("age")))) == 60


def test_missing_level_keeps_the_row(patients: pd.DataFrame, analysis_text) -> None:
    """Under missing = "level" a gap in a group is the level `unknown`; a gap in a continuous covariate drops the row."""
    frame = patients.astype(object)
    frame.loc[[0, 1], "group"] = None
    frame.loc[2, "age"] = None
    cohort = build_cohort(frame, parse_analysis(analysis_text("group + age", model='missing = "level"')))
    assert cohort.covariates["group"].tolist()[:2] == ["unknown", "unknown"]
    assert [item.rows for item in cohort.dropped] == [(3,)]


def test_a_variable_may_override_the_rule_for_gaps(patients: pd.DataFrame, analysis_text) -> None:
    """[variables.x] missing wins over [model] missing."""
    frame = patients.astype(object)
    frame.loc[0, "group"], frame.loc[1, "sex"] = None, None
    text = analysis_text("group + sex", model='missing = "level"', rest='[variables.sex]\nmissing = "drop"')
    cohort = build_cohort(frame, parse_analysis(text))
    assert [(item.reason, item.rows) for item in cohort.dropped] == [("sex is missing", (2,))]


@pytest.mark.parametrize(("unit", "days"), [("days", 1.0), ("weeks", 7.0), ("months", 30.4375), ("years", 365.25)])
def test_half_day_is_half_a_day_in_every_unit(unit: str, days: float, patients: pd.DataFrame, analysis_text) -> None:
    """zero_times = "half-day" moves an exit at entry by half a day, and nothing else."""
    patients["entry"] = 0.0
    patients.loc[3, "time"] = 0.0
    patients.loc[5, ["entry", "time"]] = 8.0
    text = analysis_text(endpoint='zero_times = "half-day"\nentry = "entry"').replace('"months"', f'"{unit}"')
    cohort = build_cohort(patients, parse_analysis(text))
    assert cohort.time[3] == pytest.approx(0.5 / days)
    assert cohort.time[5] == pytest.approx(8.0 + 0.5 / days)
    assert cohort.dropped == ()
    assert np.delete(cohort.time, [3, 5]).tolist() == patients["time"].drop([3, 5]).tolist()


def test_event_codes(patients: pd.DataFrame, analysis_text) -> None:
    """0/1, as numbers or text, and booleans are one coding of the event."""
    analysis = parse_analysis(analysis_text())
    expected = build_cohort(patients, analysis).event
    for recoded in (
        patients["event"].astype(bool),
        patients["event"].astype(float),
        patients["event"].map({0: "0", 1: "1.0"}),
        patients["event"].map({0: "FALSE", 1: "TRUE"}),
    ):
        np.testing.assert_array_equal(build_cohort(patients.assign(event=recoded), analysis).event, expected)


def test_delayed_entry_and_weights(patients: pd.DataFrame, analysis_text) -> None:
    """The named columns become entry and weight, and person-time and events count them."""
    frame = patients.assign(first=patients["time"] / 2, count=np.resize([1, 3], 60))
    cohort = build_cohort(frame, parse_analysis(analysis_text(endpoint='entry = "first"\nweight = "count"')))
    assert cohort.has_delayed_entry
    assert cohort.patients == 120
    assert cohort.events == (frame["event"] * frame["count"]).sum()
    assert cohort.person_time == pytest.approx((frame["count"] * frame["time"] / 2).sum())


def test_spells_of_one_subject_are_taken_and_said(patients: pd.DataFrame, analysis_text) -> None:
    """Rows declared as spells of one subject may share an id, and the cohort notes how many subjects there are."""
    frame = patients.assign(who=np.repeat(np.arange(30), 2), start=0.0)
    frame.loc[1, ["start", "time"]] = frame.loc[0, "time"], frame.loc[0, "time"] + 5.0
    frame = frame.drop(index=[*range(3, 60, 2)])
    cohort = build_cohort(frame, parse_analysis(analysis_text(endpoint='id = "who"\nentry = "start"')))
    assert cohort.id is not None
    assert cohort.id.tolist()[:3] == ["0", "0", "1"]
    assert cohort.notes == ("31 rows are spells of 30 subjects, taken as independent given the covariates.",)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.5, 2.5, 3.5], "number"),
        (["1", "2", "3"], "number"),
        (["I", "II", "III"], "group"),
        ([True, False, True], "group"),
    ],
)
def test_numbers_are_continuous_and_texts_are_groups(
    values: list[object], kind: str, patients: pd.DataFrame, analysis_text
) -> None:
    """A column nobody declared is continuous when its values are numbers, and a group otherwise."""
    frame = patients.assign(stage=pd.Series(values * 20, dtype=object))
    covariate = build_cohort(frame, parse_analysis(analysis_text("stage"))).covariates["stage"]
    assert covariate.dtype == (np.float64 if kind == "number" else object)


def test_declared_levels_make_numbers_a_group(patients: pd.DataFrame, analysis_text) -> None:
    """Levels or a reference make a column of numbers a group, whether it comes as 1, 1.0 or "1"."""
    for values in ([1, 2, 3], [1.0, 2.0, 3.0], ["1", "2", "3"]):
        frame = patients.assign(stage=pd.Series(values * 20))
        for declared in ("levels = [1, 2, 3]", "reference = 2"):
            cohort = build_cohort(frame, parse_analysis(analysis_text("stage", rest=f"[variables.stage]\n{declared}")))
            assert cohort.covariates["stage"].tolist() == ["1", "2", "3"] * 20


def test_numbers_with_decimal_commas_are_not_groups(analysis_text) -> None:
    """A short column of decimal commas is refused as numbers, never taken for a group of a few levels."""
    frame = pd.DataFrame({"time": [1, 2, 3], "event": [1, 1, 1], "age": ["61,5", "62,5", "61,5"]})
    with pytest.raises(DataError, match=r"row 1, column 'age' is '61,5'.*decimals with a point"):
        build_cohort(frame, parse_analysis(analysis_text("age")))


def test_a_selection_keeps_the_record(patients: pd.DataFrame, analysis_text) -> None:
    """Selecting rows keeps their numbers in the table as read, and what was dropped before."""
    frame = patients.astype(object)
    frame.loc[0, "group"] = None
    cohort = build_cohort(frame, parse_analysis(analysis_text("group")))
    mask = cohort.mask({"group": ("b",)})
    part = cohort.select(mask)
    assert part.covariates["group"].unique().tolist() == ["b"]
    assert part.row_numbers.tolist() == cohort.row_numbers[mask].tolist()
    assert part.time.tolist() == cohort.time[mask].tolist()
    assert part.dropped == cohort.dropped
