"""The influence of single patients: rows by influence with the dossier's numbers, nobody named unless asked, failures marked."""

from __future__ import annotations

import re

import numpy as np
import pytest
from dossier_fits import failing_fit, small_fit
from inspect_figure import faults, lines_of, written
from normal_dossier import failing, normal_dossier, with_table

from bayes_rrmm.plots.influence import MOST, influence
from bayes_rrmm.plots.style import FAILED, POSTERIOR
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.sensitivity.dossier_folder import Dossier


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return normal_dossier(-0.5, 0.35, fit=small_fit())


def shown(row: dict[str, float]) -> str:
    middle, lower, upper = (figure_of(row[name], "ratio") for name in ("hr", "lower", "upper"))
    return f"{middle} [{lower}, {upper}], {figure_of(row['p_below_1'], 'probability')}"


@pytest.mark.parametrize("column", ["single", "double"])
def test_rows_are_the_dossier_s_most_influential_first(dossier: Dossier, column: str) -> None:
    """As analysed, then the group's patients left out and flipped, row 9 (0.45 sds) before row 8, then the three of the others who
    move it most; nothing is cut off."""
    figure = influence(dossier, small_fit(), column=column)
    texts = written(figure)
    left_out = dossier.to_dataframe("left_out").set_index("patient")
    flipped = dossier.to_dataframe("flipped").set_index("patient")
    order = [f"row {number}" for number in range(9, 0, -1)]
    expected = [shown(dossier.to_dataframe("priors").iloc[0])]
    expected += [shown(table.loc[who]) for who in order for table in (left_out, flipped)]
    expected += [shown(left_out.loc[f"row {number}"]) for number in (140, 139, 138)]
    assert [text for text in texts if re.fullmatch(r"[\d.]+ \[.*\], [<>\d.]+", text)] == expected
    assert [text for text in texts if text.startswith(("patient", "other "))][:12] == [
        *(f"patient {letter}" for letter in "ABCDEFGHI"), "other 1", "other 2", "other 3",
    ]  # fmt: skip
    assert "3 of 40 others" in " ".join(texts)
    assert faults(figure) == []


def test_points_are_where_the_numbers_are(dossier: Dossier) -> None:
    """Left out as circles, flipped as diamonds, and a dashed line at the ratio analysed."""
    figure = influence(dossier, small_fit())
    left_out = dossier.to_dataframe("left_out").query("in_group").iloc[::-1]
    circles = [float(line.get_xdata()[0]) for line in lines_of(figure, "o")]
    analysed = dossier.to_dataframe("priors")["hr"].iloc[0]
    np.testing.assert_allclose(circles[:10], [analysed, *left_out["hr"]])
    diamonds = [float(line.get_xdata()[0]) for line in lines_of(figure, "D")]
    np.testing.assert_allclose(diamonds, dossier.to_dataframe("flipped")["hr"].iloc[::-1])
    assert any(list(line.get_xdata()) == [analysed, analysed] for line in figure.axes[0].get_lines())


def test_the_strip_has_everybody(dossier: Dossier) -> None:
    """Below: the group's shifts as points, and the others' counted in bars, all of them."""
    figure = influence(dossier, small_fit())
    strip = figure.axes[1]
    (points,) = lines_of(figure, "o", axes=1)
    inside = dossier.to_dataframe("left_out").query("in_group")
    assert sorted(points.get_xdata()) == sorted(inside["shift"])
    assert points.get_color() == POSTERIOR
    assert sum(patch.get_height() for patch in strip.patches) == 40


def test_nobody_is_named_unless_asked(dossier: Dossier) -> None:
    """Row numbers stand on the figure and in its description with `rows` only."""
    for rows in (False, True):
        figure = influence(dossier, small_fit(), rows=rows)
        assert any(re.search(r"\brow \d", text) for text in (*written(figure), figure.get_label())) is rows
    assert "row 9 (-0.45 posterior sds)" in figure.get_label()


@pytest.mark.parametrize("column", ["single", "double"])
def test_a_larger_group_is_told_as_a_span(column: str) -> None:
    """Of forty patients fifteen have a row; what the others do is their smallest and largest ratio."""
    found = normal_dossier(-0.5, 0.35, fit=small_fit(), patients=40)
    figure = influence(found, small_fit(), column=column)
    texts = written(figure)
    assert sum(text.startswith("patient ") for text in texts) == MOST
    assert "25 more" in texts
    rest = found.to_dataframe("left_out").query("in_group").iloc[:25]
    assert f"{figure_of(rest['hr'].min(), 'ratio')} to {figure_of(rest['hr'].max(), 'ratio')}" in texts
    assert faults(figure) == []


def test_without_others_there_are_no_bars() -> None:
    """In a large cohort nobody outside the group was left out: the figure has the group alone, and no legend for others."""
    figure = influence(normal_dossier(-0.5, 0.35, fit=small_fit(), others=0), small_fit())
    assert not figure.axes[1].patches
    assert not any("other" in text for text in written(figure))
    assert faults(figure) == []


def test_failed_refits_are_empty_and_named(dossier: Dossier) -> None:
    """A failed refit is an empty marker with a word beside its numbers and no part of the strip; one without draws is words
    only."""
    left_out = failing(dossier.to_dataframe("left_out"), [7])
    flipped = failing(dossier.to_dataframe("flipped"), [8], draws=False)
    figure = influence(with_table(with_table(dossier, "left_out", left_out), "flipped", flipped), small_fit())
    empty = [line for line in lines_of(figure, "o") if line.get_color() == FAILED]
    assert [float(line.get_xdata()[0]) for line in empty] == [left_out["hr"].iloc[7]]
    assert {f"{shown(left_out.iloc[7])} failed", "refit failed", "refit failed its diagnostics"} <= {*written(figure)}
    assert len(lines_of(figure, "o", axes=1)[0].get_xdata()) == 8
    assert faults(figure) == []


def test_above_one_the_probability_is_that_of_above() -> None:
    """Where the ratio is above 1 P(HR > 1) is written."""
    found = normal_dossier(0.6, 0.35, fit=small_fit())
    figure = influence(found, small_fit())
    first = found.to_dataframe("priors").iloc[0]
    assert shown({**first, "p_below_1": 1 - first["p_below_1"]}) in written(figure)
    assert any("P(HR > 1)" in text for text in written(figure))


def test_a_failed_fit_marks_it(dossier: Dossier) -> None:
    """The mark stands on the figure and before its description."""
    figure = influence(dossier, failing_fit())
    assert any(text.startswith("DIAGNOSTICS FAILED") for text in written(figure))
    assert figure.get_label().startswith("DIAGNOSTICS FAILED")
