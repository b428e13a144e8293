import itertools
import math

import numpy as np
import pytest
from r_results import study
from scipy import special, stats
from test_kaplan_meier import spells

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist import log_rank, permutation_log_rank


def by_enumeration(time, event, group, entry):
    """The share of distinct arrangements whose log_rank statistic is as large as the observed one, and their number."""
    observed = log_rank(time, event, group, entry).statistic
    found = []
    for labels in sorted(set(itertools.permutations(group))):
        statistic = log_rank(time, event, labels, entry).statistic
        found.append(0.0 if math.isnan(statistic) else statistic)
    return np.mean(np.array(found) >= observed * (1 - 1e-9)), len(found)


@pytest.mark.parametrize("delayed", [0.0, 0.6])
@pytest.mark.parametrize("group", ["aaabbbbb", "bbaaaaaa", "abcabcaa", "aabbccdd"])
def test_exact_by_enumeration(group, delayed):
    """Two to four groups, ties, delayed entry: p is the share of all arrangements that log_rank itself finds as extreme."""
    time, event, entry, _ = spells(len(set(group)) + 3, size=8, delayed=delayed)
    test = permutation_log_rank(time, event, list(group), entry)
    p, arrangements = by_enumeration(time, event, list(group), entry)
    assert (test.method, test.arrangements, test.error, test.seed) == ("exact", arrangements, 0.0, None)
    assert test.p == pytest.approx(p, rel=1e-12)
    assert test.statistic == pytest.approx(log_rank(time, event, list(group), entry).statistic, rel=1e-12)
    assert test.groups == tuple(sorted(set(group)))


@pytest.mark.parametrize(("sizes", "deaths"), [((5, 6), (4, 1)), ((3, 12), (2, 3)), ((8, 8), (1, 6))])
def test_all_deaths_at_one_time_is_fishers_test(sizes, deaths):
    """All who die do so at once: the deaths of a group are hypergeometric, as in Fisher's exact test."""
    group = np.repeat([0, 1], sizes)
    event = np.concatenate([np.arange(n) < d for n, d in zip(sizes, deaths, strict=True)])
    test = permutation_log_rank(np.where(event, 1.0, 2.0), event, group)
    counts = np.arange(sum(deaths) + 1)
    chance = stats.hypergeom.pmf(counts, sum(sizes), sum(deaths), sizes[0])
    excess = np.abs(counts - sum(deaths) * sizes[0] / sum(sizes))
    assert test.p == pytest.approx(chance[excess >= excess[deaths[0]] - 1e-9].sum(), rel=1e-10)


def test_monte_carlo_is_near_the_exact_p():
    """Draws from several seeds lie within 4 of their standard errors of the exact p, and one seed gives one answer."""
    time, event, entry, _ = spells(2, size=14, delayed=0.4)
    group = np.arange(14) % 2
    exact = permutation_log_rank(time, event, group, entry)
    assert (exact.method, exact.arrangements) == ("exact", math.comb(14, 7))
    draws = [permutation_log_rank(time, event, group, entry, seed=seed, most_arrangements=3431) for seed in range(5)]
    for drawn in draws:
        assert (drawn.method, drawn.arrangements) == ("Monte Carlo", 10_000)
        assert drawn.error == pytest.approx(math.sqrt(drawn.p * (1 - drawn.p) / 10_000), rel=1e-12)
        assert abs(drawn.p - exact.p) < 4 * drawn.error + 1e-4
    again = permutation_log_rank(time, event, group, entry, seed=3, most_arrangements=3431)
    assert (again.p, again.seed) == (draws[3].p, 3)
    assert len({drawn.p for drawn in draws}) > 1


def test_p_of_draws_is_never_0():
    """gehan: of 19 draws none is as extreme as what was seen, and p is 1 in 20."""
    data = study("gehan")
    test = permutation_log_rank(data.time, data.event, data.group, draws=19)
    assert (test.p, test.arrangements, test.seed) == (0.05, 19, 1)


@pytest.mark.parametrize("name", ["aml", "myeloma_gep_tiny"])
def test_large_enough_groups_agree_with_chi_squared(name):
    """In a data set of moderate size the p value is near that of chi-squared."""
    data = study(name)
    test = permutation_log_rank(data.time, data.event, data.group)
    assert test.p == pytest.approx(log_rank(data.time, data.event, data.group).p, abs=0.03)
    assert test.valid


@pytest.mark.parametrize("delayed", [0.0, 0.6])
def test_weights_count_rows(delayed):
    """A row of weight w is w patients, who may fall into different groups."""
    time, event, entry, weight = spells(4, size=7, delayed=delayed)
    group = np.array(list("aababbb"))
    copies = np.repeat(np.arange(7), weight.astype(int))
    one = permutation_log_rank(time, event, group, entry, weight)
    other = permutation_log_rank(time[copies], event[copies], group[copies], entry[copies])
    assert one == other
    assert one.arrangements == math.comb(len(copies), int(weight[group == "a"].sum()))


@pytest.mark.parametrize(("most", "method"), [(100_000, "exact"), (10, "Monte Carlo")])
def test_blocks_do_not_matter(most, method, monkeypatch):
    """Arrangements gone through a few at a time give the p value of all at once."""
    time, event, entry, _ = spells(6, size=9)
    group = list("aaabbbccc")
    whole = permutation_log_rank(time, event, group, entry, draws=500, most_arrangements=most)
    monkeypatch.setattr("bayes_rrmm.frequentist.permutation.BLOCK", 70)
    parts = permutation_log_rank(time, event, group, entry, draws=500, most_arrangements=most)
    assert whole.method == parts.method == method
    assert parts.p == whole.p


def test_different_censoring_is_marked():
    """One group followed half as long: the test is marked invalid and says why; the same follow-up is not."""
    rng = np.random.default_rng(8)
    latent, group = rng.exponential(10, 80), np.arange(80) % 2
    ends = rng.uniform(2, 12, 80)
    for unequal in (False, True):
        end = np.where(group == 1, ends / 3, ends) if unequal else ends
        test = permutation_log_rank(np.minimum(latent, end), latent <= end, group, draws=50)
        assert test.valid is not unequal
        censoring = log_rank(np.minimum(latent, end), latent > end, group)
        words = "censoring differs between the groups" if unequal else "no difference in censoring was found"
        assert test.reason.startswith(f"{words} (log-rank p = {censoring.p:.2g})")


def test_different_entry_is_marked():
    """One group under observation later: marked invalid, with the p value of the entries."""
    rng = np.random.default_rng(3)
    group = np.arange(80) % 2
    entry = np.where(group == 1, rng.uniform(3, 6, 80), rng.uniform(0.1, 3, 80))
    time = entry + rng.exponential(5, 80)
    test = permutation_log_rank(time, np.ones(80), group, entry, draws=50)
    assert not test.valid
    assert test.reason.startswith("entry differs between the groups (log-rank p = ")
    mixed = permutation_log_rank(time, np.ones(80), rng.permutation(group), entry, draws=50)
    assert mixed.valid
    assert "no difference in entry was found" in mixed.reason


def test_level_under_the_null():
    """6 against 14 patients, one hazard and one censoring, 400 trials: p <= 0.05 in at most 5 % of them, up to chance."""
    rng = np.random.default_rng(12)
    group = (np.arange(20) < 3).astype(int)
    found = []
    for _ in range(400):
        latent, end = rng.exponential(1, 20), rng.uniform(0.3, 3, 20)
        found.append(permutation_log_rank(np.minimum(latent, end), latent <= end, group).p)
    for level in (0.05, 0.2):
        hits = sum(p <= level for p in found)
        assert stats.binom.ppf(0.0005, 400, level * 0.8) <= hits <= stats.binom.ppf(0.9995, 400, level)


def test_without_censoring_nothing_can_differ():
    """Nobody censored: valid, and the reason says so."""
    test = permutation_log_rank([1, 2, 3, 4], [1, 1, 1, 1], list("abab"))
    assert (test.valid, test.reason) == (True, "nobody was censored while two groups were at risk")
    assert test.arrangements == special.comb(4, 2, exact=True)


def test_nothing_to_compare():
    """Groups never at risk at one event: NaN after no arrangements, not valid, with the reason."""
    test = permutation_log_rank([1, 2, 5, 6], [0, 0, 1, 1], list("aabb"))
    assert (math.isnan(test.p), test.arrangements, test.valid) == (True, 0, False)
    assert "nothing to compare" in test.reason


def test_what_is_refused():
    """No draws, one group, or a group for other rows is an error."""
    with pytest.raises(DataError, match="0 draws"):
        permutation_log_rank([1, 2], [1, 1], list("ab"), draws=0)
    with pytest.raises(DataError, match="one group, 'a'"):
        permutation_log_rank([1, 2], [1, 1], list("aa"))
    with pytest.raises(DataError, match="give the group of each of 2 rows"):
        permutation_log_rank([1, 2], [1, 1], list("abb"))
