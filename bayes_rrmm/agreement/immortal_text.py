"""What immortal time does, in plain words and numbers."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayes_rrmm.hazards.at_risk import FEWEST_AT_RISK
from bayes_rrmm.rounding import figure_of

if TYPE_CHECKING:
    from bayes_rrmm.agreement.immortal_time import ImmortalTime

WIDTH = 124
DEPENDENT = 0.05


def immortal_text(found: ImmortalTime) -> str:
    """The explanation, both analyses, the numbers at risk, and the test of independent entry."""
    lines = [found.mark] if found.mark else []
    share = f"{100 * found.immortal:.0f} % of the time is before entry"
    lines += [f"Immortal time in {found.endpoint}: {found.patients:g} patients, {share}"]
    lines += _wrapped(_explanation(found)) + _numbers(found) + _risk(found)
    return "\n".join([*lines, *_wrapped(_start(found)), *_wrapped(_independence(found))])


def _explanation(found: ImmortalTime) -> str:
    naive, delayed = (float(found.table[side].iloc[0]) for side in ("naive", "delayed"))
    text = (
        "Each patient is in the data because they lived to their entry: before it they could not die, and others who did are not "
        "in the data. The naive curve counts that time as survived, so it is too high. Under delayed entry a patient counts from "
        "their entry on, beside those under observation then."
    )
    if math.isnan(delayed):
        return text
    shown = [figure_of(value, found.unit) for value in (naive, delayed)]
    return f"{text} Median here: {shown[0]} {found.unit} naively, {shown[1]} with delayed entry."


def _numbers(found: ImmortalTime) -> list[str]:
    table = found.table
    sides = [side for side in ("naive", "naive_bayes", "delayed", "delayed_bayes") if table[side].notna().any()]
    titles = {
        "naive": "naive, Kaplan-Meier",
        "naive_bayes": "naive, Bayesian",
        "delayed": "delayed entry, K-M",
        "delayed_bayes": "delayed, Bayesian",
    }
    lines = [" " * 20 + "".join(f"{titles[side]:>25}" for side in sides)]
    for _, row in table.iterrows():
        label = f"median, {found.unit}" if row["quantity"] == "median" else f"S({row['at']:g})"
        lines.append(f"  {label:<18}" + "".join(f"{_shown(row, side):>25}" for side in sides))
    return lines


def _shown(row: pd.Series[Any], side: str) -> str:
    centre, low, high = (figure_of(row[name], row["unit"]) for name in (side, f"{side}_lower", f"{side}_upper"))
    return centre if low == high == "-" else f"{centre} [{low}, {high}]"


def _risk(found: ImmortalTime) -> list[str]:
    """Numbers at risk by time, so that a thin beginning is seen."""
    columns = [("at " + found.unit, "time"), ("at risk, naive", "naive"), ("at risk, entered", "delayed"), ("immortal", "immortal")]
    return [f"  {title:<18}" + "".join(f"{value:>9g}" for value in found.risk[name]) for title, name in columns]


def _start(found: ImmortalTime) -> str:
    if math.isinf(found.start):
        return f"Never are {FEWEST_AT_RISK:g} at risk at one time: delayed entry leaves no curve to begin."
    if found.start == 0:
        return f"At least {FEWEST_AT_RISK:g} are at risk from time 0."
    return (
        f"At {found.start:.1f} {found.unit} {FEWEST_AT_RISK:g} are at risk for the first time. There the curve with delayed entry "
        f"begins, so its S(t) and median are of those alive at {found.start:.1f}; what happened before, these data cannot say."
    )


def _independence(found: ImmortalTime) -> str:
    test = found.test
    if math.isnan(test.p):
        return "Whether entry is independent of survival cannot be tested here."
    shown = figure_of(test.p, "p")
    p = shown if "<" in shown else f"= {shown}"
    text = f"Independence of entry and survival: conditional Kendall's tau {test.tau:.3f}, p {p}. "
    if test.p >= DEPENDENT:
        return text + "Nothing speaks against it here, though a test that finds nothing is no proof; delayed entry assumes it."
    later = "longer" if test.tau > 0 else "shorter"
    return text + (
        f"Those who enter later live {later}: evidence against the assumption of delayed entry, whose numbers would be biased too. "
        "Count from entry instead, or model the time of entry."
    )


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_on_hyphens=False)
