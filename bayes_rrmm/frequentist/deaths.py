"""Cox's partial likelihood with its deaths taken one at a time: Efron's and Breslow's ties in one form, with derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bayes_rrmm.frequentist.risk_sets import Integers, RiskSets
from bayes_rrmm.frequentist.rows import Floats


@dataclass(frozen=True)
class Deaths:
    """S deaths of M spells, one at a time: death s happens at event time `time[s]`, when the share `gone[s]` of those who die
    there has left already. With d deaths at a time `gone` is 0, 1/d, .., (d - 1)/d by Efron's method and 0 by Breslow's.

    A row of weight w dies w times.
    """

    sets: RiskSets
    time: Integers
    gone: Floats

    @classmethod
    def of(cls, sets: RiskSets, ties: str) -> Deaths:
        """The deaths of the risk sets; `ties` is "efron" or "breslow"."""
        count = np.round(sets.deaths).astype(np.int64)
        time = np.repeat(np.arange(sets.size), count)
        earlier = np.arange(len(time)) - np.repeat(np.cumsum(count) - count, count)
        return cls(sets, time, earlier / count[time] if ties == "efron" else np.zeros(len(time)))

    def sums(self, values: Floats) -> Floats:
        """The sums of `values`, (M, Q), over those at risk at each death, those gone left out; shape (S, Q)."""
        everyone = _rolled(_by_time(values, self.sets.stop - 1, self.sets.size))
        late = self.sets.start > 0
        if np.any(late):
            everyone = everyone - _rolled(_by_time(values[late], self.sets.start[late] - 1, self.sets.size))
        dying = _by_time(values[self.sets.event], self.sets.stop[self.sets.event] - 1, self.sets.size)
        return np.asarray(everyone[self.time] - self.gone[:, None] * dying[self.time])

    def received(self, jumps: Floats) -> Floats:
        """What each spell receives, shape (M,), of `jumps` at the deaths at which it is at risk, (S,), less what it is gone for."""
        total = np.append(0.0, np.cumsum(np.bincount(self.time, weights=jumps, minlength=self.sets.size)))
        missed = np.bincount(self.time, weights=jumps * self.gone, minlength=self.sets.size)
        return np.asarray(total[self.sets.stop] - total[self.sets.start] - self.sets.event * missed[self.sets.stop - 1])


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
        expected = relative * self.deaths.received(1.0 / exposed)
        mean = self.deaths.sums(relative[:, None] * self.columns) / exposed[:, None]
        value = float(died @ eta - np.sum(np.log(exposed) + largest))
        information = (self.columns * expected[:, None]).T @ self.columns - mean.T @ mean
        return value, self.columns.T @ (died - expected), information


def _by_time(values: Floats, time: Integers, size: int) -> Floats:
    """The sums of the rows of `values`, (M, Q), with the same number, (M,), from 0 to `size` - 1; shape (size, Q)."""
    spells = np.arange(len(time))
    return np.asarray(sparse.csr_array((np.ones(len(time)), (time, spells)), shape=(size, len(time))) @ values)


def _rolled(values: Floats) -> Floats:
    """Each row summed with all that come after it."""
    return np.asarray(np.cumsum(values[::-1], axis=0)[::-1])
