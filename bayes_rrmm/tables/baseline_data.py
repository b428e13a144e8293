"""Table 1 as data: patients, characteristics, events and follow-up of everyone and of each group, one row a number of the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.frequentist import median_follow_up
from bayes_rrmm.tables.patients import Patients, numbers_in, selected

COLUMNS = [
    "characteristic", "level", "group", "n", "percent", "missing", "median", "q1", "q3", "mean", "sd", "lower", "upper", "total",
]  # fmt: skip
PATIENTS, EVENTS, PERSON_TIME, FOLLOW_UP = "(patients)", "(events)", "(person-time)", "(follow-up)"
"""Characteristics that are not columns of the data; no formula can name them so."""
EVERYONE, UNKNOWN = "", "(unknown)"
"""The groups that are no levels: all patients, and those whose group is not known."""


def frame_of(patients: Patients, by: str | None) -> pd.DataFrame:
    """The rows of table1.csv: the contract's `COLUMNS`, for everyone (group '') and then each group of `by`."""
    rows = []
    for group, members in _groups(patients, by):
        rows += [{**row, "group": group} for row in _numbers(members, by)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _groups(patients: Patients, by: str | None) -> Iterator[tuple[str, Patients]]:
    """Everyone, each level with somebody in it, and those whose level is not known."""
    yield EVERYONE, patients
    if by is None:
        return
    group = patients.of(by)
    for level in patients.levels[by]:
        if (group == level).any():
            yield level, selected(patients, (group == level).to_numpy(dtype=bool))
    if group.isna().any():
        yield UNKNOWN, selected(patients, group.isna().to_numpy(dtype=bool))


def _numbers(patients: Patients, by: str | None) -> list[dict[str, Any]]:
    weight = patients.cohort.weight[patients.first]
    total = float(weight.sum())
    rows: list[dict[str, Any]] = [{"characteristic": PATIENTS, "level": "", "n": total}]
    for name, values in patients.columns.items():
        if name == by:
            continue
        own = values[patients.first]
        missing = float(weight[own.isna().to_numpy()].sum())
        if not patients.is_group(name):
            rows.append({"characteristic": name, "level": "", "n": total - missing, "missing": missing, **_moments(own, weight)})
            continue
        for level in patients.levels[name]:
            inside = float(weight[(own == level).to_numpy(dtype=bool)].sum())
            share = 100 * inside / (total - missing) if total > missing else np.nan
            rows.append({"characteristic": name, "level": level, "n": inside, "percent": share, "missing": missing})
    return [*rows, *_outcome(patients.cohort, patients, weight)]


def _moments(values: pd.Series[Any], weight: np.ndarray[Any, Any]) -> dict[str, float]:
    """Median and quartiles (R's type 7), mean and sd of the known values."""
    known, often = numbers_in(values, weight)
    if not len(known):
        return {}
    until = np.cumsum(often)
    total = float(until[-1])
    mean = float(often @ known / total)
    sd = float(np.sqrt(often @ (known - mean) ** 2 / (total - 1.0))) if total > 1 else np.nan
    q1, median, q3 = (_quantile(known, until, probability) for probability in (0.25, 0.5, 0.75))
    return {"median": median, "q1": q1, "q3": q3, "mean": mean, "sd": sd}


def _quantile(ordered: Floats, until: Floats, probability: float) -> float:
    """R's type 7 quantile of numbers that count several times: `until` says how many there are up to each."""
    position = (until[-1] - 1.0) * probability
    low, high = (ordered[np.searchsorted(until, place, side="right")] for place in (np.floor(position), np.ceil(position)))
    return float(low + (position - np.floor(position)) * (high - low))


def _outcome(cohort: Cohort, patients: Patients, weight: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    """Patients with an event and all events, time at risk, and follow-up by reverse Kaplan-Meier with its 95 % limits."""
    had = np.zeros(len(weight), dtype=bool)
    np.logical_or.at(had, patients.owner, cohort.event > 0)
    by_owner = np.zeros(len(weight))
    by_owner[patients.owner[patients.first]] = weight
    affected = float(by_owner[had].sum())
    censored_last = np.where(cohort.is_last_spell, cohort.event, 1.0)  # the end of an earlier spell is no end of follow-up
    median, lower, upper = median_follow_up(cohort.time, censored_last, cohort.entry, cohort.weight)
    return [
        {
            "characteristic": EVENTS,
            "level": "",
            "n": affected,
            "percent": 100 * affected / float(weight.sum()),
            "total": cohort.events,
        },
        {"characteristic": PERSON_TIME, "level": "", "total": cohort.person_time},
        {"characteristic": FOLLOW_UP, "level": "", "median": median, "lower": lower, "upper": upper},
    ]
