"""Where the Bayesian and the frequentist numbers differ, and why, in words: from the verdicts of the agreement table."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from bayes_rrmm.agreement import main_rows
from bayes_rrmm.agreement.verdict import REASONS
from bayes_rrmm.agreement.wording import FOLLOW_UP, heading_of, label_of
from bayes_rrmm.errors import listed
from bayes_rrmm.results import Results

VERDICTS = ("agree", "differ", "not-comparable")


def agreement_words(results: Results) -> tuple[str, list[str]]:
    """How many quantities agree, and a line for each reason why others do not, with the quantities it holds for."""
    table = main_rows(results.crosscheck)
    compared = table[(table["unit"] != "p") & (table["estimand"] != FOLLOW_UP)]
    counts = compared["verdict"].value_counts()
    said = ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in VERDICTS)
    head = (
        f"Of {len(compared)} quantities with a frequentist counterpart from the same rows: {said}. They agree where they lie "
        "within half a frequentist standard error of each other and their intervals are about as wide (ratio 0.8 to 1.25)."
    )
    apart = compared[compared["verdict"] != "agree"]
    return head, [f"{REASONS[code]} ({held})." for code, held in _by_reason(apart)]


def _by_reason(apart: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Each reason with what it holds for: headings, and the labels under each."""
    found: dict[str, dict[str, list[str]]] = {}
    for _, row in apart.iterrows():
        for code in filter(None, row["reason_code"].split(";")):
            found.setdefault(code, {}).setdefault(heading_of(row), []).append(label_of(row))
    for code, headings in found.items():
        yield code, "; ".join(f"{heading}: {listed(labels, 4)}" for heading, labels in headings.items())
