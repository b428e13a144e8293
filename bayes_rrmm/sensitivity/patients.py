"""The patients of a cohort one by one: the cohort without one of them, and with one's status the other way."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.errors import listed


@dataclass(frozen=True)
class Patient:
    """A row, or all spells of one subject: `rows` are positions in the cohort, the last in time at the end.

    `count` is the frequency weight: so many identical patients, of whom one is meant.
    """

    rows: tuple[int, ...]
    label: str
    time: float
    event: bool
    count: float


def patients_of(cohort: Cohort, inside: NDArray[np.bool_] | None = None) -> list[Patient]:
    """The patients with a row inside (default: all), in the order in which they first appear."""
    inside = np.ones(len(cohort), dtype=bool) if inside is None else inside
    subjects, numbers = cohort.subject_numbers, cohort.row_numbers
    spells = pd.Series(np.arange(len(cohort))).groupby(subjects).indices
    found = []
    for subject in dict.fromkeys(subjects[inside].tolist()):
        rows = np.asarray(spells[subject])
        rows = rows[np.argsort(cohort.time[rows], kind="stable")]
        last = int(rows[-1])
        label = f"row{'s' if len(rows) > 1 else ''} {listed(numbers[rows].tolist(), 3)}"
        weight = float(cohort.weight[last]) if cohort.id is None else 1.0
        found.append(Patient(tuple(map(int, rows)), label, float(cohort.time[last]), bool(cohort.event[last] > 0), weight))
    return found


def without(cohort: Cohort, patient: Patient) -> Cohort:
    """The cohort without this patient: of a row of weight w, w - 1 stay."""
    apart, rows = _set_apart(cohort, patient)
    keep = np.ones(len(apart), dtype=bool)
    keep[list(rows)] = False
    return apart.select(keep)


def flipped(cohort: Cohort, patient: Patient) -> Cohort:
    """The cohort with this patient's event a censoring at the same time, or the reverse."""
    apart, rows = _set_apart(cohort, patient)
    event = apart.event.copy()
    event[rows[-1]] = 1.0 - event[rows[-1]]
    return replace(apart, event=event)


def _set_apart(cohort: Cohort, patient: Patient) -> tuple[Cohort, tuple[int, ...]]:
    """The cohort with this patient in rows that nobody shares, and the positions of these rows."""
    if patient.count <= 1:
        return cohort, patient.rows
    (row,) = patient.rows
    order = np.append(np.arange(len(cohort)), row)
    weight = cohort.weight[order]
    weight[row] -= 1.0
    weight[-1] = 1.0
    apart = replace(
        cohort,
        time=cohort.time[order],
        event=cohort.event[order],
        entry=cohort.entry[order],
        weight=weight,
        covariates=cohort.covariates.iloc[order],
        cluster=None if cohort.cluster is None else cohort.cluster[order],
    )
    return apart, (len(cohort),)
