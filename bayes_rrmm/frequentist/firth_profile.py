"""The penalised profile likelihood of one contrast: how far it falls, and where it has fallen by so much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg, optimize

from bayes_rrmm.errors import FitError
from bayes_rrmm.frequentist.jeffreys import Height, JeffreysLikelihood
from bayes_rrmm.frequentist.rows import Floats

PRECISION = 1e-9
"""How close the limits are, in standard errors."""

MOST_STEPS = 12
"""Newton takes six or seven to a limit from where Wald's is, or goes astray."""

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

    @cached_property
    def _rest(self) -> Floats:
        """The directions along which the contrast does not move, (P, P - 1)."""
        return np.asarray(linalg.null_space(self.contrast[None, :]))

    @cached_property
    def _along(self) -> Floats:
        """How the coefficients move with the contrast near the maximum, by one unit of it, (P,)."""
        along = np.linalg.solve(self.peak.curvature, self.contrast)
        return np.asarray(along / float(self.contrast @ along))

    def fall(self, value: float) -> float:
        """Twice the fall of the penalised log-likelihood, maximised over the rest, where contrast' beta is held at `value`.

        The penalty is that of all coefficients there, as in Heinze and Schemper (2001). Raises FitError.
        """
        start = self.likelihood.at(self.peak.coefficients + (value - self.estimate) * self._along)
        held = self.likelihood.climb(start, self._rest) if len(self.contrast) > 1 else start
        return min(max(2.0 * (self.peak.value - held.value), 0.0), HIGHEST)

    def limit(self, reach: float) -> float:
        """Where the fall is reach squared, below the estimate if `reach` is negative. Raises FitError where it is nowhere."""
        found = self._by_newton(reach)
        return self._by_bracketing(reach) if found is None else found

    def _by_newton(self, reach: float) -> float | None:
        """The limit by Newton's method for all coefficients at once, or None where that does not end at one.

        At the limit the gradient vanishes along the null space of the contrast and the fall is reach squared: as many equations as
        coefficients (Venzon and Moolgavkar 1988, Applied Statistics 37:87-94). The start is where a parabola has fallen so far.
        """
        steepness = float(self._along @ self.peak.curvature @ self._along)
        point = self.peak.coefficients + reach * self._along / math.sqrt(steepness)
        for _ in range(MOST_STEPS):
            with np.errstate(all="ignore"):
                here = self.likelihood.at(point)
            if not (np.isfinite(here.value) and np.isfinite(here.curvature).all()):
                return None
            residual = np.append(self._rest.T @ here.gradient, 2.0 * (self.peak.value - here.value) - reach**2)
            slopes = np.vstack([-self._rest.T @ here.curvature, -2.0 * here.gradient])
            try:
                step = -np.linalg.solve(slopes, residual)
            except np.linalg.LinAlgError:
                return None
            point = point + step
            if float(step @ self.peak.curvature @ step) < PRECISION**2:
                distance = float(self.contrast @ (point - self.peak.coefficients))
                falls = distance * float(self.contrast @ here.gradient) < 0 < distance * reach
                peaked = np.linalg.eigvalsh(self._rest.T @ here.curvature @ self._rest).min(initial=math.inf) > 0
                return self.estimate + distance if falls and peaked else None
        return None

    def _by_bracketing(self, reach: float) -> float:
        """The limit by looking ever further out, and then between: slow, and sure where the profile falls at all."""
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
