"""Each rule by which a number is judged, and how numbers are shown."""

from __future__ import annotations

import math

import pytest

from bayes_rrmm.study.row import Answer, Row, judge

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("rule", "published", "value", "word", "agrees"),
    [
        ("interval", Answer(22.0, 18.9, 25.0), 18.9, "inside", True),
        ("interval", Answer(22.0, 18.9, 25.0), 25.1, "outside", False),
        ("interval", Answer(22.0, 18.9, 25.0), INF, "outside", False),
        ("near", Answer(75.0), 82.5, "within 10 %", True),
        ("near", Answer(75.0), 67.5, "within 10 %", True),
        ("near", Answer(75.0), 90.0, "+20 %", False),
        ("near", Answer(75.0), 60.0, "-20 %", False),
        ("near", Answer(75.0), INF, "not reached", False),
        ("not-reached", Answer(INF), INF, "not reached", True),
        ("not-reached", Answer(INF), 80.0, "reached", False),
        ("p", Answer(0.006), 0.049, "same side", True),
        ("p", Answer(0.056), 0.049, "other side", False),
        ("p", Answer(0.283), 0.050, "same side", True),
        ("equal", Answer(82.0), 82.0, "equal", True),
        ("equal", Answer(82.0), 81.0, "differs", False),
        ("interval", Answer(22.0, 18.9, 25.0), NAN, "", None),
    ],
)
def test_rules(rule: str, published: Answer, value: float, word: str, agrees: bool | None) -> None:
    """Inside the interval, within 10 %, same side of 0.05, not reached, equal: limits belong to the range."""
    verdict = judge(rule, published, Answer(value))  # type: ignore[arg-type]
    assert (verdict.word, verdict.agrees) == (word, agrees)


def test_dates_lie_inside_their_window() -> None:
    """A date is judged by the window it carries."""
    assert judge("calendar", Answer(3.0, text="2014-04"), Answer(3.0, 1.0, 3.0, text="2014-04")).agrees
    assert judge("calendar", Answer(3.0, text="2014-04"), Answer(3.5, 1.0, 3.0, text="2014-04")).agrees is False


@pytest.mark.parametrize(
    ("unit", "published", "rule"),
    [
        ("months", Answer(24.0, 21.7, 26.9), "interval"),
        ("months", Answer(75.0), "near"),
        ("months", Answer(INF), "not-reached"),
        ("ratio", Answer(0.4, 0.2, 0.8), "interval"),
        ("p", Answer(0.03), "p"),
        ("patients", Answer(82.0), "equal"),
        ("calendar", Answer(1.0, text="2014-02"), "calendar"),
    ],
)
def test_the_rule_follows_from_what_was_published(unit: str, published: Answer, rule: str) -> None:
    """What was published decides how an answer is judged."""
    assert Row("s", "os", "q", "g", unit, published, Answer()).rule == rule


@pytest.mark.parametrize(
    ("answer", "unit", "shown"),
    [
        (Answer(22.04, 18.96, 25.0), "months", "22.0 [19.0, 25.0]"),
        (Answer(INF, 90.0, INF), "months", "NR [90.0, NR]"),
        (Answer(INF, INF, INF), "months", "NR"),
        (Answer(1.0461, 0.7801, 1.4), "ratio", "1.046 [0.780, 1.400]"),
        (Answer(0.0001), "p", "<0.001"),
        (Answer(257.0), "patients", "257"),
        (Answer(), "months", "-"),
        (Answer(5.0, text="2014-02"), "calendar", "2014-02"),
    ],
)
def test_how_numbers_are_shown(answer: Answer, unit: str, shown: str) -> None:
    """Numbers are rounded by their unit, hazard ratios to the three decimals they are published with."""
    assert answer.shown(unit) == shown
