"""A CSV's bytes as a table of text."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_rrmm.cohort.table import CHUNK, table_from_csv
from bayes_rrmm.errors import DataError


def read(text: str) -> list[list[str]]:
    """Header and rows of a CSV text."""
    frame = table_from_csv(text.encode(), "x.csv")
    return [list(frame.columns), *frame.to_numpy().tolist()]


def test_every_field_is_stripped_text() -> None:
    """Numbers stay as written, gaps become '', and spaces around names and values go."""
    assert read("time , event,group\n 1.50,1 , a b \n007,,NA\n") == [
        ["time", "event", "group"],
        ["1.50", "1", "a b"],
        ["007", "", "NA"],
    ]
    assert table_from_csv(b"a\n1\n", "x.csv")["a"].dtype == object


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", ["", "{0}", "{0}{0} {0}\t{0}"])
def test_line_endings_and_blank_lines_at_the_end(ending: str, end: str) -> None:
    """Unix, Windows and old Mac line endings are one, and blank lines at the end are no rows."""
    text = ending.join(["a,b", "1,2", "3,4"]) + end.format(ending)
    assert read(text) == [["a", "b"], ["1", "2"], ["3", "4"]]


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    """Excel's UTF-8 with a byte order mark reads as without."""
    assert list(table_from_csv("\ufefftime,event\n1,1\n".encode(), "x.csv").columns) == ["time", "event"]


def test_quoted_fields_hold_commas_quotes_and_line_breaks() -> None:
    """A field in double quotes is one field, whatever it holds."""
    assert read('a,b\n"x, y","say ""no"""\n"two\nlines", "spaced"\n') == [
        ["a", "b"],
        ["x, y", 'say "no"'],
        ["two\nlines", "spaced"],
    ]


def test_letters_of_any_alphabet() -> None:
    """UTF-8 text is kept as it is, in names and in values."""
    assert read("größe,治疗\nDonauwörth,达雷妥尤单抗\n") == [["größe", "治疗"], ["Donauwörth", "达雷妥尤单抗"]]


def test_one_column_is_a_table() -> None:
    """A single column has no separator, and semicolons are letters like any other where commas separate."""
    assert read("note\na;b\n") == [["note"], ["a;b"]]
    assert read("time,note; free\n1,a;b\n") == [["time", "note; free"], ["1", "a;b"]]


def test_a_header_alone_is_a_table_without_rows() -> None:
    """No rows are for the cohort to refuse, which knows what the rows are needed for."""
    assert read("a,b\n") == [["a", "b"]]


@pytest.mark.parametrize("row", [1, 3, CHUNK, CHUNK + 1, 2 * CHUNK + 7])
def test_a_ragged_row_is_named_wherever_it_stands(row: int) -> None:
    """The number of a row with a field too many counts from the first below the header, past any chunk."""
    lines = ["a,b", *["1,2"] * (2 * CHUNK + 10)]
    lines[row] = "1,2,3"
    with pytest.raises(
        DataError, match=rf"^x.csv: row {row} \(the first below the header is 1\) has 3 fields, and the header has 2;"
    ):
        read("\n".join(lines))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00\ufeff\r"), max_size=8), min_size=2, max_size=2),
        max_size=6,
    )
)
def test_what_a_csv_writer_writes_is_read_back(rows: list[list[str]]) -> None:
    """Whatever text a CSV writer puts into fields comes back, but for spaces around it, which are stripped."""
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([["first", "second"], *rows])
    expected = [["first", "second"], *([field.strip() for field in row] for row in rows)]
    assert read(written.getvalue()) == expected


def test_the_order_of_columns_and_rows_is_kept() -> None:
    """Across chunks too: the rows stand as in the file."""
    numbers = list(range(CHUNK + 3))
    frame = table_from_csv(("b,a\n" + "\n".join(f"{n},{-n}" for n in numbers)).encode(), "x.csv")
    pd.testing.assert_series_equal(frame["b"], pd.Series([str(n) for n in numbers], name="b", dtype=object))
    assert list(frame.columns) == ["b", "a"]
