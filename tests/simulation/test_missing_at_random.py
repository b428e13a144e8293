"""The committed study of a covariate missing at random: made by this design and these models, and what it shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.frequentist import cox
from bayes_rrmm.simulation import missing_at_random
from bayes_rrmm.simulation.deletion import EARLY, MECHANISMS, complete_patients, with_gaps
from bayes_rrmm.simulation.fingerprint import changes
from bayes_rrmm.simulation.missing_at_random import METHODS, TRUTH, design, fingerprints, main, planned, recovery_table

FOLDER = Path(__file__).parents[1] / "calibration"
REPLICATES = 200
AGAIN = "another design or model than was studied; remove the study's files and make it again: "


@pytest.fixture(scope="module")
def provenance() -> dict[str, Any]:
    return json.loads((FOLDER / "missing_at_random.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "missing_at_random.csv").set_index(["mechanism", "term", "method"]).sort_index()


def test_the_design_is_the_one_that_was_studied(provenance: dict[str, Any]) -> None:
    """Truth, cohorts, mechanisms, analysis and methods of the committed study are those of the code."""
    assert provenance["design"] == design(), AGAIN + provenance["command"]
    assert provenance["replicates"] == REPLICATES


def test_the_models_are_the_ones_that_were_studied(provenance: dict[str, Any]) -> None:
    """Each model's log-density at 20 stored points, on the first cohort of each mechanism, is what it was to 1e-10."""
    assert provenance["fingerprints"].keys() == fingerprints().keys()
    for name, stored in provenance["fingerprints"].items():
        mechanism, method = name.split("; ")
        assert len(stored["log_density"]) == 20
        assert changes(stored, *planned(with_gaps(complete_patients(1), mechanism, 1), method)) == [], AGAIN + provenance["command"]


def test_the_table_is_of_these_cohorts(table: pd.DataFrame) -> None:
    """Cox, fitted here again to every cohort, before gaps that depend on the outcome and after, on columns made by hand, has the
    committed bias, spread, width, coverage and rows."""
    found: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for number in range(1, REPLICATES + 1):
        whole = complete_patients(number)
        cohorts = {"Cox, nothing deleted": whole, "Cox, complete cases": with_gaps(whole, "outcome", number).dropna()}
        for name, rows in cohorts.items():
            columns = np.column_stack([rows["maintenance"] == "yes", rows["high_risk"] == "yes"]).astype(float)
            model = cox(columns, list(TRUTH), rows["months"], rows["event"])
            for term, axis in zip(TRUTH, np.eye(2), strict=True):
                estimate, _, lower, upper = model.contrast(axis)
                found.setdefault((name, term), []).append((estimate, lower, upper, len(rows)))
    for (method, term), values in found.items():
        estimate, lower, upper, rows = np.array(values).T
        truth = TRUTH[term]
        expected = {
            "bias": np.mean(estimate - truth),
            "sd": np.std(estimate, ddof=1),
            "width": np.mean(upper - lower),
            "coverage": np.mean((lower <= truth) & (truth <= upper)),
            "rmse": np.sqrt(np.mean((estimate - truth) ** 2)),
            "rows": np.mean(rows),
        }
        assert table.loc[("outcome", term, method), list(expected)].to_dict() == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_values_are_missing_at_random(mechanism: str) -> None:
    """Within patients of one risk and with or without an early event, those on maintenance lack the value as often as the others,
    as often as the mechanism says, and about half lack it in all."""
    whole = pd.concat([complete_patients(number) for number in range(1, 101)])
    lacks = pd.concat([with_gaps(complete_patients(number), mechanism, number) for number in range(1, 101)])["maintenance"].isna()
    early = (whole["event"] == 1) & (whole["months"] <= EARLY)
    cells = lacks.groupby([whole["high_risk"], early, whole["maintenance"]]).agg(["mean", "size"])
    assert len(cells) == 8
    for (risk, soon, _), cell in cells.iterrows():
        chance = MECHANISMS[mechanism][risk][int(soon)]
        assert abs(cell["mean"] - chance) < 4 * np.sqrt(chance * (1 - chance) / cell["size"])
    assert 0.45 < lacks.mean() < 0.55


def test_every_method_saw_every_cohort(table: pd.DataFrame) -> None:
    """Both mechanisms, both hazard ratios and every method have all replicates, and no fit diverged."""
    assert len(table) == len(MECHANISMS) * len(TRUTH) * len(METHODS)
    assert (table["replicates"] == REPLICATES).all()
    assert (table["with_divergences"] == 0).all()


def test_complete_cases_chosen_by_outcome_are_biased_and_marginalising_is_not(table: pd.DataFrame) -> None:
    """Where gaps depend on the outcome: complete cases, by Bayes or Cox, and a level for the unknown are far off the truth and
    cover 75 to 80 %; marginalised, the bias is within 2 Monte Carlo errors, coverage 95 %, and the squared error smallest."""
    rows = table.loc["outcome", "maintenance"]
    marginalised = rows.loc["Bayes, marginalised"]
    assert abs(marginalised["bias"]) < 2 * marginalised["bias_mcse"]
    assert abs(marginalised["coverage"] - 0.95) < 2 * marginalised["coverage_mcse"]
    for method in ("Bayes, complete cases", "Cox, complete cases", "Bayes, unknown level"):
        other = rows.loc[method]
        assert other["bias"] > 10 * other["bias_mcse"]
        assert other["bias"] > 5 * abs(marginalised["bias"])
        assert other["coverage"] < 0.82
        assert other["rmse"] > marginalised["rmse"]


def test_the_honest_interval_is_the_wider_one_there(table: pd.DataFrame) -> None:
    """There the marginalised interval is a third wider than that of complete cases: theirs is too sure of a wrong answer."""
    rows = table.loc["outcome", "maintenance"]
    assert rows.loc["Bayes, marginalised", "width"] > 1.3 * rows.loc["Bayes, complete cases", "width"]


def test_where_complete_cases_are_unbiased_marginalising_is_narrower(table: pd.DataFrame) -> None:
    """Where gaps depend on the covariate alone both recover maintenance, marginalising a little more narrowly; the hazard ratio
    of the complete covariate, known for everyone, has an interval of 60 % of the width of complete cases."""
    rows = table.loc["covariate", "maintenance"]
    for method in ("Bayes, marginalised", "Bayes, complete cases", "Cox, complete cases"):
        assert abs(rows.loc[method, "bias"]) < 2 * rows.loc[method, "bias_mcse"]
        assert abs(rows.loc[method, "coverage"] - 0.95) < 2 * rows.loc[method, "coverage_mcse"]
    assert rows.loc["Bayes, marginalised", "width"] < rows.loc["Bayes, complete cases", "width"]
    assert rows.loc["Bayes, marginalised", "rmse"] < rows.loc["Bayes, complete cases", "rmse"]
    risk = table.loc["covariate", "high_risk"]
    assert risk.loc["Bayes, marginalised", "width"] < 0.6 * risk.loc["Bayes, complete cases", "width"]
    assert risk.loc["Bayes, marginalised", "rmse"] < 0.6 * risk.loc["Bayes, complete cases", "rmse"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_level_for_the_unknown_confounds(table: pd.DataFrame, mechanism: str) -> None:
    """A level for the unknown leaves the complete covariate confounded by what is unknown, under either mechanism: its bias is
    more than three times that of marginalising (0.03, which the covariate model's prior leaves), its coverage below 90 %."""
    rows = table.loc[mechanism, "high_risk"]
    unknown, marginalised = rows.loc["Bayes, unknown level"], rows.loc["Bayes, marginalised"]
    assert unknown["bias"] > 3 * marginalised["bias"]
    assert unknown["coverage"] < 0.9 < marginalised["coverage"]
    assert marginalised["bias"] == pytest.approx(0.03, abs=0.01)


def of_number(mechanism: str, number: int, cores: int | None = None) -> pd.DataFrame:
    """A replicate made up from its number: every estimate is the truth plus a hundredth of the number."""
    rows = [
        (mechanism, number, method, term, truth + number / 100, truth - 0.015 * number, truth + 0.5, 257, 170, 0.5, number == 2)
        for method in METHODS
        for term, truth in TRUTH.items()
    ]
    return pd.DataFrame(rows, columns=missing_at_random.COLUMNS)


def test_the_table_by_hand() -> None:
    """Bias, spread, width, coverage and their Monte Carlo errors of three made-up replicates are as computed by hand."""
    rows = pd.concat([of_number("outcome", number) for number in (1, 2, 3)])
    rows.loc[rows["replicate"] == 3, "lower"] += 1.0
    for found in recovery_table(rows).to_dict(orient="records"):
        assert found["bias"] == pytest.approx(0.02)
        assert found["sd"] == pytest.approx(0.01)
        assert found["bias_mcse"] == pytest.approx(0.01 / np.sqrt(3))
        assert found["rmse"] == pytest.approx(np.sqrt(0.0014 / 3))
        assert found["width"] == pytest.approx(0.5 + (0.015 + 0.03 + 0.045 - 1.0) / 3)
        assert found["coverage"] == pytest.approx(2 / 3)
        assert found["coverage_mcse"] == pytest.approx(np.sqrt(2 / 27))
        assert found["with_divergences"] == 1


def test_an_interrupted_study_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is whole is kept, a replicate cut short is run again, and another design is refused."""
    run: list[tuple[str, int]] = []

    def noted(mechanism: str, number: int, cores: int | None) -> pd.DataFrame:
        run.append((mechanism, number))
        return of_number(mechanism, number)

    monkeypatch.setattr(missing_at_random, "replicate", noted)
    out, kept = tmp_path / "new" / "study.csv", tmp_path / "new" / "study.replicates.csv"
    assert main(["--replicates", "2", "--out", str(out)]) == 0
    assert run == [(mechanism, number) for number in (1, 2) for mechanism in MECHANISMS]
    text, first = kept.read_text(), out.read_text()
    kept.write_text(text[: text.rindex("covariate") + 20])
    run.clear()
    assert main(["--replicates", "2", "--out", str(out)]) == 0
    assert run == [("covariate", 2)]
    assert out.read_text() == first
    assert "Bayes, marginalised" in capsys.readouterr().out
    monkeypatch.setattr(missing_at_random, "ANALYSIS", missing_at_random.ANALYSIS + "# changed\n")
    with pytest.raises(br.RunFolderError, match=r"another design \(analysis\)"):
        main(["--replicates", "2", "--out", str(out)])
