"""Published hazard ratios against their own intervals and p values."""

from __future__ import annotations

import math

import pytest

from bayes_rrmm.evidence.consistency import check_consistency, every_hazard_ratio
from bayes_rrmm.published_record import Published, WithHazardRatio


def test_the_abstract_is_consistent(published: Published) -> None:
    """Every hazard ratio of the abstract is the middle of its interval and has the p value that the interval implies."""
    found = every_hazard_ratio(published)
    assert [check.problems for check in found] == [(), (), ()]
    assert [round(check.p, 3) for check in found] == [0.764, 0.012, 0.056]
    assert [round(check.centre, 3) for check in found] == [1.046, 0.421, 0.382]


def test_what_an_interval_implies(published: Published) -> None:
    """The interval 0.780 to 1.403 has a standard error of 0.150, which takes about 178 events."""
    check = check_consistency("pfs1 against pfs2", published.hazard_ratio[0])
    assert check.se == pytest.approx(math.log(1.403 / 0.780) / 3.919928)
    assert (round(check.se, 3), round(check.events)) == (0.150, 178)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"hr": 0.5, "ci": (0.214, 0.829)}, "centred at 0.421"),
        ({"hr": 0.421, "ci": (0.214, 0.829), "p": 0.02}, "implies p = 0.012, and p = 0.02 is published"),
        ({"hr": 0.421, "ci": (0.214, 0.829), "p": 0.3}, "implies p = 0.012"),
        ({"hr": 0.421, "ci": (0.214, 0.829), "p_below": 0.001}, "and p < 0.001 is published"),
    ],
)
def test_a_misprint_is_found(numbers: dict[str, object], message: str) -> None:
    """A point estimate off the middle of its interval, or a p value that the interval excludes, is named."""
    assert message in " ".join(check_consistency("a term", WithHazardRatio.model_validate(numbers)).problems)


def test_rounding_is_no_inconsistency() -> None:
    """Numbers rounded to two decimals are allowed their rounding, and a bound that holds is no problem."""
    for numbers in ({"hr": 0.25, "ci": (0.11, 0.55), "p": 0.001}, {"hr": 0.25, "ci": (0.11, 0.55), "p_below": 0.01}):
        assert check_consistency("a term", WithHazardRatio.model_validate(numbers)).problems == ()


def test_without_an_interval_nothing_is_implied() -> None:
    """A hazard ratio alone has nothing to be checked against."""
    check = check_consistency("a term", WithHazardRatio(hr=0.5))
    assert check.problems == ()
    assert math.isnan(check.se)
