"""The score test of proportional hazards: does a coefficient drift with time?

R's `cox.zph` since survival 3 (Grambsch and Therneau 1994, Biometrika 81:515-526, without their approximation of the variance).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bayes_rrmm.errors import DataError, listed
from bayes_rrmm.frequentist.columns import standardised
from bayes_rrmm.frequentist.cox import Ties
from bayes_rrmm.frequentist.log_rank import SINGULAR, quadratic_form
from bayes_rrmm.frequentist.moments import Factors
from bayes_rrmm.frequentist.monotone import SMALLEST_GAP, limit
from bayes_rrmm.frequentist.partial_likelihood import maximise
from bayes_rrmm.frequentist.risk_sets import RiskSets, event_times, risk_sets, strata_of
from bayes_rrmm.frequentist.rows import Floats, Rows, as_rows, at_risk
from bayes_rrmm.hazards.at_risk import weight_below

Transform = Literal["km", "rank", "identity", "log"]


@dataclass(frozen=True)
class TermTest:
    """A score statistic, chi-squared with `degrees_of_freedom` if the hazards are proportional, and its p value.

    Statistic and p are NaN where there are 0 degrees of freedom: no finite coefficient, or no two event times.
    """

    name: str
    statistic: float
    degrees_of_freedom: int
    p: float


@dataclass(frozen=True)
class SchoenfeldTest:
    """A test a term, and one of all terms at once. `monotone` names the columns of a monotone likelihood.

    The tests are then of the likelihood in its limit, and of what it determines.
    """

    by_term: tuple[TermTest, ...]
    overall: TermTest
    ties: Ties
    transform: Transform
    monotone: tuple[str, ...]


def schoenfeld_test(
    design: ArrayLike,
    names: Sequence[str],
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    terms: Mapping[str, Sequence[str]] | None = None,
    ties: Ties = "efron",
    strata: ArrayLike | None = None,
    transform: Transform = "km",
) -> SchoenfeldTest:
    """Test of beta(t) = beta + theta g(t) against theta = 0 in a Cox model of `design`, (N, P), named by `names`; rest (N,).

    g(t) is 1 - S(t-), S the Kaplan-Meier curve of all rows (`km`), or the rank of t among the exits, t, or log t. The curve and
    the ranks ignore strata, as in R, and count a row of weight w as w rows, where R's ignore weights. `terms` names the columns
    of each term that are tested together; without it each column is a term. Raises DataError when a column of the endpoint or
    of the design breaks a rule, or a term has an unknown column; FitError where the fit does not converge.
    """
    rows = as_rows(time, event, entry, weight)
    labels = tuple(names)
    members = _members(labels, {name: (name,) for name in labels} if terms is None else terms)
    scaled, _ = standardised(design, labels, len(rows))
    stratum = np.zeros(len(rows), dtype=np.int64) if strata is None else strata_of(strata, len(rows))
    ends = limit(scaled, risk_sets(rows, stratum))
    times = np.concatenate([event_times(rows.select(stratum == s)) for s in range(int(stratum.max()) + 1)])
    drift = _drift(scaled @ ends.basis, ends.sets, ties, _clock(rows, times, transform))
    return SchoenfeldTest(
        by_term=tuple(_test(name, ends.basis[columns].T, drift) for name, columns in members.items()),
        overall=_test("all", np.eye(len(drift.score)), drift),
        ties=ties,
        transform=transform,
        monotone=tuple(name for name, axis in zip(labels, np.eye(len(labels)), strict=True) if not ends.determines(axis)),
    )


def _members(names: tuple[str, ...], terms: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    unknown = [column for columns in terms.values() for column in columns if column not in names]
    if unknown:
        raise DataError(f"terms name columns that the design does not have: {listed(unknown)}. It has {listed(names)}.")
    return {name: [names.index(column) for column in columns] for name, columns in terms.items()}


def _clock(rows: Rows, times: Floats, transform: Transform) -> Floats:
    """g at each event time, shape (K,)."""
    if transform == "identity":
        return times
    if transform == "log":
        if np.any(times <= 0):
            raise DataError("an event at time 0 has no logarithm: take the transform 'km'.")
        return np.asarray(np.log(times))
    if transform == "rank":
        below = weight_below(times, rows.time, rows.weight)
        return np.asarray((below + weight_below(times, rows.time, rows.weight, inclusive=True) + 1.0) / 2.0)
    pooled = event_times(rows)
    died = rows.event > 0
    deaths = np.bincount(np.searchsorted(pooled, rows.time[died]), weights=rows.weight[died], minlength=len(pooled))
    survival = np.cumprod(1.0 - deaths / at_risk(pooled, rows.time, rows.entry, rows.weight))
    return np.asarray(1.0 - np.append(1.0, survival)[np.searchsorted(pooled, times)])


@dataclass(frozen=True)
class _Drift:
    """The score for theta at theta = 0, (Q,), its variance once beta is estimated, (Q, Q), and what of that is rounding."""

    score: Floats
    variance: Floats
    rounding: float


def _drift(design: Floats, sets: RiskSets, ties: Ties, clock: Floats) -> _Drift:
    """The drift of the columns of `design`, (N, Q), of full rank, with `clock`, g at each event time, (K,).

    With V the information on beta of each factor, that on (beta, theta) has the blocks sum V, sum g V and sum g^2 V. Here g
    is in standard deviations over the events, which changes no test.
    """
    best = maximise(design, sets, ties)
    if len(best.coefficients) == 0:
        return _Drift(best.coefficients, best.covariance, 0.0)
    columns = design[sets.row]
    factors = Factors.of(columns, sets, best.coefficients, ties)
    g = clock - np.average(clock, weights=sets.deaths)
    spread = math.sqrt(float(np.average(g**2, weights=sets.deaths)))
    g = g / spread if spread > 0 else g
    means, count = factors.means(columns), factors.count
    covariances = factors.covariances(columns, means)
    died = sets.weight * sets.event * g[sets.stop - 1]
    score = died @ columns - (count * g[factors.at]) @ means
    plain, crossed, squared = (np.einsum("f,fjk->jk", count * g[factors.at] ** power, covariances) for power in (0, 1, 2))
    variance = squared - crossed @ np.linalg.solve(plain, crossed)
    return _Drift(score, variance, SINGULAR * float(np.linalg.norm(squared, 2)))


def _test(name: str, directions: Floats, drift: _Drift) -> TermTest:
    """The test along `directions`, shape (Q, D), of which those that are independent count."""
    axes, sizes, _ = np.linalg.svd(directions, full_matrices=False)
    axes = axes[:, sizes > SMALLEST_GAP]
    statistic, freedom = quadratic_form(axes.T @ drift.score, axes.T @ drift.variance @ axes, drift.rounding)
    p = float(special.chdtrc(freedom, statistic)) if freedom > 0 else math.nan
    return TermTest(name, float(statistic) if freedom > 0 else math.nan, int(freedom), p)
