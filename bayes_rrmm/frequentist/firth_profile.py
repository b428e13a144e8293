"""The penalised profile likelihood of one contrast: how far it falls, and where it has fallen by so much."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize

from bayes_rrmm.errors import FitError
from bayes_rrmm.frequentist.jeffreys import Height, JeffreysLikelihood
from bayes_rrmm.frequentist.rows import Floats

PRECISION = 1e-9
"""How close the limits are, in standard errors."""

MOST_DOUBLINGS = 20
"""How often a limit is looked for twice as far out, from where Wald's is."""

HIGHEST = 1e6
"""Stands for an infinite fall, where the determinant has vanished."""


@dataclass(frozen=True)
class Profile:
    """The profile over contrast' beta, `contrast` (P,), below the maximum `peak`; all on the likelihood's own columns."""

    likelihood: JeffreysLikelihood
    peak: Height
    contrast: Floats
    covariance: Floats

    @property
    def estimate(self) -> float:
        """contrast' beta at the maximum."""
        return float(self.contrast @ self.peak.coefficients)

    @property
    def error(self) -> float:
        """Its standard error, from the inverse of the information."""
        return math.sqrt(float(self.contrast @ self.covariance @ self.contrast))

    def fall(self, value: float) -> float:
        """Twice the fall of the penalised log-likelihood, maximised over the rest, where contrast' beta is held at `value`.

        The penalty is that of all coefficients there, as in Heinze and Schemper (2001). Raises FitError.
        """
        along = np.linalg.solve(self.peak.curvature, self.contrast)
        along = along / float(self.contrast @ along)
        start = self.likelihood.at(self.peak.coefficients + (value - self.estimate) * along)
        held = self.likelihood.climb(start, linalg.null_space(self.contrast[None, :])) if len(along) > 1 else start
        return min(max(2.0 * (self.peak.value - held.value), 0.0), HIGHEST)

    def limit(self, reach: float) -> float:
        """Where the fall is reach squared, below the estimate if `reach` is negative. Raises FitError where it is nowhere."""
        step = math.copysign(self.error, reach)

        def beyond(distance: float) -> float:
            # The root of the fall is nearly linear in the distance, so that its zero is found in a few steps.
            return math.sqrt(self.fall(self.estimate + distance * step)) - abs(reach)

        inner, outer = 0.0, abs(reach)
        for _ in range(MOST_DOUBLINGS):
            if beyond(outer) > 0:
                distance = optimize.brentq(beyond, inner, outer, xtol=PRECISION, rtol=4 * np.finfo(float).eps)
                return self.estimate + float(distance) * step
            inner, outer = outer, 2.0 * outer
        raise FitError(
            f"the penalised profile likelihood has not fallen enough {inner:g} standard errors from the estimate to give a limit: "
            "the data hardly speak of this contrast; leave its columns out, or take a model with priors."
        )
