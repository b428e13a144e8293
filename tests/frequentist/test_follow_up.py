"""Median follow-up by reverse Kaplan-Meier."""

import math

import pytest
from r_results import DATASETS, study

from bayes_rrmm.frequentist import median_follow_up


@pytest.mark.parametrize(("interval", "limits"), [("log-log", "ci_loglog"), ("log", "ci_log")])
@pytest.mark.parametrize("name", DATASETS)
def test_matches_r(name, interval, limits):
    """Median and limits of either type are those of R's survfit of the time to censoring, delayed entry or not."""
    data, r = study(name), study(name).r["reverse_km"]
    found = median_follow_up(*data.endpoint(), interval=interval)
    expected = [math.inf if value is None else value for value in (r["median"], *r[limits])]
    if name == "myeloma_gep_zero":
        # All leave at 4 months: R knows no limits of a curve that is 0, and its lower limit is 0 whatever the interval.
        expected[1] = 4
    assert found == pytest.approx(expected, rel=1e-9)


def test_nobody_censored_is_not_reached():
    """Where everyone has the event, how long they would have been followed is unknown."""
    assert median_follow_up([1, 2, 3], [1, 1, 1])[0] == math.inf


def test_by_hand():
    """Exits 1+, 2, 3+, 4+ (+ censored): 3/4, then 3/8 after 3, so the median follow-up is 3."""
    assert median_follow_up([1, 2, 3, 4], [0, 1, 0, 0])[0] == 3
