"""The arrays by which a model knows which of its rows share a frailty."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.errors import FitError
from bayes_rrmm.plan import Plan


def frailty_inputs(plan: Plan, cohort: Cohort, first_row: NDArray[np.int64]) -> dict[str, Any]:
    """The cluster of each row of the model, whose `first_row` is a row of the cohort, and of a gamma frailty the events D of
    each cluster with the steps j of sum_{j<D} log(1 + j theta). Nothing without a frailty.

    Raises FitError where the cohort has more clusters than the plan has room for.
    """
    if plan.frailty is None:
        return {}
    numbers = cohort.cluster_numbers
    clusters = int(numbers.max()) + 1
    inputs: dict[str, Any] = {"frailty_sd": np.array(plan.priors.frailty_sd), "cluster_of_row": numbers[first_row]}
    if plan.frailty == "log-normal":
        if clusters > plan.most_clusters:
            raise FitError(
                f"these rows have {clusters} clusters, and this plan's log-normal frailty has room for {plan.most_clusters}; "
                "make the plan from rows with as many clusters."
            )
        return inputs
    events = np.bincount(numbers, weights=cohort.event).astype(np.int64)
    return inputs | {"cluster_events": events, "rising_steps": np.maximum(np.arange(events.max() + 1.0) - 1.0, 0.0)}
