"""`bayes-rrmm sensitivity`: the dossier of a saved run on a coarse grid, its tables, its exit code, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import fits
import numpy as np
import pandas as pd
import pytest
from running import Ended

import bayes_rrmm as br
from bayes_rrmm import sensitivity
from bayes_rrmm.fitted import Fit
from bayes_rrmm.sensitivity import shrinkage
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
    """Of pooled effects, which have no mode, draws from the prior."""
    fit = fits.prior_fit if refit.plan.encoding.pooled else fits.laplace_fit
    return fit(refit.plan, refit.cohort)


def test_tables_text_and_refits_are_written(cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file a section, the text as printed, and a file a refit; JSON holds the same tables."""
    coarse(monkeypatch, around_the_mode)
    chosen = ("--group", "c", "--baseline", "exponential", "--landmark", 4, "--landmark", 9)
    ended = cli("sensitivity", run, *chosen, "--out", tmp_path / "dossier")
    assert (ended.code, ended.err) == (0, "")
    assert "Conclusion: c / a" in ended.out
    assert (tmp_path / "dossier" / "dossier.txt").read_text() == ended.out
    lengths = {name: len(pd.read_csv(tmp_path / "dossier" / f"{name}.csv")) for name in SECTIONS}
    assert [name for name, length in lengths.items() if not length] == ["immortal"]
    assert (lengths["baselines"], lengths["follow_up"]) == (2, 3)
    assert any((tmp_path / "dossier" / "refits").glob("*.json"))
    record = json.loads(cli("sensitivity", run, *chosen, "--json").out)
    assert record["conclusion"] in ended.out
    assert len(record["flipped"]) == 15


def test_a_failed_refit_is_exit_code_2(cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refit without draws is marked in the text and in the exit code."""

    def sample(refit: Refit) -> Fit:
        if refit.name == "prior: vague":
            raise RuntimeError("no start")
        return around_the_mode(refit)

    coarse(monkeypatch, sample)
    ended = cli("sensitivity", run, "--group", "c", "--no-baselines", "--no-landmarks")
    assert ended.code == 2
    assert "DIAGNOSTICS FAILED" in ended.out


def test_without_a_group_every_reported_number_is_power_scaled(
    cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of `br.power_scaling`; with a term its shrinkage too, and exit code 2 where its refit failed."""
    ended = cli("sensitivity", run, "--out", tmp_path / "scaled")
    assert (ended.code, ended.err) == (0, "")
    table = br.power_scaling(br.load_fit(run)).table
    written = pd.read_csv(tmp_path / "scaled" / "power_scaling.csv")
    np.testing.assert_allclose(written["prior"], table["prior"], rtol=1e-9)
    assert "feel the prior" in ended.out or "feels the prior" in ended.out
    assert not (tmp_path / "scaled" / "shrinkage.csv").exists()

    monkeypatch.setattr(shrinkage, "shrinkage", partial(shrinkage.shrinkage, sample=around_the_mode))
    record = json.loads(cli("sensitivity", run, "--of", "group", "--json").out)
    assert [row["level"] for row in record["shrinkage"]] == ["a", "b", "c"]
    assert set(record["conclusion"]) == {"power_scaling", "shrinkage"}

    def diverging(refit: Refit) -> Fit:
        fit = around_the_mode(refit)
        fit.tree["sample_stats"]["diverging"][0, :3] = True
        return fit

    monkeypatch.setattr(shrinkage, "shrinkage", partial(shrinkage.shrinkage, sample=diverging))
    assert cli("sensitivity", run, "--of", "group").code == 2


def test_an_unknown_group_is_an_error_with_the_valid_ones(cli: Cli, run: Path) -> None:
    """No traceback: the levels there are, exit code 1."""
    ended = cli("sensitivity", run, "--group", "d")
    assert ended.code == 1
    assert "Valid: a, b, c." in ended.err


def test_times_of_treatment_are_a_column_of_the_data(
    cli: Cli, run: Path, tmp_path: Path, patients: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The column is read from DATA row by row; without DATA, or with a bad value, nothing is sampled and the remedy is named."""
    coarse(monkeypatch, around_the_mode)
    data = tmp_path / "patients.csv"
    treated = np.where(patients["group"] == "c", patients["time"] / 4, np.nan)
    patients.assign(treated=treated).to_csv(data, index=False)
    ended = cli("sensitivity", run, data, "--group", "c", "--treated-at", "treated", "--no-baselines")
    assert ended.code == 0
    assert "delayed entry" in ended.out
    assert f"{np.nansum(treated):.1f} person-months before treatment" in ended.out
    ended = cli("sensitivity", run, "--group", "c", "--treated-at", "treated")
    assert ended.code == 1
    assert "give DATA after the folder" in ended.err
    ended = cli("sensitivity", run, data, "--group", "c", "--treated-at", "treatd")
    assert "did you mean 'treated'?" in ended.err
    patients.assign(treated=patients["time"] / 4).to_csv(data, index=False)
    ended = cli("sensitivity", run, data, "--group", "c", "--treated-at", "treated")
    assert ended.code == 1
    assert "row 1, column 'treated'" in ended.err


def test_an_interruption_says_what_is_kept(cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refits that were written are named, with the folder they are in; where there are none, nothing was written."""

    def sample(refit: Refit) -> Fit:
        if refit.name == "prior: neutral":
            raise KeyboardInterrupt
        return around_the_mode(refit)

    coarse(monkeypatch, sample)
    out = tmp_path / "dossier"
    asked = ("sensitivity", run, "--group", "c", "--no-baselines", "--no-landmarks")
    ended = cli(*asked, "--out", out)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.strip() == (
        f"interrupted: 2 refits are kept in {out / 'refits'}, no table was written; the same command takes up where it stopped."
    )
    assert cli(*asked).err.strip() == "interrupted: nothing was written."
