"""Every example runs as a user would run it, and makes what it says."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_every_example_is_run_here() -> None:
    """No example stands in the folder without a test in this file."""
    assert sorted(path.name for path in EXAMPLES.glob("*.py")) == ["01_first_fit.py", "02_bayesian_beside_cox.py"]


def test_first_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The first example passes its diagnostics and draws the README's picture."""
    run("01_first_fit.py", monkeypatch, str(tmp_path))
    assert "PASSED" in capsys.readouterr().out
    assert (tmp_path / "survival_by_molecular_group.png").stat().st_size > 50_000


def test_bayesian_beside_cox(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The second example shows the same Cox hazard ratios twice, and pooled ones drawn towards 1 in the smallest groups."""
    run("02_bayesian_beside_cox.py", monkeypatch)
    alone, pooled = capsys.readouterr().out.split("The same groups pooled")
    for group in ("Low bone disease", "Cyclin D-2", "Proliferation"):
        first = next(line for line in alone.splitlines() if line.strip().startswith(group)).split()
        second = next(line for line in pooled.splitlines() if line.strip().startswith(group)).split()
        at = first.index("Hyperdiploid") + 1
        assert first[at + 3 : at + 6] == second[at + 3 : at + 6]
        assert abs(1 - float(second[at])) < abs(1 - float(first[at]))
