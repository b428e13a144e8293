"""The columns of a design, checked and standardised."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bayes_rrmm.errors import DataError, listed
from bayes_rrmm.frequentist.rows import Floats


def standardised(design: ArrayLike, names: Sequence[str], rows: int) -> tuple[Floats, Floats]:
    """The columns of a design, (N, P), centred and in standard deviations, and these standard deviations, (P,).

    Raises DataError when there is no column, or when one of them is not finite, constant or collinear with others.
    """
    columns = np.asarray(design, dtype=np.float64)
    if columns.shape != (rows, len(names)):
        raise DataError(f"the design has shape {columns.shape}: it needs a row for each of {rows} rows and a column a name.")
    if len(names) == 0:
        raise DataError("the design has no columns: there is no effect to estimate.")
    if not np.all(np.isfinite(columns)):
        raise DataError(f"column {names[int(np.argwhere(~np.isfinite(columns))[0, 1])]!r} of the design has missing values.")
    constant = [name for name, spread in zip(names, np.ptp(columns, axis=0), strict=True) if spread == 0]
    if constant:
        raise DataError(f"constant columns of the design: {listed(constant)}. Leave them out: they have no effect to estimate.")
    scale = np.std(columns, axis=0)
    scaled = (columns - np.mean(columns, axis=0)) / scale
    if np.linalg.matrix_rank(scaled) < len(names):
        raise DataError(f"the columns of the design are collinear: {listed(names)}. Leave one out.")
    return scaled, scale
