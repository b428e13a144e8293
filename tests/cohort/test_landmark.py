"""A landmark in the analysis file: who stays, what is said, what is refused, and what is stored of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import fits
import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter

import bayes_rrmm as br
from bayes_rrmm.cohort import build_cohort
from bayes_rrmm.cohort.landmark import from_landmark
from bayes_rrmm.overview import overview, overview_record
from bayes_rrmm.reading import check_estimands
from bayes_rrmm.specification import parse_analysis

LANDMARK = "landmark = 6"
ASKED = '[[estimands]]\nkind = "hazard-ratio"\nof = "group"\n[[estimands]]\nkind = "survival"\nat = [12, 24]\nby = "group"'


def test_those_at_risk_stay_and_enter_there(patients: pd.DataFrame, analysis_text) -> None:
    """Rows that end by the landmark are left out and counted; the others enter at it, and time still runs from the origin."""
    patients.loc[4, "time"] = 6.0
    cohort = build_cohort(patients, parse_analysis(analysis_text("group", model=LANDMARK, rest=ASKED)))
    left = patients[patients["time"] > 6]
    np.testing.assert_array_equal(cohort.time, left["time"])
    np.testing.assert_array_equal(cohort.entry, 6.0)
    assert cohort.person_time == pytest.approx((left["time"] - 6).sum())
    (dropped,) = cohort.dropped
    assert dropped.reason == "follow-up ends by the landmark of 6 months"
    assert len(dropped.rows) == 60 - len(left)
    events = patients.loc[patients["time"] <= 6, "event"].sum()
    assert f"{events} events by then are left out" in cohort.notes[0]


def test_late_entry_and_spells(analysis_text) -> None:
    """Who enters after the landmark was not under observation at it; a subject who was keeps every later spell."""
    frame = pd.DataFrame(
        {
            "who": ["a", "a", "a", "b", "c", "d"], "entry": [0.0, 3.0, 9.0, 6.0, 7.0, 0.0],
            "time": [3.0, 9.0, 12.0, 20.0, 30.0, 6.0], "event": [0, 0, 1, 1, 1, 1],
        }
    )  # fmt: skip
    text = analysis_text("1", 'id = "who"\nentry = "entry"', LANDMARK, '[[estimands]]\nkind = "survival"\nat = 12')
    cohort = build_cohort(frame, parse_analysis(text))
    assert list(zip(cohort.id, cohort.entry, cohort.time, strict=True)) == [("a", 6, 9), ("a", 9, 12), ("b", 6, 20)]
    reasons = {item.reason: item.rows for item in cohort.dropped}
    assert reasons == {
        "follow-up ends by the landmark of 6 months": (1, 6),
        "not yet under observation at the landmark of 6 months": (5,),
    }
    plain = build_cohort(frame, parse_analysis(analysis_text("1", 'id = "who"\nentry = "entry"')))
    again = from_landmark(plain, 6.0)
    np.testing.assert_array_equal(again.entry, cohort.entry)
    assert again.fingerprint == cohort.fingerprint


def test_a_landmark_after_all_follow_up_is_refused(patients: pd.DataFrame, analysis_text) -> None:
    """The last exit is named with its row and column."""
    analysis = parse_analysis(analysis_text("1", model="landmark = 900", rest='[[estimands]]\nkind = "survival"\nat = 990'))
    last = int(patients["time"].idxmax()) + 1
    with pytest.raises(br.DataError, match=rf"landmark = 900: nobody .* row {last}, column 'time' = .*; name an earlier landmark"):
        build_cohort(patients, analysis)


def test_the_overview_counts_and_says_it(patients: pd.DataFrame) -> None:
    """Printed: the landmark, the rows left out, what is conditional; as data, the landmark too."""
    cohort, plan = fits.cohort_and_plan(patients, "group", model=LANDMARK, rest=ASKED)
    text = overview(plan, cohort)
    assert "OS, followed from the landmark of 6 months" in text
    assert "follow-up ends by the landmark of 6 months (rows" in text
    assert "survival is given survival to it" in text
    assert "Delayed entry" not in text
    assert overview_record(plan, cohort)["landmark"] == 6.0


def test_curves_are_given_survival_to_the_landmark(patients: pd.DataFrame) -> None:
    """S(t), median and RMST of a landmark analysis are of the patients at risk at it, each counted once, from it on: in each draw
    the mean of exp(-(H_i(t) - H_i(6))), and given a later time the ratio of two such means."""
    cohort, plan = fits.cohort_and_plan(patients, "group + sex", model=LANDMARK, rest=ASKED)
    fit = fits.laplace_fit(plan, cohort, size=8)
    assert plan.start == 6.0
    rate, shape = np.exp(fit.draws["log_rate"])[:, None], np.exp(fit.draws["log_shape"])[:, None]

    def by_hand(time: float, group: str) -> np.ndarray:
        relative = np.exp(fit.eta(cohort.covariates.assign(group=group)))
        return np.mean(np.exp(-rate * (time**shape - 6.0**shape) * relative), axis=1)

    survival = br.estimate(fit, br.Survival(at=(12, 24), by="group"))
    later = br.estimate(fit, br.Survival(at=24, given=12, by="group")).draws.to_numpy().reshape(8, 3)
    medians = br.estimate(fit, br.Median(by="group", horizon=float("inf")))
    rmst = br.estimate(fit, br.Rmst(upto=24, by="group"))
    assert (survival.given, medians.given, rmst.given) == (6.0, 6.0, 6.0)
    nodes, weights = np.polynomial.legendre.leggauss(24)
    for index, group in enumerate(("a", "b", "c")):
        found = survival.draws.to_numpy().reshape(8, 3, 2)[:, index]
        np.testing.assert_allclose(found[:, 0], by_hand(12.0, group), rtol=1e-9)
        np.testing.assert_allclose(found[:, 1], by_hand(24.0, group), rtol=1e-9)
        np.testing.assert_allclose(later[:, index], by_hand(24.0, group) / by_hand(12.0, group), rtol=1e-9)
        for draw, median in enumerate(medians.draws.to_numpy().reshape(8, 3)[:, index].tolist()):
            assert by_hand(median, group)[draw] == pytest.approx(0.5, abs=1e-8)
        area = sum(9.0 * weight * by_hand(15.0 + 9.0 * node, group) for node, weight in zip(nodes, weights, strict=True))
        np.testing.assert_allclose(rmst.draws.to_numpy().reshape(8, 3)[:, index], area, rtol=1e-8)


def test_cox_and_kaplan_meier_are_of_the_same_rows(patients: pd.DataFrame) -> None:
    """The agreement table's Cox and Kaplan-Meier are those of lifelines on hand-made rows, counted from the landmark."""
    cohort, plan = fits.cohort_and_plan(patients, "group", model=LANDMARK, rest=ASKED)
    table = br.compare_with_frequentist(fits.laplace_fit(plan, cohort), cohort).table
    left = patients[patients["time"] > 6].assign(time=lambda frame: frame["time"] - 6)
    design = pd.get_dummies(left["group"], dtype=float)[["b", "c"]].assign(time=left["time"], event=left["event"])
    model = CoxPHFitter().fit(design, "time", "event", fit_options={"precision": 1e-14, "r_precision": 1e-16})
    rows = table[(table["estimand"] == "hazard-ratio") & table["method"].str.startswith("Cox")].set_index("group")
    for level in ("b", "c"):
        assert rows.loc[level, "frequentist"] == pytest.approx(np.exp(model.params_[level]), rel=1e-6)
    curves = table[(table["estimand"] == "survival") & table["method"].str.startswith("Kaplan-Meier")]
    assert len(curves) == 6
    for row in curves.to_dict("records"):
        own = left[left["group"] == row["group"]]
        curve = KaplanMeierFitter().fit(own["time"], own["event"])
        assert row["frequentist"] == pytest.approx(float(curve.predict(row["at"] - 6)), rel=1e-9)
        assert row["given"] == 6


def test_a_saved_run_has_its_entries(patients: pd.DataFrame, tmp_path: Path) -> None:
    """Rows stored without a column for the entry come back with it, from the folder and from the data, under one fingerprint."""
    cohort, plan = fits.cohort_and_plan(patients, "group", model=LANDMARK, rest=ASKED)
    plain, _ = fits.cohort_and_plan(patients[patients["time"] > 6], "group")
    assert cohort.fingerprint != plain.fingerprint
    folder = br.save_fit(fits.laplace_fit(plan, cohort), tmp_path / "run")
    for loaded in (br.load_fit(folder), br.load_fit(folder, patients)):
        assert loaded.cohort is not None
        np.testing.assert_array_equal(loaded.cohort.entry, 6.0)
        assert list(loaded.cohort.covariates.columns) == ["group"]


@pytest.mark.parametrize(
    ("model", "rest", "says"),
    [
        ("landmark = 0", ASKED, "landmark = 0: it should be greater than 0"),
        ("landmark = 'six'", ASKED, "must be a number"),
    ],
)
def test_what_a_landmark_contradicts_is_refused(model: str, rest: str, says: str, analysis_text) -> None:
    """Key, rule and remedy."""
    with pytest.raises(br.AnalysisError) as refusal:
        parse_analysis(analysis_text("group", model=model, rest=rest))
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (br.Survival(at=(3, 12)), "at = 3 is not after the landmark (6 months)"),
        (br.Survival(at=12, given=2), "given = 2 is not after the landmark (6 months)"),
        (br.Rmst(upto=6), "upto = 6 is not after the landmark (6 months)"),
        (br.Median(horizon=5), "horizon = 5 is not after the landmark (6 months)"),
        (br.Rank(of="group", upto=4), "upto = 4 is not after the landmark (6 months)"),
    ],
)
def test_times_before_it_are_refused_in_file_and_python_alike(
    asked: br.Survival | br.Rmst | br.Median | br.Rank, says: str, patients: pd.DataFrame
) -> None:
    """Nobody is followed before the landmark, so nothing is answered about that time, whoever asks."""
    cohort, plan = fits.cohort_and_plan(patients, "group", model=LANDMARK)
    with pytest.raises(br.AnalysisError) as refusal:
        br.estimate(fits.prior_fit(plan, cohort, size=8), asked)
    assert says in str(refusal.value)
    written = replace(plan, analysis=plan.analysis.model_copy(update={"estimands": (asked,)}))
    with pytest.raises(br.AnalysisError) as refusal:
        check_estimands(written, cohort)
    assert f"[[estimands]] number 1: {says}" in str(refusal.value)
