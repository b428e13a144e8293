"""Delayed entry: is it independent of the time of the event, as every analysis with an entry column assumes?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayes_rrmm.agreement.row import Comparison, Row
from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.frequentist import IndependentEntry, independent_entry


def entry_rows(rows: Cohort) -> Iterator[Row]:
    """The test of independent entry, a row where any subject enters after time 0; none otherwise."""
    test = entry_test(rows)
    if test is None:
        return
    yield Row(
        identity={"estimand": "independent-entry", "term": "", "unit": "p"},
        comparison=Comparison.of_test(test.p),
        method=f"conditional Kendall's tau {test.tau:.3f}, z {test.z:.2f}, p",
        convention="entry against exit, unadjusted",
        adjusted=False,
        rows_freq=float(rows.weight.sum()),
    )


def entry_test(rows: Cohort) -> IndependentEntry | None:
    """Conditional Kendall's tau of entry and exit; None where nobody enters late, or all at one time (a landmark).

    Where rows are spells of a subject, one that begins when another ends is no entry: each subject counts once, from its first
    entry to its last exit.
    """
    time, event, entry, weight = rows.time, rows.event, rows.entry, rows.weight
    if rows.id is not None:
        first_entry = np.full(int(rows.subject_numbers.max()) + 1, np.inf)
        np.minimum.at(first_entry, rows.subject_numbers, entry)
        last = rows.is_last_spell
        time, event, weight, entry = time[last], event[last], weight[last], first_entry[rows.subject_numbers[last]]
    return independent_entry(time, event, entry, weight) if np.ptp(entry) > 0 else None
