"""How wide a text is, and lines that fit a width."""

from __future__ import annotations

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from bayes_rrmm.plots.table_columns import HINTED, text_width, wrapped

SENTENCE = "AV. To Ty (P): 0.61 [0.32, 1.12], β = 1.2; ← favours A, of 1,000 patients   jolly few"


@pytest.mark.parametrize("weight", ["normal", "bold"])
@pytest.mark.parametrize("text", [SENTENCE, "f", " (a)  b", "two words "])
def test_the_width_by_words_is_that_of_the_whole_outline(text: str, weight: str) -> None:
    """Words are measured one by one, and come to what the outline of the whole text is wide, to a thousandth of a point."""
    outline = TextPath((0.0, 0.0), text, size=7.0, prop=FontProperties(family="DejaVu Sans", weight=weight))
    assert text_width(text, 7.0, weight) == pytest.approx(HINTED * outline.vertices[:, 0].max() / 72.0, abs=0.001 / 72.0)


def test_nothing_is_no_width() -> None:
    """A text of spaces takes no room."""
    assert text_width("", 7.0) == text_width("  ", 7.0) == 0.0


@pytest.mark.parametrize("inches", [0.3, 1.0, 2.5])
def test_lines_fit_and_lose_nothing(inches: float) -> None:
    """Every line of a wrapped text fits the width, and together they are its words."""
    lines = wrapped(SENTENCE, inches, 7.0)
    assert max(text_width(line, 7.0) for line in lines) <= inches
    assert "".join(lines).replace(" ", "") == SENTENCE.replace(" ", "")
