"""What a run of every comparison writes: its dated table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

VERSIONS = ("pymc", "pytensor", "nutpie", "numba", "numpy", "arviz-stats")


@pytest.fixture(scope="session")
def results() -> Iterator[list[pd.DataFrame]]:
    """Tables of comparisons; written at the end of the session to the file that REFERENCE_RESULTS names (see .ci/full)."""
    tables: list[pd.DataFrame] = []
    yield tables
    target = os.environ.get("REFERENCE_RESULTS")
    if target and tables:
        table = pd.concat(tables)
        for column in ("difference", "sd_ratio"):
            table[column] = table[column].round(3)
        table["date"] = datetime.now(UTC).date().isoformat()
        table["versions"] = " ".join(f"{name} {version(name)}" for name in VERSIONS)
        table.to_csv(Path(target), index=False, float_format="%.7g", lineterminator="\n")


@pytest.fixture(scope="session")
def compared() -> Iterator[list[dict[str, Any]]]:
    """What each part of a model was compared by; written at the end of the session to the file that CALLBACKS names."""
    rows: list[dict[str, Any]] = []
    yield rows
    target = os.environ.get("CALLBACKS")
    if target and rows:
        table = pd.DataFrame(rows).assign(date=datetime.now(UTC).date().isoformat())
        table["versions"] = " ".join(f"{name} {version(name)}" for name in VERSIONS)
        table.to_csv(Path(target), index=False, lineterminator="\n")
