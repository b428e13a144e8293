"""The command line, run in this process, and one real run that every test of a run folder copies: one compilation in all."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from bayes_rrmm.cli.main import main

ANALYSIS, DATA = "myeloma_gep_weibull", "myeloma-gep"


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def run_cli(*arguments: object) -> Ended:
    """The command as typed: exit code, standard output and standard error. An error that escapes is the test's."""
    words = [str(argument) for argument in arguments]
    before, sys.argv = sys.argv, ["/somewhere/bayes-rrmm", *words]
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = before
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def cli() -> Callable[..., Ended]:
    return run_cli


@pytest.fixture(scope="session")
def real_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, Path]:
    """`bayes-rrmm fit` of the shipped Weibull analysis on the embedded data, once. Nothing may write to its folder."""
    folder = tmp_path_factory.mktemp("real") / "run"
    return run_cli("fit", ANALYSIS, DATA, "--out", folder), folder


@pytest.fixture
def folder(real_run: tuple[Ended, Path], tmp_path: Path) -> Path:
    """A copy of the real run's folder, to be changed."""
    return Path(shutil.copytree(real_run[1], tmp_path / "run"))
