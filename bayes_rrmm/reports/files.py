"""Every figure and table of a run as files that a journal takes: figures/ and tables/ of the run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bayes_rrmm.plots.gallery import GALLERY, OF_DOSSIERS
from bayes_rrmm.plots.style import Column, save
from bayes_rrmm.reports.blocks import refusals
from bayes_rrmm.results import Results
from bayes_rrmm.run_folder import folder_safe, whole, write_text
from bayes_rrmm.sensitivity.dossier_folder import Dossier
from bayes_rrmm.tables import TABLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURE_FORMATS, TABLE_FORMATS = ("pdf", "png"), ("csv", "tex", "html", "docx")
CAPTIONS = "captions.txt"
"""The file beside the figures that has a caption and the alternative text of each, for the manuscript."""


def figures_of(results: Results, dossiers: Sequence[Dossier], column: Column) -> Iterator[tuple[str, str, Callable[[], Figure]]]:
    """The name and the caption of each figure that these results and dossiers have, and how it is drawn: without a title, which in
    print is the caption's."""
    for shown in GALLERY:
        if shown.applies(results):
            yield shown.name, shown.caption, partial(shown.draw, results, column=column, title="")
    groups = [dossier.group for dossier in dossiers]
    for dossier in dossiers:
        alone = groups.count(dossier.group) == 1
        whose = folder_safe(dossier.group if alone else f"{dossier.of}-{dossier.group}-against-{dossier.versus}")
        for shown_of in OF_DOSSIERS:
            if shown_of.applies(dossier):
                name = f"{shown_of.name}_{whose}"
                yield name, shown_of.caption, partial(shown_of.draw, dossier, results, column=column, title="")


def write_figures(
    results: Results,
    dossiers: Sequence[Dossier],
    folder: Path,
    *,
    formats: Sequence[str] = FIGURE_FORMATS,
    column: Column = "double",
    dpi: int = 300,
) -> tuple[list[Path], list[str]]:
    """Write every figure in each format, and captions.txt; what was written, and a sentence for each figure that cannot be drawn of
    these results; of a fit that failed also where drawing fails."""
    folder.mkdir(parents=True, exist_ok=True)
    written, refused, captions = [], [], []
    left_out = refusals(lenient=bool(results.mark))
    for name, caption, draw in figures_of(results, dossiers, column):
        try:
            figure = draw()
            for suffix in formats:
                path = folder / f"{name}.{suffix}"
                with whole(path) as temporary:
                    save(figure, temporary, dpi=dpi)
                written.append(path)
        except left_out as error:
            refused.append(f"{name}: {error}")
            continue
        captions.append(f"{name}\nCaption: {caption}\nAlternative text: {figure.get_label()}\n")
    write_text(folder / CAPTIONS, "\n".join(captions))
    return [*written, folder / CAPTIONS], refused


def write_tables(results: Results, folder: Path, formats: Sequence[str] = TABLE_FORMATS) -> list[Path]:
    """Write every table in each format. Raises BayesRrmmError for Word where python-docx is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for printed in TABLES:
        if not printed.applies(results):
            continue
        made = printed.make(results)
        for suffix in formats:
            path = folder / f"{printed.name}.{suffix}"
            with whole(path) as temporary:
                made.save(temporary)
            written.append(path)
    return written
