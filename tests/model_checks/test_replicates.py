"""Replicated cohorts: each patient once, followed as long as it might have been, with outcomes of the model's own distribution."""

from __future__ import annotations

import dataclasses

import fits
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.errors import DataError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.model_checks.replicates import each_a_patient, potential_follow_up, replicated_times

REPEATS = 4000


def patients(size: int = 24) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    return pd.DataFrame(
        {
            "time": np.round(rng.exponential(20.0, size) + 12.0, 2),
            "event": np.resize([1, 1, 0], size),
            "start": np.resize([0.0, 6.0, 11.0], size),
            "group": np.resize(["a", "b"], size),
            "sex": np.resize(["f", "f", "m"], size),
            "site": np.resize(["x", "y", "z", "w"], size),
        }
    )


def prior_fit(frame: pd.DataFrame, formula: str = "group", **parts: str) -> Fit:
    cohort, plan = fits.cohort_and_plan(frame, formula, **parts)
    return fits.prior_fit(plan, cohort, size=8)


def times_of_one_draw(fit: Fit, rows: Cohort, draw: int = 3) -> np.ndarray:
    """Replicates that all take the same draw of the posterior, shape (REPEATS, N)."""
    return np.stack(list(replicated_times(fit, rows, np.full(REPEATS, draw), np.random.default_rng(1))))


def test_times_have_the_model_s_distribution_given_entry() -> None:
    """The cumulative hazard from entry to the new time, relative hazard and all, is standard exponential."""
    fit = prior_fit(patients(), endpoint='entry = "start"')
    rows = fit.require_cohort("test")
    times = times_of_one_draw(fit, rows)
    assert (times > rows.entry).all()
    one = {name: values[3:4] for name, values in fit.draws.items()}
    beta = one["beta"] @ fit.plan.encoding.design(rows.covariates).T
    shape = np.exp(one["log_shape"])
    hazard = np.exp(one["log_rate"] + beta) * (times**shape - rows.entry**shape)
    assert stats.kstest(hazard.ravel(), "expon").pvalue > 0.01


def test_a_gap_is_filled_from_its_model_and_not_from_the_outcome() -> None:
    """Survival of a row with a gap is the mixture over its values that leave-one-out takes: weighted by P(value | covariates)."""
    frame = patients()
    frame.loc[::3, "sex"] = None
    fit = prior_fit(frame, "group + sex", model='missing = "marginalise"')
    rows = fit.require_cohort("test")
    kept = np.mean(times_of_one_draw(fit, rows) > rows.time, axis=0)
    censored = dataclasses.replace(rows, event=np.zeros(len(rows)))
    expected = np.exp(fit.log_likelihood(censored)[3])
    error = np.sqrt(expected * (1 - expected) / REPEATS)
    np.testing.assert_array_less(np.abs(kept - expected), 4 * error + 1e-9)


@pytest.mark.parametrize("distribution", ["gamma", "log-normal"])
def test_frailties_are_drawn_anew_once_a_cluster(distribution: str) -> None:
    """A row survives as a member of a new cluster, and two rows of one cluster survive together more often than apart."""
    fit = prior_fit(patients(), model=f'frailty = {{ cluster = "site", distribution = "{distribution}" }}')
    rows = fit.require_cohort("test")
    draw = int(np.argmax(fit.draws["theta" if distribution == "gamma" else "tau[frailty]"]))
    survives = times_of_one_draw(fit, rows, draw) > rows.time
    own = np.arange(len(rows)).astype(str)
    alone = dataclasses.replace(rows, event=np.zeros(len(rows)), cluster=own)
    expected = np.exp(fit.log_likelihood(alone)[draw])
    error = np.sqrt(expected * (1 - expected) / REPEATS)
    np.testing.assert_array_less(np.abs(survives.mean(axis=0) - expected), 4 * error + 1e-9)
    first, mate, other = 0, 4, 1
    together = np.mean(survives[:, first] & survives[:, mate]) - expected[first] * expected[mate]
    apart = np.mean(survives[:, first] & survives[:, other]) - expected[first] * expected[other]
    assert together > 0.02 > abs(apart)


def test_follow_up_is_that_of_the_reverse_kaplan_meier_curve() -> None:
    """By hand: of exits 1c 2e 3c 4c 5e the event at 2 might have been followed to 3, 4 or the last exit, a third each."""
    frame = pd.DataFrame({"time": [1.0, 2.0, 3.0, 4.0, 5.0], "event": [0, 1, 0, 0, 1]})
    rows = fits.cohort_and_plan(frame)[0]
    ends = potential_follow_up(rows, np.zeros(5, dtype=np.int64), 6000, np.random.default_rng(2))
    assert (ends[:, [0, 2, 3]] == rows.time[[0, 2, 3]]).all()
    assert (ends[:, 4] == 5.0).all()
    values, count = np.unique(ends[:, 1], return_counts=True)
    assert values.tolist() == [3.0, 4.0, 5.0]
    np.testing.assert_array_less(np.abs(count / 6000 - 1 / 3), 4 * np.sqrt(2 / 9 / 6000))


def test_follow_up_is_each_stratum_s_own() -> None:
    """An event takes its follow-up from its own stratum only, and the stratum's last where nobody of it is censored."""
    frame = pd.DataFrame({"time": [2.0, 3.0, 2.0, 9.0, 4.0, 8.0], "event": [1, 0, 1, 0, 1, 1]})
    rows = fits.cohort_and_plan(frame)[0]
    ends = potential_follow_up(rows, np.array([0, 0, 1, 1, 2, 2]), 50, np.random.default_rng(3))
    assert (ends == [3.0, 3.0, 9.0, 9.0, 8.0, 8.0]).all()


def test_a_row_of_weight_three_is_three_patients() -> None:
    """Frequency weights become rows."""
    frame = patients(6).assign(count=[1, 3, 1, 2, 1, 1])
    rows = each_a_patient(fits.cohort_and_plan(frame, "group", endpoint='weight = "count"')[0])
    assert len(rows) == 9
    assert (rows.weight == 1).all()
    assert np.sort(rows.time).tolist() == sorted(np.repeat(frame["time"], frame["count"]).tolist())


def test_rows_that_continue_each_other_are_refused() -> None:
    """Spells one after the other are no patients to draw anew; rows of one patient beside each other are."""
    frame = pd.DataFrame({"patient": ["p", "p", "q"], "start": [0.0, 5.0, 0.0], "time": [5.0, 9.0, 7.0], "event": [0, 1, 1]})
    spells = fits.cohort_and_plan(frame, endpoint='entry = "start"\nid = "patient"')[0]
    with pytest.raises(DataError, match="row 2 continues another of the same 'patient'"):
        each_a_patient(spells)
    recurrent = 'frailty = { cluster = "patient", distribution = "gamma" }'
    beside = fits.cohort_and_plan(frame, endpoint='id = "patient"', model=recurrent)[0]
    assert each_a_patient(beside) is beside
