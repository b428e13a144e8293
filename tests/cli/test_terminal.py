"""What a terminal shows: numbers rounded by one rule, JSON without NaN, and a progress bar only where it can be seen."""

from __future__ import annotations

import io
import json
import math
import sys

import numpy as np
import pytest

from bayes_rrmm.cli.as_json import to_json
from bayes_rrmm.cli.progress import sampling_progress
from bayes_rrmm.rounding import figure_of


@pytest.mark.parametrize(
    ("value", "unit", "contrast", "shown"),
    [
        (1.2345, "ratio", "none", "1.23"),
        (12.345, "months", "none", "12.3"),
        (12.345, "weeks", "none", "12.3"),
        (12.345, "years", "none", "12.35"),
        (412.5, "days", "none", "412"),
        (0.0004, "probability", "none", "<0.001"),
        (0.0005, "probability", "none", "0.001"),
        (0.9994, "probability", "none", "0.999"),
        (0.9995, "probability", "none", ">0.999"),
        (0.0004, "p", "none", "<0.001"),
        (0.0004, "probability", "difference", "0.000"),
        (-0.1234, "probability", "difference", "-0.123"),
        (math.inf, "months", "none", "NR"),
        (math.nan, "months", "none", "-"),
    ],
)
def test_one_rule_of_rounding(value: float, unit: str, contrast: str, shown: str) -> None:
    """Decimals follow the unit; a probability is never 0.000 or 1.000, a difference of two may be."""
    assert figure_of(value, unit, contrast) == shown


def test_json_has_no_nan() -> None:
    """Missing numbers are null, a median not reached is a text, NumPy's numbers and truths are plain ones."""
    content = {"a": math.nan, "b": [math.inf, np.float64(1.5)], "c": np.bool_(True), "d": (np.int64(3), None), 5: "text"}
    assert json.loads(to_json(content)) == {"a": None, "b": ["Infinity", 1.5], "c": True, "d": [3, None], "5": "text"}
    assert "NaN" not in to_json(content)


class Terminal(io.StringIO):
    """A standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal there is a bar that names the stage and the divergences so far."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with sampling_progress(silent=False) as report:
        assert report is not None
        report(10, 100, 3)
    assert "compiling the model" in terminal.getvalue() or "sampling, 3 divergences" in terminal.getvalue()


@pytest.mark.parametrize(("silent", "terminal"), [(True, True), (False, False), (True, False)])
def test_progress_is_silent_elsewhere(silent: bool, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told to be quiet, or where the output is a file, nothing is shown and nothing is called back."""
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with sampling_progress(silent) as report:
        assert report is None
    assert stream.getvalue() == ""
