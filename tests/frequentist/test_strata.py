import math

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.datasets import load_lung
from numpy.testing import assert_allclose
from partial_likelihood_by_hand import factors, log_likelihood, score_and_information
from r_results import study
from test_kaplan_meier import spells

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist import cox, log_rank
from bayes_rrmm.frequentist.clustered import score_residuals
from bayes_rrmm.frequentist.risk_sets import risk_sets
from bayes_rrmm.frequentist.rows import as_rows

BOTH = pytest.mark.parametrize("ties", ["efron", "breslow"])


def case(seed, delayed, strata=3, size=50):
    rng = np.random.default_rng(seed)
    design = np.column_stack([rng.normal(size=size), rng.random(size) < 0.4]).astype(float)
    return design, *spells(seed, size=size, delayed=delayed), rng.integers(0, strata, size)


def test_example_of_r():
    """R's help page of coxph, x + strata(sex): the coefficient, its error and the likelihood-ratio test as R prints them."""
    time, event = [4, 3, 1, 1, 2, 2, 3], [1, 1, 1, 0, 1, 1, 0]
    fit = cox(np.array([[0.0, 2, 1, 1, 1, 0, 0]]).T, ["x"], time, event, strata=[0, 0, 0, 0, 1, 1, 1])
    assert fit.strata == 2
    assert fit.coefficients[0] == pytest.approx(0.8023, abs=5e-5)
    assert math.sqrt(fit.covariance[0, 0]) == pytest.approx(0.8224, abs=5e-5)
    assert 2 * (fit.log_likelihood - fit.null_log_likelihood) == pytest.approx(1.09, abs=5e-3)


@BOTH
@pytest.mark.parametrize("delayed", [0.0, 0.6])
@pytest.mark.parametrize("seed", range(3))
def test_maximum_of_the_likelihood_written_out(seed, delayed, ties):
    """With ties, delayed entry and weights: the score vanishes there, the covariance inverts the information, both values agree."""
    design, *given, strata = case(seed, delayed)
    fit = cox(design, ["a", "b"], *given, ties=ties, strata=strata)
    found = factors(design, *given, strata, ties)
    score, information = score_and_information(fit.coefficients, found)
    errors = np.sqrt(np.diag(fit.covariance))
    assert_allclose(score * errors, 0.0, atol=1e-7)
    assert_allclose(fit.covariance, np.linalg.inv(information), rtol=1e-6, atol=1e-9)
    assert fit.log_likelihood == pytest.approx(log_likelihood(fit.coefficients, found), rel=1e-10)
    assert fit.null_log_likelihood == pytest.approx(log_likelihood(np.zeros(2), found), rel=1e-10)


def test_kidney_by_lifelines():
    """Sex stratified by disease: lifelines' strata give the coefficients, errors and log-likelihood."""
    data = study("kidney")
    disease = np.argmax(data.design[:, 2:], axis=1) + data.design[:, 2:].any(axis=1)
    columns = data.design[:, :2]
    fit = cox(columns, data.names[:2], data.time, data.event, strata=disease)
    names = list(data.names[:2])
    frame = as_frame(columns, names, data.time, data.event, disease)
    other = CoxPHFitter().fit(frame, "time", "event", strata=["stratum"], fit_options={"precision": 1e-14})
    assert fit.strata == 4
    assert_allclose(fit.coefficients, other.params_.loc[names], rtol=1e-6)
    assert_allclose(fit.covariance, other.variance_matrix_.loc[names, names], rtol=1e-6)
    assert fit.log_likelihood == pytest.approx(other.log_likelihood_, rel=1e-9)


def as_frame(columns, names, time, event, stratum):
    return pd.DataFrame(columns, columns=names).assign(time=time, event=event, stratum=stratum)


@BOTH
def test_clusters_in_strata(ties):
    """Lin and Wei's covariance of a stratified model, subjects in several strata: the residuals of each stratum, joined."""
    design, time, event, entry, weight, strata = case(13, 0.5)
    subject = np.arange(50) // 2
    given = (time, event, entry, weight)
    fit = cox(design, ["a", "b"], *given, ties=ties, strata=strata, cluster=subject)
    naive = cox(design, ["a", "b"], *given, ties=ties, strata=strata).covariance
    residuals = np.zeros((50, 2))
    for stratum in range(3):
        here = np.flatnonzero(strata == stratum)
        sets = risk_sets(as_rows(*(values[here] for values in given)))
        residuals[here[sets.row]] = sets.weight[:, None] * score_residuals(design[here][sets.row], sets, fit.coefficients, ties)
    influence = np.array([residuals[subject == s].sum(axis=0) for s in range(25)]) @ naive
    assert (fit.strata, fit.clusters) == (3, 25)
    assert_allclose(fit.covariance, influence.T @ influence, rtol=1e-6, atol=1e-9)


def test_robust_variance_by_lifelines():
    """With a subject a row and no tied times: lifelines' robust standard errors of the stratified model."""
    rng = np.random.default_rng(9)
    columns, stratum = rng.normal(size=(60, 2)), rng.integers(0, 3, 60)
    time, event = rng.permutation(60) + 1.0, (rng.random(60) < 0.7).astype(float)
    fit = cox(columns, ["a", "b"], time, event, strata=stratum, cluster=np.arange(60))
    frame = as_frame(columns, ["a", "b"], time, event, stratum)
    other = CoxPHFitter().fit(frame, "time", "event", strata=["stratum"], robust=True, fit_options={"precision": 1e-14})
    assert_allclose(np.sqrt(np.diag(fit.covariance)), other.standard_errors_.loc[["a", "b"]], rtol=1e-6)


@BOTH
def test_names_and_order_of_strata_do_not_matter(ties):
    """Relabelled strata and shuffled rows give the same model; one stratum is none."""
    design, time, event, entry, weight, strata = case(7, 0.5)
    one = cox(design, ["a", "b"], time, event, entry, weight, ties=ties, strata=strata)
    order = np.random.default_rng(1).permutation(len(time))
    names = np.array(["z", "a", "m"])[strata]
    shuffled = [values[order] for values in (time, event, entry, weight)]
    other = cox(design[order], ["a", "b"], *shuffled, ties=ties, strata=names[order])
    assert_allclose(other.coefficients, one.coefficients, rtol=1e-7)
    assert_allclose(other.covariance, one.covariance, rtol=1e-7)
    single = cox(design, ["a", "b"], time, event, entry, weight, ties=ties, strata=np.zeros(len(time)))
    plain = cox(design, ["a", "b"], time, event, entry, weight, ties=ties)
    assert (single.strata, plain.strata) == (1, 0)
    assert_allclose(single.coefficients, plain.coefficients, rtol=1e-12)


@BOTH
def test_a_column_that_differs_between_strata_only(ties):
    """Its effect is the baseline's, so it is flagged as unknown, and the other coefficient is as if it were not there."""
    design, time, event, entry, weight, strata = case(5, 0.0)
    both = np.column_stack([design[:, 0], strata == 1])
    fit = cox(both, ["a", "second"], time, event, entry, weight, ties=ties, strata=strata)
    alone = cox(design[:, :1], ["a"], time, event, entry, weight, ties=ties, strata=strata)
    assert fit.monotone == ("second",)
    assert math.isnan(fit.coefficients[1])
    assert fit.coefficients[0] == pytest.approx(alone.coefficients[0], rel=1e-7)


@BOTH
def test_monotone_within_strata(ties):
    """In each stratum the larger x dies first, though not between strata: the coefficient is infinite."""
    time, event = np.array([1.0, 2, 3, 4, 5, 6]), np.ones(6)
    x = np.array([3.0, 2, 1, 13, 12, 11])
    assert cox(x[:, None], ["x"], time, event, ties=ties).monotone == ()
    fit = cox(x[:, None], ["x"], time, event, ties=ties, strata=[0, 0, 0, 1, 1, 1])
    assert fit.monotone == ("x",)
    assert fit.coefficients[0] == math.inf


def test_log_rank_of_lung_matches_r():
    """R's help page of survdiff, pat.karno + strata(inst): expected events and the statistic as R prints them."""
    lung = load_lung()[["time", "status", "pat.karno", "inst"]].dropna()
    group = np.char.zfill(lung["pat.karno"].astype(int).to_numpy().astype(str), 3)
    test = log_rank(lung["time"], lung["status"] == lung["status"].max(), group, strata=lung["inst"])
    assert_allclose(test.observed, [1, 1, 4, 27, 31, 38, 38, 21])
    assert_allclose(test.expected, [0.692, 1.099, 1.166, 16.298, 26.358, 41.938, 47.242, 26.207], atol=5e-4)
    assert test.statistic == pytest.approx(21.4, abs=0.05)
    assert (test.degrees_of_freedom, round(test.p, 3), test.method) == (7, 0.003, "log-rank")
    assert test.strata == lung["inst"].nunique()


@pytest.mark.parametrize("delayed", [0.0, 0.6])
@pytest.mark.parametrize("seed", range(3))
def test_log_rank_sums_over_strata(seed, delayed):
    """Observed minus expected events, and their variances, are summed over strata; written out time by time."""
    _, time, event, entry, weight, strata = case(seed, delayed)
    group = np.arange(50) % 3
    excess, variance = np.zeros(3), np.zeros((3, 3))
    for stratum in range(3):
        for t in np.unique(time[(event == 1) & (strata == stratum)]):
            there = (strata == stratum) & (time >= t) & ((entry < t) | (entry == 0))
            dying = there & (time == t) & (event == 1)
            n, d = weight[there].sum(), weight[dying].sum()
            share = np.array([weight[there & (group == g)].sum() for g in range(3)]) / n
            excess += [weight[dying & (group == g)].sum() for g in range(3)] - d * share
            factor = d if delayed else d * (n - d) / max(n - 1, 1)
            variance += factor * (np.diag(share) - np.outer(share, share))
    test = log_rank(time, event, group, entry, weight, strata=strata)
    assert_allclose(test.observed - test.expected, excess, rtol=1e-9, atol=1e-9)
    assert test.statistic == pytest.approx(excess[1:] @ np.linalg.solve(variance[1:, 1:], excess[1:]), rel=1e-9)
    assert test.degrees_of_freedom == 2


def test_log_rank_is_the_score_test_of_the_stratified_model():
    """Without tied times, the statistic is the score statistic at 0 of the Cox model of the groups, stratified."""
    rng = np.random.default_rng(2)
    time, event, strata = rng.permutation(40) + 1.0, (rng.random(40) < 0.7).astype(float), rng.integers(0, 4, 40)
    group = rng.integers(0, 3, 40)
    dummies = (group[:, None] == [1, 2]).astype(float)
    score, information = score_and_information(np.zeros(2), factors(dummies, time, event, strata=strata))
    test = log_rank(time, event, group, strata=strata)
    assert test.statistic == pytest.approx(score @ np.linalg.solve(information, score), rel=1e-10)


def test_groups_that_strata_part_are_not_compared():
    """Two pairs of groups in two strata: two comparisons, not three, and their statistics add. 20 data sets, no rounding counts."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        time, event, strata = rng.integers(1, 20, 60), rng.random(60) < 0.6, np.arange(60) % 2
        group = strata * 2 + rng.integers(0, 2, 60)
        test = log_rank(time, event, group, strata=strata)
        parts = [log_rank(time[strata == s], event[strata == s], group[strata == s]) for s in range(2)]
        assert test.degrees_of_freedom == 2
        assert test.statistic == pytest.approx(sum(part.statistic for part in parts), rel=1e-9)


@pytest.mark.parametrize(
    "call",
    [
        lambda s: cox([[1], [2], [4]], ["x"], [1, 2, 3], [1, 1, 0], strata=s),
        lambda s: log_rank([1, 2, 3], [1, 1, 0], list("aab"), strata=s),
    ],
)
def test_a_stratum_a_row(call):
    """Strata of another shape are an error."""
    with pytest.raises(DataError, match="give the stratum of each of 3 rows"):
        call([1, 2])
