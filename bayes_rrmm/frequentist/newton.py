"""Newton's method for a maximum: from derivatives in closed form, with a step that never lowers the value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from bayes_rrmm.errors import FitError
from bayes_rrmm.frequentist.rows import Floats

Objective = Callable[[Floats], tuple[float, Floats, Floats]]
"""Of a point, shape (Q,): the value, its gradient (Q,) and its information, minus the matrix of second derivatives (Q, Q)."""

MOST_STEPS = 30
"""Newton takes some ten; one that climbs for ever would take a step for each unit of a log rate, more than 40 to look flat."""

MOST_HALVINGS = 40

DECREMENT = 1e-18
"""Newton stops when half the squared distance to the maximum, in standard errors, is below this."""


@dataclass(frozen=True)
class Peak:
    """Where a function is largest: the point (Q,), its value, and its information there (Q, Q), positive definite."""

    point: Floats
    value: float
    information: Floats

    def covariance(self) -> Floats:
        """The inverse of the information, shape (Q, Q)."""
        return np.asarray(linalg.inv(self.information)) if len(self.point) else np.empty((0, 0))


def climb(objective: Objective, start: Floats, what: str) -> Peak:
    """The maximum near `start`, shape (Q,); `what` names the model in the error.

    Where the information is not positive definite the step follows its eigenvectors uphill. Raises FitError where the steps
    do not end: the function has no maximum, or is too flat for one to be found.
    """
    point = np.asarray(start, dtype=np.float64)
    value, gradient, information = objective(point)
    for _ in range(MOST_STEPS):
        step, curved = _uphill(information, gradient)
        if curved and 0.5 * float(gradient @ step) < DECREMENT:
            return Peak(point, value, information)
        for halving in range(MOST_HALVINGS):
            trial = point + step / 2.0**halving
            # Far too long a step overflows: its value is NaN or infinite, and the step is halved.
            with np.errstate(all="ignore"):
                proposed = objective(trial)
            if np.isfinite(proposed[0]) and proposed[0] >= value - 1e-12 * abs(value):
                break
        point, (value, gradient, information) = trial, proposed
        if not np.isfinite(value) or not np.all(np.isfinite(information)):
            break
    raise FitError(
        f"the {what} did not converge in {MOST_STEPS} steps of Newton's method. Look for columns that are nearly collinear "
        "and for events that crowd at one time; leave columns out, or take a model with priors."
    )


def _uphill(information: Floats, gradient: Floats) -> tuple[Floats, bool]:
    """The Newton step, and whether the information is positive definite; if not, its eigenvalues count by their size."""
    if len(gradient) == 0:
        return gradient, True
    try:
        return np.asarray(linalg.cho_solve(linalg.cho_factor(information), gradient)), True
    except linalg.LinAlgError:
        values, vectors = np.linalg.eigh(information)
        size = np.maximum(np.abs(values), 1e-8 * float(np.max(np.abs(values))))
        return np.asarray(vectors @ ((vectors.T @ gradient) / size)), False
