"""Cox's partial likelihood with its deaths taken one at a time: Efron's and Breslow's ties in one form, with derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bayes_rrmm.frequentist.risk_sets import Integers, RiskSets
from bayes_rrmm.frequentist.rows import Floats

MOST_ONE_BY_ONE = 1000
"""Tied deaths up to which each is a step of its own."""
NEAR_THE_END, NODES = 512, 8
"""Of more tied deaths: how many of the last are steps of their own, and Gauss-Legendre nodes of each block before them."""


@dataclass(frozen=True)
class Deaths:
    """S steps of deaths of M spells: step s stands for `count[s]` deaths at event time `time[s]`, when the share `gone[s]` of those
    who die there has left already. With d deaths at a time `gone` is 0, 1/d, .., (d - 1)/d by Efron's method and 0 by Breslow's.

    A row of weight w dies w times. Up to a thousand tied deaths are steps of one death each; of more, all but the last 512 are
    gathered in blocks that double in size towards the first, with a quadrature's nodes and weights in each: a sum over them is
    exact to 1e-8 of it, and a weight of a billion is some two hundred steps.
    """

    sets: RiskSets
    time: Integers
    gone: Floats
    count: Floats

    @classmethod
    def of(cls, sets: RiskSets, ties: str) -> Deaths:
        """The deaths of the risk sets; `ties` is "efron" or "breslow"."""
        if ties != "efron":
            return cls(sets, np.arange(sets.size), np.zeros(sets.size), sets.deaths)
        steps = [_steps(round(deaths)) for deaths in sets.deaths.tolist()]
        time = np.repeat(np.arange(sets.size), [len(count) for _, count in steps])
        gone, count = (np.concatenate([step[which] for step in steps] or [np.empty(0)]) for which in (0, 1))
        return cls(sets, time, gone, count)

    def sums(self, values: Floats) -> Floats:
        """The sums of `values`, (M, Q), over those at risk at each step, those gone left out; shape (S, Q)."""
        everyone = _rolled(_by_time(values, self.sets.stop - 1, self.sets.size))
        late = self.sets.start > 0
        if np.any(late):
            everyone = everyone - _rolled(_by_time(values[late], self.sets.start[late] - 1, self.sets.size))
        dying = _by_time(values[self.sets.event], self.sets.stop[self.sets.event] - 1, self.sets.size)
        return np.asarray(everyone[self.time] - self.gone[:, None] * dying[self.time])

    def received(self, jumps: Floats) -> Floats:
        """What each spell receives, shape (M,), of `jumps` at the steps at which it is at risk, (S,), less what it is gone for."""
        total = np.append(0.0, np.cumsum(np.bincount(self.time, weights=jumps, minlength=self.sets.size)))
        missed = np.bincount(self.time, weights=jumps * self.gone, minlength=self.sets.size)
        return np.asarray(total[self.sets.stop] - total[self.sets.start] - self.sets.event * missed[self.sets.stop - 1])


def _steps(deaths: int) -> tuple[Floats, Floats]:
    """The share that has left, and for how many deaths it stands, at each step of so many tied deaths, in order."""
    if deaths <= MOST_ONE_BY_ONE:
        return np.arange(deaths) / max(deaths, 1), np.ones(deaths)
    left, count = [np.arange(1.0, NEAR_THE_END + 1)], [np.ones(NEAR_THE_END)]
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    first = NEAR_THE_END + 1
    while first <= deaths:
        last = min(2 * first - 1, deaths)
        # The sum over whole numbers from first to last is the integral from half before to half after, to second order.
        size = last - first + 1
        left.append(first - 0.5 + 0.5 * size * (nodes + 1.0))
        count.append(0.5 * size * weights)
        first = last + 1
    return 1.0 - np.concatenate(left)[::-1] / deaths, np.concatenate(count)[::-1]


@dataclass(frozen=True)
class PartialLikelihood:
    """The log partial likelihood of `columns`, a row a spell, (M, Q): of coefficients (Q,), its value and derivatives.

    With means taken over those at risk at a death by weight times exp(x' beta): the sum over deaths of x' beta - log(sum), of
    x - mean(x), and of var(x) (Therneau and Grambsch 2000, sections 3.1 and 3.3). The information is the sum of x x' by the
    deaths expected of each spell, less the sum of mean(x) mean(x)'.
    """

    columns: Floats
    deaths: Deaths

    def __call__(self, coefficients: Floats) -> tuple[float, Floats, Floats]:
        sets = self.deaths.sets
        eta = self.columns @ coefficients
        largest = float(np.max(eta)) if len(eta) else 0.0
        relative = sets.weight * np.exp(eta - largest)
        exposed = self.deaths.sums(relative[:, None])[:, 0]
        died = sets.weight * sets.event
        count = self.deaths.count
        expected = relative * self.deaths.received(count / exposed)
        mean = self.deaths.sums(relative[:, None] * self.columns) / exposed[:, None]
        value = float(died @ eta - count @ (np.log(exposed) + largest))
        information = (self.columns * expected[:, None]).T @ self.columns - (mean * count[:, None]).T @ mean
        return value, self.columns.T @ (died - expected), information


def _by_time(values: Floats, time: Integers, size: int) -> Floats:
    """The sums of the rows of `values`, (M, Q), with the same number, (M,), from 0 to `size` - 1; shape (size, Q)."""
    spells = np.arange(len(time))
    return np.asarray(sparse.csr_array((np.ones(len(time)), (time, spells)), shape=(size, len(time))) @ values)


def _rolled(values: Floats) -> Floats:
    """Each row summed with all that come after it."""
    return np.asarray(np.cumsum(values[::-1], axis=0)[::-1])
