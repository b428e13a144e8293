import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from r_results import DATASETS, study
from test_kaplan_meier import spells

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist import cox, log_rank


@pytest.mark.parametrize("name", DATASETS)
def test_matches_r(name):
    """Statistic, degrees of freedom and p are survdiff's, or under delayed entry those of coxph's score test."""
    data, r = study(name), study(name).r["logrank"]
    test = log_rank(data.time, data.event, data.group, data.entry)
    assert test.method == ("log-rank" if data.entry is None else "score test of Cox with Breslow ties")
    assert test.degrees_of_freedom == r["df"]
    assert_allclose([test.statistic, test.p], [r["chisq"], r["p"]], rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in DATASETS if "observed" in study(name).r["logrank"]])
def test_observed_and_expected_match_r(name):
    """Observed and expected events by group are survdiff's."""
    data, r = study(name), study(name).r["logrank"]
    test = log_rank(data.time, data.event, data.group)
    of = [list(data.r["km"]["by_group"]).index(group) for group in test.groups]
    assert_allclose(test.observed, np.array(r["observed"])[of], rtol=1e-6)
    assert_allclose(test.expected, np.array(r["expected"])[of], rtol=1e-6)


@pytest.mark.parametrize("delayed", [0.0, 0.7])
@pytest.mark.parametrize("seed", range(4))
def test_weights_count_rows(seed, delayed):
    """A row of weight w is w rows, with and without delayed entry."""
    time, event, entry, weight = spells(seed, delayed=delayed)
    group = np.where(np.arange(len(time)) % 3 == 0, "a", "b")
    copies = np.repeat(np.arange(len(time)), weight.astype(int))
    one = log_rank(time, event, group, entry, weight)
    other = log_rank(time[copies], event[copies], group[copies], entry[copies])
    assert one.method == other.method
    assert_allclose([one.statistic, one.p], [other.statistic, other.p], rtol=1e-9)
    assert_allclose(one.expected, other.expected, rtol=1e-9)
    assert_allclose(np.sum(one.observed), np.sum(weight * event))
    assert_allclose(np.sum(one.expected), np.sum(weight * event))


def test_score_and_wald_agree_in_a_large_sample():
    """Under delayed entry the score test is near the Wald test of the same Cox model."""
    rng = np.random.default_rng(3)
    group = rng.random(4000) < 0.5
    latent = rng.exponential(np.where(group, 10, 12))
    entry = np.where(rng.random(4000) < 0.5, rng.uniform(0.01, 5, 4000), 0.0)
    seen = latent > entry
    group, latent, entry = group[seen], latent[seen], entry[seen]
    test = log_rank(latent, np.ones(len(latent)), group, entry)
    log_hr, error, _, _ = cox(group[:, None], ["g"], latent, np.ones(len(latent)), entry, ties="breslow").contrast([1])
    assert test.statistic == pytest.approx((log_hr / error) ** 2, rel=0.02)


def test_a_group_gone_before_the_first_event_is_not_compared():
    """A group never at risk at an event takes no degree of freedom, as in survdiff (lifelines counts it)."""
    time, event, group = [5, 6, 7, 8, 1, 2], [1, 1, 1, 0, 0, 0], list("aabbcc")
    test = log_rank(time, event, group)
    without = log_rank(time[:4], event[:4], group[:4])
    assert (test.degrees_of_freedom, test.groups) == (1, ("a", "b", "c"))
    assert_allclose([test.statistic, test.p], [without.statistic, without.p], rtol=1e-12)


def test_without_events_there_is_no_test():
    """Without events the statistic and p are NaN, with 0 degrees of freedom."""
    test = log_rank([1, 2], [0, 0], ["a", "b"])
    assert test.degrees_of_freedom == 0
    assert math.isnan(test.statistic)
    assert math.isnan(test.p)


def test_one_group_is_refused():
    """A test of one group is an error that names it."""
    with pytest.raises(DataError, match="one group, 'a'"):
        log_rank([1, 2], [1, 1], ["a", "a"])
