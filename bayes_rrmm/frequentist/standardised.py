"""Standardised (marginal) survival from a Cox model: what a population's survival would be with a group set for everyone.

g-computation: S_a(t) = mean over the population of exp(-H0(t) exp(x_a' beta)), x_a a patient's columns with the group set to a.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.cox import Cox
from bayes_rrmm.frequentist.cox_baseline import CoxBaseline
from bayes_rrmm.frequentist.rows import Floats
from bayes_rrmm.frequentist.standardised_curve import StandardisedSurvival


def standardised_survival(
    fit: Cox,
    baseline: CoxBaseline,
    design: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    label: str = "",
    prob: float = 0.95,
) -> StandardisedSurvival:
    """S_a(t) of the population whose columns, with the group set to a, are `design`, (M, P), with weights `weight`, (M,).

    `baseline` is `cox_baseline` of the fit. Intervals by the delta method (Therneau and Grambsch 2000, section 10.2, for one
    patient; here summed over a population); with a clustered fit they would need the clusters' part in H0 too. Raises DataError
    where the columns are not those of the fit, or the fit is clustered.
    """
    if fit.clusters:
        raise DataError("the fit has a robust covariance by cluster, which standardised curves do not use: fit without 'cluster'.")
    columns, share = _population(design, weight, len(fit.names))
    relative = np.exp(columns @ fit.coefficients)
    total = np.cumsum(baseline.hazard)
    surviving = np.exp(-np.outer(total, relative)) * share
    fall = surviving @ relative
    moved = total[:, None] * (surviving @ (relative[:, None] * columns))
    return StandardisedSurvival(
        label=label,
        baseline=baseline,
        coefficients=fit.coefficients,
        covariance=fit.covariance,
        columns=columns,
        share=share,
        survival=np.sum(surviving, axis=1),
        fall=fall,
        tilt=moved - fall[:, None] * np.cumsum(baseline.slope, axis=0),
        prob=prob,
    )


def _population(design: ArrayLike, weight: ArrayLike | None, size: int) -> tuple[Floats, Floats]:
    """The distinct patients, (M', P), and the share of each, (M',). Raises DataError."""
    columns = np.asarray(design, dtype=np.float64)
    if columns.ndim != 2 or columns.shape[1] != size or not np.all(np.isfinite(columns)) or len(columns) == 0:
        raise DataError(f"the population has shape {columns.shape}: it needs rows of {size} finite columns, those of the fit.")
    counts = np.ones(len(columns)) if weight is None else np.asarray(weight, dtype=np.float64)
    if counts.shape != (len(columns),) or not np.all(counts > 0):
        raise DataError(f"'weight' has shape {counts.shape}: give a number above 0 for each of {len(columns)} rows.")
    distinct, pattern = np.unique(columns, axis=0, return_inverse=True)
    return distinct, np.bincount(pattern.reshape(-1), weights=counts) / np.sum(counts)
