"""The tipping curve shows each refit where it stands, its Monte Carlo error, the threshold, and the crossing, or that there is
none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from dossier_fits import failing_fit, small_fit
from inspect_figure import faults, lines_of, written
from normal_dossier import P_ERROR, failing, normal_dossier, with_table

import bayes_rrmm as br
from bayes_rrmm.evidence.tipping import tipping_point
from bayes_rrmm.plots.style import FAILED
from bayes_rrmm.plots.tipping_curve import tipping_curve
from bayes_rrmm.sensitivity.dossier_folder import Dossier


def strong(log_hr: float = -1.0) -> Dossier:
    """Data strong enough to cross."""
    return normal_dossier(log_hr, 0.35, fit=small_fit())


@pytest.mark.parametrize(("log_hr", "sign"), [(-1.0, "<"), (1.0, ">")])
def test_points_are_the_refits_on_the_side_asked_about(log_hr: float, sign: str) -> None:
    """At each sd P of the side on which the ratio is, with two Monte Carlo errors either way, not beyond 1."""
    dossier = strong(log_hr)
    figure = tipping_curve(dossier, small_fit())
    curve = dossier.to_dataframe("curve")
    p = curve["p_below_1"] if sign == "<" else 1 - curve["p_below_1"]
    line, empty = lines_of(figure, "o")
    np.testing.assert_array_equal(line.get_xdata(), curve["sd"])
    np.testing.assert_allclose(line.get_ydata(), p)
    assert len(empty.get_xdata()) == 0
    (errors,) = figure.axes[0].collections[:1]
    ends = np.array([segment[:, 1] for segment in errors.get_segments()])
    np.testing.assert_allclose(ends, np.clip(np.column_stack([p - 2 * P_ERROR, p + 2 * P_ERROR]), 0, 1))
    assert figure.axes[0].get_ylabel() == f"P(HR {sign} 1)"


def test_the_crossing_is_that_of_the_closed_form() -> None:
    """A line where the dossier's table says, near the closed form's tipping point, in a band of what Monte Carlo error leaves open;
    both are written."""
    dossier = strong()
    row = dossier.to_dataframe("crossings").iloc[0]
    figure = tipping_curve(dossier, small_fit())
    places = {float(line.get_xdata()[0]) for line in figure.axes[0].get_lines() if len(set(line.get_xdata())) == 1}
    assert row["at"] in places
    assert row["at"] == pytest.approx(tipping_point(-1.0, 0.35, 0.975, 1.0).sd, rel=0.05)
    (band,) = figure.axes[0].patches
    np.testing.assert_allclose([band.get_x(), band.get_x() + band.get_width()], [row["low"], row["high"]])
    told = f"reaches 0.975 at a prior sd of {row['at']:.2g} ({row['low']:.2g} to {row['high']:.2g} within Monte Carlo error)"
    assert told in written(figure)
    assert "threshold 0.975" in written(figure)
    assert f"R{told[1:]}." in figure.get_label()


@pytest.mark.parametrize(
    ("dossier", "told"),
    [
        (normal_dossier(-0.1, 0.4, fit=small_fit()), "no crossing: the widest prior gives 0.598, short of 0.975"),
        (normal_dossier(-3.0, 0.1, fit=small_fit()), "no crossing: the tightest prior leaves >0.999, above 0.975"),
    ],
)
def test_that_there_is_no_crossing_is_written(dossier: Dossier, told: str) -> None:
    """No line is drawn, and which end of the grid is on which side is said."""
    figure = tipping_curve(dossier, small_fit())
    assert told in written(figure)
    assert not figure.axes[0].patches


def test_failed_refits_are_empty_and_named() -> None:
    """A refit that failed is an empty marker off the line, one without draws stands on the axis; the legend says what they are."""
    dossier = strong()
    curve = failing(failing(dossier.to_dataframe("curve"), [3]), [5], draws=False)
    figure = tipping_curve(with_table(dossier, "curve", curve), small_fit())
    line, empty = lines_of(figure, "o")
    assert len(line.get_xdata()) == len(curve) - 2
    np.testing.assert_array_equal(empty.get_xdata(), curve["sd"].iloc[[3, 5]])
    assert empty.get_ydata()[0] == curve["p_below_1"].iloc[3]
    assert figure.axes[0].get_ylim()[0] <= empty.get_ydata()[1] < line.get_ydata().min()
    assert (empty.get_markerfacecolor(), empty.get_markeredgecolor()) == ("white", FAILED)
    assert "refit failed its diagnostics" in written(figure)
    assert "refit failed its diagnostics" not in written(tipping_curve(dossier, small_fit()))


def test_where_no_refit_passed_nothing_is_known() -> None:
    """Every marker is empty, and no crossing is claimed."""
    dossier = strong()
    curve = failing(dossier.to_dataframe("curve"), list(range(17)), draws=False)
    crossings = dossier.to_dataframe("crossings").assign(at=math.nan, low=math.nan, high=math.nan, p_start=math.nan, p_end=math.nan)
    figure = tipping_curve(with_table(with_table(dossier, "curve", curve), "crossings", crossings), small_fit())
    assert "no crossing is known: too few refits passed" in written(figure)
    assert faults(figure) == []


@pytest.mark.parametrize("column", ["single", "double"])
def test_nothing_is_cut_off(column: str) -> None:
    """At both widths every text is inside, of 6 points or more, and over no other; the prior's own interval stands under its sd."""
    for dossier in (strong(), normal_dossier(-0.1, 0.4, fit=small_fit())):
        figure = tipping_curve(dossier, small_fit(), column=column)
        assert faults(figure) == []
        assert "1 0.14 to 7.10" in written(figure)


def test_the_mark_of_a_failed_fit_and_the_wrong_fit() -> None:
    """A fit that failed marks the figure; a dossier that says it is another fit's is refused, one that does not say is drawn."""
    other = small_fit()
    marked = tipping_curve(strong(), failing_fit())
    assert any(text.startswith("DIAGNOSTICS FAILED") for text in written(marked))
    assert marked.get_label().startswith("DIAGNOSTICS FAILED")
    foreign = normal_dossier(-1.0, 0.35)
    assert tipping_curve(foreign, other).axes
    with pytest.raises(br.errors.RunFolderError, match=r"few / many is not of this fit; .* with `bayes-rrmm sensitivity"):
        tipping_curve(Dossier(**{**vars(foreign), "fit": "0" * 64}), other)


def test_the_title_is_what_is_asked_for() -> None:
    """By default what it shows, with the analysis; '' leaves it to the caption."""
    assert "How sure, by the prior's width: A made-up fit (OS)" in written(tipping_curve(strong(), small_fit()))
    assert not any("made-up" in text for text in written(tipping_curve(strong(), small_fit(), title="")))
