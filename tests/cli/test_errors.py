"""Errors: exit code 1, one message on standard error, no traceback, nothing written; a failed diagnostic ends with 2."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ANALYSIS, DATA = "myeloma_gep_weibull", "myeloma-gep"


@pytest.fixture
def broken_data(tmp_path: Path) -> Path:
    path = tmp_path / "patients.csv"
    path.write_text("time,event,molecular_group\n5,1,MAF\n-3,1,MMSET\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("fit",),
        ("fit", ANALYSIS, DATA),
        ("fit", ANALYSIS, DATA, "--out"),
        ("fit", ANALYSIS, DATA, "--out", "x", "--cores", "0"),
        ("validate", ANALYSIS, DATA, "--color"),
        ("check",),
        ("models", "nonsense"),
        ("models", "show"),
    ],
)
def test_wrong_usage_is_an_error(
    arguments: tuple[str, ...], cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong usage ends with 1, not with click's 2, which means a failed diagnostic; what is wrong goes to standard error."""
    monkeypatch.chdir(tmp_path)
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (1, "")
    assert ("Error: " if arguments else "Usage: bayes-rrmm") in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("validate", "myeloma_gep_weibul", DATA), "did you mean 'myeloma_gep_weibull'?"),
        (("validate", "nowhere.toml", DATA), "nowhere.toml: there is no such file"),
        (("validate", ANALYSIS, "nowhere.csv"), "nowhere.csv: there is no such file"),
        (("validate", ANALYSIS, "myeloma-gap"), "did you mean 'myeloma-gep'?"),
        (("fit", ANALYSIS, "myeloma-mayo", "--out", "run"), "column 'molecular_group' (a covariate) is not in the data"),
        (("models", "show", "nothing"), "'nothing' is not a shipped analysis"),
        (("check", "nowhere"), "nowhere: no such folder"),
        (("crosscheck", "nowhere"), "nowhere: no such folder"),
    ],
)
def test_an_error_is_one_message(
    arguments: tuple[str, ...], message: str, cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with analysis, data or folder is one line on standard error, ends with 1 and writes nothing."""
    monkeypatch.chdir(tmp_path)
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: ")
    assert message in ended.err
    assert len(ended.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_broken_data_name_row_column_and_rule(broken_data: Path, cli: Callable, tmp_path: Path) -> None:
    """A row that breaks a rule stops `fit` before anything is sampled or written."""
    ended = cli("fit", ANALYSIS, broken_data, "--out", tmp_path / "run")
    assert ended.code == 1
    assert ended.err == (
        f"error: {broken_data}: row 2, column 'time' is -3: time must not be negative; count it from time 0.\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["patients.csv"]


def test_no_traceback_from_a_real_process(broken_data: Path, tmp_path: Path) -> None:
    """As a process of its own the command prints the message alone and ends with 1."""
    code = "from bayes_rrmm.cli.main import main; main()"
    words = ["fit", ANALYSIS, str(broken_data), "--out", str(tmp_path / "run")]
    ended = subprocess.run([sys.executable, "-c", code, *words], check=False, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""
    assert not (tmp_path / "run").exists()


def test_an_existing_folder_is_refused_before_anything_is_read(cli: Callable, tmp_path: Path) -> None:
    """`--out` that is in the way is refused at once, even before the analysis is looked at, and is left alone."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.docx").write_text("years of work")
    for options, message in (((), "already exists"), (("--overwrite",), "exists and is no run folder")):
        ended = cli("fit", "nonsense", "nonsense", "--out", tmp_path / "run", *options)
        assert (ended.code, message in ended.err) == (1, True)
    assert (tmp_path / "run" / "thesis.docx").read_text() == "years of work"


def test_an_interrupt_is_no_traceback(cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 1 and says that nothing was written."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bayes_rrmm.analysis.run", interrupted)
    ended = cli("fit", ANALYSIS, DATA, "--out", tmp_path / "run", "--quiet")
    assert (ended.code, ended.err.strip()) == (1, "interrupted: nothing was written.")


def test_a_full_disk_is_no_traceback(cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the operating system is one message too."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "run"))

    monkeypatch.setattr("bayes_rrmm.analysis.run", full)
    ended = cli("fit", ANALYSIS, DATA, "--out", tmp_path / "run", "--quiet")
    assert ended.code == 1
    assert ended.err.startswith("error: ")
    assert "No space left on device" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_reader_that_has_gone_is_no_error_message() -> None:
    """`bayes-rrmm models show NAME | head` ends quietly when the reader closes the pipe."""
    code = "from bayes_rrmm.cli.main import main; main()"
    writer = subprocess.Popen(
        [sys.executable, "-c", code, "models", "show", ANALYSIS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.close()
    message = writer.stderr.read()
    writer.stderr.close()
    writer.wait()
    assert message == ""
