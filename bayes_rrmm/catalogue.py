"""What the package carries: the embedded data sets with their dictionaries, and the shipped analyses."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_rrmm.errors import AnalysisError, DataError, nearest

if TYPE_CHECKING:
    import pandas as pd


def data_names() -> list[str]:
    """Names of the embedded data sets, in alphabetical order."""
    return _stems(_data(), ".csv")


def load_data(name: str) -> pd.DataFrame:
    """An embedded data set: every column as text, '' where a value is missing, as a CSV of the user's is read.

    `attrs["origin"]` holds its name, which pandas carries along, so that what is made of it can say what it was made of.

    Raises DataError with the nearest name where there is none of that name.
    """
    from bayes_rrmm.cohort.table import table_from_csv

    table = table_from_csv(_data_file(name, ".csv").read_bytes(), name)
    table.attrs["origin"] = name
    return table


def is_synthetic(table: pd.DataFrame) -> bool:
    """Whether rows of the synthetic cohort are in the table, in whatever order and number: they say so in `patient`."""
    if "synthetic" in str(table.attrs.get("origin", "")):
        return True
    return "patient" in table and bool(table["patient"].astype(str).str.startswith("synthetic-").any())


def describe_data(name: str) -> dict[str, Any]:
    """The dictionary of an embedded data set: title, source, obtained, licence, unit, rows, events, notes and columns.

    Each entry of `columns` has a meaning, a unit or levels, and the count of missing values. Raises DataError as
    `load_data` does.
    """
    return tomllib.loads(_data_file(name, ".toml").read_text(encoding="utf-8"))


def model_names() -> list[str]:
    """Names of the shipped analyses, in alphabetical order."""
    return _stems(_models(files("bayes_rrmm")), ".toml")


def model_text(name: str) -> str:
    """The text of a shipped analysis, TOML. Raises AnalysisError with the nearest name where there is none of that name."""
    names = model_names()
    if name not in names:
        raise AnalysisError(f"{name!r} is not a shipped analysis, nor a path ending in .toml; {nearest(name, names)}")
    return (_models(files("bayes_rrmm")) / f"{name}.toml").read_text(encoding="utf-8")


def _data() -> Traversable:
    return files("bayes_rrmm") / "data"


def _data_file(name: str, suffix: str) -> Traversable:
    names = data_names()
    if name not in names:
        raise DataError(f"{name!r} is not an embedded data set; {nearest(name, names)}")
    return _data() / f"{name.replace('-', '_')}{suffix}"


def _models(package: Traversable) -> Traversable:
    """The folder of the shipped analyses: inside an installed package, beside it in a checkout."""
    installed = package / "_models"
    return installed if installed.is_dir() else Path(str(package)).parent / "models"


def _stems(folder: Traversable, suffix: str) -> list[str]:
    if not folder.is_dir():
        return []
    stems = [entry.name.removesuffix(suffix) for entry in folder.iterdir() if entry.name.endswith(suffix)]
    return sorted(stem.replace("_", "-") if suffix == ".csv" else stem for stem in stems)
