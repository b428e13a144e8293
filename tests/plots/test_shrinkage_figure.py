"""The shrinkage figure draws shrinkage.csv: unpooled, pooled, Cox and Firth of each level, and arrows between the first two."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import figure_fits
import numpy as np
import pandas as pd
import pytest
from inspect_figure import faults, lines_of, written
from matplotlib.figure import Figure

from bayes_rrmm.errors import FitError
from bayes_rrmm.plots.ratio_axis import LOOKS
from bayes_rrmm.plots.shrinkage import shrinkage
from bayes_rrmm.plots.style import COX
from bayes_rrmm.rounding import figure_of

METHODS = ("cox", "firth", "unpooled", "pooled")


def table(subgroup: tuple[str, ...] = ("",), methods: tuple[str, ...] = METHODS) -> pd.DataFrame:
    """Three levels against a reference; the last has no finite Cox estimate."""
    rows: list[dict[str, Any]] = []
    for where in subgroup:
        for place, level in enumerate(("standard", "second", figure_fits.LONG, "no events")):
            reference = place == 0
            row: dict[str, Any] = {
                "level": level,
                "versus": "standard",
                "subgroup": where,
                "patients": 40.0 - place,
                "events": 9.0 - place,
            }
            for step, method in enumerate(methods):
                missing = reference or (method == "cox" and place == 3)
                point = math.nan if missing else (0.4, 1.9, 0.15)[place - 1] ** (1 - 0.1 * step)
                row |= {f"{method}_hr": point, f"{method}_lower": point / 2.1, f"{method}_upper": point * 2.3}
            row |= {f"{kind}_shrinkage": math.nan if place in (0, 2) else 0.32 for kind in methods[3:]}
            rows.append({**row, "note": "compared with" if reference else ""})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def figure() -> Figure:
    return shrinkage(table(), figure_fits.grouped())


def points(figure: Figure, method: str) -> list[float]:
    return [float(line.get_xdata()[0]) for line in lines_of(figure, LOOKS[method].marker)]


@pytest.mark.parametrize("method", METHODS)
def test_numbers_are_those_of_the_table(method: str, figure: Figure) -> None:
    """Markers lie at the hazard ratios of each method, and the numbers are written as the table rounds."""
    rows = table().dropna(subset=[f"{method}_hr"])
    np.testing.assert_array_equal(points(figure, method), rows[f"{method}_hr"])
    said = written(figure)
    for values in rows[[f"{method}_hr", f"{method}_lower", f"{method}_upper"]].to_numpy():
        assert "{} [{}, {}]".format(*(figure_of(value, "ratio") for value in values)) in said


def test_arrows_run_from_unpooled_to_pooled(figure: Figure) -> None:
    """One arrow a level, its ends at the two estimates; none for a level whose points are off the axis."""
    rows = table().iloc[1:]
    arrows = [note for note in figure.axes[0].texts if getattr(note, "arrow_patch", None) is not None]
    assert [note.xyann[0] for note in arrows] == rows["unpooled_hr"].tolist()
    assert [note.xy[0] for note in arrows] == rows["pooled_hr"].tolist()
    narrow = shrinkage(table(), figure_fits.grouped(), limits=(0.3, 2.5))
    assert len([note for note in narrow.axes[0].texts if getattr(note, "arrow_patch", None) is not None]) == 2


def test_what_is_missing_is_said(figure: Figure) -> None:
    """No finite Cox estimate is `not estimable`; a share next to nothing is `-`; counts and the reference's stand beside."""
    said = written(figure)
    assert said.count("not estimable") == 1
    assert said.count("32%") == 2
    assert "-" in said
    assert "versus standard" in said
    assert {"40", "9", "39", "8"} <= set(said)


def test_several_pooled_fits_each_have_an_arrow() -> None:
    """Under a horseshoe too: two arrows a level, no share, and the legend names the fit."""
    figure = shrinkage(table(methods=(*METHODS, "horseshoe")), figure_fits.grouped())
    arrows = [note for note in figure.axes[0].texts if getattr(note, "arrow_patch", None) is not None]
    assert len(arrows) == 6
    assert any(text.startswith("under a horseshoe: posterior median") for text in written(figure))


def test_cells_of_two_groups_are_headed_by_their_subgroup() -> None:
    """With subgroups each has its heading."""
    said = written(shrinkage(table(("sex=f", "sex=m")), figure_fits.grouped()))
    assert {"versus standard, sex=f", "versus standard, sex=m"} <= set(said)


def test_a_record_is_taken_as_its_table_with_its_mark(figure: Figure) -> None:
    """A record draws what its table draws; one whose refits failed is marked."""
    for passed in (True, False):
        record: Any = SimpleNamespace(table=table(), passed=passed)
        drawn = shrinkage(record, figure_fits.grouped())
        assert points(drawn, "pooled") == points(figure, "pooled")
        assert any("DIAGNOSTICS FAILED" in text for text in written(drawn)) == (not passed)


def test_a_table_without_two_fits_is_refused() -> None:
    """A table that compares nothing, or is another table, is named with the remedy."""
    with pytest.raises(FitError, match=r"here it has unpooled; make the table with br\.shrinkage"):
        shrinkage(table(methods=METHODS[:3]), figure_fits.grouped())
    with pytest.raises(FitError, match=r"here unpooled_hr, .* is missing"):
        shrinkage(table(methods=METHODS[:2]), figure_fits.grouped())


@pytest.mark.parametrize("column", ["single", "double"])
@pytest.mark.parametrize("subgroup", [("",), ("sex=f", "sex=m")])
def test_nothing_is_cut_off_or_covered(column: str, subgroup: tuple[str, ...]) -> None:
    """Every text is whole, legible and clear of the others at both widths."""
    assert faults(shrinkage(table(subgroup), figure_fits.grouped(), column=column)) == []


def test_methods_differ_without_colour() -> None:
    """Every method has a marker of its own, and Cox is the dark one."""
    assert len({LOOKS[method].marker for method in (*METHODS, "horseshoe")}) == 5
    assert LOOKS["cox"].color == COX
