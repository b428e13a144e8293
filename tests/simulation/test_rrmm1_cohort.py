"""The synthetic RRMM1 cohort is what its script makes, keeps the rules of its columns, and comes out near the published numbers."""

from __future__ import annotations

import math
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.catalogue import describe_data, load_data
from bayes_rrmm.frequentist import Cox, cox, kaplan_meier, log_rank, median_follow_up
from bayes_rrmm.simulation.rrmm1 import csv_bytes, make_rrmm1, search
from bayes_rrmm.simulation.rrmm1_courses import draw_courses
from bayes_rrmm.simulation.rrmm1_parameters import FIRST_RELAPSE, FIRST_RELAPSE_MAINTENANCE, SEED
from bayes_rrmm.simulation.rrmm1_patients import draw_patients
from bayes_rrmm.simulation.rrmm1_targets import TARGETS, distance, passes

DATA = Path(str(files("bayes_rrmm") / "data"))
PUBLISHED = tomllib.loads((DATA / "published" / "west_china_rrmm1.toml").read_text(encoding="utf-8"))
TIME = {"pfs1": "pfs1_months", "pfs2": "pfs2_months", "os": "os_initial_months"}
EVENT = {"pfs1": "pfs1_event", "pfs2": "pfs2_event", "os": "os_event"}
COLUMN = {"extramedullary_disease": "extramedullary"}
AVAILABLE = {"ixazomib": "2018-04", "daratumumab": "2019-07", "pomalidomide": "2020-11", "carfilzomib": "2021-07"}

COMPARISONS = [pytest.param(entry, id=f"{entry['endpoint']}-{entry['variable']}") for entry in PUBLISHED["group_comparison"]]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return load_data("rrmm1-synthetic")


@pytest.fixture(scope="module")
def tenths(rows: pd.DataFrame) -> pd.DataFrame:
    """The times in whole tenths of a month, 0 where there is none."""
    months = rows[[column for column in rows if column.endswith("_months") or column.startswith("months_")]]
    return (months.replace("", "0").astype(float) * 10).round().astype(int)


def outcome(rows: pd.DataFrame, endpoint: str) -> tuple[np.ndarray, np.ndarray]:
    return rows[TIME[endpoint]].to_numpy(float), rows[EVENT[endpoint]].to_numpy(float)


def median(rows: pd.DataFrame, endpoint: str) -> float:
    return kaplan_meier(*outcome(rows, endpoint)).median()[0]


def pomalidomide_cox(rows: pd.DataFrame, endpoint: str) -> Cox:
    known = rows[rows["relapse_pattern"] != ""]
    columns = (known["pomalidomide"] == "yes", known["relapse_pattern"] == "clinical", known["extramedullary"] == "yes")
    return cox(np.column_stack(columns).astype(float), ["pomalidomide", "clinical", "extramedullary"], *outcome(known, endpoint))


def numbers(entry: Any) -> list[float]:
    """Every number inside tables and lists."""
    if isinstance(entry, dict | list):
        inside = entry.values() if isinstance(entry, dict) else entry
        return [number for value in inside for number in numbers(value)]
    return [float(entry)] if isinstance(entry, int | float) else []


def wald_p(model: Cox) -> float:
    return math.erfc(abs(model.coefficients[0] / math.sqrt(model.covariance[0, 0])) / math.sqrt(2))


def test_the_script_makes_the_shipped_bytes() -> None:
    """The seed gives the shipped file byte for byte, and another seed does not."""
    shipped = (DATA / "rrmm1_synthetic.csv").read_bytes()
    assert csv_bytes(make_rrmm1()) == shipped
    assert csv_bytes(make_rrmm1(SEED + 1)) != shipped


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    """`python -m bayes_rrmm.simulation.rrmm1 --out FILE` writes the shipped bytes to FILE."""
    path = tmp_path / "cohort.csv"
    subprocess.run([sys.executable, "-m", "bayes_rrmm.simulation.rrmm1", "--out", str(path)], check=True)
    assert path.read_bytes() == (DATA / "rrmm1_synthetic.csv").read_bytes()


def test_it_says_that_it_is_synthetic(rows: pd.DataFrame) -> None:
    """Every patient's number, the title, the source and every dictionary note of an invented thing say what it is."""
    said = describe_data("rrmm1-synthetic")
    assert rows["patient"].str.fullmatch(r"synthetic-\d{3}").all()
    assert said["title"].startswith("Synthetic")
    assert "synthetic" in said["source"]
    assert any("invented" in note for note in said["notes"])
    assert any(f"seed {SEED} " in note for note in said["notes"])


def test_sizes_are_the_published_ones(rows: pd.DataFrame) -> None:
    """257 patients, 9 transplanted, and every group of known level has its published size."""
    assert len(rows) == PUBLISHED["study"]["n"]
    assert set(rows["regimen"]) == set(PUBLISHED["study"]["regimens"])
    for entry in PUBLISHED["group_comparison"]:
        counts = rows[COLUMN.get(entry["variable"], entry["variable"])].value_counts()
        assert {group["level"]: group["n"] for group in entry["groups"]} == counts.drop("", errors="ignore").to_dict()


def test_gaps_are_where_they_are_said_to_be(rows: pd.DataFrame) -> None:
    """Maintenance is unknown in 128; relapse pattern and extramedullary disease in the same 36, none treated with pomalidomide."""
    no_pattern = rows["relapse_pattern"] == ""
    assert ((rows["lenalidomide_maintenance"] == "").sum(), no_pattern.sum()) == (128, 36)
    assert ((rows["extramedullary"] == "") == no_pattern).all()
    assert not (no_pattern & (rows["pomalidomide"] == "yes")).any()
    gaps = [column for column in rows if (rows[column] == "").any()]
    assert gaps == ["months_to_salvage_asct", "lenalidomide_maintenance", "relapse_pattern", "extramedullary"]


def test_columns_of_regimen_agree(rows: pd.DataFrame) -> None:
    """The two yes/no columns follow from the regimen, and only transplanted patients have a time of transplant."""
    for column, regimen in (("salvage_asct", "salvage-asct"), ("pomalidomide", "pomalidomide")):
        assert ((rows[column] == "yes") == (rows["regimen"] == regimen)).all()
    assert ((rows["months_to_salvage_asct"] != "") == (rows["salvage_asct"] == "yes")).all()


def test_times_are_positive_tenths(rows: pd.DataFrame, tenths: pd.DataFrame) -> None:
    """Times have one decimal and are above 0; events are 0 or 1."""
    for column in tenths.columns.drop("months_to_salvage_asct"):
        assert rows[column].str.fullmatch(r"\d+\.\d").all()
        assert (tenths[column] > 0).all()
    assert set(rows[["pfs1_event", "pfs2_event", "os_event"]].to_numpy().ravel()) == {"0", "1"}


def test_every_row_is_consistent(rows: pd.DataFrame, tenths: pd.DataFrame) -> None:
    """PFS1 always ends in an event; PFS2 ends no later than OS, and with an event where a patient dies; OS adds up."""
    assert (rows["pfs1_event"] == "1").all()
    assert (tenths["pfs1_months"] == tenths["months_to_first_relapse"]).all()
    assert (tenths["pfs2_months"] <= tenths["os_months"]).all()
    assert (rows.loc[rows["os_event"] == "1", "pfs2_event"] == "1").all()
    assert (tenths["os_initial_months"] == tenths["months_to_first_relapse"] + tenths["os_months"]).all()


def test_transplanted_patients_reached_their_transplant(rows: pd.DataFrame, tenths: pd.DataFrame) -> None:
    """A salvage transplant comes some months after second-line start, before any PFS2 event, death or end of follow-up."""
    transplanted = tenths[rows["salvage_asct"] == "yes"]
    assert transplanted["months_to_salvage_asct"].between(30, 70).all()
    assert (transplanted["months_to_salvage_asct"] < transplanted["pfs2_months"]).all()


def test_calendar(rows: pd.DataFrame, tenths: pd.DataFrame) -> None:
    """Second-line starts lie in the published enrolment, no regimen comes before it was there, nobody outlasts the cut-off."""
    start = pd.to_datetime(rows["second_line_start"])
    enrolled = PUBLISHED["study"]["enrolled"]
    assert rows["second_line_start"].between(enrolled["from"], enrolled["to"]).all()
    assert start.is_monotonic_increasing
    cutoff = pd.Timestamp(PUBLISHED["study"]["data_cutoff"])
    left = (cutoff.year - start.dt.year) * 12 + cutoff.month - start.dt.month + 1
    assert (tenths["os_months"] <= 10 * left).all()
    first = rows.groupby("regimen")["second_line_start"].min()
    for regimen, month in AVAILABLE.items():
        assert first[regimen] >= month


@pytest.mark.parametrize("entry", PUBLISHED["overall"], ids=[entry["endpoint"] for entry in PUBLISHED["overall"]])
def test_overall_medians_lie_in_the_published_intervals(rows: pd.DataFrame, entry: dict[str, Any]) -> None:
    """The Kaplan-Meier median of everybody lies in the published 95 % interval."""
    assert entry["ci"][0] <= median(rows, entry["endpoint"]) <= entry["ci"][1]


@pytest.mark.parametrize("entry", COMPARISONS)
def test_group_medians(rows: pd.DataFrame, entry: dict[str, Any]) -> None:
    """A group's median is within 10 % of the published one, and not reached where it was not."""
    for group in entry["groups"]:
        found = median(rows[rows[COLUMN.get(entry["variable"], entry["variable"])] == group["level"]], entry["endpoint"])
        expected = math.inf if group["median"] == "NR" else pytest.approx(group["median"], rel=0.1)
        assert found == expected


@pytest.mark.parametrize("entry", COMPARISONS)
def test_log_rank_tests(rows: pd.DataFrame, entry: dict[str, Any]) -> None:
    """The log-rank p value of known groups is on the published side of 0.05, or below the published bound."""
    column = COLUMN.get(entry["variable"], entry["variable"])
    known = rows[rows[column] != ""]
    p = log_rank(*outcome(known, entry["endpoint"]), known[column]).p
    if "p_below" in entry:
        assert p < entry["p_below"]
    else:
        assert (p < 0.05) == (entry["p"] < 0.05)


@pytest.mark.parametrize("entry", PUBLISHED["multivariable_cox"], ids=["pfs2", "os"])
def test_pomalidomide_in_multivariable_cox(rows: pd.DataFrame, entry: dict[str, Any]) -> None:
    """The hazard ratio lies in the published interval, and its p value on the published side of 0.05; 221 rows are complete."""
    model = pomalidomide_cox(rows, entry["endpoint"])
    assert model.rows == 221
    assert entry["ci"][0] < math.exp(model.coefficients[0]) < entry["ci"][1]
    assert (wald_p(model) < 0.05) == (entry["p"] < 0.05)


def test_events_under_pomalidomide_weigh_what_the_published_intervals_do(rows: pd.DataFrame) -> None:
    """A published interval tells of about 1 / se^2 events: 8 to 10 for PFS2, 3 to 5 deaths."""
    pomalidomide = rows[rows["pomalidomide"] == "yes"]
    assert 8 <= pomalidomide["pfs2_event"].astype(int).sum() <= 10
    assert 3 <= pomalidomide["os_event"].astype(int).sum() <= 5


def test_first_line_against_second_line(rows: pd.DataFrame) -> None:
    """Cox of PFS1 against PFS2, two rows a patient: the hazard ratio lies in the published interval, on the published side of 1."""
    (entry,) = PUBLISHED["hazard_ratio"]
    (time1, event1), (time2, event2) = outcome(rows, "pfs1"), outcome(rows, "pfs2")
    line = np.repeat([[1.0], [0.0]], len(rows), axis=0)
    model = cox(line, ["pfs1"], np.concatenate([time1, time2]), np.concatenate([event1, event2]))
    assert entry["ci"][0] < math.exp(model.coefficients[0]) < entry["ci"][1]
    assert wald_p(model) > 0.05


def test_medians_that_are_not_reached(rows: pd.DataFrame) -> None:
    """Under carfilzomib and under pomalidomide half of the patients reach neither a PFS2 event nor death."""
    (entry,) = PUBLISHED["not_reached"]
    for regimen in entry["regimens"]:
        for endpoint in entry["endpoints"]:
            assert median(rows[rows["regimen"] == regimen], endpoint) == math.inf


def test_follow_up(rows: pd.DataFrame) -> None:
    """Median follow-up from initial treatment is within 10 % of 61 months, and of 40 in the carfilzomib group."""
    assert median_follow_up(*outcome(rows, "os"))[0] == pytest.approx(PUBLISHED["study"]["median_follow_up"], rel=0.1)
    assert "40 months" in PUBLISHED["not_reached"][0]["note"]
    assert median_follow_up(*outcome(rows[rows["regimen"] == "carfilzomib"], "os"))[0] == pytest.approx(40, rel=0.1)


def test_the_search_selects_by_these_targets(rows: pd.DataFrame) -> None:
    """The shipped cohort meets every target of the search, the first seeds do not, and the first of them is farther away."""
    assert [target.name for target in TARGETS if not target.met(target.compute(rows))] == []
    assert passes(rows)
    assert search(3) == []
    assert distance(rows) < distance(make_rrmm1(1))


def test_the_targets_are_the_published_numbers() -> None:
    """Every number that the search aims at is in the publication, but the events that its intervals imply."""
    published = {40.0, *numbers(PUBLISHED)}
    implied = {"events pfs2 pomalidomide=yes": 9.0, "events os pomalidomide=yes": 4.0}
    for target in TARGETS:
        assert target.published in {*published, math.inf} or implied[target.name] == target.published
    assert len({target.name for target in TARGETS}) == len(TARGETS)


def test_first_relapse_follows_its_hazard() -> None:
    """The cumulative hazard at first relapse is exponential with mean 1: over 100 cohorts, within 4 Monte Carlo standard errors."""
    reached = []
    for seed in range(100):
        stream = np.random.Generator(np.random.PCG64(seed))
        patients = draw_patients(stream)
        months = draw_courses(patients, stream).first_relapse / 10 + 0.05
        ends = (*FIRST_RELAPSE.cuts[1:], np.inf)
        pieces = zip(FIRST_RELAPSE.cuts, ends, FIRST_RELAPSE.rates, strict=True)
        hazard = sum(rate * np.clip(months - begin, 0, end - begin) for begin, end, rate in pieces)
        reached.append(hazard * np.where(patients.maintenance, FIRST_RELAPSE_MAINTENANCE, 1.0))
    draws = np.concatenate(reached)
    assert np.mean(draws) == pytest.approx(1, abs=4 / math.sqrt(len(draws)))
    assert np.mean(draws > 1) == pytest.approx(math.exp(-1), abs=4 * math.sqrt(0.25 / len(draws)))
