"""`models` lists, shows and copies the shipped analyses; `validate` says what would be fitted."""

from __future__ import annotations

import json
import logging
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from bayes_rrmm.catalogue import model_names, model_text
from bayes_rrmm.read import load_analysis

ANALYSIS, DATA = "myeloma_gep_weibull", "myeloma-gep"


def strict_json(text: str) -> dict:
    """The text as JSON, which knows neither NaN nor Infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_list(cli: Callable) -> None:
    """`models` prints each shipped analysis with its title; quiet, the names alone; as JSON, names and titles."""
    lines = cli("models").out.splitlines()
    assert [line.split()[0] for line in lines] == model_names()
    assert all(load_analysis(line.split()[0]).title in line for line in lines)
    assert cli("models", "--quiet").out.splitlines() == model_names()
    assert strict_json(cli("models", "--json").out) == {"models": {name: load_analysis(name).title for name in model_names()}}


def test_show(cli: Callable) -> None:
    """`models show` prints the file as it is, comments and all."""
    assert cli("models", "show", ANALYSIS).out == model_text(ANALYSIS)
    assert strict_json(cli("models", "show", ANALYSIS, "--json").out) == {"name": ANALYSIS, "text": model_text(ANALYSIS)}


def test_copy(cli: Callable, tmp_path: Path) -> None:
    """`models copy` writes the file and says what to do next; an existing file is left alone."""
    target = tmp_path / "mine.toml"
    ended = cli("models", "copy", ANALYSIS, target)
    assert (ended.code, ended.out) == (0, f"{target}: edit it, then `bayes-rrmm validate {target} DATA`\n")
    assert target.read_text(encoding="utf-8") == model_text(ANALYSIS)
    target.write_text("mine", encoding="utf-8")
    again = cli("models", "copy", ANALYSIS, target)
    assert (again.code, again.out) == (1, "")
    assert again.err == f"error: {target}: already exists and is left alone; name another file.\n"
    assert target.read_text(encoding="utf-8") == "mine"


def test_copy_quietly_and_as_json(cli: Callable, tmp_path: Path) -> None:
    """Quiet prints nothing; JSON names the file; a folder that is not there is an error in words."""
    assert cli("models", "copy", ANALYSIS, tmp_path / "a.toml", "--quiet").out == ""
    record = strict_json(cli("models", "copy", ANALYSIS, tmp_path / "b.toml", "--json").out)
    assert record == {"name": ANALYSIS, "file": str(tmp_path / "b.toml")}
    ended = cli("models", "copy", ANALYSIS, tmp_path / "nowhere" / "c.toml")
    assert (ended.code, "cannot be written" in ended.err) == (1, True)


def test_validate_says_what_would_be_fitted(cli: Callable) -> None:
    """`validate` prints rows, events, groups with reference, priors in clinical words, and what was done to odd rows."""
    ended = cli("validate", ANALYSIS, DATA)
    assert (ended.code, ended.err) == (0, "")
    for line in (
        "Overall survival by molecular group, Weibull",
        "Rows: 256 analysed of 256 read from myeloma-gep",
        "Events: 70 in ",
        "Note: rows without time at risk count as followed for half a day",
        "Group molecular_group (reference Hyperdiploid):",
        "Priors, 95 % intervals:",
        "hazard ratio, molecular_group=MAF against Hyperdiploid: 0.2 to 5 (stated); weighs as much as",
        "Weibull shape: ",
    ):
        assert line in ended.out


def test_validate_quietly_and_as_json(cli: Callable) -> None:
    """Quiet, a valid analysis prints nothing and ends with 0; as JSON the same facts are data."""
    quiet = cli("validate", ANALYSIS, DATA, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    record = strict_json(cli("validate", ANALYSIS, DATA, "--json").out)
    assert (record["rows"], record["events"], record["unit"], record["baseline"]) == (256, 70, "months", "weibull")
    assert record["groups"][0]["levels"][0] == "Hyperdiploid"


def test_validate_samples_nothing(cli: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """`validate` asks for no model to be compiled."""

    def never(*_: object) -> None:
        raise AssertionError("a model was compiled")

    monkeypatch.setattr("bayes_rrmm.inference.compile_model", never)
    assert cli("validate", ANALYSIS, DATA).code == 0


def test_a_copy_is_a_valid_analysis_of_ones_own_data(cli: Callable, tmp_path: Path) -> None:
    """A copied analysis edited to other columns validates against a CSV file."""
    target, data = tmp_path / "mine.toml", tmp_path / "patients.csv"
    cli("models", "copy", ANALYSIS, target)
    target.write_text(target.read_text().replace('time = "time"', 'time = "months"'), encoding="utf-8")
    assert tomllib.loads(target.read_text())["endpoint"]["time"] == "months"
    rows = [f"{i + 1},{i % 2},{('Hyperdiploid', 'MAF', 'MMSET')[i % 3]}" for i in range(30)]
    data.write_text("months,event,molecular_group\n" + "\n".join(rows) + "\n", encoding="utf-8")
    ended = cli("validate", target, data)
    assert (ended.code, ended.err) == (0, "")
    assert f"Rows: 30 analysed of 30 read from {data}" in ended.out


def test_warnings_stay_out_of_the_way(cli: Callable) -> None:
    """Warnings of libraries go to logging, not to the terminal; the package's logger has no handler of its own."""
    cli("models")
    assert logging.getLogger("bayes_rrmm").handlers == []
