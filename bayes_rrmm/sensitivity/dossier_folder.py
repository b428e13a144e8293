"""The folder of a dossier: whose it is, and how a new one takes the place of an earlier one of the same group."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_rrmm.errors import RunFolderError
from bayes_rrmm.run_folder import write_json, write_table

RECORD, TEXT = "dossier.json", "dossier.txt"
WHOSE = ("group", "versus", "of")


def refuse_other(folder: Path, whose: tuple[str, str, str]) -> None:
    """Raise RunFolderError where the folder holds the dossier of another (group, versus, of), or one that cannot be read."""
    path = folder / RECORD
    if not path.exists():
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        held = tuple(content[name] for name in WHOSE)
    except (OSError, ValueError, KeyError, TypeError):
        raise RunFolderError(f"{folder}: its {RECORD} cannot be read; name another folder, or remove this one.") from None
    if held != whose:
        names = [f"{group} / {versus} ({of})" for group, versus, of in (held, whose)]
        raise RunFolderError(
            f"{folder}: holds the dossier of {names[0]}, not of {names[1]}; name another folder, or remove this one first."
        )


def write_dossier(
    folder: Path, tables: Mapping[str, pd.DataFrame], text: str, record: Mapping[str, Any], sections: Iterable[str]
) -> None:
    """Put the tables, the text and the record into the folder; tables of other `sections` that it held are removed.

    All is written to a temporary sibling first. The record is taken away before the first table is moved in and comes last, so
    that a folder with one is whole. Anything else in the folder, its refits say, stays. Raises RunFolderError where the folder
    cannot be written, or holds another dossier.
    """
    folder = folder.resolve()
    refuse_other(folder, (record["group"], record["versus"], record["of"]))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", suffix=".incomplete", dir=folder.parent))
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be written ({error.strerror}); name another folder.") from None
    try:
        for name, table in tables.items():
            write_table(temporary / f"{name}.csv", table)
        (temporary / TEXT).write_text(text, encoding="utf-8")
        write_json(temporary / RECORD, dict(record))
        for name in (RECORD, TEXT, *(f"{section}.csv" for section in sections)):
            (folder / name).unlink(missing_ok=True)
        for path in sorted(temporary.iterdir(), key=lambda path: path.name == RECORD):
            shutil.move(path, folder / path.name)  # no rename: the folder may be a mount, its sibling elsewhere
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
