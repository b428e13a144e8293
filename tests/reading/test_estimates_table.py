"""estimates.csv: the contract's columns, a row an estimand, label and threshold, each quantity under a name of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bayes_rrmm.estimands import HazardRatio, Median, Rank, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import default_estimands, estimate, estimate_all, estimates_table
from bayes_rrmm.reading.table import labelled_draws

CONTRACT = (
    "estimand,endpoint,term,group,versus,contrast,subgroup,population,at,given,threshold,unit,median,mean,sd,lower,upper,"
    "interval,prob,p_below,p_above,p_not_reached,extrapolated,passed"
)
QUESTIONS = (
    HazardRatio("group", threshold=[1.0, 0.8]),
    HazardRatio("group", "c", versus="b"),
    HazardRatio("group", pairs="all"),
    HazardRatio("age"),
    Survival(at=(12, 24), by="group"),
    Survival(at=24, given=12, by="group"),
    Survival(at=24, by="group", population="women"),
    Survival(at=24),
    Median(by="group"),
    Median(by="group", horizon=24),
    Median(by="group", horizon=float("inf"), contrast="ratio"),
    Rmst(upto=24, by="group"),
    Rmst(upto=24, by="sex"),
    Rmst(upto=24, by="group", population="average"),
    Rmst(upto=24, by="group", contrast="difference"),
    Rmst(upto=24, by="group", contrast="difference", versus="b"),
    Rank(of="group"),
    Rank(of="group", upto=24),
)


@pytest.fixture(scope="module")
def read(mixed_fits: dict[str, Fit]) -> list:
    return [(question, estimate(mixed_fits["weibull"], question)) for question in QUESTIONS]


def test_the_columns_are_the_contract(read: list) -> None:
    """The table has exactly the contract's columns, in its order."""
    assert ",".join(estimates_table(read).columns) == CONTRACT


def test_thresholds_make_rows(read: list, mixed_fit: Fit) -> None:
    """Each threshold of a hazard ratio has a row of its own, alike but for the threshold and the probabilities."""
    table = estimates_table(read[:1])
    assert table[["group", "threshold"]].to_numpy().tolist() == [["b", 1.0], ["b", 0.8], ["c", 1.0], ["c", 0.8]]
    draws = read[0][1].draws.sel(comparison="b / a").to_numpy()
    assert table["p_below"].tolist()[:2] == [np.mean(draws < 1.0), np.mean(draws < 0.8)]
    assert table["median"].nunique() == 2
    unusual = HazardRatio("group", "b", threshold=0.8)
    rows = estimates_table([(unusual, estimate(mixed_fit, unusual))])
    assert rows["threshold"].tolist() == [1.0, 0.8], "the value of no effect is always among them"


def test_rows_say_what_they_are(read: list) -> None:
    """Group, versus, contrast, times and conditions stand in their columns."""
    table = estimates_table(read)
    named = ["term", "group", "versus", "contrast", "unit", "population"]
    ratio = table[table["estimand"] == "hazard-ratio"].iloc[4]
    assert ratio[named].tolist() == ["group", "c", "b", "ratio", "ratio", "conditional"]
    conditional = table[table["given"].notna()]
    assert conditional[["group", "at", "given"]].to_numpy().tolist() == [[group, 24.0, 12.0] for group in "abc"]
    difference = table[(table["estimand"] == "rmst") & (table["contrast"] == "difference") & (table["versus"] == "b")]
    assert difference["group"].tolist() == ["a", "c"]
    assert (difference["at"] == 24.0).all()
    assert difference["unit"].eq("months").all()
    overall = table[(table["estimand"] == "survival") & (table["term"] == "")]
    assert overall[["group", "at"]].to_numpy().tolist() == [["", 24.0]]
    medians = table[table["estimand"] == "median"]
    assert medians[medians["contrast"] == "none"]["at"].fillna(-1).tolist() == [-1] * 3 + [24] * 3


def test_ranks_have_their_probabilities_beside_them(read: list) -> None:
    """Under each group's rank stand P(best), P(worst) and SUCRA as probabilities, without an interval."""
    table = estimates_table(read[-2:-1])
    assert table["estimand"].tolist() == ["rank", "probability-best", "probability-worst", "sucra"] * 3
    measures = table[table["estimand"] != "rank"]
    assert measures["unit"].eq("probability").all()
    assert measures[["lower", "upper", "interval"]].isna().to_numpy().all()
    assert measures[measures["estimand"] == "probability-best"]["mean"].sum() == pytest.approx(1.0)
    assert measures[measures["estimand"] == "probability-worst"]["mean"].sum() == pytest.approx(1.0)


def test_every_quantity_has_its_own_name(read: list) -> None:
    """Within an analysis no two different quantities share a name, by which the diagnostics gate knows them."""
    draws: dict[str, np.ndarray] = {}
    for estimand, estimates in read:
        for name, _, values in labelled_draws(estimand, estimates):
            if name in draws:
                np.testing.assert_array_equal(draws[name], values)
            draws[name] = values
    assert {"hazard-ratio[group, b, versus a]", "survival[group, c, 24.0, given=12]", "rmst[sex, m, upto=24]"} <= draws.keys()


def test_passed_is_looked_up_by_name(read: list) -> None:
    """`passed` of each row, ranks' probabilities included, is that of its quantity."""
    names = [name for estimand, estimates in read for name, _, _ in labelled_draws(estimand, estimates)]
    bad = "rank[group, b]"
    assert bad in names
    table = estimates_table(read, {name: name != bad for name in names})
    failed = table[~table["passed"].astype(bool)]
    assert failed["estimand"].tolist() == ["rank", "probability-best", "probability-worst", "sucra"]
    assert failed["group"].eq("b").all()
    assert estimates_table(read)["passed"].all()


def test_what_is_read_when_nothing_is_asked(fit_of: Callable[..., Fit]) -> None:
    """Without estimands: every hazard ratio there is, and median and RMST by group up to the shortest follow-up."""
    fit = fit_of("group + sex + log(age)")
    ends = {name: min(fit.plan.encoding.group(name).last_follow_up) for name in ("group", "sex")}
    assert default_estimands(fit.plan) == (
        HazardRatio("group"),
        HazardRatio("sex"),
        Median(by="group"),
        Rmst(upto=ends["group"], by="group"),
        Median(by="sex"),
        Rmst(upto=ends["sex"], by="sex"),
    )
    assert default_estimands(fit_of("1").plan) == (Median(),)
    interacting = default_estimands(fit_of("group*sex").plan)
    assert [question.of for question in interacting if isinstance(question, HazardRatio)] == ["group:sex"]


def test_the_analysis_decides_what_is_read(fit_of: Callable[..., Fit]) -> None:
    """The estimands of the analysis are read in their order, and no others."""
    asked = '[[estimands]]\nkind = "rmst"\nupto = 24\nby = "sex"\n[[estimands]]\nkind = "hazard-ratio"\nof = "group"'
    read = estimate_all(fit_of("group + sex", rest=asked))
    assert [estimand for estimand, _ in read] == [Rmst(upto=24, by="sex"), HazardRatio("group")]
