"""Immortal time: what a cohort selected at a later event makes of survival from an earlier origin, and what delayed entry says.

Patients who had to live to their first relapse to be in the cohort cannot die before it: from diagnosis, that time is immortal.
Counting it as time at risk makes survival look longer; letting each patient enter the risk set when they joined does not.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_rrmm.agreement.entry_side import entry_test
from bayes_rrmm.agreement.immortal_text import immortal_text
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.estimands import Median, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import IndependentEntry, KaplanMeier, at_risk, kaplan_meier
from bayes_rrmm.frequentist.kaplan_meier import NOT_KNOWN, Estimate
from bayes_rrmm.reading import Estimates, estimate
from bayes_rrmm.reading.summary import summary_of

SHARES = (0.125, 0.25, 0.5, 0.75)
"""Where S(t) is read when no times are named: these shares of the last follow-up, rounded."""


@dataclass(frozen=True)
class ImmortalTime:
    """Both analyses side by side. `table` has a row a quantity: quantity, at, unit, then naive and delayed entry, each with its
    limits, Kaplan-Meier and, where fits were given, Bayesian.

    `start` is the first time with at least 10 at risk under delayed entry (infinity: never), where that curve begins; `risk`
    has the numbers at risk by time. `immortal` is the share of the naive time at risk that lies before entry. `test` is that
    of independent entry.
    """

    table: pd.DataFrame
    risk: pd.DataFrame
    test: IndependentEntry
    start: float
    immortal: float
    patients: float
    endpoint: str
    unit: str
    mark: str = ""

    def to_dataframe(self) -> pd.DataFrame:
        """The table: medians and S(t)."""
        return self.table

    def __str__(self) -> str:
        return immortal_text(self)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def immortal_time(
    cohort: Cohort,
    *,
    at: Sequence[float] | None = None,
    naive: Fit | tuple[Estimates, ...] | None = None,
    delayed: Fit | tuple[Estimates, ...] | None = None,
) -> ImmortalTime:
    """A cohort with delayed entry analysed as though everyone had been followed from time 0, and with delayed entry.

    `at` are the times of S(t), in the cohort's unit. `naive` and `delayed` put Bayesian numbers beside: a fit without and one with
    the entry column, or the Estimates read from them (a median, survival, or both, of everyone). Raises DataError where nobody
    enters late, FitError where the fits are the wrong way round or Estimates are of groups.
    """
    test = entry_test(cohort)
    if test is None:
        raise DataError(
            f"nobody of {cohort.origin} enters later than others, so no time is immortal; "
            "name the column of entry times in the analysis, as entry in [endpoint]."
        )
    times = np.asarray(_times(cohort) if at is None or not len(at) else sorted(at), dtype=np.float64)
    outcome = (cohort.time, cohort.event)
    curves = {
        "naive": kaplan_meier(*outcome, weight=cohort.weight, label="naive"),
        "delayed": kaplan_meier(*outcome, cohort.entry, cohort.weight, label="delayed entry"),
    }
    fits = {"naive": naive, "delayed": delayed}
    posteriors = {side: _read(fits[side], side, times, cohort, curves["delayed"].start) for side in fits}
    rows = [_row("median", math.nan, cohort.unit, curves, posteriors)]
    rows += [_row("survival", float(t), "probability", curves, posteriors) for t in times]
    marks = [fit.mark for fit in fits.values() if isinstance(fit, Fit) and fit.mark]
    return ImmortalTime(
        table=pd.DataFrame(rows),
        risk=_numbers_at_risk(cohort, times),
        test=test,
        start=curves["delayed"].start,
        immortal=float(np.sum(cohort.weight * cohort.entry) / np.sum(cohort.weight * cohort.time)),
        patients=cohort.patients,
        endpoint=cohort.endpoint.name,
        unit=cohort.unit,
        mark="; ".join(marks),
    )


def _times(cohort: Cohort) -> list[float]:
    last = float(cohort.time.max())
    digits = 1 - math.floor(math.log10(last))
    return sorted({round(share * last, digits) for share in SHARES})


def _numbers_at_risk(cohort: Cohort, times: Floats) -> pd.DataFrame:
    """At each time, and before the first: who is at risk naively, who is under observation, who has yet to enter."""
    early = np.unique(np.concatenate([times[0] * np.array([0.125, 0.25, 0.5]), times]))
    naive = at_risk(early, cohort.time, weight=cohort.weight)
    present = at_risk(early, cohort.time, cohort.entry, cohort.weight)
    return pd.DataFrame({"time": early, "naive": naive, "delayed": present, "immortal": naive - present})


def _row(
    quantity: str, at: float, unit: str, curves: dict[str, KaplanMeier], posteriors: dict[str, dict[float, Estimate]]
) -> dict[str, object]:
    row: dict[str, object] = {"quantity": quantity, "at": at, "unit": unit}
    for side, curve in curves.items():
        found = curve.median() if quantity == "median" else curve.survival_at(at)
        row |= dict(zip((side, f"{side}_lower", f"{side}_upper"), found, strict=True))
    for side, read in posteriors.items():
        found = read.get(0.0 if quantity == "median" else at, NOT_KNOWN)
        row |= dict(zip((f"{side}_bayes", f"{side}_bayes_lower", f"{side}_bayes_upper"), found, strict=True))
    return row


def _read(
    source: Fit | tuple[Estimates, ...] | None, side: str, times: Floats, cohort: Cohort, start: float
) -> dict[float, Estimate]:
    """Posterior median and limits of S at each time, and of the median under the time 0; with delayed entry given survival to
    `start`."""
    read: tuple[Estimates, ...] = ()
    if isinstance(source, Fit):
        if (source.analysis.endpoint.entry is None) != (side == "naive"):
            has = "no entry column" if source.analysis.endpoint.entry is None else "an entry column"
            raise FitError(f"the {side} fit has {has}: give the one without it as naive, the one with it as delayed.")
        later = tuple(times[times > source.plan.start].tolist())
        read = (estimate(source, Median()), *([estimate(source, Survival(at=later))] if later else []))
    elif source is not None:
        read = source
    found = {}
    for estimates in read:
        _require_fitting(estimates, cohort, start if side == "delayed" else 0.0)
        if estimates.estimand == "median":
            found[0.0] = _summary(estimates)
        for t in estimates.draws["time"].to_numpy() if "time" in estimates.label_dims else ():
            found[float(t)] = _summary(estimates.sel(time=float(t)))
    return found


def _require_fitting(estimates: Estimates, cohort: Cohort, start: float) -> None:
    if estimates.estimand not in ("median", "survival") or set(estimates.label_dims) - {"time"}:
        raise FitError(f"immortal time compares medians and survival of everyone, not {estimates.estimand} by group; leave out by.")
    if (estimates.given or 0.0) != start:
        raise FitError("survival given that another time was reached has no immortal counterpart; leave out given.")
    if estimates.estimand == "median" and estimates.unit != cohort.unit:
        raise FitError(f"the estimates are in {estimates.unit} and the cohort in {cohort.unit}; use one unit.")


def _summary(estimates: Estimates) -> Estimate:
    summary = summary_of(estimates.draws.to_numpy().ravel(), estimates.interval, None, estimates.scale)
    return summary["median"], summary["lower"], summary["upper"]

