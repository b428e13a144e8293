"""`fit` writes every file of the contract, says how it went, and the same command gives the same numbers."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_models import strict_json

import bayes_rrmm as br
from bayes_rrmm.catalogue import model_text

ANALYSIS, DATA = "myeloma_gep_weibull", "myeloma-gep"
COLUMNS = {
    "parameters.csv": "parameter,mean,sd,q2.5,q25,q50,q75,q97.5,mcse_mean,mcse_sd,ess_bulk,ess_tail,r_hat",
    "estimates.csv": (
        "estimand,endpoint,term,group,versus,contrast,subgroup,population,at,given,threshold,unit,median,mean,sd,lower,upper,"
        "interval,prob,p_below,p_above,p_not_reached,extrapolated,passed"
    ),
    "crosscheck.csv": (
        "estimand,endpoint,term,group,versus,contrast,subgroup,population,adjusted,at,given,unit,bayes,bayes_lower,bayes_upper,"
        "frequentist,freq_lower,freq_upper,method,convention,rows_bayes,rows_freq,difference_in_se,width_ratio,verdict,"
        "reason_code,reason"
    ),
    "checks.csv": "check,of,measure,limit,verdict,advice",
    "curves.csv": "source,term,group,time,survival,lower,upper,at_risk,extrapolated",
    "loo.csv": "elpd_loo,se,p_loo,units,unit,pareto_k_max,n_pareto_k_above_0.7",
}
FILES = {*COLUMNS, "table1.csv", "analysis.toml", "provenance.json", "fit.nc", "rows.parquet"}
FILES |= {"figures/survival.pdf", "figures/survival.png"}


def test_it_succeeds(real_run: tuple) -> None:
    """The shipped analysis passes its diagnostics and ends with 0; without a terminal there is no progress bar."""
    ended, _ = real_run
    assert (ended.code, ended.err) == (0, "")


def test_every_file_of_the_contract(real_run: tuple) -> None:
    """The folder holds exactly the files of the contract, and each table has the contract's columns."""
    _, folder = real_run
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == FILES
    for name, columns in COLUMNS.items():
        assert (folder / name).read_text(encoding="utf-8").splitlines()[0] == columns
    assert (folder / "analysis.toml").read_text(encoding="utf-8") == model_text(ANALYSIS)
    assert (folder / "figures" / "survival.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "figures" / "survival.png").read_bytes().startswith(b"\x89PNG")


def test_it_shows_both_answers(real_run: tuple) -> None:
    """On the terminal: what was fitted, the posterior beside its counterpart, the gate's verdict, times and the folder."""
    ended, folder = real_run
    for line in (
        "Rows: 256 analysed of 256 read",
        "Priors, 95 % intervals:",
        "Hazard ratio by molecular_group",
        "MAF / Hyperdiploid",
        "frequentist",
        "Conventions:",
        "Diagnostics PASSED",
        "Wall time: load ",
        f"Run folder: {folder}",
    ):
        assert line in ended.out


def test_parameters_have_the_contracts_names(real_run: tuple) -> None:
    """parameters.csv has a row for each parameter of the Weibull with six group columns, all finite."""
    table = pd.read_csv(real_run[1] / "parameters.csv").set_index("parameter")
    levels = br.load_fit(real_run[1]).plan.encoding.group("molecular_group").levels[1:]
    assert set(table.index) == {"log_rate", "log_shape", *(f"beta[molecular_group={level}]" for level in levels)}
    assert np.isfinite(table.to_numpy()).all()


def test_the_tables_are_those_of_the_fit(real_run: tuple) -> None:
    """The tables of the folder are what Python reads from the fit in it."""
    folder = real_run[1]
    fit = br.load_fit(folder)
    estimates = pd.read_csv(folder / "estimates.csv")
    ratio = br.estimate(fit, br.HazardRatio("molecular_group", "MAF")).to_dataframe().iloc[0]
    row = estimates[(estimates["estimand"] == "hazard-ratio") & (estimates["group"] == "MAF")].iloc[0]
    for name in ("median", "mean", "sd", "lower", "upper", "p_below", "p_above"):
        assert row[name] == pytest.approx(ratio[name], rel=1e-12)
    assert estimates["passed"].all()
    agreement = br.compare_with_frequentist(fit).table
    written = pd.read_csv(folder / "crosscheck.csv", keep_default_na=False, na_values=[""])
    assert len(written) == len(agreement)
    np.testing.assert_allclose(written["frequentist"], agreement["frequentist"], rtol=1e-12)
    loo = pd.read_csv(folder / "loo.csv").iloc[0]
    assert (loo["elpd_loo"], loo["units"]) == (pytest.approx(br.loo(fit).elpd), 256)
    checks = pd.read_csv(folder / "checks.csv")
    assert "failed" not in checks["verdict"].tolist()


def test_provenance_is_complete(real_run: tuple) -> None:
    """The provenance holds what is needed to make the same numbers again: command, seed, versions, data, date."""
    _, folder = real_run
    record = strict_json((folder / "provenance.json").read_text(encoding="utf-8"))
    analysis = br.load_analysis(ANALYSIS)
    assert record["command"] == f"bayes-rrmm fit {ANALYSIS} {DATA} --out {folder}"
    assert (record["seed"], record["analysis_sha256"], record["title"]) == (20260311, analysis.sha256, analysis.title)
    assert record["data"]["fingerprint"] == br.read_cohort(DATA, analysis).fingerprint
    assert (record["data"]["rows"], record["data"]["events"], record["data"]["origin"]) == (256, 70, DATA)
    assert record["versions"]["python"] == platform.python_version()
    for name in ("pymc", "nutpie", "arviz", "numpy", "lifelines", "bayes-rrmm"):
        assert record["versions"][name] == version(name)
    assert (record["sampling"]["draws"], record["sampling"]["chains"], record["target_accept"]) == (1000, 4, 0.9)
    assert datetime.fromisoformat(record["date"]).tzinfo is not None
    assert set(record["seconds"]) >= {"load", "compile", "sample", "read"}
    assert record["gate"] == {"passed": True, "failed": []}
    assert record["later_commands"] == []


def test_no_patient_in_the_folder(real_run: tuple) -> None:
    """No file holds an identifier of a patient, and the draws hold no rows."""
    _, folder = real_run
    identifiers = br.load_data(DATA).iloc[:, 0]
    assert identifiers.str.startswith("GSM").all()
    for path in folder.rglob("*"):
        if path.is_file():
            assert b"GSM5" not in path.read_bytes()
    assert "observed_data" not in br.load_fit(folder).tree.children


@pytest.fixture(scope="module")
def quiet_run(real_run: tuple, cli: Callable, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """`fit --overwrite --quiet` on one core over a copy of the real run, by this process (which may not have made the real run)."""
    folder = tmp_path_factory.mktemp("quiet") / "run"
    shutil.copytree(real_run[1], folder)
    for name in COLUMNS:
        (folder / name).write_text("an earlier run's")
    return cli("fit", ANALYSIS, DATA, "--out", folder, "--overwrite", "--quiet", "--cores", "1"), folder


def test_the_same_command_gives_the_same_numbers(quiet_run: tuple, real_run: tuple) -> None:
    """Run again, on one core, parameters.csv and every other table are the same to the byte."""
    for name in COLUMNS:
        assert (quiet_run[1] / name).read_bytes() == (real_run[1] / name).read_bytes(), name


def test_another_process_gives_the_same_numbers(real_run: tuple, demo_folder: Path) -> None:
    """The demo, run by another process that may have compiled what this one found compiled, has the same draws to the last bit and
    the same tables to the byte."""
    one, other = (br.load_fit(folder).tree["posterior"].to_dataset() for folder in (demo_folder / ANALYSIS, real_run[1]))
    assert one.equals(other)
    for name in COLUMNS:
        assert (demo_folder / ANALYSIS / name).read_bytes() == (real_run[1] / name).read_bytes(), name


def test_quiet_says_the_result_in_a_line(quiet_run: tuple) -> None:
    """Quiet, `fit` prints the folder and the gate's verdict, and replaces a run folder when told to."""
    ended, folder = quiet_run
    assert (ended.code, ended.err) == (0, "")
    (line,) = ended.out.splitlines()
    assert line.startswith(f"{folder}: PASSED: ")


def test_json_and_no_rows(cli: Callable, tmp_path: Path) -> None:
    """As JSON, one object without NaN; without rows, the folder has none and later commands ask for the data."""
    folder = tmp_path / "run"
    ended = cli("fit", ANALYSIS, DATA, "--out", folder, "--json", "--no-rows")
    assert (ended.code, ended.err) == (0, "")
    record = strict_json(ended.out)
    assert (record["folder"], record["passed"], record["failed"]) == (str(folder), True, [])
    assert len(record["estimates"]) == len(pd.read_csv(folder / "estimates.csv"))
    medians = [row["median"] for row in record["estimates"] if row["estimand"] == "median"]
    assert "Infinity" in medians
    assert not (folder / "rows.parquet").exists()
    refused = cli("check", folder)
    assert (refused.code, refused.out) == (1, "")
    assert "saved without" in refused.err
    assert cli("check", folder, DATA, "--quiet").code == 0
    assert cli("crosscheck", folder, DATA, "--quiet").code == 0
    wrong = cli("crosscheck", folder, "myeloma-mayo")
    assert (wrong.code, len(wrong.err.splitlines())) == (1, 1)


def test_a_failed_diagnostic_is_written_marked_and_ends_with_2(short_run: tuple) -> None:
    """Too few draws: everything is written, marked as failed in tables, figure and text, and the command ends with 2."""
    ended, folder = short_run
    assert (ended.code, ended.err) == (2, "")
    assert "do not rely on these numbers before the checks pass" in ended.out
    assert "Diagnostics FAILED" in ended.out
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == FILES
    estimates = pd.read_csv(folder / "estimates.csv")
    assert not estimates["passed"].any()
    checks = pd.read_csv(folder / "checks.csv")
    assert checks["verdict"].iloc[0] == "failed"
    assert "ess_bulk" in checks.loc[checks["verdict"] == "failed", "check"].tolist()
    assert json.loads((folder / "provenance.json").read_text())["gate"]["passed"] is False
    fit = br.load_fit(folder)
    assert fit.mark.startswith("DIAGNOSTICS FAILED: ")
    assert "DIAGNOSTICS FAILED" in repr(br.estimate(fit, br.HazardRatio("molecular_group", "MAF")))
    figure = br.plots.survival(fit, by="molecular_group")
    assert any("DIAGNOSTICS FAILED" in text.get_text() for text in figure.texts)


@pytest.fixture(scope="module")
def other_seed(short_run: tuple, cli: Callable, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """`fit --quiet` of the short analysis with another seed, which fails the gate too."""
    folder = tmp_path_factory.mktemp("seed")
    text = (short_run[1] / "analysis.toml").read_text(encoding="utf-8")
    (folder / "two.toml").write_text(text.replace("seed = 1", "seed = 2"), encoding="utf-8")
    return cli("fit", folder / "two.toml", DATA, "--out", folder / "run", "--quiet"), folder / "run"


def test_failure_in_json_and_quietly(short_analysis: Path, other_seed: tuple, cli: Callable, tmp_path: Path) -> None:
    """A failed gate is in the JSON with measure, limit and advice, and is not silenced by --quiet."""
    record = cli("fit", short_analysis, DATA, "--out", tmp_path / "a", "--json")
    assert record.code == 2
    failed = strict_json(record.out)["failed"]
    assert {"check", "of", "measure", "limit", "verdict", "advice"} == set(failed[0])
    quiet, _ = other_seed
    assert quiet.code == 2
    assert "FAILED" in quiet.out


def test_another_seed_gives_other_numbers(short_run: tuple, other_seed: tuple) -> None:
    """The seed of the analysis decides the draws: another one gives other draws and is in the provenance."""
    one, two = (pd.read_csv(folder / "parameters.csv")["mean"] for _, folder in (short_run, other_seed))
    assert (one != two).all()
    assert json.loads((other_seed[1] / "provenance.json").read_text())["seed"] == 2
