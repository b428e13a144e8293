"""Every figure of the gallery, on one seeded fit: as it was when looked at, marked where a check failed, fit for print."""

from __future__ import annotations

import dataclasses
import os
import re
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from inspect_figure import faults, written
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.testing.compare import compare_images
from small_study import FAILED, dossier
from small_study import results as small_results

from bayes_rrmm import plots
from bayes_rrmm.errors import FitError
from bayes_rrmm.plots.frame import MARK
from bayes_rrmm.plots.style import WIDTHS
from bayes_rrmm.results import Results

BASELINE = Path(__file__).parent / "baseline"
TOLERANCE = 2.0
"""Root mean square of the difference, of 255: above what another machine's rounding makes, below what another seed does."""
OF_FITS = {shown.name: shown for shown in plots.GALLERY}
OF_DOSSIERS = {shown.name: shown for shown in plots.OF_DOSSIERS}
NOT_OF_THIS_STUDY = {"subgroups", "shrinkage"}
"""Figures of an interaction and of pooled levels, which this study has not: their own tests draw them."""
NAMES = sorted({*OF_FITS, *OF_DOSSIERS} - NOT_OF_THIS_STUDY)


@cache
def results(failed: bool = False) -> Results:
    """Of the study's fit, also as it would be had its diagnostics failed: the dossier belongs to both."""
    passed = small_results()
    return Results(dataclasses.replace(passed.fit, provenance={**passed.fit.provenance, "gate": FAILED})) if failed else passed


def draw(name: str, of: Results, **options: str) -> Figure:
    if name in OF_FITS:
        return OF_FITS[name].draw(of, **options)
    return OF_DOSSIERS[name].draw(dossier(), of, **options)


@cache
def drawn(name: str, failed: bool = False, column: str = "double") -> Figure:
    return draw(name, results(failed), column=column)


def test_names_are_unique_and_every_figure_is_public() -> None:
    """No two figures have one file, and each is drawn by a function of its name, in a file of its own."""
    names = [*OF_FITS, *OF_DOSSIERS]
    assert len(set(names)) == len(names)
    for name in names:
        assert callable(getattr(plots, name)), name
        assert (Path(plots.__file__).parent / f"{name}.py").is_file(), name


def test_what_applies_is_what_the_study_has() -> None:
    """All figures apply to this study but those of an interaction and of pooled levels."""
    of_fit = {name for name, shown in OF_FITS.items() if shown.applies(results())}
    of_dossier = {name for name, shown in OF_DOSSIERS.items() if shown.applies(dossier())}
    assert {*OF_FITS, *OF_DOSSIERS} - of_fit - of_dossier == NOT_OF_THIS_STUDY


@pytest.mark.parametrize("name", NAMES)
def test_it_looks_as_it_did(name: str, tmp_path: Path) -> None:
    """The picture is the committed one, pixel for pixel up to rounding. Where a change is meant, make it again with the variable
    BASELINE=write set, and look at it."""
    made = tmp_path / f"{name}.png"
    plots.save(drawn(name), made, dpi=70)
    expected = BASELINE / f"{name}.png"
    if os.environ.get("BASELINE") == "write":
        expected.parent.mkdir(exist_ok=True)
        expected.write_bytes(made.read_bytes())
    assert expected.is_file(), f"{expected.name} was never committed"
    assert compare_images(str(expected), str(made), tol=TOLERANCE) is None


def test_another_picture_would_be_noticed(tmp_path: Path) -> None:
    """The comparison fails for the same figure of slightly other draws: here of the prior's rank of groups in place of hazards'."""
    other = plots.densities(results(), of="group", below=0.8)
    plots.save(other, tmp_path / "densities.png", dpi=70)
    expected = BASELINE / "densities.png"
    same_size = imread(expected).shape == imread(tmp_path / "densities.png").shape
    assert not same_size or compare_images(str(expected), str(tmp_path / "densities.png"), tol=TOLERANCE) is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_failed_fit_is_marked(name: str) -> None:
    """The mark is written on the figure of a fit whose diagnostics failed, in its description too, and on no other."""
    assert any(MARK in text for text in written(drawn(name, failed=True)))
    assert drawn(name, failed=True).get_label().startswith(MARK)
    assert not any(MARK in text for text in written(drawn(name)))
    assert MARK not in drawn(name).get_label()


@pytest.mark.parametrize("column", sorted(WIDTHS))
@pytest.mark.parametrize("name", NAMES)
def test_it_is_fit_for_a_column(name: str, column: str) -> None:
    """At both widths nothing written is cut off, smaller than 6 points, or over something else, and the width is the column's."""
    figure = drawn(name, column=column)
    assert figure.get_figwidth() * 25.4 == pytest.approx(WIDTHS[column])
    assert figure.get_figheight() < 11
    assert faults(figure) == []


@pytest.mark.parametrize("name", NAMES)
def test_it_says_in_words_what_it_shows(name: str) -> None:
    """The description is a sentence or more of its own, with a number in it."""
    words = drawn(name).get_label()
    assert len(words) > 60
    assert re.search(r"\d", words)


@pytest.mark.parametrize("name", NAMES)
def test_a_title_can_be_left_out(name: str) -> None:
    """With an empty title nothing of the analysis's stands on the figure, which is shorter: in print the caption has it."""
    bare = draw(name, results(), title="")
    assert not any("A made-up fit" in text for text in written(bare))
    assert bare.get_figheight() < drawn(name).get_figheight()


@pytest.mark.parametrize("dpi", [300, 600])
def test_pixels_are_the_column_s(dpi: int, tmp_path: Path) -> None:
    """A PNG has as many pixels as the column has inches times the dots an inch asked for."""
    plots.save(drawn("ranks", column="single"), tmp_path / "ranks.png", dpi=dpi)
    assert imread(tmp_path / "ranks.png").shape[1] == int(WIDTHS["single"] / 25.4 * dpi)


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_files_embed_what_they_need(suffix: str, tmp_path: Path) -> None:
    """A PDF embeds its fonts as TrueType, an SVG needs none and asks for nothing elsewhere; the description is inside; the same
    figure gives the same bytes, and saving changes no setting."""
    before = dict(mpl.rcParams)
    paths = [tmp_path / f"{index}.{suffix}" for index in range(2)]
    for path in paths:
        plots.save(drawn("forest"), path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    if suffix == "pdf":
        assert b"/FontFile2" in first
        assert b"/Type3" not in first
    if suffix == "svg":
        assert b"<text" not in first
        assert not re.search(rb'(href|src)="https?:', first)
    if suffix != "pdf":
        assert b"hazard ratio" in first.lower()
    assert dict(mpl.rcParams) == before


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    """A JPEG loses what print needs: it is refused in words."""
    with pytest.raises(FitError, match="written as PDF, SVG or PNG"):
        plots.save(drawn("forest"), tmp_path / "forest.jpg")


def test_it_is_legible_in_grey() -> None:
    """The colours that figures tell their methods and groups by differ in lightness or are told apart by marker and style too."""
    from bayes_rrmm.plots.style import GROUPS, MARKERS, STYLES

    assert len(set(GROUPS)) == len(GROUPS) == len(MARKERS) == len(STYLES)
    assert len(set(MARKERS)) == len(MARKERS)
    lightness = [np.dot(mpl.colors.to_rgb(colour), (0.299, 0.587, 0.114)) for colour in GROUPS]
    pairs = [(a, b) for a in range(len(GROUPS)) for b in range(a)]
    assert all(abs(lightness[a] - lightness[b]) > 0.03 or STYLES[a] != STYLES[b] for a, b in pairs)
