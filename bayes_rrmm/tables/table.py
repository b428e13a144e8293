"""What a table for print is: heads, lines of cells already rounded, notes, the mark of a failed fit; written in four formats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayes_rrmm.errors import FitError
from bayes_rrmm.tables.html import html_of, html_page
from bayes_rrmm.tables.latex import latex_of
from bayes_rrmm.tables.line import Line, widths_of
from bayes_rrmm.tables.word import write_word

SUFFIXES = (".csv", ".tex", ".html", ".docx")
"""What a table can be saved as."""


@dataclass(frozen=True, repr=False)
class Table:
    """A table for print. `name` is the stem of its file, `title` its caption; `heads` and `alignment` ("l" or "r") have one entry a
    column, the first column says what a line is about. `mark` is that of a failed fit, and stands first in every format.
    """

    name: str
    title: str
    heads: tuple[str, ...]
    lines: tuple[Line, ...]
    alignment: str
    notes: tuple[str, ...] = ()
    mark: str = ""

    def __post_init__(self) -> None:
        wrong = [line for line in self.lines if not line.is_heading and len(line.cells) != len(self.heads)]
        if wrong or len(self.alignment) != len(self.heads):
            raise FitError(f"table {self.name!r}: every line needs {len(self.heads)} cells, one a head, and so does the alignment.")

    def __repr__(self) -> str:
        return f"Table({self.name!r}: {len(self.lines)} lines of {len(self.heads)} columns)"

    def to_dataframe(self) -> pd.DataFrame:
        """The cells as shown, one row a line. Where there are headings, the column `heading` has that of each row; a line below
        another is named by both, as in `yes / no: Firth Cox`. Of a failed fit the first column, `mark`, has the mark."""
        rows = [[heading, name, *line.cells[1:]] for heading, name, line in self._named()]
        frame = pd.DataFrame(rows, columns=["heading", *self.heads], dtype=object)
        if not any(line.is_heading for line in self.lines):
            frame = frame.drop(columns="heading")
        if self.mark:
            frame.insert(0, "mark", self.mark)
        return frame

    def to_csv(self, path: str | Path) -> None:
        """Write `to_dataframe`, without title and notes, so that any program reads it as a table."""
        _write(path, self.to_dataframe().to_csv(index=False, lineterminator="\n"))

    def to_latex(self) -> str:
        """A booktabs table to \\input: its first line names the packages it needs, its label is `tab:` and the name."""
        return latex_of(self.name, self.title, self.heads, self.lines, self.alignment, self.notes, self.mark)

    def to_html(self) -> str:
        """A <table> with caption, heads and notes, for a page that brings its own style; every text escaped."""
        return html_of(self.name, self.title, self.heads, self.lines, self.alignment, self.notes, self.mark)

    def to_word(self, path: str | Path) -> None:
        """Write a Word document of this table. Raises FitError where python-docx, the extra `word`, is not installed."""
        write_word(path, self.title, self.heads, self.lines, self.alignment, self.notes, self.mark)

    def save(self, path: str | Path) -> None:
        """Write the table by the path's suffix: .csv, .tex, .html (a page of its own) or .docx. Raises FitError for another."""
        suffix = Path(path).suffix.lower()
        if suffix == ".csv":
            self.to_csv(path)
        elif suffix == ".tex":
            _write(path, self.to_latex())
        elif suffix == ".html":
            _write(path, html_page(self.title, self.to_html()))
        elif suffix == ".docx":
            self.to_word(path)
        else:
            raise FitError(f"{path}: a table is saved as CSV, LaTeX, HTML or Word; end its name in {', '.join(SUFFIXES)}.")

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        widths = widths_of(self.heads, self.lines, words=False)
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        body = [line.cells[0] if line.is_heading else self._padded(line.shown, widths) for line in self.lines]
        head = [*([self.mark] if self.mark else []), self.title, rule, self._padded(self.heads, widths), rule]
        return "\n".join([*head, *body, rule, *self.notes])

    def _padded(self, cells: tuple[str, ...], widths: list[int]) -> str:
        sides = zip(cells, widths, self.alignment, strict=True)
        return "  ".join(cell.rjust(width) if side == "r" else cell.ljust(width) for cell, width, side in sides).rstrip()

    def _named(self) -> Iterator[tuple[str, str, Line]]:
        """Every line that is no heading, with the heading it stands under and its name: its own, after those it is below."""
        heading, above = "", list[Line]()
        for line in self.lines:
            above = [] if line.is_heading else [*(other for other in above if other.indent < line.indent), line]
            heading = line.cells[0] if line.is_heading else heading
            if not line.is_heading:
                yield heading, ": ".join(other.cells[0] for other in above), line


def _write(path: str | Path, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FitError(f"{path}: cannot be written ({error.strerror}); choose another place.") from None
