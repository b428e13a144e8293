"""Cox's model with Firth's penalty: finite hazard ratios and intervals where events are few, or none in a level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.columns import standardised
from bayes_rrmm.frequentist.cox import Ties
from bayes_rrmm.frequentist.firth_profile import Profile
from bayes_rrmm.frequentist.jeffreys import Height, JeffreysLikelihood
from bayes_rrmm.frequentist.monotone import SMALLEST_GAP, determined
from bayes_rrmm.frequentist.risk_sets import risk_sets, strata_of
from bayes_rrmm.frequentist.rows import Floats, as_rows


@dataclass(frozen=True)
class ProfileContrast:
    """A log hazard ratio: estimate, standard error, profile limits of probability `prob`, and the test that it is 0.

    The limits are where twice the penalised profile log-likelihood has fallen by the quantile of chi-squared with one degree of
    freedom; `statistic` is by how much it has fallen at 0, and `p` its tail. The error is the root of the inverse
    information, for comparison with Wald's. Where the data say nothing of the contrast the estimate, error, statistic and
    p are NaN, and everything is between the limits.
    """

    estimate: float
    error: float
    lower: float
    upper: float
    statistic: float
    p: float
    prob: float


@dataclass(frozen=True)
class AtMaximum:
    """The penalised likelihood of the standardised columns times `basis` (P, Q), its maximum, and the inverse information there.

    `scale` holds the standard deviations of the columns, (P,).
    """

    likelihood: JeffreysLikelihood
    peak: Height
    covariance: Floats
    basis: Floats
    scale: Floats

    @classmethod
    def of(cls, likelihood: JeffreysLikelihood, basis: Floats, scale: Floats) -> tuple[AtMaximum, float]:
        """The maximum, looked for from coefficients 0, and the value there."""
        size = basis.shape[1]
        if size == 0:
            flat = Height(np.empty(0), 0.0, np.empty(0), np.empty((0, 0)), np.empty((0, 0)))
            return cls(likelihood, flat, flat.information, basis, scale), 0.0
        null = likelihood.at(np.zeros(size))
        peak = likelihood.climb(null, np.eye(size))
        return cls(likelihood, peak, np.linalg.inv(peak.information), basis, scale), null.value

    def determines(self, contrast: Floats) -> bool:
        """Whether the data say anything of a contrast of the standardised columns, shape (P,)."""
        beyond = contrast - self.basis @ (self.basis.T @ contrast)
        return float(np.linalg.norm(beyond)) <= SMALLEST_GAP * float(np.linalg.norm(contrast))


@dataclass(frozen=True)
class FirthCox:
    """A fitted model; `coefficients` (P,) are log hazard ratios on the columns' own scale, `covariance` (P, P) is I^-1 there.

    Finite also where Cox's likelihood is monotone (a level without events). `undetermined` names the columns that differ in no
    risk set: their coefficients and covariances are NaN. `log_likelihood`, and `null_log_likelihood` at coefficients 0, are
    penalised, of the standardised columns: only their difference has a meaning. `rows` and `events` count weights; `strata`
    counts the strata, and is 0 without any.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    null_log_likelihood: float
    rows: float
    events: float
    ties: Ties
    undetermined: tuple[str, ...]
    strata: int
    maximum: AtMaximum = field(repr=False, compare=False)

    def contrast(self, vector: ArrayLike, prob: float = 0.95) -> ProfileContrast:
        """vector' coefficients, the log hazard ratio it stands for, by its penalised profile likelihood. `vector`: (P,).

        Raises DataError where `vector` has another shape or is 0, or `prob` is not between 0 and 1.
        """
        weights = np.asarray(vector, dtype=np.float64)
        if weights.shape != (len(self.names),) or not np.any(weights):
            size = len(self.names)
            raise DataError(f"a contrast of shape {weights.shape}: give one number for each of {size} columns, not all 0.")
        if not 0 < prob < 1:
            raise DataError(f"the probability of an interval is {prob}: give one between 0 and 1.")
        scaled = weights / self.maximum.scale
        if not self.maximum.determines(scaled):
            return ProfileContrast(math.nan, math.nan, -math.inf, math.inf, math.nan, math.nan, prob)
        top = self.maximum
        profile = Profile(top.likelihood, top.peak, top.basis.T @ scaled, top.covariance)
        reach = math.sqrt(float(special.chdtri(1, 1.0 - prob)))
        statistic = profile.fall(0.0)
        lower, upper = (profile.limit(side * reach) for side in (-1.0, 1.0))
        return ProfileContrast(profile.estimate, profile.error, lower, upper, statistic, float(special.chdtrc(1, statistic)), prob)


def firth_cox(
    design: ArrayLike,
    names: Sequence[str],
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    ties: Ties = "breslow",
    strata: ArrayLike | None = None,
) -> FirthCox:
    """Maximum penalised partial likelihood of the columns of `design`, (N, P), named by `names`; the others have shape (N,).

    Heinze and Schemper (2001), R's `coxphf`, which has Breslow's ties only; with Efron's the penalty is Jeffreys' for Efron's
    likelihood. A row of weight w counts as w rows. With `strata`, each row's label, every stratum has its own baseline hazard.
    Raises DataError when a column of the endpoint breaks a rule, or a column of the design is not finite, constant or
    collinear; FitError where the iterations do not converge.
    """
    rows = as_rows(time, event, entry, weight)
    labels = tuple(names)
    scaled, scale = standardised(design, labels, len(rows))
    stratum = None if strata is None else strata_of(strata, len(rows))
    sets = risk_sets(rows, stratum)
    basis = determined(scaled, sets)
    top, null = AtMaximum.of(JeffreysLikelihood((scaled @ basis)[sets.row], sets, ties), basis, scale)
    known = np.array([top.determines(axis) for axis in np.eye(len(labels))], dtype=bool)
    covariance = basis @ top.covariance @ basis.T / np.outer(scale, scale)
    return FirthCox(
        names=labels,
        coefficients=np.where(known, basis @ top.peak.coefficients / scale, math.nan),
        covariance=np.where(known[:, None] & known[None, :], covariance, math.nan),
        log_likelihood=top.peak.value,
        null_log_likelihood=null,
        rows=float(np.sum(rows.weight)),
        events=float(np.sum(rows.weight * rows.event)),
        ties=ties,
        undetermined=tuple(labels[k] for k in np.flatnonzero(~known)),
        strata=0 if stratum is None else int(stratum.max()) + 1,
        maximum=top,
    )
