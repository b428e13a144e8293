"""The clusters of a frailty, read and checked: are there enough of them, and do they say anything of it? STATISTICS, section 2."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.cohort.columns import column, refuse_rows
from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.errors import DataError
from bayes_rrmm.specification.analysis import FrailtyPart


def read_clusters(frame: pd.DataFrame, frailty: FrailtyPart, rows: NDArray[np.int64]) -> NDArray[np.str_]:
    """The cluster of every row. Raises DataError where there is no such column, or a row without a cluster."""
    text = column(frame, frailty.cluster, "the frailty's cluster")
    rule, remedy = "the cluster must be known", "complete it, or leave the row out"
    refuse_rows(text.isna().to_numpy(), text, frailty.cluster, rule, remedy, rows)
    return text.to_numpy(dtype=str)


def with_checked_clusters(cohort: Cohort, frailty: FrailtyPart, landmark: float | None) -> Cohort:
    """The cohort, with notes on what its frailty is and where its clusters say little of it.

    Raises DataError for a single cluster, and where subjects enter late and what is seen of their clusters is not declared.
    """
    numbers = cohort.cluster_numbers
    clusters = int(numbers.max()) + 1
    if clusters < 2:
        raise DataError(
            f"column {frailty.cluster!r}: all {len(cohort)} analysed rows are of one cluster, so nothing tells its frailty from "
            "the baseline hazard; name a column with several, or remove the frailty."
        )
    notes = [*cohort.notes, *_counted_from(cohort, frailty, landmark)]
    if np.bincount(numbers, weights=cohort.event).max() <= 1:
        notes.append(
            f"no cluster of {frailty.cluster!r} has two events, so events in common say nothing of the frailty: "
            "only the shape of the hazard does, and the prior decides how large it is."
        )
    return replace(cohort, notes=tuple(notes))


def _counted_from(cohort: Cohort, frailty: FrailtyPart, landmark: float | None) -> list[str]:
    """Among which clusters the frailty has its distribution, where that is not all of them at time 0. Raises DataError."""
    unit = cohort.unit
    if landmark is not None:
        return [
            f"the frailty is that of clusters of {frailty.cluster!r} that have somebody at risk at the landmark of {landmark:g} "
            f"{unit}, each counted once; of the clusters at time 0 it says nothing."
        ]
    late = np.flatnonzero(cohort.survived_before > 0)
    if not len(late):
        return []
    if frailty.entry == "at-entry":
        return [
            f"the frailty is that of clusters of {frailty.cluster!r} as they entered, without regard to who did not live to enter: "
            "an approximation."
        ]
    first, several = late[0], several_subjects(cohort)
    place = f"row {cohort.row_numbers[first]}, column {cohort.endpoint.entry!r} is {cohort.entry[first]:g}"
    approximate = 'entry = "at-entry" in [model] frailty (the frailty is then that of clusters as they entered: an approximation)'
    if frailty.distribution == "log-normal":
        raise DataError(
            f"{place}: who enters late was not frail enough to have the event before, and a log-normal frailty has no closed form "
            f'given that; set distribution = "gamma", or {approximate}, or remove the frailty.'
        )
    if not several[late].any():
        return []
    first = late[several[late]][0]
    place = f"row {cohort.row_numbers[first]}, column {cohort.endpoint.entry!r} is {cohort.entry[first]:g}"
    if frailty.entry is None:
        raise DataError(
            f"{place}: a subject enters late into a cluster of several, and how many of that cluster did not live to enter is "
            'unknown, so its frailty is not identified; declare entry = "whole-clusters" in [model] frailty where a cluster is '
            f"seen only if all its members survived to their entry, or {approximate}, or remove the frailty."
        )
    return [f"clusters of {frailty.cluster!r} are taken as seen only if all their members survived to their entry."]


def several_subjects(cohort: Cohort) -> NDArray[np.bool_]:
    """Which rows are of a cluster with more subjects than one."""
    pairs = np.unique(np.column_stack([cohort.cluster_numbers, cohort.subject_numbers]), axis=0)
    return np.asarray(np.bincount(pairs[:, 0])[cohort.cluster_numbers] > 1)
