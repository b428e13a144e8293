"""The endpoint's columns, checked: time, event, entry, weight, id. Source: STATISTICS, section 1."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.cohort.columns import column, numbers, refuse_rows
from bayes_rrmm.cohort.record import DAYS, Dropped, Floats
from bayes_rrmm.errors import DataError, listed
from bayes_rrmm.specification.analysis import Endpoint

EVENT_CODES = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}
IDENTIFIERS = frozenset({"id", "patient", "patient_id", "patientid", "subject", "subject_id", "subjectid", "usubjid"})


@dataclass(frozen=True)
class Outcome:
    """The endpoint of every row read, before gaps in covariates are dealt with. `keep` marks the rows that stay."""

    time: Floats
    event: Floats
    entry: Floats
    weight: Floats
    id: NDArray[np.str_] | None
    keep: NDArray[np.bool_]
    dropped: tuple[Dropped, ...]
    notes: tuple[str, ...]


def read_outcome(frame: pd.DataFrame, endpoint: Endpoint, rows: NDArray[np.int64], cluster: str | None = None) -> Outcome:
    """The endpoint's columns of `frame`; `cluster` is the column whose rows share a frailty, None without one.

    Raises DataError at the first rule broken.
    """
    time = _required_numbers(frame, endpoint.time, "time", rows)
    event = _events(frame, endpoint.event, rows)
    entry = np.zeros(len(frame))
    if endpoint.entry is not None:
        entry = _required_numbers(frame, endpoint.entry, "entry", rows)
        refuse_rows(entry < 0, entry, endpoint.entry, "entry must not be negative", "count it from time 0", rows)
    weight = np.ones(len(frame))
    if endpoint.weight is not None:
        weight = _required_numbers(frame, endpoint.weight, "weight", rows)
        refuse_rows(
            (weight <= 0) | (weight != np.round(weight)),
            weight,
            endpoint.weight,
            "a frequency weight must be a whole number above 0",
            "inverse-probability weights are refused (their posterior is not one): adjust by covariates instead",
            rows,
        )
    refuse_rows(time < 0, time, endpoint.time, "time must not be negative", "count it from time 0", rows)
    refuse_rows(
        time < entry,
        time,
        endpoint.time,
        "exit comes before entry",
        f"check the two dates behind {endpoint.time!r} and {endpoint.entry!r}",
        rows,
    )
    time, keep, dropped, moved = _zero_times(time, entry, endpoint, rows)
    ids, spells = _ids(frame, endpoint, time, entry, rows, cluster)
    return Outcome(time, event, entry, weight, ids, keep, dropped, (*moved, *spells))


def _required_numbers(frame: pd.DataFrame, name: str, role: str, rows: NDArray[np.int64]) -> Floats:
    text = column(frame, name, f"the endpoint's {role}")
    values = numbers(text, name, role, rows, "correct it, or leave the row out")
    refuse_rows(np.isnan(values), text, name, f"{role} must be known", "complete it or leave the row out", rows)
    return values


def _events(frame: pd.DataFrame, name: str, rows: NDArray[np.int64]) -> Floats:
    text = column(frame, name, "the endpoint's event")
    missing = text.isna().to_numpy()
    refuse_rows(missing, text, name, "event status must be known", "it is never assumed: complete it or leave the row out", rows)
    codes = {value: re.sub(r"^([012])\.0+$", r"\1", value.lower()) for value in text.unique()}
    remedy = "recode it so that 1 is the event and 0 is censored"
    if set(codes.values()) == {"1", "2"}:
        remedy = "it looks like the coding 1 = censored, 2 = event: subtract 1"
    events = text.map({value: EVENT_CODES.get(code, np.nan) for value, code in codes.items()}).to_numpy(dtype=np.float64)
    refuse_rows(np.isnan(events), text, name, "event must be 0 or 1 (or true, false)", remedy, rows)
    return events


def _zero_times(
    time: Floats, entry: Floats, endpoint: Endpoint, rows: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.bool_], tuple[Dropped, ...], tuple[str, ...]]:
    zero = time == entry
    everyone = np.ones(len(time), dtype=bool)
    if endpoint.zero_times == "refuse":
        refuse_rows(
            zero,
            time,
            endpoint.time,
            f"exit must come after entry ({'time 0' if endpoint.entry is None else endpoint.entry}), "
            "and this row has no time at risk: a Weibull density is degenerate there",
            'decide what it means and set zero_times = "drop" or zero_times = "half-day" in [endpoint]',
            rows,
        )
    numbers_of_rows = tuple(int(row) for row in rows[zero])
    if not numbers_of_rows or endpoint.zero_times == "refuse":
        return time, everyone, (), ()
    if endpoint.zero_times == "drop":
        return time, ~zero, (Dropped('no time at risk (zero_times = "drop")', numbers_of_rows),), ()
    moved = np.where(zero, time + 0.5 / DAYS[endpoint.unit], time)
    note = f"rows without time at risk count as followed for half a day: {listed(numbers_of_rows)}."
    return moved, everyone, (), (note,)


def _ids(
    frame: pd.DataFrame, endpoint: Endpoint, time: Floats, entry: Floats, rows: NDArray[np.int64], cluster: str | None
) -> tuple[NDArray[np.str_] | None, tuple[str, ...]]:
    if endpoint.id is None:
        _refuse_undeclared_spells(frame, endpoint, rows)
        return None, ()
    text = column(frame, endpoint.id, "the endpoint's id")
    refuse_rows(text.isna().to_numpy(), text, endpoint.id, "id must be known", "complete it or leave the row out", rows)
    ids = text.to_numpy(dtype=str)
    spells = pd.DataFrame({"id": ids, "entry": entry, "time": time, "row": rows}).sort_values(["id", "entry", "time"])
    again = spells["id"].eq(spells["id"].shift())
    if not again.any():
        return ids, ()
    subjects = spells["id"].nunique()
    if endpoint.entry is None and cluster == endpoint.id:
        return ids, (
            f"{len(ids)} rows are times of {subjects} subjects, each counted from its own origin, taken as independent given the "
            "covariates and the frailty.",
        )
    _refuse_overlap(spells[again & (spells["entry"] < spells["time"].shift())], endpoint)
    given = "the covariates" if cluster is None else "the covariates and the frailty"
    return ids, (f"{len(ids)} rows are spells of {subjects} subjects, taken as independent given {given}.",)


def _refuse_overlap(overlap: pd.DataFrame, endpoint: Endpoint) -> None:
    """Nobody is at risk twice at one time: time counted twice narrows every interval. Without an entry all rows begin at 0."""
    if not len(overlap):
        return
    first = overlap.iloc[0]
    remedy = "end one where the next begins"
    if endpoint.entry is None:
        remedy = (
            "name the column that says when each begins as entry in [endpoint], or leave one row a subject; where rows are times "
            f'from origins of their own, as of recurrent events, give them a frailty = {{ cluster = "{endpoint.id}", '
            'distribution = "gamma" } in [model]'
        )
    raise DataError(
        f"row {first['row']}, column {endpoint.id!r} is {first['id']!r}: its spell from {first['entry']:g} to {first['time']:g} "
        f"overlaps another spell of that subject; {remedy}. {len(overlap)} spells overlap."
    )


def _refuse_undeclared_spells(frame: pd.DataFrame, endpoint: Endpoint, rows: NDArray[np.int64]) -> None:
    used = {endpoint.time, endpoint.event, endpoint.entry, endpoint.weight}
    for name in frame.columns:
        if str(name).lower() not in IDENTIFIERS or name in used or list(frame.columns).count(name) > 1:
            continue
        text = column(frame, name, "an identifier")
        twice = (text.duplicated() & text.notna()).to_numpy()
        refuse_rows(
            twice,
            text,
            str(name),
            "an identifier stands in an earlier row too, and rows must be different patients",
            f"remove the copy, or declare spells of one subject with id = {str(name)!r} in [endpoint]",
            rows,
        )
