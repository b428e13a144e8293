"""Robust covariance of a Cox model: what its rows say of its coefficients' spread when rows of one subject belong together.

Lin and Wei (1989); grouped by subject as in Therneau and Grambsch (2000), section 8.2, R's `coxph(..., cluster = )`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bayes_rrmm.errors import DataError
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
    relative = np.exp(columns @ coefficients - np.max(columns @ coefficients))
    steps = _Steps.of(columns, sets, sets.weight * relative, ties)
    died = np.flatnonzero(sets.event)
    last = sets.stop[died] - 1
    hazard, moment = _until(steps.hazard, sets), _until(steps.moment, sets)
    hazard[died] -= steps.hazard_less[last]
    moment[died] -= steps.moment_less[last]
    residuals = -relative[:, None] * (columns * hazard[:, None] - moment)
    residuals[died] += columns[died] - steps.mean[last]
    return np.asarray(residuals)


def _until(jumps: Floats, sets: RiskSets) -> Floats:
    """The sum of the jumps at the events at which each spell is at risk: (K,) or (K, P) in, (M,) or (M, P) out."""
    total = np.concatenate([np.zeros((1, *jumps.shape[1:])), np.cumsum(jumps, axis=0)])
    return np.asarray(total[sets.stop] - total[sets.start])


@dataclass(frozen=True)
class _Steps:
    """At each of K event times: the hazard's jump (K,), the jump times mean(x) (K, P), what those who die there have less of
    both, and mean(x) averaged over the steps (K, P).
    """

    hazard: Floats
    moment: Floats
    hazard_less: Floats
    moment_less: Floats
    mean: Floats

    @classmethod
    def of(cls, columns: Floats, sets: RiskSets, relative: Floats, ties: str) -> _Steps:
        deaths = np.round(sets.deaths).astype(np.int64)
        time = np.repeat(np.arange(sets.size), deaths)
        earlier = np.arange(len(time)) - np.repeat(np.cumsum(deaths) - deaths, deaths)
        gone = earlier / deaths[time] if ties == "efron" else np.zeros(len(time))
        dying = np.where(sets.event, relative, 0.0)
        exposed = sets.sums(relative)[time] - gone * _at_stop(dying, sets)[time]
        sums = [sets.sums(relative * x)[time] - gone * _at_stop(dying * x, sets)[time] for x in columns.T]
        mean = np.column_stack(sums) / exposed[:, None]
        jump = 1.0 / exposed

        def by_time(values: Floats) -> Floats:
            return np.bincount(time, weights=values, minlength=sets.size)

        def by_column(factor: Floats) -> Floats:
            return np.column_stack([by_time(factor * column) for column in mean.T])

        return cls(by_time(jump), by_column(jump), by_time(gone * jump), by_column(gone * jump), by_column(1.0 / deaths[time]))


def _at_stop(values: Floats, sets: RiskSets) -> Floats:
    """The sum of the values of the spells that end at each event time, shape (K,)."""
    return np.bincount(sets.stop - 1, weights=values, minlength=sets.size)
