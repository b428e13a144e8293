"""The patients behind the rows: each once, as they came under observation, with what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.cohort.build import build_cohort
from bayes_rrmm.cohort.columns import column
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import DataError, nearest
from bayes_rrmm.fitted import Fit
from bayes_rrmm.results import Results

MOST_LEVELS = 20
"""Levels up to which a text is a characteristic, whatever the number of patients."""


@dataclass(frozen=True)
class Patients:
    """The analysed patients. `first` says which rows are the first of a patient: the patient is described by that row, and every
    row belongs to the patient of number `owner`. `columns` holds each characteristic by row, its gaps None or NaN."""

    cohort: Cohort
    first: NDArray[np.bool_]
    owner: NDArray[np.int64]
    columns: dict[str, pd.Series[Any]]
    levels: dict[str, tuple[str, ...]]

    def of(self, name: str) -> pd.Series[Any]:
        """The characteristic of each row's patient, as that patient came under observation."""
        values = self.columns[name].to_numpy(dtype=object)
        return pd.Series(values[self._first_row], dtype=object)

    def is_group(self, name: str) -> bool:
        """Whether the characteristic has levels; else it is a number."""
        return name in self.levels

    @property
    def changes(self) -> list[str]:
        """The characteristics that some patient has otherwise in a later row."""
        return [name for name in self.columns if not _same(self.columns[name].to_numpy(dtype=object), self.of(name).to_numpy())]

    @property
    def _first_row(self) -> NDArray[np.int64]:
        rows = np.zeros(self.owner.max() + 1, dtype=np.int64)
        rows[self.owner[self.first]] = np.flatnonzero(self.first)
        return np.asarray(rows[self.owner])


def patients_of(results: Results, data: pd.DataFrame | None = None, columns: list[str] | None = None) -> Patients:
    """The patients of a fit with the covariates of its formula, and the `columns` of `data`, the table its rows were read from.

    Raises DataError where `data` are other rows, or a column is no characteristic; FitError where there are no rows.
    """
    fit = results.fit
    cohort = results.rows_for("a table of the patients") if data is None else _read_again(fit, data)
    owner = cohort.subject_numbers
    order = np.lexsort((cohort.time, cohort.entry, owner))
    first = np.zeros(len(cohort), dtype=bool)
    first[order[np.unique(owner[order], return_index=True)[1]]] = True
    found: dict[str, pd.Series[Any]] = {name: cohort.covariates[name] for name in cohort.covariates.columns}
    levels = {group.name: group.levels for group in fit.plan.encoding.groups}
    for name in columns or []:
        if name not in found:
            found[name] = _added(data, name, cohort, fit)
    for name, values in found.items():
        if name not in levels and (own := _levels(name, values, first)) is not None:
            levels[name] = own
            found[name] = values.astype(object).where(values.notna(), None).map(_level, na_action="ignore")
    return Patients(cohort, first, owner, found, levels)


def selected(patients: Patients, keep: NDArray[np.bool_]) -> Patients:
    """Some patients: all rows of each."""
    owner = np.unique(patients.owner[keep], return_inverse=True)[1].reshape(-1).astype(np.int64)
    columns = {name: values[keep] for name, values in patients.columns.items()}
    return replace(patients, cohort=patients.cohort.select(keep), first=patients.first[keep], owner=owner, columns=columns)


def numbers_in(values: pd.Series[Any], weight: Floats) -> tuple[Floats, Floats]:
    """The known numbers in order, and how often each counts."""
    known = values.notna().to_numpy()
    numbers = values[known].to_numpy(dtype=np.float64)
    order = np.argsort(numbers, kind="stable")
    return numbers[order], np.round(weight[known][order])


def _read_again(fit: Fit, data: pd.DataFrame) -> Cohort:
    cohort = build_cohort(data, fit.analysis)
    if cohort.fingerprint != fit.fingerprint:
        raise DataError(
            "data: these are not the rows the fit was made from; give the table it was read from, rows in the same order."
        )
    return cohort


def _added(data: pd.DataFrame | None, name: str, cohort: Cohort, fit: Fit) -> pd.Series[Any]:
    """A column of the table as read, by analysed row: numbers where all of it are numbers, else text."""
    if data is None:
        raise DataError(f"column {name!r} is no covariate of the formula; give data=, the table the cohort was read from.")
    if name == fit.analysis.endpoint.id:
        raise DataError(f"column {name!r} names the patients; a table of their characteristics cannot show it.")
    text = column(data.reset_index(drop=True), name, "a characteristic").iloc[cohort.row_numbers - 1]
    text.index = cohort.covariates.index
    numbers = pd.to_numeric(text, errors="coerce")
    is_number = bool((numbers.notna() == text.notna()).all()) and not isinstance(data[name].dtype, pd.CategoricalDtype)
    return numbers.astype(float) if is_number else text


def _levels(name: str, values: pd.Series[Any], first: NDArray[np.bool_]) -> tuple[str, ...] | None:
    """The levels of a text, in their order, or of a column of 0 and 1; None of other numbers. Raises DataError where a text has so
    many that they would tell patients apart."""
    known = values[values.notna()]
    if values.dtype != object:
        return tuple(_level(value) for value in sorted(set(known))) if set(known) <= {0.0, 1.0} and len(known) else None
    found = sorted(set(map(str, known)))
    if len(found) > max(MOST_LEVELS, int(first.sum()) // 4):
        raise DataError(f"column {name!r} has {len(found)} different texts, too many for a characteristic; leave it out.")
    return tuple(found)


def _level(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _same(left: NDArray[np.object_], right: NDArray[np.object_]) -> bool:
    gaps = pd.isna(left)
    return bool(np.array_equal(gaps, pd.isna(right)) and np.all(left[~gaps] == right[~gaps]))


def group_of(patients: Patients, by: str) -> str:
    """The characteristic, checked to have levels. Raises DataError with the nearest one that has."""
    if not patients.is_group(by):
        raise DataError(f"by = {by!r} is no group of these patients; {nearest(by, patients.levels)}")
    return by
