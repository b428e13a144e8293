"""Rows added up to the least a likelihood needs: events and person-time by covariate pattern.

A piecewise-exponential likelihood depends on the data only through events and time at risk by pattern and interval; a
Weibull one through events and net exits by pattern and distinct time. So identical rows cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_rrmm.hazards.base import Floats
from bayes_rrmm.hazards.piecewise import interval_bounds


@dataclass(frozen=True)
class PatternTable:
    """Events and exposure (person-time) by pattern and interval, shape (K, J); `first_row` is a row of each pattern."""

    events: Floats
    exposure: Floats
    first_row: NDArray[np.int64]


@dataclass(frozen=True)
class PatternTimes:
    """Events, and exits minus entries, by pattern and distinct time, shape (R,); `first_row` is a row of that pattern.

    `survived_entries` counts those of the entries up to which the time was survived out of sight.
    """

    time: Floats
    events: Floats
    net_exits: Floats
    survived_entries: Floats
    first_row: NDArray[np.int64]


def patterns(columns: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first row of each distinct row of `columns`, and the pattern of every row."""
    if columns.shape[1] == 0:
        return np.zeros(1, dtype=np.int64), np.zeros(len(columns), dtype=np.int64)
    _, first, inverse = np.unique(columns, axis=0, return_index=True, return_inverse=True)
    return first.astype(np.int64), inverse.reshape(-1).astype(np.int64)


def by_interval(columns: Floats, cuts: Floats, time: Floats, event: Floats, entry: Floats, weight: Floats) -> PatternTable:
    """Events and time at risk of each covariate pattern in each interval; an event on a cut is in the earlier one."""
    first, pattern = patterns(columns)
    low, high = interval_bounds(cuts)
    shape = (len(first), len(low))
    exposure, events = np.zeros(shape), np.zeros(shape)
    for j in range(len(low)):
        at_risk = np.clip(np.minimum(time, high[j]) - np.maximum(entry, low[j]), 0.0, None)
        exposure[:, j] = np.bincount(pattern, weights=weight * at_risk, minlength=len(first))
    interval = np.searchsorted(cuts, time, side="left")
    np.add.at(events, (pattern, interval), weight * event)
    return PatternTable(events, exposure, first)


def by_time(
    columns: Floats,
    time: Floats,
    event: Floats,
    entry: Floats,
    weight: Floats,
    counts_as_survived: NDArray[np.bool_] | None = None,
) -> PatternTimes:
    """Events and net exits of each pattern at each distinct time; a delayed entry counts as minus one exit there.

    `counts_as_survived` marks the rows whose entry is counted in `survived_entries` (default: none).
    """
    _, pattern = patterns(columns)
    late = np.flatnonzero(entry > 0)
    rows = np.concatenate([np.arange(len(time)), late])
    times = np.concatenate([time, entry[late]])
    keys = np.column_stack([pattern[rows].astype(np.float64), times])
    _, first, cell = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    cell = cell.reshape(-1)
    counted = np.concatenate([weight * event, np.zeros(len(late))])
    net = np.concatenate([weight, -weight[late]])
    survived = np.zeros(len(rows))
    if counts_as_survived is not None:
        survived[len(time) :] = weight[late] * counts_as_survived[late]
    return PatternTimes(
        time=times[first],
        events=np.bincount(cell, weights=counted, minlength=len(first)),
        net_exits=np.bincount(cell, weights=net, minlength=len(first)),
        survived_entries=np.bincount(cell, weights=survived, minlength=len(first)),
        first_row=rows[first].astype(np.int64),
    )
