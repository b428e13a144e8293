"""Leaving a patient out by reweighting: exact where it can be known, equal to a refit where Pareto k is low, said where not."""

from __future__ import annotations

import math

import fits
import numpy as np
import pandas as pd

import bayes_rrmm as br
from bayes_rrmm.sensitivity.patients import patients_of, without
from bayes_rrmm.sensitivity.reweighted import reweigh, weighted_quantiles, without_each


def test_a_normal_observation_is_taken_out_exactly() -> None:
    """Of a normal posterior from two normal observations, taking one out gives the posterior of the other and the prior."""
    rng = np.random.default_rng(2)
    precision = 4.0 + 1.0 + 1.0  # a prior of sd 1/2, two observations of sd 1
    draws = rng.normal((0.8 - 0.4) / precision, math.sqrt(1 / precision), 40_000)
    found = reweigh(draws, -0.5 * (draws - 0.8) ** 2, 0.95, 1.0)
    mean, sd = -0.4 / 5.0, math.sqrt(1 / 5.0)
    expected = [mean, mean - 1.96 * sd, mean + 1.96 * sd]
    np.testing.assert_allclose(np.log([found.hr, found.lower, found.upper]), expected, atol=0.02)
    assert found.pareto_k < 0.5


def test_equal_weights_leave_quantiles_alone() -> None:
    """A patient who says nothing changes nothing."""
    draws = np.random.default_rng(3).normal(size=4001)
    np.testing.assert_allclose(weighted_quantiles(draws, np.full(4001, 1 / 4001), [0.5]), [np.median(draws)])
    found = reweigh(draws, np.full(4001, -1.7), 0.95, 1.0)
    assert found.pareto_k == 0.0
    np.testing.assert_allclose(math.log(found.hr), np.median(draws))


def test_reweighting_is_a_refit_where_pareto_k_is_low(patients: pd.DataFrame) -> None:
    """Each patient of a group left out both ways: the medians of log HR agree within 0.1 sd wherever k is below 0.7."""
    cohort, plan = fits.cohort_and_plan(patients, "group")
    fit = fits.laplace_fit(plan, cohort, size=20_000)
    asked = br.HazardRatio("group", "c", versus="a")
    log_hr = np.log(br.estimate(fit, asked).draws.to_numpy()).ravel()
    people = patients_of(cohort, (cohort.covariates["group"] == "c").to_numpy())
    found = without_each(fit, cohort, people, log_hr, 0.95, 1.0)
    low = [(person, item) for person, item in zip(people, found, strict=True) if item.pareto_k <= 0.7]
    assert len(low) >= 10
    for person, item in low[:6]:
        refit = fits.laplace_fit(plan, without(cohort, person), size=20_000)
        expected = np.median(np.log(br.estimate(refit, asked).draws.to_numpy()))
        assert abs(math.log(item.hr) - expected) < 0.1 * log_hr.std(), person.label
