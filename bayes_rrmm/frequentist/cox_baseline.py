"""The baseline cumulative hazard of a fitted Cox model, with delayed entry (lifelines' ignores entry, its issue 1416)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from bayes_rrmm.errors import DataError, FitError, listed
from bayes_rrmm.frequentist.cox import Cox
from bayes_rrmm.frequentist.deaths import Deaths
from bayes_rrmm.frequentist.moments import Factors
from bayes_rrmm.frequentist.risk_sets import event_times, risk_sets
from bayes_rrmm.frequentist.rows import Floats, Rows, as_rows

FAR = 40.0
"""Added to a log hazard ratio without a finite estimate: e^40 is as good as infinite."""


@dataclass(frozen=True)
class CoxBaseline:
    """H0, the cumulative hazard of x = 0 since `start`: it jumps at the K event times `time`, (K,), in the data's unit.

    `hazard` are the jumps and `variance` theirs at known coefficients, independent of each other and of the coefficients;
    `slope`, (K, P), is the derivative of minus each jump in the coefficients. `last_follow_up` is where the data end.
    """

    start: float
    time: Floats
    hazard: Floats
    variance: Floats
    slope: Floats
    last_follow_up: float

    def cumulative_at(self, times: ArrayLike) -> Floats:
        """H0 at each of `times`, shape (T,): NaN before the start and beyond the last follow-up."""
        wanted = np.asarray(times, dtype=np.float64)
        total = np.append(0.0, np.cumsum(self.hazard))
        known = (wanted >= self.start) & (wanted <= self.last_follow_up)
        return np.where(known, total[np.searchsorted(self.time, wanted, side="right")], np.nan)


def cox_baseline(
    fit: Cox,
    design: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    start: float = 0.0,
) -> CoxBaseline:
    """H0 of a fit and the rows it was made from: design (N, P), the rest (N,); a row is at risk at t if entry < t <= exit.

    Under delayed entry few may be at risk early, and one death then adds much: `start` leaves out the jumps up to it, for S(t)
    given survival to `start`, as Kaplan-Meier's here begins where ten are at risk (its `start`).

    By the ties of the fit: Breslow (1974), or Efron's counterpart, in which the d who die at a time leave one after the other
    (Therneau and Grambsch 2000, section 10.2); R's `survfit` and `basehaz` give the same. Variances by Tsiatis (1981). Raises
    DataError where the rows are not those of the fit, or it has strata; FitError where a coefficient has no finite estimate.
    """
    rows, columns = as_rows(time, event, entry, weight), np.asarray(design, dtype=np.float64)
    _refuse(fit, columns, rows)
    sets = risk_sets(rows)
    deaths, seen = Deaths.of(sets, fit.ties), columns[sets.row]
    relative = sets.weight * np.exp(seen @ fit.coefficients)
    exposed = deaths.sums(relative[:, None])[:, 0]
    mean = deaths.sums(relative[:, None] * seen) / exposed[:, None]

    times = event_times(rows)
    # An event at time 0 belongs to a curve that begins there, as to Kaplan-Meier's.
    after = times > start if start > 0 else np.full(len(times), True)

    def jumps(values: Floats) -> Floats:
        return np.bincount(deaths.time, weights=values, minlength=sets.size)[after]

    return CoxBaseline(
        start=start,
        time=times[after],
        hazard=jumps(deaths.count / exposed),
        variance=jumps(deaths.count / exposed**2),
        slope=np.column_stack([jumps(deaths.count * column / exposed) for column in mean.T]),
        last_follow_up=float(np.max(rows.time)),
    )


def at_its_limit(
    fit: Cox, design: ArrayLike, time: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None, weight: ArrayLike | None = None
) -> Cox:
    """The fit with coefficients so far along its monotone directions that the likelihood is at its limit, for curves from it.

    A level without events then has a hazard of nothing, and S = 1; every other curve is that of the limit, which the data
    determine (R's `survfit` of such a `coxph` gives the same). Arguments are the rows of the fit. A fit with finite coefficients
    is returned as it is. Raises FitError where no such point is found: the data say nothing of a coefficient, or columns
    separate the events together.
    """
    if fit.at_infinity is None:
        return fit
    rows, columns = as_rows(time, event, entry, weight), np.asarray(design, dtype=np.float64)
    finite = fit.at_infinity
    pushed = finite.coefficients + FAR * np.where(np.isinf(fit.coefficients), np.sign(fit.coefficients), 0.0)
    sets = risk_sets(rows)
    seen = columns[sets.row]
    with np.errstate(all="ignore"):  # far out, the likelihood of what is not at its limit is 0
        reached = Factors.of(seen, sets, pushed, fit.ties).log_likelihood(seen @ pushed)
    if np.any(np.isnan(fit.coefficients)) or not abs(reached - fit.log_likelihood) < 1e-6 * max(1.0, abs(fit.log_likelihood)):
        raise FitError(f"no curves at the likelihood's limit: {listed(fit.monotone)} have no finite coefficient. Leave them out.")
    return replace(fit, coefficients=pushed, covariance=finite.covariance, monotone=(), at_infinity=None)


def _refuse(fit: Cox, columns: Floats, rows: Rows) -> None:
    """Raises DataError or FitError where there is no one baseline of these rows."""
    if fit.strata:
        raise DataError("the fit has strata, each with a baseline of its own: ask for one stratum at a time.")
    if fit.monotone:
        raise FitError(
            f"no baseline hazard: {listed(fit.monotone)} have no finite coefficient. Leave them out, or take a penalised fit."
        )
    size = float(np.sum(rows.weight)), float(np.sum(rows.weight * rows.event))
    if columns.shape != (len(rows), len(fit.names)) or size != (fit.rows, fit.events):
        raise DataError(
            f"these are not the rows of the fit: it has {fit.rows:g} rows with {fit.events:g} events and {len(fit.names)} columns, "
            f"these are {size[0]:g} with {size[1]:g} and a design of shape {columns.shape}. Give the rows the fit was made from."
        )
