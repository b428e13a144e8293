"""The dossier of a small group: against closed forms and fits made by hand, what it says in words, and one that is sampled."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import fits
import numpy as np
import pandas as pd
import pytest
from test_shrinkage import groups, shrunk_fit

import bayes_rrmm as br
from bayes_rrmm.evidence.prior_grid import posterior_of, prior_grid
from bayes_rrmm.evidence.tipping import tipping_point
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import cox, parametric
from bayes_rrmm.inference import COMPILED
from bayes_rrmm.sensitivity.dossier_folder import SECTIONS
from bayes_rrmm.sensitivity.group_question import ask
from bayes_rrmm.sensitivity.refits import Refit

SCALES, CENTRES = (0.1, 0.3, 1.0, 2.0, 5.0), (0.5, 1.0, 2.0)


def around_the_mode(refit: Refit) -> Fit:
    return fits.laplace_fit(refit.plan, refit.cohort)


def two_groups(hazard_ratio: float, size: int = 8, others: int = 80) -> pd.DataFrame:
    """A group of few patients, most of whom die, beside many."""
    rng = np.random.default_rng(11)
    time = rng.exponential(20.0, size + others) / np.where(np.arange(size + others) < size, hazard_ratio, 1.0)
    group = np.array(["few"] * size + ["many"] * others, dtype=object)
    return pd.DataFrame({"time": np.round(time + 0.1, 2), "event": (rng.random(size + others) < 0.8).astype(int), "group": group})


def made(frame: pd.DataFrame, sample: Callable[[Refit], Fit] = around_the_mode, **options: object) -> br.SmallGroup:
    cohort, plan = fits.cohort_and_plan(frame, "group", rest='[variables.group]\nreference = "many"')
    fit = fits.laplace_fit(plan, cohort)
    quick = {"baselines": (), "landmarks": (), "scales": SCALES, "centres": CENTRES, "sample": sample}
    return br.small_group(fit, cohort, "few", **{**quick, **options})


@pytest.fixture(scope="module")
def dossier() -> br.SmallGroup:
    """Eight patients with a hazard three times that of eighty."""
    return made(two_groups(3.0))


def test_every_section_has_its_rows(dossier: br.SmallGroup) -> None:
    """A row a prior, a scale, a cell, a patient, a status; the refits are all of them and no more."""
    rows = {name: len(dossier.to_dataframe(name)) for name in SECTIONS}
    assert rows == {
        "frequentist": 3, "priors": 5, "explorer": 7, "curve": 5, "contour": 9, "crossings": 4, "left_out": 88, "flipped": 8,
        "power_scaling": len(dossier.power_scaling.table), "shrinkage": 0, "baselines": 0, "follow_up": 0, "immortal": 0,
        "refits": 4 + 5 + 5 + 9 + 8 + 8 + int((dossier.left_out["method"] == "refit").sum()) - 8,
    }  # fmt: skip
    assert dossier.passed
    assert dossier.sizes.patients == 8
    assert dossier.left_out["in_group"].sum() == 8
    with pytest.raises(br.AnalysisError, match="did you mean 'priors'"):
        dossier.to_dataframe("prior")


def test_power_scaling_is_that_of_the_fit_its_own_ratio_first(dossier: br.SmallGroup) -> None:
    """The ratio asked about, then everything reported, as `br.power_scaling` has them; text and conclusion say what it is."""
    first = dossier.power_scaling.table.iloc[0]
    assert (first["estimand"], first["group"], first["versus"]) == ("hazard-ratio", "few", "many")
    cohort, plan = fits.cohort_and_plan(two_groups(3.0), "group", rest='[variables.group]\nreference = "many"')
    whole = br.power_scaling(fits.laplace_fit(plan, cohort), cohort)
    same = whole.table[(whole.table["group"] == "few") & (whole.table["estimand"] == "hazard-ratio")].iloc[0]
    np.testing.assert_allclose(first[["prior", "likelihood"]].astype(float), same[["prior", "likelihood"]].astype(float))
    numbers = f"prior {first['prior']:.3f}, data {first['likelihood']:.3f}"
    assert f"few / many: {numbers}: {first['diagnosis']}" in str(dossier)
    assert f"Power-scaling: {numbers}" in dossier.conclusion


def test_three_levels_are_shown_pooled_too() -> None:
    """With three levels or more the dossier has the shrinkage, as `br.shrinkage` makes it, in text and conclusion; a pooled
    refit that fails is one of the refits, marks the dossier, and is not told as a result."""
    cohort, plan = fits.cohort_and_plan(groups(), "group")
    fit = fits.laplace_fit(plan, cohort)
    quick = {"baselines": (), "landmarks": (), "scales": (0.3, 3.0), "centres": (0.5, 2.0)}
    def diverging(refit: Refit) -> Fit:
        made = shrunk_fit(refit)
        if refit.plan.encoding.pooled:
            made.tree["sample_stats"]["diverging"][0, :3] = True
        return made

    found = br.small_group(fit, cohort, "d", sample=diverging, **quick)
    pd.testing.assert_frame_equal(found.shrinkage.table, br.shrinkage(fit, cohort, sample=shrunk_fit).table)
    assert not found.passed
    assert found.refits[~found.refits["passed"]]["name"].tolist() == ["levels of group: pooled"]
    assert "With the levels of group pooled nothing is known: that refit failed." in found.conclusion
    assert "1 of which failed and count for nothing" in found.conclusion
    assert "DIAGNOSTICS FAILED in the pooled fit" in str(found)
    pooled = found.shrinkage.table.set_index("level").loc["d"]
    sound = replace(found, shrinkage=br.shrinkage(fit, cohort, sample=shrunk_fit))
    assert f"With the levels of group pooled it is {pooled['pooled_hr']:.2f} [{pooled['pooled_lower']:.2f}, " in sound.conclusion


def test_cox_is_that_of_the_rows(dossier: br.SmallGroup) -> None:
    """The Cox row is Cox of the indicator, to ten digits, with Wald's p."""
    frame = two_groups(3.0)
    model = cox((frame["group"] == "few").to_numpy(float)[:, None], ["few"], frame["time"].to_numpy(), frame["event"].to_numpy())
    log_hr, se, lower, upper = model.contrast([1.0])
    row = dossier.frequentist.iloc[0]
    values = [row["hr"], row["lower"], row["upper"], row["se"]]
    np.testing.assert_allclose(values, [*np.exp([log_hr, lower, upper]), se], rtol=1e-10)


def test_the_grid_moves_the_posterior_as_the_normal_model_says(dossier: br.SmallGroup) -> None:
    """Wide priors give the closed form from the same model's maximum likelihood within 0.1 sd; narrow ones pull as they should.

    Those pull into the tail of a likelihood of six events, which is not normal: there only the order is the closed form's.
    """
    frame = two_groups(3.0)
    few = (frame["group"] == "few").to_numpy(float)[:, None]
    log_hr, se, *_ = parametric("weibull", few, ["few"], frame["time"].to_numpy(), frame["event"].to_numpy()).contrast([1.0])
    found = dossier.priors.set_index("prior")
    for prior in prior_grid(0.5)[2:4]:
        expected = posterior_of(log_hr, se, prior, 1.0)
        assert abs(math.log(found.loc[prior.name, "hr"] / expected.hr)) < 0.1 * se, prior.name
    ordered = found.loc[["enthusiastic", "sceptical", "as analysed", "vague"], "hr"]
    assert ordered.is_monotonic_increasing
    cox_se = dossier.frequentist["se"].iloc[0]
    for prior in prior_grid(0.5)[:4]:
        np.testing.assert_allclose(found.loc[prior.name, "prior_share"], cox_se**2 / (cox_se**2 + prior.sd**2))


def test_weights_in_events_are_those_of_the_formula(dossier: br.SmallGroup) -> None:
    """1/d + 1/d_other = s^2 for the group's own events, 1/(s^2 pi (1 - pi)) for those of both."""
    sizes = dossier.sizes
    neutral = dossier.priors.set_index("prior").loc["neutral"]
    np.testing.assert_allclose(1 / neutral["prior_own_events"] + 1 / sizes.other_events, 1.0)
    np.testing.assert_allclose(neutral["prior_events"] * sizes.share * (1 - sizes.share), 1.0)


def test_the_explorer_goes_from_sceptical_to_enthusiastic(dossier: br.SmallGroup) -> None:
    """Its ends are the grid's own refits, between them the prior's centre takes equal steps of log HR at the same sd, and the ratio
    goes down with it."""
    line, priors = dossier.explorer, dossier.priors.set_index("prior")
    for row, prior in ((0, "sceptical"), (6, "enthusiastic")):
        pd.testing.assert_series_equal(line.loc[row].drop("weight"), priors.loc[prior, line.columns[1:]], check_names=False)
    np.testing.assert_allclose(np.diff(np.log(line["centre"])), math.log(0.5) / 6)
    np.testing.assert_allclose(line["weight"], np.arange(7) / 6)
    assert set(line["sd"]) == {priors.loc["sceptical", "sd"]}
    assert line["hr"].is_monotonic_decreasing
    middle = line.loc[3]
    assert f"{middle['centre']:.2f}: {middle['hr']:.2f} ({middle['p_below_1']:.3f})" in str(dossier)


def test_curve_and_contour_share_their_refits(dossier: br.SmallGroup) -> None:
    """The contour's column at HR 1 is the curve's, to the last digit; a tighter prior draws the ratio nearer to 1."""
    middle = dossier.contour[dossier.contour["centre"] == 1.0].set_index("sd")["hr"]
    curve = dossier.curve.set_index("sd")["hr"]
    assert middle.to_dict() == curve[curve.index.isin(middle.index)].to_dict()
    assert dossier.curve["hr"].is_monotonic_increasing
    assert dossier.side == "above"


def test_the_tipping_point_is_near_the_normal_one(dossier: br.SmallGroup) -> None:
    """The prior sd at which P(HR > 1) reaches 0.975 agrees with the closed form within the grid's coarseness."""
    row = dossier.crossings.iloc[0]
    assert math.isfinite(row["at"])
    frame = two_groups(3.0)
    few = (frame["group"] == "few").to_numpy(float)[:, None]
    log_hr, se, *_ = parametric("weibull", few, ["few"], frame["time"].to_numpy(), frame["event"].to_numpy()).contrast([1.0])
    expected = tipping_point(log_hr, se, 0.975, 1.0).sd
    low, high = (dossier.curve["sd"].to_numpy()[np.searchsorted(dossier.curve["sd"], expected) + step] for step in (-1, 0))
    assert low < row["at"] < high
    assert f"sd of {row['at']:.2g} or more" in str(dossier)


def test_every_patient_is_refitted_and_reweighted(dossier: br.SmallGroup) -> None:
    """Within the group by refit, beside PSIS, with which it agrees where k is low; a death flipped lowers the ratio."""
    group = dossier.left_out[dossier.left_out["in_group"]]
    assert set(group["method"]) == {"refit"}
    low = group[group["pareto_k"] < 0.7]
    assert len(low) >= 6
    assert (np.abs(np.log(low["hr"] / low["psis_hr"])) < 0.25 * dossier.analysed.log_sd).all()
    died = dossier.flipped[dossier.flipped["event"] == 1]
    assert len(died)
    assert (died["hr"] < dossier.analysed.hr).all()
    others = dossier.left_out[~dossier.left_out["in_group"]]
    assert ((others["pareto_k"] > 0.7) == (others["method"] == "refit")).all()


def test_the_conclusion_names_what_it_rests_on(dossier: br.SmallGroup) -> None:
    """Patients, events, the span over priors and over patients, weight, tipping point, test, model, refits."""
    text = dossier.conclusion
    for part in (
        "few / many", "8 patients", "P(HR > 1)", "one patient", "status", "% of the information",
        "events of the group, beside its own 6",
        "permutation log-rank p", "proportional hazards over a weibull baseline", f"{len(dossier.refits)} refits",
    ):  # fmt: skip
        assert part in text, part
    assert text in str(dossier)
    assert "<table" in dossier._repr_html_()


def test_strong_data_and_none_are_told_apart() -> None:
    """A huge difference carries the answer through every prior; no difference is not settled by the data, with no crossing."""
    strong, none = (made(two_groups(ratio, size=size), centres=(0.9, 1.1)) for ratio, size in ((12.0, 25), (1.0, 5)))
    assert "The data carry this answer through every prior" in strong.conclusion
    assert "The data do not settle it" in none.conclusion
    assert "no crossing" in none.conclusion


def test_failed_refits_are_marked_and_count_for_nothing() -> None:
    """A refit that raises is NaN, marked in table and text, left out of crossings and conclusion."""

    def sample(refit: Refit) -> Fit:
        if "sd 1" in refit.name or refit.name == "prior: neutral":
            raise RuntimeError("no start")
        return around_the_mode(refit)

    found = made(two_groups(3.0), sample)
    assert not found.passed
    bad = found.refits[~found.refits["passed"]]
    assert {"prior: neutral", "prior centred at 1, sd 1"} <= set(bad["name"])
    assert bad["hr"].isna().all()
    assert math.isfinite(found.crossings["p_end"].iloc[0])
    assert "DIAGNOSTICS FAILED" in str(found)
    assert f"{len(bad)} of which failed and count for nothing" in found.conclusion
    assert "nan" not in found.conclusion


def test_another_versus_is_made_the_reference(patients: pd.DataFrame) -> None:
    """Against a level that is no reference, the prior is put on log HR itself: a tight one holds the ratio at its centre."""
    cohort, plan = fits.cohort_and_plan(patients, "group + sex")
    question = ask(fits.laplace_fit(plan, cohort), cohort, "c", versus="b")
    assert question.own is None
    assert "with b as the reference" in question.note
    assert question.prior_plan.reference_time == plan.reference_time
    tight = fits.laplace_fit(question.under(math.log(0.7), 0.001), cohort)
    ratio = br.estimate(tight, question.estimand).draws.to_numpy()
    np.testing.assert_allclose(np.median(ratio), 0.7, rtol=0.01)
    assert np.median(br.estimate(tight, br.HazardRatio("group", "a", versus="b")).draws.to_numpy()) != pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group": "fw"}, "no level of a group"),
        ({"group": "many"}, "others are compared with"),
        ({"of": "grup"}, "is not a group of this model"),
        ({"threshold": 0.3}, "threshold = 0.3"),
        ({"alternative": 1.0}, "alternative = 1"),
        ({"scales": (1.0, 0.5)}, "scales = "),
        ({"baselines": ("gompertz",)}, "baseline 'gompertz'"),
        ({"landmarks": (1e6,)}, "no event comes after it"),
        ({"priors": {"vague": {"normal": [0, 1]}}}, "a prior of the grid already"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_any_refit(options: dict[str, object], message: str) -> None:
    """An unknown level or variable, a reference, and impossible numbers are errors that name the remedy."""

    def never(refit: Refit) -> Fit:
        raise AssertionError("nothing is to be sampled")

    cohort, plan = fits.cohort_and_plan(two_groups(2.0), "group", rest='[variables.group]\nreference = "many"')
    with pytest.raises(br.AnalysisError, match=message):
        br.small_group(fits.laplace_fit(plan, cohort), cohort, **{"group": "few", "sample": never, **options})


def test_nine_transplants_sampled(tmp_path: Path) -> None:
    """The study's nine patients through the compiled model: no compilation but the fit's own, all refits pass, it resumes."""
    analysis = br.load_analysis("os_salvage_asct")
    cohort = br.read_cohort("rrmm1-synthetic", analysis)
    fit = br.fit(analysis, cohort)
    compiled = dict(COMPILED)
    asked = {"scales": (0.3, 1.0, 3.0), "centres": (0.5, 2.0), "baselines": (), "folder": tmp_path / "refits"}
    found = br.small_group(fit, cohort, "yes", priors={"ours": {"hazard_ratio": 0.8, "upper95": 1.6}}, **asked)
    assert compiled == COMPILED
    assert found.passed
    assert found.sizes.patients == 9
    assert list(found.priors["prior"]) == ["as analysed", "sceptical", "enthusiastic", "neutral", "vague", "ours"]
    group = found.left_out[found.left_out["in_group"]]
    low = group[group["pareto_k"] < 0.7]
    assert len(low) == 9
    assert (np.abs(np.log(low["hr"] / low["psis_hr"])) < 0.2 * found.analysed.log_sd).all()
    again = br.small_group(fit, cohort, "yes", priors={"ours": {"hazard_ratio": 0.8, "upper95": 1.6}}, **asked)
    pd.testing.assert_frame_equal(found.refits, again.refits)


def test_of_pooled_groups_the_grid_is_on_independent_effects(patients: pd.DataFrame) -> None:
    """A pooled effect has no prior of its own: grid refits have this term's effects independent, with all else frozen."""
    cohort, plan = fits.cohort_and_plan(patients, "group", model='effects = { group = "pooled" }')
    question = ask(fits.prior_fit(plan, cohort), cohort, "c", versus="a")
    assert plan.encoding.pooled
    assert not question.prior_plan.encoding.pooled
    assert question.own is None
    assert "effects independent" in question.note
    assert question.prior_plan.priors.baseline == plan.priors.baseline
    changed = question.under(-0.2, 0.3).priors.coefficients
    assert (changed[question.column].mean, changed[question.column].sd) == (-0.2, 0.3)
    assert question.prior_plan.encoding.columns[question.column].name == "group=c"
