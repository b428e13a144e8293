"""Where a parametric survival likelihood has no finite maximum: its directions of recession, and what stays estimable.

With linear predictors eta = cells theta, a cell with an event wants its eta finite and one without wants it low: the
likelihood rises for ever along v exactly when cells v is 0 where there was an event, nowhere positive and somewhere negative
(Rockafellar 1970, section 27; for Poisson models Haberman 1974). A level without events is the common case. In the limit the
cells that fall to minus infinity contribute nothing, and what the others determine is finite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize

from bayes_rrmm.errors import FitError
from bayes_rrmm.frequentist.rows import Flags, Floats

SMALLEST_FALL = 1e-7
"""A fall of eta that counts, columns in standard deviations and |v| <= 1: ten times the tolerance of the solver."""


@dataclass(frozen=True)
class Recession:
    """The likelihood infinitely far along its directions of recession, of C cells with Q parameters.

    `kept`, shape (C,), are the cells that stay; `basis`, (Q, R), is an orthonormal basis of what they determine, the identity
    if that is everything.
    """

    cells: Floats
    failed: Flags
    kept: Flags
    basis: Floats

    def determines(self, contrast: Floats) -> bool:
        """Whether contrast' theta has a finite estimate."""
        beyond = contrast - self.basis @ (self.basis.T @ contrast)
        return float(np.linalg.norm(beyond)) <= 1e-6 * float(np.linalg.norm(contrast))

    def direction(self, contrast: Floats) -> float:
        """The estimate of a contrast without a finite one: infinity, minus infinity, or NaN where the data say nothing."""
        unit = contrast / np.linalg.norm(contrast)
        everyone = np.full(len(self.cells), True)
        up = float(unit @ _furthest(unit, self.cells, self.failed, everyone)) > 10 * SMALLEST_FALL
        down = float(unit @ _furthest(-unit, self.cells, self.failed, everyone)) < -10 * SMALLEST_FALL
        if up == down:
            return math.nan
        return math.inf if up else -math.inf


def recession(cells: Floats, failed: Flags) -> Recession:
    """Follow the directions of recession of `cells`, shape (C, Q), until none is left; `failed`: cells with an event, (C,)."""
    kept = np.full(len(cells), True)
    while np.any(kept & ~failed):
        fall = np.sum(cells[kept & ~failed], axis=0)
        length = max(float(np.linalg.norm(fall)), 1.0)
        drop = cells @ _furthest(-fall / length, cells, failed, kept)
        gone = kept & ~failed & (drop < -SMALLEST_FALL)
        if not np.any(gone):
            break
        kept = kept & ~gone
    basis = linalg.orth(cells[kept].T, rcond=1e-9) if np.any(kept) else np.empty((cells.shape[1], 0))
    return Recession(cells, failed, kept, np.eye(cells.shape[1]) if basis.shape[1] == cells.shape[1] else basis)


def _furthest(objective: Floats, cells: Floats, failed: Flags, kept: Flags) -> Floats:
    """The v that maximises objective'v among the directions along which the likelihood of the kept cells never falls.

    Of those with coordinates of at most 1 in the directions that leave the cells with events alone; 0 if there is none.
    """
    # The triangle of the QR factors has the null space of all the rows, and at most Q of them.
    triangle = np.linalg.qr(cells[failed], mode="r")
    free = linalg.null_space(triangle, rcond=1e-9) if np.any(failed) else np.eye(cells.shape[1])
    if free.shape[1] == 0:
        return np.zeros(cells.shape[1])
    others = np.unique(np.round(cells[kept & ~failed] @ free, 12), axis=0)
    found = optimize.linprog(-(objective @ free), A_ub=others, b_ub=np.zeros(len(others)), bounds=(-1.0, 1.0), method="highs")
    if not found.success:
        raise FitError(f"the search for directions in which the likelihood rises for ever failed: {found.message}")
    return np.asarray(free @ found.x)
