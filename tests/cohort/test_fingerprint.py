"""The fingerprint stands for the analysed values in row order, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from bayes_rrmm.cohort import build_cohort
from bayes_rrmm.cohort.record import Cohort
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
