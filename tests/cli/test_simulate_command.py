"""`bayes-rrmm simulate`: what it prints and writes, how it goes on, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from running import Ended, run_cli

ANALYSIS, DATA = "myeloma_gep_weibull", "myeloma-gep"
FEW = ("--patients", 60, "--replicates", 2, "--cores", 1)


def simulate(*arguments: object) -> Ended:
    """`bayes-rrmm simulate` with these arguments."""
    return run_cli("simulate", *arguments)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, Path]:
    """Two replicates of the shipped Weibull analysis, whose model the suite compiles anyway."""
    table = tmp_path_factory.mktemp("study") / "coverage.csv"
    return simulate(ANALYSIS, DATA, *FEW, "--out", table), table


def test_a_study_is_printed_and_written(written: tuple[Ended, Path]) -> None:
    """The terminal and FILE.csv have every quantity, FILE.json their provenance, FILE.replicates.csv each replicate."""
    ended, path = written
    assert ended.code == 0
    table, replicates = pd.read_csv(path), pd.read_csv(path.with_suffix(".replicates.csv"))
    assert all(name in ended.out for name in table["quantity"])
    assert "holds all" in ended.out
    assert (table["replicates"] == 2).all()
    assert len(replicates) == 2 * len(table)
    stored = json.loads(path.with_suffix(".json").read_text())
    assert stored["command"].startswith("bayes-rrmm simulate myeloma_gep_weibull myeloma-gep --patients 60 --replicates 2")
    assert stored["study"]["patients"] == 60
    assert {"pymc", "nutpie"} <= stored["versions"].keys()
    assert len(stored["fingerprint"]["log_density"]) == 20


def test_a_study_goes_on_where_it_ended(written: tuple[Ended, Path], tmp_path: Path) -> None:
    """Asked for one replicate more, it adds one, leaves the others as they were, and prints nothing where told to be quiet."""
    _, path = written
    table = tmp_path / "coverage.csv"
    for suffix in (".csv", ".json", ".replicates.csv"):
        table.with_suffix(suffix).write_bytes(path.with_suffix(suffix).read_bytes())
    ended = simulate(ANALYSIS, DATA, "--patients", 60, "--replicates", 3, "--cores", 1, "--out", table, "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    before, after = (pd.read_csv(file.with_suffix(".replicates.csv")) for file in (path, table))
    pd.testing.assert_frame_equal(after[after["replicate"] <= 2], before)
    assert (pd.read_csv(table)["replicates"] == 3).all()


def test_json_is_one_object(written: tuple[Ended, Path]) -> None:
    """--json prints the coverages and how the sampler fared, and they are those of the table."""
    ended = simulate(ANALYSIS, DATA, *FEW, "--json")
    record = json.loads(ended.out)
    assert [row["covered"] for row in record["coverage"]] == pd.read_csv(written[1])["covered"].tolist()
    assert record["sampling"]["replicates"] == 2


def test_another_seed_is_another_study(written: tuple[Ended, Path]) -> None:
    """The files of a study are not mixed with those of another seed."""
    ended = simulate(ANALYSIS, DATA, *FEW, "--seed", 5, "--out", written[1])
    assert ended.code == 1
    assert "seed was" in ended.err
    assert "Traceback" not in ended.err


def test_what_cannot_be_studied_is_refused_before_compiling() -> None:
    """An unknown analysis, data without its columns, and a lone patient end with exit code 1 and a sentence."""
    for arguments, message in (
        (("nonesuch",), "is not a shipped analysis"),
        ((ANALYSIS, "myeloma-mayo"), "is not in the data"),
        ((ANALYSIS, DATA, "--patients", 1), "--patients"),
        ((ANALYSIS, DATA, "--out", "coverage.txt"), "ends in .csv"),
    ):
        ended = simulate(*arguments)
        assert ended.code == 1
        assert message in ended.err
