"""Patients one by one: rows, weights and spells, left out and flipped."""

from __future__ import annotations

import fits
import numpy as np
import pandas as pd

from bayes_rrmm.sensitivity.patients import flipped, patients_of, without


def test_a_row_is_a_patient(patients: pd.DataFrame) -> None:
    """Leaving out one takes its row away and nothing else; flipping changes its status alone."""
    cohort, _ = fits.cohort_and_plan(patients, "group")
    inside = (cohort.covariates["group"] == "c").to_numpy()
    people = patients_of(cohort, inside)
    assert len(people) == inside.sum() == 15
    for person in people:
        (row,) = person.rows
        fewer, other = without(cohort, person), flipped(cohort, person)
        assert np.array_equal(fewer.row_numbers, np.delete(cohort.row_numbers, row))
        assert np.flatnonzero(other.event != cohort.event).tolist() == [row]
        assert person.label == f"row {cohort.row_numbers[row]}"
        assert flipped(other, person).fingerprint == cohort.fingerprint


def test_one_of_several_identical_patients(patients: pd.DataFrame) -> None:
    """Of a row of weight 3 one patient is left out, or flipped: the rows are those of the table written out."""
    weighted = patients.assign(count=np.resize([3, 1], len(patients)))
    cohort, _ = fits.cohort_and_plan(weighted, "group", endpoint='weight = "count"')
    (person, *_) = patients_of(cohort)
    assert person.count == 3
    fewer, other = without(cohort, person), flipped(cohort, person)
    assert fewer.patients == other.patients - 1 == cohort.patients - 1
    assert fewer.weight[0] == 2
    assert other.events == cohort.events + (-1 if person.event else 1)
    assert other.person_time == cohort.person_time
    assert cohort.weight[0] == 3


def test_spells_of_a_subject_go_together(patients: pd.DataFrame) -> None:
    """All spells of a subject are left out, and it is the last spell's status that flips."""
    early = patients.assign(entry=0.0, subject=[f"p{i}" for i in range(len(patients))])
    late = early.assign(entry=early["time"], time=early["time"] + 5.0)
    spells = pd.concat([late, early.assign(event=0)], ignore_index=True)
    cohort, _ = fits.cohort_and_plan(spells, "group", endpoint='entry = "entry"\nid = "subject"')
    people = patients_of(cohort)
    assert len(people) == 60
    assert all(len(person.rows) == 2 and person.rows[1] < person.rows[0] for person in people)
    assert without(cohort, people[0]).patients == 59
    assert np.flatnonzero(flipped(cohort, people[7]).event != cohort.event).tolist() == [7]
