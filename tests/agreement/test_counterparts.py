"""The counterparts beside the posterior: each is the number that its own function gives for the same rows."""

from __future__ import annotations

from collections.abc import Callable

import fits
import numpy as np
import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.agreement import compare_with_frequentist
from bayes_rrmm.errors import FitError
from bayes_rrmm.estimands import HazardRatio, Median, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import (
    baseline_test,
    cox,
    cox_baseline,
    firth_cox,
    kaplan_meier,
    log_rank,
    parametric,
    permutation_log_rank,
    schoenfeld_test,
    standardised_survival,
)

Compared = Callable[..., pd.DataFrame]
NUMBERS = ["frequentist", "freq_lower", "freq_upper"]


@pytest.fixture(scope="module")
def frame(two_groups: pd.DataFrame) -> pd.DataFrame:
    """The two groups with an age, and a third group of twelve patients with few events."""
    rng = np.random.default_rng(8)
    time = np.round(rng.exponential(20, 12) + 0.1, 2)
    small = pd.DataFrame({"time": time, "event": [1, 0] * 6, "group": "c", "sex": ["f", "m"] * 6})
    together = pd.concat([two_groups, small], ignore_index=True)
    return together.assign(age=np.round(rng.normal(60, 10, len(together)), 1))


@pytest.fixture(scope="module")
def design(frame: pd.DataFrame) -> np.ndarray:
    columns = [frame["group"] == "b", frame["group"] == "c", frame["sex"] == "m", frame["age"]]
    return np.column_stack(columns).astype(float)


NAMES = ["b", "c", "m", "age"]


@pytest.fixture(scope="module")
def fit(frame: pd.DataFrame) -> Fit:
    cohort, plan = fits.cohort_and_plan(frame, "group + sex + age", rest="[variables.age]\nper = 10\n")
    return fits.laplace_fit(plan, cohort)


def of(table: pd.DataFrame, method: str, **labels: object) -> pd.DataFrame:
    chosen = table[table["method"] == method]
    for name, value in labels.items():
        chosen = chosen[chosen[name] == value]
    return chosen


def ratio(answer: tuple[float, ...]) -> np.ndarray:
    return np.exp([answer[0], answer[2], answer[3]])


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_adjusted_and_unadjusted_cox(
    ties: str, fit: Fit, frame: pd.DataFrame, design: np.ndarray, all_compared: Compared
) -> None:
    """A hazard ratio has Cox with all the model's covariates and Cox of its own variable alone, under the ties asked for."""
    table = of(all_compared(fit, HazardRatio("group", pairs="all"), HazardRatio("age"), ties=ties), "Cox")
    full = cox(design, NAMES, frame["time"], frame["event"], ties=ties)
    alone = cox(design[:, :2], NAMES[:2], frame["time"], frame["event"], ties=ties)
    weights = {("b", "a"): [1, 0], ("c", "a"): [0, 1], ("c", "b"): [-1, 1]}
    for (group, versus), vector in weights.items():
        pair = table[(table["group"] == group) & (table["versus"] == versus)].set_index("adjusted")
        np.testing.assert_allclose(pair.loc[True, NUMBERS].astype(float), ratio(full.contrast([*vector, 0, 0])), rtol=1e-7)
        np.testing.assert_allclose(pair.loc[False, NUMBERS].astype(float), ratio(alone.contrast(vector)), rtol=1e-7)
    age = table[table["term"] == "age"].set_index("adjusted")
    single = cox(design[:, 3:], ["age"], frame["time"], frame["event"], ties=ties)
    np.testing.assert_allclose(age.loc[True, NUMBERS].astype(float), ratio(full.contrast([0, 0, 0, 10])), rtol=1e-7)
    np.testing.assert_allclose(age.loc[False, NUMBERS].astype(float), ratio(single.contrast([10])), rtol=1e-7)
    assert table["convention"].str.startswith(f"{ties.capitalize()} ties, Wald interval").all()


def test_firth_stands_beside_few_events(fit: Fit, frame: pd.DataFrame, design: np.ndarray, all_compared: Compared) -> None:
    """Firth's Cox has a row for every comparison with a group of few events and no other, with its profile limits and p."""
    table = of(all_compared(fit, HazardRatio("group", pairs="all"), HazardRatio("sex")), "Firth Cox")
    assert list(zip(table["group"], table["versus"], strict=True)) == [("c", "a"), ("c", "b")]
    model = firth_cox(design, NAMES, frame["time"], frame["event"], ties="efron")
    for (_, row), vector in zip(table.iterrows(), ([0, 1, 0, 0], [-1, 1, 0, 0]), strict=True):
        found = model.contrast(vector)
        np.testing.assert_allclose(row[NUMBERS].astype(float), np.exp([found.estimate, found.lower, found.upper]), rtol=1e-6)
        assert f"likelihood-ratio p {found.p:.3g}" in row["convention"]
    assert table["adjusted"].all()


@pytest.mark.parametrize("population", ["cohort", "average", "women"])
def test_standardised_cox(population: str, frame: pd.DataFrame, design: np.ndarray, all_compared: Compared) -> None:
    """Curves stand beside Cox survival of the same population with the group set for everyone, and contrasts of two of them."""
    cohort, plan = fits.cohort_and_plan(frame, "group + sex + age", rest='[populations.women]\nsex = ["f"]')
    fit = fits.laplace_fit(plan, cohort, size=400)
    asked = {"by": "group", "population": population}
    contrast = {**asked, "contrast": "difference"}
    questions = (Survival(at=12, **asked), Rmst(upto=36, **asked), Median(**asked))
    contrasts = (Survival(at=12, **contrast), Rmst(upto=36, **contrast))
    table = of(all_compared(fit, *questions, *contrasts), "Cox, standardised")
    model = cox(design, NAMES, frame["time"], frame["event"])
    baseline = cox_baseline(model, design, frame["time"], frame["event"])
    who = design[(frame["sex"] == "f").to_numpy()] if population == "women" else design
    who = design.mean(axis=0)[None, :] if population == "average" else who
    curves = {}
    for level, dummies in {"a": (0, 0), "b": (1, 0), "c": (0, 1)}.items():
        given = who.copy()
        given[:, :2] = dummies
        curves[level] = standardised_survival(model, baseline, given)
    for level, curve in curves.items():
        found = of(table, "Cox, standardised", group=level, contrast="none").set_index("estimand")[NUMBERS].astype(float)
        np.testing.assert_allclose(found.loc["survival"], curve.survival_at(12.0), rtol=1e-7)
        np.testing.assert_allclose(found.loc["median"], curve.median(), rtol=1e-7)
        assert found.loc["rmst", "frequentist"] == pytest.approx(curve.rmst(36.0)[0], rel=1e-7)
        if level == "a":
            continue
        found = of(table, "Cox, standardised", group=level, contrast="difference").set_index("estimand")[NUMBERS].astype(float)
        for kind, answer in (
            ("survival", curve.difference_at(12.0, curves["a"])),
            ("rmst", curve.rmst_difference(36.0, curves["a"])),
        ):
            np.testing.assert_allclose(found.loc[kind], [answer[0], answer[2], answer[3]], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("family", "model"),
    [("exponential", "exponential"), ("weibull", "weibull"), ("piecewise", "piecewise-exponential")],
)
def test_maximum_likelihood_of_the_same_model(
    family: str, model: str, frame: pd.DataFrame, design: np.ndarray, all_compared: Compared
) -> None:
    """Hazard ratios with Wald limits, and every curve at the maximum itself, with limits that follow its covariance."""
    cuts = [6, 18] if family == "piecewise" else []
    text = f'baseline = "{model}"\n' + (f"cuts = {cuts}\n" if cuts else "")
    cohort, plan = fits.cohort_and_plan(frame, "group + sex + age", model=text)
    fit = fits.prior_fit(plan, cohort, size=400)
    short = f"{'Weibull' if family == 'weibull' else family} ML"
    table = of(all_compared(fit, HazardRatio("group"), Survival(at=12, population="average"), Median(population="average")), short)
    known = parametric(family, design, NAMES, frame["time"], frame["event"], cuts=cuts)
    for (_, row), vector in zip(table.iloc[:2].iterrows(), np.eye(4)[:2], strict=True):
        np.testing.assert_allclose(row[NUMBERS].astype(float), ratio(known.contrast(vector)), rtol=1e-6)
    survival, median = table.iloc[2], table.iloc[3]
    assert survival["frequentist"] == pytest.approx(np.exp(-known.hazard.cumulative_hazard(np.array([12.0]))).item(), rel=1e-7)
    assert median["frequentist"] == pytest.approx(float(known.hazard.inverse_cumulative_hazard(np.log([2.0]))[0]), rel=1e-6)
    # The log median, or log(-log S(12)), of an exponential model has the standard error of its log rate.
    if family == "exponential":
        se = known.parameter("log_rate")[1]
        for row, scale in ((survival, lambda s: np.log(-np.log(s))), (median, np.log)):
            width = abs(scale(row["freq_upper"]) - scale(row["freq_lower"]))
            assert width == pytest.approx(2 * 1.959964 * se, rel=0.01)


def test_tests_stand_at_the_end(fit: Fit, frame: pd.DataFrame, design: np.ndarray) -> None:
    """Log-rank, permutation and stratified log-rank, Schoenfeld and baseline tests have the p values of their own functions."""
    table = compare_with_frequentist(fit, read=[]).table
    p = {(row.estimand, row.term, row.method.split(",")[0]): row.frequentist for row in table.itertuples()}
    time, event, group, sex = frame["time"], frame["event"], frame["group"], frame["sex"]
    assert p["log-rank", "group", "log-rank"] == pytest.approx(log_rank(time, event, group).p, rel=1e-9)
    assert p["log-rank", "group", "stratified log-rank"] == pytest.approx(log_rank(time, event, group, strata=sex).p, rel=1e-9)
    permuted = permutation_log_rank(time, event, group)
    assert p["log-rank", "group", "permutation log-rank"] == permuted.p
    assert ("log-rank", "sex", "permutation log-rank") not in p  # both sexes have many events
    terms = {"group": ["b", "c"], "sex": ["m"], "age": ["age"]}
    tested = schoenfeld_test(design, NAMES, time, event, terms=terms)
    for test in (*tested.by_term, tested.overall):
        name = "" if test is tested.overall else test.name
        assert p["proportional-hazards", name, "Schoenfeld"] == pytest.approx(test.p, rel=1e-6)
    fitted = baseline_test("weibull", design, NAMES, time, event)
    assert p["baseline-fit", "", "likelihood ratio"] == pytest.approx(fitted.p, rel=1e-5)
    assert table["verdict"].eq("not-comparable").all()


def test_a_permutation_that_is_not_valid_says_so(frame: pd.DataFrame) -> None:
    """Where one group is followed for less long, the permutation p is marked, with the reason."""
    shorter = frame.assign(
        event=np.where((frame["group"] == "c") & (frame["time"] > 3), 0, frame["event"]),
        time=np.where(frame["group"] == "c", frame["time"].clip(upper=3.0), frame["time"]),
    )
    shorter.loc[shorter["group"] == "a", "event"] = np.where(np.arange(40) % 2, 1, 0)
    cohort, plan = fits.cohort_and_plan(shorter, "group")
    table = compare_with_frequentist(fits.prior_fit(plan, cohort, size=400), read=[]).table
    row = table[table["method"].str.startswith("permutation")].iloc[0]
    assert "NOT VALID" in row["method"]
    assert "censoring differs between the groups" in row["convention"]


def test_the_convention_of_kaplan_meier(fit: Fit, frame: pd.DataFrame, all_compared: Compared) -> None:
    """`interval = "log"` gives R's default limits, and the table's own conventions name what was used."""
    rows = frame[frame["group"] == "a"]
    table = of(all_compared(fit, Survival(at=12, by="group"), interval="log"), "Kaplan-Meier", group="a")
    expected = kaplan_meier(rows["time"], rows["event"], interval="log").survival_at(12.0)
    np.testing.assert_allclose(table[NUMBERS].iloc[0].astype(float), expected, rtol=1e-12)
    agreement = compare_with_frequentist(fit, read=[], interval="log", ties="breslow")
    assert "Breslow ties" in agreement.conventions[0]
    assert "log intervals" in agreement.conventions[1]
    for wrong in ({"ties": "exact"}, {"interval": "plain"}):
        with pytest.raises(FitError, match="is unknown"):
            compare_with_frequentist(fit, read=[], **wrong)


def test_subgroups_stand_beside_cox_of_the_subgroup(frame: pd.DataFrame, all_compared: Compared) -> None:
    """The unadjusted counterpart of a hazard ratio in a subgroup is Cox of that subgroup's rows alone."""
    two = frame[frame["group"] != "c"]
    cohort, plan = fits.cohort_and_plan(two, "group * sex")
    table = of(all_compared(fits.laplace_fit(plan, cohort, size=400), HazardRatio("group", by="sex")), "Cox", adjusted=False)
    assert table["subgroup"].tolist() == ["sex=f", "sex=m"]
    for sex, (_, row) in zip("fm", table.iterrows(), strict=True):
        rows = two[two["sex"] == sex]
        own = cox((rows["group"] == "b").to_numpy(float)[:, None], ["b"], rows["time"], rows["event"])
        np.testing.assert_allclose(row[NUMBERS].astype(float), ratio(own.contrast([1.0])), rtol=1e-7)
        assert row["rows_freq"] == len(rows)


def test_a_group_without_patients_in_the_subgroup(frame: pd.DataFrame, all_compared: Compared) -> None:
    """Where a subgroup lacks a group there is no unadjusted hazard ratio in it, and the reason says so."""
    lacking = frame.assign(site=np.where(np.arange(len(frame)) % 3, "x", "y"))
    lacking.loc[(lacking["group"] == "c"), "site"] = "x"
    cohort, plan = fits.cohort_and_plan(lacking, "group + site")
    fit = fits.laplace_fit(plan, cohort, size=400)
    table = of(all_compared(fit, HazardRatio("group", by="site")), "Cox", adjusted=False)
    row = table[(table["group"] == "c") & (table["subgroup"] == "site=y")].iloc[0]
    assert "empty-group" in row["reason_code"].split(";")
    assert np.isnan(row["frequentist"])
    assert table["frequentist"].notna().sum() == 3


def test_the_real_data_without_events_in_three_groups() -> None:
    """On myeloma_gep_zero, as on any data: each number finite or `not reached`, each refusal with its reason, nothing large."""
    frame = pd.read_csv(fits.REFERENCE_DATA / "myeloma_gep_zero.csv")
    analysis = br.load_analysis("myeloma_gep_weibull")
    cohort = br.read_cohort(frame, analysis)
    plan = fits.make_plan(analysis, cohort)
    group = plan.encoding.groups[0]
    empty = [level for level, events in zip(group.levels, group.events, strict=True) if not events]
    assert len(empty) >= 2
    table = compare_with_frequentist(fits.laplace_fit(plan, cohort)).table
    compared = table[table["unit"] != "p"]
    assert np.isfinite(compared.loc[compared["estimand"] != "median", "bayes"]).all()
    refused = compared["frequentist"].isna()
    assert compared.loc[refused, "verdict"].eq("not-comparable").all()
    assert compared.loc[refused, "reason_code"].str.contains("monotone-likelihood|beyond-follow-up").all()
    ratios = compared[compared["estimand"] == "hazard-ratio"]
    touches = ratios["group"].isin(empty) | ratios["versus"].isin(empty)
    assert ratios.loc[touches & (ratios["method"] != "Firth Cox"), "frequentist"].isna().all()
    firth = ratios[ratios["method"] == "Firth Cox"]
    assert len(firth) == ratios["group"].nunique()
    assert np.isfinite(firth[NUMBERS]).to_numpy().all()
    assert compared.loc[touches[touches].index.intersection(ratios[ratios["method"] == "Cox"].index), "reason"].str.contains(
        "no event in"
    ).all()
    shown = compared[NUMBERS].to_numpy()
    assert (shown[np.isfinite(shown)] < 100).all()
    assert (table["reason_code"] != "").all() or compared.loc[compared["reason_code"] == "", "verdict"].eq("agree").all()
