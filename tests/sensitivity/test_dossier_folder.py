"""A dossier read back from its folder is the one that was saved, of one fit only; what is not whole is refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import fits
import numpy as np
import pandas as pd
import pytest
from test_shrinkage import shrunk_fit

import bayes_rrmm as br
from bayes_rrmm.errors import AnalysisError, RunFolderError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.run_folder import folder_safe, read_table
from bayes_rrmm.sensitivity.dossier_folder import ALWAYS, SECTIONS, dossiers_of, place_for, read_dossier
from bayes_rrmm.sensitivity.group_question import ask


@pytest.fixture(scope="module")
def fit() -> Fit:
    """Three groups whose names are numbers, the second written with a leading zero."""
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"time": np.round(rng.exponential(20.0, 60) + 0.1, 2), "event": rng.integers(0, 2, 60)})
    frame["group"] = np.resize(["1", "02", "3"], 60)
    cohort, plan = fits.cohort_and_plan(frame, "group", rest='[variables.group]\nreference = "1"')
    return fits.laplace_fit(plan, cohort)


@pytest.fixture(scope="module")
def found(fit: Fit) -> br.SmallGroup:
    quick = {"landmarks": (5.0,), "baselines": ("exponential",), "scales": (0.3, 3.0), "centres": (0.5, 2.0)}
    return br.small_group(fit, fit.cohort, "02", sample=shrunk_fit, **quick)


@pytest.fixture(scope="module")
def saved(found: br.SmallGroup, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder; nothing may write there."""
    folder = tmp_path_factory.mktemp("saved") / "dossier"
    found.save(folder)
    return folder


def copied(folder: Path, into: Path) -> Path:
    into.mkdir()
    for path in folder.iterdir():
        (into / path.name).write_bytes(path.read_bytes())
    return into


def test_what_is_read_is_what_was_saved(found: br.SmallGroup, saved: Path) -> None:
    """Every part and every table, to the last digit but CSV's own; text stays text, also where it looks like a number or like
    nothing."""
    read, made = read_dossier(saved), found.dossier()
    for name in ("group", "versus", "of", "title", "sizes", "threshold", "side", "passed", "conclusion", "notes", "text", "fit"):
        assert getattr(read, name) == getattr(made, name), name
    assert (read.folder, made.folder) == (saved, None)
    assert list(read.tables) == list(made.tables) == [name for name in SECTIONS if name in made.tables]
    for name, table in made.tables.items():
        known = table.where(table.notna(), np.nan)  # None is NaN in a file
        pd.testing.assert_frame_equal(read.tables[name], known, check_dtype=False, rtol=1e-12, obj=name)
    assert read.to_dataframe("shrinkage")["level"].tolist() == ["1", "02", "3"]
    assert read.to_dataframe("priors")["prior"].iloc[0] == "as analysed"
    assert read.to_dataframe("power_scaling")["prior"].dtype == float
    assert str(read) == str(found)


def test_no_time_or_status_of_a_patient_is_held(found: br.SmallGroup) -> None:
    """Neither section of patients has them, also where the small group itself was just made."""
    for section in ("left_out", "flipped"):
        assert not {"time", "event"} & {*found.dossier().to_dataframe(section)}


def test_a_source_is_whatever_shows_a_dossier(found: br.SmallGroup, saved: Path) -> None:
    """A folder, its name, a dossier or a small group."""
    read = read_dossier(str(saved))
    assert read_dossier(read) is read
    assert read_dossier(found).label == read.label == "02 / 1"
    assert repr(read).startswith("Dossier('02 / 1': frequentist, priors, explorer")


def test_sections_that_were_not_asked_for_are_empty(found: br.SmallGroup) -> None:
    """An unknown one is an error that names the nearest."""
    bare = replace(found, shrinkage=None).dossier()
    assert not len(bare.to_dataframe("shrinkage"))
    with pytest.raises(AnalysisError, match="did you mean 'priors'"):
        bare.to_dataframe("prior")


def test_it_belongs_to_the_very_draws_it_was_made_beside(found: br.SmallGroup, fit: Fit, tmp_path: Path) -> None:
    """Also where they were saved and read back; not to other draws of the same rows, and to none where it does not say whose it
    is."""
    dossier = found.dossier()
    assert dossier.belongs_to(fit)
    assert dossier.fingerprint == fit.fingerprint
    assert dossier.belongs_to(br.load_fit(br.save_fit(fit, tmp_path / "run")))
    assert not dossier.belongs_to(fits.laplace_fit(fit.plan, fit.cohort, seed=5))
    assert not replace(dossier, fit="").belongs_to(fit)


def test_an_earlier_dossier_is_read_as_far_as_it_goes(saved: Path, tmp_path: Path, fit: Fit) -> None:
    """One that names neither its tables nor its fit, from before it had an explorer, is whole with the tables all have."""
    folder = copied(saved, tmp_path / "old")
    (folder / "explorer.csv").unlink()
    record = json.loads((folder / "dossier.json").read_text())
    del record["fit"], record["tables"]
    (folder / "dossier.json").write_text(json.dumps(record))
    read = read_dossier(folder)
    assert "explorer" not in read.tables
    assert {*ALWAYS, "shrinkage"} <= read.tables.keys()
    assert not read.belongs_to(fit)


def test_what_is_not_whole_is_refused(saved: Path, tmp_path: Path) -> None:
    """No folder, an interrupted one, one without a table or the text that it lists, and records that cannot be read: each error
    names the folder, what is wrong and the remedy."""
    with pytest.raises(RunFolderError, match=r"nowhere: no such folder; make one with `bayes-rrmm sensitivity DIR --group LEVEL"):
        read_dossier(tmp_path / "nowhere")
    (tmp_path / "begun" / "refits").mkdir(parents=True)
    with pytest.raises(RunFolderError, match=r"holds no whole dossier: dossier.json is missing"):
        read_dossier(tmp_path / "begun")
    for number, name in enumerate(("explorer.csv", "dossier.txt")):
        folder = copied(saved, tmp_path / f"lacking{number}")
        (folder / name).unlink()
        with pytest.raises(RunFolderError, match=rf"no whole dossier: {name} is missing; make it again .* its refits are kept"):
            read_dossier(folder)
    folder = copied(saved, tmp_path / "bad")
    record = json.loads((folder / "dossier.json").read_text())
    lacking = json.dumps({**record, "sizes": 3})
    for content, message in (("{", "cannot be read"), ("[1]", "cannot be read"), (lacking, "lacks something")):
        (folder / "dossier.json").write_text(content)
        with pytest.raises(RunFolderError, match=message):
            read_dossier(folder)
    (folder / "dossier.json").write_text(json.dumps(record))
    (folder / "curve.csv").write_text("")
    with pytest.raises(RunFolderError, match=r"curve.csv: cannot be read .* make it again with `bayes-rrmm sensitivity"):
        read_dossier(folder)


def test_a_run_s_dossiers_are_the_whole_ones(saved: Path, tmp_path: Path) -> None:
    """By name; neither one that was interrupted, nor half a written one, nor a table beside them."""
    place = tmp_path / "run" / "dossiers"
    place.mkdir(parents=True)
    for name in ("b", "a", ".c-x.incomplete"):
        copied(saved, place / name)
    (place / "begun").mkdir()
    (place / "power_scaling.csv").write_text("estimand\n")
    assert dossiers_of(tmp_path / "run") == [place / "a", place / "b"]
    assert dossiers_of(tmp_path / "none") == []


def test_a_new_run_keeps_no_dossier_of_the_old_one(fit: Fit, saved: Path, tmp_path: Path) -> None:
    """Overwriting a run folder replaces it whole: what is left of the old fit would be taken for the new one's."""
    run = br.save_fit(fit, tmp_path / "run")
    (run / "dossiers").mkdir()
    copied(saved, run / "dossiers" / "02")
    assert len(dossiers_of(run)) == 1
    br.save_fit(fit, run, overwrite=True)
    assert dossiers_of(run) == []
    assert not (run / "dossiers").exists()


def test_the_place_in_a_run_is_the_level_s_own(patients: pd.DataFrame, tmp_path: Path) -> None:
    """dossiers/LEVEL; with the variable before it where several have such a level, with what it is compared with where that is
    not the reference."""
    frame = patients.assign(treated=np.resize(["no", "no", "yes", "no", "yes"], 60), relapsed=np.resize(["no", "no", "yes"], 60))
    cohort, plan = fits.cohort_and_plan(frame, "group + treated + relapsed")
    fit = fits.prior_fit(plan, cohort, size=40)
    for asked, name in (
        (("c", None, None), "c"), (("c", None, "b"), "c-against-b"), (("yes", "treated", None), "treated-yes"),
        (("yes", "relapsed", None), "relapsed-yes"),
    ):  # fmt: skip
        assert place_for(tmp_path, ask(fit, cohort, *asked)) == tmp_path / "dossiers" / name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("salvage-asct", "salvage-asct"), ("Low bone disease", "Low-bone-disease"), ("../..", "unnamed"), ("a/b\\c", "a-b-c"),
        ("硼替佐米", "硼替佐米"), (".hidden", "hidden"), (">= 65", "65"), ("x" * 99, "x" * 60), ("", "unnamed"), ("1.5+", "1.5+"),
    ],
)  # fmt: skip
def test_names_are_safe_for_folders(name: str, safe: str, tmp_path: Path) -> None:
    """Whatever a level is called, its folder is one folder, inside, not hidden, of bounded length."""
    assert folder_safe(name) == safe
    (tmp_path / safe).mkdir()


def test_a_table_is_read_with_the_remedy_of_its_owner(tmp_path: Path) -> None:
    """`read_table` keeps the columns named as text, empty text '', and says what to do where it cannot read."""
    (tmp_path / "t.csv").write_text("level,x\n01,1\n,\nNA,2\n")
    table = read_table(tmp_path / "t.csv", ("level",))
    assert table["level"].tolist() == ["01", "", "NA"]
    assert table["x"].isna().tolist() == [False, True, False]
    with pytest.raises(RunFolderError, match="do this"):
        read_table(tmp_path / "none.csv", (), "do this")
