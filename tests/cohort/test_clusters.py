"""Clusters of a frailty: who shares one, what is stored of it, and what the fingerprint sees."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.cohort import Cohort, build_cohort
from bayes_rrmm.cohort.record import CLUSTER, SUBJECT
from bayes_rrmm.specification import parse_analysis

FRAILTY = "frailty = { cluster = 'centre', distribution = 'gamma' }"


def cohort_of(frame: pd.DataFrame, analysis_text, endpoint: str = "", model: str = FRAILTY) -> Cohort:
    return build_cohort(frame, parse_analysis(analysis_text("group", endpoint, model)))


@pytest.fixture
def centres(patients: pd.DataFrame) -> pd.DataFrame:
    return patients.assign(centre=np.resize(["x", "y", "y", "z"], 60), who=[f"p{i}" for i in range(60)])


def test_clusters_are_numbered_as_they_appear(centres: pd.DataFrame, analysis_text) -> None:
    """The first row's cluster is 0, the next new one 1, whatever they are called and whichever rows are chosen."""
    cohort = cohort_of(centres, analysis_text)
    assert cohort.cluster_numbers[:5].tolist() == [0, 1, 1, 2, 0]
    assert cohort.select(np.arange(60) >= 3).cluster_numbers[:3].tolist() == [0, 1, 2]


def test_the_fingerprint_sees_a_changed_grouping_and_no_names(centres: pd.DataFrame, analysis_text) -> None:
    """Moving one row to another cluster changes it; renaming every cluster does not; without a frailty nothing of it is there."""
    before = cohort_of(centres, analysis_text).fingerprint
    moved = centres.assign(centre=centres["centre"].where(centres.index != 17, "z"))
    assert (moved["centre"] != centres["centre"]).sum() == 1
    assert cohort_of(moved, analysis_text).fingerprint != before
    renamed = centres.assign(centre=centres["centre"].map({"x": "9", "y": "10", "z": "a"}))
    assert cohort_of(renamed, analysis_text).fingerprint == before
    without = [cohort_of(frame, analysis_text, model="").fingerprint for frame in (centres, moved)]
    assert without[0] == without[1] != before


def test_stored_rows_have_numbers_for_names(centres: pd.DataFrame, analysis_text) -> None:
    """What is stored names no centre and no patient, and gives the same cohort back."""
    cohort = cohort_of(centres, analysis_text, endpoint="id = 'who'")
    stored = cohort.to_stored()
    assert {"centre", "who"}.isdisjoint(stored.columns)
    assert stored[CLUSTER].tolist() == cohort.cluster_numbers.tolist()
    again = Cohort.from_analysed(stored, cohort.endpoint, "rows")
    assert again.fingerprint == cohort.fingerprint
    np.testing.assert_array_equal(again.cluster_numbers, cohort.cluster_numbers)
    assert list(again.covariates.columns) == ["group"]
    assert {SUBJECT, CLUSTER} <= set(stored.columns)


def test_clusters_without_two_events_bring_a_note(centres: pd.DataFrame, analysis_text) -> None:
    """One row and one event each say little of a frailty: a note says so, and it is no refusal."""
    alone = "frailty = { cluster = 'who', distribution = 'log-normal' }"
    notes = cohort_of(centres, analysis_text, model=alone).notes
    assert len(notes) == 1
    assert "no cluster of 'who' has two events" in notes[0]
    assert cohort_of(centres, analysis_text).notes == ()


def test_spells_are_independent_given_the_frailty_too(centres: pd.DataFrame, analysis_text) -> None:
    """Where rows are spells of one subject, the note on them knows of the frailty."""
    pairs = centres.assign(who=np.repeat([f"p{i}" for i in range(30)], 2))
    model = "frailty = { cluster = 'who', distribution = 'gamma' }"
    (note,) = cohort_of(pairs, analysis_text, endpoint="id = 'who'", model=model).notes
    assert note == "60 rows are spells of 30 subjects, taken as independent given the covariates and the frailty."


def test_time_survived_out_of_sight_is_the_first_entry_of_a_subject(analysis_text) -> None:
    """A later spell begins where an earlier one ended, in sight; without ids each row is a subject of its own."""
    frame = pd.DataFrame(
        {
            "who": ["a", "b", "a", "c"],
            "centre": ["x", "x", "y", "y"],
            "entry": [5.0, 2.0, 1.0, 0.0],
            "time": [9.0, 4.0, 5.0, 3.0],
            "event": [1, 1, 0, 1],
            "group": ["a", "b", "a", "b"],
        }
    )
    entry = "entry = 'entry'"
    assert cohort_of(frame, analysis_text, f"{entry}\nid = 'who'").survived_before.tolist() == [0.0, 2.0, 1.0, 0.0]
    assert cohort_of(frame, analysis_text, entry).survived_before.tolist() == [5.0, 2.0, 1.0, 0.0]
