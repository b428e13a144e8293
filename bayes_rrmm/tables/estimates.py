"""Every number an analysis reports: posterior median, interval, probabilities about no effect, and whether its checks passed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_rrmm.agreement.wording import QUANTITY, RANKS, contrast_of, heading_of, label_of
from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import figure_of, kind_words, prob_words
from bayes_rrmm.tables.line import Line
from bayes_rrmm.tables.table import Table
from bayes_rrmm.tables.wording import caption, filled

EXTRAPOLATED, OTHER_KIND = "†", "‡"


def estimates(source: Source) -> Table:
    """The estimates of a fit, a run folder or its results, as in estimates.csv: an estimand a heading, a quantity a line.

    P is the posterior probability of lying below and above the value of no effect (1 of a ratio, 0 of a difference); a further
    threshold has a line of its own below. Raises RunFolderError where the folder is not whole.
    """
    results = results_of(source)
    table = filled(results.estimates)
    kinds = list(dict.fromkeys(table["interval"][table["interval"] != ""]))
    lines: list[Line] = []
    headings = pd.Series([heading_of(row) for _, row in table.iterrows()], index=table.index, dtype=object)
    for heading, below in table.groupby(headings, sort=False):
        lines.append(Line.heading(str(heading)))
        for _, rows in below.groupby(list(QUANTITY), sort=False, dropna=False):
            lines += _lines(rows, kinds[0] if kinds else "")
    interval = next((f"{prob_words(prob)} interval" for prob in table["prob"].dropna()), "Interval")
    heads = ("Quantity", "Median", interval, "P (below)", "P (above)", "Checks")
    return Table(
        "estimates", caption("Estimates", results), heads, tuple(lines), "lrrrrl", _notes(results, table, kinds), results.mark
    )


def _lines(rows: pd.DataFrame, kind: str) -> list[Line]:
    """One quantity: its line, and one for each further threshold."""
    main = rows.iloc[0]
    checks = "-" if pd.isna(main["passed"]) or main["passed"] == "" else "passed" if _true(main["passed"]) else "FAILED"
    below, above = _probabilities(main)
    if main["estimand"] in RANKS and main["estimand"] != "rank":
        return [Line((label_of(main), figure_of(main["mean"], main["unit"]), "", "", "", checks), 1)]
    shown = [figure_of(main[name], main["unit"], contrast_of(main)) for name in ("median", "lower", "upper")]
    signs = EXTRAPOLATED if _true(main["extrapolated"]) else ""
    other = OTHER_KIND if main["interval"] != kind else ""
    first = Line((label_of(main), shown[0] + signs, f"{shown[1]} to {shown[2]}{other}", below, above, checks), 1)
    further = [
        Line((f"threshold {row['threshold']:g}", "", "", *_probabilities(row), ""), 2) for _, row in rows.iloc[1:].iterrows()
    ]
    return [first, *further]


def _probabilities(row: pd.Series[Any]) -> tuple[str, str]:
    if pd.isna(row["p_below"]):
        return "", ""
    return figure_of(row["p_below"], "probability"), figure_of(row["p_above"], "probability")


def _true(value: object) -> bool:
    return str(value).lower() == "true"


def _notes(results: Results, table: pd.DataFrame, kinds: list[str]) -> tuple[str, ...]:
    """What the columns hold, and what the signs in them mean: only those that are there."""
    notes = [f"Median: of the posterior. Interval: {kind_words(kinds[0])}."] if kinds else []
    if table["p_below"].notna().any():
        notes.append("P: posterior probability below and above 1 (ratios) or 0 (differences), or the threshold of the line.")
    numbers = table[["median", "lower", "upper"]].astype(float)
    if (numbers == float("inf")).any(axis=None):
        notes.append("NR: not reached within the group's follow-up, or the horizon asked for.")
    if table["extrapolated"].map(_true).any():
        notes.append(f"{EXTRAPOLATED} Beyond the group's follow-up, extrapolated by the model.")
    if len(kinds) > 1:
        notes.append(f"{OTHER_KIND} {kind_words(kinds[1]).capitalize()}.")
    if set(table["estimand"]) & set(RANKS):
        notes.append("SUCRA: 1 always best, 0 always worst. Like the probabilities of ranks it is one number of the posterior.")
    notes.append("Checks: R-hat, effective sample size and Monte Carlo error of the quantity, and the sampler's.")
    said = results.notes if results.has_rows else ()  # reading them again needs the population they are about
    return (*notes, *(f"{note[0].upper()}{note[1:]}".rstrip(".") + "." for note in said))
