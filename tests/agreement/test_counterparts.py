"""The counterparts beside the posterior: each is the number that its own function gives for the same rows."""

from __future__ import annotations

from collections.abc import Callable

import fits
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import bayes_rrmm as br
from bayes_rrmm.agreement import compare_with_frequentist
from bayes_rrmm.agreement.counterparts import FAMILY, Counterparts
from bayes_rrmm.agreement.without_prior import METHODS, WithoutPrior
from bayes_rrmm.densities import log_likelihood
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
    median_follow_up,
    parametric,
    permutation_log_rank,
    schoenfeld_test,
    standardised_survival,
)
from bayes_rrmm.parameters import log_prior

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
    cohort, plan = fits.cohort_and_plan(two, "group * sex + age")
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
    cohort, plan = fits.cohort_and_plan(lacking, "group + site + age")
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
    compared = table[table["estimand"].isin(["hazard-ratio", "survival", "median", "rmst"])]
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


def test_a_level_without_events_takes_no_curve_from_the_others(frame: pd.DataFrame, all_compared: Compared) -> None:
    """With no event in one group the curves of the others are those of the likelihood's limit: of the rows without that group."""
    silent = frame.assign(event=np.where(frame["group"] == "c", 0, frame["event"]))
    for reference in "ac":
        levels = ["a", "b", "c"] if reference == "a" else ["c", "a", "b"]
        rest = f"[variables.group]\nlevels = {levels}\nreference = '{reference}'"
        cohort, plan = fits.cohort_and_plan(silent, "group + sex", rest=rest)
        fit = fits.prior_fit(plan, cohort, size=400)
        table = all_compared(fit, Survival(at=12, by="group"), Survival(at=12), Rmst(upto=30, by="group"))
        kept = silent[silent["group"] != "c"]
        design = np.column_stack([kept["group"] == "b", kept["sex"] == "m"]).astype(float)
        model = cox(design, ["b", "m"], kept["time"], kept["event"])
        baseline = cox_baseline(model, design, kept["time"], kept["event"])
        for level, dummy in (("a", 0.0), ("b", 1.0)):
            who = np.column_stack([np.full(len(silent), dummy), silent["sex"] == "m"]).astype(float)
            curve = standardised_survival(model, baseline, who)
            found = of(table, "Cox, standardised", group=level, estimand="survival")[NUMBERS].iloc[0].astype(float)
            np.testing.assert_allclose(found, curve.survival_at(12.0), rtol=1e-6)
            known = parametric("weibull", design, ["b", "m"], kept["time"], kept["event"], centre=[0, 0])
            rates = known.baseline[0] + who @ np.append(known.coefficients[:1], known.coefficients[1:])
            expected = np.mean(np.exp(-np.exp(rates) * 12 ** np.exp(known.baseline[1])))
            likely = of(table, "Weibull ML", group=level, estimand="survival")["frequentist"].item()
            assert likely == pytest.approx(expected, rel=1e-5)
        none = of(table, "Cox, standardised", group="c")
        assert none["reason_code"].str.contains("degenerate-interval").all()
        np.testing.assert_allclose(none["frequentist"], [1.0, 30.0], rtol=1e-9)
        everyone = of(table, "Cox, standardised", group="").iloc[0]
        assert everyone["verdict"] != "not-comparable"
        assert "unexplained" not in table["reason_code"].iloc[0]


@pytest.mark.parametrize("baseline", ["weibull", "exponential", "piecewise-exponential"])
def test_pooled_groups_have_maximum_likelihood(baseline: str, frame: pd.DataFrame, all_compared: Compared) -> None:
    """Pooled groups enter maximum likelihood as dummies. Likelihood times prior, their spread known, has its mean at the mode of
    that posterior, found by an optimiser: every patient counts 200 times, so that all is normal."""
    model = f'baseline = "{baseline}"\neffects = {{ group = "pooled" }}' + ("\ncuts = [6, 18]" if baseline[0] == "p" else "")
    many = frame.assign(count=200)
    cohort, plan = fits.cohort_and_plan(many, "group + sex", endpoint='weight = "count"', model=model)
    fit = fits.prior_fit(plan, cohort, size=2000)
    fit = fits.fit_with(plan, cohort, {**fit.draws, "tau": np.full_like(fit.draws["tau"], 0.05)})
    alone = WithoutPrior(Counterparts(fit, cohort))
    table = all_compared(fit, HazardRatio("group"), Survival(at=12, by="group"))
    columns = np.column_stack([frame["group"] == "b", frame["group"] == "c", frame["sex"] == "m"]).astype(float)
    family = FAMILY[baseline]
    cuts = [6, 18] if family == "piecewise" else []
    known = parametric(family, columns, NAMES[:3], frame["time"], frame["event"], weight=many["count"], cuts=cuts)
    for level, vector in (("b", [1, 0, 0]), ("c", [0, 1, 0])):
        row = of(table, METHODS[baseline], group=level, estimand="hazard-ratio").iloc[0]
        np.testing.assert_allclose(row[NUMBERS].astype(float), ratio(known.contrast(vector)), rtol=1e-6)
    assert table.loc[table["adjusted"], "reason_code"].str.contains("pooled").all()
    assert alone.combined_fit is not None
    both = alone.combined_fit.draws
    names = [name for name in ("beta", "effect", "log_hazard", "log_rate", "log_shape") if name in both]
    sizes = [both[name][:1].size for name in names]

    def draws_at(vector: np.ndarray) -> dict[str, np.ndarray]:
        parts = np.split(vector, np.cumsum(sizes)[:-1])
        one = ("log_rate", "log_shape")
        draws = {name: part if name in one else part[None, :] for name, part in zip(names, parts, strict=True)}
        return draws | ({"log_hazard_level": draws["log_hazard"].mean(axis=1)} if "log_hazard" in draws else {})

    def loss(vector: np.ndarray) -> float:
        draws = draws_at(vector)
        prior = sum(float(part.sum()) for part in log_prior(plan, draws).values())
        pooling = -0.5 * float(np.sum((draws["effect"] / 0.05) ** 2))
        return -float(log_likelihood(plan, draws, cohort).sum()) - prior - pooling

    start = np.concatenate([both[name][0].ravel() for name in names])
    options = {"maxiter": 40_000, "maxfev": 40_000, "xatol": 1e-7, "fatol": 1e-9, "adaptive": True}
    mode = minimize(loss, start, method="Nelder-Mead", options=options).x
    sds = np.concatenate([np.atleast_1d(both[name].std(axis=0)) for name in names])
    assert (np.abs(start - mode) < 0.15 * sds).all()
    moved = both["effect"][0, 1] - alone.likelihood_fit.draws["effect"][0, 1]
    assert abs(moved) > 2 * sds.min()


def test_a_frailty_is_no_reason_against_its_own_model() -> None:
    """Data of a gamma frailty have marginal hazards that are not proportional: that is no reason in a model with the frailty."""
    rng = np.random.default_rng(12)
    frailty = np.repeat(rng.gamma(1 / 1.5, 1.5, 400), 2)
    line = np.tile(["first", "second"], 400)
    time = rng.exponential(10 / (frailty * np.where(line == "second", 3.0, 1.0)))
    who = np.repeat(np.arange(400), 2).astype(str)
    frame = pd.DataFrame({"time": np.minimum(np.round(time + 0.01, 3), 60), "event": (time < 60) * 1, "line": line, "who": who})
    model = 'baseline = "exponential"\nfrailty = { cluster = "who", distribution = "gamma" }'
    cohort, plan = fits.cohort_and_plan(frame, "line", model=model)
    fit = fits.prior_fit(plan, cohort, size=400)
    questions = (HazardRatio("line"), Rmst(upto=20, by="line"), Rmst(upto=20, by="line", contrast="difference"))
    table = compare_with_frequentist(fit, read=[(question, br.estimate(fit, question)) for question in questions]).table
    tests = table[table["unit"] == "p"]
    assert tests.set_index("estimand").loc["proportional-hazards", "frequentist"] < 0.05
    assert tests[tests["estimand"] == "proportional-hazards"]["convention"].str.contains("without the frailty").all()
    assert not table["reason_code"].str.contains("non-proportional|baseline-misfit").any()
    contrast = table[table["contrast"] == "difference"].iloc[0]
    assert (contrast["verdict"], "clustered-rows" in contrast["reason_code"]) == ("not-comparable", True)
    single = table[(table["estimand"] == "rmst") & (table["contrast"] == "none")]
    assert not single["reason_code"].str.contains("clustered-rows").any()
    assert table["convention"].str.contains("within 400 strata").any()


def test_spells_of_nine_patients_are_their_patients(frame: pd.DataFrame, all_compared: Compared) -> None:
    """Rows split in two at some time, with the subject's id, give the same counterparts as one row each, late start or not."""
    small = pd.concat([frame[frame["group"] == "a"], frame[frame["group"] == "c"].head(9)]).reset_index(drop=True)
    small = small.assign(who=[f"p{i}" for i in range(len(small))], start=0.0)
    cut = np.round(small["time"] / 2, 4)
    first = small.assign(time=cut, event=0)
    second = small.assign(start=cut)
    split = pd.concat([first, second]).reset_index(drop=True)
    tables, questions = [], (Survival(at=6, by="group"), Median(by="group"), HazardRatio("group"), Rmst(upto=10, by="group"))
    for rows in (small, split):
        cohort, plan = fits.cohort_and_plan(rows, "group", endpoint='id = "who"\nentry = "start"')
        fit = fits.prior_fit(plan, cohort, size=400)
        tables.append(all_compared(fit, *questions))
    columns = ["estimand", "group", "method", *NUMBERS]
    for method in ("Cox", "Kaplan-Meier"):
        one, other = (of(table, method)[columns].reset_index(drop=True) for table in tables)
        pd.testing.assert_frame_equal(one, other, rtol=1e-6)
        assert np.isfinite(one.loc[one["estimand"] == "survival", "frequentist"]).all()


def test_one_gap_does_not_hide_a_broken_posterior(frame: pd.DataFrame, all_compared: Compared) -> None:
    """A posterior far from what likelihood and prior give is unexplained, also where one row in a hundred has a gap."""
    large = pd.concat([frame[frame["group"] != "c"]] * 4, ignore_index=True)
    large.loc[3, "sex"] = None
    cohort, plan = fits.cohort_and_plan(large, "group + sex", model='missing = "marginalise"')
    fit = fits.prior_fit(plan, cohort, size=400)
    narrow = np.random.default_rng(1).normal(0.0, 0.1, fit.draws["beta"].shape)
    broken = fits.fit_with(plan, cohort, {**fit.draws, "beta": narrow})
    row = of(all_compared(broken, HazardRatio("group")), "Cox", adjusted=True).iloc[0]
    assert {"different-rows", "unexplained"} <= set(row["reason_code"].split(";"))


def test_nobody_without_a_gap(frame: pd.DataFrame) -> None:
    """Where every row has a gap the frequentist side says so, the Bayesian numbers stand, and nothing raises."""
    odd = np.arange(len(frame)) % 2 > 0
    gappy = frame.assign(group=frame["group"].mask(odd, None), sex=np.where(odd, np.resize(["f", "f", "m", "m"], len(frame)), None))
    cohort, plan = fits.cohort_and_plan(gappy, "group + sex", model='missing = "marginalise"')
    fit = fits.prior_fit(plan, cohort, size=200)
    read = [(q, br.estimate(fit, q)) for q in (HazardRatio("group"), Survival(at=6, by="group"), Median())]
    table = compare_with_frequentist(fit, read=read).table
    assert np.isfinite(table.loc[table["estimand"] == "survival", "bayes"]).all()
    assert table.loc[table["method"].eq("Cox") & table["adjusted"], "reason_code"].str.contains("nothing-left").all()


def test_follow_up_by_reverse_kaplan_meier(fit: Fit, frame: pd.DataFrame) -> None:
    """The table ends with the median follow-up and its limits, that of the function itself."""
    row = compare_with_frequentist(fit, read=[]).table.iloc[-1]
    assert (row["estimand"], row["unit"], row["reason_code"]) == ("follow-up", "months", "data-only")
    np.testing.assert_allclose(row[NUMBERS].astype(float), median_follow_up(frame["time"], frame["event"]))


def test_an_interval_of_a_million_is_not_printed(all_compared: Compared) -> None:
    """Two events that a covariate all but separates: where the limits are a factor of a million apart there is no number."""
    time, event = np.arange(1.0, 13.0), np.r_[1, 1, np.zeros(10)].astype(int)
    dose = np.r_[0.9, 1.0, np.linspace(0, 0.95, 10)]
    frame = pd.DataFrame({"time": time, "event": event, "group": ["b", "a", *"ab" * 5], "dose": dose})
    cohort, plan = fits.cohort_and_plan(frame, "group + dose")
    table = all_compared(fits.prior_fit(plan, cohort, size=400), HazardRatio("group"), HazardRatio("dose"))
    wide = table["freq_upper"] / table["freq_lower"]
    assert not (wide > 1e6).any()
    assert table["frequentist"].isna().equals(table["reason_code"].str.contains("too-wide|monotone-likelihood"))
