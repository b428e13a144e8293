"""An empty table for the user's own patients, and the dictionary that says what each of its columns holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bayes_rrmm.catalogue import describe_data
from bayes_rrmm.errors import DataError
from bayes_rrmm.specification import Analysis

STUDY = "rrmm1-synthetic"
HEADER = ("column", "meaning", "unit", "allowed", "may_be_empty", "read_by")
ROLES = {
    "time": ("Time from the origin to the event or to the last time known to be without it", "a number above 0"),
    "event": ("Status at that time: 1 the event, 0 censored", "0 or 1"),
    "entry": ("Time at which the patient came under observation (delayed entry), before the time of exit", "a number, 0 or more"),
    "id": ("Whom the row is about; rows with one id are spells of one subject", "text or a number"),
    "weight": ("How many identical patients the row stands for", "a whole number above 0"),
}

CLUSTER = "Which rows share a frailty: the rows of one cluster, such as a centre"


def write_template(path: Path, analyses: Sequence[Analysis] = ()) -> Path:
    """Write the header of the table to `path` and its dictionary beside it; returns the dictionary's path.

    The columns are those the analyses read, in their order, or without analyses those of the study. An existing file is
    left alone. Raises DataError where a file is in the way or cannot be written, or its name does not end in .csv.
    """
    if path.suffix.lower() != ".csv":
        raise DataError(f"{path}: a template is a .csv file; name it so.")
    dictionary = path.with_name(f"{path.stem}_dictionary.csv")
    for target in (path, dictionary):
        if target.exists():
            raise DataError(f"{target}: already exists and is left alone; name another file.")
    rows = dictionary_rows(analyses)
    for target, lines in ((path, [[row["column"] for row in rows]]), (dictionary, [HEADER, *([*row.values()] for row in rows)])):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        try:
            target.write_text(text.getvalue(), encoding="utf-8")
        except OSError as error:
            raise DataError(f"{target}: cannot be written ({error.strerror}); name another file.") from None
    return dictionary


def dictionary_rows(analyses: Sequence[Analysis] = ()) -> list[dict[str, str]]:
    """A row a column: its name, meaning, unit, what it may hold, whether it may be empty, and which analyses read it."""
    known: dict[str, Any] = describe_data(STUDY)["columns"]
    columns: dict[str, dict[str, str]] = {} if analyses else {name: _known(name, known[name]) for name in known}
    for analysis in analyses:
        for name, row in _read_by(analysis, known).items():
            columns.setdefault(name, row)
            readers = [*filter(None, columns[name]["read_by"].split("; ")), analysis.title]
            columns[name]["read_by"] = "; ".join(dict.fromkeys(readers))
    return list(columns.values())


def _known(name: str, entry: dict[str, Any]) -> dict[str, str]:
    allowed = ", ".join(map(str, entry["levels"])) if "levels" in entry else "a number" if "unit" in entry else "text"
    allowed = entry.get("template_allowed", allowed)
    empty = "yes" if entry["missing"] else "no"
    meaning = entry.get("template", entry["meaning"])
    return dict(zip(HEADER, (name, meaning, entry.get("unit", ""), allowed, empty, ""), strict=True))


def _read_by(analysis: Analysis, known: dict[str, Any]) -> dict[str, dict[str, str]]:
    rows = {}
    for role, (meaning, allowed) in ROLES.items():
        name = getattr(analysis.endpoint, role)
        if name is not None:
            unit = analysis.endpoint.unit if role in ("time", "entry") else ""
            told = f"{analysis.endpoint.name}. {known[name].get('template', known[name]['meaning']) if name in known else meaning}"
            rows[name] = dict(zip(HEADER, (name, told, unit, allowed, "no", ""), strict=True))
    frailty = analysis.model.frailty
    if frailty is not None and frailty.cluster not in rows:
        rows[frailty.cluster] = dict(zip(HEADER, (frailty.cluster, CLUSTER, "", "text or a number", "no", ""), strict=True))
    for name in analysis.formula.variables:
        declared = analysis.variables.get(name)
        rule = analysis.missing_rule(name)
        levels = list(declared.levels or ()) if declared else []
        levels += [rule] if levels and rule == "not-applicable" else []
        entry: dict[str, Any] = known.get(name, {"meaning": "A covariate", "missing": 1})
        covariate = {**entry, "levels": levels} if levels else entry
        rows[name] = {**_known(name, covariate), "may_be_empty": f"yes ({rule})"}
    return rows
