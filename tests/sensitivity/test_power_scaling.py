"""Power-scaling: against the closed form of a normal model, ArviZ's own psense, refits under other priors, and what it says."""

from __future__ import annotations

import math
from dataclasses import replace

import arviz_stats
import fits
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

import bayes_rrmm as br
from bayes_rrmm.fitted import Fit
from bayes_rrmm.resolved_priors import Location
from bayes_rrmm.sensitivity.power_scaling import Weighed, diagnose_scaling, power_scaling
from bayes_rrmm.sensitivity.power_scaling_components import Component, part_of, total_log_likelihood
from bayes_rrmm.sensitivity.power_scaling_record import CANCEL, CONFLICT, DATA, NEITHER, NOT_COMPUTED, STRONG
from bayes_rrmm.sensitivity.power_scaling_text import scaling_reading

RATIO = br.HazardRatio("group", "b", versus="a")


def two_groups(size: int = 120, hazard_ratio: float = 2.0) -> pd.DataFrame:
    """Two groups of equal size, most of whom die."""
    rng = np.random.default_rng(5)
    group = np.resize(["a", "b"], size)
    time = rng.exponential(20.0, size) / np.where(group == "b", hazard_ratio, 1.0)
    return pd.DataFrame({"time": np.round(time + 0.05, 3), "event": (rng.random(size) < 0.85).astype(int), "group": group})


def fitted(mean: float = 0.0, sd: float = 1.0, frame: pd.DataFrame | None = None, size: int = 4000, **parts: str) -> Fit:
    """A fit of two groups under log HR ~ Normal(mean, sd)."""
    cohort, plan = fits.cohort_and_plan(two_groups() if frame is None else frame, "group", **parts)
    plan = plan.with_priors(replace(plan.priors, coefficients=(Location(mean, sd),)))
    return fits.laplace_fit(plan, cohort, size=size)


def exact_distance(mean: float, sd: float, power: float, prior: tuple[float, float], reach: float) -> float:
    """The cumulative Jensen-Shannon distance between Normal(mean, sd) and itself with this normal prior to a power.

    ArviZ takes it, and what it is divided by, over the range of the draws: `reach` sds to either side.
    """
    precision = sd**-2 + (power - 1) * prior[1] ** -2
    moved = (mean * sd**-2 + (power - 1) * prior[0] * prior[1] ** -2) / precision
    x = np.linspace(mean - reach * sd, mean + reach * sd, 200_001)

    def of(p: np.ndarray, q: np.ndarray) -> float:
        m = 0.5 * (p + q)
        parts = [np.trapezoid(a * np.log2(a / m), x) + 0.5 / math.log(2) * np.trapezoid(b - a, x) for a, b in ((p, q), (q, p))]
        return math.sqrt(max(0.0, sum(parts)) / (np.trapezoid(p, x) + np.trapezoid(q, x)))

    below = norm.cdf(x, mean, sd), norm.cdf(x, moved, precision**-0.5)
    above = norm.sf(x, mean, sd)[::-1], norm.sf(x, moved, precision**-0.5)[::-1]
    return max(of(*below), of(*above))


@pytest.mark.parametrize("prior", [(0.0, 1.0), (0.0, 0.3), (-1.0, 0.5)])
def test_the_sensitivity_is_that_of_the_normal_model(prior: tuple[float, float]) -> None:
    """A normal posterior under a normal prior: the sensitivity of 40,000 draws is the exact slope within 3 %."""
    mean, sd = 0.8, 0.25
    draws = norm.ppf((np.random.default_rng(3).permutation(40_000) + 0.5) / 40_000, mean, sd).reshape(4, -1)
    weighed = Weighed.of(Component("prior", norm.logpdf(draws, *prior)))
    reach = norm.isf(0.5 / 40_000)
    slopes = [exact_distance(mean, sd, power, prior, reach) / abs(math.log2(power)) for power in (0.99, 1.01)]
    np.testing.assert_allclose(weighed.sensitivity(draws), np.mean(slopes), rtol=0.03)
    assert weighed.near_k < 0.7


def test_the_shift_is_the_derivative_of_the_normal_model() -> None:
    """Per doubling, in posterior sds, to first order: ln 2 times the derivative of the mean by the power."""
    mean, sd, prior = 0.8, 0.25, (0.0, 0.5)
    draws = norm.ppf((np.random.default_rng(3).permutation(40_000) + 0.5) / 40_000, mean, sd).reshape(4, -1)
    weighed = Weighed.of(Component("prior", norm.logpdf(draws, *prior)))
    derivative = (prior[0] - mean) * (sd / prior[1]) ** 2
    np.testing.assert_allclose(weighed.shift(draws), math.log(2) * derivative / sd, rtol=0.01)


def test_it_is_psense_of_the_tree() -> None:
    """ArviZ's psense_summary of log HR, given the tree's own log_prior and log_likelihood, gives the same numbers."""
    fit = fitted()
    log_hr = np.log(br.estimate(fit, RATIO).draws.drop_vars(["group", "versus", "subgroup", "comparison"]))
    rows = fit.log_likelihood(fit.require_cohort("")).reshape(*fit.shape, -1)
    groups = {"posterior": xr.Dataset({"log_hr": log_hr}), "log_prior": fit.tree["log_prior"].to_dataset()}
    tree = xr.DataTree.from_dict(groups | {"log_likelihood": xr.Dataset({"y": (("chain", "draw", "row"), rows)})})
    expected = arviz_stats.psense_summary(tree, round_to=12).iloc[0]
    effects = arviz_stats.psense(tree, group="prior", group_var_names=["beta"])["log_hr"].item()
    found = power_scaling(fit, estimands=[RATIO]).table.iloc[0]
    values = [found["prior"], found["likelihood"], found["prior_effects"]]
    np.testing.assert_allclose(values, [expected["prior"], expected["likelihood"], effects], rtol=1e-8)


def test_a_prior_against_the_data_is_a_conflict_and_a_vague_one_is_not() -> None:
    """Hazard ratio 2 in the data: a prior at 0.3 conflicts, and says which way each pulls; a vague prior is not felt."""
    conflict = power_scaling(fitted(math.log(0.3), 0.3), estimands=[RATIO])
    vague = power_scaling(fitted(0.0, 3.0), estimands=[RATIO])
    assert conflict.table["diagnosis"].tolist() == [CONFLICT]
    assert not conflict.passed
    assert conflict.table["prior_effects"].iloc[0] > 0.05 > conflict.table["prior_baseline"].iloc[0]
    assert "a stronger prior of effects lowers it, stronger data raise it" in str(conflict)
    assert vague.table["diagnosis"].tolist() == [DATA]
    assert vague.passed
    assert "none feels the prior" in vague.conclusion


def test_a_narrow_prior_beside_few_events_is_strong() -> None:
    """Six patients under a prior of sd 0.1: the prior moves the ratio, the data hardly do."""
    found = power_scaling(fitted(0.0, 0.1, two_groups(6)), estimands=[RATIO])
    assert found.table["diagnosis"].tolist() == [STRONG]
    assert "report it with its prior" in str(found)


def test_the_part_of_the_prior_is_named() -> None:
    """A narrow and wrong prior of the baseline is felt in the median, and named; the hazard ratio hardly feels it."""
    rest = "[priors]\nbaseline = { median_survival = 60, upper95 = 70 }\n"
    found = power_scaling(fitted(sd=3.0, rest=rest), estimands=[RATIO, br.Median(by="group", horizon=math.inf)])
    ratio, *medians = found.table.to_dict("records")
    assert all(row["prior_baseline"] > 0.05 > row["prior_effects"] and row["flagged"] for row in medians)
    assert ratio["prior_baseline"] < min(row["prior_baseline"] for row in medians)
    assert "a stronger prior of baseline raises it" in str(found)
    assert found.parts == {"prior_effects": ("beta",), "prior_baseline": ("log_median", "log_shape")}


@pytest.mark.parametrize(
    ("prior", "likelihood", "parts", "diagnosis"),
    [
        (0.06, 0.06, [0.06], CONFLICT),
        (0.05, 0.01, [0.06], STRONG),
        (0.01, 0.06, [0.01, 0.02], DATA),
        (0.01, 0.01, [0.01], NEITHER),
        (0.02, 0.09, [0.07, 0.08], CANCEL),
        (0.049, 0.09, [0.052, 0.01], DATA),
    ],
)
def test_the_diagnosis_is_the_papers(prior: float, likelihood: float, parts: list[float], diagnosis: str) -> None:
    """The four cells of the table, and parts of the prior that cancel: not where a part is hardly above the whole."""
    assert diagnose_scaling(prior, likelihood, parts, 0.05) == diagnosis


def test_half_and_twice_as_strong_are_refits_under_other_sds() -> None:
    """The reweighted answers are those of fits whose prior sd is 1.41 and 0.71 times as large."""
    found = power_scaling(fitted(0.0, 0.5, size=20_000), estimands=[RATIO]).table.iloc[0]
    for name, power in (("half", 0.5), ("twice", 2.0)):
        cohort, plan = fits.cohort_and_plan(two_groups(), "group")
        baseline, shape = plan.priors.baseline, plan.priors.log_shape
        scaled = replace(
            plan.priors,
            coefficients=(Location(0.0, 0.5 / math.sqrt(power)),),
            baseline=replace(baseline, sd=baseline.sd / math.sqrt(power)),
            log_shape=replace(shape, sd=shape.sd / math.sqrt(power)),
        )
        again = fits.laplace_fit(plan.with_priors(scaled), cohort, size=20_000)
        expected = np.quantile(br.estimate(again, RATIO).draws.to_numpy(), [0.5, 0.025, 0.975])
        values = [found[f"{key}_{name}"] for key in ("median", "lower", "upper")]
        np.testing.assert_allclose(np.log(values), np.log(expected), atol=0.03)


def test_where_the_draws_are_too_far_a_refit_is_asked_for() -> None:
    """A prior many posterior sds from the data: Pareto k is too high for half of it, the numbers are missing and it says why."""
    found = power_scaling(fitted(math.log(0.05), 0.08), estimands=[RATIO])
    assert found.pareto_k["half"]["prior"] > 0.7
    row = found.table.iloc[0]
    assert math.isnan(row["median_half"])
    assert "needs a refit" in str(found)
    moved = found.moved[(found.moved["component"] == "prior") & (found.moved["power"] == 0.5)]
    assert moved["median"].isna().all()
    assert "the prior half as strong needs refits" in found.conclusion or "needs refits" in found.conclusion


def test_the_likelihood_in_blocks_is_the_whole(patients: pd.DataFrame) -> None:
    """Summed over blocks of rows, or of clusters with a frailty, or kept in the tree: the same number for every draw."""
    cohort, plan = fits.cohort_and_plan(patients, "group + sex")
    fit = fits.laplace_fit(plan, cohort, size=400)
    whole = fit.log_likelihood(cohort).sum(axis=1)
    np.testing.assert_allclose(total_log_likelihood(fit, block=400 * 7), whole, rtol=1e-12)
    kept = xr.Dataset({"survival": (("chain", "draw", "row"), fit.log_likelihood(cohort).reshape(*fit.shape, -1))})
    fit.tree["log_likelihood"] = xr.DataTree(kept)
    np.testing.assert_allclose(total_log_likelihood(replace(fit, cohort=None)), whole, rtol=1e-12)
    frame = patients.assign(centre=np.resize(["x", "y", "z", "w"], len(patients)))
    cohort, plan = fits.cohort_and_plan(frame, "group", model='frailty = { cluster = "centre", distribution = "gamma" }')
    shared = fits.prior_fit(plan, cohort, size=400)
    np.testing.assert_allclose(total_log_likelihood(shared), shared.log_likelihood(cohort).sum(axis=1), rtol=1e-10)
    assert power_scaling(shared, estimands=[RATIO]).parts["prior_frailty"] == ("theta",)


def test_gaps_bring_the_covariates_into_the_likelihood(patients: pd.DataFrame) -> None:
    """Marginalised covariates have a prior of their own, and their probability belongs to the likelihood."""
    frame = patients.assign(sex=patients["sex"].where(np.arange(len(patients)) % 5 > 0, None))
    cohort, plan = fits.cohort_and_plan(frame, "group + sex", model='missing = "marginalise"')
    fit = fits.prior_fit(plan, cohort, size=400)
    only_outcome = fit.log_likelihood(cohort).sum(axis=1)
    assert np.all(total_log_likelihood(fit) < only_outcome)
    found = power_scaling(fit, estimands=[RATIO])
    assert found.parts["prior_covariates"] == ("gamma",)
    assert "outcomes and of the covariates" in str(found)


def test_medians_that_are_not_reached_keep_their_order() -> None:
    """Few infinite draws count as the latest finite one and are said; most of them infinite is no number, with its reason."""
    fit = fitted()
    medians = br.estimate(fit, br.Median(by="group", horizon=math.inf)).sel(group="a").draws.to_numpy()
    few, most = (float(np.quantile(medians, share)) for share in (0.9, 0.3))
    rows = [power_scaling(fit, estimands=[br.Median(by="group", horizon=at)]).table.iloc[0] for at in (few, most)]
    assert rows[0]["reason"].startswith("not reached in 10.0%")
    assert 0 < rows[0]["prior"] < 0.1
    assert math.isinf(rows[0]["upper"])
    assert math.isinf(rows[0]["upper_half"])
    assert math.isfinite(rows[0]["median_half"])
    assert rows[1]["diagnosis"] == NOT_COMPUTED
    assert math.isnan(rows[1]["prior"])
    assert "more than half" in rows[1]["reason"]
    assert not rows[1]["flagged"]


def test_every_row_of_the_estimates_is_there(patients: pd.DataFrame) -> None:
    """One row a label of the analysis's own estimands, whatever thresholds and ranks add there; constants have a reason."""
    rest = "".join(
        f"[[estimands]]\n{lines}\n"
        for lines in (
            'kind = "hazard-ratio"\nof = "group"\nthreshold = [1.0, 0.8]',
            'kind = "survival"\nby = "group"\nat = [1e-300, 6]',
            'kind = "rmst"\nby = "group"\nupto = 12\ncontrast = "difference"',
            'kind = "rank"\nof = "group"',
        )
    )
    cohort, plan = fits.cohort_and_plan(patients, "group", rest=rest)
    found = power_scaling(fits.laplace_fit(plan, cohort))
    counted = found.table["estimand"].value_counts().to_dict()
    assert counted == {"hazard-ratio": 2, "survival": 6, "rmst": 2, "rank": 3}
    never = found.table[found.table["at"] == 1e-300]
    assert set(never["diagnosis"]) == {NOT_COMPUTED}
    assert set(never["reason"]) == {"every draw is the same"}
    assert set(found.table.loc[found.table["estimand"] == "hazard-ratio", "scale"]) == {"log"}
    assert set(found.table.loc[found.table["estimand"] == "rmst", "scale"]) == {"natural"}
    assert "<table" in found._repr_html_()
    assert len(found.moved) == len(found.table) * 3 * 2


def test_the_noise_of_the_draws_is_far_below_the_threshold() -> None:
    """Draws that have nothing to do with a component show a sensitivity well under 0.05, and the record says which."""
    found = power_scaling(fitted(), estimands=[RATIO])
    assert all(0 < value < 0.02 for value in found.noise.values())
    assert "which is noise" in str(found)


def test_rows_are_needed_and_must_be_the_fits_own(patients: pd.DataFrame) -> None:
    """Without rows it asks for them, with them given it answers, with others it refuses."""
    cohort, plan = fits.cohort_and_plan(patients, "group")
    fit = replace(fits.laplace_fit(plan, cohort, size=400), cohort=None)
    with pytest.raises(br.FitError, match="needs the analysed rows"):
        power_scaling(fit, estimands=[RATIO])
    assert len(power_scaling(fit, cohort, estimands=[RATIO]).table) == 1
    with pytest.raises(br.RunFolderError, match="same rows"):
        power_scaling(replace(fit, cohort=cohort), cohort.select(np.arange(len(cohort)) > 0))
    with pytest.raises(br.AnalysisError, match="threshold = 2"):
        power_scaling(fit, cohort, threshold=2.0)


def test_every_stated_parameter_belongs_to_a_part() -> None:
    """The baseline's own names, the frailty's, the covariates'; what is left, such as tau and a slab, is of the effects."""
    assert {part_of(name) for name in ("log_median", "log_rate", "log_shape", "log_hazard", "sigma")} == {"prior_baseline"}
    assert {part_of(name) for name in ("beta", "tau", "slab")} == {"prior_effects"}
    assert {part_of(name) for name in ("theta", "tau[frailty]")} == {"prior_frailty"}
    assert {part_of(name) for name in ("gamma", "share")} == {"prior_covariates"}


def test_half_of_a_half_cauchy_is_no_prior(patients: pd.DataFrame) -> None:
    """Under a horseshoe the prior half as strong has no finite integral: no refit is asked for, it is called improper."""
    cohort, plan = fits.cohort_and_plan(patients, "group", model='effects = { group = "horseshoe" }')
    found = power_scaling(fits.prior_fit(plan, cohort), estimands=[RATIO])
    assert found.improper == ("prior", "prior_effects")
    assert math.isnan(found.table["median_half"].iloc[0])
    assert math.isinf(found.pareto_k["half"]["prior"])
    assert "half is improper" in str(found)
    assert "improper" in found._repr_html_()
    student = Component("prior", np.linspace(-3.0, 0.0, 400).reshape(4, 100), least_power=1 / (3.0 + 1.0))
    assert Weighed.of(student).far["half"] is not None


def test_a_conflict_without_opposite_pulls_is_told_apart() -> None:
    """Both felt and pulling apart is a conflict; both felt and pulling one way is one by the rule only, and it says so."""
    parts = {"prior_effects": 0.1, "prior_baseline": 0.01, "prior_frailty": math.nan, "prior_covariates": math.nan}
    row = {"diagnosis": CONFLICT, **parts, "shift_prior": -0.2, "shift_likelihood": 0.3}
    assert scaling_reading(row, 0.05) == f"{CONFLICT} (a stronger prior of effects lowers it, stronger data raise it)"
    assert "do not pull apart" in scaling_reading({**row, "shift_likelihood": -0.3}, 0.05)
    assert "stronger data change its width" in scaling_reading({**row, "shift_likelihood": 0.01}, 0.05)
