"""A landmark: who is under observation at a time after the origin, and follow-up from there on.

Time is still counted from the origin. Whoever is under observation at the landmark counts from it on (left truncation), as in
Anderson, Cain and Gelber (1983, Journal of Clinical Oncology 1:710-719).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.cohort.outcome import Outcome
from bayes_rrmm.cohort.record import Cohort, Dropped, Floats
from bayes_rrmm.errors import DataError
from bayes_rrmm.specification.analysis import Endpoint

Flags = NDArray[np.bool_]


def at_landmark(time: Floats, entry: Floats, subject: NDArray[np.int64], landmark: float) -> tuple[Flags, Flags]:
    """Which rows end at the landmark or before it, and which of the others are of a subject who enters after it; shape (N,).

    A subject is under observation at the landmark where a row of theirs has entry <= landmark < time; their later rows stay.
    """
    ended = time <= landmark
    present = pd.Series(~ended & (entry <= landmark)).groupby(subject).transform("any").to_numpy(dtype=bool)
    return ended, ~ended & ~present


def from_landmark(cohort: Cohort, landmark: float) -> Cohort:
    """The rows of those under observation at the landmark, each followed from it on; perhaps none."""
    ended, late = at_landmark(cohort.time, cohort.entry, cohort.subject_numbers, landmark)
    kept = cohort.select(~ended & ~late)
    return replace(kept, entry=np.maximum(kept.entry, landmark))


def followed_from(landmark: float, outcome: Outcome, endpoint: Endpoint, rows: NDArray[np.int64]) -> Outcome:
    """The endpoint of every row read, of which those under observation at the landmark stay, followed from it on.

    Raises DataError where nobody is.
    """
    subject = np.arange(len(rows)) if outcome.id is None else np.unique(outcome.id, return_inverse=True)[1].reshape(-1)
    ended, late = (mark & outcome.keep for mark in at_landmark(outcome.time, outcome.entry, subject, landmark))
    keep = outcome.keep & ~ended & ~late
    time = f"{landmark:g} {endpoint.unit}"
    if not keep.any():
        last = int(np.argmax(outcome.time))
        raise DataError(
            f"[model] landmark = {landmark:g}: nobody is under observation then; the last exit is row {rows[last]}, column "
            f"{endpoint.time!r} = {outcome.time[last]:g}; name an earlier landmark, in {endpoint.unit}."
        )
    reasons = {f"follow-up ends by the landmark of {time}": ended, f"not yet under observation at the landmark of {time}": late}
    dropped = [Dropped(reason, tuple(rows[left].tolist())) for reason, left in reasons.items() if left.any()]
    events = np.sum(outcome.weight[ended] * outcome.event[ended])
    note = (
        f"follow-up starts at the landmark of {time}, for those under observation then; {events:g} events by then are left out. "
        "Time still runs from the origin: hazard ratios are of what follows the landmark, survival is given survival to it."
    )
    return replace(
        outcome,
        entry=np.where(keep, np.maximum(outcome.entry, landmark), outcome.entry),
        keep=keep,
        dropped=(*outcome.dropped, *dropped),
        notes=(*outcome.notes, note),
    )
