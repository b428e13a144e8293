"""One rule of rounding: counts, percentages, diagnostics and the data's own numbers."""

from __future__ import annotations

import math

import pytest

from bayes_rrmm.rounding import measure_of, percent_of, spread_figure_of


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
