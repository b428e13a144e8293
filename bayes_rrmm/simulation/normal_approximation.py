"""What a normal approximation expects of an estimate at a fixed truth: bias, spread, width, coverage, in closed form.

Group g of G has the log hazard level theta_g and d_g events, which tell of it as one draw y_g ~ Normal(theta_g, 1/d_g) does:
two groups' log hazard ratio then has the variance 1/d_a + 1/d_b that sample sizes are planned with (Schoenfeld, Biometrics
1983;39:499). A prior that is normal on differences between levels has a precision matrix K, zero along (1, .., 1). With
Q = diag(d) + K the posterior of theta is Normal(Q^-1 diag(d) y, Q^-1), so that at fixed theta all of it is normal. K = 0 is
maximum likelihood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from bayes_rrmm.cohort.record import Floats


@dataclass(frozen=True)
class Expected:
    """An estimate ~ Normal(truth + bias, sd^2) whose interval is the estimate -/+ z `error`, of probability `prob`."""

    truth: float
    bias: float
    sd: float
    error: float
    prob: float = 0.95

    @property
    def width(self) -> float:
        """Upper minus lower limit."""
        return 2.0 * float(ndtri(0.5 + 0.5 * self.prob)) * self.error

    @property
    def coverage(self) -> float:
        """Probability that the interval holds the truth; not `prob` where a prior pulls the estimate away from it."""
        half = 0.5 * self.width
        return float(ndtr((half - self.bias) / self.sd) - ndtr((-half - self.bias) / self.sd))

    @property
    def rmse(self) -> float:
        """Root of the mean squared error."""
        return math.hypot(self.bias, self.sd)

    @property
    def below_zero(self) -> float:
        """Probability that the whole interval is below 0: of posteriors, that P(HR < 1) exceeds 0.5 + prob / 2."""
        return float(ndtr((-0.5 * self.width - self.truth - self.bias) / self.sd))


def expected(events: ArrayLike, levels: ArrayLike, contrast: ArrayLike, precision: ArrayLike) -> Expected:
    """What to expect of contrast' theta; all in the order of the groups: `events` d and true `levels` theta (G,), `contrast`
    (G,), `precision` K (G, G)."""
    d, theta, weights = (np.asarray(values, dtype=np.float64) for values in (events, levels, contrast))
    reach = np.linalg.solve(np.diag(d) + np.asarray(precision, dtype=np.float64), weights)
    truth = float(weights @ theta)
    return Expected(truth, float((reach * d) @ theta) - truth, math.sqrt((reach**2) @ d), math.sqrt(weights @ reach))


def independent_precision(groups: int, reference: int, sd: float) -> Floats:
    """K of independent Normal(0, sd^2) priors on every group's log hazard ratio against the reference."""
    against = np.delete(np.eye(groups), reference, axis=0)
    against[:, reference] = -1.0
    return np.asarray(against.T @ against / sd**2)


def pooled_precision(groups: int, tau: float) -> Floats:
    """K of exchangeable levels: theta_g ~ Normal(mu, tau^2), about a mean mu of which nothing is known beforehand."""
    return np.asarray((np.eye(groups) - 1.0 / groups) / tau**2)
