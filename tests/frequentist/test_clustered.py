"""Robust covariances of Cox: R's on the kidney data, brute force over risk sets, and the jackknife."""

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from r_results import FOLDER, study
from test_kaplan_meier import spells

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist import cox
from bayes_rrmm.frequentist.clustered import score_residuals
from bayes_rrmm.frequentist.risk_sets import risk_sets
from bayes_rrmm.frequentist.rows import as_rows

BOTH = pytest.mark.parametrize("ties", ["efron", "breslow"])


def kidney_patients():
    return pd.read_csv(FOLDER / "data" / "kidney.csv")["patient"].to_numpy()


def small(seed=4, size=60, delayed=0.6):
    time, event, entry, weight = spells(seed, size=size, delayed=delayed)
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, 2)), time, event, entry, weight, rng.integers(0, size // 2, size)


def test_matches_r():
    """Standard errors of the kidney data, two catheters a patient, are those of coxph(..., cluster = patient), ties by Efron."""
    data = study("kidney")
    fit = cox(data.design, data.names, data.time, data.event, cluster=kidney_patients())
    assert fit.clusters == 38
    assert_allclose(np.sqrt(np.diag(fit.covariance)), data.r["frailty"]["robust_cluster_se_of_cox_efron"], rtol=1e-6)
    assert_allclose(fit.coefficients, data.r["cox_efron"]["coef"], rtol=1e-6)


def residuals_one_by_one(design, time, event, entry, weight, beta, ties):
    """Score residuals, event time by event time and row by row, as Therneau and Grambsch define them."""
    found = np.zeros_like(design)
    relative = np.exp(design @ beta)
    for t in np.unique(time[event == 1]):
        inside = ((entry < t) | (entry == 0)) & (time >= t)
        dying = inside & (time == t) & (event == 1)
        deaths = int(weight[dying].sum())
        for k in range(deaths):
            gone = k / deaths if ties == "efron" else 0.0
            share = weight * relative * (inside - gone * dying)
            mean = share @ design / share.sum()
            found[dying] += (design[dying] - mean) / deaths
            jump = relative * (inside - gone * dying) / share.sum()
            found -= jump[:, None] * (design - mean)
    return found


@BOTH
@pytest.mark.parametrize("seed", range(4))
def test_score_residuals_one_by_one(ties, seed):
    """With ties, weights and delayed entry the score residuals are those of a double loop; at the maximum they sum to 0."""
    design, time, event, entry, weight, _ = small(seed)
    fit = cox(design, ["a", "b"], time, event, entry, weight, ties=ties)
    sets = risk_sets(as_rows(time, event, entry, weight))
    found = np.zeros_like(design)
    found[sets.row] = score_residuals(design[sets.row], sets, fit.coefficients, ties)
    assert_allclose(found, residuals_one_by_one(design, time, event, entry, weight, fit.coefficients, ties), atol=1e-10)
    assert_allclose(weight @ found, 0.0, atol=1e-6)


@BOTH
def test_weights_are_rows_of_one_subject(ties):
    """A row of weight w is w rows of its subject."""
    design, time, event, entry, weight, cluster = small()
    copies = np.repeat(np.arange(len(time)), weight.astype(int))
    one = cox(design, ["a", "b"], time, event, entry, weight, ties=ties, cluster=cluster)
    other = cox(design[copies], ["a", "b"], time[copies], event[copies], entry[copies], ties=ties, cluster=cluster[copies])
    assert_allclose(one.covariance, other.covariance, rtol=1e-6)


@BOTH
def test_a_spell_cut_in_two_changes_nothing(ties):
    """Follow-up split at a time, both parts of one subject, has the covariance of the whole: the residuals add up."""
    design, time, event, entry, _, cluster = small()
    cut = 0.5 * (entry + time)
    halves = [np.concatenate(pair) for pair in ((cut, time), (np.zeros_like(event), event), (entry, cut), (cluster, cluster))]
    one = cox(design, ["a", "b"], time, event, entry, ties=ties, cluster=cluster)
    other = cox(np.concatenate([design, design]), ["a", "b"], *halves[:3], ties=ties, cluster=halves[3])
    assert_allclose(one.covariance, other.covariance, rtol=1e-6)


def test_near_the_jackknife():
    """The spread is that of leaving one of 80 subjects out at a time; rows of one subject that fail together widen it."""
    rng = np.random.default_rng(12)
    subject, frailty = np.repeat(np.arange(80), 2), np.repeat(rng.gamma(0.5, 2.0, 80), 2)
    design = np.repeat(rng.normal(size=(80, 1)), 2, axis=0)
    time = rng.exponential(1.0 / frailty)
    event = (time < 3).astype(float)
    everyone = cox(design, ["x"], time, event, cluster=subject)
    left_out = [cox(design[rest], ["x"], time[rest], event[rest]).coefficients[0] for rest in (subject != k for k in range(80))]
    jackknife = math.sqrt(np.sum((np.array(left_out) - everyone.coefficients[0]) ** 2))
    assert jackknife == pytest.approx(math.sqrt(everyone.covariance[0, 0]), rel=0.08)
    independent = cox(design, ["x"], time, event)
    assert everyone.covariance[0, 0] > 1.2 * independent.covariance[0, 0]


def test_a_level_without_events_stays_flagged():
    """A monotone column keeps its infinite estimate; the finite contrast beside it has a robust error."""
    rng = np.random.default_rng(9)
    group = np.repeat([0, 1, 2], 20)
    time, event = rng.exponential(10.0, 60) + 0.1, (group != 0).astype(float)
    design = np.column_stack([group == 1, group == 2]).astype(float)
    fit = cox(design, ["b", "c"], time, event, cluster=np.repeat(np.arange(30), 2))
    assert fit.monotone == ("b", "c")
    estimate, error, lower, upper = fit.contrast([1, -1])
    assert math.isfinite(estimate)
    assert 0 < error < upper - lower


@pytest.mark.parametrize(
    ("cluster", "message"), [(np.arange(5), "give the subject of each of 60 rows"), (np.zeros(60), "names one subject")]
)
def test_what_is_refused(cluster, message):
    """A cluster of the wrong length, or a single one, is an error with the remedy."""
    design, time, event, *_ = small()
    with pytest.raises(DataError, match=message):
        cox(design, ["a", "b"], time, event, cluster=cluster)
