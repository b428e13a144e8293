"""What a cohort is: the analysed rows, their endpoint, and what was left out on the way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.specification.analysis import Endpoint

Floats = NDArray[np.float64]

DAYS = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}
"""Days in one unit of time."""

SUBJECT = "(subject)"
"""Column of stored rows that numbers the subjects, in place of their identifiers."""

ENTRY = "(entry)"
"""Column of stored rows that holds the entry where the endpoint names no column for it: a landmark moved it."""

CLUSTER = "(cluster)"
"""Column of stored rows that numbers the clusters of a frailty in the order in which they first appear, in place of their names."""


@dataclass(frozen=True)
class Dropped:
    """Rows left out for one reason; `rows` are their numbers in the table as read, the first being 1."""

    reason: str
    rows: tuple[int, ...]


@dataclass(frozen=True, repr=False)
class Cohort:
    """Validated rows. Arrays have one entry a row; times are in `endpoint.unit`, event is 0 or 1.

    `covariates` holds the columns the formula reads: text for groups (None where a value to be marginalised is missing),
    floats for continuous covariates, indexed by the row's number in the table as read. `id` is None unless the endpoint
    names it, `cluster`, which rows share a frailty, unless the model has one.
    """

    endpoint: Endpoint
    time: Floats
    event: Floats
    entry: Floats
    weight: Floats
    covariates: pd.DataFrame
    id: NDArray[np.str_] | None = None
    cluster: NDArray[np.str_] | None = None
    rows_read: int = 0
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()
    origin: str = "the data"

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        at_risk = f"{self.person_time:.1f} {self.unit} at risk"
        return f"Cohort({len(self)} rows of {self.origin}, {self.events:g} events, {at_risk})"

    @property
    def unit(self) -> str:
        """Unit of every time."""
        return self.endpoint.unit

    @property
    def events(self) -> float:
        """Number of events, counting frequency weights."""
        return float(np.sum(self.weight * self.event))

    @property
    def patients(self) -> float:
        """Number of patients: rows counting frequency weights, or subjects where rows are their spells."""
        return round(float(np.sum(self.weight * self.share_of_subject)), 9)  # three thirds of a patient are one

    @property
    def share_of_subject(self) -> Floats:
        """1 over the number of spells of the row's subject; 1 everywhere where rows are patients."""
        if self.id is None:
            return np.ones(len(self))
        _, subject, spells = np.unique(self.id, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / spells[subject.reshape(-1)])

    @property
    def is_last_spell(self) -> NDArray[np.bool_]:
        """True for the last spell of each subject, the only one whose end can be a censoring."""
        if self.id is None:
            return np.ones(len(self), dtype=bool)
        latest = pd.Series(self.time).groupby(self.id).transform("max").to_numpy()
        return np.asarray(self.time == latest)

    @property
    def subject_numbers(self) -> NDArray[np.int64]:
        """The subject of each row, numbered from 0 in the order of their names; each row its own without ids."""
        if self.id is None:
            return np.arange(len(self), dtype=np.int64)
        return np.unique(self.id, return_inverse=True)[1].reshape(-1).astype(np.int64)

    @property
    def cluster_numbers(self) -> NDArray[np.int64]:
        """The cluster of each row, numbered from 0 in the order in which they first appear; one for all without a frailty."""
        if self.cluster is None:
            return np.zeros(len(self), dtype=np.int64)
        return np.asarray(pd.factorize(self.cluster)[0], dtype=np.int64)

    @property
    def survived_before(self) -> Floats:
        """The time that a row's subject was free of the event before it came under observation: the entry, if it is the
        subject's first row, else 0, since earlier time is that of its earlier rows. In `unit`."""
        order = np.lexsort((self.time, self.entry, self.subject_numbers))
        first = np.zeros(len(self), dtype=bool)
        first[order[np.unique(self.subject_numbers[order], return_index=True)[1]]] = True
        return np.where(first, self.entry, 0.0)

    @property
    def person_time(self) -> float:
        """Time at risk, from entry to exit, summed over rows, in `unit`."""
        return float(np.sum(self.weight * (self.time - self.entry)))

    @property
    def has_delayed_entry(self) -> bool:
        """Whether any row comes under observation after time 0."""
        return bool(np.any(self.entry > 0))

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        """Each row's number in the table as read, the first being 1."""
        return self.covariates.index.to_numpy(dtype=np.int64)

    def is_complete(self, columns: tuple[str, ...] | None = None) -> NDArray[np.bool_]:
        """Which rows have no gap in the named covariates (default: in any); only marginalised covariates have gaps."""
        chosen = self.covariates if columns is None else self.covariates[list(columns)]
        return np.asarray(chosen.notna().all(axis=1))

    def select(self, keep: NDArray[np.bool_]) -> Cohort:
        """The rows for which `keep` is True; what was dropped before stays on record."""
        return replace(
            self,
            time=self.time[keep],
            event=self.event[keep],
            entry=self.entry[keep],
            weight=self.weight[keep],
            covariates=self.covariates.loc[keep],
            id=None if self.id is None else self.id[keep],
            cluster=None if self.cluster is None else self.cluster[keep],
        )

    def mask(self, filters: dict[str, tuple[str, ...]]) -> NDArray[np.bool_]:
        """Which rows have one of the named levels in every filtered column."""
        return with_levels(self.covariates, filters)

    def to_frame(self) -> pd.DataFrame:
        """The analysed columns under the names of the analysis file, without identifiers."""
        columns = {self.endpoint.time: self.time, self.endpoint.event: self.event.astype(np.int64)}
        if self.endpoint.entry is not None:
            columns[self.endpoint.entry] = self.entry
        if self.endpoint.weight is not None:
            columns[self.endpoint.weight] = self.weight
        frame = pd.DataFrame(columns, index=self.covariates.index)
        return pd.concat([frame, self.covariates], axis=1)

    def _with_entry(self) -> pd.DataFrame:
        frame = self.to_frame()
        return frame.assign(**{ENTRY: self.entry}) if self.endpoint.entry is None and self.has_delayed_entry else frame

    @classmethod
    def from_analysed(cls, frame: pd.DataFrame, endpoint: Endpoint, origin: str) -> Cohort:
        """The cohort that `to_stored` was made from: rows already validated, indexed by their number in the table as read."""
        outcome = {endpoint.time, endpoint.event, endpoint.entry, endpoint.weight, ENTRY, SUBJECT, CLUSTER}
        rows, entry = len(frame), endpoint.entry or (ENTRY if ENTRY in frame else None)
        return cls(
            endpoint=endpoint,
            time=frame[endpoint.time].to_numpy(dtype=np.float64),
            event=frame[endpoint.event].to_numpy(dtype=np.float64),
            entry=np.zeros(rows) if entry is None else frame[entry].to_numpy(dtype=np.float64),
            weight=np.ones(rows) if endpoint.weight is None else frame[endpoint.weight].to_numpy(dtype=np.float64),
            covariates=frame[[name for name in frame.columns if name not in outcome]],
            id=frame[SUBJECT].astype(str).to_numpy(dtype=str) if SUBJECT in frame else None,
            cluster=frame[CLUSTER].astype(str).to_numpy(dtype=str) if CLUSTER in frame else None,
            rows_read=rows,
            origin=origin,
        )

    def to_stored(self) -> pd.DataFrame:
        """`to_frame`, with the entry where only a landmark moved it, and an anonymous number for each subject where rows are
        spells, and for each cluster of a frailty."""
        frame = self._with_entry()
        if self.id is not None:
            frame[SUBJECT] = self.subject_numbers
        if self.cluster is not None:
            frame[CLUSTER] = self.cluster_numbers
        return frame

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the analysed columns in row order: what a result was computed from.

        Of the clusters it holds which rows are together, and not what they are called.
        """
        digest = hashlib.sha256()
        columns = self._with_entry()
        columns = columns if self.cluster is None else columns.assign(**{CLUSTER: self.cluster_numbers})
        for name, values in columns.items():
            digest.update(f"{name}\x1e".encode())
            digest.update("\x1f".join(_exact_texts(values)).encode())
            digest.update(b"\x1d")
        return digest.hexdigest()


def distinct_rows(frame: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first of each kind of identical row, and the kind of every row, kinds numbered as they appear."""
    kind = frame.groupby(list(frame.columns), sort=False, dropna=False).ngroup().to_numpy().astype(np.int64)
    return np.unique(kind, return_index=True)[1].astype(np.int64), kind


def with_levels(covariates: pd.DataFrame, filters: dict[str, tuple[str, ...]]) -> NDArray[np.bool_]:
    """Which rows have one of the named levels in every filtered column; a gap has none."""
    keep = np.ones(len(covariates), dtype=bool)
    for column, levels in filters.items():
        keep &= (covariates[column].notna() & covariates[column].astype(str).isin(levels)).to_numpy()
    return keep


def _exact_texts(values: pd.Series[Any]) -> list[str]:
    """`_exact` of every value, a column at a time: a dossier takes the fingerprint of hundreds of cohorts."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biuf":
        bits, kind = np.unique(values.to_numpy().astype(np.float64).view(np.int64), return_inverse=True)  # -0 is not 0
        texts = list(map(float.hex, bits.view(np.float64).tolist()))
        return [texts[place] for place in kind.tolist()]
    each = values.tolist()
    if set(map(type, each)) <= {str, type(None)}:
        return [value or "" for value in each]
    return [_exact(value) for value in each]


def _exact(value: object) -> str:
    """A gap is told apart from every text: no text is empty."""
    if value is None:
        return ""
    return float(value).hex() if isinstance(value, float | int | np.number) else str(value)
