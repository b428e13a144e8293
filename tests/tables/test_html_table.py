"""A table in HTML is well formed and says what is a head: of a column, of a row, of a group of rows."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from bayes_rrmm.results import Results
from bayes_rrmm.tables import TABLES, Printed, Table


class Reader(HTMLParser):
    """Follows the elements, and collects the cells of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[tuple[str, str | None, str]]] = []
        self.caption = self.foot = ""
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append((tag, dict(attrs).get("scope"), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "caption" in self.open:
            self.caption += data
        elif "tfoot" in self.open:
            self.foot += data
        elif self.open and self.open[-1] in ("td", "th"):
            tag, scope, text = self.rows[-1][-1]
            self.rows[-1][-1] = (tag, scope, text + data)


def read(table: Table) -> Reader:
    reader = Reader()
    reader.feed(table.to_html())
    reader.close()
    assert not reader.open
    return reader


@pytest.mark.parametrize("printed", TABLES, ids=lambda printed: printed.name)
def test_every_cell_is_there(printed: Printed, failed: Results) -> None:
    """Caption, heads, cells and notes are those of the table, each head says what it is the head of, and nothing brings a style."""
    table = printed.make(failed)
    reader = read(table)
    assert reader.caption == table.mark + table.title
    assert reader.foot == "".join(table.notes)
    assert reader.rows[0] == [("th", "col", head) for head in table.heads]
    for row, line in zip(reader.rows[1:], table.lines, strict=False):
        if line.is_heading:
            assert row == [("th", "rowgroup", line.cells[0])]
        else:
            assert row == [("th", "row", line.cells[0]), *(("td", None, cell) for cell in line.cells[1:])]
    assert reader.attributes <= {"class", "id", "scope", "colspan"}


def test_texts_are_escaped(results: Results) -> None:
    """A level called A&B_50% <x> is text, and opens no element."""
    html = TABLES[0].make(results).to_html()
    assert "A&amp;B_50% &lt;x&gt;" in html
    assert "<x>" not in html
