"""The penalised partial likelihood of a Cox model with a random effect of each cluster, at a given variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import linalg

from bayes_rrmm.frequentist.deaths import PartialLikelihood
from bayes_rrmm.frequentist.newton import climb
from bayes_rrmm.frequentist.rows import Floats

Distribution = Literal["gamma", "gaussian"]
Information = Literal["full", "diagonal"]


@dataclass(frozen=True)
class Inner:
    """The maximum at one variance: coefficients (P,), log frailties b (G,), the partial likelihood there, without the penalty.

    `covariance`, (P + G, P + G), is the inverse of the penalised information, `log_determinant` that of its part of b times
    the variance.
    """

    variance: float
    coefficients: Floats
    log_frailty: Floats
    partial: float
    covariance: Floats
    log_determinant: float

    @property
    def point(self) -> Floats:
        """Coefficients, then log frailties."""
        return np.concatenate([self.coefficients, self.log_frailty])


@dataclass(frozen=True)
class Penalised:
    """Cox's partial likelihood plus log frailties b, whose indicators are the last `clusters` columns, with a penalty.

    With variance theta the penalty is the sum of b^2 / (2 theta) for Gaussian b, and of (exp(b) - b) / theta for gamma frailties
    exp(b) with mean 1: at its maximum, for fixed theta, stand the estimates of the gamma frailty's marginal likelihood
    (Therneau, Grambsch and Pankratz 2003). `information` "diagonal" leaves the products of two b out of the information, as
    R's coxph does with more than 5 clusters; the maximum is the same.
    """

    partial: PartialLikelihood
    clusters: int
    distribution: Distribution
    information: Information

    def fit(self, variance: float, start: Floats) -> Inner:
        """The maximum at one variance, from `start`, (P + G,). Raises FitError where the iterations do not converge."""
        fixed = len(start) - self.clusters

        def objective(point: Floats) -> tuple[float, Floats, Floats]:
            value, gradient, information = self.partial(point)
            penalty, slope, curve = self._penalty(point[fixed:], variance)
            gradient[fixed:] -= slope
            information[np.arange(fixed, len(point)), np.arange(fixed, len(point))] += curve
            return value - penalty, gradient, information

        peak = climb(objective, start, "Cox model with frailty")
        effects = peak.point[fixed:]
        information = peak.information
        if self.information == "diagonal":
            information = information.copy()
            information[fixed:, fixed:] = np.diag(np.diag(information)[fixed:])
        return Inner(
            variance=variance,
            coefficients=peak.point[:fixed],
            log_frailty=effects,
            partial=peak.value + self._penalty(effects, variance)[0],
            covariance=np.asarray(linalg.inv(information)),
            log_determinant=float(np.linalg.slogdet(variance * information[fixed:, fixed:])[1]),
        )

    def _penalty(self, effects: Floats, variance: float) -> tuple[float, Floats, Floats]:
        """The penalty and its first and second derivatives in each effect, (G,)."""
        if self.distribution == "gaussian":
            return float(np.sum(effects**2)) / (2 * variance), effects / variance, np.full(len(effects), 1 / variance)
        # exp(b) - b - 1: the constant is left out, so that the penalty of no frailty is 0.
        grown = np.expm1(effects)
        return float(np.sum(grown - effects)) / variance, grown / variance, np.exp(effects) / variance
