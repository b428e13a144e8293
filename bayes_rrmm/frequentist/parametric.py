"""Maximum likelihood on the proportional-hazards scale: exponential, Weibull and piecewise-exponential models.

h(t) = h0(t) exp((x - centre)' beta), with the baselines of STATISTICS section 2, so that each number stands beside its
Bayesian counterpart. R's `survreg` (exponential, Weibull) and its Poisson `glm` on split person-time (piecewise) give the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.frequentist.columns import standardised
from bayes_rrmm.frequentist.parametric_fits import OwnScale, fit_piecewise, fit_weibull
from bayes_rrmm.frequentist.rows import Floats, Rows, as_rows
from bayes_rrmm.hazards import Baseline, Exponential, PiecewiseExponential, Weibull

Family = Literal["exponential", "weibull", "piecewise"]


@dataclass(frozen=True)
class Parametric:
    """A fitted model; `coefficients` (P,) are log hazard ratios on the columns' own scale, `baseline` (B,) is at x = `centre`.

    `baseline_names` say what it holds: log_rate (per unit of time; of H0 at time 1), log_shape, or log_hazard_1 .. _J of the
    intervals made by `cuts`. `covariance`, (P + B, P + B), coefficients first, inverts the observed information. `monotone`
    names the parameters without a finite estimate (a level, or an interval, without events): infinity, minus infinity, or NaN
    where the data say nothing, with NaN covariances; `log_likelihood` is then the limit that the likelihood approaches.
    `rows` and `events` count weights. AIC is -2 `log_likelihood` + 2 (P + B).
    """

    family: Family
    names: tuple[str, ...]
    baseline_names: tuple[str, ...]
    coefficients: Floats
    baseline: Floats
    centre: Floats
    covariance: Floats
    log_likelihood: float
    rows: float
    events: float
    cuts: Floats
    monotone: tuple[str, ...] = ()
    finite: OwnScale | None = field(default=None, repr=False, compare=False)

    @property
    def aic(self) -> float:
        """Akaike's criterion, smaller is better; comparable between the families of one data set and unit of time."""
        return -2.0 * self.log_likelihood + 2.0 * (len(self.names) + len(self.baseline_names))

    @property
    def hazard(self) -> Baseline:
        """The baseline hazard at x = `centre` as one draw: S(t), quantiles and RMST of bayes_rrmm.hazards apply."""
        if self.family == "weibull":
            return Weibull(self.baseline[:1], self.baseline[1:])
        if self.family == "exponential":
            return Exponential(self.baseline)
        return PiecewiseExponential(self.baseline[None, :], self.cuts)

    def contrast(self, vector: ArrayLike, prob: float = 0.95) -> tuple[float, float, float, float]:
        """vector' coefficients, the log hazard ratio it stands for: estimate, standard error and Wald limits. `vector`: (P,).

        A contrast between two columns without finite estimates may itself be finite. One that is not has the estimate infinity,
        minus infinity or NaN, and everything between its limits.
        """
        weights = np.asarray(vector, dtype=np.float64)
        if weights.shape != (len(self.names),):
            raise DataError(f"a contrast of shape {weights.shape}: give one number for each of {len(self.names)} columns.")
        return self._combination(np.concatenate([weights, np.zeros(len(self.baseline))]), prob)

    def parameter(self, name: str, prob: float = 0.95) -> tuple[float, float, float, float]:
        """A coefficient or a baseline parameter by name: estimate, standard error and Wald limits."""
        everything = (*self.names, *self.baseline_names)
        if name not in everything:
            raise DataError(f"the model has no parameter {name!r}; it has {', '.join(everything)}.")
        return self._combination(np.eye(len(everything))[everything.index(name)], prob)

    def _combination(self, weights: Floats, prob: float) -> tuple[float, float, float, float]:
        estimates, covariance = np.concatenate([self.coefficients, self.baseline]), self.covariance
        if self.finite is not None:
            if not self.finite.determines(weights):
                return self.finite.direction(weights), math.inf, -math.inf, math.inf
            estimates, covariance = self.finite.estimates, self.finite.covariance
        estimate, error = float(weights @ estimates), math.sqrt(max(float(weights @ covariance @ weights), 0.0))
        half_width = float(special.ndtri(0.5 + 0.5 * prob)) * error
        return estimate, error, estimate - half_width, estimate + half_width


def parametric(
    family: Family,
    design: ArrayLike,
    names: Sequence[str],
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    cuts: ArrayLike = (),
    centre: ArrayLike | None = None,
) -> Parametric:
    """Maximum likelihood of the columns of `design`, shape (N, P), P = 0 allowed, and of the baseline; the rest is (N,).

    `cuts`, (J - 1,), are for the piecewise family alone: intervals are closed on the right, the last open. The baseline is that
    of x = `centre`, (P,), by default the means of the rows. A row of weight w counts as w rows. A likelihood without a finite
    maximum is recognised before the fit and flagged, never iterated to a number. Raises DataError when a column of the endpoint
    breaks a rule or holds a time 0 (no density is there), a column of the design is not finite, constant or collinear, or a
    cut is not in order; FitError without events, where the Weibull shape has no finite estimate, or without convergence.
    """
    rows, labels = parametric_rows(time, event, entry, weight), tuple(names)
    columns = np.asarray(design, dtype=np.float64) if labels else np.empty((len(rows), 0))
    scaled, scale = standardised(columns, labels, len(rows)) if labels else (columns, np.empty(0))
    bounds = checked_cuts(family, cuts)
    at = np.average(columns, axis=0, weights=rows.weight) if centre is None else np.asarray(centre, dtype=np.float64)
    if at.shape != (len(labels),):
        raise DataError(f"'centre' has shape {at.shape}: give one value for each of {len(labels)} columns.")
    fitted = fit_weibull(scaled, rows, bounds) if family == "weibull" else fit_piecewise(scaled, rows, bounds)
    own = OwnScale.of(fitted, scale, (at - np.mean(columns, axis=0)) / scale)
    estimates, unbounded = own.reported()
    baseline_names = _baseline_names(family, len(bounds) + 1)
    return Parametric(
        family=family,
        names=labels,
        baseline_names=baseline_names,
        coefficients=estimates[: len(labels)],
        baseline=estimates[len(labels) :],
        centre=at,
        covariance=np.where(unbounded[:, None] | unbounded[None, :], math.nan, own.covariance),
        log_likelihood=fitted.log_likelihood,
        rows=float(np.sum(rows.weight)),
        events=float(np.sum(rows.weight * rows.event)),
        cuts=bounds,
        monotone=tuple(name for name, lost in zip((*labels, *baseline_names), unbounded, strict=True) if lost),
        finite=own if np.any(unbounded) else None,
    )


def _baseline_names(family: Family, intervals: int) -> tuple[str, ...]:
    if family == "piecewise":
        return tuple(f"log_hazard_{j + 1}" for j in range(intervals))
    return ("log_rate", "log_shape") if family == "weibull" else ("log_rate",)


def parametric_rows(time: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None, weight: ArrayLike | None = None) -> Rows:
    """The rows of a parametric model, columns (N,). Raises DataError at a broken rule or a time 0, FitError without events."""
    rows = as_rows(time, event, entry, weight)
    if np.any(rows.time <= 0):
        row = int(np.argmax(rows.time <= 0))
        raise DataError(
            f"row {row + 1}, 'time' is 0: a parametric model has no density there. Drop the row, or set half a day, and say so."
        )
    if not np.any(rows.event):
        raise FitError("there are no events: a hazard has no estimate but 0; ask for the follow-up instead, or wait for events.")
    return rows


def checked_cuts(family: Family, cuts: ArrayLike) -> Floats:
    """The cuts of a piecewise model, (J - 1,), and none of another. Raises DataError where they are not in order."""
    bounds = np.asarray(cuts, dtype=np.float64)
    if family != "piecewise":
        if bounds.size:
            raise DataError(f"cuts are for the piecewise family, not for {family!r}: leave them out.")
        return np.empty(0)
    if bounds.ndim != 1 or not np.all(np.isfinite(bounds)) or np.any(np.diff(np.concatenate([[0.0], bounds])) <= 0):
        raise DataError(f"the cuts are {bounds.tolist()}: they must be finite, above 0 and increasing.")
    return bounds
