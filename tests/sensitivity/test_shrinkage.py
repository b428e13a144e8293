"""Shrinkage: a known amount of it is found again, beside Cox and Firth on the same rows; what cannot be pooled is said."""

from __future__ import annotations

import math
from dataclasses import replace

import fits
import numpy as np
import pandas as pd
import pytest
from scipy.stats import halfnorm

import bayes_rrmm as br
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import cox, firth_cox
from bayes_rrmm.resolved_priors import Location
from bayes_rrmm.sensitivity.refits import Refit
from bayes_rrmm.sensitivity.shrinkage import shrinkage
from bayes_rrmm.sensitivity.shrinkage_plans import POOLED, UNPOOLED, find_term, with_pooling
from bayes_rrmm.sensitivity.shrinkage_record import Shrinkage

KEPT = 0.6
"""The share of every group's distance from the mean that the made-up pooled fits keep."""

POOLED_GROUP = 'effects = { group = "pooled" }'


def groups(size: int = 160) -> pd.DataFrame:
    """Four groups with hazards 1, 0.5, 1.6 and 3 times that of a, and two sexes."""
    rng = np.random.default_rng(8)
    group = np.resize(["a", "b", "c", "d", "a"], size)
    hazard = pd.Series(group).map({"a": 1.0, "b": 0.5, "c": 1.6, "d": 3.0}).to_numpy()
    time = np.round(rng.exponential(20.0, size) / hazard + 0.05, 3)
    return pd.DataFrame(
        {"time": time, "event": (rng.random(size) < 0.8).astype(int), "group": group, "sex": np.resize(["f", "m", "m"], size)}
    )


def shrunk_fit(refit: Refit) -> Fit:
    """Unpooled around the mode; pooled groups as those, each drawn towards the mean of all by a known share."""
    if not refit.plan.encoding.pooled:
        return fits.laplace_fit(refit.plan, refit.cohort)
    (pooled,) = refit.plan.encoding.pooled
    cohort, plan = fits.cohort_and_plan(groups(), "group")
    free = fits.laplace_fit(plan, cohort)
    effect = np.column_stack([np.zeros(len(free.draws["beta"])), free.draws["beta"]])
    kept = KEPT * (effect - effect.mean(axis=1, keepdims=True))
    tau = np.random.default_rng(1).gamma(20.0, 0.02, (len(kept), 1))
    draws = fits.prior_fit(refit.plan, refit.cohort).draws | {"effect": kept[:, : len(pooled.cells)], "tau": tau}
    return fits.fit_with(refit.plan, refit.cohort, draws)


def from_prior(refit: Refit) -> Fit:
    """Draws that know nothing of the rows, where only their arithmetic matters."""
    return fits.prior_fit(refit.plan, refit.cohort)


@pytest.fixture(scope="module")
def found() -> Shrinkage:
    """Four groups, the fit unpooled, the pooled one made."""
    cohort, plan = fits.cohort_and_plan(groups(), "group")
    return shrinkage(fits.laplace_fit(plan, cohort), cohort, sample=shrunk_fit)


def test_a_known_shrinkage_is_found(found: Shrinkage) -> None:
    """Every level, the reference too, loses 40 % of its distance from the mean, every log HR 40 %; widths are 0.6 as large."""
    table = found.table
    assert table["level"].tolist() == ["a", "b", "c", "d"]
    np.testing.assert_allclose(table["pooled_shrinkage_to_mean"], 1 - KEPT, rtol=1e-9)
    np.testing.assert_allclose(table["pooled_shrinkage"].iloc[1:], 1 - KEPT, rtol=1e-9)
    np.testing.assert_allclose(table["pooled_width_ratio"].iloc[1:], KEPT, rtol=1e-9)
    np.testing.assert_allclose(np.log(table["pooled_hr"].iloc[1:]), KEPT * np.log(table["unpooled_hr"].iloc[1:]), rtol=1e-6)
    assert found.kinds == ("unpooled", "pooled")
    assert found.fitted == "unpooled"
    assert found.passed
    assert "lose 40% of their distance from the mean (median over 4 groups)" in found.conclusion


def test_tau_stands_beside_its_prior(found: Shrinkage) -> None:
    """Median and limits of tau's draws, and of the half-normal it comes from; a typical pair of groups in a factor."""
    tau = np.random.default_rng(1).gamma(20.0, 0.02, (2000, 1))
    expected = np.quantile(tau, [0.5, 0.025, 0.975])
    np.testing.assert_allclose([found.tau.median, found.tau.lower, found.tau.upper], expected, rtol=1e-12)
    np.testing.assert_allclose(found.tau.prior, halfnorm(scale=0.5).ppf([0.5, 0.025, 0.975]), rtol=1e-12)
    assert f"factor of {math.exp(0.954 * expected[0]):.2f}" in str(found)


def test_cox_and_firth_are_those_of_the_rows(found: Shrinkage) -> None:
    """Their hazard ratios and limits are those of the dummies, to ten digits; patients and events are counted."""
    frame = groups()
    names = ["b", "c", "d"]
    dummies = np.column_stack([(frame["group"] == name).to_numpy(float) for name in names])
    outcome = frame["time"].to_numpy(), frame["event"].to_numpy()
    model, penalised = cox(dummies, names, *outcome), firth_cox(dummies, names, *outcome)
    for position, name in enumerate(names):
        row = found.table.set_index("level").loc[name]
        estimate, _, lower, upper = model.contrast(np.eye(3)[position])
        np.testing.assert_allclose(
            row[["cox_hr", "cox_lower", "cox_upper"]].astype(float), np.exp([estimate, lower, upper]), rtol=1e-8
        )
        firth = penalised.contrast(np.eye(3)[position])
        limits = np.exp([firth.estimate, firth.lower, firth.upper])
        np.testing.assert_allclose(row[["firth_hr", "firth_lower", "firth_upper"]].astype(float), limits, rtol=1e-6)
    counted = frame.groupby("group")["event"].agg(["size", "sum"])
    assert found.table["patients"].tolist() == counted["size"].tolist()
    assert found.table["events"].tolist() == counted["sum"].tolist()


def test_it_is_told(found: Shrinkage) -> None:
    """The printed text has each level, what the columns mean, the unpooled fit's own prior, and the conclusion; HTML a table."""
    text = str(found)
    for part in ("d  ", "to the mean:", "log HR against a ~ Normal(0, 1), the default", "Cox has no prior", "Conclusion:"):
        assert part in text, part
    assert "<table" in found._repr_html_()
    assert found.to_dataframe() is found.table


def test_a_pooled_fit_has_the_unpooled_one_made() -> None:
    """From the other side the table is the same, another reference included: the fit given is read, and only the other sampled."""
    asked: list[str] = []

    def sample(refit: Refit) -> Fit:
        asked.append(refit.name)
        return shrunk_fit(refit)

    cohort, plan = fits.cohort_and_plan(groups(), "group", model=POOLED_GROUP)
    fit = shrunk_fit(Refit("it", plan, cohort))
    table = shrinkage(fit, cohort, "group", versus="d", sample=sample).table
    assert asked == ["unpooled"]
    assert table["level"].tolist()[0] == "d"
    np.testing.assert_allclose(table["pooled_shrinkage_to_mean"], 1 - KEPT, rtol=1e-9)


def test_a_share_of_next_to_nothing_is_left_out() -> None:
    """A level whose unpooled log HR is 0 has no share to lose: it is missing, and the text has a dash."""
    frame = groups()
    alike = pd.concat([frame[frame["group"] != "b"], frame[frame["group"] == "a"].assign(group="b")], ignore_index=True)
    cohort, plan = fits.cohort_and_plan(alike, "group")
    row = shrinkage(fits.laplace_fit(plan, cohort), cohort, sample=shrunk_fit).table.set_index("level").loc["b"]
    assert math.isnan(row["pooled_shrinkage"])


def test_two_levels_are_not_pooled() -> None:
    """Pooling two groups is refused: nothing is sampled, and unpooled, Cox and Firth stand alone, with the reason."""

    def never(refit: Refit) -> Fit:
        raise AssertionError("nothing is to be sampled")

    cohort, plan = fits.cohort_and_plan(groups(), "sex")
    found = shrinkage(fits.laplace_fit(plan, cohort), cohort, sample=never)
    assert found.kinds == ("unpooled",)
    assert found.tau is None
    assert "pooling fewer than 3 is refused" in found.conclusion
    assert "pooled_hr" not in found.table
    assert found.table["cox_hr"].notna().sum() == 1
    assert "shrunk" not in str(found).replace("shrinkage", "")


def test_a_level_without_events_has_no_finite_cox() -> None:
    """Cox says so in words, Firth and both Bayesian fits have numbers."""
    frame = groups()
    frame.loc[frame["group"] == "b", "event"] = 0
    cohort, plan = fits.cohort_and_plan(frame, "group")
    found = shrinkage(fits.laplace_fit(plan, cohort), cohort, sample=shrunk_fit)
    row = found.table.set_index("level").loc["b"]
    assert math.isnan(row["cox_hr"])
    assert math.isfinite(row["firth_hr"])
    assert row["events"] == 0
    assert "no finite estimate" in str(found)


def test_cells_of_a_pooled_interaction() -> None:
    """group:sex reads the hazard ratio of group in each sex; turned round, that of sex in each group. Cells count their rows."""
    frame = groups()

    cohort, plan = fits.cohort_and_plan(frame, "group * sex", model='effects = { "group:sex" = "pooled" }')
    fit = fits.prior_fit(plan, cohort)
    found = shrinkage(fit, cohort, sample=from_prior)
    assert found.by == "sex"
    assert len(found.table) == 8
    cell = found.table[(found.table["level"] == "d") & (found.table["subgroup"] == "sex=m")].iloc[0]
    assert cell["patients"] == ((frame["group"] == "d") & (frame["sex"] == "m")).sum()
    ratio = br.estimate(fit, br.HazardRatio("group", "d", by="sex")).draws
    draws = ratio.sel(comparison="d / a | sex=m").to_numpy()
    np.testing.assert_allclose(cell["pooled_hr"], np.median(draws), rtol=1e-3)
    both = np.log(ratio.transpose("comparison", "chain", "draw").to_numpy())
    np.testing.assert_allclose(cell["pooled_from_mean"], np.median(both[1] - both.mean(axis=0)), rtol=1e-9)
    assert "beyond the main effects" in str(found)
    turned = shrinkage(fit, cohort, "sex:group", sample=from_prior)
    assert (turned.of, turned.by) == ("sex", "group")
    assert set(turned.table["subgroup"]) == {"group=a", "group=b", "group=c", "group=d"}


def test_a_horseshoe_stands_beside_both() -> None:
    """A fit under a horseshoe has pooled and unpooled made, and a column of its own; an empty cell has no unpooled fit."""

    cohort, plan = fits.cohort_and_plan(groups(), "group * sex", model='effects = { "group:sex" = "horseshoe" }')
    found = shrinkage(fits.prior_fit(plan, cohort), cohort, sample=from_prior)
    assert found.kinds == ("unpooled", "pooled", "horseshoe")
    assert {"horseshoe_hr", "horseshoe_shrinkage", "pooled_shrinkage"} <= set(found.table.columns)
    assert "Horseshoe" in found.conclusion
    frame = groups()
    frame = frame[~((frame["group"] == "d") & (frame["sex"] == "m"))]
    cohort, plan = fits.cohort_and_plan(frame, "group * sex", model='effects = { "group:sex" = "pooled" }')
    empty = shrinkage(fits.prior_fit(plan, cohort), cohort, sample=from_prior)
    assert empty.kinds == ("pooled",)
    assert any(note.startswith("unpooled: not fitted") for note in empty.notes)
    assert "no Cox: empty-cell" in str(empty)


def test_all_but_the_term_stays_frozen() -> None:
    """Cuts, times and every other prior are those of the fit, whatever the rows would teach; the term's own statement goes."""
    rest = "[priors]\ngroup = { hazard_ratio = 1.0, upper95 = 5.0 }\nsex = { hazard_ratio = 1.0, upper95 = 3.0 }\n"
    cohort, plan = fits.cohort_and_plan(
        groups(), "group + sex", model='baseline = "piecewise-exponential"\ncuts = [5, 20]', rest=rest
    )
    plan = replace(plan, cuts=(4.0, 19.0), priors=replace(plan.priors, baseline=Location(1.0, 0.1)))
    pooled, note = with_pooling(plan, cohort, find_term(plan, None, None), POOLED)
    assert note == ""
    assert (pooled.cuts, pooled.priors.baseline, pooled.last_follow_up) == (plan.cuts, plan.priors.baseline, plan.last_follow_up)
    assert [column.name for column in pooled.encoding.columns] == ["sex=m"]
    assert pooled.priors.coefficients == plan.priors.coefficients[-1:]
    assert "group" not in pooled.analysis.priors.terms
    back, _ = with_pooling(pooled, cohort, find_term(pooled, "group", None), UNPOOLED)
    assert not back.encoding.pooled
    assert back.priors.coefficients[0] == Location(0.0, 1.0, is_default=True)
    assert with_pooling(plan, cohort, find_term(plan, "group", None), UNPOOLED)[0] is plan


def test_tau_is_that_of_the_term() -> None:
    """Of two pooled terms the spread shown, and its prior, are those of the one asked for."""
    frame = groups().assign(other=np.resize(["x", "y", "z", "y", "x", "z", "y"], 160))
    model, rest = 'effects = { group = "pooled", other = "pooled" }', "[priors]\ntau = { other = { half_normal = 0.2 } }"
    cohort, plan = fits.cohort_and_plan(frame, "group + other", model=model, rest=rest)
    fit = fits.prior_fit(plan, cohort)
    found = shrinkage(fit, cohort, "other", sample=from_prior)
    assert found.tau is not None
    assert found.tau.prior_sd == 0.2
    np.testing.assert_allclose(found.tau.median, np.median(fit.draws["tau"][:, 1]), rtol=1e-12)
    unpooled, _ = with_pooling(plan, cohort, find_term(plan, "other", None), UNPOOLED)
    assert [pooled.term for pooled in unpooled.encoding.pooled] == ["group"]


def test_pooled_main_effects_go_with_an_unpooled_interaction() -> None:
    """A pooled group cannot stay inside an unpooled interaction: it becomes independent, and the note says so."""
    model = 'effects = { group = "pooled", "group:sex" = "pooled" }'
    cohort, plan = fits.cohort_and_plan(groups(), "group * sex", model=model)
    free, note = with_pooling(plan, cohort, find_term(plan, "group:sex", None), UNPOOLED)
    assert not free.encoding.pooled
    assert "main effects of group independent" in note


def test_a_refit_that_fails_is_named() -> None:
    """An error is the note, and it was tried twice; diagnostics that fail twice mark the record, and it does not pass."""
    tries: list[int] = []

    def broken(refit: Refit) -> Fit:
        tries.append(refit.plan.analysis.sampling.draws)
        raise RuntimeError("initialization failed")

    def diverging(refit: Refit) -> Fit:
        fit = shrunk_fit(refit)
        fit.tree["sample_stats"]["diverging"][0, :3] = True
        return fit

    cohort, plan = fits.cohort_and_plan(groups(), "group")
    fit = fits.laplace_fit(plan, cohort)
    found = shrinkage(fit, cohort, sample=broken)
    assert tries == [1000, 2000]
    assert any("pooled: not fitted: RuntimeError: initialization failed" in note for note in found.notes)
    assert found.kinds == ("unpooled",)
    marked = shrinkage(fit, cohort, sample=diverging)
    assert not marked.passed
    assert marked.refits.set_index("fit").loc["pooled", "attempts"] == 2
    assert "DIAGNOSTICS FAILED in the pooled fit: divergences of sampler 3" in str(marked)


@pytest.mark.parametrize(
    ("formula", "of", "message"),
    [
        ("group + sex", "grup", "no term of the formula; did you mean 'group'"),
        ("group + age", "age", "cannot be pooled"),
        ("age", None, "no groups"),
        ("group * sex", "group", "depends on sex"),
        ("group + other", None, "several terms could be meant: group, other"),
    ],
)
def test_what_cannot_be_asked_is_refused(formula: str, of: str | None, message: str) -> None:
    """An unknown or continuous term, none, several, and a ratio that has no single value are errors before any refit."""
    frame = groups().assign(age=np.linspace(40, 80, 160), other=np.resize(["x", "y", "z", "y", "x", "z", "y"], 160))
    cohort, plan = fits.cohort_and_plan(frame, formula)
    with pytest.raises(br.AnalysisError, match=message):
        shrinkage(fits.laplace_fit(plan, cohort, size=400), cohort, of, sample=shrunk_fit)


def test_rows_must_be_the_fits_own() -> None:
    """Other rows, or none, are errors."""
    cohort, plan = fits.cohort_and_plan(groups(), "group")
    fit = fits.laplace_fit(plan, cohort, size=400)
    with pytest.raises(br.RunFolderError, match="same rows"):
        shrinkage(fit, cohort.select(np.arange(len(cohort)) > 0), sample=shrunk_fit)
    with pytest.raises(br.FitError, match="needs the analysed rows"):
        shrinkage(replace(fit, cohort=None), sample=shrunk_fit)


@pytest.mark.full
def test_seven_molecular_groups_sampled() -> None:
    """Sampled: both fits pass; the far groups lose a share between 0 and 1; from the unpooled fit the pooled side is the same."""
    cohort = br.read_cohort("myeloma-gep", br.load_analysis("myeloma_gep_pooled"))
    pooled = shrinkage(br.fit(br.load_analysis("myeloma_gep_pooled"), cohort))
    unpooled = shrinkage(br.fit(br.load_analysis("myeloma_gep_weibull"), cohort))
    for found in (pooled, unpooled):
        assert found.passed, str(found)
        far = found.table.set_index("level").loc[["Cyclin D-2", "Low bone disease", "MMSET", "Proliferation"]]
        assert far["pooled_shrinkage_to_mean"].between(0.1, 0.8).all()
        assert 0.1 < found.tau.median < 1.0
    ratios = [np.log(found.table["pooled_hr"].iloc[1:].astype(float)) for found in (pooled, unpooled)]
    np.testing.assert_allclose(ratios[0], ratios[1], atol=0.06)
