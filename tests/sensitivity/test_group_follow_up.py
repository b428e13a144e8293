"""Baselines, delayed entry, time-dependent group and landmarks in the dossier: tables, words, conclusion; one is sampled."""

from __future__ import annotations

import math
from pathlib import Path

import fits
import numpy as np
import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import parametric
from bayes_rrmm.inference import compiled
from bayes_rrmm.sensitivity.group_follow_up import follow_up_of
from bayes_rrmm.sensitivity.group_question import ask
from bayes_rrmm.sensitivity.refits import Refit

COARSE = {"scales": (0.1, 1.0, 5.0), "centres": (0.5, 2.0)}
REFERENCE = '[variables.group]\nreference = "rest"\n[priors]\ngroup = { normal = [0, 3] }'


def around_the_mode(refit: Refit) -> Fit:
    return fits.laplace_fit(refit.plan, refit.cohort)


def immortal(size: int = 15, others: int = 120) -> pd.DataFrame:
    """A treatment that does nothing, given some months after time 0 to who is still alive: its patients seem to live longer."""
    rng = np.random.default_rng(3)
    rows = size + others
    treated = np.where(np.arange(rows) < size, np.round(rng.uniform(6.0, 14.0, rows), 1), np.nan)
    time = np.round(rng.exponential(12.0, rows) + np.nan_to_num(treated) + 0.1, 2)
    group = np.where(np.isnan(treated), "rest", "few").astype(object)
    return pd.DataFrame({"time": time, "event": (rng.random(rows) < 0.85).astype(int), "group": group, "treated": treated})


def made(frame: pd.DataFrame, rest: str = REFERENCE, model: str = "", **options: object) -> br.SmallGroup:
    cohort, plan = fits.cohort_and_plan(frame, "group", rest=rest, model=model)
    chosen = {"sample": around_the_mode, "baselines": (), **COARSE, **options}
    return br.small_group(fits.laplace_fit(plan, cohort), cohort, "few", **chosen)


@pytest.fixture(scope="module")
def dossier() -> br.SmallGroup:
    frame = immortal()
    return made(frame, treated_at=frame["treated"], landmarks=(8.0, 14.0), baselines=("exponential", "equal-width:3"))


def test_every_reading_has_its_patients_and_events(dossier: br.SmallGroup) -> None:
    """As analysed, delayed, time-dependent and a row a landmark, with who is in it; each but the first is a refit."""
    frame = immortal()
    found = dossier.follow_up.set_index("reading")
    assert list(found.index) == ["as analysed", "delayed entry", "time-dependent", "landmark 8", "landmark 14"]
    assert found["patients"].tolist()[:3] == [15, 15, 15]
    left = frame[frame["time"] > 8]
    assert found.loc["landmark 8", "patients"] == (left["treated"] <= 8).sum()
    assert found.loc["landmark 8", "moved"] == (left["treated"] > 8).sum()
    assert found.loc["landmark 8", "others"] == len(left) - (left["treated"] <= 8).sum()
    assert found.loc["landmark 8", "other_events"] == left.loc[~(left["treated"] <= 8), "event"].sum()
    assert found.loc["time-dependent", "others"] == 135
    assert found["passed"].all()
    sections = dossier.refits["section"].value_counts()
    assert (sections["follow_up"], sections["baselines"]) == (4, 2)


def test_each_refit_is_near_maximum_likelihood_on_the_same_rows(dossier: br.SmallGroup) -> None:
    """Under a wide prior: the Weibull with an entry column, of those at risk from treatment, and from the landmark."""
    frame, found = immortal(), dossier.follow_up.set_index("reading")
    few = (frame["group"] == "few").to_numpy(float)
    entry = frame["treated"].fillna(0.0).to_numpy()
    time, event = frame["time"].to_numpy(), frame["event"].to_numpy()
    late = time > 14.0
    cases = {
        "as analysed": (few, time, event, np.zeros(len(frame))),
        "delayed entry": (few, time, event, entry),
        "landmark 14": (few[late], time[late], event[late], np.full(late.sum(), 14.0)),
    }
    for name, (column, exits, died, start) in cases.items():
        log_hr, se, *_ = parametric("weibull", column[:, None], ["few"], exits, died, start).contrast([1.0])
        assert abs(found.loc[name, "log_mean"] - log_hr) < 0.2 * se, name
        assert found.loc[name, "log_sd"] == pytest.approx(se, rel=0.15), name


def test_immortal_time_is_counted_and_its_effect_has_a_size(dossier: br.SmallGroup) -> None:
    """Person-months before treatment, their share, and the difference of log HR with its size; the naive one flatters."""
    frame = immortal()
    few = frame[frame["group"] == "few"]
    for row in dossier.immortal.to_dict("records"):
        assert row["immortal_time"] == pytest.approx(few["treated"].sum())
        assert row["share"] == pytest.approx(few["treated"].sum() / few["time"].sum())
        assert row["ratio"] == pytest.approx(math.exp(row["difference"]))
        assert row["ratio"] < 0.75
    cox = dossier.immortal.set_index("method").loc["Cox"]
    found = dossier.follow_up.set_index("reading")
    assert cox["difference"] == pytest.approx(math.log(cox["naive"] / cox["delayed"]))
    assert cox["in_se"] == pytest.approx(cox["difference"] / found.loc["delayed entry", "se_cox"])
    text = str(dossier)
    assert f"group = few had {few['treated'].sum():.1f} person-months before treatment" in text
    assert "immortal person-months change the hazard ratio by a factor of" in dossier.conclusion


def test_the_words_name_what_turns_the_answer(dossier: br.SmallGroup) -> None:
    """A treatment that does nothing looks protective as analysed; delayed entry takes it away, and the conclusion says so."""
    assert dossier.analysed.p_below_1 > 0.975
    assert "Under delayed entry, time-dependent, landmark 8, landmark 14 it is" in dossier.conclusion
    assert "delayed entry" in dossier.conclusion.partition("hangs on")[2]
    assert "Of 2 other baselines" in dossier.conclusion
    assert "At a landmark few is who was treated by then; who was treated later counts as rest there." in dossier.notes


def test_nothing_asked_is_nothing_said() -> None:
    """Without baselines, times and landmarks the sections are empty, with their columns, and the text has none of them."""
    found = made(immortal(), landmarks=())
    for section in ("baselines", "follow_up", "immortal"):
        assert found.to_dataframe(section).empty
        assert len(found.to_dataframe(section).columns)
    for word in ("Baselines", "Follow-up", "immortal", "Landmark"):
        assert word not in str(found)


def test_without_times_landmarks_keep_the_recorded_groups() -> None:
    """Nobody moves, and the note says what remains."""
    found = made(immortal())
    assert found.follow_up["moved"].tolist() == [0, 0, 0]
    assert any("time before it is immortal, and some of that remains" in note for note in found.notes)


def test_a_landmark_before_any_treatment_has_no_group() -> None:
    """Nobody treated yet: no refit, no number, and the row says why; nothing fails."""
    frame = immortal()
    found = made(frame, treated_at=frame["treated"], landmarks=(3.0,))
    row = found.follow_up.set_index("reading").loc["landmark 3"]
    assert math.isnan(row["hr"])
    assert row["moved"] == 15
    assert "nobody of few is at risk" in row["note"]
    assert found.passed
    assert "nan" not in str(found)
    assert "follow-up: landmark 3" not in set(found.refits["name"])


def test_under_a_frailty_only_late_entry_is_left_out() -> None:
    """The reading with late entry is left out with the reason; the time-dependent one, where nobody enters late, is made, and that
    of a landmark, whose frailty is counted from it."""
    frame = immortal().assign(centre=np.resize(["x", "y", "z"], 135))
    cohort, plan = fits.cohort_and_plan(
        frame, "group", model='frailty = { cluster = "centre", distribution = "log-normal" }', rest=REFERENCE
    )
    fit = fits.prior_fit(plan, cohort)
    readings = follow_up_of(ask(fit, cohort, "few"), fit, cohort, frame["treated"], (8.0,)).readings
    assert [item.refit for item in readings] == [True, False, True, True]
    assert "late entry of single members of a cluster" in readings[1].note
    assert readings[3].plan_of(plan).survived_before(readings[3].cohort).max() == 0.0
    assert readings[3].plan_of(plan).start == 8.0


def test_highest_density_is_said_to_be_missing() -> None:
    """The dossier's limits are equal-tailed; where the analysis asks for another kind, a note says so."""
    hdi = REFERENCE + '\n[sampling]\ninterval = { kind = "hdi", prob = 0.9 }'
    found = made(immortal(), rest=hdi, landmarks=())
    assert "Limits here are equal-tailed, of probability 0.9; the analysis asks for highest density." in found.notes
    assert found.analysed.prob == 0.9


def test_gaps_keep_a_patient_in_one_row() -> None:
    """A patient with a marginalised gap is not split, and the time-dependent reading says so; the others are made."""
    frame = immortal().assign(sex=np.resize(["f", "m", "m"], 135).astype(object))
    frame.loc[[2, 60], "sex"] = None
    cohort, plan = fits.cohort_and_plan(frame, "group + sex", model='missing = "marginalise"', rest=REFERENCE)
    fit = fits.prior_fit(plan, cohort)
    readings = follow_up_of(ask(fit, cohort, "few"), fit, cohort, frame["treated"], (14.0,)).readings
    assert [item.refit for item in readings] == [True, True, False, True]
    assert "a patient with a gap to be marginalised" in readings[2].note


@pytest.mark.full
def test_nine_transplants_under_baselines_and_follow_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The study's nine patients, sampled: three models beside the fit's own, every refit passes, and it resumes."""
    models: dict[object, object] = {}
    monkeypatch.setattr(compiled, "COMPILED", models)  # what other tests of the process compiled is not counted
    analysis = br.load_analysis("os_salvage_asct")
    data = br.load_data("rrmm1-synthetic")
    cohort = br.read_cohort(data, analysis)
    fit = br.fit(analysis, cohort)
    asked = {**COARSE, "treated_at": data["months_to_salvage_asct"], "landmarks": (6.0,), "folder": tmp_path / "refits"}
    wide = {"wide": {"normal": [0, 10]}}
    found = br.small_group(fit, cohort, "yes", priors=wide, **asked)
    assert len(models) == 1 + 3
    assert found.passed
    assert found.baselines["shift"].abs().max() < 0.5
    readings = found.follow_up.set_index("reading")
    assert readings.loc["landmark 6", "moved"] == 2
    assert found.immortal["immortal_time"].iloc[0] == pytest.approx(41.1, abs=0.05)
    assert (found.immortal["ratio"] < 1).all()
    again = br.small_group(fit, cohort, "yes", priors=wide, **asked)
    pd.testing.assert_frame_equal(found.refits, again.refits)
