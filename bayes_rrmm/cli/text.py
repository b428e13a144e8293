"""What a terminal shows: one table with the Bayesian and the frequentist number side by side, checks, times."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd

from bayes_rrmm.agreement.text import agreement_text
from bayes_rrmm.analysis import Run


def run_text(run: Run) -> str:
    """All that `fit` prints after sampling."""
    seconds = str(run.stopwatch)
    lines = [agreement_text(run.agreement.table, run.agreement.conventions, run.estimates)]
    lines += [f"Note: {note}" for note in run.notes]
    if not run.diagnosis.passed:
        lines.append("The checks below FAILED: do not rely on these numbers before they pass.")
    return "\n".join([*lines, f"Diagnostics {run.diagnosis}", f"Wall time: {seconds}", f"Run folder: {run.folder}", ""])


def run_record(run: Run) -> dict[str, Any]:
    """A run as data, for --json."""
    return {
        "folder": str(run.folder),
        "passed": run.diagnosis.passed,
        "notes": list(run.notes),
        "failed": [check.__dict__ for check in run.diagnosis.failed],
        "seconds": run.stopwatch.seconds,
        "estimates": records(run.estimates),
        "crosscheck": records(run.agreement.table),
    }


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as a list of objects."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict(orient="records")]


def to_json(content: Any) -> str:
    """JSON in which missing numbers are null and a median not reached is the text "Infinity"."""
    return json.dumps(_plain(content), indent=2, default=str, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else "Infinity" if math.isinf(value) else float(value)
    if hasattr(value, "item"):
        return _plain(value.item())
    return value


