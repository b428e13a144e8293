"""What the gaps in categorical covariates do: one analysis under every reading of them, beside Cox after drop.

The readings, from STATISTICS section 2: the value exists and is unknown (complete cases; a level of its own; marginalised,
missing at random), or it has no meaning for the patient (a level `not-applicable`, the same fit as a level `unknown`).
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.agreement import compare_with_frequentist, main_rows
from bayes_rrmm.cohort import Cohort, build_cohort
from bayes_rrmm.errors import DataError, listed
from bayes_rrmm.estimands import AnyEstimand, HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.model_checks import diagnose
from bayes_rrmm.plan import make_plan
from bayes_rrmm.reading import Estimates, default_estimands, estimate, missing_values, summarise
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.specification import Analysis
from bayes_rrmm.specification.analysis import Variable

COLUMNS = [
    "reading", "term", "group", "versus", "subgroup", "method", "rows", "events", "hr", "lower", "upper", "p_below_1",
    "width_ratio", "passed",
]  # fmt: skip
COMPLETE, COX, LEVEL, MARGINALISED = "complete cases", "Cox after drop", "level of its own", "marginalised"
BAYESIAN = {COMPLETE: "drop", LEVEL: "level", MARGINALISED: "marginalise"}
MEANING = {
    COMPLETE: "patients with a gap are left out: right where a gap depends on nothing but the covariates",
    COX: "the same patients, partial likelihood, Efron ties",
    LEVEL: "gaps are a group of their own, `unknown` or `not-applicable`: right where the covariate has no meaning for them",
    MARGINALISED: "every value a gap may have, weighed by its probability: right where gaps are missing at random, "
    "given the covariates of the formula and the outcome, and the model is: with few covariates it leans on the hazard's shape",
}

Stage = Callable[[str], None]
"""Called with the name of each reading before it is fitted."""


@dataclass(frozen=True, repr=False)
class MissingReadings:
    """`table` has a row a reading and hazard ratio; `missing` the posterior probability of each missing value, under
    the marginalised reading; `gaps` the patients without a value, by variable."""

    title: str
    table: pd.DataFrame
    missing: pd.DataFrame
    gaps: dict[str, float]
    rows: int
    notes: tuple[str, ...] = ()

    def to_dataframe(self) -> pd.DataFrame:
        """The table."""
        return self.table

    def __str__(self) -> str:
        lines = [f"{self.title}: what the gaps do", f"  {self._gaps()}"]
        for (term, group, versus, subgroup), rows in self.table.groupby(["term", "group", "versus", "subgroup"], sort=False):
            pair = f"{group} / {versus}" if versus else group
            lines.append(f"Hazard ratio of {term}: {pair}{f' | {subgroup}' if subgroup else ''}")
            for row in rows.to_dict("records"):
                hr, lower, upper = (figure_of(row[name], "ratio") for name in ("hr", "lower", "upper"))
                below = "" if pd.isna(row["p_below_1"]) else f"P(HR < 1) {figure_of(row['p_below_1'], 'probability')}"
                failed = "" if row["passed"] else "  DIAGNOSTICS FAILED"
                counted = f"{row['rows']:g} patients, {row['events']:g} events"
                lines.append(f"  {row['reading']:<18}{f'{hr} [{lower}, {upper}]':>20}  {below:<18}  {counted}{failed}".rstrip())
        lines += [f"  {reading}: {MEANING[reading]}" for reading in dict.fromkeys(self.table["reading"])]
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.title)}: {html.escape(self._gaps())}</p>{self.table.to_html(index=False)}"

    def _gaps(self) -> str:
        return f"of {self.rows} patients, unknown: " + ", ".join(f"{name} in {count:g}" for name, count in self.gaps.items())


def compare_missing(
    analysis: Analysis, data: pd.DataFrame, *, origin: str = "the data", stage: Stage | None = None
) -> MissingReadings:
    """Fit `analysis` to `data` under each reading of the gaps and tabulate its hazard ratios.

    Each reading is a fit of its own (about a second each, and a compilation for each model structure that is new).
    Hazard ratios are those the analysis asks for, or of every term. A reading that cannot be fitted (too few complete
    cases) is noted. Raises DataError where no group has a gap, and whatever a marginalised fit raises.
    """
    if not isinstance(data, pd.DataFrame):
        raise DataError(f"the data are a {type(data).__name__}; give a DataFrame, such as br.load_data or pandas.read_csv returns.")
    gaps = _gaps(analysis, data, origin)
    found: list[dict[str, Any]] = []
    notes: list[str] = []
    missing = pd.DataFrame()
    for reading, rule in BAYESIAN.items():
        if stage is not None:
            stage(reading)
        try:
            fit, cohort = _fit(analysis, rule, data, origin)
        except DataError as error:
            if reading == MARGINALISED:
                raise
            notes.append(f"{reading}: not fitted: {error}")
            continue
        found += _rows(reading, fit, cohort)
        if reading == MARGINALISED:
            missing = missing_values(fit)
    table = pd.DataFrame(found)
    return MissingReadings(analysis.title, _with_width_ratio(table)[COLUMNS], missing, gaps, len(data), tuple(notes))


def _gaps(analysis: Analysis, data: pd.DataFrame, origin: str) -> dict[str, float]:
    """Patients without a value, by group variable."""
    cohort = build_cohort(data, _under(analysis, "marginalise"), origin)
    counts = {name: float(cohort.weight[~cohort.is_complete((name,))].sum()) for name in analysis.formula.variables}
    gaps = {name: count for name, count in counts.items() if count}
    if not gaps:
        groups = listed(analysis.formula.variables)
        raise DataError(f"{origin}: no group of the formula ({groups}) has a gap, so there is nothing to read in several ways.")
    return gaps


def _under(analysis: Analysis, rule: str) -> Analysis:
    """The analysis with one rule for every gap, but those that the analyst declared to have no meaning."""
    variables = {}
    for name in analysis.formula.variables:
        declared = analysis.variables.get(name, Variable())
        own = analysis.missing_rule(name)
        variables[name] = declared.model_copy(update={"missing": own if own == "not-applicable" else None})
    kept = {"missing": rule, "covariate_model": analysis.model.covariate_model if rule == "marginalise" else None}
    return analysis.model_copy(update={"model": analysis.model.model_copy(update=kept), "variables": variables})


def _fit(analysis: Analysis, rule: str, data: pd.DataFrame, origin: str) -> tuple[Fit, Cohort]:
    under = _under(analysis, rule)
    cohort = build_cohort(data, under, origin)
    plan = make_plan(under, cohort)
    from bayes_rrmm.inference import compile_model

    return compile_model(plan, cohort).sample(plan, cohort), cohort


def _rows(reading: str, fit: Fit, cohort: Cohort) -> list[dict[str, Any]]:
    """Each hazard ratio of the fit; for complete cases, with Cox on the same patients."""
    asked = [item for item in (fit.analysis.estimands or default_estimands(fit.plan)) if isinstance(item, HazardRatio)]
    read: list[tuple[AnyEstimand, Estimates]] = [(item, estimate(fit, item)) for item in asked]
    passed = diagnose(fit, read).passed
    table = main_rows(compare_with_frequentist(fit, cohort, read).table)
    table = table[table["estimand"] == "hazard-ratio"].reset_index(drop=True)
    below = pd.concat([summarise(found, below=1.0) for _, found in read], ignore_index=True)["p_below"]
    labels = table[["term", "group", "versus", "subgroup"]]
    counted = {"rows": cohort.patients, "events": cohort.events}
    bayes = labels.assign(reading=reading, method=f"posterior, {fit.plan.family}", **counted, p_below_1=below, passed=passed)
    bayes[["hr", "lower", "upper"]] = table[["bayes", "bayes_lower", "bayes_upper"]]
    rows = bayes.to_dict("records")
    if reading == COMPLETE:
        method = table["method"] + ", " + table["convention"]
        cox = labels.assign(reading=COX, method=method, **counted, p_below_1=math.nan, passed=True)
        cox[["hr", "lower", "upper"]] = table[["frequentist", "freq_lower", "freq_upper"]]
        rows += cox.to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def _with_width_ratio(table: pd.DataFrame) -> pd.DataFrame:
    """The width of each interval of log HR over that of complete cases, where there is one."""
    width = pd.Series(np.log(table["upper"].astype(float)) - np.log(table["lower"].astype(float)), index=table.index)
    keys = table[["term", "group", "versus", "subgroup"]].agg("\0".join, axis=1)
    base = width[table["reading"] == COMPLETE].set_axis(keys[table["reading"] == COMPLETE])
    return table.assign(width_ratio=width / keys.map(base))
