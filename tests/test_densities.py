"""Rows with gaps: their likelihood is the sum over every way to fill them, proved by filling whole tables one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import by_enumeration
import fits
import numpy as np
import pandas as pd
import pytest
from by_enumeration import CUTS, FORMULA, TABLE, OneDraw
from scipy import stats

from bayes_rrmm import densities
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.densities import gap_probabilities, log_covariates, log_density, log_likelihood
from bayes_rrmm.inference.inputs import model_inputs, structure_of
from bayes_rrmm.parameters import draw_from_prior
from bayes_rrmm.plan import Plan

SIZE = 4
EXACT = 1e-10
ENDPOINT = 'entry = "start"\nweight = "count"'
BASELINES = {
    "weibull": ('baseline = "weibull"', "log_rate = { normal = [-3, 1] }\nlog_shape = { normal = [0.1, 0.3] }"),
    "piecewise-exponential": (
        f'baseline = "piecewise-exponential"\ncuts = {list(CUTS)}',
        "log_hazards = { normal = [-3, 1] }",
    ),
}
PRIORS = "x = { normal = [0.2, 0.8] }\ny = { normal = [0, 1.1] }\nage = { normal = [0, 0.05] }\n'x:y' = { normal = [0, 0.6] }"


@dataclass(frozen=True)
class Case:
    """A model, its rows, a few draws, and the same draws in scalar arithmetic."""

    plan: Plan
    cohort: Cohort
    draws: dict[str, np.ndarray]

    @property
    def by_hand(self) -> list[OneDraw]:
        return [OneDraw(self.plan.family, {name: values[s] for name, values in self.draws.items()}) for s in range(SIZE)]


def planned(frame: pd.DataFrame, family: str, missing: str) -> tuple[Cohort, Plan]:
    model, prior = BASELINES[family]
    return fits.cohort_and_plan(
        frame, FORMULA, endpoint=ENDPOINT, model=f"{model}\n{missing}", rest=f"[priors]\n{prior}\n{PRIORS}"
    )


@pytest.fixture(
    scope="module", params=[(family, kind) for family in BASELINES for kind in ("sequential", "independent")], ids="-".join
)
def case(request: pytest.FixtureRequest) -> Case:
    family, kind = request.param
    cohort, plan = planned(TABLE, family, f'missing = "marginalise"\ncovariate_model = "{kind}"')
    return Case(plan, cohort, draw_from_prior(plan, SIZE, 5))


def each(case: Case, number: Callable[[OneDraw], float]) -> np.ndarray:
    return np.array([number(draw) for draw in case.by_hand])


def test_the_likelihood_is_the_sum_over_all_completed_tables(case: Case) -> None:
    """Outcome and covariates together have the likelihood of all 64 completed tables added up."""
    found = log_likelihood(case.plan, case.draws, case.cohort) + log_covariates(case.plan, case.draws, case.cohort)
    np.testing.assert_allclose(found.sum(axis=1), each(case, OneDraw.total), rtol=0, atol=EXACT)


def test_the_covariates_alone_are_the_sum_over_all_completed_tables(case: Case) -> None:
    """P(x_obs) is the probability of the covariates of all 64 completed tables added up."""
    found = log_covariates(case.plan, case.draws, case.cohort).sum(axis=1)
    np.testing.assert_allclose(found, each(case, lambda draw: draw.total(outcome=False)), rtol=0, atol=EXACT)


def test_leave_one_out_takes_the_outcome_given_what_is_known(case: Case) -> None:
    """The pointwise log-likelihood is log P(outcome | x_obs), row by row, P(x_obs) not in it."""
    found = log_likelihood(case.plan, case.draws, case.cohort)
    for s, draw in enumerate(case.by_hand):
        for position, row in enumerate(TABLE.index):
            own = {patient for table in by_enumeration.completed() for patient in table if patient.row == row}
            covariates = [draw.log_covariates(patient) for patient in own]
            joint = [one + draw.log_survival(patient) for one, patient in zip(covariates, own, strict=True)]
            expected = TABLE["count"].loc[row] * (np.logaddexp.reduce(joint) - np.logaddexp.reduce(covariates))
            assert found[s, position] == pytest.approx(expected, abs=EXACT)


def test_the_posterior_density_is_that_times_the_prior(case: Case) -> None:
    """The log-density is the log of the sum over completed tables plus the stated priors, gamma's or the shares' included."""
    prior = stats.norm([0.2, 0, 0, 0], [0.8, 1.1, 0.05, 0.6]).logpdf(case.draws["beta"]).sum(axis=1)
    if case.plan.family == "weibull":
        prior += stats.norm(-3, 1).logpdf(case.draws["log_rate"]) + stats.norm(0.1, 0.3).logpdf(case.draws["log_shape"])
    else:
        prior += stats.norm(-3, 1).logpdf(case.draws["log_hazard"]).sum(axis=1)
    if "gamma" in case.draws:
        prior += stats.norm(0, [1.5, 1, 1.5, 1, 1]).logpdf(case.draws["gamma"]).sum(axis=1)
    else:
        prior += [stats.dirichlet([1, 1]).logpdf(s[:2]) + stats.dirichlet([1, 1]).logpdf(s[2:]) for s in case.draws["share"]]
    found = log_density(case.plan, case.draws, case.cohort)
    np.testing.assert_allclose(found, each(case, OneDraw.total) + prior, rtol=0, atol=EXACT)


@pytest.mark.parametrize("outcome", [True, False])
def test_probabilities_of_missing_values_are_shares_of_completed_tables(case: Case, outcome: bool) -> None:
    """P(value | the row's data), with its outcome or without, is the share of all completed tables that have the value."""
    candidates, chances = gap_probabilities(case.plan, case.draws, case.cohort, with_outcome=outcome)
    assert chances.shape == (SIZE, len(candidates.frame))
    numbers = TABLE.index.to_numpy()[candidates.owner]
    for row, name in ((3, "x"), (4, "y"), (5, "x"), (5, "y"), (6, "x")):
        for level in by_enumeration.LEVELS[name]:
            inside = (numbers == row) & (candidates.frame[name] == level).to_numpy()
            for s, draw in enumerate(case.by_hand):
                for expected in draw.chance(row, name, level, outcome=outcome):
                    assert chances[s, inside].sum() == pytest.approx(expected, abs=EXACT)
    np.testing.assert_allclose(chances[:, numbers == 1], 1.0, rtol=1e-12)


def test_blocks_change_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few rows are held at once, the pointwise log-likelihood is the same."""
    whole = log_likelihood(case.plan, case.draws, case.cohort)
    monkeypatch.setattr(densities, "BLOCK", 1)
    np.testing.assert_allclose(log_likelihood(case.plan, case.draws, case.cohort), whole, rtol=1e-13)


def test_a_row_of_two_is_two_rows(case: Case) -> None:
    """A row of weight 2 with a gap has twice the log-likelihood of one patient: two rows with a gap each, not one gap shared."""
    doubled = TABLE.assign(count=np.where(TABLE.index == 6, 1, TABLE["count"]))
    cohort, _ = planned(pd.concat([doubled, doubled.loc[[6]]], ignore_index=True), case.plan.family, 'missing = "marginalise"')
    np.testing.assert_allclose(
        log_density(case.plan, case.draws, cohort), log_density(case.plan, case.draws, case.cohort), rtol=0, atol=EXACT
    )


def test_refitted_rows_may_have_no_gap(case: Case) -> None:
    """Rows without gaps keep the density of complete data times P(x), and are rows that the compiled model takes."""
    complete = case.cohort.select(case.cohort.is_complete())
    known = [patient for patient in by_enumeration.patients() if patient.x and patient.y]
    expected = each(case, lambda draw: sum(draw.log_survival(one) + draw.log_covariates(one) for one in known))
    found = log_likelihood(case.plan, case.draws, complete) + log_covariates(case.plan, case.draws, complete)
    np.testing.assert_allclose(found.sum(axis=1), expected, rtol=0, atol=EXACT)
    inputs, whole = model_inputs(case.plan, complete), model_inputs(case.plan, case.cohort)
    assert {name: np.ndim(values) for name, values in inputs.items()} == {name: np.ndim(values) for name, values in whole.items()}
    assert inputs["known"].sum() == len(known)


@pytest.mark.parametrize("family", BASELINES)
def test_complete_data_are_as_under_drop(family: str) -> None:
    """Without gaps, `marginalise` has the plan, the structure, the inputs and so the posterior of `drop`, to the last bit."""
    frame = TABLE.dropna()
    (cohort, plan), (_, dropped) = (planned(frame, family, f'missing = "{rule}"') for rule in ("marginalise", "drop"))
    assert plan.to_json() == dropped.to_json()
    assert structure_of(plan) == structure_of(dropped)
    inputs, expected = model_inputs(plan, cohort), model_inputs(dropped, cohort)
    assert inputs.keys() == expected.keys()
    for name, values in inputs.items():
        np.testing.assert_array_equal(values, expected[name])
    draws = draw_from_prior(plan, SIZE, 5)
    np.testing.assert_array_equal(log_density(plan, draws, cohort), log_density(dropped, draws, cohort))
    np.testing.assert_array_equal(log_covariates(plan, draws, cohort), 0.0)
