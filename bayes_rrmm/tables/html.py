"""A table as HTML: caption, heads and row heads as such, so that a screen reader reads it; no style but classes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bayes_rrmm.tables.line import Line

STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #111; background: #fff; }
.br-scroll { overflow-x: auto; }
.br-table { border-collapse: collapse; border-top: 2px solid; border-bottom: 2px solid; font-variant-numeric: tabular-nums; }
.br-table caption { text-align: left; font-weight: 600; padding-bottom: .5rem; }
.br-table caption p { margin: 0 0 .3rem; }
.br-table .br-mark { color: #b00020; font-weight: 700; }
.br-table th, .br-table td { padding: .2rem .6rem; text-align: left; vertical-align: top; font-weight: 400; }
.br-table thead th { border-bottom: 1px solid; vertical-align: bottom; font-weight: 600; }
.br-table .br-right { text-align: right; }
.br-table td.br-right { white-space: nowrap; }
.br-table .br-heading th { font-style: italic; padding-top: .6rem; }
.br-table .br-in-1 { padding-left: 1.6rem; }
.br-table .br-in-2 { padding-left: 2.8rem; }
.br-table tfoot td { border-top: 1px solid; font-size: .85em; max-width: 60rem; }
.br-table tfoot p { margin: .15rem 0; }
"""
"""The style of a page of its own; a report brings its own for the same classes."""


def html_of(
    name: str, title: str, heads: Sequence[str], lines: Sequence[Line], alignment: str, notes: Sequence[str], mark: str
) -> str:
    """The table as an HTML element. Lines below one heading are one <tbody>."""
    marked = f'<p class="br-mark"><strong>{escape(mark)}</strong></p>' if mark else ""
    caption = f"<caption>{marked}{escape(title)}</caption>"
    head = "".join(f'<th scope="col"{_side(side)}>{escape(text)}</th>' for text, side in zip(heads, alignment, strict=True))
    bodies, body = [], list[str]()
    for line in lines:
        if line.is_heading and body:
            bodies.append(body)
            body = []
        body.append(_row(line, alignment))
    bodies += [body] if body else []
    inside = "\n".join("<tbody>\n" + "\n".join(rows) + "\n</tbody>" for rows in bodies)
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    foot = f'<tfoot><tr><td colspan="{len(heads)}">{below}</td></tr></tfoot>\n' if notes else ""
    table = (
        f'<table class="br-table" id="table-{escape(name)}">\n{caption}\n<thead><tr>{head}</tr></thead>\n{inside}\n{foot}</table>'
    )
    return table + "\n"


def html_page(title: str, table: str) -> str:
    """A page of one table, with the style it needs."""
    start = f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    return f'{start}{view}<style>{STYLE}</style>\n</head>\n<body>\n<div class="br-scroll">\n{table}</div>\n</body>\n</html>\n'


def _row(line: Line, alignment: str) -> str:
    if line.is_heading:
        return f'<tr class="br-heading"><th scope="rowgroup" colspan="{len(alignment)}">{escape(line.cells[0])}</th></tr>'
    inside = f' class="br-in-{line.indent}"' if line.indent else ""
    first = f'<th scope="row"{inside}>{escape(line.cells[0])}</th>'
    rest = "".join(f"<td{_side(side)}>{escape(cell)}</td>" for cell, side in zip(line.cells[1:], alignment[1:], strict=True))
    return f"<tr>{first}{rest}</tr>"


def _side(side: str) -> str:
    return ' class="br-right"' if side == "r" else ""
