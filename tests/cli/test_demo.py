"""`demo`: the study's run folders, its tables, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.analysis import plan_of
from bayes_rrmm.catalogue import data_names, model_names
from bayes_rrmm.cli import demo_command
from bayes_rrmm.cli.demo_command import DELAYED, EMBEDDED, GAPS, MAIN, NAIVE, SYNTHETIC


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo of the two analyses whose folders its immortal-time table is read from, published numbers left out."""
    monkeypatch.setattr(demo_command, "MAIN", (NAIVE, DELAYED))
    monkeypatch.setattr(demo_command, "_published", lambda *_: ("published", [], 0))


def test_no_estimand_lies_beyond_follow_up() -> None:
    """What the study's analyses ask of each group at a time, or up to one, lies inside the follow-up of all its groups."""
    for name in model_names():
        if name.startswith("myeloma"):
            continue
        analysis = br.load_analysis(name)
        plan = plan_of(analysis, br.read_cohort(SYNTHETIC, analysis))
        for estimand in analysis.estimands:
            by = getattr(estimand, "by", None)
            end = min(plan.encoding.group(by).last_follow_up) if by else plan.last_follow_up
            asked = [*getattr(estimand, "at", ()), getattr(estimand, "upto", None) or 0.0]
            assert max(asked) <= end, (name, estimand)


def test_every_shipped_analysis_has_its_data() -> None:
    """Each analysis, main or not, reads embedded data without a refusal: the study's, or real ones by its name."""
    assert set(MAIN) < set(model_names())
    assert set(GAPS) < set(model_names())
    assert {*EMBEDDED.values(), SYNTHETIC} == set(data_names())
    for name in model_names():
        analysis = br.load_analysis(name)
        data = EMBEDDED.get("_".join(name.split("_")[:2]), SYNTHETIC)
        assert analysis.question.endswith("?"), name
        assert br.validate(analysis, br.read_cohort(data, analysis)).startswith(analysis.title), name


def test_the_demo_runs_its_analyses(short: None, cli: Callable, tmp_path: Path) -> None:
    """`demo` runs its analyses into one folder each, writes its tables, and warns that the patients are synthetic."""
    ended = cli("demo", "--out", tmp_path / "demo")
    assert ended.code == 0
    assert "SYNTHETIC" in ended.out.splitlines()[0]
    assert (tmp_path / "demo" / DELAYED / "figures" / "survival.png").is_file()
    assert "Immortal time" in ended.out
    record = json.loads(cli("demo", "--out", tmp_path / "demo", "--json").out)
    assert [run["passed"] for run in record["runs"]] == [True, True]
    table = pd.read_csv(tmp_path / "demo" / "immortal_time.csv")
    assert len(record["immortal_time"]) == len(table)


def test_the_demo_takes_your_patients(short: None, cli: Callable, tmp_path: Path) -> None:
    """`--data` puts a file in the synthetic cohort's place; rows that are synthetic still say so."""
    rows = br.load_data(SYNTHETIC).iloc[:200]
    rows.to_csv(tmp_path / "ours.csv", index=False)
    ended = cli("demo", "--out", tmp_path / "demo", "--data", tmp_path / "ours.csv")
    assert ended.code == 0
    assert "SYNTHETIC" not in ended.out.splitlines()[0]
    assert "ours.csv (synthetic)" in ended.out
    assert "200 analysed of 200 read" in ended.out


def test_what_your_patients_do_not_allow_is_named(short: None, cli: Callable, tmp_path: Path) -> None:
    """A cohort where nobody had pomalidomide: its analyses are named with the reason, the rest is done, the exit code is 1."""
    rows = br.load_data(SYNTHETIC)
    rows[rows["pomalidomide"] == "no"].to_csv(tmp_path / "ours.csv", index=False)
    ended = cli("demo", "--out", tmp_path / "demo", "--data", tmp_path / "ours.csv", "--quiet")
    assert ended.code == 1
    assert f"not done: {NAIVE}" in ended.err
    assert "level 'yes'" in ended.err
    assert "not done: published" not in ended.err


def test_the_whole_demo_leaves_the_study(demo_folder: Path) -> None:
    """The real demo leaves the published numbers beside those of the synthetic cohort, immortal time, and missing values."""
    published = pd.read_csv(demo_folder / "published.csv")
    assert len(published) > 40
    assert {"immortal_time.csv", "published.csv", *MAIN} == {path.name for path in demo_folder.iterdir()}
    missing = pd.read_csv(demo_folder / "pfs2_regimen_weibull" / "missing.csv")
    assert missing["row"].nunique() == 36
    assert missing.groupby(["row", "variable"])["probability"].sum().between(0.999999, 1.000001).all()
