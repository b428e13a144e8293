"""Standardised (marginal) survival from a Cox model: what a population's survival would be with a group set for everyone.

g-computation: S_a(t) = mean over the population of exp(-H0(t) exp(x_a' beta)), x_a a patient's columns with the group set to a, H0
since the start of the baseline. Where some enter after it, the population is that of the source alive at the start: each stands for
those like them who did not live to enter, exp(H0(entry) exp(x' beta)) at the columns x they have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.cox import Cox
from bayes_rrmm.frequentist.cox_baseline import CoxBaseline
from bayes_rrmm.frequentist.rows import Floats
from bayes_rrmm.frequentist.standardised_curve import Late, StandardisedSurvival


def standardised_survival(
    fit: Cox,
    baseline: CoxBaseline,
    design: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    entry: ArrayLike | None = None,
    actual: ArrayLike | None = None,
    label: str = "",
    prob: float = 0.95,
) -> StandardisedSurvival:
    """S_a(t) of the population whose columns, with the group set to a, are `design`, (M, P), with weights `weight`, (M,).

    `baseline` is `cox_baseline` of the fit. `entry`, (M,), is from when each is under observation and `actual`, (M, P), their
    columns in the group they have (default: `design`): see above; without it all are there at the start. Intervals by the
    delta method (Therneau and Grambsch 2000, section 10.2, for one patient; here summed over a population); with a clustered fit
    they would need the clusters' part in H0 too. Raises DataError where the columns are not those of the fit, or the fit is
    clustered.
    """
    if fit.clusters:
        raise DataError("the fit has a robust covariance by cluster, which standardised curves do not use: fit without 'cluster'.")
    columns, share, late = _population(fit, baseline, design, weight, entry, actual)
    worth, moves = None, np.zeros((len(baseline.time), len(fit.names)))
    relative = np.exp(columns @ fit.coefficients)
    total = np.cumsum(baseline.hazard)
    curves = np.exp(-np.outer(total, relative))
    if late is not None:
        share = late.share(fit.coefficients, total)
        moves, worth = _moved_by_weights(late, curves - (curves @ share)[:, None], fit.coefficients, baseline)
    surviving = curves * share
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
        tilt=moved - fall[:, None] * np.cumsum(baseline.slope, axis=0) - moves,
        prob=prob,
        late=late,
        worth=worth,
    )


def _moved_by_weights(late: Late, beside: Floats, coefficients: Floats, baseline: CoxBaseline) -> tuple[Floats, Floats]:
    """What the curve owes to its weights being estimated: its derivatives in the coefficients, (K, P), and in the jumps, (K, K).

    log of a weight is H0(entry) exp(x' beta); `beside`, (K, M), is how far the curve of each design is from their mean.
    """
    size, designs = len(baseline.time), beside.shape[1]
    total = np.append(0.0, np.cumsum(baseline.hazard))
    slope = np.vstack([np.zeros(len(coefficients)), np.cumsum(baseline.slope, axis=0)])
    relative, each = np.exp(late.columns @ coefficients), late.weights(coefficients, total[1:])
    in_coefficients = (each * relative)[:, None] * (late.columns * total[late.passed, None] - slope[late.passed])
    by_design = np.zeros((designs, len(coefficients)))
    np.add.at(by_design, late.design, in_coefficients)
    by_entry = np.zeros((designs, size + 1))
    np.add.at(by_entry, (late.design, late.passed), each * relative)
    # A jump moves the weights of all who enter after it.
    entered_after = np.cumsum(by_entry[:, ::-1], axis=1)[:, ::-1][:, 1:]
    return beside @ by_design, beside @ entered_after


def _population(
    fit: Cox,
    baseline: CoxBaseline,
    design: ArrayLike,
    weight: ArrayLike | None,
    entry: ArrayLike | None,
    actual: ArrayLike | None,
) -> tuple[Floats, Floats, Late | None]:
    """The distinct designs, (M', P), the share of each, (M',), and who of the patients enters late. Raises DataError."""
    size = len(fit.names)
    columns = np.asarray(design, dtype=np.float64)
    if columns.ndim != 2 or columns.shape[1] != size or not np.all(np.isfinite(columns)) or len(columns) == 0:
        raise DataError(f"the population has shape {columns.shape}: it needs rows of {size} finite columns, those of the fit.")
    counts = np.ones(len(columns)) if weight is None else np.asarray(weight, dtype=np.float64)
    if counts.shape != (len(columns),) or not np.all(counts > 0):
        raise DataError(f"'weight' has shape {counts.shape}: give a number above 0 for each of {len(columns)} rows.")
    distinct, pattern = np.unique(columns, axis=0, return_inverse=True)
    pattern = pattern.reshape(-1)
    share = np.bincount(pattern, weights=counts) / np.sum(counts)
    entries = np.zeros(len(columns)) if entry is None else np.asarray(entry, dtype=np.float64)
    own = columns if actual is None else np.asarray(actual, dtype=np.float64)
    if own.shape != columns.shape or entries.shape != counts.shape:
        raise DataError(f"'actual' has shape {own.shape} and 'entry' {entries.shape}: give each of {len(columns)} rows its own.")
    passed = np.searchsorted(baseline.time, entries, side="right")
    return distinct, share, Late(own, passed, counts, pattern) if np.any(passed) else None
