"""The agreement table as text: the Bayesian and the frequentist number side by side, a heading an estimand."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bayes_rrmm.agreement.verdict import REASONS
from bayes_rrmm.rounding import figure_of

WIDTH = 132
NAMES = {
    "hazard-ratio": "Hazard ratio",
    "median": "Median survival",
    "rmst": "RMST",
    "survival": "Survival",
    "log-rank": "Equal hazards",
    "proportional-hazards": "Proportional hazards",
    "baseline-fit": "Baseline fits",
    "independent-entry": "Delayed entry independent of the time of the event",
    "follow-up": "Follow-up",
}
FOLLOW_UP = "follow-up"
BESIDE = ("Cox", "Kaplan-Meier", "Cox, standardised")
"""Counterparts that stand beside the posterior; every other has a line of its own below it."""
ONLY_TO_EXPLAIN = " ML"
"""How the method ends that is shown only where its line explains something: the main counterpart differs, or there is none."""


def agreement_text(agreed: pd.DataFrame, conventions: tuple[str, ...], estimates: pd.DataFrame) -> str:
    """The agreement table for a terminal or a notebook cell, with P(below the value of no effect) from `estimates`."""
    alone = (agreed["unit"] == "p") | (agreed["estimand"] == FOLLOW_UP)
    compared, tests = agreed[~alone], agreed[alone]
    two = bool(compared["adjusted"].any())
    sheet = _Sheet(two, estimates)
    keys = ["estimand", "term", "group", "versus", "contrast", "subgroup", "population", "at", "given"]
    for _, rows in compared.groupby(keys, sort=False, dropna=False):
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
        heading = f"{_heading(main)}: {'; '.join(dict.fromkeys(beside['method']))}"
        if not self.parts or self.parts[-1][0] != heading:
            self.parts.append((heading, []))
        same = _same_quantity(main, self.estimates)
        beyond = "*" if same["extrapolated"].astype(bool).any() else ""
        self.starred = self.starred or bool(beyond)
        sides = {bool(row["adjusted"]): _numbers(row, "freq") for _, row in beside.iloc[::-1].iterrows()}
        label, posterior = f"  {escape(_label(main))}", _numbers(main, "bayes") + beyond
        self._line(label, posterior, _probability(main, same), sides, main)
        explains = main["verdict"] == "differ" or pd.isna(main["frequentist"])
        for _, row in rows.drop(beside.index).iterrows():
            if explains or not str(row["method"]).endswith(ONLY_TO_EXPLAIN):
                self._line(f"    {escape(str(row['method']))}", "", "", {bool(row["adjusted"]): _numbers(row, "freq")}, row)

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
            p = f"{row['method']} {_numbers(row, 'freq').replace(chr(92), '')}"
            lines.append(f"  {name + ': ' if name else ''}{p} ({row['convention']})")
    return lines


def _count(compared: pd.DataFrame) -> str:
    """How many comparisons there are, by verdict."""
    counts = compared["verdict"].value_counts()
    return "Comparisons: " + ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in ("agree", "differ", "not-comparable"))


def _heading(row: pd.Series[Any]) -> str:
    parts = [NAMES.get(row["estimand"], row["estimand"])]
    if row["contrast"] == "difference" or (row["contrast"] == "ratio" and row["estimand"] != "hazard-ratio"):
        parts.append(row["contrast"])
    if row["unit"] not in ("ratio", "probability", "p"):
        parts.append(f"({row['unit']})")
    if row["estimand"] == "rmst":
        parts.append(f"to {row['at']:g}")
    if not pd.isna(row["given"]):
        parts.append(f"given survival to {row['given']:g}")
    parts.append(f"by {row['term']}" if row["term"] else "")
    if row["population"] not in ("cohort", "conditional"):
        parts.append(f"(population: {row['population']})")
    return " ".join(part for part in parts if part)


def _label(row: pd.Series[Any]) -> str:
    label = str(row["group"] or "all")
    if row["versus"]:
        label += f" / {row['versus']}" if row["contrast"] == "ratio" else f" - {row['versus']}"
    if row["subgroup"]:
        label += f" | {row['subgroup']}"
    if row["estimand"] == "survival":
        label += f", at {row['at']:g}"
    return label


def _numbers(row: pd.Series[Any], side: str) -> str:
    centre = row["bayes"] if side == "bayes" else row["frequentist"]
    low, high = row[f"{side}_lower"], row[f"{side}_upper"]
    if pd.isna(centre):
        return "-"
    contrast = "none" if row["contrast"] == "ratio" else row["contrast"]
    shown = [figure_of(value, row["unit"], contrast) for value in (centre, low, high)]
    no_width = (pd.isna(low) and pd.isna(high)) or bool(np.isclose(low, high, rtol=1e-9, atol=1e-9) and np.isfinite(centre))
    return shown[0] if no_width else f"{shown[0]} \\[{shown[1]}, {shown[2]}]"


def _probability(row: pd.Series[Any], same: pd.DataFrame) -> str:
    """P(below the value of no effect): below 1 for a ratio, below 0 for a difference."""
    same = same[same["threshold"] == (0.0 if row["contrast"] == "difference" else 1.0)]
    return figure_of(float(same.iloc[0]["p_below"]), "probability") if len(same) else ""


def _same_quantity(row: pd.Series[Any], estimates: pd.DataFrame) -> pd.DataFrame:
    """The rows of estimates.csv about the quantity of one row of the agreement table."""
    same = estimates
    for key in ("estimand", "term", "group", "versus", "contrast", "subgroup", "population"):
        same = same[same[key] == row[key]]
    for key in ("at", "given"):
        same = same[same[key].isna()] if pd.isna(row[key]) else same[same[key] == row[key]]
    return same


