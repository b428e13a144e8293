"""Who is at risk at which event: all that a Cox partial likelihood knows of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayes_rrmm.frequentist.rows import Flags, Floats, Rows

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class RiskSets:
    """M spells over K distinct event times, numbered from 0; arrays have shape (M,).

    Spell m belongs to row `row[m]`, is at risk at events number `start[m]` to `stop[m]` - 1, and when `event[m]` fails at the
    last of them. Rows never at risk at an event have no spell: the partial likelihood does not see them.
    """

    row: Integers
    start: Integers
    stop: Integers
    event: Flags
    weight: Floats
    size: int

    @property
    def deaths(self) -> Floats:
        """Events at each event time, shape (K,)."""
        return np.bincount(self.stop[self.event] - 1, weights=self.weight[self.event], minlength=self.size)

    def sums(self, values: Floats) -> Floats:
        """The sum of `values`, shape (M,), over those at risk at each event time, shape (K,)."""
        late = self.start > 0
        net = np.bincount(self.stop - 1, weights=values, minlength=self.size)
        net = net - np.bincount(self.start[late] - 1, weights=values[late], minlength=self.size)
        return np.asarray(np.cumsum(net[::-1])[::-1])


def risk_sets(rows: Rows) -> RiskSets:
    """The risk sets of the rows: a row is at risk at t if entry < t <= exit, and from the start if entry is 0."""
    times = np.unique(rows.time[rows.event > 0])
    start = np.searchsorted(times, np.where(rows.entry > 0, rows.entry, -np.inf), side="right")
    stop = np.searchsorted(times, rows.time, side="right")
    seen = np.flatnonzero(stop > start)
    return RiskSets(seen, start[seen], stop[seen], rows.event[seen] > 0, rows.weight[seen], len(times))


def null_log_likelihood(sets: RiskSets, ties: str) -> float:
    """The log partial likelihood at coefficients 0: minus the log of the number at risk, summed over events."""
    exposed, deaths = sets.sums(sets.weight), sets.deaths
    if ties == "breslow":
        return 0.0 - float(np.sum(deaths * np.log(exposed)))
    return 0.0 - float(np.sum(special.gammaln(exposed + 1.0) - special.gammaln(exposed - deaths + 1.0)))
