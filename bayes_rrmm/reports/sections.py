"""The sections of the report, in order: what was found, in whom, beside what, how far it can be trusted, how it was made."""

from __future__ import annotations

import html
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import PureWindowsPath
from typing import Any

from bayes_rrmm import tables
from bayes_rrmm.errors import listed
from bayes_rrmm.plots.gallery import GALLERY, OF_DOSSIERS, Shown
from bayes_rrmm.reports.agreement_words import agreement_words
from bayes_rrmm.reports.blocks import Block, Section, code, drawn, heading, items, table, text
from bayes_rrmm.reports.checklist import Item, checklist_of
from bayes_rrmm.reports.citations import Bibliography
from bayes_rrmm.reports.explorer_block import explorer_block
from bayes_rrmm.reports.formal import formal_model
from bayes_rrmm.reports.methods import methods_of
from bayes_rrmm.results import Results
from bayes_rrmm.sensitivity.dossier_folder import Dossier
from bayes_rrmm.sensitivity.explorer import explorer
from bayes_rrmm.sensitivity.patient_names import patient_names, without_rows

TICKS = {"done": "✓", "failed": "✗", "not done": "·", "yours to write": "✎"}


def sections_of(
    results: Results, dossiers: Sequence[Dossier], bibliography: Bibliography, stale: Sequence[str] = ()
) -> list[Section]:
    """Every section that this run has; `stale` names the dossiers beside it that are of another fit."""
    shown = [figure for figure in GALLERY if figure.applies(results)]
    made = [
        Section("results", "Results", [*_figures(results, shown, "results"), table(tables.estimates(results))]),
        *([Section("patients", "Patients", [table(tables.baseline(results))])] if results.has_rows else []),
        *([_agreement(results)] if results.is_compared else []),
        *(_small_group(results, dossier, number) for number, dossier in enumerate(dossiers, 1)),
        Section("checks", "Does the model fit?", _figures(results, shown, "checks")),
        _diagnostics(results, shown),
        _methods(results, bibliography, dossiers),
        _priors(results, dossiers, stale),
        _checklist(checklist_of(results, [figure.name for figure in shown], dossiers)),
        _provenance(results),
    ]
    return [section for section in made if section.blocks]


def _figures(results: Results, shown: Sequence[Shown], section: str) -> list[Block]:
    return [
        drawn(figure.name, figure.caption, partial(figure.draw, results, title=""), lenient=bool(results.mark))
        for figure in shown
        if figure.section == section
    ]


def _agreement(results: Results) -> Section:
    head, reasons = agreement_words(results)
    why = [heading("Why some differ"), items(reasons)] if reasons else []
    return Section("agreement", "Agreement with Cox and Kaplan-Meier", [text(head), *why, table(tables.agreement(results))])


def _small_group(results: Results, dossier: Dossier, number: int) -> Section:
    names = patient_names(dossier)
    first, rest = _first_sentence(without_rows(dossier.conclusion, names))
    blocks = [text(first, mark=not dossier.passed), *([text(rest)] if rest else [])]
    for figure in OF_DOSSIERS:
        if figure.applies(dossier):
            draw = partial(figure.draw, dossier, results, title="")
            blocks.append(drawn(f"{figure.name}-{number}", figure.caption, draw, lenient=bool(results.mark)))
    found = explorer(dossier)
    if found is not None:
        blocks.insert(1, explorer_block(f"explorer-{number}", found))
    if dossier.notes:
        blocks += [heading("Notes"), items([without_rows(note, names) for note in dossier.notes])]
    return Section(f"group-{number}", f"What {dossier.group} can say against {dossier.versus}", blocks)


def _first_sentence(conclusion: str) -> tuple[str, str]:
    """The conclusion's first sentence, and what comes after it: the answer before what it rests on."""
    first, _, rest = conclusion.partition(". ")
    return (f"{first}.", rest) if rest else (conclusion, "")


def _diagnostics(results: Results, shown: Sequence[Shown]) -> Section:
    verdict = "Some checks failed: they are listed at the top of this page." if results.mark else "Every check passed."
    blocks = [text(verdict), *_figures(results, shown, "diagnostics")]
    every = table(tables.diagnostics(results), folded="Every check, quantity by quantity")
    return Section("diagnostics", "Diagnostics", [*blocks, every])


def _methods(results: Results, bibliography: Bibliography, dossiers: Sequence[Dossier]) -> Section:
    paragraph = methods_of(results, bibliography, dossiers)
    cited = "".join(f"<li>{html.escape(reference)}</li>" for reference in bibliography.references)
    written = f"<p>{html.escape(paragraph)}</p><ol>{cited}</ol>"
    paste: Block = {"kind": "paste", "name": "methods-text", "html": written}
    return Section(
        "methods",
        "Methods, ready to paste",
        [paste, heading("The model, formally"), code("Model formulas", "\n".join(formal_model(results.fit.plan)))],
    )


def _priors(results: Results, dossiers: Sequence[Dossier], stale: Sequence[str]) -> Section:
    blocks = [table(tables.priors(results))]
    if not dossiers:
        blocks.append(
            text(
                "How far an answer depends on its prior is told by a small-group dossier, with an explorer of priors: run "
                "`bayes-rrmm sensitivity DIR --group LEVEL`, then `bayes-rrmm report DIR` again."
            )
        )
    if stale:
        said = f"Not shown, since made beside another fit: the dossier of {listed(stale)}. Run `bayes-rrmm sensitivity` again."
        blocks.append(text(said, mark=True))
    return Section("priors", "Priors in words", blocks)


def _checklist(found: Sequence[Item]) -> Section:
    rows = [{**asdict(item), "tick": TICKS[item.state]} for item in found]
    about = "Bayesian analysis reporting guidelines (after Kruschke, Nat Hum Behav 2021;5:1282), ticked by what this run holds"
    return Section("checklist", "Reporting checklist", [{"kind": "checklist", "text": about, "entries": rows}])


def _provenance(results: Results) -> Section:
    known = results.fit.provenance
    data = known.get("data", {})
    lines = [
        f"Data: {results.fit.data_name}, SHA-256 of the analysed columns {data.get('fingerprint', 'unknown')}",
        f"Rows: {data.get('rows', '?')} analysed of {data.get('rows_read', '?')} read",
        *(f"Left out: {item['rows']} ({item['reason']})" for item in data.get("dropped", [])),
        f"Seed: {known.get('seed', 'unknown')}; {_sampling(known.get('sampling', {}))}",
        *([f"Fitted: {known['date']}"] if known.get("date") else []),
        *([f"Command: `{without_paths(str(known['command']))}`"] if known.get("command") else []),
        *([f"Versions: {', '.join(map(' '.join, known['versions'].items()))}"] if known.get("versions") else []),
        *([f"Platform: {known['platform']}"] if known.get("platform") else []),
        *(f"Later: {item['date']} `{without_paths(item['command'])}`" for item in known.get("later_commands", [])),
    ]
    source = results.fit.analysis.source
    file = [heading("The analysis file, as read"), code("Analysis file", source)] if source else []
    return Section("provenance", "Provenance", [items(lines), *file])


def _sampling(settings: Mapping[str, Any]) -> str:
    names = {"draws": "draws", "tune": "of tuning", "chains": "chains"}
    return ", ".join(f"{settings[key]} {name}" for key, name in names.items() if key in settings)


def without_paths(command: str) -> str:
    """A command with the folders of its files left out: they are of the machine it ran on."""
    try:
        words = shlex.split(command, posix="\\" not in command)
    except ValueError:  # no shell would take it: then words are what spaces part
        words = command.split()
    return shlex.join(_without_folder(word) for word in words)


def _without_folder(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return f"{option}{equals}{PureWindowsPath(value).name or value}"
