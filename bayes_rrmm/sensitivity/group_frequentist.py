"""What the frequentist wing says of a small group: Cox, Firth's Cox, the log-rank test by permutation."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.agreement.verdict import Reason
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import DataError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import Cox, permutation_log_rank
from bayes_rrmm.reading.contrasts import hazard_ratio_contrasts
from bayes_rrmm.sensitivity.group_question import GroupQuestion

COLUMNS = ["method", "convention", "hr", "lower", "upper", "p", "log_hr", "se", "rows", "note"]


@dataclass(frozen=True)
class Counted:
    """Patients and events of the group, and of the level it is compared with; frequency weights are counted."""

    patients: float
    events: float
    others: float
    other_events: float

    @property
    def share(self) -> float:
        """The group's share of the events of both; NaN where there are none."""
        both = self.events + self.other_events
        return self.events / both if both else math.nan


def counted(question: GroupQuestion, cohort: Cohort) -> Counted:
    """The sizes of the two groups compared."""
    sizes = []
    for level in (question.group, question.versus):
        rows = cohort.select(question.is_in_group(cohort, level))
        sizes += [rows.patients, rows.events]
    return Counted(*sizes)


def frequentist_table(question: GroupQuestion, fit: Fit, cohort: Cohort) -> pd.DataFrame:
    """A row a method: hazard ratio, limits, p, log hazard ratio and its standard error.

    Cox and Firth are adjusted as the fit is, with Efron's ties; the permutation test compares the two groups alone.
    """
    known = Counterparts(fit, cohort)
    found = [*_models(question, known), _permuted(question, known.rows_of(question.of))]
    return pd.DataFrame(found, columns=COLUMNS)


def cox_alone(question: GroupQuestion, fit: Fit, cohort: Cohort) -> dict[Hashable, Any]:
    """The Cox row of `frequentist_table` on other rows, or Firth's where Cox has no finite estimate; without numbers, `note`
    says why."""
    try:
        rows = pd.DataFrame(_models(question, Counterparts(fit, cohort)), columns=COLUMNS).to_dict("records")
    except DataError:  # a column of the design is constant in these rows
        rows = pd.DataFrame([_no_row("Cox", "these rows cannot tell the covariates apart")], columns=COLUMNS).to_dict("records")
    return next((row for row in rows if math.isfinite(row["log_hr"])), rows[0])


def _models(question: GroupQuestion, known: Counterparts) -> list[list[object]]:
    """The rows of Cox and, where there is one, of Firth's Cox."""
    (contrast,) = hazard_ratio_contrasts(known.fit.plan, question.estimand)
    weights, rows = known.weights_of(contrast), float(known.complete.weight.sum())
    others = [name for name in known.fit.analysis.formula.variables if name != question.of]
    adjusted = f"adjusted for {', '.join(others)}" if others else "no other covariate"
    found = [_cox(known.cox, weights, known.prob, f"Efron ties, Wald interval, {adjusted}", rows)]
    if known.firth is not None:
        firth = known.firth.contrast(weights, known.prob)
        convention = f"Efron ties, profile-likelihood interval and test, {adjusted}"
        note = "the data say nothing of it" if math.isnan(firth.estimate) else ""
        limits = (firth.estimate, firth.lower, firth.upper)
        found.append(_row("Firth Cox", convention, limits, firth.error, firth.p, rows, note))
    return found


def data_error(table: pd.DataFrame) -> tuple[float, float, str]:
    """Log hazard ratio and standard error of the data alone: Cox's, Firth's where Cox has none, NaN where neither has."""
    for method in ("Cox", "Firth Cox"):
        for row in table[table["method"] == method].to_dict("records"):
            if math.isfinite(row["log_hr"]) and math.isfinite(row["se"]) and row["se"] > 0:
                return float(row["log_hr"]), float(row["se"]), method
    return math.nan, math.nan, ""


def _cox(model: Cox | Reason, weights: Floats, prob: float, convention: str, rows: float) -> list[object]:
    if isinstance(model, Reason):
        return _row("Cox", convention, (math.nan,) * 3, math.nan, math.nan, rows, model.code)
    estimate, error, lower, upper = model.contrast(weights, prob)
    if not (math.isfinite(estimate) and math.isfinite(error)):
        note = "no finite estimate: the likelihood is monotone"
        return _row("Cox", convention, (math.nan,) * 3, math.nan, math.nan, rows, note)
    p = 2.0 * float(ndtr(-abs(estimate) / error))
    return _row("Cox", convention, (estimate, lower, upper), error, p, rows, "")


def _permuted(question: GroupQuestion, rows: Cohort) -> list[object]:
    both = rows.select(question.is_in_group(rows) | question.is_in_group(rows, question.versus))
    labels = both.covariates[question.of].to_numpy(dtype=str)
    nothing = (math.nan,) * 3
    size = float(both.weight.sum())
    try:
        test = permutation_log_rank(both.time, both.event, labels, both.entry, both.weight)
    except DataError as error:
        return _row("permutation log-rank", "", nothing, math.nan, math.nan, size, str(error))
    how = "all of them" if test.method == "exact" else f"drawn, Monte Carlo error {test.error:.4f}"
    convention = f"{test.arrangements:,} arrangements, {how}; {question.label} alone, unadjusted"
    together = any(ids is not None and len(np.unique(ids)) < len(ids) for ids in (both.id, both.cluster))
    reason = "rows of one subject or cluster are not exchangeable" if together else test.reason
    note = reason if test.valid and not together else f"NOT VALID: {reason}"
    return _row("permutation log-rank", convention, nothing, math.nan, test.p, size, note)


def _no_row(method: str, note: str) -> list[object]:
    return _row(method, "", (math.nan,) * 3, math.nan, math.nan, math.nan, note)


def _row(
    method: str, convention: str, log: tuple[float, ...], se: float, p: float, rows: float, note: str
) -> list[object]:
    hr, lower, upper = (math.inf if value > 700 else math.exp(value) for value in log)
    return [method, convention, hr, lower, upper, p, log[0], se, rows, note]
