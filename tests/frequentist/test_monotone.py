import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from r_results import study
from scipy import optimize
from test_kaplan_meier import spells

from bayes_rrmm.frequentist import cox
from bayes_rrmm.frequentist.partial_likelihood import breslow
from bayes_rrmm.frequentist.risk_sets import risk_sets
from bayes_rrmm.frequentist.rows import as_rows

BOTH = pytest.mark.parametrize("ties", ["efron", "breslow"])


def dummies(group, names):
    return (np.asarray(group)[:, None] == np.asarray(names)).astype(float)


@BOTH
def test_no_events_in_the_reference(ties):
    """myeloma_gep_zero: every group with events is infinitely worse than the reference, one without cannot be compared."""
    data = study("myeloma_gep_zero")
    fit = cox(data.design, data.names, data.time, data.event, ties=ties)
    assert fit.monotone == data.names
    assert data.names[-1] == "molecular_groupProliferation"
    assert_allclose(fit.coefficients, [math.inf] * 5 + [math.nan])
    assert np.isnan(fit.covariance).all()
    assert fit.contrast([1, 0, 0, 0, 0, 0]) == (math.inf, math.inf, -math.inf, math.inf)
    assert fit.contrast([0, 0, 0, 0, -1, 1])[0] == -math.inf
    assert math.isfinite(fit.log_likelihood)
    assert fit.log_likelihood > fit.null_log_likelihood


@BOTH
def test_groups_with_events_remain_comparable(ties):
    """Where the reference has no events, a contrast of two groups that have is finite: that of the rows with events."""
    data = study("myeloma_gep_zero")
    fit = cox(data.design, data.names, data.time, data.event, ties=ties)
    kept = np.isin(data.group, np.unique(data.group[data.event == 1]))
    names = [name.removeprefix("molecular_group") for name in data.names[1:5]]
    rest = cox(dummies(data.group[kept], names), names, data.time[kept], data.event[kept], ties=ties)
    assert rest.monotone == ()
    assert_allclose(fit.contrast([-1, 0, 0, 1, 0, 0]), rest.contrast([0, 0, 1, 0]), rtol=1e-7)
    assert fit.log_likelihood == pytest.approx(rest.log_likelihood, rel=1e-10)


@BOTH
def test_no_events_in_one_level(ties):
    """A level without events has hazard ratio 0; the others are as if its rows had not been there."""
    data = study("myeloma_gep")
    event = np.where(data.group == "MAF", 0.0, data.event)
    fit = cox(data.design, data.names, data.time, event, ties=ties)
    there = data.group != "MAF"
    names = [name for name in data.names if name != "molecular_groupMAF"]
    columns = [data.names.index(name) for name in names]
    rest = cox(data.design[there][:, columns], names, data.time[there], event[there], ties=ties)
    assert fit.monotone == ("molecular_groupMAF",)
    assert fit.coefficients[data.names.index("molecular_groupMAF")] == -math.inf
    assert_allclose(fit.coefficients[columns], rest.coefficients, rtol=1e-7)
    assert_allclose(fit.covariance[np.ix_(columns, columns)], rest.covariance, rtol=1e-7)


@BOTH
def test_no_events_in_a_cell_of_two_factors(ties):
    """An interaction whose cell has no events is flagged though each factor has events at both levels."""
    data = study("kidney")
    female, old = data.design[:, 1], (data.design[:, 0] > 0).astype(float)
    event = np.where((female == 1) & (old == 1), 0.0, data.event)
    design = np.column_stack([female, old, female * old])
    fit = cox(design, ["female", "old", "female:old"], data.time, event, ties=ties)
    assert fit.monotone == ("female:old",)
    assert fit.coefficients[2] == -math.inf
    assert np.isfinite(fit.coefficients[:2]).all()


@BOTH
def test_all_die_before_the_others(ties):
    """A group that has died out before anyone else dies is infinitely worse, though both groups have events."""
    fit = cox([[1], [1], [0], [0], [0]], ["early"], [1, 2, 3, 4, 5], [1, 1, 1, 1, 0], ties=ties)
    assert fit.monotone == ("early",)
    assert fit.coefficients[0] == math.inf
    # In the limit only the early ones are at risk at 1 and 2; then 3, 2 and 1 of the others are left.
    assert fit.log_likelihood == pytest.approx(-math.log(2 * 3 * 2))


@BOTH
def test_someone_outranked_for_a_while(ties):
    """In the limit a patient leaves the risk set only while someone stands above him, and still dies once, at his time."""
    time, event, entry = [3, 1, 2, 4], [1, 1, 1, 0], [0, 0, 1.5, 0]
    fit = cox([[1], [1], [2], [0]], ["x"], time, event, entry, ties=ties)
    assert fit.coefficients[0] == math.inf
    assert fit.log_likelihood == pytest.approx(-math.log(2))
    assert fit.null_log_likelihood == pytest.approx(-math.log(3 * 3 * 2))


@BOTH
def test_a_continuous_covariate_in_the_order_of_deaths(ties):
    """A covariate whose largest value at risk always dies next has no finite coefficient."""
    fit = cox([[9.0], [7], [6.5], [2], [1]], ["x"], [1, 2, 3, 4, 5], [1, 1, 1, 1, 0], ties=ties)
    assert fit.monotone == ("x",)
    assert fit.coefficients[0] == math.inf
    assert fit.log_likelihood == pytest.approx(0)


@BOTH
def test_without_events_nothing_is_estimable(ties):
    """Without events every column is flagged and every coefficient NaN: the likelihood is flat."""
    fit = cox([[1, 0], [0, 1], [0, 0]], ["a", "b"], [1, 2, 3], [0, 0, 0], ties=ties)
    assert fit.monotone == ("a", "b")
    assert np.isnan(fit.coefficients).all()
    assert (fit.log_likelihood, fit.null_log_likelihood) == (0, 0)


@BOTH
def test_a_level_gone_before_the_first_event_says_nothing(ties):
    """A level never at risk at an event has no estimate, and the other coefficient is not touched by it."""
    time, event = [4, 5, 6, 7, 8, 1, 2], [1, 1, 1, 1, 0, 0, 0]
    group = np.array(list("ababacc"))
    fit = cox(dummies(group, ["b", "c"]), ["b", "c"], time, event, ties=ties)
    rest = cox(dummies(group[:5], ["b"]), ["b"], time[:5], event[:5], ties=ties)
    assert fit.monotone == ("c",)
    assert math.isnan(fit.coefficients[1])
    assert fit.coefficients[0] == pytest.approx(rest.coefficients[0], rel=1e-7)


def directions_by_all_pairs(design, time, event, entry):
    """0, infinity, minus infinity or NaN for each column, from the constraints of every event and every patient at risk."""
    pairs = [
        design[i] - design[j]
        for i in np.flatnonzero(event)
        for j in np.flatnonzero(((entry < time[i]) | (entry == 0)) & (time >= time[i]))
    ]
    answers = []
    for axis in np.eye(design.shape[1]):
        reach = [
            -optimize.linprog(-sign * axis, A_ub=-np.array(pairs), b_ub=np.zeros(len(pairs)), bounds=(-1, 1)).fun > 1e-6
            for sign in (1, -1)
        ]
        answers.append({(False, False): 0.0, (True, False): math.inf, (False, True): -math.inf}.get(tuple(reach), math.nan))
    return answers


@pytest.mark.parametrize("seed", range(40))
def test_flags_by_all_pairs(seed):
    """On small random data, half with delayed entry, the flags and signs are those of the full linear programme."""
    rng = np.random.default_rng(seed)
    time, event, entry, _ = spells(seed, size=14, delayed=0.5 * (seed % 2))
    event = event * (rng.random(14) < 0.7)
    event[0] = 1.0
    design = np.column_stack([rng.normal(size=14), dummies(np.arange(14) % 4, [1, 2, 3])])
    fit = cox(design, list("abcd"), time, event, entry)
    expected = directions_by_all_pairs(design, time, event, entry)
    assert_allclose(np.where(np.isfinite(fit.coefficients), 0.0, fit.coefficients), expected)
    assert fit.monotone == tuple(np.array(list("abcd"))[~(np.array(expected) == 0)])


def test_those_seeds_show_both_kinds():
    """Some of those random data sets are monotone and some are not, so the test above sees both."""
    flagged = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        time, event, entry, _ = spells(seed, size=14, delayed=0.5 * (seed % 2))
        event = event * (rng.random(14) < 0.7)
        event[0] = 1.0
        design = np.column_stack([rng.normal(size=14), dummies(np.arange(14) % 4, [1, 2, 3])])
        flagged.append(bool(cox(design, list("abcd"), time, event, entry, ties="breslow").monotone))
    assert 5 < sum(flagged) < 35


def test_the_likelihood_approaches_its_limit():
    """Far along the monotone direction Breslow's likelihood comes to the reported limit, from below."""
    data = study("myeloma_gep")
    event = np.where(data.group == "MAF", 0.0, data.event)
    fit = cox(data.design, data.names, data.time, event, ties="breslow")
    sets = risk_sets(as_rows(data.time, event))
    far = [
        breslow(np.where(np.isfinite(fit.coefficients), fit.coefficients, -distance), data.design[sets.row], sets)[0]
        for distance in (2, 10, 30)
    ]
    assert far[0] < far[1] < far[2] <= fit.log_likelihood + 1e-9
    assert far[2] == pytest.approx(fit.log_likelihood, abs=1e-8)
