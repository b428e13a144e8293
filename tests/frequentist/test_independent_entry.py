"""Conditional Kendall's tau of entry and exit, by hand, by brute force, and by simulation."""

import math
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from r_results import study
from scipy import stats
from shared import work_of
from test_kaplan_meier import spells

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist import independent_entry
from bayes_rrmm.frequentist.dominance import weight_dominating


def pair_by_pair(time, event, entry):
    """The definition of Martin and Betensky: signs over pairs that overlap and can be ordered, and their number."""
    concordant = pairs = 0
    for i in range(len(time)):
        for j in range(i):
            if max(entry[i], entry[j]) >= min(time[i], time[j]) and max(entry[i], entry[j]) > 0:
                continue
            both = event[i] == event[j] == 1
            if both or (event[i] == 1 and time[i] <= time[j]) or (event[j] == 1 and time[j] <= time[i]):
                tied = time[i] == time[j] and not both  # a death at the time of a censoring comes first
                sign = (1 if event[j] else -1) if tied else np.sign(time[i] - time[j])
                concordant += sign * np.sign(entry[i] - entry[j])
                pairs += 1
    return concordant, pairs


def drawn_from_risk_sets(time, event, entry):
    """Tsai's variance, risk set by risk set: d scores drawn without replacement."""
    variance = 0.0
    for t in np.unique(time[event == 1]):
        inside = entry[((entry < t) | (entry == 0)) & (time >= t)]
        scores = np.array([np.sum(np.sign(inside - own)) for own in inside])
        d, r = np.sum((time == t) & (event == 1)), len(inside)
        if r > 1:
            variance += d * (r - d) / (r - 1) * np.mean(scores**2.0)
    return variance


def test_by_hand():
    """Four patients. Exits 3*, 4, 5*, 6* (* event) with entries 1, 0, 2, 4: worked on paper.

    At 3 three are at risk, entered at 1, 0 and 2: the one who fails (1) has one earlier and one later, score 0. At 5 those entered
    at 2 and 4: the one who fails (2) has score +1. At 6 nobody else is left. So S = 1 of 2 + 1 = 3 pairs. Scores vary by
    (4 + 0 + 4) / 3 at 3 and by 1 at 5: 8/3 + 1 = 11/3.
    """
    found = independent_entry([3, 4, 5, 6], [1, 0, 1, 1], [1, 0, 2, 4])
    assert (found.pairs, found.tau) == (3, pytest.approx(1 / 3))
    assert found.z == pytest.approx(1 / math.sqrt(11 / 3))
    assert found.p == pytest.approx(2 * stats.norm.sf(1 / math.sqrt(11 / 3)))


@pytest.mark.parametrize("seed", range(6))
def test_matches_pair_by_pair(seed):
    """With ties in entry and exit, pairs, sum of signs and variance are those of the definitions, taken pair by pair."""
    time, event, entry, _ = spells(seed, size=70, delayed=0.7)
    found = independent_entry(time, event, entry)
    concordant, pairs = pair_by_pair(time, event, entry)
    assert found.pairs == pairs > 100
    assert found.tau == pytest.approx(concordant / pairs, abs=1e-12)
    assert found.z == pytest.approx(concordant / math.sqrt(drawn_from_risk_sets(time, event, entry)), rel=1e-12)


def test_weights_count_rows():
    """A row of weight w is w rows."""
    time, event, entry, weight = spells(3, size=60, delayed=0.7)
    copies = np.repeat(np.arange(60), weight.astype(int))
    one, other = independent_entry(time, event, entry, weight), independent_entry(time[copies], event[copies], entry[copies])
    assert_allclose([one.tau, one.z, one.p, one.pairs], [other.tau, other.z, other.p, other.pairs], rtol=1e-12)


def left_truncated(rng, size, dependence):
    """Survivors to an entry that is drawn with the time (`dependence` is their correlation on the normal scale)."""
    noise = rng.multivariate_normal([0, 0], [[1, dependence], [dependence, 1]], 10 * size)
    entry, time = 20 * stats.norm.cdf(noise[:, 0]), -30 * np.log(stats.norm.sf(noise[:, 1]))
    entry, time = (values[time > entry][:size] for values in (entry, time))
    censored = entry + rng.exponential(60.0, size)
    return np.minimum(time, censored), (time <= censored).astype(float), entry


def test_size_under_independence():
    """Where entry is independent of the time, z is standard normal: of 400 samples about 5 % lie beyond 1.96."""
    rng = np.random.default_rng(20260311)
    z = np.array([independent_entry(*left_truncated(rng, 60, 0.0)).z for _ in range(400)])
    assert 0.025 <= np.mean(np.abs(z) > 1.959964) <= 0.08
    assert abs(np.mean(z)) < 4 / math.sqrt(400)
    assert abs(np.std(z) - 1) < 4 / math.sqrt(800)


@pytest.mark.parametrize("dependence", [0.6, -0.6])
def test_power_and_sign_under_dependence(dependence):
    """Later entry with later exit is a positive tau, with earlier exit a negative one; 400 patients show it."""
    found = independent_entry(*left_truncated(np.random.default_rng(7), 400, dependence))
    assert np.sign(found.tau) == np.sign(dependence)
    assert found.p < 1e-3


def test_of_the_mayo_cohort():
    """3,882 patients, nearly all entering after diagnosis: tau, p and the pairs are possible ones."""
    data = study("myeloma_mayo")
    found = independent_entry(*data.endpoint())
    deaths = np.unique(data.time[data.event == 1])
    inside = [np.sum(((data.entry < t) | (data.entry == 0)) & (data.time >= t)) for t in deaths]
    assert found.pairs >= np.sum(np.array(inside) - 1)
    assert -1 < found.tau < 1
    assert 0 <= found.p <= 1


def test_pairs_are_counted_and_not_gone_through():
    """Four times the patients, sixteen times the pairs: steps grow with the logarithm, less than one a patient, and memory as the
    patients do (a matrix of pairs would take sixteen times as much)."""
    columns = study("myeloma_mayo").endpoint()
    quarter = [column[::4] for column in columns]
    some, all_of_them = (work_of(partial(independent_entry, *rows)) for rows in (quarter, columns))
    assert all_of_them.steps - some.steps < 0.75 * len(columns[0])
    assert all_of_them.memory < 5 * some.memory


def test_everyone_from_the_start_has_no_test():
    """Where all entered at one time, or no pair can be ordered, there is nothing to test."""
    together = independent_entry([1, 2, 3], [1, 1, 0], [0, 0, 0])
    assert together.tau == 0
    assert math.isnan(together.z)
    assert math.isnan(together.p)
    alone = independent_entry([2, 5], [1, 1], [1, 3])
    assert alone.pairs == 0
    assert math.isnan(alone.tau)


def test_exit_before_entry_is_refused():
    """The rules of every endpoint hold here too."""
    with pytest.raises(DataError, match="must come after the entry"):
        independent_entry([2, 5], [1, 1], [3, 3])


def test_weight_dominating_by_brute_force():
    """Counts of points below in one coordinate and not below in the other are those of a double loop."""
    rng = np.random.default_rng(2)
    codes, values, weight = rng.integers(0, 9, 80), rng.integers(0, 12, 80).astype(float), rng.integers(1, 4, 80).astype(float)
    below, least = rng.integers(0, 10, 50), rng.integers(-1, 14, 50).astype(float)
    brute = [np.sum(weight[(codes < b) & (values >= v)]) for b, v in zip(below, least, strict=True)]
    assert_allclose(weight_dominating(codes, values, weight, below, least), brute)
