"""The agreement table as text: the Bayesian and the frequentist number side by side, a heading an estimand."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bayes_rrmm.agreement.verdict import REASONS
from bayes_rrmm.agreement.wording import (
    BESIDE,
    FOLLOW_UP,
    NAMES,
    ONLY_TO_EXPLAIN,
    QUANTITY,
    heading_of,
    label_of,
    numbers_of,
    same_quantity,
)
from bayes_rrmm.rounding import figure_of

WIDTH = 132


def agreement_text(agreed: pd.DataFrame, conventions: tuple[str, ...], estimates: pd.DataFrame) -> str:
    """The agreement table for a terminal or a notebook cell, with P(below the value of no effect) from `estimates`."""
    alone = (agreed["unit"] == "p") | (agreed["estimand"] == FOLLOW_UP)
    compared, tests = agreed[~alone], agreed[alone]
    two = bool(compared["adjusted"].any())
    sheet = _Sheet(two, estimates)
    for _, rows in compared.groupby(list(QUANTITY), sort=False, dropna=False):
        sheet.add(rows)
    notes = [f"  {code}: {REASONS[code]}" for code in sorted(sheet.used)]
    rules = [f"  {text}" for text in (*conventions, "NR: not reached within the group's follow-up, or the horizon asked for")]
    if sheet.starred:
        rules.append("  *: beyond the group's follow-up, extrapolated by the model")
    parts = [*sheet.lines(), *_tests(tests), *([_count(compared)] if len(compared) else [])]
    return "\n".join([*parts, *(["Reasons:"] if notes else []), *notes, "Conventions:", *rules])


@dataclass(frozen=True)
class _Line:
    """One line: what stands in each column, and the reasons beside the verdict."""

    label: str
    posterior: str
    probability: str
    sides: dict[bool, str]
    verdict: str
    codes: tuple[str, ...]


class _Sheet:
    """The lines of the quantities, gathered under their headings."""

    def __init__(self, two: bool, estimates: pd.DataFrame) -> None:
        self.two, self.estimates = two, estimates
        self.parts: list[tuple[str, list[_Line]]] = []
        self.used: set[str] = set()
        self.starred = False

    def add(self, rows: pd.DataFrame) -> None:
        """The lines of one quantity: the posterior with what stands beside it and the verdict, then the counterparts below."""
        main = rows.iloc[0]
        beside = rows[rows["method"].isin(BESIDE) | (rows.index == rows.index[0])]
        heading = f"{heading_of(main)}: {'; '.join(dict.fromkeys(beside['method']))}"
        if not self.parts or self.parts[-1][0] != heading:
            self.parts.append((heading, []))
        same = same_quantity(main, self.estimates)
        beyond = "*" if same["extrapolated"].astype(bool).any() else ""
        self.starred = self.starred or bool(beyond)
        sides = {bool(row["adjusted"]): escape(numbers_of(row, "freq")) for _, row in beside.iloc[::-1].iterrows()}
        label, posterior = f"  {escape(label_of(main))}", escape(numbers_of(main, "bayes")) + beyond
        self._line(label, posterior, _probability(main, same), sides, main)
        explains = main["verdict"] == "differ" or pd.isna(main["frequentist"])
        for _, row in rows.drop(beside.index).iterrows():
            if explains or not str(row["method"]).endswith(ONLY_TO_EXPLAIN):
                numbers = {bool(row["adjusted"]): escape(numbers_of(row, "freq"))}
                self._line(f"    {escape(str(row['method']))}", "", "", numbers, row)

    def lines(self) -> list[str]:
        """The sheet as text. Reasons that hold on every line under a heading stand there once."""
        console = Console(file=io.StringIO(), width=WIDTH, highlight=False)
        console.print(self._columns(titles=True))
        for heading, lines in self.parts:
            shared = set.intersection(*(set(line.codes) for line in lines)) if len(lines) > 1 else set()
            said = [code for code in lines[0].codes if code in shared]
            console.print(heading + (f" (all: {', '.join(said)})" if said else ""), markup=False, soft_wrap=True)
            table = self._columns()
            for line in lines:
                numbers = [line.sides.get(False, ""), line.sides.get(True, "")] if self.two else [line.sides[False]]
                codes = ", ".join(code for code in line.codes if code not in shared)
                verdict = f"{line.verdict}: {codes}" if codes else line.verdict
                table.add_row(line.label, line.posterior, line.probability, *numbers, verdict)
            console.print(table)
        output = console.file
        assert isinstance(output, io.StringIO)
        return [line.rstrip() for line in output.getvalue().splitlines()]

    def _line(self, label: str, posterior: str, probability: str, sides: dict[bool, str], row: pd.Series[Any]) -> None:
        codes = tuple(code for code in str(row["reason_code"]).split(";") if code)
        self.used |= set(codes)
        self.parts[-1][1].append(_Line(label, posterior, probability, sides, str(row["verdict"]), codes))

    def _columns(self, titles: bool = False) -> Table:
        """A table of one heading; all have the same widths, so that they line up."""
        table = Table(box=None, pad_edge=False, show_edge=False, show_header=titles, header_style="")
        sides = {"unadjusted": 20, "adjusted": 20} if self.two else {"frequentist": 20}
        widths = {"": 30 if self.two else 36, "posterior": 20, "P(<null)": 8, **sides}
        for name, width in widths.items():
            table.add_column(name, justify="left" if not name else "right", width=width, overflow="fold")
        table.add_column("verdict", overflow="fold")
        return table


def _tests(tests: pd.DataFrame) -> list[str]:
    """A line a test: what it tests, of which term, its p."""
    lines: list[str] = []
    for estimand, rows in tests.groupby("estimand", sort=False):
        lines.append(NAMES.get(str(estimand), str(estimand)) + ("" if estimand == FOLLOW_UP else ": tests"))
        for _, row in rows.iterrows():
            name = row["term"] or ("all terms" if estimand == "proportional-hazards" else "")
            p = f"{row['method']} {numbers_of(row, 'freq')}"
            lines.append(f"  {name + ': ' if name else ''}{p} ({row['convention']})")
    return lines


def _count(compared: pd.DataFrame) -> str:
    """How many comparisons there are, by verdict."""
    counts = compared["verdict"].value_counts()
    return "Comparisons: " + ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in ("agree", "differ", "not-comparable"))


def _probability(row: pd.Series[Any], same: pd.DataFrame) -> str:
    """P(below the value of no effect): below 1 for a ratio, below 0 for a difference."""
    same = same[same["threshold"] == (0.0 if row["contrast"] == "difference" else 1.0)]
    return figure_of(float(same.iloc[0]["p_below"]), "probability") if len(same) else ""
