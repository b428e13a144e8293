"""crosscheck.csv: the contract's columns, and frequentist numbers that are those of lifelines and of our own functions."""

from __future__ import annotations

import dataclasses
import math

import fits
import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import restricted_mean_survival_time

from bayes_rrmm.agreement import Agreement, compare_with_frequentist, main_rows
from bayes_rrmm.cohort import build_cohort
from bayes_rrmm.errors import FitError, RunFolderError
from bayes_rrmm.estimands import HazardRatio, Median, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import kaplan_meier
from bayes_rrmm.reading import estimate, estimates_table

CONTRACT = (
    "estimand,endpoint,term,group,versus,contrast,subgroup,population,adjusted,at,given,unit,bayes,bayes_lower,bayes_upper,"
    "frequentist,freq_lower,freq_upper,method,convention,rows_bayes,rows_freq,difference_in_se,width_ratio,verdict,reason_code,reason"
)
QUANTITIES = ("hazard-ratio", "survival", "median", "rmst")
QUESTIONS = (
    HazardRatio("group"),
    HazardRatio("sex"),
    Survival(at=(6, 24), by="group"),
    Median(by="group"),
    Rmst(upto=36, by="group"),
    Rmst(upto=36, by="group", contrast="difference"),
)


@pytest.fixture(scope="module")
def fit(two_groups: pd.DataFrame) -> Fit:
    cohort, plan = fits.cohort_and_plan(two_groups, "group + sex")
    return fits.laplace_fit(plan, cohort)


@pytest.fixture(scope="module")
def agreement(fit: Fit) -> Agreement:
    return compare_with_frequentist(fit, read=[(question, estimate(fit, question)) for question in QUESTIONS])


@pytest.fixture(scope="module")
def table(agreement: Agreement) -> pd.DataFrame:
    return agreement.table


def test_the_columns_are_the_contract(agreement: Agreement) -> None:
    """The table has exactly the contract's columns, in its order, also as a data frame of its own."""
    assert ",".join(agreement.table.columns) == CONTRACT
    assert agreement.to_dataframe() is agreement.table


def test_the_bayesian_side_is_the_posterior(fit: Fit, table: pd.DataFrame) -> None:
    """Posterior median and interval of each quantity stand beside its counterpart."""
    summary = estimate(fit, QUESTIONS[2]).to_dataframe()
    rows = main_rows(table)
    rows = rows[rows["estimand"] == "survival"]
    np.testing.assert_array_equal(rows[["bayes", "bayes_lower", "bayes_upper"]], summary[["median", "lower", "upper"]])


def test_rows_are_found_by_the_same_labels_as_estimates(fit: Fit) -> None:
    """Term, group, versus, contrast, population, time and condition are those of estimates.csv, so that the two can be joined."""
    questions = (*QUESTIONS, Median(by="group", horizon=30), Survival(at=24, given=6, by="group"))
    read = [(question, estimate(fit, question)) for question in questions]
    keys = ["estimand", "endpoint", "term", "group", "versus", "contrast", "subgroup", "population", "at", "given", "unit"]
    compared = main_rows(compare_with_frequentist(fit, read=read).table)
    compared = compared[compared["estimand"].isin(QUANTITIES)][keys].reset_index(drop=True)
    pd.testing.assert_frame_equal(compared, estimates_table(read)[keys], check_dtype=False)


def test_hazard_ratios_are_lifelines(table: pd.DataFrame, two_groups: pd.DataFrame) -> None:
    """Cox's hazard ratios and limits equal lifelines' with the same covariates (Efron ties)."""
    frame = two_groups.assign(group=(two_groups["group"] == "b") * 1.0, sex=(two_groups["sex"] == "m") * 1.0)
    with np.errstate():
        fitter = CoxPHFitter().fit(frame, "time", "event")
    ours = main_rows(table[table["estimand"] == "hazard-ratio"]).set_index("term")
    for name in ("group", "sex"):
        assert ours.loc[name, "frequentist"] == pytest.approx(fitter.hazard_ratios_[name], rel=1e-5)
        limits = np.exp(fitter.confidence_intervals_.loc[name].to_numpy())
        np.testing.assert_allclose(ours.loc[name, ["freq_lower", "freq_upper"]].to_numpy(dtype=float), limits, rtol=1e-5)
    assert ours["method"].eq("Cox").all()
    assert ours["convention"].eq("Efron ties, Wald interval").all()


@pytest.mark.parametrize("group", ["a", "b"])
def test_curves_are_lifelines(group: str, table: pd.DataFrame, two_groups: pd.DataFrame) -> None:
    """Survival with its log-log limits, and the area under the curve, equal lifelines' Kaplan-Meier of the group."""
    rows = two_groups[two_groups["group"] == group]
    with np.errstate():
        fitter = KaplanMeierFitter().fit(rows["time"], rows["event"])
    ours = table[(table["group"] == group) & (table["contrast"] == "none") & (table["method"] == "Kaplan-Meier")]
    for at in (6.0, 24.0):
        row = ours[(ours["estimand"] == "survival") & (ours["at"] == at)].iloc[0]
        assert row["frequentist"] == pytest.approx(fitter.predict(at), rel=1e-12)
        limits = fitter.confidence_interval_survival_function_
        expected = limits[limits.index <= at].iloc[-1].to_numpy()
        np.testing.assert_allclose(row[["freq_lower", "freq_upper"]].to_numpy(dtype=float), expected, rtol=1e-12)
    area = restricted_mean_survival_time(fitter, t=36.0)
    assert ours[ours["estimand"] == "rmst"]["frequentist"].item() == pytest.approx(area, rel=1e-9)


def test_curves_are_our_own_functions(table: pd.DataFrame, two_groups: pd.DataFrame) -> None:
    """Medians, RMST and their differences equal our Kaplan-Meier called directly, with normal limits for RMST."""
    curves = {
        group: kaplan_meier(rows["time"].to_numpy(), rows["event"].to_numpy()) for group, rows in two_groups.groupby("group")
    }
    columns = ["frequentist", "freq_lower", "freq_upper"]
    table = table[table["method"] == "Kaplan-Meier"]
    for group, curve in curves.items():
        median = table[(table["estimand"] == "median") & (table["group"] == group)]
        np.testing.assert_array_equal(median[columns].to_numpy(dtype=float)[0], curve.median())
    (mean_a, se_a), (mean_b, se_b) = (curves[group].rmst(36.0) for group in "ab")
    difference = table[(table["estimand"] == "rmst") & (table["contrast"] == "difference")].iloc[0]
    half = 1.959963984540054 * math.hypot(se_a, se_b)
    expected = [mean_b - mean_a, mean_b - mean_a - half, mean_b - mean_a + half]
    np.testing.assert_allclose(difference[columns].to_numpy(dtype=float), expected, rtol=1e-12)
    assert (difference["group"], difference["versus"]) == ("b", "a")


def test_the_log_rank_test_is_lifelines(table: pd.DataFrame, two_groups: pd.DataFrame) -> None:
    """Every group variable has its log-rank p, equal to lifelines'."""
    tests = table[(table["estimand"] == "log-rank") & ~table["adjusted"]].set_index("term")
    assert tests.index.tolist() == ["group", "sex"]
    for name in tests.index:
        with np.errstate():
            theirs = multivariate_logrank_test(two_groups["time"], two_groups[name], two_groups["event"])
        assert tests.loc[name, "frequentist"] == pytest.approx(theirs.p_value, rel=1e-6)
        assert f"chi-square {theirs.test_statistic:.3f} on 1 df" in tests.loc[name, "method"]


def test_weights_and_entry_reach_both_sides(two_groups: pd.DataFrame) -> None:
    """With frequency weights and delayed entry the counterparts are computed from the same weighted, truncated rows."""
    rng = np.random.default_rng(5)
    frame = two_groups.assign(start=np.where(rng.uniform(size=80) < 0.3, 0.05, 0.0), count=rng.integers(1, 4, 80))
    cohort, plan = fits.cohort_and_plan(frame, "group", endpoint='entry = "start"\nweight = "count"')
    fit = fits.laplace_fit(plan, cohort)
    question = Survival(at=12, by="group")
    table = compare_with_frequentist(fit, read=[(question, estimate(fit, question))]).table
    for group in "ab":
        rows = frame[frame["group"] == group]
        curve = kaplan_meier(*(rows[name].to_numpy() for name in ("time", "event", "start", "count")))
        assert main_rows(table).set_index("group").loc[group, "frequentist"] == curve.survival_at(12.0)[0]
    repeated = frame.loc[np.repeat(frame.index, frame["count"])]
    model = CoxPHFitter().fit(
        repeated.assign(b=(repeated["group"] == "b") * 1.0)[["time", "event", "start", "b"]], "time", "event", entry_col="start"
    )
    ratio = compare_with_frequentist(fit, read=[(QUESTIONS[0], estimate(fit, QUESTIONS[0]))]).table.iloc[0]
    assert ratio["frequentist"] == pytest.approx(model.hazard_ratios_["b"], rel=1e-5)


def test_the_intervals_have_the_analysis_probability(fit: Fit, table: pd.DataFrame, two_groups: pd.DataFrame) -> None:
    """An analysis with 80 % intervals is compared with 80 % intervals on the other side, and the verdict is the same."""
    cohort, plan = fits.cohort_and_plan(two_groups, "group + sex", rest="[sampling]\ninterval = { prob = 0.8 }")
    narrow_fit = fits.fit_with(plan, cohort, dict(fit.draws))
    narrow = compare_with_frequentist(narrow_fit, read=[(q, estimate(narrow_fit, q)) for q in QUESTIONS]).table
    widths = [math.log(side["freq_upper"][0] / side["freq_lower"][0]) for side in (table, narrow)]
    assert widths[1] == pytest.approx(widths[0] * 1.2815515655 / 1.9599639845, rel=1e-6)
    assert narrow["difference_in_se"][0] == pytest.approx(table["difference_in_se"][0], rel=1e-6)
    rows = two_groups[two_groups["group"] == "a"]
    curve = kaplan_meier(rows["time"].to_numpy(), rows["event"].to_numpy(), prob=0.8)
    survival = narrow[(narrow["group"] == "a") & (narrow["at"] == 6) & (narrow["method"] == "Kaplan-Meier")].iloc[0]
    assert (survival["freq_lower"], survival["freq_upper"]) == curve.survival_at(6.0)[1:]


def test_another_cohort_is_refused(fit: Fit, two_groups: pd.DataFrame) -> None:
    """A cross-check with other rows than the fit's is refused, also where the fit was saved without its rows."""
    other = build_cohort(two_groups.assign(time=two_groups["time"] + 1), fit.analysis)
    for known in (fit, dataclasses.replace(fit, cohort=None)):
        with pytest.raises(RunFolderError, match="not the one the fit was made from; a cross-check needs the same rows"):
            compare_with_frequentist(known, other)


def test_rows_may_be_given_back(fit: Fit, two_groups: pd.DataFrame) -> None:
    """A fit saved without rows says that it needs them, and given the same rows its table is the same."""
    bare = dataclasses.replace(fit, cohort=None)
    with pytest.raises(FitError, match="a cross-check needs the analysed rows"):
        compare_with_frequentist(bare)
    again = build_cohort(two_groups, fit.analysis)
    pd.testing.assert_frame_equal(compare_with_frequentist(bare, again).table, compare_with_frequentist(fit).table)


def test_printed_and_in_a_notebook(agreement: Agreement) -> None:
    """As text every row stands under its heading with verdict and conventions; a notebook shows the whole table."""
    text = str(agreement)
    headings = ("Hazard ratio by group", "Survival by group", "RMST difference (months) to 36", "Proportional hazards: tests")
    for piece in (*headings, "b / a", "Cox: Efron ties", "Comparisons: "):
        assert piece in text
    shown = agreement._repr_html_()
    assert shown.count("<tr") == len(agreement.table) + 1
    assert "Kaplan-Meier: log-log intervals" in shown


def test_a_failed_fit_marks_its_table_wherever_it_is_shown(two_group_fit: Fit) -> None:
    """Printed and in a notebook, the table of a fit whose diagnostics failed says so; that of another does not."""
    failed = dataclasses.replace(two_group_fit, provenance={**two_group_fit.provenance, "gate": {"failed": ["r_hat of log_shape"]}})
    for shown in (str, lambda agreement: agreement._repr_html_()):
        assert "DIAGNOSTICS FAILED: r_hat of log_shape" in shown(compare_with_frequentist(failed))
        assert "DIAGNOSTICS FAILED" not in shown(compare_with_frequentist(two_group_fit))
