"""A curve of a population is the weighted average of its members' curves, and RMST, median and survival follow from it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import fits
import numpy as np
import pandas as pd
import pytest
from by_hand import FAMILIES, OneDraw

from bayes_rrmm.cohort import build_cohort
from bayes_rrmm.errors import AnalysisError, FitError
from bayes_rrmm.estimands import Median, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import Estimates, estimate

GROUPS = ("a", "b", "c")
INFINITE = float("inf")


def by_group(read: Estimates, group: str) -> np.ndarray:
    """Draws of one group, chains laid end to end; times along the second axis where there are any."""
    chosen = read.draws.sel(group=group)
    return chosen.to_numpy().reshape(-1, *chosen.shape[2:])


@pytest.mark.parametrize("family", FAMILIES)
def test_survival(family: str, mixed_fits: dict[str, Fit], mixed: pd.DataFrame, draws_by_hand: Callable) -> None:
    """S_a(t) is the weighted mean over the analysed rows of S(t) with the group set to a, other covariates as they are."""
    times = (3.0, 12.0, 40.0)
    read = estimate(mixed_fits[family], Survival(at=times), by="group")
    assert (read.unit, read.population, read.by) == ("probability", "cohort", "group")
    for group in GROUPS:
        expected = [[draw.survival(t, mixed, group) for t in times] for draw in draws_by_hand(family)]
        np.testing.assert_allclose(by_group(read, group), expected, rtol=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_rmst(family: str, mixed_fits: dict[str, Fit], mixed: pd.DataFrame, draws_by_hand: Callable) -> None:
    """RMST is the area under the averaged curve, by quadrature."""
    read = estimate(mixed_fits[family], Rmst(upto=40), by="group")
    assert read.unit == "months"
    for group in ("a", "c"):
        expected = [draw.rmst(40.0, mixed, group) for draw in draws_by_hand(family)[:3]]
        np.testing.assert_allclose(by_group(read, group)[:3], expected, rtol=1e-8)


@pytest.mark.parametrize("family", FAMILIES)
def test_median(family: str, mixed_fits: dict[str, Fit], mixed: pd.DataFrame, draws_by_hand: Callable) -> None:
    """The median is where the averaged curve crosses 1/2."""
    read = estimate(mixed_fits[family], Median(horizon=INFINITE), by="group")
    for group in GROUPS:
        expected = [draw.median(mixed, group) for draw in draws_by_hand(family)]
        np.testing.assert_allclose(by_group(read, group), expected, rtol=1e-9)


def test_the_median_is_not_the_average_of_medians(mixed_fit: Fit, mixed: pd.DataFrame, draws_by_hand: Callable) -> None:
    """Averaging the patients' own medians gives something else, by far more than rounding: the test above is not blind to it."""
    read = by_group(estimate(mixed_fit, Median(horizon=INFINITE), by="group"), "b")
    for found, draw in zip(read, draws_by_hand("weibull"), strict=True):
        own = [draw.median(mixed.iloc[[i]], "b") for i in range(len(mixed))]
        assert abs(found - np.average(own, weights=mixed["count"])) > 1e-5 * found


def test_everyone_keeps_their_own_group(mixed_fit: Fit, mixed: pd.DataFrame, draws_by_hand: Callable) -> None:
    """Without `by` there is one curve, of everyone in the group they are in, and no dimension beside the time."""
    read = estimate(mixed_fit, Survival(at=(5, 20)))
    assert read.label_dims == ("time",)
    expected = [[draw.survival(t, mixed) for t in (5.0, 20.0)] for draw in draws_by_hand("weibull")]
    np.testing.assert_allclose(read.draws.to_numpy().reshape(-1, 2), expected, rtol=1e-10)
    assert estimate(mixed_fit, Rmst(upto=20)).label_dims == ()


def test_weights_count(mixed_fit: Fit, mixed: pd.DataFrame, draws_by_hand: Callable) -> None:
    """A member of weight 3 counts three times: ignoring the weights gives other numbers."""
    read = by_group(estimate(mixed_fit, Survival(at=12), by="group"), "a")[:, 0]
    unweighted = [draw.survival(12.0, mixed.assign(count=1), "a") for draw in draws_by_hand("weibull")]
    assert np.min(np.abs(read - unweighted)) > 1e-6


def test_a_patient_of_many_spells_counts_once(mixed: pd.DataFrame) -> None:
    """Where rows are spells of patients, curves are averaged over patients: a man of three spells counts as a woman of one."""
    spells = [
        {"pid": number, "sex": row["sex"], "group": row["group"], "start": start, "time": start + row["time"], "event": 0}
        for number, row in mixed.iterrows()
        for start in np.arange(3 if row["sex"] == "m" else 1) * row["time"]
    ]
    frame = pd.DataFrame(spells)
    frame.loc[~frame["pid"].duplicated(keep="last"), "event"] = mixed["event"].to_numpy()
    cohort, plan = fits.cohort_and_plan(frame, "group + sex", endpoint='entry = "start"\nid = "pid"')
    fit = fits.prior_fit(plan, cohort, size=8)
    once = build_cohort(frame[~frame["pid"].duplicated()], plan.analysis)
    read = estimate(fit, Survival(at=12), by="group")
    np.testing.assert_allclose(read.draws, estimate(fit, Survival(at=12), by="group", population=once).draws, rtol=1e-12)
    assert cohort.patients == len(mixed) == once.patients


def test_a_named_population(mixed_fit: Fit, mixed: pd.DataFrame, draws_by_hand: Callable) -> None:
    """A population named in the analysis averages over its members only, and the estimates say so."""
    women = mixed[mixed["sex"] == "f"]
    read = estimate(mixed_fit, Survival(at=12, population="women"), by="group")
    assert read.population == "women"
    expected = [draw.survival(12.0, women, "b") for draw in draws_by_hand("weibull")]
    np.testing.assert_allclose(by_group(read, "b")[:, 0], expected, rtol=1e-10)


def test_a_cohort_as_population(mixed_fit: Fit, mixed: pd.DataFrame, draws_by_hand: Callable) -> None:
    """Another cohort may be the population: its rows, its weights, under the fit's own centring."""
    others = mixed.iloc[10:30].assign(age=mixed["age"] + 5, time=9.9)
    cohort = build_cohort(others, mixed_fit.analysis, "others.csv")
    read = estimate(mixed_fit, Rmst(upto=30), by="group", population=cohort)
    assert read.population == "others.csv"
    expected = [draw.rmst(30.0, others, "c") for draw in draws_by_hand("weibull")[:2]]
    np.testing.assert_allclose(by_group(read, "c")[:2], expected, rtol=1e-8)


def test_the_analysed_cohort_is_the_cohort(mixed_fit: Fit) -> None:
    """The analysed rows given as a cohort are the population "cohort", so their estimates combine with the default ones."""
    given = estimate(mixed_fit, Rmst(upto=30), by="group", population=mixed_fit.cohort)
    assert given.population == "cohort"
    assert float(np.abs((given - estimate(mixed_fit, Rmst(upto=30), by="group")).draws).max()) == 0.0


@pytest.mark.parametrize("family", FAMILIES)
def test_the_average_patient(family: str, mixed_fits: dict[str, Fit], mixed: pd.DataFrame, draws_by_hand: Callable) -> None:
    """The average patient has the weighted mean of every other covariate column, and a curve of their own."""
    read = estimate(mixed_fits[family], Survival(at=12, population="average"), by="group")
    assert read.population == "average"
    weight = mixed["count"] / mixed["count"].sum()
    for group, expected in zip(GROUPS, _average_survival(draws_by_hand(family), mixed, weight), strict=True):
        np.testing.assert_allclose(by_group(read, group)[:, 0], expected, rtol=1e-10)


def _average_survival(draws: list[OneDraw], mixed: pd.DataFrame, weight: pd.Series) -> list[list[float]]:
    """By group and draw: the mean column of sex enters as a share, which no single patient has."""
    answers = []
    for group in GROUPS:
        men = [draw.log_relative_hazard(group, "m", float(weight @ mixed["age"])) for draw in draws]
        women = [draw.log_relative_hazard(group, "f", float(weight @ mixed["age"])) for draw in draws]
        share = float(weight @ (mixed["sex"] == "m"))
        etas = [share * man + (1 - share) * woman for man, woman in zip(men, women, strict=True)]
        answers.append([math.exp(-d.cumulative_hazard(12.0) * math.exp(eta)) for d, eta in zip(draws, etas, strict=True)])
    return answers


def test_conditional_survival(mixed_fit: Fit, mixed: pd.DataFrame, draws_by_hand: Callable) -> None:
    """S(t | alive at s) is the averaged S(t) over the averaged S(s), not an average of the patients' own ratios."""
    read = estimate(mixed_fit, Survival(at=(20, 30), given=12), by="group")
    assert read.given == 12
    hand = draws_by_hand("weibull")
    expected = [[draw.survival(t, mixed, "c") / draw.survival(12.0, mixed, "c") for t in (20.0, 30.0)] for draw in hand]
    np.testing.assert_allclose(by_group(read, "c"), expected, rtol=1e-10)


def test_unknown_populations_are_refused(mixed_fit: Fit, fit_of: Callable[..., Fit]) -> None:
    """A population that the analysis does not name is refused with the nearest that it does, also without covariates."""
    with pytest.raises(AnalysisError, match=r"population 'womn' is unknown; did you mean 'women'\?"):
        estimate(mixed_fit, Survival(at=12, population="womn"))
    with pytest.raises(AnalysisError, match="population 'women' is unknown"):
        estimate(fit_of("1"), Median(), population="women")


def test_a_population_without_members_is_refused(mixed_fit: Fit, fit_of: Callable[..., Fit]) -> None:
    """Filters that leave nobody are refused, with the number of rows they were applied to."""
    fit = fit_of("group + sex", rest='[populations.nobody]\ngroup = ["z"]')
    with pytest.raises(FitError, match="population 'nobody' has no member among the 50 analysed rows; widen its levels"):
        estimate(fit, Rmst(upto=10, population="nobody"))


def test_a_cohort_read_for_another_analysis_is_refused(mixed_fit: Fit, fit_of: Callable[..., Fit]) -> None:
    """A cohort without one of the covariates cannot stand for the population, and the column is named."""
    with pytest.raises(FitError, match="the population has no column 'age'"):
        estimate(mixed_fit, Rmst(upto=10), population=fit_of("group + sex").cohort)


def test_rows_are_needed_to_standardise(mixed_fit: Fit) -> None:
    """A fit saved without rows says that standardising needs them; hazard ratios do not, nor does a cohort that is given."""
    bare = dataclasses.replace(mixed_fit, cohort=None)
    with pytest.raises(FitError, match="population 'cohort' needs the analysed rows"):
        estimate(bare, Rmst(upto=10), by="group")
    given = estimate(bare, Rmst(upto=10), by="group", population=mixed_fit.cohort)
    np.testing.assert_array_equal(given.draws, estimate(mixed_fit, Rmst(upto=10), by="group").draws)


def test_without_covariates_there_is_one_patient(fit_of: Callable[..., Fit]) -> None:
    """Without covariates everyone has the baseline's curve, rows or no rows."""
    fit = dataclasses.replace(fit_of("1"), cohort=None)
    read = estimate(fit, Survival(at=12)).draws.to_numpy().ravel()
    draws = fit.draws
    np.testing.assert_allclose(read, np.exp(-np.exp(draws["log_rate"]) * 12 ** np.exp(draws["log_shape"])), rtol=1e-12)
