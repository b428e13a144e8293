"""How the quantities of estimates.csv and crosscheck.csv are called where a person reads them: headings, labels, numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.rounding import figure_of

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
RANKS = {
    "rank": "Rank (1 is best)",
    "probability-best": "Probability of being best",
    "probability-worst": "Probability of being worst",
    "sucra": "SUCRA",
}
"""What is said of ranks, which have no frequentist counterpart."""
FOLLOW_UP = "follow-up"
BESIDE = ("Cox", "Kaplan-Meier", "Cox, standardised")
"""Counterparts that stand beside the posterior; every other has a line of its own below it."""
ONLY_TO_EXPLAIN = " ML"
"""How the method ends that is shown only where its line explains something: the main counterpart differs, or there is none."""
QUANTITY = ("estimand", "term", "group", "versus", "contrast", "subgroup", "population", "at", "given")
"""The columns that tell one quantity of an analysis from another."""


def heading_of(row: pd.Series[Any]) -> str:
    """What the quantity of a row is, without the groups it is about: estimand, contrast, unit, times, term, population."""
    crossed = row["estimand"] == "hazard-ratio" and ":" in row["term"]
    parts = ["Ratio of hazard ratios" if crossed else (NAMES | RANKS).get(row["estimand"], row["estimand"])]
    if row["contrast"] == "difference" or (row["contrast"] == "ratio" and row["estimand"] != "hazard-ratio"):
        parts.append(row["contrast"])
    if row["unit"] not in ("ratio", "probability", "p", "rank"):
        parts.append(f"({row['unit']})")
    if row["estimand"] == "rmst":
        parts.append(f"to {row['at']:g}")
    if not pd.isna(row["given"]):
        parts.append(f"given survival to {row['given']:g}")
    parts.append(f"by {row['term']}" if row["term"] else "")
    if row["population"] not in ("cohort", "conditional"):
        parts.append(f"(population: {row['population']})")
    return " ".join(part for part in parts if part)


def label_of(row: pd.Series[Any]) -> str:
    """Which group, against which other, in which subgroup, at which time."""
    label = str(row["group"] or "all")
    if row["versus"]:
        label += f" / {row['versus']}" if row["contrast"] == "ratio" else f" - {row['versus']}"
    if row["subgroup"]:
        label += f" | {row['subgroup']}"
    if row["estimand"] == "survival":
        label += f", at {row['at']:g}"
    return label


def numbers_of(row: pd.Series[Any], side: str) -> str:
    """The posterior's ("bayes") or the frequentist ("freq") number of a row of the agreement table with its limits, as in
    0.53 [0.23, 1.07]; without limits where they are not known or have no width, `-` where there is no number."""
    centre = row["bayes"] if side == "bayes" else row["frequentist"]
    low, high = row[f"{side}_lower"], row[f"{side}_upper"]
    if pd.isna(centre):
        return "-"
    shown = [figure_of(value, row["unit"], contrast_of(row)) for value in (centre, low, high)]
    no_width = (pd.isna(low) and pd.isna(high)) or bool(np.isclose(low, high, rtol=1e-9, atol=1e-9) and np.isfinite(centre))
    return shown[0] if no_width else f"{shown[0]} [{shown[1]}, {shown[2]}]"


def contrast_of(row: pd.Series[Any]) -> str:
    """The contrast as rounding asks for it: a ratio is rounded by its unit."""
    return "none" if row["contrast"] == "ratio" else str(row["contrast"])


def same_quantity(row: pd.Series[Any], estimates: pd.DataFrame) -> pd.DataFrame:
    """The rows of estimates.csv about the quantity of one row of the agreement table."""
    same = estimates
    for key in QUANTITY[:-2]:
        same = same[same[key] == row[key]]
    for key in QUANTITY[-2:]:
        same = same[same[key].isna()] if pd.isna(row[key]) else same[same[key] == row[key]]
    return same
