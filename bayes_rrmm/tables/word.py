"""A table as a Word document: caption above, three lines, heads repeated on every page, notes below. Sole user of python-docx."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bayes_rrmm.errors import FitError
from bayes_rrmm.tables.line import Line, widths_of

WIDE = 88
"""Letters from which a page lies on its side."""
RED = (0xB0, 0x00, 0x20)
MARGIN, SHORT, LONG_SIDE = 2.0, 21.0, 29.7
"""Centimetres of A4."""
SIZE, SMALLEST, FULL, TWIP = 9.0, 6.0, 125, 635
"""Points of the text, the fewest of a table's, the letters that fill a page at its full size, and the unit Word keeps widths in."""


def write_word(
    path: str | Path, title: str, heads: Sequence[str], lines: Sequence[Line], alignment: str, notes: Sequence[str], mark: str
) -> None:
    """Write the table to a .docx file. Raises FitError where python-docx is not installed, or the file cannot be written."""
    document = _document(title, sum(widths_of(heads, lines)) > WIDE)
    if mark:
        _paragraph(document, mark, bold=True, color=RED, with_next=True)
    _paragraph(document, title, bold=True, with_next=True)
    table = document.add_table(rows=1 + len(lines), cols=len(heads))
    table.autofit = False
    size = max(SMALLEST, min(SIZE, round(2 * SIZE * FULL / sum(widths_of(heads, lines))) / 2))
    for place, head in enumerate(heads):
        _fill(table.rows[0].cells[place], head, alignment[place], size, bold=True)
    _row_property(table.rows[0], "w:tblHeader")
    for row, line in zip(list(table.rows)[1:], lines, strict=True):
        _line(row, line, alignment, size)
    _set_widths(document, table, widths_of(heads, lines))
    _rules(table)
    for place, note in enumerate(notes):
        _paragraph(document, note, size=SIZE - 1, above=0 if place else 5)
    try:
        document.save(str(path))
    except OSError as error:
        raise FitError(f"{path}: cannot be written ({error.strerror}); choose another place.") from None


def _document(title: str, wide: bool) -> Any:
    try:
        from docx import Document  # noqa: PLC0415  # the extra `word`: a table needs it only to be written as .docx
        from docx.enum.section import WD_ORIENT  # noqa: PLC0415
        from docx.shared import Cm, Pt  # noqa: PLC0415
    except ImportError:
        message = 'writing Word needs python-docx: `pip install "bayes-rrmm[word]"`, or save the table as .html, which Word opens.'
        raise FitError(message) from None
    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = (Cm(LONG_SIDE), Cm(SHORT)) if wide else (Cm(SHORT), Cm(LONG_SIDE))
    section.orientation = WD_ORIENT.LANDSCAPE if wide else WD_ORIENT.PORTRAIT
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(MARGIN)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Arial", Pt(SIZE)
    document.core_properties.title = title
    document.core_properties.author = document.core_properties.comments = ""
    return document


def _paragraph(
    document: Any,
    text: str,
    *,
    bold: bool = False,
    color: tuple[int, ...] = (),
    size: float = SIZE,
    with_next: bool = False,
    above: float = 0,
) -> None:
    from docx.shared import Pt, RGBColor  # noqa: PLC0415

    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Pt(above), Pt(3)
    paragraph.paragraph_format.keep_with_next = with_next
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(size)
    if color:
        run.font.color.rgb = RGBColor(*color)


def _line(row: Any, line: Line, alignment: str, size: float) -> None:
    _row_property(row, "w:cantSplit")
    cells = row.cells
    if line.is_heading:
        _fill(cells[0].merge(cells[-1]), line.cells[0], "l", size, italic=True, with_next=True, above=4)
        return
    for place, text in enumerate(line.cells):
        _fill(cells[place], text, alignment[place], size, indent=line.indent if place == 0 else 0)


def _fill(
    cell: Any,
    text: str,
    side: str,
    size: float,
    *,
    bold: bool = False,
    italic: bool = False,
    indent: int = 0,
    with_next: bool = False,
    above: float = 1,
) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH  # noqa: PLC0415
    from docx.shared import Cm, Pt  # noqa: PLC0415

    paragraph = cell.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if side == "r" else WD_ALIGN_PARAGRAPH.LEFT
    form = paragraph.paragraph_format
    form.space_before, form.space_after, form.keep_with_next = Pt(above), Pt(1), with_next
    form.left_indent = Cm(0.35 * indent)
    run = paragraph.add_run(text)
    run.bold, run.italic, run.font.size = bold, italic, Pt(size)


def _row_property(row: Any, name: str) -> None:
    from docx.oxml import OxmlElement  # noqa: PLC0415

    row._tr.get_or_add_trPr().append(OxmlElement(name))  # python-docx has no name for it


def _set_widths(document: Any, table: Any, letters: list[int]) -> None:
    """Columns in proportion to their letters: as wide as those, or as the page where they are more."""
    from docx.shared import Cm, Emu  # noqa: PLC0415

    section = document.sections[0]
    page = section.page_width - section.left_margin - section.right_margin
    total = min(page, Cm(0.19 * sum(letters) + 0.4 * len(letters)))
    shares = [width + 2 for width in letters]
    for column, share in zip(table.columns, shares, strict=True):
        column.width = Emu(int(total * share / sum(shares) / TWIP) * TWIP)
    widths = [column.width for column in table.columns]
    for row in table.rows:
        for cell, width in zip(row._tr.tc_lst, widths, strict=False):  # a merged cell keeps the width of all
            cell.width = width if cell.grid_span == 1 else Emu(sum(widths))


def _rules(table: Any) -> None:
    """Lines above and below the table and below its head, and no others."""
    for cell in table.rows[0]._tr.tc_lst:
        _borders(cell, top=12, bottom=6)
    for cell in table.rows[-1]._tr.tc_lst if len(table.rows) > 1 else []:
        _borders(cell, bottom=12)


def _borders(cell: Any, **sizes: int) -> None:
    from docx.oxml import OxmlElement  # noqa: PLC0415
    from docx.oxml.ns import qn  # noqa: PLC0415

    borders = OxmlElement("w:tcBorders")
    for edge, size in sizes.items():
        line = OxmlElement(f"w:{edge}")
        for key, value in (("val", "single"), ("sz", str(size)), ("space", "0"), ("color", "000000")):
            line.set(qn(f"w:{key}"), value)
        borders.append(line)
    cell.get_or_add_tcPr().append(borders)
