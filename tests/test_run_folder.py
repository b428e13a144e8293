"""A run folder is whole or not there, holds no patient's identity, and gives back the fit it was written from."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import fits
import numpy as np
import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.errors import AnalysisError, BayesRrmmError, DataError, RunFolderError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.model_checks import diagnose, parameters_table
from bayes_rrmm.reading import estimate_all, estimates_table
from bayes_rrmm.run_folder import NEEDED, new_run_folder, read_fit, write_json, write_table

ENDPOINT = 'entry = "start"\nweight = "count"\nid = "pid"'
ROWS = 40


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Forty patients with identifiers, delayed entry, weights, a group written in numbers and a covariate in floats."""
    rng = np.random.default_rng(61)
    start = np.where(np.arange(ROWS) % 4 == 0, 0.1, 0.0)
    return pd.DataFrame(
        {
            "pid": [f"PATIENT-{71000 + i}" for i in range(ROWS)],
            "start": start,
            "time": start + rng.exponential(20, ROWS) + 0.1,
            "event": rng.integers(0, 2, ROWS),
            "count": rng.integers(1, 3, ROWS),
            "arm": np.resize([0, 1], ROWS),
            "age": rng.normal(60, 9, ROWS),
        }
    )


@pytest.fixture(scope="module")
def fit(table: pd.DataFrame) -> Fit:
    cohort, plan = fits.cohort_and_plan(table, "arm + age", endpoint=ENDPOINT, rest="[variables.arm]\nlevels = [0, 1]")
    return fits.laplace_fit(plan, cohort, size=200)


@pytest.fixture
def folder(fit: Fit, tmp_path: Path) -> Path:
    return br.save_fit(fit, tmp_path / "run")


def leftovers(parent: Path) -> list[str]:
    return sorted(path.name for path in parent.iterdir())


def test_the_fit_comes_back(fit: Fit, folder: Path) -> None:
    """Draws, sampler statistics, plan, provenance and rows are those that were written; so is everything read from them."""
    again = br.load_fit(folder)
    assert again.plan == fit.plan
    assert again.identity == fit.identity
    assert again.provenance == fit.provenance
    for group in ("posterior", "sample_stats", "prior", "log_prior"):
        assert again.tree[group].to_dataset().drop_attrs().identical(fit.tree[group].to_dataset().drop_attrs())
    assert again.cohort.fingerprint == fit.cohort.fingerprint
    for name in ("time", "event", "entry", "weight"):
        np.testing.assert_array_equal(getattr(again.cohort, name), getattr(fit.cohort, name))
    pd.testing.assert_frame_equal(again.cohort.covariates, fit.cohort.covariates)
    pd.testing.assert_frame_equal(estimates_table(estimate_all(again)), estimates_table(estimate_all(fit)))
    pd.testing.assert_frame_equal(parameters_table(again), parameters_table(fit))
    pd.testing.assert_frame_equal(diagnose(again).to_dataframe(), diagnose(fit).to_dataframe())


def test_the_analysis_is_kept_as_read(fit: Fit, folder: Path) -> None:
    """analysis.toml is the text that was read, and the provenance is plain JSON."""
    assert (folder / "analysis.toml").read_text(encoding="utf-8") == fit.analysis.source
    assert json.loads((folder / "provenance.json").read_text(encoding="utf-8")) == fit.provenance
    assert sorted(leftovers(folder)) == ["analysis.toml", "fit.nc", "provenance.json", "rows.parquet"]


def test_the_draws_hold_no_patient(fit: Fit, folder: Path, table: pd.DataFrame) -> None:
    """fit.nc has no group of patients' rows, and no file of the folder holds an identifier."""
    assert "observed_data" in fit.tree.children
    assert "observed_data" not in br.load_fit(folder).tree.children
    stored = (folder / "fit.nc").read_bytes()
    assert b"arm=1" in stored, "labels are stored as plain bytes, so identifiers would be found"
    for path in folder.iterdir():
        assert b"PATIENT-" not in path.read_bytes()
    rows = pd.read_parquet(folder / "rows.parquet")
    assert not any(rows[column].astype(str).str.contains("PATIENT").any() for column in rows)
    assert "pid" not in rows.columns
    assert set(table.columns) - {"pid"} <= set(rows.columns)


def test_spells_of_a_patient_stay_together(tmp_path: Path) -> None:
    """Spells are stored under a number in place of the identifier, so that leave-one-out still leaves patients out."""
    rng = np.random.default_rng(62)
    frame = pd.DataFrame({"pid": np.repeat([f"PATIENT-{i}" for i in range(15)], 2), "start": [0.0, 5.0] * 15})
    frame["time"] = np.where(frame["start"] == 0, 5.0, 5.1 + rng.exponential(9, 30))
    frame["event"] = (frame["start"] > 0).astype(int)
    frame = frame.sample(frac=1, random_state=3)
    cohort, plan = fits.cohort_and_plan(frame, "1", endpoint='entry = "start"\nid = "pid"')
    fit = fits.laplace_fit(plan, cohort, size=200)
    again = br.load_fit(br.save_fit(fit, tmp_path / "run"))
    assert again.cohort.patients == 15
    assert br.loo(again).unit == "subject"
    assert br.loo(again).elpd == pytest.approx(br.loo(fit).elpd, rel=1e-13)  # added up in the order of other names
    assert not any("PATIENT" in name for name in again.cohort.id)


def test_without_rows_the_data_are_needed(fit: Fit, table: pd.DataFrame, tmp_path: Path) -> None:
    """Saved without rows, a fit has none; it takes the table it was made from and no other, in that order of rows."""
    folder = br.save_fit(fit, tmp_path / "run", rows=False)
    assert not (folder / "rows.parquet").exists()
    assert br.load_fit(folder).cohort is None
    given = br.load_fit(folder, table)
    assert given.cohort.fingerprint == fit.cohort.fingerprint
    others = {
        "one time changed": table.assign(time=table["time"].where(table.index != 3, table["time"] + 1e-9)),
        "another order": table.iloc[::-1],
        "a row less": table.iloc[1:],
        "another age": table.assign(age=table["age"].where(table.index != 3, 50.0)),
    }
    for other in others.values():
        with pytest.raises(RunFolderError, match="these rows are not the ones the fit was made from"):
            br.load_fit(folder, other)
    with pytest.raises(DataError, match="column 'age'"):
        br.load_fit(folder, table.drop(columns="age"))


def test_rows_changed_in_the_folder_are_noticed(folder: Path) -> None:
    """Rows edited inside the folder no longer have the fit's fingerprint, and are refused."""
    rows = pd.read_parquet(folder / "rows.parquet")
    rows.loc[rows.index[0], "age"] += 1.0
    rows.to_parquet(folder / "rows.parquet")
    with pytest.raises(RunFolderError, match="these rows are not the ones the fit was made from"):
        br.load_fit(folder)


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    """An exception while writing leaves neither the folder nor its temporary sibling, and is passed on."""

    def write() -> None:
        with new_run_folder(tmp_path / "run") as temporary:
            (temporary / "provenance.json").write_text("{}")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("old", [False, True], ids=["new", "overwriting"])
def test_a_kill_leaves_nothing_that_looks_whole(old: bool, folder: Path, tmp_path: Path) -> None:
    """Killed outright while writing, there is no folder of the name, or still the old one; a later run is not in its way."""
    target = folder if old else tmp_path / "new"
    before = (folder / "provenance.json").read_bytes()
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from bayes_rrmm.run_folder import new_run_folder\n"
        "with new_run_folder(Path(sys.argv[1]), overwrite=True) as temporary:\n"
        "    (temporary / 'provenance.json').write_text('{}')\n"
        "    (temporary / 'fit.nc').write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert target.exists() == old
    assert any(name.endswith(".incomplete") for name in leftovers(tmp_path))
    assert (folder / "provenance.json").read_bytes() == before
    with new_run_folder(target, overwrite=old) as temporary:
        (temporary / "provenance.json").write_text("{}")
    assert leftovers(target) == ["provenance.json"]


def test_an_existing_folder_is_refused(fit: Fit, folder: Path) -> None:
    """An existing folder is left alone unless it may be replaced, and the message names both ways out."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(RunFolderError, match=r"already exists; choose another --out, or replace it with --overwrite"):
        br.save_fit(fit, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_overwrite_replaces_a_run_folder(fit: Fit, folder: Path, tmp_path: Path) -> None:
    """With overwrite an old run folder is replaced whole: no file of it is left, nor any temporary one beside it."""
    (folder / "old.csv").write_text("old")
    br.save_fit(fit, folder, overwrite=True, rows=False)
    assert leftovers(folder) == ["analysis.toml", "fit.nc", "provenance.json"]
    assert leftovers(tmp_path) == ["run"]


@pytest.mark.parametrize("kind", ["file", "folder of something else"])
def test_overwrite_touches_nothing_else(kind: str, fit: Fit, tmp_path: Path) -> None:
    """A file, or a folder that is no run folder, is not replaced even with overwrite."""
    target = tmp_path / "precious"
    precious = target
    if kind != "file":
        target.mkdir()
        precious = target / "thesis.docx"
    precious.write_text("years of work")
    with pytest.raises(RunFolderError, match="exists and is no run folder, so --overwrite does not touch it"):
        br.save_fit(fit, target, overwrite=True)
    assert precious.read_text() == "years of work"
    assert leftovers(tmp_path) == ["precious"]


def test_an_empty_folder_may_become_one(fit: Fit, tmp_path: Path) -> None:
    """An empty folder is in nobody's way once overwriting is allowed."""
    (tmp_path / "run").mkdir()
    assert br.load_fit(br.save_fit(fit, tmp_path / "run", overwrite=True)).identity == fit.identity


def test_a_failed_replacement_keeps_the_old_one(fit: Fit, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether writing fails or the last rename does, the old folder is where and what it was."""

    def write() -> None:
        with new_run_folder(folder, overwrite=True):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    rename = Path.rename

    def fails_into_place(self: Path, target: Path) -> Path:
        if self.name.endswith(".incomplete"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_into_place)
    with pytest.raises((OSError, RunFolderError), match="No space left on device"):
        br.save_fit(fit, folder, overwrite=True)
    assert leftovers(tmp_path) == ["run"]
    assert br.load_fit(folder).identity == fit.identity


def test_where_nothing_can_be_written(fit: Fit, tmp_path: Path) -> None:
    """A parent that is a file is refused in words; parents that do not exist are made."""
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match=r"cannot be written \(.*\); choose another --out"):
        br.save_fit(fit, tmp_path / "file" / "run")
    assert br.save_fit(fit, tmp_path / "a" / "b" / "run").is_dir()


def test_a_run_folder_can_be_shared(folder: Path) -> None:
    """The folder has ordinary permissions, not those of a temporary one."""
    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_file_is_named(name: str, folder: Path) -> None:
    """A folder without one of the files a fit is read from is no run folder, and the file is named with the remedy."""
    (folder / name).unlink()
    with pytest.raises(RunFolderError, match=f"no whole run folder: {name} is missing; make one with `bayes-rrmm fit"):
        br.load_fit(folder)


def test_no_folder_at_all(tmp_path: Path) -> None:
    """A folder that is not there is said not to be there."""
    with pytest.raises(RunFolderError, match="no such folder; make one with `bayes-rrmm fit"):
        br.load_fit(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("fit.nc", b"not HDF5"),
        ("fit.nc", None),
        ("provenance.json", b"{"),
        ("provenance.json", b"[]"),
        ("provenance.json", b'{"seed": 1}'),
        ("rows.parquet", b"not Parquet"),
        ("rows.parquet", None),
    ],
)
def test_a_broken_file_is_an_error_in_words(name: str, content: bytes | None, folder: Path) -> None:
    """Whatever is broken (None: cut in half), the error names the folder and says to make it again; nothing else escapes."""
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
    with pytest.raises(RunFolderError) as refused:
        br.load_fit(folder)
    assert str(folder) in str(refused.value)
    assert "make it again with `bayes-rrmm fit`" in str(refused.value)


def test_a_broken_analysis_names_its_line(folder: Path) -> None:
    """An analysis file that is no longer valid is refused as any analysis is, naming the file."""
    (folder / "analysis.toml").write_text("schema = 1\ntitle = ")
    with pytest.raises(AnalysisError, match=r"analysis\.toml: not valid TOML"):
        br.load_fit(folder)


def test_a_fit_without_a_record_of_its_data(fit: Fit, tmp_path: Path) -> None:
    """A fit whose provenance says nothing of its data, as a compiled model samples it, is saved with their fingerprint."""
    bare = dataclasses.replace(fit, provenance={"seed": 1})
    folder = br.save_fit(bare, tmp_path / "run")
    assert br.load_fit(folder).cohort.fingerprint == fit.cohort.fingerprint
    assert bare.provenance == {"seed": 1}


def test_the_sampling_that_was_used_comes_back(table: pd.DataFrame, tmp_path: Path) -> None:
    """Sampling settings changed in Python, such as the seed, and the interval of the analysis are those of the fit read back."""
    rest = '[sampling]\ninterval = { kind = "hdi", prob = 0.8 }'
    cohort, plan = fits.cohort_and_plan(table.drop(columns="pid"), "age", rest=rest)
    sampling = plan.analysis.sampling.model_copy(update={"seed": 5})
    reseeded = dataclasses.replace(plan, analysis=plan.analysis.model_copy(update={"sampling": sampling}))
    fit = fits.laplace_fit(reseeded, cohort, size=40)
    for number, made in enumerate((fit, dataclasses.replace(fit, provenance={}))):
        again = br.load_fit(br.save_fit(made, tmp_path / str(number)))
        assert again.analysis.sampling == sampling
        assert again.plan == reseeded


def test_every_error_is_one_of_ours(tmp_path: Path) -> None:
    """Reading what is no run folder raises the package's own error, which the command line prints without a traceback."""
    for path in (tmp_path, tmp_path / "nowhere", Path(__file__)):
        with pytest.raises(BayesRrmmError):
            read_fit(path)


def test_tables_are_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table or JSON file that is written anew stays as it was until the new one is complete."""
    path, record = tmp_path / "checks.csv", tmp_path / "provenance.json"
    write_table(path, pd.DataFrame({"a": [1]}))
    write_json(record, {"a": 1})

    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match="No space"):
        write_table(path, pd.DataFrame({"a": [2]}))
    with pytest.raises(OSError, match="No space"):
        write_json(record, {"a": 2})
    assert path.read_text() == "a\n1\n"
    assert json.loads(record.read_text()) == {"a": 1}
