"""The report of a run: one HTML file that opens offline, prints well, and holds no patient's row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_rrmm.errors import RunFolderError
from bayes_rrmm.reports.answer import SCALE_IN_WORDS, answer_of, is_synthetic
from bayes_rrmm.reports.citations import Bibliography
from bayes_rrmm.reports.sections import sections_of
from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import kind_words, prob_words
from bayes_rrmm.run_folder import write_text
from bayes_rrmm.sensitivity.dossier_folder import Dossier, DossierSource, read_dossier

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_FAILED = 12
"""Failed checks that are written out; the others are counted."""


@dataclass(frozen=True)
class Report:
    """The page, and the mark of a fit whose diagnostics failed ('' where they passed)."""

    html: str
    mark: str

    def save(self, path: str | Path) -> Path:
        """Write the page: whole, or not at all. Raises OSError where it cannot be written."""
        target = Path(path)
        write_text(target, self.html)
        return target


def report(source: Source, *, dossiers: Sequence[DossierSource] = ()) -> Report:
    """The report of a fit or of a run folder.

    Question, answer and its strength, failed checks above everything, figures, tables, agreement with the frequentist side
    and why it differs, the dossiers of small groups with a prior explorer, model checks, methods with citations, priors in words,
    a reporting checklist, provenance. `dossiers` are further ones than those that the run folder holds: what
    `small_group` made, or folders.

    Raises RunFolderError where a folder is not whole, or a dossier is not of this fit.
    """
    results = results_of(source)
    _ = results.checks  # judged before anything is shown, so that everything is marked
    found = read_dossiers(results, dossiers)
    bibliography = Bibliography()
    sections = sections_of(results, found, bibliography, stale_dossiers(results))
    context = {**_head(results), "sections": sections, "contents": [{"anchor": "answer", "name": "Answer"}, *sections]}
    return Report(_environment().get_template("page.html.jinja").render(context), results.mark)


def read_dossiers(results: Results, further: Sequence[DossierSource] = ()) -> list[Dossier]:
    """The dossiers of this fit that the run folder holds and `further` ones, each once. Raises RunFolderError where one is not
    whole, or one of `further` not of this fit."""
    asked = [read_dossier(item) for item in further]
    held = [dossier for dossier in results.dossiers if dossier.belongs_to(results.fit)]
    for dossier in asked:
        if not dossier.belongs_to(results.fit):
            raise RunFolderError(
                f"the dossier of {dossier.label} ({dossier.title}) is not of this fit; make it again with "
                f"`bayes-rrmm sensitivity DIR --group {dossier.group}`, or leave it out."
            )
    return list({(item.group, item.versus, item.of): item for item in (*held, *asked)}.values())


def stale_dossiers(results: Results) -> list[str]:
    """The names of dossiers in the run folder that are of another fit, and so are not shown."""
    return [dossier.label for dossier in results.dossiers if not dossier.belongs_to(results.fit)]


def _head(results: Results) -> dict[str, Any]:
    """What stands above the sections."""
    from markupsafe import Markup

    from bayes_rrmm import __version__  # the package's own name, which is still loading when this file is

    fit, analysis = results.fit, results.fit.analysis
    data = fit.provenance.get("data", {})
    counted = f"{data['patients']:g} patients, {data['events']:g} events" if "patients" in data else ""
    made = str(fit.provenance.get("date", ""))[:10]
    meta = [analysis.endpoint.name, f"data {fit.data_name}" if fit.data_name else "", counted, f"fitted {made}" if made else ""]
    interval = analysis.sampling.interval
    return {
        "title": analysis.title,
        "version": __version__,
        "meta": " · ".join(part for part in meta if part),
        "question": analysis.question or f"What do these data say of {analysis.endpoint.name}?",
        "answer": answer_of(results),
        "scale": SCALE_IN_WORDS,
        "interval": f"{prob_words(interval.prob)} {kind_words(interval.kind)}",
        "synthetic": is_synthetic(results),
        "failed": _failed(results),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "style": Markup(_own("style.css")),
        "script": Markup(_own("script.js")),
    }


def _failed(results: Results) -> dict[str, Any] | None:
    if not results.mark:
        return None
    failed = results.failed
    rows = [
        {
            "check": row["check"],
            "of": row["of"],
            "measure": f"{row['measure']:.4g}",
            "limit": f"{row['limit']:g}",
            "advice": row["advice"] if isinstance(row["advice"], str) else "",
        }
        for _, row in failed.head(MOST_FAILED).iterrows()
    ]
    more = f" The first {MOST_FAILED} of {len(failed)} are listed." if len(failed) > MOST_FAILED else ""
    return {"words": f"{results.mark}.{more} Every table and figure below carries the mark.", "checks": rows}


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(loader=PackageLoader("bayes_rrmm", "reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _own(name: str) -> str:
    return (files("bayes_rrmm") / "reports" / name).read_text(encoding="utf-8")
