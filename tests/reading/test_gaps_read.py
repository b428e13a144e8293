"""What is read from a fit with gaps: curves over drawn values, the probability of each value, and all of it read back."""

from __future__ import annotations

import dataclasses
import math

import fits
import numpy as np
import pandas as pd
import pytest
from by_enumeration import FORMULA, TABLE, OneDraw
from by_enumeration import patients as everyone

import bayes_rrmm as br
from bayes_rrmm.cohort import Cohort, build_cohort
from bayes_rrmm.densities import gap_probabilities
from bayes_rrmm.errors import FitError, RunFolderError
from bayes_rrmm.estimands import Median, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.parameters import draw_from_prior
from bayes_rrmm.plan import Plan
from bayes_rrmm.reading import estimate, missing_values

SIZE = 8
PRIORS = "[priors]\nbaseline = { median_survival = 15, upper95 = 40 }\nage = { normal = [0, 0.02] }"
PARTS = {
    "endpoint": 'entry = "start"\nweight = "count"',
    "model": 'missing = "marginalise"',
    "rest": f'[populations.harmed]\nx = ["b"]\n{PRIORS}',
}


@pytest.fixture(scope="module")
def planned() -> tuple[Cohort, Plan]:
    return fits.cohort_and_plan(TABLE, FORMULA, **PARTS)


@pytest.fixture(scope="module")
def fit(planned: tuple[Cohort, Plan]) -> Fit:
    """Draws from the prior, two chains."""
    cohort, plan = planned
    return fits.fit_with(plan, cohort, draw_from_prior(plan, SIZE, 3), chains=2)


def repeated(planned: tuple[Cohort, Plan], size: int) -> Fit:
    """A fit whose draws are all one vector, so that only the gaps differ from draw to draw."""
    cohort, plan = planned
    one = draw_from_prior(plan, 1, 4)
    return fits.fit_with(plan, cohort, {name: np.repeat(values, size, axis=0) for name, values in one.items()}, chains=2)


def relative_hazard(draw: OneDraw, x: str, y: str, age: float) -> float:
    """exp(eta), taken from the scalar likelihood of a patient without an event: H(t) = baseline x exp(eta)."""
    one = dataclasses.replace(everyone()[0], x=x, y=y, age=age, event=0, start=0.0, time=1.0)
    return -draw.log_survival(one) / math.exp(draw.values["log_rate"])


def survival_by_hand(fit: Fit, s: int, t: float, frame: pd.DataFrame, weight: np.ndarray, x: str | None = None) -> float:
    """The mean of S(t) over these patterns in draw s, everybody given the level x; who enters late, at `entered`, stands for those
    like them who did not live to enter."""
    assert fit.plan.start == 0.0
    draw = OneDraw("weibull", {name: values[s] for name, values in fit.draws.items()})
    shape, rate = math.exp(draw.values["log_shape"]), math.exp(draw.values["log_rate"])
    above = below = 0.0
    for row, counts in zip(frame.itertuples(), weight.tolist(), strict=True):
        worth = counts * math.exp(rate * row.entered**shape * relative_hazard(draw, row.x, row.y, row.age))
        above += worth * math.exp(-rate * t**shape * relative_hazard(draw, x or row.x, row.y, row.age))
        below += worth
    return above / below


def filled(fit: Fit, cohort: Cohort) -> tuple[pd.DataFrame, np.ndarray]:
    """The patterns that the rows have or may have, with when each entered, and their weights in each draw."""
    return fit.fill_gaps(dataclasses.replace(cohort, covariates=cohort.covariates.assign(entered=cohort.entry)))


def test_curves_are_averaged_over_the_values_drawn(fit: Fit) -> None:
    """In each draw S_a(t) is the mean over patients with that draw's values filled in, by scalar arithmetic."""
    frame, weight = filled(fit, fit.require_cohort("this test"))
    read = estimate(fit, Survival(at=9), by="x").draws.to_numpy().reshape(SIZE, 2)
    alone = estimate(fit, Survival(at=9)).draws.to_numpy().ravel()
    for s in range(SIZE):
        assert alone[s] == pytest.approx(survival_by_hand(fit, s, 9.0, frame, weight[s]), rel=1e-10)
        for index, level in enumerate("ab"):
            assert read[s, index] == pytest.approx(survival_by_hand(fit, s, 9.0, frame, weight[s], level), rel=1e-10)


def test_they_are_right_on_average() -> None:
    """Over many drawings of the gaps the curve is the mean over patients, all there from the start, of S(t) weighted by
    P(value | row)."""
    size = 6000
    fit = repeated(fits.cohort_and_plan(TABLE.assign(start=0.0), FORMULA, **PARTS), size)
    found = estimate(fit, Survival(at=9)).draws.to_numpy().ravel()
    one = {name: values[:1] for name, values in fit.draws.items()}
    candidates, chances = gap_probabilities(fit.plan, one, fit.cohort)
    weight = chances[0] * fit.cohort.weight[candidates.owner]
    expected = survival_by_hand(fit, 0, 9.0, candidates.frame.assign(entered=0.0), weight)
    assert found.std() > 0
    assert abs(found.mean() - expected) < 4.5 * found.std() / math.sqrt(size)


def test_groups_and_estimands_share_the_values_drawn(planned: tuple[Cohort, Plan]) -> None:
    """Every group and every estimand is read from one drawing of the gaps: a group without effect has no difference at all,
    and a median is where the survival of its own draw is 1/2."""
    fit = repeated(planned, 40)
    draws = {**fit.draws, "beta": fit.draws["beta"] * [0.0, 1.0, 1.0, 0.0]}
    null = fits.fit_with(fit.plan, fit.cohort, draws, chains=2)
    for question in (Survival(at=9), Rmst(upto=20), Median(horizon=math.inf)):
        values = estimate(null, question, by="x").draws
        np.testing.assert_allclose(values.sel(x="b"), values.sel(x="a"), rtol=1e-12)
        assert len(np.unique(values.sel(x="a"))) > 1, "the gaps must differ from draw to draw"
    medians = estimate(fit, Median(horizon=math.inf)).draws.to_numpy()
    for chain, draw in ((0, 0), (1, 7), (1, 19)):
        at_median = estimate(fit, Survival(at=float(medians[chain, draw]))).draws.to_numpy()[chain, draw].item()
        assert at_median == pytest.approx(0.5, abs=1e-9)


def test_the_seed_of_the_fit_decides(planned: tuple[Cohort, Plan]) -> None:
    """The same fit read twice, from scratch, gives the same numbers; the same draws under another seed give others."""
    cohort, plan = planned
    draws = draw_from_prior(plan, 200, 3)
    read = [
        estimate(fits.fit_with(plan, cohort, draws, chains=2, seed=seed), Survival(at=9), by="y").draws.to_numpy()
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(read[0], read[1])
    assert (read[0] != read[2]).mean() > 0.5


def test_a_named_population_filters_on_drawn_values(fit: Fit) -> None:
    """Patients belong to a population in the draws in which the value drawn for them does; who is known to belong, always."""
    frame, weight = filled(fit, fit.require_cohort("this test"))
    inside = (frame["x"] == "b").to_numpy()
    read = estimate(fit, Survival(at=9, population="harmed"))
    assert read.population == "harmed"
    found = read.draws.to_numpy().ravel()
    for s in range(SIZE):
        assert found[s] == pytest.approx(survival_by_hand(fit, s, 9.0, frame[inside], weight[s, inside]), rel=1e-10)
    known = TABLE.loc[TABLE["x"] == "b", "count"].sum()
    size = weight[:, inside].sum(axis=1)
    assert (size >= known).all()
    assert (size <= known + TABLE.loc[TABLE["x"].isna(), "count"].sum()).all()
    assert len(np.unique(size)) > 1


def test_the_average_patient_has_known_means(planned: tuple[Cohort, Plan], fit: Fit) -> None:
    """`average` takes each column's mean where it is known and draws nothing, so its column values are 0 after centring."""
    read = estimate(fit, Survival(at=9, population="average")).draws.to_numpy().ravel()
    shape = np.exp(fit.draws["log_shape"])
    np.testing.assert_allclose(read, np.exp(-np.exp(fit.draws["log_rate"]) * 9**shape), rtol=1e-10)
    cohort, plan = planned
    other_seed = fits.fit_with(plan, cohort, fit.draws, chains=2, seed=9)
    np.testing.assert_array_equal(estimate(other_seed, Survival(at=9, population="average")).draws.to_numpy().ravel(), read)


def test_another_cohort_has_its_own_gaps_filled(fit: Fit) -> None:
    """Rows given as population are filled from their own covariates and outcomes; without gaps nothing is drawn."""
    others = TABLE.assign(time=TABLE["time"] + 30.0, event=1 - TABLE["event"])
    cohort = build_cohort(others, fit.analysis, "others.csv")
    read = estimate(fit, Survival(at=9), population=cohort)
    assert read.population == "others.csv"
    frame, weight = filled(fit, cohort)
    found = read.draws.to_numpy().ravel()
    for s in range(SIZE):
        assert found[s] == pytest.approx(survival_by_hand(fit, s, 9.0, frame, weight[s]), rel=1e-10)
    complete = build_cohort(others.dropna(), fit.analysis, "complete.csv")
    one = estimate(fit, Survival(at=9), population=complete).draws.to_numpy().ravel()
    for s in range(SIZE):
        members = others.dropna().rename(columns={"start": "entered"})
        assert one[s] == pytest.approx(survival_by_hand(fit, s, 9.0, members, members["count"].to_numpy(float)), rel=1e-10)


def test_a_gap_where_the_fit_had_none_is_refused(fit: Fit) -> None:
    """A new row with a gap in a covariate that was always known in the fit cannot be filled: row and column are named."""
    cohort, plan = fits.cohort_and_plan(TABLE.assign(y=np.resize(["u", "v"], len(TABLE))), FORMULA, **PARTS)
    known_y = fits.fit_with(plan, cohort, draw_from_prior(plan, SIZE, 3), chains=2)
    others = build_cohort(TABLE.assign(time=TABLE["time"] + 1), plan.analysis, "others.csv")
    with pytest.raises(br.DataError, match="row 4, column 'y' is missing"):
        estimate(known_y, Survival(at=9), population=others)


def test_probabilities_of_missing_values(fit: Fit) -> None:
    """Each gap's levels have the mean over draws of P(level | row), its quantiles, and the mean without the outcome."""
    table = missing_values(fit)
    gaps = [(3, "x"), (4, "y"), (5, "x"), (5, "y"), (6, "x")]
    assert list(table[["row", "variable"]].drop_duplicates().itertuples(index=False, name=None)) == gaps
    by_hand = [OneDraw("weibull", {name: values[s] for name, values in fit.draws.items()}) for s in range(SIZE)]
    for entry in table.itertuples():
        given_all = [draw.chance(entry.row, entry.variable, entry.level)[0] for draw in by_hand]
        alone = [draw.chance(entry.row, entry.variable, entry.level, outcome=False)[0] for draw in by_hand]
        limits = np.quantile(given_all, (0.025, 0.975))
        assert entry.probability == pytest.approx(np.mean(given_all), abs=1e-10)
        assert (entry.lower, entry.upper) == pytest.approx(tuple(limits), abs=1e-10)
        assert entry.from_covariates_alone == pytest.approx(np.mean(alone), abs=1e-10)
    np.testing.assert_allclose(table.groupby(["row", "variable"])["probability"].sum(), 1.0, rtol=1e-12)


def test_without_gaps_there_is_no_missing_value() -> None:
    """The table of a fit to complete data is empty, with its columns, whatever the rule for gaps."""
    cohort, plan = fits.cohort_and_plan(TABLE.dropna(), FORMULA, **PARTS)
    table = missing_values(fits.prior_fit(plan, cohort, size=SIZE))
    assert len(table) == 0
    assert list(table.columns) == ["row", "variable", "level", "probability", "lower", "upper", "from_covariates_alone"]


def test_a_fit_with_gaps_is_read_back(fit: Fit, tmp_path) -> None:
    """A saved fit has its gaps, its covariate model and its draws again, and gives the same curves and probabilities."""
    again = br.load_fit(br.save_fit(fit, tmp_path / "run"))
    assert again.plan == fit.plan
    assert again.fingerprint == fit.fingerprint == again.cohort.fingerprint
    pd.testing.assert_frame_equal(again.cohort.covariates.isna(), fit.cohort.covariates.isna())
    for name in ("gamma", "beta"):
        np.testing.assert_array_equal(again.draws[name], fit.draws[name])
    assert again.tree["posterior"]["logit"].to_numpy().tolist() == fit.plan.covariates.labels
    for question in (Survival(at=(6, 9)), Rmst(upto=20)):
        np.testing.assert_array_equal(estimate(again, question, by="x").draws, estimate(fit, question, by="x").draws)
    pd.testing.assert_frame_equal(missing_values(again), missing_values(fit))


def test_shares_are_read_back(tmp_path) -> None:
    """Under `independent` the shares are in the run folder under their levels, and give the same likelihood."""
    parts = {**PARTS, "model": f'{PARTS["model"]}\ncovariate_model = "independent"'}
    cohort, plan = fits.cohort_and_plan(TABLE, FORMULA, **parts)
    fit = fits.fit_with(plan, cohort, draw_from_prior(plan, SIZE, 3), chains=2)
    again = br.load_fit(br.save_fit(fit, tmp_path / "run"))
    assert again.tree["posterior"]["covariate_level"].to_numpy().tolist() == ["x=a", "x=b", "y=u", "y=v"]
    np.testing.assert_array_equal(again.log_likelihood(again.cohort), fit.log_likelihood(cohort))


def test_without_rows_the_data_are_needed(fit: Fit, tmp_path) -> None:
    """Saved without rows, a fit has no probability of missing values and no standardised curve until the same data are given."""
    folder = br.save_fit(fit, tmp_path / "run", rows=False)
    bare = br.load_fit(folder)
    for question in (lambda: missing_values(bare), lambda: estimate(bare, Survival(at=9))):
        with pytest.raises(FitError, match="needs the analysed rows"):
            question()
    pd.testing.assert_frame_equal(missing_values(br.load_fit(folder, TABLE)), missing_values(fit))
    with pytest.raises(RunFolderError, match="not the ones the fit was made from"):
        br.load_fit(folder, TABLE.assign(x=TABLE["x"].fillna("a")))


def test_a_gap_is_no_text() -> None:
    """Rows with a gap have another fingerprint than rows that say `None`, and a population of `None` does not hold gaps."""
    written = TABLE.assign(x=TABLE["x"].where(TABLE["x"].notna(), "None"))
    cohorts = [fits.cohort_and_plan(frame, "x + age", model=PARTS["model"])[0] for frame in (TABLE, written)]
    assert cohorts[0].fingerprint != cohorts[1].fingerprint
    assert [cohort.mask({"x": ("None",)}).sum() for cohort in cohorts] == [0, 3]
