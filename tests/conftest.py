"""What many tests share: a short analysis file, a small table of patients, and the demo's run folders."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

AnalysisText = Callable[..., str]


@pytest.fixture(scope="session")
def analysis_text() -> AnalysisText:
    """The text of an analysis: a formula, and lines added to [endpoint], to [model] and after them."""

    def write(formula: str = "1", endpoint: str = "", model: str = "", rest: str = "") -> str:
        return (
            'schema = 1\ntitle = "A test"\n[endpoint]\nname = "OS"\ntime = "time"\nevent = "event"\nunit = "months"\n'
            f"{endpoint}\n[model]\nformula = '{formula}'\n{model}\n{rest}\n"
        )

    return write


@pytest.fixture
def patients() -> pd.DataFrame:
    """Sixty patients in three groups (group), two sexes, with age and dose; always the same. Typed columns."""
    rng = np.random.default_rng(20260311)
    rows = 60
    return pd.DataFrame(
        {
            "time": np.round(rng.exponential(20.0, rows) + 0.1, 2),
            "event": rng.integers(0, 2, rows),
            "group": np.resize(["a", "b", "c", "b"], rows),
            "sex": np.resize(["f", "m", "m", "f", "m"], rows),
            "age": np.round(rng.normal(62.0, 9.0, rows), 1),
            "dose": np.round(rng.exponential(2.0, rows) + 0.1, 2),
        }
    )


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folders of `bayes-rrmm demo`: those the gate made from the wheel (BAYES_RRMM_DEMO), or made here, once."""
    made = os.environ.get("BAYES_RRMM_DEMO")
    if made:
        return Path(made)
    folder = tmp_path_factory.mktemp("demo") / "demo"
    subprocess.run([sys.executable, "-m", "bayes_rrmm.cli.main", "demo", "--quiet", "--out", str(folder)], check=True)
    return folder
