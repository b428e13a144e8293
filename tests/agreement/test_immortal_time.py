"""Immortal time: naive against delayed entry, from data whose survival is known."""

from __future__ import annotations

import math

import fits
import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.agreement import ImmortalTime, compare_with_frequentist, immortal_time
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.estimands import Median, Rmst, Survival
from bayes_rrmm.frequentist import independent_entry, kaplan_meier
from bayes_rrmm.reading import estimate

TRUE_MEDIAN = 40.0
ENTRY = 'entry = "joined"'


def joined_late(size: int = 1500, seed: int = 3) -> pd.DataFrame:
    """Survivors to an entry uniform on 0 to 60, of an exponential whose median is 40; all followed to 200."""
    rng = np.random.default_rng(seed)
    joined, time = rng.uniform(0.1, 60.0, 4 * size), rng.exponential(TRUE_MEDIAN / math.log(2.0), 4 * size)
    alive = np.flatnonzero(time > joined)[:size]
    time, joined = time[alive], joined[alive]
    return pd.DataFrame({"time": np.minimum(time, 200.0), "event": (time < 200).astype(int), "joined": joined})


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return fits.cohort_and_plan(joined_late(), endpoint=ENTRY)[0]


@pytest.fixture(scope="module")
def found(cohort: Cohort) -> ImmortalTime:
    return immortal_time(cohort, at=[12, 60])


def test_naive_survival_is_too_long_and_delayed_entry_is_not(found: ImmortalTime) -> None:
    """The naive interval misses the true median of 40 from above; that of delayed entry holds it."""
    median = found.table.set_index("quantity").loc["median"]
    assert median["naive_lower"] > TRUE_MEDIAN
    assert median["delayed_lower"] <= TRUE_MEDIAN <= median["delayed_upper"]
    survival = found.table[found.table["quantity"] == "survival"].set_index("at")
    true = 0.5 ** (60.0 / TRUE_MEDIAN)
    assert survival.loc[60, "naive_lower"] > true
    assert survival.loc[60, "delayed_lower"] <= true <= survival.loc[60, "delayed_upper"]


def test_numbers_are_those_of_kaplan_meier(found: ImmortalTime, cohort: Cohort) -> None:
    """Both curves, the numbers at risk and the share of immortal time are counted from the rows."""
    delayed = kaplan_meier(cohort.time, cohort.event, cohort.entry)
    assert found.start == delayed.start > 0
    assert tuple(found.table.loc[1, ["delayed", "delayed_lower", "delayed_upper"]]) == delayed.survival_at(12)
    at_12 = found.risk.set_index("time").loc[12]
    assert (at_12["naive"], at_12["delayed"]) == ((cohort.time >= 12).sum(), ((cohort.entry < 12) & (cohort.time >= 12)).sum())
    assert at_12["immortal"] == at_12["naive"] - at_12["delayed"] > 500
    assert found.immortal == pytest.approx(cohort.entry.sum() / cohort.time.sum())
    assert found.test == independent_entry(cohort.time, cohort.event, cohort.entry)


def test_the_words(found: ImmortalTime) -> None:
    """The text says what immortal time is, what it does here, where the curve begins and what the test found."""
    text = str(found)
    assert "they lived to their entry" in text
    assert f"At {found.start:.1f} months 10 are at risk for the first time" in text
    assert "Nothing speaks against it here" in text
    assert max(map(len, text.splitlines())) <= 124
    assert "<pre>" in found._repr_html_()


def test_dependent_entry_is_said() -> None:
    """Where those who enter late live longer, the text says that this speaks against delayed entry."""
    rng = np.random.default_rng(5)
    joined = rng.uniform(0.1, 60.0, 400)
    frame = pd.DataFrame({"time": joined + rng.exponential(2.0 + joined), "event": 1, "joined": joined})
    text = " ".join(str(immortal_time(fits.cohort_and_plan(frame, endpoint=ENTRY)[0])).split())
    assert "Those who enter later live longer: evidence against the assumption of delayed entry" in text


def test_bayesian_numbers_stand_beside(cohort: Cohort) -> None:
    """Two fits, or Estimates of everyone, give the Bayesian columns; the naive one is too long there too."""
    plain, plan = fits.cohort_and_plan(joined_late())
    naive, delayed = fits.laplace_fit(plan, plain), fits.laplace_fit(fits.cohort_and_plan(joined_late(), endpoint=ENTRY)[1], cohort)
    table = immortal_time(cohort, at=[60], naive=naive, delayed=delayed).table
    median = table.iloc[0]
    assert median["naive_bayes_lower"] > TRUE_MEDIAN
    assert median["delayed_bayes"] == pytest.approx(TRUE_MEDIAN, rel=0.1)
    read = (estimate(delayed, Median()), estimate(delayed, Survival(at=(60.0,))))
    other = immortal_time(cohort, at=[60], delayed=read).table
    assert other["delayed_bayes"].tolist() == table["delayed_bayes"].tolist()
    assert other["naive_bayes"].isna().all()
    with pytest.raises(FitError, match="the naive fit has an entry column"):
        immortal_time(cohort, naive=delayed)
    with pytest.raises(FitError, match="medians and survival of everyone, not rmst"):
        immortal_time(cohort, delayed=(estimate(delayed, Rmst(upto=60)),))
    with pytest.raises(FitError, match="leave out given"):
        immortal_time(cohort, delayed=(estimate(delayed, Survival(at=(60.0,), given=12.0)),))


def test_without_delayed_entry_nothing_is_immortal() -> None:
    """A cohort followed from time 0 is refused with the remedy."""
    with pytest.raises(DataError, match="name the column of entry times"):
        immortal_time(fits.cohort_and_plan(joined_late(50))[0])


def test_too_few_at_risk_for_a_curve() -> None:
    """Five patients are never 10 at risk: the text says that there is no curve, and no number is made up."""
    frame = pd.DataFrame({"time": [5.0, 6, 7, 8, 9], "event": 1, "joined": [1.0, 2, 3, 4, 5]})
    found = immortal_time(fits.cohort_and_plan(frame, endpoint=ENTRY)[0])
    assert math.isinf(found.start)
    assert np.isnan(found.table["delayed"]).all()
    assert "Never are 10 at risk" in str(found)


def test_the_agreement_table_tests_delayed_entry(cohort: Cohort) -> None:
    """Every fit with delayed entry has a row with the test of independent entry; a fit without has none."""
    delayed = fits.laplace_fit(fits.cohort_and_plan(joined_late(), endpoint=ENTRY)[1], cohort)
    agreement = compare_with_frequentist(delayed)
    row = agreement.table.set_index("estimand").loc["independent-entry"]
    test = independent_entry(cohort.time, cohort.event, cohort.entry)
    assert (row["frequentist"], row["unit"], row["verdict"], row["reason_code"]) == (test.p, "p", "not-comparable", "test-only")
    assert row["method"].startswith(f"conditional Kendall's tau {test.tau:.3f}")
    assert "Delayed entry independent" in str(agreement)
    plain, plan = fits.cohort_and_plan(joined_late(200))
    assert "independent-entry" not in set(compare_with_frequentist(fits.laplace_fit(plan, plain)).table["estimand"])


def test_spells_of_a_subject_are_no_entries() -> None:
    """Follow-up cut into spells of one subject has the test of the whole, and none where everyone was there from the start."""
    whole = joined_late(120)
    middle = 0.5 * (whole["joined"] + whole["time"])
    who = np.arange(len(whole)).astype(str)
    first = whole.assign(time=middle, event=0, patient=who)
    second = whole.assign(joined=middle, patient=who)
    parts = pd.concat([first, second], ignore_index=True)
    spells = fits.cohort_and_plan(parts, endpoint=f'{ENTRY}\nid = "patient"')[0]
    one = fits.cohort_and_plan(whole, endpoint=ENTRY)[0]
    assert immortal_time(spells).test == immortal_time(one).test
    from_the_start = parts.assign(joined=np.where(parts.index < len(whole), 0.0, parts["joined"]))
    together = fits.cohort_and_plan(from_the_start, endpoint=f'{ENTRY}\nid = "patient"')[0]
    with pytest.raises(DataError, match="nobody"):
        immortal_time(together)
