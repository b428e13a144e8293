"""One root for every error a user can cause, and a branch for each stage of the flow.

A message names the row, the column, the value, the rule and the remedy. The command line prints it without
a traceback and exits with 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BayesRrmmError(Exception):
    """Root of this package's errors; `str(error)` is the whole message, ready to print."""


class DataError(BayesRrmmError):
    """The table of patients breaks a rule."""


class AnalysisError(BayesRrmmError):
    """The analysis file, or a call that stands for one, breaks a rule."""


class FitError(BayesRrmmError):
    """Sampling could not be done, or a fit cannot answer what it is asked."""


class RunFolderError(BayesRrmmError):
    """A run folder is missing, incomplete, already there, or was made from other data."""


def nearest(word: str, valid: Iterable[str]) -> str:
    """The valid words beside a wrong one: `did you mean 'x'? Valid: ...`, for the end of a message."""
    options = [str(option) for option in valid]
    close = difflib.get_close_matches(word, options, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}Valid: {listed(map(shortened, options), limit=12)}." if options else "there is none."


def shortened(text: str, limit: int = 60) -> str:
    """The text, cut after `limit` characters, so that a message fits one screen whatever the file holds."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def listed(items: Iterable[object], limit: int = 5) -> str:
    """The first `limit` items, comma separated, and how many more there are."""
    everything = [str(item) for item in items]
    shown = ", ".join(everything[:limit])
    rest = len(everything) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown
