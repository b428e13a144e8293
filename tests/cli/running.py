"""The command line run in this process: how it ended, and what it printed."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from bayes_rrmm.cli.main import main


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def run_cli(*arguments: object) -> Ended:
    """The command as typed: exit code, standard output and standard error. An error that escapes is the test's."""
    words = [str(argument) for argument in arguments]
    before, sys.argv = sys.argv, ["/somewhere/bayes-rrmm", *words]
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = before
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())
