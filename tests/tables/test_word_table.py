"""A table in Word, opened again: its cells, its three lines, heads on every page, and the mark in red."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import RGBColor

from bayes_rrmm.errors import FitError
from bayes_rrmm.results import Results
from bayes_rrmm.tables import TABLES, Line, Printed, Table


@pytest.mark.parametrize("printed", TABLES, ids=lambda printed: printed.name)
def test_the_document_holds_the_table(printed: Printed, failed: Results, tmp_path: Path) -> None:
    """Mark, caption, cells and notes are those of the table, in this order; the mark is bold and red, and comes first."""
    table = printed.make(failed)
    table.save(tmp_path / "table.docx")
    document = Document(str(tmp_path / "table.docx"))
    assert [paragraph.text for paragraph in document.paragraphs] == [table.mark, table.title, *table.notes]
    (run,) = document.paragraphs[0].runs
    assert run.bold
    assert run.font.color.rgb == RGBColor(0xB0, 0x00, 0x20)
    (written,) = document.tables
    assert tuple(cell.text for cell in written.rows[0].cells) == table.heads
    for row, line in zip(list(written.rows)[1:], table.lines, strict=True):
        texts = tuple(cell.text for cell in row.cells)
        assert texts == (line.cells * len(table.heads) if line.is_heading else line.cells)
    order = [element.tag for element in document.element.body]
    assert order.index(qn("w:tbl")) == 2


def test_three_lines_and_heads_on_every_page(results: Results, tmp_path: Path) -> None:
    """There is a line above the head, one below it and one at the end, none between; the head is repeated, no row is torn."""
    table = TABLES[1].make(results)
    table.save(tmp_path / "table.docx")
    (written,) = Document(str(tmp_path / "table.docx")).tables
    edges = [[{e.tag for e in c.iter(qn("w:top"), qn("w:bottom"))} for c in row._tr.tc_lst] for row in written.rows]
    assert all(cell == {qn("w:top"), qn("w:bottom")} for cell in edges[0])
    assert all(cell == {qn("w:bottom")} for cell in edges[-1])
    assert not any(cell for row in edges[1:-1] for cell in row)
    assert [len(list(row._tr.iter(qn("w:tblHeader")))) for row in written.rows] == [1] + [0] * len(table.lines)
    assert all(len(list(row._tr.iter(qn("w:cantSplit")))) == 1 for row in list(written.rows)[1:])


def test_a_wide_table_lies_on_its_side(tmp_path: Path) -> None:
    """A table of more letters than a page is wide is written on a page in landscape, and fits its margins."""
    for columns, wide in ((3, False), (9, True)):
        cells = tuple("0.53 [0.23, 1.07]" for _ in range(columns))
        Table("t", "T", tuple(map(str, range(columns))), (Line(cells),), "r" * columns).save(tmp_path / "t.docx")
        document = Document(str(tmp_path / "t.docx"))
        section = document.sections[0]
        assert (section.page_width > section.page_height) == wide
        room = section.page_width - section.left_margin - section.right_margin
        assert sum(column.width for column in document.tables[0].columns) <= room


def test_without_python_docx_the_remedy_is_named(results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where python-docx is not installed, the error says which extra to install."""
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(FitError, match=r'pip install "bayes-rrmm\[word\]"'):
        TABLES[1].make(results).save(tmp_path / "table.docx")


def test_python_docx_is_not_imported_before_it_is_needed() -> None:
    """Importing the tables needs neither python-docx nor PyMC."""
    code = "import sys, bayes_rrmm.tables; sys.exit('docx' in sys.modules or 'pymc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.external
def test_libreoffice_prints_the_document(failed: Results, tmp_path: Path) -> None:
    """LibreOffice opens the document; its pages show mark, caption, heads and numbers."""
    table = TABLES[1].make(failed)
    table.save(tmp_path / "table.docx")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    convert = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(tmp_path / "table.docx")]
    subprocess.run(convert, check=True, capture_output=True)
    subprocess.run(["pdftoppm", "-r", "60", "-png", "table.pdf", "page"], cwd=tmp_path, check=True)
    assert list(tmp_path.glob("page*.png"))
    shown = subprocess.run(
        ["pdftotext", "-layout", "table.pdf", "-"], cwd=tmp_path, capture_output=True, check=True
    ).stdout.decode()
    for text in (table.mark, table.title, *table.heads[:3], table.lines[1].cells[1], table.lines[1].cells[2]):
        assert text in shown
