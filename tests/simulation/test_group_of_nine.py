"""The committed study of a group of nine: made by this design and these models, and what it shows."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.simulation import group_of_nine
from bayes_rrmm.simulation.cohorts_of_nine import GROUP, TRUTHS, cohort_with
from bayes_rrmm.simulation.fingerprint import changes
from bayes_rrmm.simulation.group_of_nine import cox_answer, design, fingerprints, firth_answer, main, planned
from bayes_rrmm.simulation.table_of_nine import COLUMNS, COX, FIRTH, POOLED, UNPOOLED, normal_expectation, table_of_nine

FOLDER = Path(__file__).parents[1] / "calibration"
REPLICATES = 200
METHODS = (COX, FIRTH, UNPOOLED, POOLED)
AGAIN = "another design or model than was studied; remove the study's files and make it again: "


@pytest.fixture(scope="module")
def provenance() -> dict[str, Any]:
    return json.loads((FOLDER / "group_of_nine.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def replicates() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "group_of_nine.replicates.csv.gz")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "group_of_nine.csv").set_index(["truth", "method"])


def test_the_design_is_the_one_that_was_studied(provenance: dict[str, Any]) -> None:
    """Truths, cohorts and analyses of the committed study are those of the code."""
    assert provenance["design"] == design(), AGAIN + provenance["command"]
    assert provenance["replicates"] == REPLICATES


def test_the_models_are_the_ones_that_were_studied(provenance: dict[str, Any]) -> None:
    """Each model's log-density at 20 stored points, on the first cohort of each truth, is what it was to 1e-10."""
    assert provenance["fingerprints"].keys() == fingerprints().keys()
    for name, stored in provenance["fingerprints"].items():
        truth, method = name.split("; ")
        assert len(stored["log_density"]) == 20
        assert changes(stored, *planned(method, cohort_with(float(truth), 1))) == [], AGAIN + provenance["command"]


def test_the_table_is_computed_from_the_replicates(replicates: pd.DataFrame, table: pd.DataFrame) -> None:
    """Every number of the committed table follows from the committed replicates and the design (written to six decimals)."""
    assert replicates.groupby(["truth", "method"]).size().eq(REPLICATES).all()
    pd.testing.assert_frame_equal(table_of_nine(replicates), table.reset_index(), rtol=0.0, atol=1e-6)
    assert list(table.index) == [(truth, method) for truth in TRUTHS for method in METHODS]


def test_the_replicates_are_of_these_cohorts(replicates: pd.DataFrame) -> None:
    """Every cohort, made again here, has the committed events, and Cox, fitted again to every fourth, the committed estimate and
    limits; so has Firth in every fiftieth."""
    stored = replicates.set_index(["truth", "replicate", "method"]).sort_index()
    for truth in TRUTHS:
        for number in range(1, REPLICATES + 1):
            rows = cohort_with(truth, number)
            one = stored.loc[(truth, number)]
            assert (one["events"] == rows["event"].sum()).all()
            assert (one["group_events"] == rows.loc[rows["regimen"] == GROUP, "event"].sum()).all()
            answers = ({COX: cox_answer(rows)} if number % 4 == 1 else {}) | (
                {FIRTH: firth_answer(rows)} if number % 50 == 1 else {}
            )
            for method, found in answers.items():
                assert one.loc[method, list(found)].to_list() == pytest.approx(list(found.values()), abs=2e-6)


def test_cohorts_without_an_event_among_the_nine(table: pd.DataFrame) -> None:
    """At hazard ratio 0.5 the nine of six cohorts have no event: Cox has no finite estimate in these and in no other, and what it
    covers is the same to 1 % with and without them; every other method has an estimate in every cohort where it did not fail."""
    assert table["without_group_events"].to_list() == [0] * 4 + [6] * 4
    sound = REPLICATES - table["failed"]
    assert (table["finite"] == sound - table["without_group_events"].where(table.index.get_level_values(1) == COX, 0)).all()
    cox_rows = table.xs(COX, level="method")
    assert (cox_rows["coverage_of_all"] - cox_rows["coverage"]).abs().max() < 0.01


@pytest.mark.parametrize("truth", TRUTHS)
def test_all_but_the_pooled_cover_as_expected(table: pd.DataFrame, truth: float) -> None:
    """At both truths the coverage of Cox and Firth is 95 %, and that of the unpooled posterior the 97 or 96 % that the normal
    approximation expects, each to within 2 Monte Carlo errors."""
    for method in (COX, FIRTH, UNPOOLED):
        found = table.loc[(truth, method)]
        assert abs(found["coverage"] - found["coverage_expected"]) < 2 * found["coverage_mcse"]
        assert found["coverage_expected"] >= 0.95 - 1e-6


@pytest.mark.parametrize("truth", TRUTHS)
def test_likelihood_alone_is_hardly_biased_but_noisier_than_expected(table: pd.DataFrame, truth: float) -> None:
    """Cox and Firth are biased by less than 0.1, within 2 Monte Carlo errors of 0, but where 5 events are expected (hazard ratio 1)
    their spread is above the normal approximation's by 2 errors and more, and their mean interval wider than it says at both."""
    for method in (COX, FIRTH):
        found = table.loc[(truth, method)]
        assert abs(found["bias"]) < min(0.1, 2 * found["bias_mcse"])
        assert found["width"] > found["width_expected"] + 2 * found["width_mcse"]
        if truth == 1.0:
            assert found["sd"] > found["sd_expected"] + 2 * found["sd_mcse"]


def test_the_prior_pulls_by_as_much_as_expected(table: pd.DataFrame) -> None:
    """At hazard ratio 0.5, unpooled shrinks by 0.13 of 0.69, within 2 errors of the approximation, and pooled by two thirds, as
    expected: its 95 % interval then covers 80 %, better than the 71 % expected of a known spread, and no 95 %."""
    unpooled, pooled = table.loc[(0.5, UNPOOLED)], table.loc[(0.5, POOLED)]
    for found in (unpooled, pooled):
        assert found["bias"] > 4 * found["bias_mcse"]
        assert abs(found["bias"] - found["bias_expected"]) < 2 * found["bias_mcse"]
    assert pooled["bias"] == pytest.approx(math.log(2) * 2 / 3, abs=0.03)
    assert pooled["coverage"] + 4 * pooled["coverage_mcse"] < 0.95
    assert pooled["coverage"] > pooled["coverage_expected"] + 3 * pooled["coverage_mcse"]


def test_pooling_pays_where_the_nine_are_like_the_others(table: pd.DataFrame) -> None:
    """Pooled, the error is a third of Cox's at hazard ratio 1, and still a fifth less at 0.5; the interval is 40 % narrower."""
    for truth, most in ((1.0, 0.35), (0.5, 0.85)):
        assert table.loc[(truth, POOLED), "rmse"] < most * table.loc[(truth, COX), "rmse"]
        assert table.loc[(truth, POOLED), "width"] < 0.6 * table.loc[(truth, COX), "width"]
        assert table.loc[(truth, UNPOOLED), "rmse"] < 0.8 * table.loc[(truth, COX), "rmse"]


def test_wald_limits_hardly_ever_exclude_hazard_ratio_one(table: pd.DataFrame) -> None:
    """Of a true hazard ratio 0.5 Cox's interval is below 1 in 8 % of cohorts where 22 % are expected, and Firth's profile in 19 %:
    the fewer events an estimate is from, the lower it is and the larger its error. The unpooled posterior does as well as Firth."""
    found, firth = table.loc[(0.5, COX)], table.loc[(0.5, FIRTH)]
    assert found["below_one"] + 4 * found["below_one_mcse"] < found["below_one_expected"]
    assert abs(firth["below_one"] - firth["below_one_expected"]) < 2 * firth["below_one_mcse"]
    assert table.loc[(0.5, UNPOOLED), "below_one"] == firth["below_one"]


def test_sampling_was_sound(table: pd.DataFrame, replicates: pd.DataFrame) -> None:
    """No fit diverged, R-hat was above 1.01 in at most 1 % of fits, and the one that failed its gate is counted, not averaged."""
    failed = table["failed"][table["failed"] > 0]
    assert failed.to_dict() == {(0.5, POOLED): int((replicates["failed"] > 0).sum())} == {(0.5, POOLED): 1}
    bayes = table[table.index.get_level_values("method").str.startswith("Bayes")]
    assert (bayes["with_divergences"] == 0).all()
    assert (bayes["r_hat_above_1.01"] <= 0.01 * REPLICATES).all()


def of_number(truth: float, number: int, cores: int | None = None) -> pd.DataFrame:
    """A replicate made up from its number: every estimate is the truth plus a tenth of it; of number 4 Cox has none."""
    rows = []
    for method in METHODS:
        error = number / 10
        limits = (math.log(truth) + error, error, math.log(truth) + 0.5 * number - 1.2, math.log(truth) + 0.7 * number)
        if method == COX and number == 4:
            limits = (-math.inf, math.inf, -math.inf, math.inf)
        bayes = (0.2 + error if method == POOLED else math.nan, number == 2, 1.0 + number / 200, 0)
        rows.append((truth, number, method, *limits, *(bayes if "Bayes" in method else (math.nan,) * 4), 120, 4 - number))
    return pd.DataFrame(rows, columns=COLUMNS)


def test_the_table_by_hand() -> None:
    """Of four made-up replicates every measure and its Monte Carlo error is as computed by hand; Cox has one without limits."""
    made = table_of_nine(pd.concat([of_number(0.5, number) for number in (1, 2, 3, 4)])).set_index("method")
    found = made.loc[FIRTH]
    assert [found["replicates"], found["finite"], found["without_group_events"], found["group_events"]] == [4, 4, 1, 1.5]
    assert found["bias"] == pytest.approx(0.25)
    assert found["sd"] == pytest.approx(math.sqrt(0.05 / 3))
    assert found["bias_mcse"] == pytest.approx(math.sqrt(0.05 / 3) / 2)
    assert found["sd_mcse"] == pytest.approx(math.sqrt(0.05 / 3) / math.sqrt(6))
    assert found["rmse"] == pytest.approx(math.sqrt(0.075))
    assert found["rmse_mcse"] == pytest.approx(np.std([0.01, 0.04, 0.09, 0.16], ddof=1) / 2 / (2 * math.sqrt(0.075)))
    assert found["error"] == pytest.approx(0.25)
    # The limits around the truth are (-0.7, 0.7), (-0.2, 1.4), (0.3, 2.1) and (0.8, 2.8); the truth is -0.69.
    assert found["coverage"] == found["coverage_of_all"] == 0.5
    assert found["coverage_mcse"] == 0.25
    assert found["width"] == pytest.approx(1.7)
    assert found["width_mcse"] == pytest.approx(np.std([1.4, 1.6, 1.8, 2.0], ddof=1) / 2)
    assert found["median_width"] == pytest.approx(1.7)
    assert 0.05 < found["median_width_mcse"] < 0.25
    assert found["below_one"] == 0.0
    finite = made.loc[COX]
    assert [finite["replicates"], finite["finite"], finite["bias"]] == [4, 3, pytest.approx(0.2)]
    assert finite["coverage"] == pytest.approx(2 / 3)
    assert finite["coverage_of_all"] == pytest.approx(3 / 4)
    assert finite["absolute_error"] == pytest.approx(0.25)  # of 0.1, 0.2, 0.3 and infinity
    assert finite["width"] == pytest.approx(1.6)


def test_replicates_that_failed_their_gate_are_counted_and_no_more() -> None:
    """A failed replicate of a method is one more that covers nothing, decides nothing and is infinitely far off; it moves none of
    that method's other measures, however wild it is, and no other method's."""
    whole = pd.concat([of_number(0.5, number) for number in (1, 2, 3, 4)])
    wild = of_number(0.5, 5).assign(log_hr=40.0, error=9.0, lower=-90.0, upper=-80.0, tau=7.0)
    wild["failed"] = wild["failed"].where(wild["method"] != UNPOOLED, 2)
    made = table_of_nine(pd.concat([whole, wild[wild["method"] == UNPOOLED]])).set_index("method")
    without = table_of_nine(whole).set_index("method")
    assert made["failed"].to_dict() == {COX: 0, FIRTH: 0, UNPOOLED: 1, POOLED: 0}
    assert made["replicates"].to_dict() == {COX: 4, FIRTH: 4, UNPOOLED: 5, POOLED: 4}
    cohorts = ["replicates", "failed", "without_group_events", "group_events", "with_divergences", "r_hat_above_1.01"]
    of_all = [f"{name}{end}" for name in ("coverage_of_all", "below_one", "absolute_error") for end in ("", "_mcse")]
    pd.testing.assert_frame_equal(made.drop(columns=[*cohorts, *of_all]), without.drop(columns=[*cohorts, *of_all]))
    pd.testing.assert_frame_equal(made.drop(index=UNPOOLED)[of_all], without.drop(index=UNPOOLED)[of_all])
    assert made.loc[UNPOOLED, "coverage_of_all"] == pytest.approx(0.5 * 4 / 5)
    assert made.loc[UNPOOLED, "absolute_error"] == pytest.approx(0.3)  # of 0.1, 0.2, 0.3, 0.4 and infinity


def test_expectations_and_sampling_in_the_table() -> None:
    """Beside each measure stands its expectation, pooled at the mean of tau; fits with divergences and high R-hat are counted."""
    made = table_of_nine(pd.concat([of_number(0.5, number) for number in (1, 2, 3, 4)])).set_index("method")
    assert made["tau"].to_dict() == pytest.approx({COX: math.nan, FIRTH: math.nan, UNPOOLED: math.nan, POOLED: 0.45}, nan_ok=True)
    for method in METHODS:
        hopes, found = normal_expectation(0.5, method, 0.45), made.loc[method]
        stated = {"bias": hopes.bias, "sd": hopes.sd, "rmse": hopes.rmse, "error": hopes.error, "coverage": hopes.coverage}
        stated |= {"width": hopes.width, "below_one": hopes.below_zero}
        assert {name: found[f"{name}_expected"] for name in stated} == pytest.approx(stated)
    assert made["with_divergences"].to_list() == [0, 0, 1, 1]
    assert made["r_hat_above_1.01"].to_list() == [0, 0, 2, 2]


def test_the_command_writes_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The command makes each replicate under both truths, keeps them, and writes and prints the table, with its provenance."""
    monkeypatch.setattr(group_of_nine, "replicate", of_number)
    out = tmp_path / "study.csv"
    assert main(["--replicates", "3", "--out", str(out)]) == 0
    kept = pd.read_csv(tmp_path / "study.replicates.csv")
    assert kept.groupby(["truth", "method"])["replicate"].apply(list).map(lambda numbers: numbers == [1, 2, 3]).all()
    pd.testing.assert_frame_equal(pd.read_csv(out), table_of_nine(kept).round(6))
    stored = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    assert stored["design"] == design()
    assert stored["command"].startswith("python -m bayes_rrmm.simulation.group_of_nine --replicates 3 --out ")
    assert "Bayes, pooled" in capsys.readouterr().out
