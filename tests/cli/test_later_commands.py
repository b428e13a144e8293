"""`check` and `crosscheck` read a run folder again, write their table, and are noted in its provenance."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from test_models import strict_json

import bayes_rrmm as br


@pytest.fixture
def tampered(folder: Path) -> Path:
    """The run folder with one chain of the shape moved elsewhere: as if it had not converged."""
    with xr.open_datatree(folder / "fit.nc", engine="h5netcdf") as stored:
        tree = stored.load()
    posterior = tree["posterior"].to_dataset()
    posterior["log_shape"][0] += 1.0
    tree["posterior"] = xr.DataTree(posterior)
    tree.to_netcdf(folder / "fit.nc", engine="h5netcdf")
    return folder


def test_check_a_good_run(cli: Callable, folder: Path) -> None:
    """`check` on a good run ends with 0, says PASSED, writes the same checks, and is noted with its date."""
    before = (folder / "checks.csv").read_bytes()
    ended = cli("check", folder)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("PASSED: ")
    assert (folder / "checks.csv").read_bytes() == before
    noted = json.loads((folder / "provenance.json").read_text())["later_commands"]
    assert [entry["command"] for entry in noted] == [f"bayes-rrmm check {folder}"]
    assert br.load_fit(folder).mark == ""


def test_check_quietly_and_as_json(cli: Callable, folder: Path) -> None:
    """Quiet, a run that passes prints nothing; as JSON it says so."""
    assert cli("check", folder, "--quiet").out == ""
    assert strict_json(cli("check", folder, "--json").out) == {"folder": str(folder), "passed": True, "failed": []}


def test_check_a_bad_run(cli: Callable, tampered: Path) -> None:
    """Draws that did not converge fail: exit code 2, what failed is said even quietly, and the folder is marked."""
    ended = cli("check", tampered, "--quiet")
    assert (ended.code, ended.err) == (2, "")
    assert ended.out.startswith("FAILED: ")
    assert "r_hat of log_shape" in ended.out
    checks = pd.read_csv(tampered / "checks.csv")
    failed = checks[checks["verdict"] == "failed"]
    assert checks["verdict"].iloc[0] == "failed"
    assert "log_shape" in failed["of"].tolist()
    assert failed["advice"].str.len().gt(0).all()
    assert "log_shape" in br.load_fit(tampered).mark
    record = strict_json(cli("check", tampered, "--json").out)
    assert record["passed"] is False
    assert ("r_hat", "log_shape") in [(item["check"], item["of"]) for item in record["failed"]]


def test_crosscheck(cli: Callable, folder: Path) -> None:
    """`crosscheck` prints the agreement table and writes the same crosscheck.csv as `fit` did."""
    before = (folder / "crosscheck.csv").read_bytes()
    ended = cli("crosscheck", folder)
    assert (ended.code, ended.err) == (0, "")
    for line in ("posterior", "frequentist", "Hazard ratio by molecular_group", "molecular_group: log-rank", "Conventions:"):
        assert line in ended.out
    assert (folder / "crosscheck.csv").read_bytes() == before
    assert cli("crosscheck", folder, "--quiet").out == ""
    noted = json.loads((folder / "provenance.json").read_text())["later_commands"]
    assert [entry["command"] for entry in noted] == [f"bayes-rrmm crosscheck {folder}", f"bayes-rrmm crosscheck {folder} --quiet"]


def test_crosscheck_as_json(cli: Callable, folder: Path) -> None:
    """As JSON the table is a list of rows without NaN, with the conventions beside it."""
    record = strict_json(cli("crosscheck", folder, "--json").out)
    assert len(record["crosscheck"]) == len(pd.read_csv(folder / "crosscheck.csv"))
    assert {row["verdict"] for row in record["crosscheck"]} <= {"agree", "differ", "not-comparable"}
    assert record["conventions"][0].startswith("Cox: Efron ties")


def test_crosscheck_under_other_conventions(cli: Callable, folder: Path) -> None:
    """`--ties` and `--interval` change the frequentist side alone, and the table says which were used."""
    plain = pd.read_csv(folder / "crosscheck.csv")
    ended = cli("crosscheck", folder, "--ties", "breslow", "--interval", "log")
    assert "Cox: Breslow ties" in ended.out
    other = pd.read_csv(folder / "crosscheck.csv")
    same = ["estimand", "group", "versus", "method", "bayes", "bayes_lower", "bayes_upper"]
    quantities = plain["unit"] != "p"
    pd.testing.assert_frame_equal(plain.loc[quantities, same], other.loc[quantities, same])
    for method, estimates_move in (("Cox", True), ("Kaplan-Meier", False)):
        mine, theirs = (table[(table["method"] == method) & table["frequentist"].notna()] for table in (plain, other))
        assert (mine["freq_lower"] != theirs["freq_lower"]).any()
        assert (mine["frequentist"] != theirs["frequentist"]).any() == estimates_move
    cli("crosscheck", folder, "--quiet")
    pd.testing.assert_frame_equal(pd.read_csv(folder / "crosscheck.csv"), plain)
    assert cli("crosscheck", folder, "--ties", "exact").code == 1


def test_crosscheck_of_a_failed_run_is_marked(cli: Callable, tampered: Path) -> None:
    """After a failed check the cross-check leads with the mark and ends with 2."""
    cli("check", tampered)
    ended = cli("crosscheck", tampered)
    assert ended.code == 2
    assert ended.out.startswith("DIAGNOSTICS FAILED: ")


def test_other_data_are_refused(cli: Callable, folder: Path, tmp_path: Path) -> None:
    """DATA other than the run's are refused by their fingerprint, and nothing in the folder changes."""
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    rows = br.load_data("myeloma-gep")
    rows.iloc[::-1].to_csv(tmp_path / "reversed.csv", index=False)
    for command in ("check", "crosscheck"):
        ended = cli(command, folder, tmp_path / "reversed.csv")
        assert (ended.code, ended.out) == (1, "")
        assert "these rows are not the ones the fit was made from" in ended.err
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_broken_folder_is_an_error_in_words(cli: Callable, folder: Path) -> None:
    """A folder whose draws are cut in half is one message and exit code 1."""
    path = folder / "fit.nc"
    path.write_bytes(path.read_bytes()[:5000])
    ended = cli("check", folder)
    assert (ended.code, ended.out) == (1, "")
    assert "make it again with `bayes-rrmm fit`" in ended.err
