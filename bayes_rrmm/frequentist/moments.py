"""The factors of a Cox partial likelihood, and the moments of the covariates under each of them.

Each factor exp(x' beta) / sum of exp(x' beta) over those at risk is a discrete exponential family, so the derivatives of its
log are cumulants of x: score x - mean, information the covariance (Therneau and Grambsch 2000, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayes_rrmm.frequentist.deaths import Deaths
from bayes_rrmm.frequentist.risk_sets import Integers, RiskSets
from bayes_rrmm.frequentist.rows import Floats


@dataclass(frozen=True)
class Factors:
    """F factors: the event time of each, numbered from 0, how often it counts, and the sum of exp(x' beta), each (F,).

    By Breslow's method one factor an event time, which counts once a death. By Efron's one a death (many tied ones gathered, as in
    `Deaths`): at d tied deaths those who
    die there are at risk with weight 1 - k / d in factor k = 0 .. d - 1, that is, with `gone` = k / d less. `relative` and
    `dying` have a row a spell, (M,): weight times exp(x' beta) divided by its largest, exp(`largest`), and the same for those
    who die.
    """

    sets: RiskSets
    relative: Floats
    dying: Floats
    largest: float
    at: Integers
    gone: Floats
    count: Floats
    total: Floats

    @classmethod
    def of(cls, columns: Floats, sets: RiskSets, coefficients: Floats, ties: str) -> Factors:
        """The factors at some coefficients (P,); `columns` has a row a spell, (M, P)."""
        eta = columns @ coefficients
        largest = float(np.max(eta))
        relative = sets.weight * np.exp(eta - largest)
        dying = np.where(sets.event, relative, 0.0)
        at, gone, count = np.arange(sets.size), np.zeros(sets.size), sets.deaths
        if ties == "efron":
            each = Deaths.of(sets, ties)
            at, gone, count = each.time, each.gone, each.count
        total = sets.sums(relative)[at] - gone * sets.ending(dying)[at]
        return cls(sets, relative, dying, largest, at, gone, count, total)

    def mean(self, values: Floats) -> Floats:
        """The mean of `values`, shape (M,), under each factor, shape (F,)."""
        gone = self.gone * self.sets.ending(self.dying * values)[self.at]
        return np.asarray((self.sets.sums(self.relative * values)[self.at] - gone) / self.total)

    def means(self, columns: Floats) -> Floats:
        """The mean of each column, (M, P), under each factor, (F, P)."""
        return np.column_stack([self.mean(column) for column in columns.T])

    def covariances(self, columns: Floats, means: Floats) -> Floats:
        """The covariance of the columns, (M, P), of means (F, P), under each factor, (F, P, P)."""
        size = columns.shape[1]
        found = np.empty((len(self.at), size, size))
        for j in range(size):
            for k in range(j + 1):
                found[:, j, k] = self.mean(columns[:, j] * columns[:, k]) - means[:, j] * means[:, k]
                found[:, k, j] = found[:, j, k]
        return found

    def totals(self, values: Floats) -> Floats:
        """For each spell, the sum over the factors of its probability under the factor times `values`, (F, Q); shape (M, Q)."""
        scaled = values / self.total[:, None]

        def by_time(column: Floats) -> Floats:
            return np.bincount(self.at, weights=column, minlength=self.sets.size)

        reached = np.cumsum([np.append(0.0, by_time(column)) for column in scaled.T], axis=1).T
        less = np.column_stack([by_time(self.gone * column) for column in scaled.T])[self.sets.stop - 1]
        met = reached[self.sets.stop] - reached[self.sets.start]
        return np.asarray(self.relative[:, None] * met - self.dying[:, None] * less)

    def log_likelihood(self, eta: Floats) -> float:
        """The log partial likelihood; `eta` is x' beta of each spell, (M,)."""
        died = self.sets.weight * self.sets.event
        return float(died @ eta - self.count @ (np.log(self.total) + self.largest))
