"""Each reason code is given to data that deserve it, and not to data that do not."""

from __future__ import annotations

from collections.abc import Callable

import fits
import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.agreement import compare_with_frequentist, counterparts, main_rows
from bayes_rrmm.agreement.verdict import REASONS
from bayes_rrmm.errors import FitError
from bayes_rrmm.estimands import HazardRatio, Median, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import estimate

Compared = Callable[..., pd.DataFrame]
HR = HazardRatio("group")
GROUP_C = pd.DataFrame({"time": [3.0, 9.0, 20.0, 31.0, 60.0, 60.0], "event": [1, 1, 1, 1, 0, 0], "group": "c", "sex": "f"})


def codes(table: pd.DataFrame) -> list[set[str]]:
    return [{code for code in text.split(";") if code} for text in table["reason_code"]]


def laplace(frame: pd.DataFrame, formula: str = "group", **parts: str) -> Fit:
    cohort, plan = fits.cohort_and_plan(frame, formula, **parts)
    return fits.laplace_fit(plan, cohort)


def test_nothing_to_say(like_cox: Callable[..., Fit], compared: Compared) -> None:
    """Draws like Cox's agree, and no reason is given."""
    row = compared(like_cox(), HR).iloc[0]
    assert (row["verdict"], row["reason_code"], row["reason"]) == ("agree", "", "")
    assert row["difference_in_se"] == pytest.approx(0.0, abs=1e-3)
    assert row["width_ratio"] == pytest.approx(1.0, abs=3e-3)


@pytest.mark.parametrize(("moved", "widened"), [(2.0, 1.0), (-2.0, 1.0), (0.0, 1.4), (0.0, 0.7)])
def test_unexplained(moved: float, widened: float, like_cox: Callable[..., Fit], compared: Compared) -> None:
    """Draws elsewhere, or of another spread, that no known reason excuses are said to be unexplained."""
    row = compared(like_cox(moved, widened), HR).iloc[0]
    assert row["verdict"] == "differ"
    assert "unexplained" in row["reason_code"].split(";")
    assert "are left over" in row["reason"]
    assert row["difference_in_se"] == pytest.approx(moved, abs=3e-3)
    assert row["width_ratio"] == pytest.approx(widened, rel=3e-3)


@pytest.mark.parametrize(("sd", "holds", "weighs"), [(0.2, True, True), (0.3, True, True), (0.45, False, True), (1, False, False)])
def test_prior_weighs(sd: float, holds: bool, weighs: bool, two_groups: pd.DataFrame, compared: Compared) -> None:
    """A prior that holds more than 30 % of the information, se^2 / (se^2 + s^2), is named, or one that draws the answer by more
    than half a standard error; Cox's se here is about 0.25."""
    fit = laplace(two_groups, rest=f"[priors]\ngroup = {{ normal = [0, {sd}] }}")
    row = compared(fit, HR).iloc[0]
    se = np.log(row["freq_upper"] / row["freq_lower"]) / (2 * 1.959964)
    share, log_hr = se**2 / (se**2 + sd**2), np.log(row["frequentist"])
    assert (share > 0.3) == holds
    assert (share > 0.3 or share * abs(log_hr) / se > 0.5) == weighs
    assert ("prior-weighs" in row["reason_code"]) == weighs
    if weighs:
        said = float(row["reason"].split("(")[1].split(" %")[0])
        assert said == pytest.approx(100 * share, abs=3)  # s is that of the prior's draws


def test_few_events(two_groups: pd.DataFrame, compared: Compared) -> None:
    """A group with fewer than 10 events is named in every comparison it takes part in, and in no other."""
    fit = laplace(pd.concat([two_groups, GROUP_C]))
    pairs = compared(fit, HazardRatio("group", pairs="all"))
    with_c = pairs["group"].eq("c") | pairs["versus"].eq("c")
    assert ["few-events" in found for found in codes(pairs)] == with_c.tolist()
    curves = compared(fit, Rmst(upto=40, by="group"), Rmst(upto=40, by="group", contrast="difference", versus="b"))
    assert ["few-events" in found for found in codes(curves)] == (curves["group"].eq("c")).tolist()


def test_pooled(two_groups: pd.DataFrame, compared: Compared) -> None:
    """Pooled groups are drawn towards each other, Cox's are not: that is a reason for groups, not for other covariates."""
    cohort, plan = fits.cohort_and_plan(pd.concat([two_groups, GROUP_C]), "group + sex", model='effects = { group = "pooled" }')
    fit = fits.prior_fit(plan, cohort)
    table = compared(fit, HR, HazardRatio("sex"))
    assert ["pooled" in found for found in codes(table)] == [True, True, False]


@pytest.fixture(scope="module")
def zero_fit() -> Fit:
    """The molecular groups followed to 4 months: five events in all, none in Cyclin D-1 (the reference) nor in Proliferation."""
    frame = pd.read_csv(fits.REFERENCE_DATA / "myeloma_gep_zero.csv")
    return laplace(frame, "molecular_group", rest="[priors]\nbaseline = { median_survival = 60, upper95 = 240 }")


def test_monotone_likelihood(zero_fit: Fit, compared: Compared) -> None:
    """Against or of a level without events Cox diverges: it is said, nothing is printed, and the posterior is finite."""
    table = compared(zero_fit, HazardRatio("molecular_group", pairs="all"))
    eventless = {"Cyclin D-1", "Proliferation"}
    events = dict(zip(*(getattr(zero_fit.plan.encoding.groups[0], name) for name in ("levels", "events")), strict=True))
    assert {level for level, count in events.items() if count == 0} >= eventless
    for _, row in table.iterrows():
        diverges = events[row["group"]] == 0 or events[row["versus"]] == 0
        assert ("monotone-likelihood" in row["reason_code"]) == diverges
        assert np.isnan(row["frequentist"]) == diverges
        assert (row["verdict"] == "not-comparable") == diverges
    assert np.isfinite(table[["bayes", "bayes_lower", "bayes_upper"]]).to_numpy().all()
    assert table["frequentist"].notna().any()
    assert (table["frequentist"].dropna() < 1e3).all()


def test_a_whole_table_of_groups_without_events(zero_fit: Fit) -> None:
    """With hardly any event every estimand still has its row, finite or with its reason, and nothing raises."""
    table = compare_with_frequentist(zero_fit).table
    counts = table[(table["unit"] != "p") & (table["estimand"] != "follow-up")].groupby(["estimand", "method"]).size().to_dict()
    ratios = {(("hazard-ratio", method), 6) for method in ("Cox", "Firth Cox", "Weibull ML")}
    assert set(counts.items()) == ratios | {(("median", "Kaplan-Meier"), 7), (("rmst", "Kaplan-Meier"), 7)}
    firth = table[table["method"] == "Firth Cox"]
    assert np.isfinite(firth[["frequentist", "freq_lower", "freq_upper"]]).to_numpy().all()
    assert firth["convention"].str.contains("likelihood-ratio p").all()
    assert firth["reason_code"].str.contains("prior-weighs").all()
    shown = table[["frequentist", "freq_lower", "freq_upper"]].to_numpy()
    assert (shown[np.isfinite(shown)] < 1e3).all()
    undecided = table[table["verdict"] == "not-comparable"]
    assert (undecided["reason_code"] != "").all()
    assert np.isfinite(table.loc[table["estimand"].isin(["hazard-ratio", "rmst"]), "bayes"]).all()


def test_different_adjustment(two_groups: pd.DataFrame, all_compared: Compared) -> None:
    """Curves by group that are adjusted for another covariate are not Kaplan-Meier's question; everyone's curve is."""
    fit = laplace(two_groups, "group + sex")
    table = all_compared(fit, Rmst(upto=40, by="group"), Rmst(upto=40), HR)
    assert (table["adjusted"] | table["method"].isin(["Kaplan-Meier", "Cox"])).all()
    unadjusted = ~table["adjusted"] & (table["term"] == "group")
    assert ["different-adjustment" in found for found in codes(table)] == unadjusted.tolist()
    assert table["verdict"].eq("not-comparable").tolist() == unadjusted.tolist()
    assert table["frequentist"].notna().all()
    methods = table.groupby("estimand", sort=False)["method"].agg(list).to_dict()
    by_group = ["Cox, standardised", "Kaplan-Meier", "Weibull ML"]
    assert methods["rmst"] == [*by_group, *by_group, "Kaplan-Meier", "Cox, standardised", "Weibull ML"]
    assert methods["hazard-ratio"] == ["Cox", "Cox", "Weibull ML"]


def test_different_population(two_groups: pd.DataFrame, all_compared: Compared) -> None:
    """Another population than the analysed rows is not Kaplan-Meier's; the average of one covariate by itself is."""
    adjusted = laplace(two_groups, "group + sex", rest='[populations.women]\nsex = ["f"]')
    questions = [Rmst(upto=40, by="group", population=who) for who in ("women", "average")]
    table = all_compared(adjusted, *questions)
    assert ["different-population" in found for found in codes(table)] == table["method"].eq("Kaplan-Meier").tolist()
    alone = laplace(two_groups)
    assert not any("different-population" in found for found in codes(all_compared(alone, questions[1])))


def test_beyond_follow_up(two_group_fit: Fit, two_groups: pd.DataFrame, compared: Compared) -> None:
    """Past the last follow-up Kaplan-Meier is silent, for survival and RMST alike."""
    short = laplace(two_groups.assign(event=np.where(two_groups["time"] > 30, 0, two_groups["event"])).assign(
        time=two_groups["time"].clip(upper=30.0)
    ))  # fmt: skip
    table = compared(short, Survival(at=(20, 31), by="group"), Rmst(upto=31, by="group"), Rmst(upto=30, by="group"))
    beyond = table["at"] > 30
    assert ["beyond-follow-up" in found for found in codes(table)] == beyond.tolist()
    assert table.loc[beyond, "frequentist"].isna().all()
    assert table.loc[beyond, "bayes"].notna().all()


def test_conditions_beyond_follow_up(compared: Compared) -> None:
    """Given survival to a time when a group has nobody left, that group is beyond follow-up; a small one is compared."""
    times = {"a": [5.0, 6.0, 7.0, 8.0], "b": [9.0, 20.0, 30.0, 40.0, 50.0]}
    frame = pd.DataFrame([(time, 1, group) for group in "ab" for time in times[group]], columns=["time", "event", "group"])
    table = compared(laplace(frame), Survival(at=25, given=10, by="group"))
    assert codes(table)[0] == {"beyond-follow-up", "few-events"}
    assert table["frequentist"].tolist() == [pytest.approx(np.nan, nan_ok=True), pytest.approx(0.75)]
    assert table["verdict"].tolist()[1] != "not-comparable"


def test_not_reached(two_group_fit: Fit, zero_fit: Fit, compared: Compared) -> None:
    """A median that Kaplan-Meier, or the posterior, does not reach is not comparable, with few events named beside."""
    kaplan_meier = compared(zero_fit, Median(by="molecular_group"))
    assert all({"not-reached", "few-events"} <= found for found in codes(kaplan_meier))
    assert np.isinf(kaplan_meier["frequentist"]).all()
    posterior = compared(two_group_fit, Median(by="group", horizon=1.0))
    assert all("not-reached" in found for found in codes(posterior))
    assert np.isfinite(posterior["frequentist"]).all()
    reached = compared(two_group_fit, Median(by="group"))
    assert not any("not-reached" in found for found in codes(reached))


def test_degenerate_interval(two_group_fit: Fit, compared: Compared) -> None:
    """Before the first event Kaplan-Meier is 1 without width: neither survival nor RMST can be compared there."""
    table = compared(two_group_fit, Survival(at=0.05, by="group"), Rmst(upto=0.05, by="group"))
    assert codes(table) == [{"degenerate-interval"}] * 4
    assert table["verdict"].eq("not-comparable").all()
    assert table["frequentist"].tolist() == [1.0, 1.0, 0.05, 0.05]


def test_borrows_strength(two_groups: pd.DataFrame, compared: Compared) -> None:
    """A model whose interval is much narrower than Kaplan-Meier's borrows strength over groups and times: that is the reason."""
    table = compared(laplace(two_groups), Survival(at=(3, 40), by="group"), Rmst(upto=40, by="group"))
    narrower = table["width_ratio"] < 0.8
    assert narrower.any()
    assert not narrower.all()
    assert ["borrows-strength" in found for found in codes(table)] == narrower.tolist()
    assert table.loc[narrower, "verdict"].eq("differ").all()


def test_far_away_and_narrow_is_not_excused_by_borrowing(two_group_fit: Fit, compared: Compared) -> None:
    """Where a narrow answer also lies elsewhere, borrowing does not excuse it: it is unexplained as well."""
    draws = {**two_group_fit.draws, "log_rate": two_group_fit.draws["log_rate"] + 1.0}
    elsewhere = fits.fit_with(two_group_fit.plan, two_group_fit.cohort, draws)
    table = compared(elsewhere, Survival(at=3, by="group"))
    assert (table["difference_in_se"].abs() > 0.5).all()
    assert codes(table) == [{"borrows-strength", "unexplained"}] * 2


def test_late_start(compared: Compared) -> None:
    """Under delayed entry Kaplan-Meier starts where ten are at risk: until then it is conditional, and not comparable."""
    rng = np.random.default_rng(43)
    start = np.sort(rng.uniform(0.5, 10.0, 60))
    time = start + rng.exponential(20, 60)
    frame = pd.DataFrame({"start": start, "time": time, "event": 1, "group": ["a", "b"] * 30})
    fit = laplace(frame, endpoint='entry = "start"')
    table = compared(fit, Survival(at=20, by="group"), Survival(at=20, given=11, by="group"))
    assert ["late-start" in found for found in codes(table)] == [True, True, False, False]
    assert table["verdict"].tolist()[:2] == ["not-comparable"] * 2


@pytest.mark.parametrize("formula", ["group", "group + sex"])
@pytest.mark.parametrize("contrast", ["difference", "ratio"])
def test_every_contrast_has_a_counterpart(formula: str, contrast: str, two_groups: pd.DataFrame, all_compared: Compared) -> None:
    """Contrasts of survival, of conditional survival, of medians and of RMST have one of every kind, with finite limits."""
    asked = {"contrast": contrast, "by": "group"}
    survival = (Survival(at=12, **asked), Survival(at=20, given=6, **asked))
    questions = (*survival, Median(horizon=np.inf, **asked), Rmst(upto=40, **asked))
    table = all_compared(laplace(two_groups, formula), *questions)
    methods = ["Kaplan-Meier", "Weibull ML"] if formula == "group" else ["Cox, standardised", "Kaplan-Meier", "Weibull ML"]
    assert table["method"].tolist() == methods * len(questions)
    assert np.isfinite(table[["frequentist", "freq_lower", "freq_upper"]]).to_numpy().all()
    inside = (table["freq_lower"] < table["frequentist"]) & (table["frequentist"] < table["freq_upper"])
    assert inside.all()
    assert table["verdict"].eq("not-comparable").tolist() == (table["reason_code"].str.contains("different-adjustment")).tolist()
    same = table[table["method"] == "Weibull ML"]  # of the same group against the same: nothing has changed sides
    assert ((same["freq_lower"] < same["bayes"]) & (same["bayes"] < same["freq_upper"])).all()


def test_a_test_stands_alone(two_group_fit: Fit) -> None:
    """The log-rank test of each group variable has a row: a p value on the frequentist side and nothing to compare."""
    table = compare_with_frequentist(two_group_fit).table
    row = table[table["estimand"] == "log-rank"].iloc[0]
    assert (row["estimand"], row["term"], row["unit"], row["verdict"]) == ("log-rank", "group", "p", "not-comparable")
    assert row["reason_code"] == "test-only"
    assert np.isnan(row["bayes"])


def test_every_reason_has_a_sentence(two_group_fit: Fit, zero_fit: Fit) -> None:
    """The reason column says in words what the codes mean, in the same order."""
    for fit in (two_group_fit, zero_fit):
        table = compare_with_frequentist(fit).table
        for _, row in table.iterrows():
            position = 0
            for code in row["reason_code"].split(";") if row["reason_code"] else ():
                position = row["reason"].index(REASONS[code], position)


def test_a_contrast_of_estimates_read_elsewhere(two_group_fit: Fit) -> None:
    """Estimates that were read with another `by` are compared as they were read."""
    question = Rmst(upto=40)
    read = [(question, estimate(two_group_fit, question, by="group"))]
    table = main_rows(compare_with_frequentist(two_group_fit, read=read).table)
    assert table["group"].tolist()[:2] == ["a", "b"]
    assert table["term"].tolist()[:2] == ["group", "group"]


def test_cox_that_does_not_converge_stops_nothing(
    like_cox: Callable[..., Fit], compared: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Cox finds no maximum the table stands, the Bayesian side is shown, and the row says why it is alone."""

    def no_maximum(*_: object, **__: object) -> None:
        raise FitError("Cox did not converge")

    fit = like_cox()
    monkeypatch.setattr(counterparts, "cox", no_maximum)
    row = compared(fit, HR).iloc[0]
    assert (row["verdict"], "no-convergence" in row["reason_code"]) == ("not-comparable", True)
    assert np.isfinite(row["bayes"])
    assert np.isnan(row["frequentist"])
