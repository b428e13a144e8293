"""Every command and snippet of the README is run, and what it says of the output is what comes out."""

from __future__ import annotations

import math
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from arviz_stats.base import array_stats
from click.testing import CliRunner
from scipy import stats

import bayes_rrmm as br
from bayes_rrmm.agreement.verdict import LARGEST_DIFFERENCE
from bayes_rrmm.cli.demo_command import MAIN
from bayes_rrmm.cli.main import cli
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.specification import parse_analysis

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DRAWS, APART, NORMAL = 4000, 4 * math.sqrt(2), stats.norm()
"""Draws of a fit of the demo, and how many Monte Carlo errors of one run two runs may lie apart: four of their difference."""
DEMO, TESTS = "pip install uv && uv run bayes-rrmm demo", "uv run pytest"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    return [line for block in blocks("bash") for line in block.splitlines() if line.strip()]


def test_first_commands_are_the_contract() -> None:
    """The README's two commands are the two that the gate runs."""
    assert commands()[:2] == [DEMO, TESTS]
    gate = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "pip install -q uv" in gate
    assert "uv run pytest" in gate
    assert "bayes-rrmm demo" in gate.replace('bin/bayes-rrmm" demo', "bayes-rrmm demo")


def test_demo_writes_what_the_readme_says(demo_folder: Path) -> None:
    """The demo leaves a whole run folder with a figure and a report for each of its analyses, all checks passed."""
    listed = re.findall(r"`([a-z]+\.csv)`", README.split("A run folder holds")[1].split("## What")[0])
    assert len(listed) == 7
    assert listed.pop() == "missing.csv"
    for name in MAIN:
        folder = demo_folder / name
        figures = ["figures/survival.png", "figures/survival.pdf"]
        for file in [*listed, "table1.csv", "fit.nc", "rows.parquet", "provenance.json", "report.html", *figures]:
            assert (folder / file).stat().st_size > 0, file
        assert (folder / "missing.csv").exists() == ("marginalise" in (folder / "analysis.toml").read_text()), name
        checks = pd.read_csv(folder / "checks.csv")
        assert set(checks["verdict"]) <= {"passed", "not applicable"}


def figures(text: str) -> list[tuple[float, float]]:
    """The numbers in a text, each with half a unit of its last digit."""
    return [(float(shown), 0.5 * 10.0 ** -len(shown.partition(".")[2])) for shown in re.findall(r"[\d.]+", text)]


def test_row_explained_in_the_readme_is_the_demo_s(demo_folder: Path) -> None:
    """The README's example row is what the demo computes: Cox to the digit, the posterior within four Monte Carlo errors of the
    difference of two runs, and the verdict too unless what it rests on is as near as that to the limit."""
    fit = br.load_fit(demo_folder / "myeloma_gep_weibull")
    ratio = br.HazardRatio("molecular_group", "MMSET", versus="Hyperdiploid")
    draws = br.estimate(fit, ratio).draws.to_numpy()
    shown = next(line for line in README.splitlines() if line.startswith("| MMSET / Hyperdiploid"))
    _, posterior, below_one, cox, verdict = (cell.strip() for cell in shown.strip("|").split("|"))
    for (number, half), probability in zip(figures(posterior), (0.5, 0.025, 0.975), strict=True):
        error = float(array_stats.mcse(draws, method="quantile", prob=probability))
        assert abs(number - np.quantile(draws, probability)) < APART * error + half
    ((number, half),) = figures(below_one)
    assert abs(number - np.mean(draws < 1)) < APART * float(array_stats.mcse((draws < 1).astype(float))) + half
    table = br.compare_with_frequentist(fit).to_dataframe()
    row = table[(table["estimand"] == "hazard-ratio") & (table["group"] == "MMSET")].iloc[0]
    assert cox == f"{row['frequentist']:.2f} [{row['freq_lower']:.2f}, {row['freq_upper']:.2f}]"
    in_se = float(array_stats.mcse(np.log(draws), method="median")) * 2 * NORMAL.ppf(0.975)
    in_se /= math.log(row["freq_upper"] / row["freq_lower"])
    undecided = abs(abs(row["difference_in_se"]) - LARGEST_DIFFERENCE) < APART * in_se
    assert verdict == row["verdict"] or (undecided and {verdict, row["verdict"]} == {"agree", "differ"})


def test_rows_beside_the_published_ones_are_the_demo_s(demo_folder: Path) -> None:
    """The README's rows of the published table are the demo's: to the letter, and posteriors within four Monte Carlo errors of
    the difference of two runs of 4,000 independent draws, whose error the interval's width tells."""
    table = pd.read_csv(demo_folder / "published.csv").fillna("")
    rows = [line for line in README.splitlines() if re.match(r"\| (PFS2|OS), ", line)]
    assert len(rows) == 4
    for line in rows:
        _, published, frequentist, bayesian = (cell.strip() for cell in line.strip("|").split("|"))
        (row,) = table[(table["published_text"] == published) & (table["frequentist_text"] == frequentist)].to_dict("records")
        for (number, half), (computed, error) in zip(figures(bayesian), with_errors(row), strict=True):
            assert abs(number - computed) < APART * error + half, line
    frequentist = table[table["frequentist_agrees"] != ""]["frequentist_agrees"]
    assert f"{frequentist.astype(bool).sum()} of {len(frequentist)} frequentist numbers inside" in README


def with_errors(row: dict[str, Any]) -> list[tuple[float, float]]:
    """The Bayesian numbers of a row of the published table with their Monte Carlo errors: those of quantiles of a log-normal
    posterior, sqrt(q (1 - q) / n) over its density there, or of twice a share of the draws."""
    centre = float(row["bayesian"])
    if row["unit"] == "p":
        return [(centre, 2 * math.sqrt(centre / 2 * (1 - centre / 2) / DRAWS))]
    lower, upper = float(row["bayesian_lower"]), float(row["bayesian_upper"])
    sd = math.log(upper / lower) / (2 * NORMAL.ppf(0.975))
    shares = [math.sqrt(q * (1 - q) / DRAWS) / NORMAL.pdf(NORMAL.ppf(q)) for q in (0.5, 0.025, 0.975)]
    return [(value, value * sd * share) for value, share in zip((centre, lower, upper), shares, strict=True)]


def test_python_page_runs(short_pages: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of Python runs as it stands and writes its figure."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert (tmp_path / "figure1.pdf").stat().st_size > 10_000
    assert (tmp_path / "figure2.pdf").stat().st_size > 10_000
    assert r"\toprule" in (tmp_path / "table1.tex").read_text()
    assert "Question and answer" in (tmp_path / "report.html").read_text()
    assert set(names["fit"].tree.children) >= {"posterior", "prior", "log_prior", "log_likelihood", "observed_data"}  # type: ignore[attr-defined]


def test_terminal_commands_run(short_pages: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command after the first two ends with exit code 0, in the order written; those of small groups, which compile five
    more models, in the test after this one."""
    monkeypatch.chdir(tmp_path)
    for line in commands()[2:]:
        if " sensitivity " in line:
            continue
        words = shlex.split(line)
        assert words[:3] == ["uv", "run", "bayes-rrmm"]
        result = CliRunner().invoke(cli, words[3:], standalone_mode=False)
        assert result.exception is None, (line, result.exception)
        assert result.return_value in (None, 0), line
    assert (tmp_path / "runs/mine/crosscheck.csv").is_file()
    assert (tmp_path / "runs/mine/report.html").is_file()


@pytest.mark.full
def test_small_group_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dossier and the power-scaling of the run that the commands before them make, and the tables they leave."""
    monkeypatch.chdir(tmp_path)
    wanted = [line for line in commands()[2:] if re.search(r" (models copy|fit|sensitivity) ", line)]
    assert [shlex.split(line)[3] for line in wanted] == ["models", "fit", "sensitivity", "sensitivity"]
    for line in wanted:
        result = CliRunner().invoke(cli, shlex.split(line)[3:], standalone_mode=False)
        assert result.exception is None, (line, result.exception)
        assert result.return_value in (None, 0), line
    assert len(pd.read_csv(tmp_path / "runs/mine/dossiers/salvage-asct/refits.csv")) >= 150


def test_groups_of_nine_are_those_of_the_study() -> None:
    """Every number of the README's table is the committed study's, rounded."""
    study = pd.read_csv(ROOT / "tests/calibration/group_of_nine.csv").set_index(["truth", "method"])
    methods = ["Cox", "Firth", "Bayes, unpooled", "Bayes, pooled"]
    rows = [line.strip("|").split("|") for line in README.splitlines() if re.match(r"\| (1|0\.5) \| ", line)]
    names = {
        "no finite estimate, or the sampler failed": "lost",
        "coverage": "coverage_of_all",
        "median absolute error of log HR": "absolute_error",
        "interval below 1": "below_one",
    }
    study["lost"] = study["replicates"] - study["finite"]
    assert len(rows) == 7
    for truth, quantity, *cells in rows:
        values = study.loc[float(truth)].loc[methods, names[quantity.strip()]]
        styles = {"lost": "{:.0f}", "coverage_of_all": "{:.1%}", "absolute_error": "{:.2f}", "below_one": "{:.0%}"}
        style = styles[names[quantity.strip()]]
        assert [cell.strip().replace(" %", "%") for cell in cells] == [style.format(value) for value in values]


def test_what_is_said_of_the_published_numbers_is_what_comes_out() -> None:
    """Events, sceptical limit and the two probabilities of pomalidomide's PFS2 are those that the command prints."""
    found = next(item for item in br.published("west_china_rrmm1").contrasts if item.about == "pfs2 pomalidomide")
    said = " ".join(README.split("## Published numbers alone")[1].split("## How to read")[0].split())
    chances = [figure_of(found.posterior(name).p_below_1, "probability") for name in ("sceptical", "flat")]
    limit = found.credibility.shown
    assert f"0.421 [0.214, 0.829]: {found.weight.even:.0f} events, sceptical limit {limit}, P(HR < 1) from {chances[0]}" in said
    assert f"to {chances[1]} (flat)" in said
    assert "wider than 257 pairs allow" in said


def test_analysis_file_parses() -> None:
    """The analysis shown in the README is a valid one, and so are the two lines it shows as comments."""
    (text,) = blocks("toml")
    assert parse_analysis(text).formula.variables == ("regimen", "relapse_pattern")
    assert parse_analysis(text.replace("# entry", "entry")).endpoint.entry == "months_to_first_relapse"
    other_prior = text.replace("regimen = { hazard_ratio", "relapse_pattern = { hazard_ratio")
    pooled = parse_analysis(other_prior.replace("# effects", "effects"))
    assert pooled.is_pooled(pooled.formula.terms[0])


def test_links_lead_somewhere() -> None:
    """Every file the README points to is in the repository."""
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert (ROOT / target).exists(), target
