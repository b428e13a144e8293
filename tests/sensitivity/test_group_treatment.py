"""Times of treatment: what is refused, and the rows in which months before treatment count otherwise, against lifelines."""

from __future__ import annotations

import fits
import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, CoxTimeVaryingFitter

import bayes_rrmm as br
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.fitted import Fit
from bayes_rrmm.sensitivity.group_frequentist import cox_alone
from bayes_rrmm.sensitivity.group_question import GroupQuestion, ask
from bayes_rrmm.sensitivity.group_treatment import delayed, landmarks_of, on_landmark, time_dependent, treatment_times

EXACT = {"precision": 1e-14, "r_precision": 1e-16}
LATE = '[variables.group]\nreference = "rest"'


def treated_late(size: int = 12, others: int = 60) -> pd.DataFrame:
    """A group that is treated some months after time 0, and that one must have survived to be in."""
    rng = np.random.default_rng(7)
    rows = size + others
    treated = np.where(np.arange(rows) < size, np.round(rng.uniform(1.0, 9.0, rows), 1), np.nan)
    time = np.round(rng.exponential(14.0, rows) + np.nan_to_num(treated) + 0.1, 2)
    group = np.where(np.isnan(treated), "rest", "few").astype(object)
    return pd.DataFrame({"time": time, "event": (rng.random(rows) < 0.7).astype(int), "group": group, "treated": treated})


def asked(frame: pd.DataFrame) -> tuple[GroupQuestion, Fit, Cohort]:
    cohort, plan = fits.cohort_and_plan(frame, "group", rest=LATE)
    fit = fits.prior_fit(plan, cohort)
    return ask(fit, cohort, "few"), fit, cohort


def log_hr(model: CoxPHFitter | CoxTimeVaryingFitter) -> tuple[float, float]:
    return float(model.params_["few"]), float(model.standard_errors_["few"])


@pytest.fixture
def frame() -> pd.DataFrame:
    return treated_late()


def test_times_are_taken_by_row_of_the_cohort_or_of_the_table(frame: pd.DataFrame) -> None:
    """An entry a row of the cohort, or a row of the table as read, text or numbers: the same times."""
    frame.loc[[3, 40], "event"] = 0
    gap = frame.astype(object)
    gap.loc[[1, 50], "group"] = None
    question, _, cohort = asked(gap)
    kept = frame.drop(index=[1, 50])["treated"]
    expected = kept.to_numpy()
    np.testing.assert_array_equal(treatment_times(kept, question, cohort), expected)
    whole = frame["treated"].copy()
    np.testing.assert_array_equal(treatment_times(whole, question, cohort), expected)
    as_read = whole.map(lambda value: "" if np.isnan(value) else f"{value:g}")
    np.testing.assert_array_equal(treatment_times(as_read, question, cohort), expected)


@pytest.mark.parametrize(
    ("row", "value", "says"),
    [
        (2, -1.0, ("row 3, column 'treated' is -1", "must not be negative", "count it from time 0")),
        (2, None, ("row 3, column 'treated' is missing", "must be known for every row of group = few", "complete it")),
        (2, "soon", ("row 3, column 'treated' is 'soon'", "must be a number")),
        (2, 500.0, ("row 3, column 'treated' is 500", "must come before the exit (time)", "check the two dates")),
        (30, 2.0, ("row 31, column 'treated' is 2", "only rows of group = few", "leave it empty")),
    ],
)
def test_bad_times_are_refused(frame: pd.DataFrame, row: int, value: object, says: tuple[str, ...]) -> None:
    """Row, column, value, rule and remedy are named."""
    question, _, cohort = asked(frame)
    column = frame["treated"].astype(object)
    column[row] = value
    with pytest.raises(br.DataError) as refusal:
        treatment_times(column, question, cohort)
    for part in says:
        assert part in str(refusal.value)


def test_what_is_no_column_of_times_is_refused(frame: pd.DataFrame) -> None:
    """A name instead of values, or values for other rows."""
    question, _, cohort = asked(frame)
    with pytest.raises(br.AnalysisError, match=r"treated_at = data\['treated'\]"):
        treatment_times("treated", question, cohort)
    with pytest.raises(br.DataError, match="has 5 values, and the cohort 72 rows"):
        treatment_times([1.0] * 5, question, cohort)


def test_delayed_entry_is_that_of_lifelines(frame: pd.DataFrame) -> None:
    """Cox of those at risk from treatment on: lifelines with an entry column, and the rows of the cohort."""
    question, fit, cohort = asked(frame)
    rows = delayed(cohort, treatment_times(frame["treated"], question, cohort))
    np.testing.assert_array_equal(rows.entry, frame["treated"].fillna(0.0))
    table = frame.assign(few=(frame["group"] == "few").astype(float), entry=frame["treated"].fillna(0.0))
    model = CoxPHFitter().fit(table[["time", "event", "entry", "few"]], "time", "event", entry_col="entry", fit_options=EXACT)
    found = cox_alone(question, fit, rows)
    np.testing.assert_allclose([found["log_hr"], found["se"]], log_hr(model), rtol=1e-6, atol=1e-7)


def test_a_time_dependent_group_is_that_of_lifelines(frame: pd.DataFrame) -> None:
    """Cox of spells against lifelines' time-varying one; person-time and events are those of the cohort, one subject a patient."""
    question, fit, cohort = asked(frame)
    rows = time_dependent(question, cohort, treatment_times(frame["treated"], question, cohort))
    assert (rows.patients, rows.events, rows.person_time) == pytest.approx((72, cohort.events, cohort.person_time))
    named = frame.assign(id=range(72))
    few, rest = named[named["group"] == "few"], named[named["group"] == "rest"]
    before = few.assign(start=0.0, stop=few["treated"], event=0, few=0.0)
    after = few.assign(start=few["treated"], stop=few["time"], few=1.0)
    long = pd.concat([before, after, rest.assign(start=0.0, stop=rest["time"], few=0.0)])[["id", "start", "stop", "event", "few"]]
    model = CoxTimeVaryingFitter().fit(long, "event", "start", "stop", id_col="id", fit_options=EXACT)
    found = cox_alone(question, fit, rows)
    np.testing.assert_allclose([found["log_hr"], found["se"]], log_hr(model), rtol=1e-6, atol=1e-7)
    waiting = rows.select((rows.covariates["group"] == "rest").to_numpy() & np.isin(rows.id, [str(row) for row in range(12)]))
    assert waiting.person_time == pytest.approx(frame["treated"].sum())
    assert waiting.events == 0


def test_a_landmark_counts_who_was_treated_by_then(frame: pd.DataFrame) -> None:
    """Cox on hand-made rows by lifelines; who is treated later counts with the others, and without times nobody moves."""
    question, fit, cohort = asked(frame)
    treated = treatment_times(frame["treated"], question, cohort)
    left = frame[frame["time"] > 5.0]
    for times, few in ((treated, left["treated"] <= 5.0), (None, left["group"] == "few")):
        rows, moved = on_landmark(question, cohort, times, 5.0)
        table = pd.DataFrame({"time": left["time"] - 5.0, "event": left["event"], "few": few.astype(float)})
        model = CoxPHFitter().fit(table, "time", "event", fit_options=EXACT)
        found = cox_alone(question, fit, rows)
        np.testing.assert_allclose([found["log_hr"], found["se"]], log_hr(model), rtol=1e-6, atol=1e-7)
        assert moved == ((left["treated"] > 5.0).sum() if times is not None else 0)
        assert (rows.entry == 5.0).all()


def test_the_usual_landmarks_come_from_the_data(frame: pd.DataFrame) -> None:
    """When half and all of the group were treated, or, not knowing, when a tenth and a quarter of the events had happened."""
    question, _, cohort = asked(frame)
    treated = treatment_times(frame["treated"], question, cohort)
    times = np.sort(frame["treated"].dropna())
    assert landmarks_of(question, cohort, treated, None)[0] == (np.ceil(times[5]), np.ceil(times[-1]))
    first, second = landmarks_of(question, cohort, None, None)[0]
    deaths = np.sort(frame.loc[frame["event"] == 1, "time"])
    assert np.searchsorted(deaths, [first, second]) / len(deaths) == pytest.approx([0.1, 0.25], abs=0.05)
    assert landmarks_of(question, cohort, treated, (6, 3))[0] == (3.0, 6.0)
    with pytest.raises(br.AnalysisError, match=r"landmark = 0: follow-up starts at 0; name a time after it, in months"):
        landmarks_of(question, cohort, None, [0.0])
    with pytest.raises(br.AnalysisError, match=r"landmark = 900: no event comes after it"):
        landmarks_of(question, cohort, None, [900.0])


def test_spells_weights_and_clusters_are_kept() -> None:
    """A subject's spells before treatment leave the risk set, the spell it falls in is cut there, and weights go along."""
    frame = pd.DataFrame(
        {
            "who": ["a", "a", "b", "c", "d"], "entry": [0.0, 4.0, 0.0, 1.0, 0.0], "time": [4.0, 9.0, 7.0, 8.0, 6.0],
            "event": [0, 1, 1, 0, 1], "group": ["few", "few", "rest", "rest", "few"], "treated": [6.0, 6.0, None, None, 0.0],
        }
    )  # fmt: skip
    cohort, plan = fits.cohort_and_plan(frame, "group", endpoint='id = "who"\nentry = "entry"', rest=LATE)
    question = ask(fits.prior_fit(plan, cohort), cohort, "few")
    treated = treatment_times(frame["treated"], question, cohort)
    late = delayed(cohort, treated)
    assert list(zip(late.id, late.entry, late.time, strict=True)) == [
        ("a", 6.0, 9.0), ("b", 0.0, 7.0), ("c", 1.0, 8.0), ("d", 0.0, 6.0)
    ]  # fmt: skip
    split = time_dependent(question, cohort, treated)
    spells = sorted(zip(split.id, split.entry, split.time, split.event, split.covariates["group"], strict=True))
    assert spells == [
        ("a", 0.0, 4.0, 0.0, "rest"), ("a", 4.0, 6.0, 0.0, "rest"), ("a", 6.0, 9.0, 1.0, "few"),
        ("b", 0.0, 7.0, 1.0, "rest"), ("c", 1.0, 8.0, 0.0, "rest"), ("d", 0.0, 6.0, 1.0, "few"),
    ]  # fmt: skip
    assert split.patients == 4
    with pytest.raises(br.DataError, match="one time of treatment"):
        treatment_times([5.0, 6.0, None, None, 0.0], question, cohort)
