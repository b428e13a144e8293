"""The table as text, a heading a section."""

from __future__ import annotations

import textwrap

from bayes_rrmm.study.row import Answer, Row

WIDTH = 124
LABEL, NUMBER, VERDICT = 35, 20, 11


def table_text(
    rows: tuple[Row, ...], header: tuple[str, str, str], mark: str, findings: tuple[str, ...], notes: tuple[str, ...]
) -> str:
    """The three columns with a verdict beside each answer, findings and notes below; the mark above and below."""
    lines = _header(header)
    section = None
    for row in rows:
        if row.section != section:
            section = row.section
            lines.append(section)
        frequentist, bayesian = _side(row, row.frequentist, ""), _side(row, row.bayesian, "tail ")
        lines += _line(_label(row), row.published.shown(row.unit), *frequentist, *bayesian)
    remarks = ["Found in the published numbers:", *map(_wrapped, findings), "Notes:", *map(_wrapped, notes)]
    marks = [mark] if mark else []
    return "\n".join([*marks, *lines, *_counts(rows), *remarks, *marks])


def _header(titles: tuple[str, str, str]) -> list[str]:
    """The titles, each over its column, in as many lines as they need."""
    wrapped = [textwrap.wrap(title, NUMBER) for title in titles]
    deepest = max(map(len, wrapped))
    padded = [[""] * (deepest - len(parts)) + parts for parts in wrapped]
    return [line for first, second, third in zip(*padded, strict=True) for line in _line("", first, second, "", third, "")]


def _line(label: str, published: str, frequentist: str, first: str, bayesian: str, second: str) -> list[str]:
    """One line; two where the label is long."""
    before = [label] if len(label) > LABEL else []
    shown = "" if before else label
    numbers = f"{published:>{NUMBER}} {frequentist:>{NUMBER}}  {first:<{VERDICT}} {bayesian:>{NUMBER}}  {second}"
    return [*before, f"{shown:<{LABEL}} {numbers}".rstrip()]


def _label(row: Row) -> str:
    """What the number is; the section has named the variable, and mostly the endpoint."""
    endpoint = "" if not row.endpoint or row.endpoint.upper() in row.section else row.endpoint.upper()
    return "  " + " ".join(part for part in (endpoint, row.quantity, row.group) if part)


def _side(row: Row, answer: Answer, of_p: str) -> tuple[str, str]:
    """An answer and its verdict, in capitals where they disagree; `of_p` says what stands beside a published p value."""
    verdict = row.verdict(answer)
    prefix = of_p if row.unit == "p" and not answer.missing else ""
    return prefix + answer.shown(row.unit), verdict.word if verdict.agrees is not False else verdict.word.upper()


def _counts(rows: tuple[Row, ...]) -> list[str]:
    lines = []
    for side in ("frequentist", "Bayesian"):
        verdicts = [row.verdict(getattr(row, side.lower())).agrees for row in rows]
        judged = [verdict for verdict in verdicts if verdict is not None]
        if judged:
            lines.append(f"{side}: {sum(judged)} of {len(judged)} numbers agree with the published ones.")
    return lines


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
