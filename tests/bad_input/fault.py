"""What a fault is, and how it is put into a table and an analysis that nothing else is wrong with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bayes_rrmm.errors import AnalysisError, BayesRrmmError, DataError
from bayes_rrmm.plan import make_plan
from bayes_rrmm.read import load_analysis, read_cohort

ROWS = 32
PIECEWISE = 'baseline = "piecewise-exponential"\n'
FRAILTY = "frailty = { cluster = 'who', distribution = 'gamma' }\n"
POOLED = "effects = { group = 'pooled' }\n"
MARGINALISE = "missing = 'marginalise'\n"


@dataclass(frozen=True)
class Bad:
    """One fault: in the parts of an analysis or its whole text, or in the table, its text, or its bytes.

    `says` are the fragments that the message must hold: where the fault is, and what to do about it.
    """

    says: tuple[str, ...]
    kind: type[BayesRrmmError] = AnalysisError
    formula: str = "group + age"
    endpoint: str = ""
    model: str = ""
    rest: str = ""
    whole: Callable[[str], str] | None = None
    edit: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    text: Callable[[str], str] | None = None
    content: bytes | None = None
    file: str = "patients.csv"


def table() -> pd.DataFrame:
    """A table that nothing is wrong with."""
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "time": np.round(rng.exponential(15.0, ROWS) + 0.5, 1),
            "event": np.resize([1, 0, 1], ROWS),
            "group": np.resize(["a", "b", "c", "d"], ROWS),
            "sex": np.resize(["f", "m", "m"], ROWS),
            "age": np.round(rng.normal(60.0, 8.0, ROWS), 1),
            "entry": 0.25,
            "n": 1,
            "who": [f"p{row}" for row in range(ROWS)],
        }
    ).astype(object)


def cell(row: int, column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Put one value into a row, counted from 1 as messages do."""

    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[row - 1, column] = value
        return frame

    return edit


def column(name: str, values: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Replace, or add, a whole column."""
    return lambda frame: frame.assign(**{name: values})


def line(number: int, new: str) -> Callable[[str], str]:
    """Replace one line of the CSV, counted from 1, the header."""
    return lambda text: "\n".join(new if index == number else old for index, old in enumerate(text.splitlines(), start=1)) + "\n"


def data(*says: str, **fault: object) -> Bad:
    """A fault that is the table's."""
    return Bad(says, DataError, **fault)  # type: ignore[arg-type]


def analysis(*says: str, **fault: object) -> Bad:
    """A fault that is the analysis's."""
    return Bad(says, AnalysisError, **fault)  # type: ignore[arg-type]


def run(bad: Bad, folder: Path, text: str) -> None:
    """Read the analysis, read the table, and learn everything that can be learnt before sampling."""
    path = folder / "analysis.toml"
    path.write_text(bad.whole(text) if bad.whole else text, encoding="utf-8")
    if bad.file == "!analysis.toml":
        path.unlink()
    source = folder / bad.file
    csv = (bad.edit or (lambda frame: frame))(table()).to_csv(index=False)
    if bad.file.endswith("/"):
        source.mkdir()
    elif not bad.file.startswith("!"):
        source.write_bytes(bad.content if bad.content is not None else (bad.text or str)(csv).encode())
    declared = load_analysis(path)
    make_plan(declared, read_cohort(folder / bad.file.removeprefix("!"), declared))
