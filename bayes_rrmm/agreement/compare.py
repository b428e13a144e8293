"""The agreement table: every estimand of a fit beside its frequentist counterpart from the same rows."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.agreement.cox_side import hazard_ratio_rows
from bayes_rrmm.agreement.curve_side import curve_rows
from bayes_rrmm.agreement.lone_tests import lone_tests
from bayes_rrmm.agreement.row import Row
from bayes_rrmm.agreement.verdict import REASONS
from bayes_rrmm.agreement.without_prior import WithoutPrior
from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.errors import FitError, nearest
from bayes_rrmm.estimands import AnyEstimand, Curve, HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist.cox import Ties
from bayes_rrmm.frequentist.kaplan_meier import Interval
from bayes_rrmm.reading import Estimates, estimate_all, estimates_table

COLUMNS = [
    "estimand", "endpoint", "term", "group", "versus", "contrast", "subgroup", "population", "adjusted", "at",
    "given", "unit", "bayes", "bayes_lower", "bayes_upper", "frequentist", "freq_lower", "freq_upper", "method",
    "convention", "rows_bayes", "rows_freq", "difference_in_se", "width_ratio", "verdict", "reason_code", "reason",
]  # fmt: skip
QUANTITY = [*COLUMNS[:8], "at", "given", "unit"]
"""The columns that say which quantity a row is about."""

TIES, INTERVALS = ("efron", "breslow"), ("log-log", "log")


def conventions_of(ties: str, interval: str) -> tuple[str, ...]:
    """What is printed once on the table."""
    return (
        f"Cox: {ties.capitalize()} ties, Wald intervals (R's default ties: Efron; SAS: Breslow)",
        f"Kaplan-Meier: {interval} intervals of Greenwood's variance (R's default: log; SAS: log-log); median the first t with "
        "S(t) <= 1/2, limits where the interval's limits are",
        "Cox, standardised: survival of the same population with the group set for everyone; delta method",
        "Firth Cox: penalised likelihood, profile-likelihood interval; ML: the same model without a prior",
        "RMST: area under the curve, Greenwood-type variance, Wald limits (as R's survRM2: they may lie beyond the horizon)",
        "adjusted: for the model's other covariates; the verdict beside a number is on the difference to the posterior",
        "difference in frequentist standard errors and width ratio: of log HR, log(-log S), log median; others as they are",
    )


@dataclass(frozen=True)
class Agreement:
    """The table, the conventions it was made under, and the estimates it is about (as in estimates.csv)."""

    table: pd.DataFrame
    conventions: tuple[str, ...]
    estimates: pd.DataFrame
    mark: str = ""

    def to_dataframe(self) -> pd.DataFrame:
        """crosscheck.csv."""
        return self.table

    def _repr_html_(self) -> str:
        mark = f"<p><strong>{html.escape(self.mark)}</strong></p>" if self.mark else ""
        return f"{mark}{self.table.to_html(index=False)}<p>{'<br>'.join(map(html.escape, self.conventions))}</p>"

    def __str__(self) -> str:
        from bayes_rrmm.agreement.text import agreement_text

        text = agreement_text(self.table, self.conventions, self.estimates)
        return f"{self.mark}\n{text}" if self.mark else text


def compare_with_frequentist(
    fit: Fit,
    cohort: Cohort | None = None,
    read: list[tuple[AnyEstimand, Estimates]] | None = None,
    *,
    ties: Ties = "efron",
    interval: Interval = "log-log",
) -> Agreement:
    """The agreement table of the fit's estimands (or those `read`), from the rows it was fitted to.

    Each quantity has a row for each counterpart, the main one first: it answers the same question, adjusted as the model
    is. After it come the unadjusted one, Firth's where a group has few events, and maximum likelihood of the same model. `ties`
    are Cox's ("efron", "breslow"), `interval` Kaplan-Meier's ("log-log", "log"). Raises FitError where the fit was saved without
    rows and none are given, or a convention is unknown, RunFolderError where `cohort` is not what the fit was made from.
    """
    for name, value, known_values in (("ties", ties, TIES), ("interval", interval, INTERVALS)):
        if value not in known_values:
            raise FitError(f"{name} = {value!r} is unknown; {nearest(str(value), known_values)}")
    rows = fit.same_rows(cohort, "a cross-check")
    fit = fit if fit.cohort is not None else replace(fit, cohort=rows)
    found = read if read is not None else estimate_all(fit)
    known = Counterparts(fit, rows, ties, interval)
    alone = WithoutPrior(known)
    compared: list[Row] = []
    for estimand, estimates in found:
        if isinstance(estimand, HazardRatio):
            compared += hazard_ratio_rows(known, alone, estimand, estimates)
        elif isinstance(estimand, Curve):
            compared += curve_rows(known, alone, estimand, estimates)
    compared += lone_tests(known)
    table = pd.DataFrame([_flat(fit, rows, row) for row in compared], columns=COLUMNS)
    return Agreement(table, conventions_of(ties, interval), estimates_table(found), fit.mark)


def main_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Of an agreement table the first row of each quantity: its main counterpart."""
    quantities = table[QUANTITY].astype(str).agg("\0".join, axis=1)
    return table[~quantities.duplicated() | (table["unit"] == "p")].reset_index(drop=True)


def _flat(fit: Fit, rows: Cohort, row: Row) -> dict[str, Any]:
    verdict = row.comparison.verdict
    bayes, freq = row.comparison.bayes, row.comparison.freq
    return {
        "endpoint": fit.analysis.endpoint.name,
        "group": "",
        "versus": "",
        "contrast": "none",
        "subgroup": "",
        "population": "cohort",
        "at": math.nan,
        "given": math.nan,
        **row.identity,
        "adjusted": row.adjusted,
        "bayes": bayes.estimate,
        "bayes_lower": bayes.lower,
        "bayes_upper": bayes.upper,
        "frequentist": freq.estimate,
        "freq_lower": freq.lower,
        "freq_upper": freq.upper,
        "method": row.method,
        "convention": row.convention,
        "rows_bayes": float(rows.weight.sum()),
        "rows_freq": row.rows_freq,
        "difference_in_se": verdict.difference_in_se,
        "width_ratio": verdict.width_ratio,
        "verdict": verdict.verdict,
        "reason_code": verdict.codes,
        "reason": verdict.sentence,
    }


__all__ = ["COLUMNS", "REASONS", "Agreement", "compare_with_frequentist", "main_rows"]
