"""Cox's proportional-hazards model: log hazard ratios, their covariance, and which of them have no finite estimate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.clustered import clustered_covariance, subjects_of
from bayes_rrmm.frequentist.columns import standardised
from bayes_rrmm.frequentist.monotone import Limit, limit
from bayes_rrmm.frequentist.partial_likelihood import maximise
from bayes_rrmm.frequentist.risk_sets import null_log_likelihood, risk_sets, strata_of
from bayes_rrmm.frequentist.rows import Flags, Floats, as_rows

Ties = Literal["efron", "breslow"]


@dataclass(frozen=True)
class AtInfinity:
    """What is left of a Cox model with a monotone likelihood: the limit, the columns' standard deviations, the finite part."""

    limit: Limit
    scale: Floats
    coefficients: Floats
    covariance: Floats


@dataclass(frozen=True)
class Cox:
    """A fitted Cox model; `coefficients` (P,) are log hazard ratios on the columns' own scale, `covariance` is (P, P).

    `monotone` names the columns without a finite estimate: the likelihood rises for ever along them (a level without events)
    or does not depend on them. Their coefficient is infinity, minus infinity, or NaN where the data say nothing, and their
    covariances are NaN; `log_likelihood` is then the limit that the likelihood approaches. `rows` and `events` count weights.
    With `clusters`, the number of subjects whose rows belong together, `covariance` is the robust one; without, it is 0.
    `strata` counts the strata, and is 0 without any.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    null_log_likelihood: float
    rows: float
    events: float
    ties: Ties
    monotone: tuple[str, ...] = ()
    at_infinity: AtInfinity | None = field(default=None, repr=False, compare=False)
    clusters: int = 0
    strata: int = 0

    def contrast(self, vector: ArrayLike, prob: float = 0.95) -> tuple[float, float, float, float]:
        """vector' coefficients, the log hazard ratio it stands for: estimate, standard error and Wald limits. `vector`: (P,).

        A contrast between two columns without finite estimates may itself be finite (two groups with events, a reference
        without). One that is not has the estimate infinity, minus infinity or NaN, and everything between its limits.
        """
        weights = np.asarray(vector, dtype=np.float64)
        if weights.shape != (len(self.names),):
            raise DataError(f"a contrast of shape {weights.shape}: give one number for each of {len(self.names)} columns.")
        coefficients, covariance = self.coefficients, self.covariance
        if self.at_infinity is not None:
            scaled = weights / self.at_infinity.scale
            if not self.at_infinity.limit.determines(scaled):
                return self.at_infinity.limit.direction(scaled), math.inf, -math.inf, math.inf
            coefficients, covariance = self.at_infinity.coefficients, self.at_infinity.covariance
        estimate = float(weights @ coefficients)
        error = math.sqrt(max(float(weights @ covariance @ weights), 0.0))
        half_width = float(special.ndtri(0.5 + 0.5 * prob)) * error
        return estimate, error, estimate - half_width, estimate + half_width


def cox(
    design: ArrayLike,
    names: Sequence[str],
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    ties: Ties = "efron",
    cluster: ArrayLike | None = None,
    strata: ArrayLike | None = None,
) -> Cox:
    """Maximum partial likelihood of the columns of `design`, shape (N, P), named by `names`; the others have shape (N,).

    Ties by Efron's method (lifelines) or Breslow's. A row of weight w counts as w rows: in Efron's method R's `weights` do
    not. A monotone likelihood is recognised before the fit and flagged, never iterated to a number. With `cluster`, the subject
    of each row, shape (N,), the covariance is Lin and Wei's, grouped by subject, as in R. With `strata`, the label of each
    row's stratum, shape (N,), every stratum has a baseline hazard of its own and they share the coefficients; a column that
    only differs between strata is flagged. Raises DataError when a column of the endpoint breaks a rule, or a column of the
    design is not finite, constant or collinear; FitError where the iterations do not converge.
    """
    rows = as_rows(time, event, entry, weight)
    labels = tuple(names)
    scaled, scale = standardised(design, labels, len(rows))
    stratum = None if strata is None else strata_of(strata, len(rows))
    sets = risk_sets(rows, stratum)
    ends = limit(scaled, sets)
    best = maximise(scaled @ ends.basis, ends.sets, ties)
    subject = None if cluster is None else subjects_of(cluster, len(rows))
    if subject is not None and ends.basis.shape[1]:
        seen = ends.sets.row
        best = replace(best, covariance=clustered_covariance((scaled @ ends.basis)[seen], ends.sets, best, ties, subject[seen]))
    coefficients = ends.basis @ best.coefficients / scale
    covariance = ends.basis @ best.covariance @ ends.basis.T / np.outer(scale, scale)
    unbounded = np.array([not ends.determines(axis) for axis in np.eye(len(labels))], dtype=bool)
    return Cox(
        names=labels,
        coefficients=_beyond(coefficients, unbounded, ends),
        covariance=np.where(unbounded[:, None] | unbounded[None, :], math.nan, covariance),
        log_likelihood=best.log_likelihood,
        null_log_likelihood=null_log_likelihood(sets, ties),
        rows=float(np.sum(rows.weight)),
        events=float(np.sum(rows.weight * rows.event)),
        ties=ties,
        monotone=tuple(labels[k] for k in np.flatnonzero(unbounded)),
        at_infinity=AtInfinity(ends, scale, coefficients, covariance) if np.any(unbounded) else None,
        clusters=0 if subject is None else int(subject.max()) + 1,
        strata=0 if stratum is None else int(stratum.max()) + 1,
    )


def _beyond(coefficients: Floats, unbounded: Flags, ends: Limit) -> Floats:
    """The coefficients, with infinity, minus infinity or NaN for those without a finite estimate."""
    axes = np.eye(len(coefficients))
    return np.array([ends.direction(axes[k]) if unbounded[k] else coefficients[k] for k in range(len(coefficients))])
