"""Who is at risk at which event: all that a Cox partial likelihood knows of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.rows import Flags, Floats, Rows

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class RiskSets:
    """M spells over K distinct event times, numbered from 0; arrays have shape (M,).

    Spell m belongs to row `row[m]`, is at risk at events number `start[m]` to `stop[m]` - 1, and when `event[m]` fails at the
    last of them. Rows never at risk at an event have no spell: the partial likelihood does not see them. With strata the event
    times of one follow those of another, as though its patients came under observation after the others had all left.
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

    def ending(self, values: Floats) -> Floats:
        """The sum of `values`, shape (M,), over the spells whose last event time each one is, shape (K,)."""
        return np.bincount(self.stop - 1, weights=values, minlength=self.size)


def risk_sets(rows: Rows, stratum: Integers | None = None) -> RiskSets:
    """The risk sets of the rows: a row is at risk at t if entry < t <= exit, and from the start if entry is 0.

    `stratum` numbers the stratum of each row from 0, shape (N,): rows of different strata never share a risk set.
    """
    group = np.zeros(len(rows), dtype=np.int64) if stratum is None else stratum
    start, stop = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    size = 0
    for number in range(int(np.max(group)) + 1):
        here = group == number
        times = event_times(rows.select(here))
        entry = rows.entry[here]
        start[here] = size + np.searchsorted(times, np.where(entry > 0, entry, -np.inf), side="right")
        stop[here] = size + np.searchsorted(times, rows.time[here], side="right")
        size += len(times)
    seen = np.flatnonzero(stop > start)
    return RiskSets(seen, start[seen], stop[seen], rows.event[seen] > 0, rows.weight[seen], size)


def event_times(rows: Rows) -> Floats:
    """The distinct times of the events, in order, shape (K,)."""
    return np.unique(rows.time[rows.event > 0])


def strata_of(strata: ArrayLike, rows: int) -> Integers:
    """The number of each row's stratum, from 0 in the order of the labels, shape (N,). Raises DataError for another shape."""
    labels = np.asarray(strata)
    if labels.shape != (rows,):
        raise DataError(f"'strata' has shape {labels.shape}: give the stratum of each of {rows} rows.")
    return np.asarray(np.unique(labels.astype(str), return_inverse=True)[1], dtype=np.int64)


def null_log_likelihood(sets: RiskSets, ties: str) -> float:
    """The log partial likelihood at coefficients 0: minus the log of the number at risk, summed over events."""
    exposed, deaths = sets.sums(sets.weight), sets.deaths
    if ties == "breslow":
        return 0.0 - float(np.sum(deaths * np.log(exposed)))
    return 0.0 - float(np.sum(special.gammaln(exposed + 1.0) - special.gammaln(exposed - deaths + 1.0)))
