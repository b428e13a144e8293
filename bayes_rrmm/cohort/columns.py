"""Single columns, checked: present, unique, numeric where numbers are needed; each refusal names row, value, rule, remedy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.errors import DataError, listed, nearest, shortened

GAPS = frozenset({"", "NA", "N/A", "NaN", "nan", "NULL", "null", "."})
"""Texts that mean a missing value (R, pandas, SAS, databases)."""


DECIMAL_COMMA = r"-?\d+,\d+"
"""A number written with a decimal comma."""


def column(frame: pd.DataFrame, name: str, role: str) -> pd.Series[str]:
    """The column as stripped text, None where the value is missing. Raises DataError when there is none of the name."""
    if name not in frame.columns:
        raise DataError(f"column {name!r} ({role}) is not in the data; {nearest(name, map(str, frame.columns))}")
    if list(frame.columns).count(name) > 1:
        raise DataError(f"column {name!r} ({role}) stands in the data more than once; rename or remove the copies.")
    values = frame[name]
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    text = values.map(_text, na_action="ignore").astype(object)
    return text.where(text.notna() & ~text.isin(GAPS), None)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float | np.floating):
        return repr(float(value)) if not float(value).is_integer() else str(int(value))
    return str(value).strip()


def numbers(
    text: pd.Series[str], name: str, rule: str, rows: NDArray[np.int64], remedy: str = "correct it, or leave it empty where unknown"
) -> NDArray[np.float64]:
    """The column as floats, NaN where missing. Raises DataError naming the first values that are no finite number."""
    values = np.asarray(pd.to_numeric(text, errors="coerce"), dtype=np.float64)
    given = text.notna().to_numpy()
    wrong = given & np.isnan(values)
    if text[wrong].str.fullmatch(DECIMAL_COMMA).any():
        remedy = "write decimals with a point, not a comma"
    refuse_rows(wrong, text, name, f"{rule} must be a number", remedy, rows)
    refuse_rows(np.isinf(values), text, name, f"{rule} must be finite", "correct it or leave the row out", rows)
    return values


def refuse_rows(
    bad: NDArray[np.bool_], values: pd.Series[str] | NDArray[np.float64], name: str, rule: str, remedy: str, rows: NDArray[np.int64]
) -> None:
    """Raise DataError for the rows marked bad: the first row, its value, the rule, the remedy, and how many more there are."""
    where = np.flatnonzero(bad)
    if not len(where):
        return
    value = np.asarray(values, dtype=object)[where[0]]
    shown = shortened(repr(value)) if isinstance(value, str) else "missing" if pd.isna(value) else f"{value:g}"
    more = "" if len(where) == 1 else f" {len(where)} rows break this rule: {listed(rows[where])}."
    raise DataError(f"row {rows[where[0]]}, column {name!r} is {shown}: {rule}; {remedy}.{more}")
