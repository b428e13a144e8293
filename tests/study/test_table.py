"""The table of published, frequentist and Bayesian numbers, on the synthetic cohort and on data that cannot have made them."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from typing import Any

import fits
import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.against_published import published_table
from bayes_rrmm.catalogue import is_synthetic
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.errors import AnalysisError, DataError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import cox
from bayes_rrmm.plan import make_plan
from bayes_rrmm.publications import load_published
from bayes_rrmm.published_record import Published, parse_published
from bayes_rrmm.specification import Analysis
from bayes_rrmm.study import PublishedTable, build_table
from bayes_rrmm.study.sources import Source


def frequentist(data: pd.DataFrame) -> PublishedTable:
    """The table without Bayesian numbers, and without PFS1 against PFS2, whose frailties take seconds."""
    unpaired = load_published("west_china_rrmm1").model_copy(update={"hazard_ratio": ()})
    return published_table(data, unpaired, bayesian=False)


def alone(published: Published, **parts: Any) -> Published:
    """The publication with these parts and no other rows than those of the study."""
    none: dict[str, Any] = {"overall": (), "group_comparison": (), "hazard_ratio": (), "multivariable_cox": (), "not_reached": ()}
    return published.model_copy(update=none | parts)


def at(table: PublishedTable, **where: str) -> pd.Series[Any]:
    """The one row of a table."""
    found = table.to_dataframe()
    for column, value in where.items():
        found = found[found[column] == value]
    assert len(found) == 1, found
    return found.iloc[0]


def numbers_of(value: Any, key: str = "") -> list[float]:
    """Every number of the publication, wherever it stands; medians not reached are infinity. Schema and key texts are none."""
    if isinstance(value, dict):
        return [number for name, item in value.items() if name != "schema" for number in numbers_of(item, name)]
    if isinstance(value, list):
        return [number for item in value for number in numbers_of(item, key)]
    if value == "NR":
        return [math.inf]
    return [float(value)] if isinstance(value, int | float) else []


def test_every_published_number_is_there(table: PublishedTable, published: Published) -> None:
    """No number of the file is left out: sizes, medians, intervals, p values, hazard ratios, follow-up, dates."""
    frame = table.to_dataframe()
    shown = frame[["published", "published_lower", "published_upper"]].to_numpy().ravel()
    wanted = numbers_of({key: value for key, value in tomllib.loads(published.source).items() if key != "not_reached"})
    assert len(wanted) == 48
    for number in set(wanted):
        # A bound such as p < 0.001 stands just below it. A number published twice stands there twice.
        assert np.isclose(shown, number, rtol=1e-12).sum() >= wanted.count(number), number
    counted = [number for number in wanted if math.isinf(number)]
    assert (frame["published"] == math.inf).sum() == len(counted) + 4
    assert {"2014-02", "2024-05", "2025-03-31", "<0.001"} <= set(frame["published_text"])
    assert at(table, quantity="median follow-up", group="carfilzomib")["published"] == 40


def test_the_synthetic_cohort_agrees(table: PublishedTable) -> None:
    """Every number of the abstract that is not a Bayesian one is met by the embedded cohort, by the rule it is judged by."""
    frame = table.to_dataframe()
    frame = frame[frame["published_text"] != "-"]
    assert frame["frequentist_agrees"].notna().all()
    assert frame.loc[~frame["frequentist_agrees"].astype(bool), ["endpoint", "quantity", "group"]].to_numpy().tolist() == []


def test_the_bayesian_side_answers_what_has_a_posterior(table: PublishedTable) -> None:
    """Every median, hazard ratio and p value has a Bayesian number, near the frequentist one; counts and dates have none. Of the
    lines' hazard ratios the one given a gamma frailty has: see test_paired_rows."""
    frame = table.to_dataframe()
    frame = frame[~frame["group"].str.contains("pfs1 / pfs2") & (frame["unit"] != "variance")]
    answered = frame["bayesian"].notna()
    assert (answered == frame["quantity"].isin(["median", "hazard ratio", "log-rank p", "Wald p"])).all()
    both = frame[(frame["quantity"] == "median") & np.isfinite(frame["bayesian"]) & np.isfinite(frame["frequentist"])]
    assert len(both) > 8
    assert np.median(np.abs(np.log(both["bayesian"] / both["frequentist"]))) < 0.15
    assert set(frame.loc[frame["unit"] == "p", "bayesian_is"]) == {
        "two-sided posterior tail, 2 min(P(HR < 1), P(HR > 1)): no p value"
    }
    assert table.mark == ""


def test_overall_survival_is_counted_from_initial_treatment(table: PublishedTable, synthetic: pd.DataFrame) -> None:
    """The median of OS is that of os_initial_months, and a note says so."""
    from bayes_rrmm.frequentist import kaplan_meier

    curve = kaplan_meier(synthetic["os_initial_months"].astype(float), synthetic["os_event"].astype(float))
    assert at(table, endpoint="os", quantity="median", group="")["frequentist"] == curve.median()[0]
    assert any("from initial treatment, without delayed entry" in note for note in table.notes)


def test_wrong_data_are_told_apart(synthetic: pd.DataFrame) -> None:
    """Patients with twice the time and shuffled groups fail where the abstract's numbers stand; others' are not called so."""
    wrong = pd.DataFrame(synthetic.to_dict("list"))
    wrong["patient"] = [f"ours-{number}" for number in range(len(wrong))]
    rng = np.random.default_rng(1)
    for column in ("pfs1_months", "pfs2_months", "os_initial_months"):
        wrong[column] = (2 * wrong[column].astype(float)).astype(str)
    wrong["relapse_pattern"] = rng.permutation(wrong["relapse_pattern"])
    wrong = wrong.drop(index=[0, 1])
    table = frequentist(wrong)
    assert at(table, endpoint="pfs1", quantity="median")["frequentist_verdict"] == "outside"
    assert at(table, endpoint="os", quantity="median", group="")["frequentist_verdict"] == "outside"
    assert at(table, quantity="patients", endpoint="")["frequentist_verdict"] == "differs"
    assert not at(table, endpoint="pfs2", quantity="median", group="clinical")["frequentist_agrees"]
    assert at(table, endpoint="pfs2", quantity="log-rank p")["frequentist_verdict"] == "other side"
    assert "OUTSIDE" in str(table)
    assert "synthetic" not in str(table).partition("The study")[0]
    assert not table.to_dataframe()["synthetic"].any()


def test_synthetic_rows_say_so_in_any_order_and_number(synthetic: pd.DataFrame) -> None:
    """The embedded cohort typed, shuffled, halved or read from a copy is still called synthetic."""
    bare = pd.DataFrame(synthetic.to_dict("list"))
    typed = bare.apply(lambda values: pd.to_numeric(values, errors="coerce") if values.name.endswith("months") else values)
    for table in (typed, bare.sample(frac=1, random_state=1), bare.iloc[:200], synthetic.drop(columns="patient")):
        if "patient" in table or table.attrs:
            assert is_synthetic(table)
    assert frequentist(bare.sample(frac=1, random_state=1)).header[1] == "synthetic, frequentist"
    assert not is_synthetic(bare.assign(patient="ours"))


def test_a_level_of_its_own_is_a_group_of_its_own(synthetic: pd.DataFrame) -> None:
    """Patients typed `not-applicable` are compared as a level, not counted among those with a clinical relapse."""
    typed = synthetic.assign(
        relapse_pattern=synthetic["relapse_pattern"].replace("", "not-applicable"),
        extramedullary=synthetic["extramedullary"].replace("", "no"),
    )
    columns = {
        "pomalidomide": typed["pomalidomide"] == "yes",
        "clinical": typed["relapse_pattern"] == "clinical",
        "not-applicable": typed["relapse_pattern"] == "not-applicable",
        "extramedullary": typed["extramedullary"] == "yes",
    }
    outcome = (typed["os_initial_months"].astype(float).to_numpy(), typed["os_event"].astype(float).to_numpy())
    model = cox(np.column_stack(list(columns.values())).astype(float), list(columns), *outcome)
    row = at(frequentist(typed), endpoint="os", quantity="hazard ratio", group="pomalidomide")
    assert row["frequentist"] == pytest.approx(math.exp(model.contrast([1.0, 0.0, 0.0, 0.0])[0]), rel=1e-8)


def test_other_spellings_are_told(synthetic: pd.DataFrame) -> None:
    """A cohort that spells its levels otherwise gets no hazard ratio, with the reason and the patients there are."""
    row = at(
        frequentist(synthetic.assign(extramedullary=synthetic["extramedullary"].map({"yes": "EMD", "no": "none", "": ""}))),
        endpoint="pfs2",
        quantity="hazard ratio",
        group="pomalidomide",
    )
    assert "Cox of 221 complete cases" in row["note"]
    assert "no analysed row has the reference level 'no'" in row["note"]


def test_a_group_nobody_has(synthetic: pd.DataFrame, published: Published, paired: Analysis) -> None:
    """Without transplanted patients the size is 0 and differs, median and p are empty; only the other group is fitted."""
    asked: list[str] = []

    def sampler(analysis: Analysis, cohort: Cohort) -> Fit:
        asked.append(analysis.title)
        return fits.laplace_fit(make_plan(analysis, cohort), cohort, size=400)

    without = synthetic[synthetic["salvage_asct"] == "no"].reset_index(drop=True)
    only = alone(published, group_comparison=published.group_comparison[1:2])
    table = build_table(Source(without, "without", False), only, paired, sampler)
    assert asked == ["OS from initial treatment, 1"]
    assert at(table, quantity="patients", group="yes")["frequentist"] == 0
    assert at(table, quantity="median", group="yes")["frequentist_text"] == "-"
    assert at(table, quantity="log-rank p")["frequentist_verdict"] == ""


def test_a_regimen_without_events_is_not_reached(synthetic: pd.DataFrame) -> None:
    """Where nobody of a regimen has the event, its median is not reached and its follow-up is that of everyone in it."""
    quiet = synthetic.copy()
    quiet.loc[quiet["regimen"] == "carfilzomib", ["pfs2_event", "os_event"]] = "0"
    table = frequentist(quiet)
    assert at(table, endpoint="pfs2", quantity="median", group="carfilzomib")["frequentist"] == math.inf
    assert at(table, quantity="median follow-up", group="carfilzomib")["frequentist"] > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.drop(columns="extramedullary"), "column 'extramedullary'"),
        (lambda data: data.drop(columns="os_initial_months"), "column 'os_initial_months'"),
        (lambda data: data.assign(pfs2_event="2"), "event must be 0 or 1"),
        (lambda data: data.assign(second_line_start="May 2019"), "row 1, column 'second_line_start' is 'May 2019'"),
        (lambda data: data.iloc[:0], "has no rows"),
    ],
)
def test_data_that_break_a_rule(synthetic: pd.DataFrame, change: Any, message: str) -> None:
    """A missing column or a wrong value is named, with the row and the remedy."""
    with pytest.raises(DataError, match=message):
        frequentist(change(synthetic))


def test_an_endpoint_without_columns(published: Published) -> None:
    """A publication's endpoint that no column stands for is refused with the endpoints there are."""
    other = parse_published(published.source.replace('endpoint = "pfs1"', 'endpoint = "ttnt"'))
    with pytest.raises(AnalysisError, match=r"endpoint 'ttnt' .* Valid: pfs1, pfs2, os"):
        published_table(published=other, bayesian=False)


def test_a_failed_fit_marks_the_table(synthetic: pd.DataFrame, published: Published, paired: Analysis) -> None:
    """Where chains disagree, the table says so above and below, and the row names the check."""

    def sampler(analysis: Analysis, cohort: Cohort) -> Fit:
        plan = make_plan(analysis, cohort)
        fit = fits.laplace_fit(plan, cohort, size=400)
        moved = np.repeat([0.0, 0.0, 0.0, 1.0], 100)[:, None]
        return fits.fit_with(plan, cohort, {**fit.draws, "log_hazard": fit.draws["log_hazard"] + moved})

    only = alone(published, overall=published.overall[:1])
    table = build_table(Source(synthetic, "rrmm1-synthetic", True), only, paired, sampler)
    assert table.mark.startswith("DIAGNOSTICS FAILED: ")
    assert str(table).startswith(table.mark)
    assert str(table).endswith(table.mark)
    assert table.mark.split(":")[0] in table._repr_html_()
    assert "r_hat" in at(table, quantity="median")["diagnostics"]


def test_the_text_and_the_page(table: PublishedTable) -> None:
    """Both show the three columns; no line is wider than a terminal of 124 columns."""
    text = str(table)
    assert max(map(len, text.splitlines())) <= 124
    titles = text.partition("The study")[0]
    assert all(title in titles for title in ("published", "synthetic,", "frequentist", "synthetic, Bayesian"))
    assert "numbers agree with the published ones" in text
    assert "synthetic, Bayesian" in table._repr_html_()


def test_sampled_through_the_door(published: Published) -> None:
    """`br.published_table` fits with the sampler: medians lie in Kaplan-Meier's intervals, each analysis is announced."""
    only = alone(published, overall=published.overall)
    announced: list[str] = []
    table = published_table(published=only, progress=announced.append)
    assert len(announced) == 3
    assert table.mark == ""
    medians = table.to_dataframe().query("quantity == 'median'")
    assert len(medians) == 3
    assert medians["bayesian"].between(medians["frequentist_lower"], medians["frequentist_upper"]).all()
    assert replace(table, rows=()).failed == ()
