"""The log-rank test that groups share one hazard, and its counterpart under delayed entry."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from lifelines.statistics import multivariate_logrank_test
from numpy.typing import ArrayLike
from scipy import special

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.rows import Floats, Rows, as_rows, at_risk

LOG_RANK = "log-rank"
SCORE_TEST = "score test of Cox with Breslow ties"


@dataclass(frozen=True)
class LogRank:
    """The statistic, chi-squared with `degrees_of_freedom` if the hazards are equal, and its p value.

    `observed` and `expected` events have shape (G,), in the order of `groups`, and count weights. Where fewer than two groups
    were ever at risk at an event there are 0 degrees of freedom, and the statistic and p are NaN.
    """

    statistic: float
    degrees_of_freedom: int
    p: float
    method: str
    observed: Floats
    expected: Floats
    groups: tuple[str, ...]


def log_rank(
    time: ArrayLike, event: ArrayLike, group: ArrayLike, entry: ArrayLike | None = None, weight: ArrayLike | None = None
) -> LogRank:
    """Test of equal hazards in the groups; arrays have shape (N,). Raises DataError when there is only one group.

    Without delayed entry the log-rank test (lifelines), whose variance allows for ties. With delayed entry the score test
    at 0 of a Cox model of the groups with Breslow ties, as `coxph` gives it in R, whose `survdiff` takes no entry times.
    Degrees of freedom count the groups with expected events, as `survdiff` does; lifelines counts every group.
    """
    rows = as_rows(time, event, entry, weight)
    labels, code = np.unique(np.asarray(group).astype(str), return_inverse=True)
    names = tuple(str(label) for label in labels)
    if len(names) < 2:
        raise DataError(f"there is one group, {names[0]!r}: a log-rank test compares two or more.")
    times = np.unique(rows.time[rows.event > 0])
    deaths = np.array([_deaths(rows.select(code == g), times) for g in range(len(names))])
    exposed = np.array([_exposed(rows.select(code == g), times) for g in range(len(names))])
    share = exposed / np.sum(exposed, axis=0)
    observed, expected = np.sum(deaths, axis=1), np.sum(share * np.sum(deaths, axis=0), axis=1)
    compared = expected > 0
    freedom = max(int(np.sum(compared)) - 1, 0)
    statistic = math.nan
    if freedom > 0 and rows.delayed:
        statistic = _score_statistic((observed - expected)[compared], share[compared], np.sum(deaths, axis=0))
    elif freedom > 0:
        statistic = float(multivariate_logrank_test(rows.time, code, rows.event, weights=rows.weight).test_statistic)
    return LogRank(
        statistic=statistic,
        degrees_of_freedom=freedom,
        p=float(special.chdtrc(freedom, statistic)) if freedom > 0 else math.nan,
        method=SCORE_TEST if rows.delayed else LOG_RANK,
        observed=observed,
        expected=expected,
        groups=names,
    )


def _deaths(rows: Rows, times: Floats) -> Floats:
    died = rows.event > 0
    return np.bincount(np.searchsorted(times, rows.time[died]), weights=rows.weight[died], minlength=len(times))


def _exposed(rows: Rows, times: Floats) -> Floats:
    return at_risk(times, rows.time, rows.entry, rows.weight)


def _score_statistic(excess: Floats, share: Floats, deaths: Floats) -> float:
    """U' V^-1 U, U the observed minus the expected events, V their variance under Breslow's likelihood; share is (G, K)."""
    variance = np.diag(share @ deaths) - (share * deaths) @ share.T
    return float(excess[1:] @ np.linalg.pinv(variance[1:, 1:], hermitian=True) @ excess[1:])
