"""The agreement table as text: the Bayesian and the frequentist number side by side, a heading an estimand."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bayes_rrmm.agreement.verdict import REASONS
from bayes_rrmm.rounding import figure_of

WIDTH = 124
NAMES = {
    "hazard-ratio": "Hazard ratio",
    "median": "Median survival",
    "rmst": "RMST",
    "survival": "Survival",
    "log-rank": "Log-rank",
    "independent-entry": "Delayed entry independent of the time of the event",
}


def agreement_text(agreed: pd.DataFrame, conventions: tuple[str, ...], estimates: pd.DataFrame | None = None) -> str:
    """The agreement table for a terminal or a notebook cell; with `estimates`, also P(below the value of no effect)."""
    previous, used, starred = None, set(), False
    parts: list[tuple[str, Table]] = []
    for _, row in agreed.iterrows():
        heading = _heading(row)
        if heading != previous:
            parts.append((heading, _columns()))
            previous = heading
        table = parts[-1][1]
        codes = [code for code in str(row["reason_code"]).split(";") if code]
        used |= set(codes)
        verdict = f"{row['verdict']}{': ' + ', '.join(codes) if codes else ''}"
        label = f"  {escape(_label(row))}"
        same = _same_quantity(row, estimates)
        beyond = "*" if same["extrapolated"].astype(bool).any() else ""
        starred = starred or bool(beyond)
        table.add_row(label, _numbers(row, "bayes") + beyond, _probability(row, same), _numbers(row, "freq"), verdict)
    console = Console(file=io.StringIO(), width=WIDTH, highlight=False)
    console.print(_columns(titles=True))
    for heading, table in parts:
        console.print(heading, markup=False)
        console.print(table)
    output = console.file
    assert isinstance(output, io.StringIO)
    notes = [f"  {code}: {REASONS[code]}" for code in sorted(used)]
    rules = [f"  {text}" for text in (*conventions, "NR: not reached within the group's follow-up, or the horizon asked for")]
    lines = [line.rstrip() for line in output.getvalue().splitlines()]
    if starred:
        rules.append("  *: beyond the group's follow-up, extrapolated by the model")
    return "\n".join([*lines, *(["Reasons:"] if notes else []), *notes, "Conventions:", *rules])


def _columns(titles: bool = False) -> Table:
    """A table of one heading; all have the same widths, so that they line up."""
    table = Table(box=None, pad_edge=False, show_edge=False, show_header=titles, header_style="")
    widths = {"": 36, "posterior": 22, "P(<null)": 8, "frequentist": 22}
    for name, width in widths.items():
        table.add_column(name, justify="left" if not name else "right", width=width, overflow="fold")
    table.add_column("verdict", overflow="fold")
    return table


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
    return str(row["method"]) if row["unit"] == "p" else label


def _numbers(row: pd.Series[Any], side: str) -> str:
    centre = row["bayes"] if side == "bayes" else row["frequentist"]
    low, high = row[f"{side}_lower"], row[f"{side}_upper"]
    if pd.isna(centre):
        return "-"
    contrast = "none" if row["contrast"] == "ratio" else row["contrast"]
    shown = [figure_of(value, row["unit"], contrast) for value in (centre, low, high)]
    return shown[0] if pd.isna(low) and pd.isna(high) else f"{shown[0]} \\[{shown[1]}, {shown[2]}]"


def _probability(row: pd.Series[Any], same: pd.DataFrame) -> str:
    """P(below the value of no effect): below 1 for a ratio, below 0 for a difference."""
    same = same[same["threshold"] == (0.0 if row["contrast"] == "difference" else 1.0)]
    return figure_of(float(same.iloc[0]["p_below"]), "probability") if len(same) else ""


def _same_quantity(row: pd.Series[Any], estimates: pd.DataFrame | None) -> pd.DataFrame:
    """The rows of estimates.csv about the quantity of one row of the agreement table."""
    if estimates is None:
        return pd.DataFrame({"threshold": [], "p_below": [], "extrapolated": []})
    same = estimates
    for key in ("estimand", "term", "group", "versus", "contrast", "subgroup", "population"):
        same = same[same[key] == row[key]]
    for key in ("at", "given"):
        same = same[same[key].isna()] if pd.isna(row[key]) else same[same[key] == row[key]]
    return same


