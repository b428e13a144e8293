"""`demo`: the study's run folders, its tables, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fits
import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm import against_published, reports
from bayes_rrmm.analysis import plan_of
from bayes_rrmm.catalogue import data_names, model_names
from bayes_rrmm.cli import demo_command, side_by_side
from bayes_rrmm.cli.demo_command import DELAYED, EMBEDDED, GAPS, MAIN, NAIVE, PAIRED, SYNTHETIC, Table, source_of
from bayes_rrmm.parameters import draw_from_prior
from bayes_rrmm.plan import make_plan
from bayes_rrmm.study import PublishedTable


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo of the two analyses whose folders its immortal-time table is read from, all in this process, published numbers and
    reports left out: those, and other processes, are the whole demo's, of which `demo_folder` is made."""
    monkeypatch.setattr(demo_command, "MAIN", (NAIVE, DELAYED))
    monkeypatch.setattr(demo_command, "_published", lambda *_: Table("published", "", [], 0))
    monkeypatch.setattr(side_by_side, "MOST", 1)
    monkeypatch.setattr(reports, "report", lambda _: reports.Report("a report", ""))


def data_of(name: str) -> str:
    """The embedded data of a shipped analysis."""
    return source_of(name, SYNTHETIC, Path())


def test_no_estimand_lies_beyond_follow_up() -> None:
    """What the study's analyses ask of each group at a time, or up to one, lies inside the follow-up of all its groups."""
    for name in model_names():
        if name.startswith("myeloma"):
            continue
        analysis = br.load_analysis(name)
        plan = plan_of(analysis, br.read_cohort(data_of(name), analysis))
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
        data = data_of(name)
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


@pytest.fixture
def tables_given(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What a demo of `MAIN` nothing gives `published_table`, which makes nothing of it."""
    given: list[dict[str, Any]] = []

    def table(data: str, **options: Any) -> PublishedTable:
        given.append({"data": data, **options})
        return PublishedTable((), data, False)

    monkeypatch.setattr(against_published, "published_table", table)
    monkeypatch.setattr(demo_command, "_immortal_time", lambda *_: Table("immortal_time", "", [], 0))
    return given


def test_first_lines_that_a_file_has_not_are_named(
    tables_given: list[dict[str, Any]], cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the columns of PFS1 the paired analysis is named with the missing one, and the tables are made without it."""
    monkeypatch.setattr(demo_command, "MAIN", (PAIRED,))
    br.load_data(SYNTHETIC).drop(columns=["pfs1_months", "pfs1_event"]).to_csv(tmp_path / "ours.csv", index=False)
    ended = cli("demo", "--out", tmp_path / "demo", "--data", tmp_path / "ours.csv", "--quiet")
    assert ended.code == 1
    assert f"not done: {PAIRED}: column 'pfs1_months' (months of first-line PFS) is not in the data" in ended.err
    assert [options["fits"] for options in tables_given] == [[]]


def test_the_published_table_reads_the_run_there_is(
    tables_given: list[dict[str, Any]], cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the demo made a run of PFS1 against PFS2 its fit is what the table gets, on the same analysis and rows."""
    analysis = br.load_analysis(PAIRED)
    cohort = br.read_cohort("rrmm1-paired-synthetic", analysis)
    made = fits.fit_with(make_plan(analysis, cohort), cohort, draw_from_prior(make_plan(analysis, cohort), 400, 1))

    def run(name: str, data: str, out: Path, **_: Any) -> tuple[dict[str, Any], int]:
        made.provenance.update(command="", gate={}, analysis_sha256=analysis.sha256)
        br.save_fit(made, out, overwrite=True)
        return {"name": name, "data": data}, 0

    monkeypatch.setattr(demo_command, "MAIN", (PAIRED,))
    monkeypatch.setattr(demo_command, "run_and_show", run)
    ended = cli("demo", "--out", tmp_path / "demo", "--quiet")
    assert ended.code == 0
    (fit,) = tables_given[0]["fits"]
    assert (fit.analysis.sha256, fit.fingerprint) == (analysis.sha256, cohort.fingerprint)
    patients = br.read_cohort(br.paired_lines(br.load_data(SYNTHETIC)), analysis)
    assert fit.fingerprint == patients.fingerprint


def test_the_demo_s_table_has_all_three_of_the_paired_comparison(demo_folder: Path) -> None:
    """PFS1 against PFS2 stands there by clustered Cox, by Cox given a frailty and by the posterior given it, which passed."""
    table = pd.read_csv(demo_folder / "published.csv").fillna("")
    rows = table[table["group"].str.startswith("pfs1 / pfs2") & (table["quantity"] == "hazard ratio")].set_index("group")
    given = ("", ", gamma frailty", ", log-normal frailty")
    clustered, gamma, log_normal = (rows.loc[f"pfs1 / pfs2{frailty}"] for frailty in given)
    assert clustered["frequentist_verdict"] == "inside"
    assert (clustered["bayesian_text"], log_normal["bayesian_text"]) == ("-", "-")
    assert float(gamma["frequentist"]) < float(clustered["frequentist"]) < 1
    assert float(gamma["bayesian_lower"]) < float(gamma["frequentist"]) < float(gamma["bayesian_upper"])
    (variance,) = table.loc[table["quantity"] == "variance of the gamma frailty"].to_dict("records")
    assert variance["bayesian_lower"] < variance["frequentist"] < variance["bayesian_upper"]
    assert set(rows["diagnostics"]) == {""}


def test_the_whole_demo_leaves_the_study(demo_folder: Path) -> None:
    """The real demo leaves the published numbers beside those of the synthetic cohort, immortal time, and missing values."""
    published = pd.read_csv(demo_folder / "published.csv")
    assert len(published) > 40
    assert {"immortal_time.csv", "published.csv", *MAIN} == {path.name for path in demo_folder.iterdir()}
    missing = pd.read_csv(demo_folder / "pfs2_regimen_weibull" / "missing.csv")
    assert missing["row"].nunique() == 36
    assert missing.groupby(["row", "variable"])["probability"].sum().between(0.999999, 1.000001).all()
