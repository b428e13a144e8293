"""`missing`: every reading of an analysis's gaps, printed and written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

ANALYSIS, DATA = "os_maintenance", "rrmm1-synthetic"


def test_the_command_prints_and_writes_the_table(cli: Callable, tmp_path: Path) -> None:
    """`missing` ends with 0, prints the table, writes it where told, and as JSON says the same."""
    ended = cli("missing", ANALYSIS, DATA, "--out", tmp_path / "readings.csv")
    assert (ended.code, ended.err) == (0, "")
    assert "what the gaps do" in ended.out
    written = pd.read_csv(tmp_path / "readings.csv")
    record = json.loads(cli("missing", ANALYSIS, DATA, "--json").out)
    np.testing.assert_allclose([row["hr"] for row in record["hazard_ratios"]], written["hr"], rtol=1e-9)
    assert record["gaps"] == {"lenalidomide_maintenance": 128.0}


def test_an_analysis_without_gaps_is_an_error_in_words(cli: Callable) -> None:
    """Complete groups have nothing to be read in several ways: one message, exit code 1."""
    ended = cli("missing", "os_salvage_asct", DATA)
    assert (ended.code, ended.out) == (1, "")
    assert "nothing to read in several ways" in ended.err
