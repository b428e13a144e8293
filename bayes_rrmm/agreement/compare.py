"""The agreement table: every estimand of a fit beside its frequentist counterpart from the same rows."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from bayes_rrmm.agreement.cox_side import cox_model, cox_rows
from bayes_rrmm.agreement.curve_side import curve_rows
from bayes_rrmm.agreement.entry_side import entry_rows
from bayes_rrmm.agreement.row import Comparison, Row
from bayes_rrmm.agreement.text import agreement_text
from bayes_rrmm.agreement.verdict import REASONS
from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.errors import RunFolderError
from bayes_rrmm.estimands import AnyEstimand, Curve, HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import log_rank
from bayes_rrmm.reading import Estimates, estimate_all

COLUMNS = [
    "estimand", "endpoint", "term", "group", "versus", "contrast", "subgroup", "population", "adjusted", "at",
    "given", "unit", "bayes", "bayes_lower", "bayes_upper", "frequentist", "freq_lower", "freq_upper", "method",
    "convention", "rows_bayes", "rows_freq", "difference_in_se", "width_ratio", "verdict", "reason_code", "reason",
]  # fmt: skip
CONVENTIONS = (
    "Cox: Efron ties, Wald intervals",
    "Kaplan-Meier: log-log intervals, median the first t with S(t) <= 1/2",
    "RMST: area under Kaplan-Meier, Greenwood-type variance",
    "difference in frequentist standard errors and width ratio: log HR, log(-log S), log median, RMST as it is",
)


@dataclass(frozen=True)
class Agreement:
    """The table, and the conventions it was made under."""

    table: pd.DataFrame
    conventions: tuple[str, ...] = CONVENTIONS
    mark: str = ""

    def to_dataframe(self) -> pd.DataFrame:
        """crosscheck.csv."""
        return self.table

    def _repr_html_(self) -> str:
        mark = f"<p><strong>{html.escape(self.mark)}</strong></p>" if self.mark else ""
        return f"{mark}{self.table.to_html(index=False)}<p>{'<br>'.join(map(html.escape, self.conventions))}</p>"

    def __str__(self) -> str:
        text = agreement_text(self.table, self.conventions)
        return f"{self.mark}\n{text}" if self.mark else text


def compare_with_frequentist(
    fit: Fit, cohort: Cohort | None = None, read: list[tuple[AnyEstimand, Estimates]] | None = None
) -> Agreement:
    """The agreement table of the fit's estimands (or those `read`), from the rows it was fitted to.

    Raises FitError where the fit was saved without rows and none are given, RunFolderError where `cohort` is not what
    the fit was made from.
    """
    rows = cohort if cohort is not None else fit.require_cohort("the cross-check")
    if rows is not fit.cohort:
        made_from = fit.provenance.get("data", {}).get("fingerprint") if fit.cohort is None else fit.cohort.fingerprint
        if made_from is not None and rows.fingerprint != made_from:
            raise RunFolderError("the cohort given is not the one the fit was made from; a cross-check needs the same rows.")
    fit = fit if fit.cohort is not None else replace(fit, cohort=rows)
    found = read if read is not None else estimate_all(fit)
    compared: list[Row] = []
    asks_cox = any(isinstance(estimand, HazardRatio) for estimand, _ in found)
    model = cox_model(fit, rows) if asks_cox else ""
    for estimand, estimates in found:
        if isinstance(estimand, HazardRatio):
            compared += cox_rows(fit, rows, model, estimand, estimates)
        elif isinstance(estimand, Curve):
            compared += curve_rows(fit, rows, estimand, estimates)
    compared += _tests(fit, rows)
    return Agreement(pd.DataFrame([_flat(fit, rows, row) for row in compared], columns=COLUMNS), mark=fit.mark)


def _tests(fit: Fit, rows: Cohort) -> Iterator[Row]:
    for group in fit.plan.encoding.groups:
        known = rows.select(rows.is_complete((group.name,)))
        labels = known.covariates[group.name].to_numpy(dtype=str)
        test = log_rank(known.time, known.event, labels, known.entry, known.weight)
        yield Row(
            identity={"estimand": "log-rank", "term": group.name, "unit": "p"},
            comparison=Comparison.of_test(test.p, [] if len(known) == len(rows) else ["different-rows"]),
            method=f"{test.method}, chi-square {test.statistic:.3f} on {test.degrees_of_freedom} df, p",
            convention="all groups, unadjusted",
            adjusted=False,
            rows_freq=float(known.weight.sum()),
        )
    yield from entry_rows(rows)


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


__all__ = ["COLUMNS", "CONVENTIONS", "REASONS", "Agreement", "compare_with_frequentist"]
