"""The log-rank test that groups share one hazard, and its counterpart under delayed entry."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.risk_sets import Integers, RiskSets, risk_sets, strata_of
from bayes_rrmm.frequentist.rows import Floats, Rows, as_rows

LOG_RANK = "log-rank"
SCORE_TEST = "score test of Cox with Breslow ties"

SINGULAR = 1e-10
"""A variance below this share of the largest is rounding: there is none in that direction."""


@dataclass(frozen=True)
class LogRank:
    """The statistic, chi-squared with `degrees_of_freedom` if the hazards are equal, and its p value.

    `observed` and `expected` events have shape (G,), in the order of `groups`, and count weights. Where no two groups were ever
    at risk at one event there are 0 degrees of freedom, and the statistic and p are NaN. `strata` counts the strata, and is 0
    without any.
    """

    statistic: float
    degrees_of_freedom: int
    p: float
    method: str
    observed: Floats
    expected: Floats
    groups: tuple[str, ...]
    strata: int = 0


def log_rank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    strata: ArrayLike | None = None,
) -> LogRank:
    """Test of equal hazards in the groups; arrays have shape (N,). Raises DataError when there is only one group.

    Without delayed entry the log-rank test, whose variance allows for ties, as R's `survdiff`. With delayed entry the score
    test at 0 of a Cox model of the groups with Breslow ties, as `coxph` gives it in R, whose `survdiff` takes no entry times.
    With `strata`, the label of each row's stratum, groups are compared within strata: observed minus expected events and
    their variances are summed over them. Degrees of freedom count the comparisons that the risk sets allow: of the groups
    with expected events all but one, as `survdiff` does (lifelines counts every group), and fewer where strata part them.
    """
    rows = as_rows(time, event, entry, weight)
    names, code = groups_of(group, len(rows))
    stratum = None if strata is None else strata_of(strata, len(rows))
    sets = risk_sets(rows, stratum)
    exposed = np.array([sets.sums(sets.weight * (code[sets.row] == g)) for g in range(len(names))])
    died = rows.weight * rows.event
    observed = np.bincount(code, weights=died, minlength=len(names))
    share = exposed / np.sum(exposed, axis=0)
    expected = share @ sets.deaths
    factor = variance_factor(rows, sets)
    variance = np.diag(share @ factor) - (share * factor) @ share.T
    statistic, freedom = quadratic_form((observed - expected)[:-1], variance[:-1, :-1])
    return LogRank(
        statistic=float(statistic) if freedom > 0 else math.nan,
        degrees_of_freedom=int(freedom),
        p=float(special.chdtrc(freedom, statistic)) if freedom > 0 else math.nan,
        method=SCORE_TEST if rows.delayed else LOG_RANK,
        observed=observed,
        expected=expected,
        groups=names,
        strata=0 if stratum is None else int(stratum.max()) + 1,
    )


def groups_of(group: ArrayLike, rows: int) -> tuple[tuple[str, ...], Integers]:
    """The names of the groups, in order, and the number of each row's group, shape (N,). Raises DataError if there is one."""
    given = np.asarray(group)
    if given.shape != (rows,):
        raise DataError(f"'group' has shape {given.shape}: give the group of each of {rows} rows.")
    labels, code = np.unique(given.astype(str), return_inverse=True)
    names = tuple(str(label) for label in labels)
    if len(names) < 2:
        raise DataError(f"there is one group, {names[0]!r}: a log-rank test compares two or more.")
    return names, np.asarray(code, dtype=np.int64)


def variance_factor(rows: Rows, sets: RiskSets) -> Floats:
    """What multiplies the variance of one draw from the risk set at each event time, shape (K,).

    The d who die are drawn from the n at risk without replacement, d (n - d) / (n - 1); by Breslow's likelihood, which is
    used under delayed entry, with replacement, d.
    """
    deaths = sets.deaths
    if rows.delayed:
        return deaths
    exposed = sets.sums(sets.weight)
    return np.asarray(deaths * (exposed - deaths) / np.maximum(exposed - 1.0, 1.0))


def quadratic_form(excess: Floats, variance: Floats, rounding: float = 0.0) -> tuple[Floats, Integers]:
    """excess' variance^-1 excess over the directions whose variance is above `rounding`, and their number.

    Takes stacks: `excess` has shape (..., G), `variance` (..., G, G).
    """
    values, vectors = np.linalg.eigh(variance)
    varies = values > np.maximum(rounding, SINGULAR * np.max(values, axis=-1, initial=0.0, keepdims=True))
    along = np.einsum("...gk,...g->...k", vectors, excess)
    statistic = np.sum(np.where(varies, along**2, 0.0) / np.where(varies, values, 1.0), axis=-1)
    return statistic, np.asarray(np.sum(varies, axis=-1), dtype=np.int64)
