"""The tipping contour: the threshold's line lies where the closed form has it, refits and priors stand where they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from dossier_fits import failing_fit, small_fit
from inspect_figure import faults, lines_of, written
from normal_dossier import failing, normal_dossier, posterior, with_table

from bayes_rrmm.plots.tipping_contour import tipping_contour
from bayes_rrmm.sensitivity.dossier_folder import Dossier


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return normal_dossier(-0.5, 0.35, fit=small_fit())


def test_the_threshold_is_where_the_closed_form_has_it(dossier: Dossier) -> None:
    """On the thick line the probability under such a prior is the threshold, within what a straight line between refits misses."""
    axes = tipping_contour(dossier, small_fit()).axes[0]
    (thick,) = [item for item in axes.collections if np.max(item.get_linewidths(), initial=0) == 2.0]
    points = np.concatenate([path.vertices for path in thick.get_paths()])
    assert len(points) > 5
    chances = [posterior(-0.5, 0.35, mean, math.exp(log_sd)).p_below_1 for mean, log_sd in points]
    np.testing.assert_allclose(chances, 0.975, atol=0.006)


def test_refits_and_named_priors_stand_where_they_are(dossier: Dossier) -> None:
    """A dot at each cell, and a diamond with its name at each prior's centre and sd, which the description tells with its P."""
    figure = tipping_contour(dossier, small_fit())
    contour, priors = dossier.to_dataframe("contour"), dossier.to_dataframe("priors")
    (dots,) = lines_of(figure, ".")
    np.testing.assert_allclose(np.exp(dots.get_xydata()), contour[["centre", "sd"]])
    diamonds = np.exp([line.get_xydata()[0] for line in lines_of(figure, "D")])
    np.testing.assert_allclose(diamonds, priors.sort_values("sd")[["centre", "sd"]])
    assert {*priors["prior"]} <= {*written(figure)}
    assert f"enthusiastic {priors['p_below_1'].iloc[2]:.3f}" in figure.get_label()


def test_shades_darken_with_the_probability(dossier: Dossier) -> None:
    """In grey too: the scale's steps are darker one by one, its ends 0 and 1, the threshold among them."""
    figure = tipping_contour(dossier, small_fit())
    scale = figure.axes[1]
    grey = [np.dot(patch.get_facecolor()[:3], (0.299, 0.587, 0.114)) for patch in scale.patches]
    assert len(grey) == 8
    assert (np.diff(grey) < -0.02).all()
    labels = [text.get_text() for text in scale.get_xticklabels()]
    assert labels == ["0", "0.025", "0.1", "0.25", "0.5", "0.75", "0.9", "0.975", "1"]


def test_a_grid_on_one_side_has_no_line(dossier: Dossier) -> None:
    """Where nothing crosses the threshold the legend says so and no thick line is drawn."""
    contour = dossier.to_dataframe("contour").assign(p_below_1=0.6)
    figure = tipping_contour(with_table(dossier, "contour", contour), small_fit())
    assert "no line: the grid lies on one side of 0.975" in written(figure)
    assert not [item for item in figure.axes[0].collections if np.max(item.get_linewidths(), initial=0) == 2.0]


def test_failed_refits_are_holes_with_an_empty_marker(dossier: Dossier) -> None:
    """Around a refit that failed nothing is drawn but the marker; where all failed nothing is claimed."""
    contour = failing(dossier.to_dataframe("contour"), [40, 41])
    figure = tipping_contour(with_table(dossier, "contour", contour), small_fit())
    (empty,) = lines_of(figure, "o")
    np.testing.assert_allclose(np.exp(empty.get_xydata()), contour[["centre", "sd"]].iloc[[40, 41]])
    assert "refit failed its diagnostics" in written(figure)
    centre, sd = np.log(contour["centre"].iloc[40]), np.log(contour["sd"].iloc[40])
    filled = figure.axes[0].collections[0]
    assert not any(path.contains_point((centre + 0.03, sd + 0.03)) for path in filled.get_paths())
    none = failing(dossier.to_dataframe("contour"), list(range(135)), draws=False)
    bare = tipping_contour(with_table(dossier, "contour", none), small_fit())
    assert "none passed" in bare.get_label()
    assert len(lines_of(bare, "o")[0].get_xdata()) == 135


@pytest.mark.parametrize("column", ["single", "double"])
@pytest.mark.parametrize("log_hr", [-0.5, 0.6])
def test_nothing_is_cut_off(column: str, log_hr: float) -> None:
    """At both widths, on both sides of 1, every text is inside, of 6 points or more, and over no other."""
    figure = tipping_contour(normal_dossier(log_hr, 0.35, fit=small_fit()), small_fit(), column=column)
    assert faults(figure) == []
    sign = "<" if log_hr < 0 else ">"
    assert f"P(HR {sign} 1) = 0.975" in written(figure)


def test_a_failed_fit_marks_it(dossier: Dossier) -> None:
    """The mark stands on the figure and before its description."""
    figure = tipping_contour(dossier, failing_fit())
    assert any(text.startswith("DIAGNOSTICS FAILED") for text in written(figure))
    assert figure.get_label().startswith("DIAGNOSTICS FAILED")
