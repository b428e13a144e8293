"""Cox in consecutive windows of time: a log hazard ratio in each, the effects of the other columns shared by all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.cox import Cox, Ties, cox
from bayes_rrmm.frequentist.rows import Flags, Floats, as_rows

SAME = 1e-9


@dataclass(frozen=True)
class WindowedCox:
    """J windows of time and the Cox model of their rows. `kept`, shape (J, Q), says which of the Q columns whose effect may
    change have a coefficient in each window: not one that is constant there, since nobody of its group is left at risk."""

    start: Floats
    end: Floats
    model: Cox
    kept: Flags

    def contrast(self, window: int, vector: ArrayLike, prob: float = 0.95) -> tuple[float, float, float, float]:
        """`Cox.contrast` of the columns that may change, (Q,), in one window: estimate, standard error and Wald limits of the log
        hazard ratio. NaN and everything where a column that it needs has no coefficient there."""
        weights = np.asarray(vector, dtype=np.float64)
        if np.any(weights[~self.kept[window]] != 0):
            return np.nan, np.inf, -np.inf, np.inf
        full = np.zeros(len(self.model.names))
        first = int(self.kept[:window].sum())
        own = weights[self.kept[window]]
        full[first : first + len(own)] = own
        return self.model.contrast(full, prob)


def windowed_cox(
    design: ArrayLike,
    names: Sequence[str],
    changing: Sequence[str],
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    cuts: ArrayLike = (),
    ties: Ties = "efron",
    cluster: ArrayLike | None = None,
) -> WindowedCox:
    """A Cox model in which the coefficients of the columns `changing` of `design`, (N, P), are others in each window between the
    `cuts`, and those of the rest are one for all: every row is split at the cuts, as R's `survSplit` does.

    An event on a cut belongs to the earlier window. With `cluster` errors are robust, grouped by it. Raises DataError where a
    column breaks a rule, columns are collinear or none varies in any window; FitError where the fit does not converge.
    """
    rows = as_rows(time, event, entry, weight)
    columns, inner = np.asarray(design, dtype=np.float64), np.asarray(cuts, dtype=np.float64)
    free = np.array([name in changing for name in names], dtype=bool)
    low, high = np.append(0.0, inner), np.append(inner, np.inf)
    index, window = np.nonzero((rows.time[:, None] > low) & (rows.entry[:, None] < high))
    split, own = columns[index], columns[index][:, free]
    kept = np.array([_varies(own[window == j]) for j in range(len(low))], dtype=bool).reshape(len(low), -1)
    made = [np.where(window == j, own[:, q], 0.0) for j, q in zip(*np.nonzero(kept), strict=True)]
    labels = [f"{np.asarray(names)[free][q]} in window {j + 1}" for j, q in zip(*np.nonzero(kept), strict=True)]
    if not made:
        raise DataError("none of the columns varies in any window: no hazard ratio can be estimated.")
    stop = np.minimum(rows.time[index], high[window])
    model = cox(
        np.column_stack([*made, split[:, ~free]]),
        [*labels, *np.asarray(names)[~free].tolist()],
        stop,
        rows.event[index] * (rows.time[index] <= high[window]),
        np.maximum(rows.entry[index], low[window]),
        rows.weight[index],
        ties=ties,
        cluster=None if cluster is None else np.asarray(cluster)[index],
    )
    return WindowedCox(np.maximum(low, rows.entry.min()), np.minimum(high, rows.time.max()), model, kept)


def _varies(columns: Floats) -> Flags:
    """Which columns are not constant among these rows."""
    return np.asarray(np.ptp(columns, axis=0) > SAME) if len(columns) else np.zeros(columns.shape[1], dtype=bool)
