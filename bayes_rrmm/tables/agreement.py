"""Both answers side by side: the posterior and its frequentist counterparts, how far apart they are, and why."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_rrmm.agreement import main_rows
from bayes_rrmm.agreement.compare import conventions_of
from bayes_rrmm.agreement.verdict import REASONS
from bayes_rrmm.agreement.wording import BESIDE, FOLLOW_UP, NAMES, ONLY_TO_EXPLAIN, QUANTITY, heading_of, label_of, numbers_of
from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import measure_of, prob_words
from bayes_rrmm.tables.line import Line
from bayes_rrmm.tables.table import Table
from bayes_rrmm.tables.wording import caption, filled, letter

HEADS = ("Quantity", "Posterior", "Frequentist", "Difference (SE)", "Width ratio", "Verdict", "Notes")
STANDS_ALONE = frozenset({"test-only", "data-only"})
"""Reasons that every line below the comparisons would carry."""


def agreement(source: Source) -> Table:
    """The agreement table of a fit, a run folder or its results, as in crosscheck.csv: a heading an estimand and its main
    counterpart, a line a quantity, the other counterparts below it, tests last.

    Maximum likelihood of the same model is shown where it explains a difference, or nothing else stands beside the posterior.
    Raises FitError where the table is computed and the analysed rows are not at hand.
    """
    results = results_of(source)
    table = filled(results.crosscheck)
    alone = (table["unit"] == "p") | (table["estimand"] == FOLLOW_UP)
    footnotes = _Footnotes()
    lines: list[Line] = []
    heading = None
    for _, rows in table[~alone].groupby(list(QUANTITY), sort=False, dropna=False):
        main = rows.iloc[0]
        about = f"{heading_of(main)}: {main['method']}"
        if about != heading:
            heading = about
            lines.append(Line.heading(heading))
        lines += _compared(rows, footnotes)
    for estimand, rows in table[alone].groupby("estimand", sort=False):
        lines.append(Line.heading(NAMES.get(str(estimand), str(estimand)) + ("" if estimand == FOLLOW_UP else ": tests")))
        lines += [_test(row, footnotes) for _, row in rows.iterrows()]
    title = caption("Agreement with frequentist answers", results)
    notes = (*footnotes.said, *_notes(results, table[~alone]))
    return Table("agreement", title, HEADS, tuple(lines), "lrrrrll", notes, results.mark)


class _Footnotes:
    """The footnotes of a table, lettered in the order in which they are first needed."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def of(self, texts: list[str]) -> str:
        """The letters of the texts."""
        self.texts += [text for text in dict.fromkeys(texts) if text not in self.texts]
        return ", ".join(letter(self.texts.index(text)) for text in texts)

    @property
    def said(self) -> tuple[str, ...]:
        """Every footnote behind its letter."""
        return tuple(f"{letter(place)}: {text}." for place, text in enumerate(self.texts))


def _compared(rows: pd.DataFrame, footnotes: _Footnotes) -> list[Line]:
    """One quantity: the posterior beside its main counterpart, then the others."""
    main = rows.iloc[0]
    lines = [Line((label_of(main), numbers_of(main, "bayes"), *_beside(main, footnotes)), 1)]
    explains = main["verdict"] == "differ" or pd.isna(main["frequentist"])
    for _, row in rows.iloc[1:].iterrows():
        if explains or row["method"] in BESIDE or not row["method"].endswith(ONLY_TO_EXPLAIN):
            lines.append(Line((_method(row, main), "", *_beside(row, footnotes)), 2))
    return lines


def _beside(row: pd.Series[Any], footnotes: _Footnotes) -> tuple[str, ...]:
    """What stands beside the posterior: the counterpart, how far away it is, the verdict, and the letters of the reasons."""
    reasons = [REASONS[code] for code in row["reason_code"].split(";") if code]
    apart = measure_of(row["difference_in_se"], "se"), measure_of(row["width_ratio"], "width")
    return (numbers_of(row, "freq"), *apart, row["verdict"].replace("-", " "), footnotes.of(reasons))


def _test(row: pd.Series[Any], footnotes: _Footnotes) -> Line:
    """A test, or the follow-up: what of, by which method, and its p value or number; its convention is a footnote."""
    name = row["term"] or ("all terms" if row["estimand"] == "proportional-hazards" else "")
    is_p = row["unit"] == "p"
    method = row["method"].removesuffix(", p") if is_p else f"{row['method']} ({row['unit']})"
    number = f"p {numbers_of(row, 'freq')}" if is_p else numbers_of(row, "freq")
    codes = [code for code in row["reason_code"].split(";") if code and code not in STANDS_ALONE]
    notes = footnotes.of([row["convention"], *(REASONS[code] for code in codes)])
    return Line((f"{name}: {method}" if name else method, "", number, "", "", "", notes), 1)


def _method(row: pd.Series[Any], main: pd.Series[Any]) -> str:
    """The method, and that it is not adjusted where the main one is."""
    return f"{row['method']}, unadjusted" if bool(main["adjusted"]) and not bool(row["adjusted"]) else str(row["method"])


def _notes(results: Results, compared: pd.DataFrame) -> tuple[str, ...]:
    quantities = main_rows(compared)
    counts = quantities["verdict"].value_counts()
    verdicts = ", ".join(f"{counts.get(verdict, 0)} {words}" for verdict, words in
                         (("agree", "agree"), ("differ", "differ"), ("not-comparable", "are not comparable")))  # fmt: skip
    conventions = set(compared["convention"][compared["method"] == "Cox"])
    ties = "breslow" if any("Breslow" in text for text in conventions) else "efron"
    curves = set(compared["convention"][compared["method"] == "Kaplan-Meier"])
    interval = "log" if curves and not any("log-log" in text for text in curves) else "log-log"
    prob = results.fit.analysis.sampling.interval.prob
    return (
        f"Of {len(quantities)} quantities (main counterpart of each) {verdicts}; counterparts by maximum likelihood that explain "
        "nothing are left out here.",
        f"Posterior: median and {prob_words(prob)} interval; frequentist: estimate and {prob_words(prob)} confidence interval. "
        "NR: not reached within the group's follow-up, or the horizon asked for.",
        *(f"{text[0].upper()}{text[1:]}." for text in conventions_of(ties, interval)),
    )
