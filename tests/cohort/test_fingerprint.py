"""The fingerprint stands for the analysed values in row order, and for nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.cohort import build_cohort, record
from bayes_rrmm.cohort.record import Cohort, _exact, _exact_texts
from bayes_rrmm.specification import parse_analysis


@pytest.fixture
def digest(analysis_text) -> Callable[[pd.DataFrame], str]:
    """The fingerprint of a table under one analysis."""
    analysis = parse_analysis(analysis_text("group + age", 'entry = "entry"\nweight = "weight"\nid = "id"'))
    return lambda frame: build_cohort(frame, analysis).fingerprint


@pytest.fixture
def table(patients: pd.DataFrame) -> pd.DataFrame:
    """The patients with entry, weight and id."""
    return patients.assign(entry=patients["time"] / 4, weight=1, id=[f"p{i}" for i in range(60)])


@pytest.mark.parametrize(
    ("column", "value"), [("time", 999.0), ("event", None), ("entry", 0.0), ("weight", 2), ("group", "a"), ("age", 62.000000001)]
)
def test_any_value_changes_it(column: str, value: object, table: pd.DataFrame, digest) -> None:
    """One value of one analysed column is enough."""
    changed = table.copy()
    changed.loc[17, column] = 1 - table.loc[17, column] if value is None else value
    assert changed.loc[17, column] != table.loc[17, column]
    assert digest(changed) != digest(table)


def test_the_order_of_rows_changes_it(table: pd.DataFrame, digest) -> None:
    """Results of rows are by position: another order is another fingerprint."""
    assert digest(table.iloc[::-1]) != digest(table)


def test_what_is_not_analysed_does_not_change_it(table: pd.DataFrame, digest) -> None:
    """Columns outside the analysis, identifiers, the order of columns and the frame's index are not in it."""
    other = table.assign(dose=0.0, note="x", id=[f"q{i}" for i in range(60)])[[*reversed(table.columns)]]
    other.index = pd.Index(range(100, 160))
    assert digest(other) == digest(table)


def test_values_do_not_run_together(table: pd.DataFrame, digest) -> None:
    """Moving characters from one cell to the next gives another fingerprint."""
    first, second = table.copy(), table.copy()
    first.loc[[0, 1], "group"] = ["ab", "c"]
    second.loc[[0, 1], "group"] = ["a", "bc"]
    assert digest(first) != digest(second)


def test_the_analysed_columns_carry_it(table: pd.DataFrame, analysis_text) -> None:
    """The columns written to a run folder are enough to make the cohort, and its fingerprint, again."""
    analysis = parse_analysis(analysis_text("group + age", 'entry = "entry"\nweight = "weight"\nid = "id"'))
    cohort = build_cohort(table, analysis)
    written = cohort.to_frame()
    assert list(written.columns) == ["time", "event", "entry", "weight", "group", "age"]
    assert Cohort.from_analysed(written, analysis.endpoint, "rows").fingerprint == cohort.fingerprint
    assert build_cohort(
        written, parse_analysis(analysis_text("group + age", 'entry = "entry"\nweight = "weight"'))
    ).fingerprint == (cohort.fingerprint)


def test_its_value_is_the_one_of_saved_runs(analysis_text) -> None:
    """The value of a small table, floats, whole numbers, text and a gap among them, is what it was when runs were first saved."""
    rows = pd.DataFrame(
        {
            "time": [1.5, 2.0, 30.1, 4.25],
            "event": [1, 0, 1, 1],
            "group": ["a", "b", "a", "c"],
            "age": [60.1, 55.0, 71.3, 48.9],
            "entry": [0.5, 0.0, 1.0, 0.1],
            "weight": [1, 2, 1, 1],
            "id": ["w", "x", "y", "z"],
        }
    )
    analysis = parse_analysis(analysis_text("group + age", 'entry = "entry"\nweight = "weight"\nid = "id"'))
    cohort = build_cohort(rows, analysis)
    assert cohort.fingerprint == "8ffb577297d703c2412d94367d5f0a4270368b2d0bb67e4359cebc17cda7a7fa"
    gaps = replace(cohort, covariates=cohort.covariates.assign(group=["a", None, "é", "c"], dose=[1, 2**60 + 1, -3, 0]))
    assert gaps.fingerprint == "013b7f81530acf7107381850333a943726285d54ebf52b01472047dac21ceb7f"


def test_whole_columns_are_written_as_each_of_their_values() -> None:
    """A column at a time gives the text of every value one by one, whatever the column's type."""
    columns: list[list[object] | pd.Series] = [
        [0.1, -0.0, math.nan, math.inf, 5e-324], [1, -2, 2**60 + 1], [True, False], ["a", "", "é", "a"], ["a", None, 1, 2.5, True],
        pd.Series([0.1, 1 / 3], dtype="float32"), pd.Series(["a", "b", None], dtype="category"),
        pd.Series(["a", None], dtype="string"),
    ]  # fmt: skip
    for values in columns:
        column = pd.Series(values)
        assert _exact_texts(column) == [_exact(value) for value in column]
    assert _exact_texts(pd.Series([], dtype=float)) == []


def test_columns_of_numbers_and_of_text_are_not_read_value_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dossier takes hundreds of fingerprints: what looks at one value is called for mixed columns alone."""
    calls: list[object] = []
    monkeypatch.setattr(record, "_exact", lambda value: calls.append(value) or str(value))
    assert len(_exact_texts(pd.Series(np.arange(5000.0)))) == 5000
    assert _exact_texts(pd.Series(["a", None, "b"])) == ["a", "", "b"]
    assert calls == []
    _exact_texts(pd.Series(["a", 1.0], dtype=object))
    assert calls == ["a", 1.0]
