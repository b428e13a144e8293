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


def with_checked_clusters(cohort: Cohort, frailty: FrailtyPart) -> Cohort:
    """The cohort, with a note where its clusters say little of the frailty.

    Raises DataError for a single cluster, and where a log-normal frailty meets subjects who enter late.
    """
    numbers = cohort.cluster_numbers
    clusters = int(numbers.max()) + 1
    if clusters < 2:
        raise DataError(
            f"column {frailty.cluster!r}: all {len(cohort)} analysed rows are of one cluster, so nothing tells its frailty from "
            "the baseline hazard; name a column with several, or remove the frailty."
        )
    late = np.flatnonzero(cohort.survived_before > 0)
    if frailty.distribution == "log-normal" and len(late):
        raise DataError(
            f"row {cohort.row_numbers[late[0]]}, column {cohort.endpoint.entry!r} is {cohort.entry[late[0]]:g}: who enters late "
            "was not frail enough to have the event before, and a log-normal frailty has no closed form given that; "
            'set distribution = "gamma", or remove the frailty.'
        )
    if np.bincount(numbers, weights=cohort.event).max() > 1:
        return cohort
    note = (
        f"no cluster of {frailty.cluster!r} has two events, so events in common say nothing of the frailty: "
        "only the shape of the hazard does, and the prior decides how large it is."
    )
    return replace(cohort, notes=(*cohort.notes, note))
