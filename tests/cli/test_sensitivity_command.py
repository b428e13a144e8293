"""`bayes-rrmm sensitivity`: the dossier of a saved run on a coarse grid, its tables, its exit code, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import fits
import pandas as pd
import pytest
from running import Ended

import bayes_rrmm as br
from bayes_rrmm import sensitivity
from bayes_rrmm.fitted import Fit
from bayes_rrmm.sensitivity.group_dossier import SECTIONS
from bayes_rrmm.sensitivity.refits import Refit

Cli = Callable[..., Ended]


@pytest.fixture
def run(patients: pd.DataFrame, tmp_path: Path) -> Path:
    """A saved run of a made-up fit."""
    cohort, plan = fits.cohort_and_plan(patients, "group")
    return br.save_fit(fits.laplace_fit(plan, cohort), tmp_path / "run")


def coarse(monkeypatch: pytest.MonkeyPatch, sample: Callable[[Refit], Fit]) -> None:
    """The command's dossier from a few refits that are not sampled."""
    options = {"scales": (0.3, 1.0, 3.0), "centres": (0.5, 2.0), "sample": sample}
    monkeypatch.setattr(sensitivity, "small_group", partial(sensitivity.small_group, **options))


def around_the_mode(refit: Refit) -> Fit:
    return fits.laplace_fit(refit.plan, refit.cohort)


def test_tables_text_and_refits_are_written(cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file a section, the text as printed, and a file a refit; JSON holds the same tables."""
    coarse(monkeypatch, around_the_mode)
    ended = cli("sensitivity", run, "--group", "c", "--out", tmp_path / "dossier")
    assert (ended.code, ended.err) == (0, "")
    assert "Conclusion: c / a" in ended.out
    assert (tmp_path / "dossier" / "dossier.txt").read_text() == ended.out
    for name in SECTIONS:
        assert len(pd.read_csv(tmp_path / "dossier" / f"{name}.csv")), name
    assert any((tmp_path / "dossier" / "refits").glob("*.json"))
    record = json.loads(cli("sensitivity", run, "--group", "c", "--json").out)
    assert record["conclusion"] in ended.out
    assert len(record["flipped"]) == 15


def test_a_failed_refit_is_exit_code_2(cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refit without draws is marked in the text and in the exit code."""

    def sample(refit: Refit) -> Fit:
        if refit.name == "prior: vague":
            raise RuntimeError("no start")
        return around_the_mode(refit)

    coarse(monkeypatch, sample)
    ended = cli("sensitivity", run, "--group", "c")
    assert ended.code == 2
    assert "DIAGNOSTICS FAILED" in ended.out


def test_an_unknown_group_is_an_error_with_the_valid_ones(cli: Cli, run: Path) -> None:
    """No traceback: the levels there are, exit code 1."""
    ended = cli("sensitivity", run, "--group", "d")
    assert ended.code == 1
    assert "Valid: a, b, c." in ended.err
