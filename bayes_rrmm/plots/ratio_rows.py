"""Hazard ratios as figures show them: a row a comparison, with its patients and events, and what Cox and Firth say."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.agreement import compare_with_frequentist
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import AnyEstimand, HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import Estimates, estimate, estimates_table, reported_estimands
from bayes_rrmm.reading.table import labelled_draws
from bayes_rrmm.results import TABLES, Results
from bayes_rrmm.rounding import figure_of, interval_words

KEY = ["term", "group", "versus", "subgroup"]
COX, FIRTH = "Cox", "Firth Cox"
Key = tuple[str, str, str, str]
Answer = tuple[float, float, float]
"""Estimate, lower and upper limit."""


@dataclass(frozen=True)
class RatioRow:
    """One hazard ratio. `patients` and `events` are those of the group (of a continuous covariate, of everyone), NaN where they
    are not known; `cox` and `firth` are rows of crosscheck.csv, None where there is none."""

    term: str
    group: str
    versus: str
    subgroup: str
    patients: float
    events: float
    bayes: Answer
    p_below: float
    cox: dict[str, Any] | None
    firth: dict[str, Any] | None

    @property
    def name(self) -> str:
        """What is compared, in words."""
        pair = f"{self.group} versus {self.versus}" if self.versus else self.group
        return f"{pair}, {self.subgroup}" if self.subgroup else pair


def heading_of(rows: Sequence[RatioRow]) -> Callable[[RatioRow], str]:
    """What stands above the rows of one term and one reference: `regimen: versus bortezomib`. Continuous covariates have a heading
    only where others do; '' is none."""
    some = any(row.versus for row in rows)

    def heading(row: RatioRow) -> str:
        where = f", {row.subgroup}" if row.subgroup else ""
        if row.versus:
            return f"{row.term}: versus {row.versus}{where}"
        if ":" in row.term:
            return f"{row.term}: ratios of hazard ratios"
        return f"{row.term}{where}" if where else "continuous covariates" if some else ""

    return heading


@dataclass(frozen=True)
class Ratios:
    """The rows, whether there are frequentist answers to show, and the interval of the posterior."""

    rows: tuple[RatioRow, ...]
    crosschecked: bool
    kind: str
    prob: float

    @property
    def interval(self) -> str:
        """The interval of the posterior, in words."""
        return interval_words(self.kind, self.prob)


def ratio_text(answer: Answer) -> str:
    """The estimate and its interval as text: `0.53 [0.23, 1.07]`."""
    point, lower, upper = ("inf" if math.isinf(value) else figure_of(value, "ratio") for value in answer)
    return f"{point} [{lower}, {upper}]"


def probability_text(p: float) -> str:
    """`P(HR < 1)` as text."""
    return figure_of(p, "probability")


def answer_of(row: dict[str, Any] | None) -> Answer | None:
    """The frequentist answer of a row of crosscheck.csv; None where there is no finite estimate."""
    if row is None or not math.isfinite(row["frequentist"]):
        return None
    return float(row["frequentist"]), float(row["freq_lower"]), float(row["freq_upper"])


def questions_of(results: Results, of: str | None) -> list[HazardRatio]:
    """The hazard ratios that are shown: those reported (of the term), else that of the term. Raises AnalysisError where none is
    reported and no term is named."""
    reported = [item for item in reported_estimands(results.fit) if isinstance(item, HazardRatio)]
    found = [item for item in reported if of in (None, item.of)]
    if found:
        return found
    if of is None:
        terms = ", ".join(term.name for term in results.fit.analysis.formula.terms) or "none"
        raise AnalysisError(f"the analysis reports no hazard ratio; name a term of the formula with `of`: {terms}.")
    return [HazardRatio(of=of)]


def is_reported(results: Results, questions: list[HazardRatio]) -> bool:
    """Whether estimates.csv has these."""
    return all(question in reported_estimands(results.fit) for question in questions)


def read_ratios(results: Results, questions: list[HazardRatio], *, crosscheck: bool = True) -> Ratios:
    """The hazard ratios asked for, from estimates.csv and crosscheck.csv where they are reported, else read from the draws."""
    table, beside = _tables(results, questions, crosscheck)
    table = table[(table["estimand"] == "hazard-ratio") & (table["threshold"] == 1.0)]
    asked = [(table["term"] == question.of) & _in_subgroups(table["subgroup"], question.by) for question in questions]
    table = table[np.any(asked, axis=0)].drop_duplicates(KEY)
    rows = []
    for row in table.to_dict("records"):
        key = (row["term"], row["group"], row["versus"], row["subgroup"])
        patients, events = counted(results, row["term"], row["group"], row["subgroup"])
        bayes = (float(row["median"]), float(row["lower"]), float(row["upper"]))
        cox, firth = (None, None) if beside is None else (_beside(beside, key, COX), _beside(beside, key, FIRTH))
        rows.append(RatioRow(*key, patients, events, bayes, float(row["p_below"]), cox, firth))
    return Ratios(tuple(rows), beside is not None, str(table["interval"].iloc[0]), float(table["prob"].iloc[0]))


def _in_subgroups(subgroup: pd.Series[str], by: str | None) -> pd.Series[bool]:
    return subgroup == "" if by is None else subgroup.str.startswith(f"{by}=")


def _tables(results: Results, questions: list[HazardRatio], crosscheck: bool) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """estimates.csv and crosscheck.csv; of what they have not, or cannot without the rows, what the draws say of the questions."""
    reported = is_reported(results, questions)
    read: list[tuple[AnyEstimand, Estimates]] = [(question, estimate(results.fit, question)) for question in questions]
    estimates = results.estimates if reported and _at_hand(results, "estimates") else estimates_table(read)
    if not crosscheck or not (results.has_rows or (reported and _at_hand(results, "crosscheck"))):
        return estimates, None
    return estimates, results.crosscheck if reported else compare_with_frequentist(results.fit, results.rows, read).table


def _at_hand(results: Results, table: str) -> bool:
    return results.has_rows or (results.folder is not None and (results.folder / TABLES[table]).is_file())


def _beside(table: pd.DataFrame, key: Key, method: str) -> dict[str, Any] | None:
    """The first row of the method for this comparison: Cox's is the main one, adjusted as the model is."""
    mine = (table["estimand"] == "hazard-ratio") & (table[KEY] == list(key)).all(axis=1)
    found = table[mine & table["method"].str.startswith(method)]
    return {str(name): value for name, value in found.iloc[0].to_dict().items()} if len(found) else None


def ratio_draws(fit: Fit, questions: list[HazardRatio]) -> dict[Key, Floats]:
    """The draws of each hazard ratio, shape (S,), by term, group, versus and subgroup."""
    found: dict[Key, Floats] = {}
    for question in questions:
        estimates = estimate(fit, question)
        for _, labels, draws in labelled_draws(question, estimates):
            key = (question.of, str(labels["group"]), str(labels["versus"]), str(labels["subgroup"]))
            found.setdefault(key, np.asarray(draws.ravel(), dtype=np.float64))
    return found


def counted(results: Results, term: str, group: str, subgroup: str = "") -> tuple[float, float]:
    """Patients and events of a level, in a subgroup `variable=level` where there is one; of a continuous covariate those of
    everyone; NaN of what the fit does not know without its rows, and of ratios of hazard ratios."""
    encoding = results.fit.plan.encoding
    if not encoding.is_group(term):
        if not any(variable.name == term for variable in encoding.continuous):
            return math.nan, math.nan
        return _inside(results, subgroup) if subgroup else _everyone(results)
    if not subgroup:
        variable = encoding.group(term)
        place = variable.levels.index(group)
        return variable.counts[place], variable.events[place]
    return _inside(results, subgroup, {term: (group,)})


def _inside(results: Results, subgroup: str, filters: dict[str, tuple[str, ...]] | None = None) -> tuple[float, float]:
    if not results.has_rows:
        return math.nan, math.nan
    by, _, level = subgroup.partition("=")
    rows = results.rows
    inside = rows.select(rows.mask({**(filters or {}), by: (level,)}))
    return (inside.patients, inside.events) if len(inside) else (0.0, 0.0)


def _everyone(results: Results) -> tuple[float, float]:
    if results.has_rows:
        return results.rows.patients, results.rows.events
    stored = results.fit.provenance.get("data", {})
    return float(stored.get("patients", math.nan)), float(stored.get("events", math.nan))
