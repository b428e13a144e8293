"""The rows an estimate is computed from, checked, and the numbers at risk among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_rrmm.errors import DataError
from bayes_rrmm.hazards.at_risk import weight_below

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """Follow-up of N rows, each array of shape (N,): exit time, event (0 or 1), entry (0: from the start), weight."""

    time: Floats
    event: Floats
    entry: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.time)

    @property
    def delayed(self) -> bool:
        """Whether any row comes under observation after time 0."""
        return bool(np.any(self.entry > 0))

    def select(self, keep: Flags) -> Rows:
        """The rows for which `keep` is True."""
        return Rows(self.time[keep], self.event[keep], self.entry[keep], self.weight[keep])


def as_rows(time: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None, weight: ArrayLike | None = None) -> Rows:
    """The four columns as arrays of shape (N,). Raises DataError, naming the row (the first is 1), when a rule is broken."""
    times = np.asarray(time, dtype=np.float64)
    columns = {
        "time": times,
        "event": np.asarray(event, dtype=np.float64),
        "entry": np.zeros(len(times)) if entry is None else np.asarray(entry, dtype=np.float64),
        "weight": np.ones(len(times)) if weight is None else np.asarray(weight, dtype=np.float64),
    }
    if len(times) == 0:
        raise DataError("there are no rows: nothing can be estimated; check the filters that led here.")
    for name, values in columns.items():
        if values.shape != times.shape:
            raise DataError(f"{name!r} has shape {values.shape} and time {times.shape}: give one {name} a row.")
        _refuse(~np.isfinite(values), name, values, "must be a finite number; complete it or leave the row out")
    rows = Rows(**columns)
    _refuse((rows.event != 0) & (rows.event != 1), "event", rows.event, "must be 0 or 1; recode it")
    _refuse(rows.entry < 0, "entry", rows.entry, "must not be negative; count it from time 0")
    _refuse(rows.time < 0, "time", rows.time, "must not be negative; count it from time 0")
    no_time = (rows.entry > 0) & (rows.time <= rows.entry)
    _refuse(no_time, "time", rows.time, "must come after the entry; check both dates")
    fractional = (rows.weight <= 0) | (rows.weight != np.round(rows.weight))
    _refuse(fractional, "weight", rows.weight, "must be a whole number above 0; inverse-probability weights are not frequencies")
    return rows


def at_risk(times: ArrayLike, time: ArrayLike, entry: ArrayLike | None = None, weight: ArrayLike | None = None) -> Floats:
    """Number at risk at each of `times`, shape (T,): those with entry < t <= exit, and at t = 0 those with entry 0.

    `time` (exits), `entry` and `weight` have shape (N,), in the unit of `times`. lifelines counts a patient who enters
    at t as at risk at t (its issue 1316); R's survfit does not, and neither does this.
    """
    rows = as_rows(time, np.zeros(np.shape(time)), entry, weight)
    wanted = np.asarray(times, dtype=np.float64)
    # Entry 0 means from the start, so an exit at time 0 is of someone at risk there.
    entered = weight_below(wanted, np.where(rows.entry > 0, rows.entry, -np.inf), rows.weight)
    return entered - weight_below(wanted, rows.time, rows.weight)


def _refuse(bad: Flags, name: str, values: Floats, rule: str) -> None:
    if np.any(bad):
        row = int(np.argmax(bad))
        raise DataError(f"row {row + 1}, {name!r} is {values[row]:g}: it {rule}. {int(np.sum(bad))} rows break this rule.")
