"""Robust covariance of a Cox model: what its rows say of its coefficients' spread when rows of one subject belong together.

Lin and Wei (1989); grouped by subject as in Therneau and Grambsch (2000), section 8.2, R's `coxph(..., cluster = )`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.deaths import Deaths
from bayes_rrmm.frequentist.partial_likelihood import Maximum
from bayes_rrmm.frequentist.risk_sets import Integers, RiskSets
from bayes_rrmm.frequentist.rows import Floats


def subjects_of(cluster: ArrayLike, rows: int) -> Integers:
    """The number of each row's subject, from 0, shape (N,). Raises DataError where `cluster` is not one label a row."""
    labels = np.asarray(cluster)
    if labels.shape != (rows,):
        raise DataError(f"'cluster' has shape {labels.shape}: give the subject of each of {rows} rows.")
    if len(np.unique(labels.astype(str))) < 2:
        raise DataError("'cluster' names one subject: a spread between subjects needs two or more; leave cluster out.")
    return np.asarray(np.unique(labels.astype(str), return_inverse=True)[1], dtype=np.int64)


def clustered_covariance(columns: Floats, sets: RiskSets, best: Maximum, ties: str, subject: Integers) -> Floats:
    """The sum over subjects of the squared sum of their rows' influence on the coefficients; shape (P, P).

    `columns` has a row a spell, (M, P), and `subject` numbers the subject of each, (M,). A row of weight w is w rows of
    its subject.
    """
    influence = sets.weight[:, None] * score_residuals(columns, sets, best.coefficients, ties) @ best.covariance
    grouped = np.column_stack([np.bincount(subject, weights=column) for column in influence.T])
    return np.asarray(grouped.T @ grouped)


def score_residuals(columns: Floats, sets: RiskSets, coefficients: Floats, ties: str) -> Floats:
    """Each spell's part in the score, shape (M, P), for one row of it; weighted, they sum to 0 at the maximum.

    The integral of x - mean(x) against the spell's martingale (Therneau and Grambsch 2000, section 4.6). At d tied deaths
    Efron's method takes d steps: in step k = 0 .. d - 1 those who die there are at risk with weight 1 - k / d. Breslow's takes
    d equal ones.
    """
    deaths = Deaths.of(sets, ties)
    relative = np.exp(columns @ coefficients - np.max(columns @ coefficients))
    exposed = deaths.sums((sets.weight * relative)[:, None])[:, 0]
    mean = deaths.sums((sets.weight * relative)[:, None] * columns) / exposed[:, None]
    hazard = deaths.received(deaths.count / exposed)
    moment = np.column_stack([deaths.received(deaths.count * column / exposed) for column in mean.T])
    residuals = -relative[:, None] * (columns * hazard[:, None] - moment)
    died = np.flatnonzero(sets.event)
    summed = [np.bincount(deaths.time, weights=deaths.count * column, minlength=sets.size) for column in mean.T]
    average = np.column_stack(summed) / sets.deaths[:, None]
    residuals[died] += columns[died] - average[sets.stop[died] - 1]
    return np.asarray(residuals)
