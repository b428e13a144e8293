"""Clusters of a frailty: who shares one, what is stored of it, and what the fingerprint sees."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.cohort import Cohort, build_cohort
from bayes_rrmm.cohort.record import CLUSTER, SUBJECT
from bayes_rrmm.errors import AnalysisError, DataError
from bayes_rrmm.plan import make_plan
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
    assert note == (
        "60 rows are times of 30 subjects, each counted from its own origin, taken as independent given the covariates and the "
        "frailty."
    )


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
    whole = FRAILTY.replace(" }", ", entry = 'whole-clusters' }")
    assert cohort_of(frame, analysis_text, f"{entry}\nid = 'who'", whole).survived_before.tolist() == [0.0, 2.0, 1.0, 0.0]
    assert cohort_of(frame, analysis_text, entry, whole).survived_before.tolist() == [5.0, 2.0, 1.0, 0.0]


def test_a_landmark_frailty_is_that_of_clusters_at_it(centres: pd.DataFrame, analysis_text) -> None:
    """Under a landmark both distributions are counted from it: nothing was survived before, and a note says of which clusters."""
    for distribution in ("gamma", "log-normal"):
        analysis = parse_analysis(analysis_text("group", model=FRAILTY.replace("gamma", distribution) + "\nlandmark = 6"))
        cohort = build_cohort(centres, analysis)
        assert cohort.survived_before.max() == 6.0
        assert make_plan(analysis, cohort).survived_before(cohort).max() == 0.0
        assert any("somebody at risk at the landmark of 6 months, each counted once" in note for note in cohort.notes)


@pytest.mark.parametrize(
    ("distribution", "entry", "id_", "says"),
    [
        ("gamma", None, "centre", "how many of that cluster did not live to enter is unknown"),
        ("log-normal", None, "centre", 'set distribution = "gamma", or entry = "at-entry"'),
        ("log-normal", None, "who", "a log-normal frailty has no closed form given that"),
        ("gamma", "whole-clusters", "centre", ""),
        ("gamma", "at-entry", "centre", ""),
        ("log-normal", "at-entry", "centre", ""),
        ("gamma", None, "who", ""),
    ],
)
def test_late_entry_into_clusters_is_declared(
    distribution: str, entry: str | None, id_: str, says: str, centres: pd.DataFrame, analysis_text
) -> None:
    """Late entry into clusters of several is refused unless the analysis says how clusters come to be seen; into clusters of one
    patient it is identified. What is declared is in a note, and "at-entry" counts the frailty from entry."""
    seen = f", entry = '{entry}'" if entry else ""
    model = f"frailty = {{ cluster = '{id_}', distribution = '{distribution}'{seen} }}"
    frame = centres.assign(entry=np.where(np.arange(60) % 3, 0.0, centres["time"] / 4))
    analysis = parse_analysis(analysis_text("group", "entry = 'entry'", model))
    if says:
        with pytest.raises(DataError) as refusal:
            build_cohort(frame, analysis)
        assert says in str(refusal.value)
        assert "row 1, column 'entry'" in str(refusal.value)
        return
    cohort = build_cohort(frame, analysis)
    before = make_plan(analysis, cohort).survived_before(cohort)
    assert (before.max() == 0.0) == (entry == "at-entry")
    words = {"whole-clusters": "seen only if all their members survived", "at-entry": "as they entered, without regard", None: ""}
    assert any(words[entry] in note for note in (*cohort.notes, ""))


@pytest.mark.parametrize(
    ("endpoint", "model", "says"),
    [
        ("", "entry = 'at-entry'", "nobody enters late without an entry column"),
        ("entry = 'entry'", "entry = 'at-entry' }\nlandmark = 6 #", "the frailty is then that of clusters at the landmark"),
        ("entry = 'entry'", "entry = 'whole-cluster'", "entry = 'whole-cluster'"),
    ],
)
def test_a_declaration_without_meaning_is_refused(endpoint: str, model: str, says: str, analysis_text) -> None:
    """How clusters come to be seen is asked of delayed entry alone."""
    with pytest.raises(AnalysisError) as refusal:
        parse_analysis(analysis_text("group", endpoint, FRAILTY.replace(" }", f", {model} }}")))
    assert says in str(refusal.value)


def test_two_rows_of_one_patient_at_one_time_are_refused(centres: pd.DataFrame, analysis_text) -> None:
    """Where no entry is named, rows of one id all begin at 0 and count time twice: refused, also under a frailty of something else;
    under a frailty of the patient they are times from origins of their own."""
    thrice = pd.concat([centres] * 3, ignore_index=True)
    for model in ("", FRAILTY):
        with pytest.raises(DataError) as refusal:
            cohort_of(thrice, analysis_text, "id = 'who'", model)
        said = str(refusal.value)
        assert "row 61, column 'who' is 'p0': its spell from 0 to" in said
        assert "name the column that says when each begins as entry" in said
        assert "120 spells overlap" in said
    one = cohort_of(thrice, analysis_text, "id = 'who'", FRAILTY.replace("'centre'", "'who'"))
    assert "each counted from its own origin" in one.notes[0]
