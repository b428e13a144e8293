"""Table 1 counts patients: every number equals the table of patients counted by hand, gaps, weights and spells included."""

from __future__ import annotations

import dataclasses

import fits
import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import kaplan_meier
from bayes_rrmm.results import Results
from bayes_rrmm.tables import baseline, baseline_data


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """Sixty rows with weights: a group with gaps that are marginalised, ages with gaps that leave their rows out, other columns."""
    rng = np.random.default_rng(62)
    rows = 60
    frame = pd.DataFrame({"patient": [f"p{i}" for i in range(rows)], "time": np.round(rng.exponential(14.0, rows) + 0.1, 2)})
    frame = frame.assign(event=rng.integers(0, 2, rows), count=rng.integers(1, 4, rows), sex=np.resize(["f", "m"], rows))
    frame = frame.assign(
        arm=np.resize(["a", "b", "b"], rows), age=np.round(rng.normal(62, 9, rows), 1), iss=np.resize([1, 2, 3], rows)
    )
    frame = frame.assign(high=np.resize([0, 1, 1, 0], rows).astype(float))
    frame.loc[::7, "arm"] = None
    frame.loc[[4, 11], "age"] = np.nan
    frame.loc[::9, "high"] = np.nan
    frame.loc[::5, "sex"] = None
    return frame


@pytest.fixture(scope="module")
def weighted(data: pd.DataFrame) -> Fit:
    rules = '[variables.arm]\nmissing = "marginalise"\nlevels = ["a", "b"]\nreference = "a"\n[variables.age]\nmissing = "drop"'
    cohort, plan = fits.cohort_and_plan(data, "arm + age", endpoint='weight = "count"', rest=rules)
    return fits.prior_fit(plan, cohort, size=40)


def kept(data: pd.DataFrame) -> pd.DataFrame:
    """The analysed patients, one row each."""
    known = data[data["age"].notna()]
    return known.loc[known.index.repeat(known["count"])]


def cell(table: pd.DataFrame, characteristic: str, level: str = "", group: str = "") -> pd.Series:
    keep = (table["characteristic"] == characteristic) & (table["level"] == level) & (table["group"] == group)
    (row,) = (row for _, row in table[keep].iterrows())
    return row


def test_patients_are_counted_by_weight(data: pd.DataFrame, weighted: Fit) -> None:
    """n of everyone, of each group and of those whose group is not known add up to the patients that the weights stand for."""
    table, people = baseline_data(weighted), kept(data)
    assert table["group"].unique().tolist() == ["", "a", "b", "(unknown)"]
    expected = [len(people), *(int((people["arm"] == arm).sum()) for arm in "ab"), int(people["arm"].isna().sum())]
    assert [cell(table, "(patients)", group=group)["n"] for group in table["group"].unique()] == expected
    assert baseline(weighted).heads == ("Characteristic", "All", "a", "b", "Unknown")
    assert baseline(weighted).lines[0].cells == ("Patients", *map(str, expected))


def test_numbers_are_those_of_the_people(data: pd.DataFrame, weighted: Fit) -> None:
    """Median, quartiles, mean and sd of age, in all and in a group, equal pandas' of the table repeated by its weights."""
    table, people = baseline_data(weighted), kept(data)
    for group, of in (("", people), ("a", people[people["arm"] == "a"])):
        row, ages = cell(table, "age", group=group), of["age"]
        np.testing.assert_allclose(row[["q1", "median", "q3"]].astype(float), ages.quantile([0.25, 0.5, 0.75]))
        np.testing.assert_allclose([row["mean"], row["sd"]], [ages.mean(), ages.std()])
    shown = baseline(weighted).to_dataframe().set_index(["heading", "Characteristic"])
    ages = people["age"]
    low, middle, high = ages.quantile([0.25, 0.5, 0.75])
    assert shown.loc[("age", "Median (quartiles)"), "All"] == f"{middle:.1f} ({low:.1f} to {high:.1f})"
    assert shown.loc[("age", "Mean (sd)"), "All"] == f"{ages.mean():.1f} ({ages.std():.1f})"


def test_other_columns_and_their_gaps(data: pd.DataFrame, weighted: Fit) -> None:
    """Columns of the data are matched by row: percentages are of those known, gaps are counted; 0 and 1 are levels."""
    columns = ["sex", "iss", "high"]
    table, people = baseline_data(weighted, data=data, columns=columns), kept(data)
    for group, of in (("", people), ("b", people[people["arm"] == "b"])):
        for name, levels in (("sex", {"f": "f", "m": "m"}), ("high", {"0": 0.0, "1": 1.0})):
            for level, value in levels.items():
                row = cell(table, name, level, group)
                assert row["n"] == (of[name] == value).sum()
                assert row["missing"] == of[name].isna().sum()
                assert row["percent"] == pytest.approx(100 * (of[name] == value).sum() / of[name].notna().sum())
        assert cell(table, "iss", group=group)["mean"] == pytest.approx(of["iss"].mean())
    shown = baseline(weighted, data=data, columns=columns).to_dataframe()
    (missing,) = shown[(shown["heading"] == "sex, n (%)") & (shown["Characteristic"] == "Missing, n")]["All"]
    assert missing == str(people["sex"].isna().sum())
    assert not ((shown["heading"] == "iss") & (shown["Characteristic"] == "Missing, n")).any()
    share = 100 * (people["sex"] == "f").sum() / people["sex"].notna().sum()
    (women,) = shown[(shown["heading"] == "sex, n (%)") & (shown["Characteristic"] == "f")]["All"]
    assert women == f"{(people['sex'] == 'f').sum()} ({share:.1f})"


def test_events_time_at_risk_and_follow_up(data: pd.DataFrame, weighted: Fit) -> None:
    """Events, their share, time at risk and the median of the reversed Kaplan-Meier curve are those of each group."""
    table, people = baseline_data(weighted), kept(data)
    for group, of in (("", people), ("b", people[people["arm"] == "b"])):
        events = cell(table, "(events)", group=group)
        assert (events["n"], events["total"]) == (of["event"].sum(), of["event"].sum())
        assert events["percent"] == pytest.approx(100 * of["event"].mean())
        assert cell(table, "(person-time)", group=group)["total"] == pytest.approx(of["time"].sum())
        median, lower, upper = kaplan_meier(of["time"], 1 - of["event"]).median()
        row = cell(table, "(follow-up)", group=group)
        np.testing.assert_array_equal(row[["median", "lower", "upper"]].astype(float), [median, lower, upper])


def test_rows_left_out_are_told(weighted: Fit, data: pd.DataFrame) -> None:
    """The notes say how many rows were read and analysed, what they stand for, and why the others were left out; no p value."""
    notes = baseline(weighted).notes
    assert notes[0] == f"58 rows analysed of 60 read, which stand for {len(kept(data))} patients; 2 left out: age is missing."
    assert any(note.startswith("No p values") and "STROBE" in note for note in notes)


def test_no_row_of_a_patient_is_shown(weighted: Fit, data: pd.DataFrame) -> None:
    """A column that tells patients apart is refused, as is one that is not there, and a table of other patients."""
    with pytest.raises(DataError, match="'patient' has 58 different texts"):
        baseline(weighted, data=data, columns=["patient"])
    with pytest.raises(DataError, match="did you mean 'high'"):
        baseline(weighted, data=data, columns=["hihg"])
    with pytest.raises(DataError, match="give data="):
        baseline(weighted, columns=["sex"])
    with pytest.raises(DataError, match="not the rows the fit was made from"):
        baseline(weighted, data=data.assign(time=data["time"] + 1), columns=["sex"])
    with pytest.raises(DataError, match="by = 'age' is no group"):
        baseline(weighted, by="age")
    with pytest.raises(FitError, match="needs the analysed rows"):
        baseline(dataclasses.replace(weighted, cohort=None))


def test_by_another_column(weighted: Fit, data: pd.DataFrame) -> None:
    """`by` may be a column of the data; the formula's group is then a characteristic like others, its gaps counted."""
    table, people = baseline_data(weighted, by="sex", data=data, columns=["sex"]), kept(data)
    women = people[people["sex"] == "f"]
    assert cell(table, "arm", "a", "f")["n"] == (women["arm"] == "a").sum()
    assert cell(table, "arm", "a", "f")["missing"] == women["arm"].isna().sum()
    assert cell(table, "(patients)", group="(unknown)")["n"] == people["sex"].isna().sum()


def test_spells_of_a_patient_count_once() -> None:
    """A patient with two spells is one, described by the first; events, time at risk and follow-up are of all spells."""
    copies = 4
    one = pd.DataFrame({"patient": list("abcdefgh"), "start": 0.0, "time": [4, 5, 6, 7, 8, 9, 10, 11], "arm": list("xxyyxxyy")})
    one = one.assign(event=[1, 1, 0, 0, 1, 0, 0, 1])
    first = pd.concat([one.assign(patient=one["patient"] + str(copy)) for copy in range(copies)], ignore_index=True)
    moved = first[first["patient"].str[0].isin(["c", "d"])]
    ends = {"c": 12, "d": 15}
    second = moved.assign(start=moved["time"], time=moved["patient"].str[0].map(ends), event=moved["patient"].str[0].eq("c") * 1)
    second = second.assign(arm=moved["patient"].str[0].map({"c": "x", "d": "y"}))
    frame = pd.concat([second, first], ignore_index=True)
    cohort, plan = fits.cohort_and_plan(frame, "arm", endpoint='entry = "start"\nid = "patient"')
    fit = fits.prior_fit(plan, cohort, size=40)
    table = baseline_data(fit)
    assert [cell(table, "(patients)", group=group)["n"] for group in ("", "x", "y")] == [8 * copies, 4 * copies, 4 * copies]
    assert cell(table, "(events)")["n"] == 5 * copies
    assert cell(table, "(events)", group="y")["n"] == 2 * copies
    assert cell(table, "(person-time)")["total"] == (4 + 5 + 12 + 15 + 8 + 9 + 10 + 11) * copies
    last = pd.concat([first[~first["patient"].isin(moved["patient"])], second])
    for group, arms in (("", "xy"), ("y", "y")):
        of = last[last["patient"].map(first.set_index("patient")["arm"]).isin(list(arms))]
        assert cell(table, "(follow-up)", group=group)["median"] == kaplan_meier(of["time"], 1 - of["event"]).median()[0]
    notes = baseline(fit).notes
    assert notes[0] == f"{10 * copies} rows analysed of {10 * copies} read, spells of {8 * copies} patients; none left out."
    assert any("later spells differ in arm" in note for note in notes)


def test_everyone_where_there_is_no_group() -> None:
    """A model without covariates has one column, of everyone."""
    frame = pd.DataFrame({"time": np.arange(1.0, 13.0), "event": [1, 0, 1] * 4})
    cohort, plan = fits.cohort_and_plan(frame, "1")
    table = baseline(fits.prior_fit(plan, cohort, size=40))
    assert table.heads == ("Characteristic", "All")
    assert table.lines[1].cells == ("OS event, n (%)", "8 (66.7)")


def test_the_shown_table_is_of_the_formula_s_group(results: Results) -> None:
    """By default the columns are the levels of the formula's first group, in its order, which is no row of the table."""
    table = baseline(results)
    assert table.heads[2:] == results.fit.plan.encoding.groups[0].levels
    assert not any(line.is_heading and line.cells[0].startswith("group") for line in table.lines)
    assert table.lines[0].cells[2:] == tuple(f"{count:g}" for count in results.fit.plan.encoding.groups[0].counts)
