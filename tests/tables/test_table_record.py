"""A table is its cells: as a data frame, as a file of each kind and on a terminal; and it carries the mark of a failed fit."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from docx import Document

from bayes_rrmm.errors import FitError
from bayes_rrmm.results import Results
from bayes_rrmm.tables import TABLES, Line, Printed, Table

MARK = "DIAGNOSTICS FAILED: r_hat of log_shape"


def small(mark: str = "") -> Table:
    lines = (
        Line.heading("Ratio"),
        Line(("a / b", "0.50"), 1),
        Line(("Firth", "0.48"), 2),
        Line(("c / b", "0.90"), 1),
        Line(("n", "9")),
    )
    return Table("small", "A small table", ("Quantity", "Number"), lines, "lr", ("A note.",), mark)


def test_the_frame_names_every_row_whole() -> None:
    """A row stands beside its heading, and one below another is named by both."""
    frame = small().to_dataframe()
    assert frame.columns.tolist() == ["heading", "Quantity", "Number"]
    assert frame["Quantity"].tolist() == ["a / b", "a / b: Firth", "c / b", "n"]
    assert set(frame["heading"]) == {"Ratio"}
    plain = Table("plain", "Plain", ("x", "y"), (Line(("1", "2")),), "lr")
    assert plain.to_dataframe().to_dict("records") == [{"x": "1", "y": "2"}]


def test_a_line_has_a_cell_a_head() -> None:
    """A line or an alignment of another length is refused, by the name of the table."""
    with pytest.raises(FitError, match="'odd': every line needs 2 cells"):
        Table("odd", "Odd", ("x", "y"), (Line(("1",)),), "lr")
    with pytest.raises(FitError, match="and so does the alignment"):
        Table("odd", "Odd", ("x", "y"), (Line(("1", "2")),), "l")


def test_a_csv_stays_a_table(tmp_path: Path) -> None:
    """The file holds the frame alone, and the mark of a failed fit is a column of it."""
    small(MARK).save(tmp_path / "small.csv")
    read = pd.read_csv(tmp_path / "small.csv", dtype=str)
    pd.testing.assert_frame_equal(read, small(MARK).to_dataframe(), check_dtype=False)
    assert read.columns[0] == "mark"
    assert set(read["mark"]) == {MARK}
    assert "mark" not in small().to_dataframe()


def test_a_table_is_saved_by_its_suffix(tmp_path: Path) -> None:
    """Each format is written as the name ends; another ending, or a folder that is not there, is refused in words."""
    for suffix in (".csv", ".tex", ".html", ".docx"):
        small().save(tmp_path / f"small{suffix}")
    assert (tmp_path / "small.tex").read_text() == small().to_latex()
    assert small().to_html() in (tmp_path / "small.html").read_text()
    assert (tmp_path / "small.html").read_text().startswith("<!doctype html>")
    with pytest.raises(FitError, match=r"end its name in \.csv, \.tex, \.html, \.docx"):
        small().save(tmp_path / "small.xlsx")
    for suffix in (".csv", ".docx"):
        with pytest.raises(FitError, match="cannot be written"):
            small().save(tmp_path / "nowhere" / f"small{suffix}")


def test_on_a_terminal_columns_line_up() -> None:
    """Numbers are right-aligned below their head, headings and notes are there, the mark comes first."""
    lines = str(small(MARK)).splitlines()
    assert lines[:2] == [MARK, "A small table"]
    assert lines[3] == "Quantity   Number"
    assert lines[5:8] == ["Ratio", "  a / b      0.50", "    Firth    0.48"]
    assert lines[-1] == "A note."
    assert small()._repr_html_() == small().to_html()


@pytest.mark.parametrize("printed", TABLES, ids=lambda printed: printed.name)
def test_every_table_of_a_failed_fit_is_marked(printed: Printed, failed: Results, results: Results, tmp_path: Path) -> None:
    """All four formats of every table say that the fit failed; those of a fit that passed do not."""
    table = printed.make(failed)
    for made, expected in ((table, True), (printed.make(results), False)):
        for suffix in (".csv", ".tex", ".html", ".docx"):
            made.save(tmp_path / f"table{suffix}")
        texts = [(tmp_path / f"table{suffix}").read_text() for suffix in (".csv", ".html")]
        texts.append((tmp_path / "table.tex").read_text().replace(r"\_", "_"))
        texts.append("\n".join(paragraph.text for paragraph in Document(str(tmp_path / "table.docx")).paragraphs))
        assert [MARK in text for text in texts] == [expected] * 4
    assert printed.applies(results)
    assert table.name == printed.name
