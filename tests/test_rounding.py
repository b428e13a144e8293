"""One rule of rounding: counts, percentages, diagnostics and the data's own numbers."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

import bayes_rrmm
from bayes_rrmm.rounding import interval_words, measure_of, percent_of, prob_words, spread_figure_of


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(1, 3, "33.3"), (0, 3, "0.0"), (3, 3, "100.0"), (1, 5000, "<0.1"), (4999, 5000, ">99.9"), (0, 0, "-"), (1, 1000, "0.1")],
)
def test_percentages(part: float, whole: float, text: str) -> None:
    """One decimal; 0.0 only of nobody, 100.0 only of everyone, nothing of nobody at all."""
    assert percent_of(part, whole) == text


@pytest.mark.parametrize(
    ("value", "measure", "text"),
    [(1.0004, "r_hat", "1.000"), (3603.5, "ess_bulk", "3604"), (12.0, "count", "12"), (-0.001, "se", "0.00"),
     (math.nan, "mcse", "-"), (math.inf, "pareto_k", "infinite")],
)  # fmt: skip
def test_measures(value: float, measure: str, text: str) -> None:
    """Diagnostics have the decimals of their kind; zero has no sign."""
    assert measure_of(value, measure) == text


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [(62.34, 9.1, "62.3"), (180_123.4, 60_000.0, "180123"), (0.8567, 0.31, "0.86"), (0.00512, 0.0021, "0.0051"), (5.0, 0.0, "5"),
     (-0.001, 0.5, "0.00"), (math.nan, 1.0, "-"), (3.25, math.nan, "3.25")],
)  # fmt: skip
def test_numbers_of_the_data(value: float, spread: float, text: str) -> None:
    """A number has the decimals that show two digits of its spread, one decimal at least below a spread of a hundred."""
    assert spread_figure_of(value, spread) == text


@pytest.mark.parametrize(
    ("prob", "text"), [(0.95, "95%"), (0.975, "97.5%"), (0.995, "99.5%"), (0.55, "55%"), (0.07, "7%"), (0.9999, "99.99%")]
)
def test_the_probability_of_an_interval_is_not_rounded(prob: float, text: str) -> None:
    """An interval of 97.5% is no 98% interval, and none is one of 100%."""
    assert prob_words(prob) == text
    assert interval_words("eti", prob) == f"{text} equal-tailed interval"
    assert interval_words("hdi", prob) == f"{text} highest-density interval"


def test_nothing_drawn_or_printed_rounds_it_again() -> None:
    """No file of figures and tables writes an interval's probability in whole percents."""
    package = Path(bayes_rrmm.__file__).parent
    found = [path for folder in ("plots", "tables") for path in (package / folder).glob("*.py")]
    assert found
    for path in found:
        assert not re.search(r"prob:\.0%", path.read_text(encoding="utf-8"), re.IGNORECASE), path.name
