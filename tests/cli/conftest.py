"""The command line, run in this process, and one real run that every test of a run folder copies: one compilation in all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Ended, run_cli

ANALYSIS, DATA = "myeloma_gep_weibull", "myeloma-gep"


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
