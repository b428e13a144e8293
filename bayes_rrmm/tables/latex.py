"""A table as LaTeX: booktabs, text escaped, columns as wide as they need and never wider than the page."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from bayes_rrmm.tables.latex_signs import ACCENTS, SIGNS, SPECIAL
from bayes_rrmm.tables.line import Line, widths_of

LONG, NARROW, WIDE = 32, 76, 104
"""Lines from which a table may break over pages; letters up to which columns have the width of their texts, and from which they are
smaller."""
EM = 0.56
"""Ems that a letter takes on average."""


def latex_of(
    name: str, title: str, heads: Sequence[str], lines: Sequence[Line], alignment: str, notes: Sequence[str], mark: str
) -> str:
    """The table as LaTeX, in a float, or as a longtable where it may need more than a page."""
    columns = _columns(heads, lines, alignment)
    head = " & ".join(map(escaped, heads)) + r" \\"
    body = [_row(line, len(heads), above) for line, above in zip(lines, [None, *lines], strict=False)]
    size = r"\footnotesize" if sum(widths_of(heads, lines)) <= WIDE else r"\scriptsize"
    below = _notes(notes)
    caption = rf"\caption[{{{escaped(title)}}}]{{{_mark(mark)}{escaped(title)}}}\label{{tab:{name}}}"
    needs = ["% Needs \\usepackage{array,booktabs,longtable}"]
    strange = sorted({letter for letter in "".join((title, mark, *notes, *heads, *_cells(lines))) if not _known(letter)})
    if strange:
        needs.append(f"% Compile with XeLaTeX or LuaLaTeX and a font that has: {' '.join(strange)}")
    if len(lines) > LONG:
        start = [
            rf"\begingroup{size}\setlength{{\tabcolsep}}{{4pt}}\setlength{{\LTcapwidth}}{{\linewidth}}",
            rf"\begin{{longtable}}{{{columns}}}",
            caption + r" \\",
        ]
        heading = [r"\toprule", head, r"\midrule", r"\endfirsthead", r"\toprule", head, r"\midrule", r"\endhead"]
        foot = [r"\bottomrule", r"\endfoot"]
        return "\n".join([*needs, *start, *heading, *foot, *body, r"\end{longtable}", *below, r"\endgroup", ""])
    start = [r"\begin{table}[htbp]", rf"\centering{size}\setlength{{\tabcolsep}}{{4pt}}", caption]
    frame = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]
    return "\n".join([*needs, *start, *frame, *below, r"\end{table}", ""])


def escaped(text: str) -> str:
    """The text as LaTeX prints it: commands taken as letters, accents and signs by their names."""
    apart = unicodedata.normalize("NFC", text).replace("--", "-\u200b-")  # two hyphens would be printed as a dash
    return "".join(map(_letter, apart))


def _letter(letter: str) -> str:
    if letter in SPECIAL or letter in SIGNS:
        return (SPECIAL | SIGNS)[letter]
    parts = unicodedata.normalize("NFD", letter)
    base, accent = parts[0], parts[1:]
    if accent in ACCENTS and base.isascii():
        stem = rf"\{base}" if base in "ij" and ACCENTS[accent] not in ("c", "k") else base
        return rf"\{ACCENTS[accent]}{{{stem}}}"
    return letter


def _known(letter: str) -> bool:
    return _letter(unicodedata.normalize("NFC", letter)).isascii()


def _cells(lines: Sequence[Line]) -> list[str]:
    return [cell for line in lines for cell in line.cells]


def _columns(heads: Sequence[str], lines: Sequence[Line], alignment: str) -> str:
    """The widths: of the texts where they fit, else shares of the line, in which texts go on below."""
    widths = widths_of(heads, lines)
    total = sum(widths)
    parts = []
    for width, side in zip(widths, alignment, strict=True):
        ragged = r"\raggedleft" if side == "r" else r"\raggedright"
        share = 0.999 * width / total
        gaps = share * 2 * (len(widths) - 1)
        size = f"{EM * width:.1f}em" if total <= NARROW else rf"\dimexpr {share:.4f}\linewidth-{gaps:.4f}\tabcolsep\relax"
        parts.append(rf">{{{ragged}\arraybackslash}}p{{{size}}}")
    return "@{}" + "".join(parts) + "@{}"


def _row(line: Line, columns: int, above: Line | None) -> str:
    if line.is_heading:
        return rf"\addlinespace \multicolumn{{{columns}}}{{@{{}}l@{{}}}}{{\textit{{{escaped(line.cells[0])}}}}} \\*"
    first = rf"\hangindent={line.indent + 1}em\hangafter=1\hspace*{{{line.indent}em}}" if line.indent else ""
    first = r"\addlinespace " + first if above is not None and above.indent and not line.indent else first
    return first + " & ".join(map(escaped, line.cells)) + r" \\"


def _notes(notes: Sequence[str]) -> list[str]:
    """Notes below the table, each a paragraph."""
    if not notes:
        return []
    text = [rf"{escaped(note)}\par" for note in notes]
    return [r"\par\smallskip\noindent", r"\begin{minipage}{\linewidth}\scriptsize\raggedright", *text, r"\end{minipage}"]


def _mark(mark: str) -> str:
    return rf"\textbf{{{escaped(mark)}}}\\ " if mark else ""
