import math

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from numpy.testing import assert_allclose, assert_array_equal
from r_results import DATASETS, curves, study

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist import at_risk, kaplan_meier

TOLERANCE = {"rtol": 1e-6, "atol": 1e-9}


def or_infinity(value):
    return math.inf if value is None else value


def spells(seed, size=30, delayed=0.6):
    """Random follow-up with ties among entries and exits, and whole weights."""
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 15, size).astype(float)
    event = (rng.random(size) < 0.6).astype(float)
    late = rng.random(size) < delayed
    entry = np.where(late, np.maximum(0, time - rng.integers(1, 6, size)), 0.0)
    weight = rng.integers(1, 4, size).astype(float)
    return time, event, entry, weight


@pytest.mark.parametrize(("name", "group"), curves())
def test_curve_matches_r(name, group):
    """Rows, events, follow-up, S(t) and its log-log interval at the landmarks are R's survfit's."""
    data, r = study(name), study(name).kaplan_meier(group)
    curve = kaplan_meier(*data.endpoint(data.of(group)), label=group)
    assert (curve.label, curve.rows, curve.events, curve.last_follow_up) == (group, r["n"], r["events"], r["max_time"])
    assert (curve.start, curve.interval, curve.prob) == (0.0, "log-log", 0.95)
    for i, t in enumerate(r["landmarks"]["time"]):
        estimate, lower, upper = curve.survival_at(t)
        expected = r["landmarks"]["surv"][i], r["ci_log-log"]["surv_lower"][i], r["ci_log-log"]["surv_upper"][i]
        if expected == (1, None, None):
            # R: no interval at S = 1 once its curve has a point there (a censoring), though [1, 1] before; ours is [1, 1].
            expected = 1, 1, 1
        assert_allclose((estimate, lower, upper), [math.nan if value is None else value for value in expected], **TOLERANCE)


@pytest.mark.parametrize(("name", "group"), curves())
def test_median_matches_r(name, group):
    """The median is the first time with S <= 1/2 and its limits invert the log-log interval, as R's do."""
    data, r = study(name), study(name).kaplan_meier(group)
    expected = (r["median_first_time_S_le_half"], *r["ci_log-log"]["median"])
    assert_allclose(kaplan_meier(*data.endpoint(data.of(group))).median(), [or_infinity(value) for value in expected], **TOLERANCE)


@pytest.mark.parametrize(("name", "group"), curves())
def test_restricted_mean_matches_r(name, group):
    """RMST and its standard error are R's; beyond the follow-up R extends the last S, and ours is not known."""
    data, r = study(name), study(name).kaplan_meier(group)
    curve = kaplan_meier(*data.endpoint(data.of(group)))
    horizon, mean = r["rmst"]["horizon"], r["rmst"]["rmean"]
    last = curve.survival[-1] if len(curve.survival) else 1.0
    if r["horizon_beyond_followup"] and last > 0:
        assert np.isnan(curve.rmst(horizon)).all()
        extended = curve.rmst(curve.last_follow_up)[0] + last * (horizon - curve.last_follow_up)
        assert_allclose(extended, mean, **TOLERANCE)
    else:
        assert_allclose(curve.rmst(horizon), (mean, r["rmst"]["se"]), **TOLERANCE)


@pytest.mark.parametrize(("name", "group"), curves())
def test_number_at_risk_matches_r(name, group):
    """Numbers at risk are R's, which gives at t the number at the next exit: under delayed entry some enter in between."""
    data, r = study(name), study(name).kaplan_meier(group)
    time, _, entry = data.endpoint(data.of(group))
    seen = [(t, n) for t, n in zip(r["landmarks"]["time"], r["landmarks"]["n_risk"], strict=True) if t <= r["max_time"]]
    next_exit = [np.min(time[time >= t]) for t, _ in seen]
    assert_array_equal(at_risk(next_exit, time, entry), [n for _, n in seen])


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "myeloma_gep_zero"])
def test_reverse_curve_matches_r(name):
    """Median follow-up, the Kaplan-Meier median of the censoring times, is R's with its log-log interval."""
    data = study(name)
    reverse = kaplan_meier(data.time, 1 - data.event, data.entry).median()
    r = data.r["reverse_km"]
    assert_allclose(reverse, [or_infinity(value) for value in (r["median"], *r["ci_loglog"])], **TOLERANCE)


def test_reverse_curve_of_one_censoring_time():
    """Where S falls from above 1/2 to 0 at once the lower limit is that time (R: none), and the upper is not reached."""
    data = study("myeloma_gep_zero")
    assert data.r["reverse_km"] | {"call": ""} == {"call": "", "median": 4, "ci_loglog": [None, None], "ci_log": [None, None]}
    assert kaplan_meier(data.time, 1 - data.event).median() == (4.0, 4.0, math.inf)


@pytest.mark.parametrize("size", range(2, 60))
def test_median_where_the_curve_is_one_half(size):
    """Rounding does not move the median to the next event (with 6 patients lifelines says 4, not 3)."""
    assert kaplan_meier(np.arange(1, size + 1), np.ones(size)).median()[0] == math.ceil(size / 2)


def test_restricted_mean_without_censoring_is_a_mean():
    """Without censoring the RMST is the mean of min(T, upto), and its squared standard error their variance over n."""
    time = np.random.default_rng(4).exponential(20, 57)
    restricted = np.minimum(time, 25.0)
    expected = restricted.mean(), restricted.std() / math.sqrt(len(time))
    assert_allclose(kaplan_meier(time, np.ones(57)).rmst(25.0), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_weights_count_rows(seed):
    """A row of weight w is w rows: curve, limits, numbers at risk, median and RMST are those of the replicated rows."""
    time, event, entry, weight = spells(seed)
    copies = np.repeat(np.arange(len(time)), weight.astype(int))
    one = kaplan_meier(time, event, entry, weight)
    other = kaplan_meier(time[copies], event[copies], entry[copies])
    assert (one.rows, one.events, one.start, one.median()) == (other.rows, other.events, other.start, other.median())
    for field in ("time", "survival", "lower", "upper", "at_risk", "deaths"):
        assert_allclose(getattr(one, field), getattr(other, field), rtol=1e-12, err_msg=field)
    assert_allclose(one.rmst(one.last_follow_up), other.rmst(one.last_follow_up), rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_at_risk_by_brute_force(seed):
    """At risk at t are those with entry < t <= exit; at t = 0 those with entry 0."""
    time, _, entry, weight = spells(seed)
    times = np.arange(0, 17, 0.5)
    counted = [sum(w for t, e, w in zip(time, entry, weight, strict=True) if (e < at or e == at == 0) and at <= t) for at in times]
    assert_array_equal(at_risk(times, time, entry, weight), counted)


def test_an_entry_at_an_event_time_is_not_yet_at_risk():
    """A patient who enters at the time of an event does not count at it (lifelines' own table counts one)."""
    curve = kaplan_meier([2, 3, 4], [1, 1, 1], [0, 0, 2], fewest_at_risk=1)
    assert_allclose(curve.survival, [0.5, 0.25, 0.0])
    assert_array_equal(curve.at_risk, [2, 2, 1])
    table = KaplanMeierFitter().fit([2, 3, 4], [1, 1, 1], entry=[0, 0, 2]).event_table
    assert table.loc[2.0, "at_risk"] == 3


@pytest.mark.parametrize("seed", range(8))
def test_delayed_entry_starts_where_enough_are_at_risk(seed):
    """The curve starts at the first time right after which 10 are at risk, and is the product over deaths after it."""
    time, event, entry, weight = spells(seed, size=24, delayed=0.95)
    curve = kaplan_meier(time, event, entry, weight)
    present = [float(np.sum(weight[(entry <= s) & (time > s)])) for s in range(16)]
    assert max(present) >= 10
    assert curve.start == next(s for s, count in enumerate(present) if count >= 10)
    survival = 1.0
    for t, given in zip(curve.time, curve.survival, strict=True):
        exposed = np.sum(weight[((entry < t) | (entry == 0)) & (time >= t)])
        survival *= 1 - np.sum(weight[(time == t) & (event == 1)]) / exposed
        assert given == pytest.approx(survival, abs=1e-12)
    after = time > curve.start
    assert curve.start == 0 or (curve.time > curve.start).all()
    assert curve.rows == np.sum(weight[after & (entry < curve.last_follow_up)])
    assert np.isnan(curve.survival_at(curve.start - 0.5)).all()
    assert curve.survival_at(curve.start)[0] == 1.0


def test_some_seeds_start_late():
    """The rule of ten moves the start of some of those random curves, so the test above sees both cases."""
    starts = {kaplan_meier(*spells(seed, size=24, delayed=0.95)).start for seed in range(8)}
    assert min(starts) == 0
    assert max(starts) > 0


def test_nothing_is_known_where_too_few_are_at_risk():
    """With delayed entry and never 10 at risk there is no curve: every answer is NaN, and none is "not reached"."""
    curve = kaplan_meier([5, 8, 9], [1, 0, 1], [0, 2, 3])
    assert (curve.start, curve.rows, curve.events) == (math.inf, 0, 0)
    assert np.isnan([*curve.survival_at(4), *curve.median(), *curve.rmst(6)]).all()


def test_nine_patients_without_delayed_entry_have_a_curve():
    """The rule of ten is for delayed entry: a small group seen from time 0 has its whole curve."""
    assert kaplan_meier(np.arange(1, 10), np.ones(9)).median()[0] == 5


def test_curve_ends_where_the_risk_set_empties():
    """Between the last exit and a later first entry nobody is seen: the curve ends there (lifelines refuses, R goes on)."""
    curve = kaplan_meier([2, 3, 9, 10], [1, 0, 1, 1], [0, 0, 6, 6], fewest_at_risk=2)
    assert (curve.rows, curve.last_follow_up) == (2, 3)
    assert_allclose(curve.survival, [0.5])
    assert np.isnan(curve.survival_at(9)).all()


def test_beyond_the_last_follow_up():
    """S is not known after the last follow-up, unless everyone has died: then it is 0, without an interval."""
    censored = kaplan_meier([1, 2, 3], [1, 1, 0])
    assert np.isnan([*censored.survival_at(3.1), *censored.rmst(3.1)]).all()
    died = kaplan_meier([1, 2, 3], [1, 1, 1])
    estimate, lower, upper = died.survival_at(10)
    assert estimate == 0
    assert np.isnan([lower, upper]).all()
    assert died.rmst(10) == died.rmst(3)


def test_no_events():
    """Without events S is 1 while someone is seen, the median is not reached, and the RMST is the horizon."""
    curve = kaplan_meier([3, 4], [0, 0])
    assert curve.survival_at(2) == (1, 1, 1)
    assert curve.median() == (math.inf, math.inf, math.inf)
    assert curve.rmst(4) == (4, 0)


def test_probability_of_the_interval():
    """`prob` is the interval's: at 50 % it lies inside that at 95 %."""
    narrow, wide = (kaplan_meier([1, 2, 3, 4], [1, 1, 0, 1], prob=prob).survival_at(2) for prob in (0.5, 0.95))
    assert wide[1] < narrow[1] < narrow[0] < narrow[2] < wide[2]


def test_numpy_goes_on_warning():
    """lifelines switches NumPy's warnings off for the whole process; fitting a curve leaves them as they were."""
    with np.errstate(invalid="warn", divide="warn"):
        kaplan_meier([1, 2, 3], [1, 1, 1])
        assert (np.geterr()["invalid"], np.geterr()["divide"]) == ("warn", "warn")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([], []), "no rows"),
        (([1, 2], [1]), "'event' has shape"),
        (([1, math.nan], [1, 1]), "row 2, 'time'"),
        (([1, 2], [1, 2]), "row 2, 'event' is 2"),
        (([-1, 2], [1, 1]), "row 1, 'time' is -1"),
        (([1, 2], [1, 1], [0, 2]), "row 2, 'time' is 2: it must come after the entry"),
        (([1, 2], [1, 1], [-1, 0]), "row 1, 'entry'"),
        (([1, 2], [1, 1], [0, 0], [1, 0.5]), "row 2, 'weight' is 0.5"),
    ],
)
def test_what_is_refused(columns, message):
    """A broken rule is an error that names the row, the column and the value."""
    with pytest.raises(DataError, match=message):
        kaplan_meier(*columns)


def test_one_common_entry_is_no_thin_risk_set() -> None:
    """Five rows that all enter at a landmark of 6 have the curve of times counted from it, however few they are."""
    time, event = np.array([1.0, 2.0, 4.0, 7.0, 9.0]), np.array([1.0, 0.0, 1.0, 1.0, 0.0])
    late, plain = kaplan_meier(time + 6, event, np.full(5, 6.0)), kaplan_meier(time, event)
    assert late.start == 6.0
    np.testing.assert_array_equal(late.time, plain.time + 6)
    np.testing.assert_allclose(late.survival, plain.survival, rtol=1e-12)
    np.testing.assert_allclose(late.lower, plain.lower, rtol=1e-12)
