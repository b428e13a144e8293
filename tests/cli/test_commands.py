"""The command line as a user meets it: commands, exit codes, messages, JSON, and that errors write nothing."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

CONTRACT = (
    *("analysis.toml", "provenance.json", "fit.nc", "rows.parquet", "parameters.csv", "estimates.csv", "crosscheck.csv"),
    *("checks.csv", "curves.csv", "loo.csv", "figures/survival.pdf", "figures/survival.png"),
)


def call(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bayes_rrmm.cli.main", *arguments], capture_output=True, text=True, check=False, cwd=cwd
    )


@pytest.fixture
def run_folder(demo_folder: Path, tmp_path: Path) -> Path:
    """A copy of a whole run folder, free to be changed."""
    return Path(shutil.copytree(demo_folder / "myeloma_gep_weibull", tmp_path / "run"))


def test_help_answers_at_once() -> None:
    """`--help` takes less than 0.3 s of processor time, best of five, and imports nothing heavy."""
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert call("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(seconds) < 0.3


@pytest.mark.parametrize("command", ["demo", "models", "validate", "fit", "check", "crosscheck"])
def test_every_command_has_help_and_shared_options(command: str) -> None:
    """Each command explains itself and takes --json and --quiet."""
    done = call(command, "--help")
    assert done.returncode == 0
    assert "--json" in done.stdout
    assert "--quiet" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["fti"],
        ["fit", "myeloma_gep_weibull"],
        ["fit", "myeloma_gep_weibull", "myeloma-gep"],
        ["validate", "no_such_analysis", "myeloma-gep"],
        ["validate", "myeloma_gep_weibull", "nothere.csv"],
        ["check", "nothere"],
        ["models", "show", "myeloma_gep_weibul"],
    ],
)
def test_errors_end_with_one(arguments: list[str], tmp_path: Path) -> None:
    """Wrong usage and wrong input end with exit code 1, a message, no traceback, and nothing written."""
    done = call(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_bad_row_is_refused_before_sampling(tmp_path: Path) -> None:
    """A fit on data with a bad row says which, ends with 1, and leaves no folder, whole or half."""
    table = tmp_path / "patients.csv"
    table.write_text("id,time,event,molecular_group\n1,5,1,A\n2,,0,B\n3,4,1,A\n", encoding="utf-8")
    done = call("fit", "myeloma_gep_weibull", str(table), "--out", str(tmp_path / "run"))
    assert done.returncode == 1
    assert "row 2" in done.stderr
    assert "'time'" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["patients.csv"]


def test_existing_folder_is_refused_before_sampling(run_folder: Path) -> None:
    """A run folder in the way is named with the remedy, and left as it is."""
    before = (run_folder / "provenance.json").read_bytes()
    done = call("fit", "myeloma_gep_weibull", "myeloma-gep", "--out", str(run_folder))
    assert done.returncode == 1
    assert "--overwrite" in done.stderr
    assert (run_folder / "provenance.json").read_bytes() == before


def test_run_folder_holds_the_contract(demo_folder: Path) -> None:
    """Every file of the contract that this version writes is there and not empty; provenance says how it was made."""
    folder = demo_folder / "myeloma_gep_weibull"
    for name in CONTRACT:
        assert (folder / name).stat().st_size > 0, name
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert set(provenance["seconds"]) >= {"load", "compile", "sample", "read"}
    assert provenance["seed"] == 20260311
    assert provenance["data"]["rows"] == 256
    assert len(provenance["data"]["fingerprint"]) == 64
    assert provenance["command"].startswith("bayes-rrmm demo")
    for name in ("pymc", "nutpie", "arviz", "numpy", "lifelines", "python", "bayes-rrmm"):
        assert provenance["versions"][name] != "not installed"


def test_fit_repeats_itself(demo_folder: Path, tmp_path: Path) -> None:
    """The same analysis, data, seed and versions give the same parameters and estimates to the last digit."""
    done = call("fit", "myeloma_gep_weibull", "myeloma-gep", "--out", str(tmp_path / "again"))
    assert done.returncode == 0, done.stderr
    assert "Diagnostics PASSED" in done.stdout
    assert "Wall time: load" in done.stdout
    for name in ("parameters.csv", "estimates.csv", "crosscheck.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (demo_folder / "myeloma_gep_weibull" / name).read_bytes()


def test_check_passes_and_is_recorded(run_folder: Path) -> None:
    """`check` answers 0 on a fit that converged, and the command joins its provenance."""
    done = call("check", str(run_folder), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["passed"] is True
    provenance = json.loads((run_folder / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["later_commands"][-1]["command"].startswith("bayes-rrmm check")


def test_check_fails_with_two(run_folder: Path) -> None:
    """`check` answers 2 and says what failed when one chain has wandered off."""
    with xr.open_datatree(run_folder / "fit.nc", engine="h5netcdf") as stored:
        tree = stored.load()
    shifted = tree["posterior"].to_dataset()
    shifted["log_shape"] = shifted["log_shape"] + xr.where(shifted["chain"] == 0, 1.0, 0.0)
    tree["posterior"] = xr.DataTree(shifted)
    (run_folder / "fit.nc").unlink()
    tree.to_netcdf(run_folder / "fit.nc", engine="h5netcdf")
    done = call("check", str(run_folder), "--quiet")
    assert done.returncode == 2
    assert "r_hat of log_shape" in done.stdout
    checks = pd.read_csv(run_folder / "checks.csv")
    assert (checks["verdict"] == "failed").sum() > 1


def test_crosscheck_again_gives_the_same_table(run_folder: Path, demo_folder: Path) -> None:
    """`crosscheck` on a saved run computes the table of the original run again."""
    done = call("crosscheck", str(run_folder))
    assert done.returncode == 0
    assert "Kaplan-Meier: log-log" in done.stdout
    before = pd.read_csv(demo_folder / "myeloma_gep_weibull" / "crosscheck.csv")
    pd.testing.assert_frame_equal(pd.read_csv(run_folder / "crosscheck.csv"), before)


def test_json_is_one_valid_object(run_folder: Path) -> None:
    """`--json` prints one object in which missing numbers are null, whatever pandas thinks of them."""
    done = call("crosscheck", str(run_folder), "--json")
    record = json.loads(done.stdout, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))
    assert len(record["crosscheck"]) > 20
    assert "Infinity" in {row["bayes"] for row in record["crosscheck"]}


def test_rows_left_out_must_be_given_again(run_folder: Path, tmp_path: Path) -> None:
    """Without rows in the folder, commands take the data, and refuse a table that is not the one fitted."""
    (run_folder / "rows.parquet").unlink()
    assert call("crosscheck", str(run_folder)).returncode == 1
    data = Path(__file__).parents[2] / "bayes_rrmm" / "data" / "myeloma_gep.csv"
    assert call("crosscheck", str(run_folder), str(data)).returncode == 0
    table = pd.read_csv(data, dtype=str, keep_default_na=False)
    table.iloc[np.r_[1, 0, 2 : len(table)]].to_csv(tmp_path / "shuffled.csv", index=False)
    refused = call("crosscheck", str(run_folder), str(tmp_path / "shuffled.csv"))
    assert refused.returncode == 1
    assert "fingerprint" in refused.stderr


def test_models_lists_shows_and_copies(tmp_path: Path) -> None:
    """Shipped analyses are listed, shown as they are, and copied without touching what is there."""
    listed = call("models")
    assert "myeloma_gep_weibull" in listed.stdout
    shown = call("models", "show", "myeloma_gep_weibull").stdout
    assert call("models", "copy", "myeloma_gep_weibull", str(tmp_path / "mine.toml")).returncode == 0
    assert (tmp_path / "mine.toml").read_text(encoding="utf-8") == shown
    (tmp_path / "mine.toml").write_text("mine", encoding="utf-8")
    assert call("models", "copy", "myeloma_gep_weibull", str(tmp_path / "mine.toml")).returncode == 1
    assert (tmp_path / "mine.toml").read_text(encoding="utf-8") == "mine"


def test_validate_says_what_would_be_fitted() -> None:
    """`validate` prints rows, events, person-time, the encoding and priors with what they weigh, and samples nothing."""
    text = call("validate", "myeloma_gep_weibull", "myeloma-gep").stdout
    for part in ("256 analysed of 256 read", "Events: 70 in 8815.1 person-months", "reference Hyperdiploid", "0.2 to 5", "events"):
        assert part in text
    record = json.loads(call("validate", "myeloma_gep_weibull", "myeloma-gep", "--json").stdout)
    assert record["events"] == 70
    assert len(record["columns"]) == 6
