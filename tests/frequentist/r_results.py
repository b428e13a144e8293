"""R's results and the data they were computed from, as the tests of this folder read them: from tests/reference only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FOLDER = Path(__file__).parents[1] / "reference"
DATASETS = (
    "aml",
    "gehan",
    "kidney",
    "myeloma_gep",
    "myeloma_gep_all256",
    "myeloma_gep_tiny",
    "myeloma_gep_zero",
    "myeloma_mayo",
)
WITH_COX = tuple(name for name in DATASETS if name != "myeloma_gep_zero")


@dataclass(frozen=True)
class Study:
    """One data set: its columns, its groups and what R says of it."""

    time: NDArray[np.float64]
    event: NDArray[np.float64]
    entry: NDArray[np.float64] | None
    group: NDArray[np.str_]
    design: NDArray[np.float64]
    names: tuple[str, ...]
    r: dict[str, Any]

    def of(self, name: str) -> NDArray[np.bool_]:
        """Which rows are in a group; "overall" has them all."""
        return np.full(len(self.time), True) if name == "overall" else self.group == name

    def endpoint(self, rows: NDArray[np.bool_] | slice = slice(None)) -> tuple[Any, ...]:
        """time, event, entry of some rows."""
        return self.time[rows], self.event[rows], None if self.entry is None else self.entry[rows]

    def kaplan_meier(self, name: str) -> dict[str, Any]:
        """R's Kaplan-Meier of a group."""
        return self.r["km"]["overall"] if name == "overall" else self.r["km"]["by_group"][name]


@cache
def study(name: str) -> Study:
    r = json.loads((FOLDER / f"freq_{name}.json").read_text())
    frame = pd.read_csv(FOLDER / "data" / f"{name}.csv")
    group = frame[r["main_group"]].astype(str).to_numpy()
    columns = _columns(name, frame, list(r["km"]["by_group"]))
    return Study(
        time=frame["time"].to_numpy(dtype=float),
        event=frame["event"].to_numpy(dtype=float),
        entry=frame["entry"].to_numpy(dtype=float) if "entry" in frame else None,
        group=group,
        design=np.column_stack(list(columns.values())).astype(float),
        names=tuple(columns),
        r=r,
    )


def _columns(name: str, frame: pd.DataFrame, levels: list[str]) -> dict[str, Any]:
    """The design in R's names and order; the first level is the reference."""
    if name == "kidney":
        dummies = {f"disease{level}": frame["disease"] == level for level in ("GN", "AN", "PKD")}
        return {"age10": frame["age10"], "female": frame["female"], **dummies}
    if name.startswith("myeloma_gep"):
        return {f"molecular_group{level}": frame["molecular_group"] == level for level in levels[1:]}
    column = {"aml": "nonmaintained", "gehan": "control", "myeloma_mayo": "year10"}[name]
    return {column: frame[column]}


def curves() -> list[tuple[str, str]]:
    """Every curve R has: a data set, and "overall" or one of its groups."""
    return [(name, group) for name in DATASETS for group in ("overall", *study(name).r["km"]["by_group"])]
