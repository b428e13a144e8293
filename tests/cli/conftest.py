"""The command line, run in this process, and one real run that every test of a run folder copies: one compilation in all."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Ended, run_cli
from shared import made_once

from bayes_rrmm.catalogue import model_text

ANALYSIS, DATA = "myeloma_gep_weibull", "myeloma-gep"
FEW_DRAWS = "[sampling]\ndraws = 100\ntune = 200\nchains = 2\nseed = 1\n"
SHORT = re.sub(r"\[sampling\][^\[]*", FEW_DRAWS, model_text(ANALYSIS))


@pytest.fixture(scope="session")
def cli() -> Callable[..., Ended]:
    return run_cli


def fitted_once(factory: pytest.TempPathFactory, name: str, analysis: object) -> tuple[Ended, Path]:
    """`bayes-rrmm fit` of an analysis on the embedded data, once for all workers, and its run folder. Nothing may write to that."""

    def make(folder: Path) -> None:
        ended = run_cli("fit", analysis, DATA, "--out", folder / "run")
        (folder / "ended.json").write_text(json.dumps(dataclasses.asdict(ended)), encoding="utf-8")

    folder = made_once(factory, name, make)
    return Ended(**json.loads((folder / "ended.json").read_text(encoding="utf-8"))), folder / "run"


@pytest.fixture(scope="session")
def real_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, Path]:
    """The run of the shipped Weibull analysis."""
    return fitted_once(tmp_path_factory, "real_run", ANALYSIS)


@pytest.fixture(scope="session")
def short_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, Path]:
    """The run of the same model with too few draws to pass the gate."""
    path = tmp_path_factory.mktemp("short") / "short.toml"
    path.write_text(SHORT, encoding="utf-8")
    return fitted_once(tmp_path_factory, "short_run", path)


@pytest.fixture
def short_analysis(tmp_path: Path) -> Path:
    """The short analysis as a file, to be changed: it needs no compilation of its own."""
    path = tmp_path / "short.toml"
    path.write_text(SHORT, encoding="utf-8")
    return path


@pytest.fixture
def folder(real_run: tuple[Ended, Path], tmp_path: Path) -> Path:
    """A copy of the real run's folder, to be changed."""
    return Path(shutil.copytree(real_run[1], tmp_path / "run"))
