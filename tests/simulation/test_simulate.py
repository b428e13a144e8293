"""Outcomes drawn from a model: they follow its hazard, start after entry, and end with follow-up."""

from __future__ import annotations

from dataclasses import replace

import fits
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_rrmm as br
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.densities import log_likelihood
from bayes_rrmm.hazards import Weibull
from bayes_rrmm.parameters import baseline_of, draw_from_prior, log_relative_hazard
from bayes_rrmm.plan import Plan
from bayes_rrmm.simulate import draw_covariates, event_times, simulate_cohort, simulate_complete, take_rows

BASELINES = {
    "exponential": 'baseline = "exponential"',
    "weibull": 'baseline = "weibull"',
    "piecewise": 'baseline = "piecewise-exponential"\ncuts = [4, 9, 20]',
    "random walk": 'baseline = "piecewise-exponential"\ncuts = [4, 9, 20]\nsmoothing = "random-walk"',
}
PRIORS = "[priors]\nbaseline = { median_survival = 12, upper95 = 30 }"


def planned(frame: pd.DataFrame, baseline: str = "weibull", **parts: str) -> tuple[Cohort, Plan, dict[str, np.ndarray]]:
    """Rows, their plan, and one parameter vector from its prior."""
    cohort, plan = fits.cohort_and_plan(frame, "group + age", model=BASELINES[baseline], rest=PRIORS, **parts)
    return cohort, plan, draw_from_prior(plan, 1, 11)


@pytest.fixture
def late(patients: pd.DataFrame) -> pd.DataFrame:
    """The patients, every second one under observation from month 5 only."""
    entry = np.where(np.arange(len(patients)) % 2, 5.0, 0.0)
    return patients.assign(entry=entry, time=patients["time"] + entry)


@pytest.mark.parametrize("baseline", BASELINES)
def test_the_hazard_spent_is_standard_exponential(late: pd.DataFrame, baseline: str) -> None:
    """H(T) - H(entry) of every simulated event time is a standard exponential: for every baseline, with delayed entry."""
    cohort, plan, draws = planned(late, baseline, endpoint='entry = "entry"')
    rows = take_rows(cohort, np.resize(np.arange(len(cohort)), 4000))
    simulated = simulate_cohort(plan, draws, rows, np.random.default_rng(1), np.full(len(rows), np.inf))
    assert simulated.events == len(rows)
    assert np.all(simulated.time > rows.entry)
    base = baseline_of(plan, draws)
    eta = log_relative_hazard(draws, plan.encoding.design(rows.covariates), plan.encoding.indicators(rows.covariates))
    spent = (base.cumulative_hazard(simulated.time[None]) - base.cumulative_hazard(rows.entry[None])) * np.exp(eta)
    assert stats.kstest(spent[0], "expon").pvalue > 0.01
    np.testing.assert_allclose(spent[0], np.random.default_rng(1).standard_exponential((1, len(rows)))[0], rtol=1e-9)


def test_follow_up_censors(patients: pd.DataFrame) -> None:
    """A row is censored exactly where its event would come after its follow-up, and everything else of it stays."""
    cohort, plan, draws = planned(patients)
    ends = np.resize([3.0, 12.0, 60.0], len(cohort))
    whole = simulate_cohort(plan, draws, cohort, np.random.default_rng(5), np.full(len(cohort), np.inf))
    cut = simulate_cohort(plan, draws, cohort, np.random.default_rng(5), ends)
    np.testing.assert_array_equal(cut.time, np.minimum(whole.time, ends))
    np.testing.assert_array_equal(cut.event, (whole.time <= ends).astype(float))
    assert 0 < cut.events < len(cohort)
    pd.testing.assert_frame_equal(cut.covariates, cohort.covariates)
    assert cut.endpoint == cohort.endpoint
    assert "simulation" in cut.origin


def test_a_seed_gives_one_cohort(patients: pd.DataFrame) -> None:
    """The same generator state gives the same outcomes, another one others."""
    cohort, plan, draws = planned(patients)
    ends = np.full(len(cohort), 40.0)
    first, again, other = (simulate_cohort(plan, draws, cohort, np.random.default_rng(seed), ends) for seed in (1, 1, 2))
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_a_cohort_without_events_has_a_likelihood(patients: pd.DataFrame) -> None:
    """Follow-up that ends before anybody's event leaves a cohort of censored rows, whose likelihood is finite."""
    cohort, plan, draws = planned(patients)
    none = simulate_cohort(plan, draws, cohort, np.random.default_rng(1), np.full(len(cohort), 1e-9))
    assert none.events == 0
    assert np.isfinite(log_likelihood(plan, draws, none)).all()


def test_an_enormous_hazard_still_leaves_a_time_after_entry() -> None:
    """Where the event rounds to the entry itself, exit is the next number after it: no row is without length."""
    entry = np.array([0.0, 5.0, 1000.0])
    steep = Weibull(log_rate=np.array([80.0]), log_shape=np.array([-0.5]))
    times = event_times(steep, np.zeros((1, 3)), entry, np.random.default_rng(1))[0]
    assert np.all(times > entry)
    np.testing.assert_array_equal(times[1:], np.nextafter(entry[1:], np.inf))


def test_rows_are_taken_as_patients(patients: pd.DataFrame) -> None:
    """Rows taken several times, in any order, are so many patients, numbered from 1, each of weight 1."""
    counted = patients.assign(count=3)
    cohort, _, _ = planned(counted, endpoint='weight = "count"')
    taken = take_rows(cohort, np.array([7, 7, 0]))
    assert taken.row_numbers.tolist() == [1, 2, 3]
    assert taken.weight.tolist() == [1.0, 1.0, 1.0]
    np.testing.assert_array_equal(taken.covariates["age"], cohort.covariates["age"].to_numpy()[[7, 7, 0]])
    np.testing.assert_array_equal(taken.time, cohort.time[[7, 7, 0]])


GAPS = 'baseline = "weibull"\nmissing = "marginalise"'


@pytest.fixture
def with_gaps(patients: pd.DataFrame) -> pd.DataFrame:
    """Patients whose sex or stage is not always known; their group always is."""
    sex = np.where(np.arange(len(patients)) % 4 == 1, "", patients["sex"])
    stage = np.where(np.arange(len(patients)) % 5 == 2, "", np.resize(["i", "ii", "iii", "ii", "i", "iii", "iii"], len(patients)))
    return patients.assign(sex=sex, stage=stage)


@pytest.mark.parametrize("kind", ["sequential", "independent"])
def test_marginalised_covariates_come_from_their_model(with_gaps: pd.DataFrame, kind: str) -> None:
    """Covariates with gaps are drawn anew, jointly, as often as their model says given the complete ones, which stay."""
    model = f'{GAPS}\ncovariate_model = "{kind}"'
    cohort, plan = fits.cohort_and_plan(with_gaps, "group + sex + stage", model=model, rest=PRIORS)
    draws = draw_from_prior(plan, 1, 4)
    rows = take_rows(cohort, np.resize(np.arange(6), 12_000))
    drawn = draw_covariates(plan, draws, rows.covariates, np.random.default_rng(1))
    assert drawn["group"].tolist() == rows.covariates["group"].tolist()
    assert drawn.index.equals(rows.covariates.index)
    expected = np.exp(plan.covariates.log_probability(draws, drawn))[0]
    cells = drawn.assign(expected=expected).groupby(["group", "sex", "stage"])["expected"].agg(["size", "first"])
    share = cells["size"] / cells.groupby("group")["size"].transform("sum")
    assert (np.abs(share - cells["first"]) < 4 * np.sqrt(cells["first"] / cells.groupby("group")["size"].transform("sum"))).all()


def test_gaps_are_where_they_were(with_gaps: pd.DataFrame) -> None:
    """A simulated cohort has the gaps of the rows it is made from, and elsewhere the covariates its outcomes were drawn from."""
    cohort, plan = fits.cohort_and_plan(with_gaps, "group + sex + stage", model=GAPS, rest=PRIORS)
    draws, ends = draw_from_prior(plan, 1, 4), np.full(len(cohort), 40.0)
    complete = simulate_complete(plan, draws, cohort, np.random.default_rng(3), ends)
    simulated = simulate_cohort(plan, draws, cohort, np.random.default_rng(3), ends)
    assert complete.is_complete().all()
    gaps = cohort.covariates.isna()
    pd.testing.assert_frame_equal(simulated.covariates.isna(), gaps)
    assert gaps.to_numpy().sum() > 20
    assert (simulated.covariates == complete.covariates).to_numpy()[~gaps.to_numpy()].all()
    np.testing.assert_array_equal(simulated.time, complete.time)
    assert np.isfinite(log_likelihood(plan, draws, simulated)).all()


def test_what_cannot_be_simulated_is_refused(patients: pd.DataFrame) -> None:
    """Several parameter vectors, frequency weights, spells, and follow-up that ends before it begins are errors that say so."""
    cohort, plan, draws = planned(patients)
    rng, ends = np.random.default_rng(1), np.full(len(cohort), 40.0)
    with pytest.raises(br.FitError, match="one parameter vector"):
        simulate_cohort(plan, draw_from_prior(plan, 2, 1), cohort, rng, ends)
    with pytest.raises(br.DataError, match="row 3: its frequency weight is 2"):
        simulate_cohort(plan, draws, replace(cohort, weight=np.where(np.arange(len(cohort)) == 2, 2.0, 1.0)), rng, ends)
    spells = replace(cohort, id=np.resize(np.array(["a", "b"]), len(cohort)))
    with pytest.raises(br.DataError, match="spells"):
        simulate_cohort(plan, draws, spells, rng, ends)
    with pytest.raises(br.DataError, match="spells"):
        take_rows(spells, np.array([0]))
    with pytest.raises(br.DataError, match="row 1: potential follow-up 0 does not end after entry 0"):
        simulate_cohort(plan, draws, cohort, rng, np.zeros(len(cohort)))
    with pytest.raises(br.DataError, match="59 times of follow-up were given for 60 rows"):
        simulate_cohort(plan, draws, cohort, rng, ends[1:])


def test_one_row_an_identifier_is_no_spell(patients: pd.DataFrame) -> None:
    """Identifiers that name one row each do not stand in the way."""
    cohort, plan, draws = planned(patients)
    named = replace(cohort, id=np.array([f"p{index}" for index in range(len(cohort))]))
    assert len(simulate_cohort(plan, draws, named, np.random.default_rng(1), np.full(len(cohort), 9.0))) == len(cohort)
