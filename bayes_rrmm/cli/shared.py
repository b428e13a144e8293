"""What the commands share: their common options, exit code, JSON, the folders and tables they are given."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bayes_rrmm.fitted import Fit

ERROR = 1
FAILED_DIAGNOSTIC = 2
REPORT = "report.html"


def shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options every command takes."""
    command = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")(command)
    return click.option("--quiet", "-q", is_flag=True, help="Print only results that matter and errors.")(command)


def load_saved(folder: Path, data: str | None) -> Fit:
    """The fit of a run folder, with the rows of DATA where it has none."""
    from bayes_rrmm.analysis import load_fit
    from bayes_rrmm.read import table_of

    return load_fit(folder) if data is None else load_fit(folder, table_of(data))


def note_command(folder: Path, fitted: Fit) -> None:
    """Later commands are part of a result's provenance."""
    from bayes_rrmm.run_folder import PROVENANCE, write_json

    entry = {"command": command_line(), "date": datetime.now(UTC).isoformat(timespec="seconds")}
    fitted.provenance.setdefault("later_commands", []).append(entry)
    write_json(folder / PROVENANCE, fitted.provenance)


def command_line() -> str:
    """The command as typed, without the path of the program."""
    return shlex.join(["bayes-rrmm", *sys.argv[1:]])


def print_json(content: dict[str, Any]) -> None:
    """One JSON object on standard output."""
    from bayes_rrmm.cli.as_json import to_json

    click.echo(to_json(content))
