"""When the patients of a group were treated: the times checked, and the rows in which the months before treatment count otherwise.

Counting those months for the group makes them immortal: whoever is in it survived them. Sources: Mantel and Byar (1974, JASA
69:81-86) for time-dependent groups, Anderson, Cain and Gelber (1983, J Clin Oncol 1:710-719) for landmarks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bayes_rrmm.cohort.columns import column, numbers, refuse_rows
from bayes_rrmm.cohort.landmark import from_landmark
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import AnalysisError, DataError
from bayes_rrmm.sensitivity.group_question import GroupQuestion

EARLY = (0.1, 0.25)
"""Shares of the events before the usual landmarks where no time of treatment is known."""
TREATED = (0.5, 1.0)
"""Shares of the group's patients treated by the usual landmarks."""


def treatment_times(values: Any, question: GroupQuestion, cohort: Cohort) -> Floats:
    """The time of treatment of each row, in the cohort's unit, NaN outside the group; shape (N,).

    `values` has an entry for each of the cohort's rows, or for each row of the table as read. Raises DataError naming row,
    column, value, rule and remedy: within the group a time must be known, a number, not negative and before the exit, one
    for all spells of a subject; outside it there is none.
    """
    name = str(getattr(values, "name", None) or "treated_at")
    if isinstance(values, str):
        raise AnalysisError(f"treated_at = {values!r} is a text: give the values, such as treated_at = data[{values!r}].")
    given = pd.Series(np.asarray(values, dtype=object).ravel())
    rows = cohort.row_numbers
    if len(given) != len(cohort):
        if len(given) != cohort.rows_read or rows.max() > len(given):
            raise DataError(
                f"column {name!r} has {len(given)} values, and the cohort {len(cohort)} rows of {cohort.rows_read} read: "
                "give one for each of its rows, or for each row of the table it was read from."
            )
        given = given.iloc[rows - 1].reset_index(drop=True)
    text = column(given.to_frame(name), name, "time of treatment")
    times = numbers(text, name, "the time of treatment", rows)
    inside = question.is_in_group(cohort)
    last = pd.Series(np.where(inside, cohort.time, -np.inf)).groupby(cohort.subject_numbers).transform("max").to_numpy()
    who = f"of {question.of} = {question.group}"
    complete = f"complete it, correct {question.of}, or ask without it"
    refuse_rows(inside & np.isnan(times), times, name, f"the time of treatment must be known for every row {who}", complete, rows)
    remedy = f"correct it, or {question.of}, or leave it empty"
    refuse_rows(~inside & ~np.isnan(times), times, name, f"only rows {who} have a time of treatment", remedy, rows)
    refuse_rows(times < 0, times, name, "the time of treatment must not be negative", "count it from time 0", rows)
    rule = f"treatment must come before the exit ({cohort.endpoint.time})"
    dates = f"check the two dates; whoever ended before treatment is not {who}"
    refuse_rows(inside & (times >= last), times, name, rule, dates, rows)
    first = pd.Series(times).groupby(cohort.subject_numbers).transform("first").to_numpy()
    one = "spells of one subject must have one time of treatment"
    refuse_rows(inside & (times != first), times, name, one, "give each spell the same", rows)
    return times


def delayed(cohort: Cohort, treated: Floats) -> Cohort:
    """Each patient of the group at risk from treatment on: the months before it count for nobody."""
    entry = np.fmax(cohort.entry, treated)
    later = replace(cohort, entry=entry)
    return later if np.all(cohort.time > entry) else later.select(cohort.time > entry)


def time_dependent(question: GroupQuestion, cohort: Cohort, treated: Floats) -> Cohort:
    """Each patient of the group in `versus` until treatment, and in the group from then on."""
    known = ~np.isnan(treated)
    before = known & (cohort.entry < treated)
    after = ~known | (cohort.time > treated)
    rows = np.concatenate([np.flatnonzero(before), np.flatnonzero(after)])
    early = np.arange(len(rows)) < before.sum()
    ends = early & (cohort.time[rows] > treated[rows])
    covariates = cohort.covariates.iloc[rows].copy()
    covariates[question.of] = covariates[question.of].where(~early, question.versus)
    subject = cohort.subject_numbers.astype(str) if cohort.id is None else cohort.id
    return replace(
        cohort,
        time=np.where(ends, treated[rows], cohort.time[rows]),
        event=np.where(ends, 0.0, cohort.event[rows]),
        entry=np.where(early, cohort.entry[rows], np.fmax(cohort.entry[rows], treated[rows])),
        weight=cohort.weight[rows],
        covariates=covariates,
        id=subject[rows],
        cluster=None if cohort.cluster is None else cohort.cluster[rows],
    )


def on_landmark(question: GroupQuestion, cohort: Cohort, treated: Floats | None, landmark: float) -> tuple[Cohort, float]:
    """Those under observation at the landmark, followed from it on, and how many of the group count as `versus`.

    Whoever is treated after the landmark is not in the group at it. Without times of treatment everybody is where recorded.
    """
    if treated is None:
        return from_landmark(cohort, landmark), 0.0
    later = treated > landmark
    covariates = cohort.covariates.copy()
    covariates[question.of] = covariates[question.of].where(~later, question.versus)
    kept = from_landmark(replace(cohort, covariates=covariates), landmark)
    still = from_landmark(cohort.select(later), landmark) if later.any() else None
    return kept, 0.0 if still is None or not len(still) else still.patients


def landmarks_of(
    question: GroupQuestion, cohort: Cohort, treated: Floats | None, asked: Sequence[float] | None
) -> tuple[tuple[float, ...], str]:
    """The landmarks asked for, in order; None asks for two, and how these were chosen is said.

    They are when half and when all of the group's patients had been treated or, where that is not known, when a tenth and a
    quarter of all events had happened, rounded up. Raises AnalysisError for a time at which nobody is left, or no event comes.
    """
    events = cohort.time[cohort.event > 0]
    if asked is None:
        found, how = _usual(question, cohort, treated)
        return tuple(time for time in found if cohort.entry.min() < time < events.max()), how
    landmarks = tuple(sorted({float(time) for time in asked}))
    for time in landmarks:
        if not (math.isfinite(time) and time > cohort.entry.min()):
            start = f"{cohort.entry.min():g}"
            raise AnalysisError(f"landmark = {time:g}: follow-up starts at {start}; name a time after it, in {cohort.unit}.")
        if time >= events.max():
            raise AnalysisError(
                f"landmark = {time:g}: no event comes after it, the last is at {events.max():g} {cohort.unit}; name a time before."
            )
    return landmarks, ""


def _usual(question: GroupQuestion, cohort: Cohort, treated: Floats | None) -> tuple[tuple[float, ...], str]:
    if treated is not None:
        members: NDArray[np.bool_] = ~np.isnan(treated)
        times = _quantiles(treated[members], cohort.weight[members], TREATED)
        how = f"Landmarks: the times by which half and all of {question.group} had been treated, rounded up."
    else:
        happened = cohort.event > 0
        times = _quantiles(cohort.time[happened], cohort.weight[happened], EARLY)
        how = "Landmarks: the times by which a tenth and a quarter of all events had happened, rounded up."
    return _rounded_up(times), how


def _quantiles(values: ArrayLike, weight: Floats, shares: Sequence[float]) -> list[float]:
    order = np.argsort(values)
    reached = np.cumsum(weight[order]) / weight.sum()
    return [float(np.asarray(values)[order][np.searchsorted(reached, share - 1e-12)]) for share in shares]


def _rounded_up(times: list[float]) -> tuple[float, ...]:
    """To whole tens, ones or tenths, whichever is between 2 % and 20 % of the latest."""
    if max(times) <= 0:
        return ()
    step = 10.0 ** math.floor(math.log10(max(times) / 5.0))
    return tuple(sorted({float(f"{math.ceil(round(time / step, 9)) * step:.9g}") for time in times}))
