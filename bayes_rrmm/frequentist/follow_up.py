"""Median follow-up by the reverse Kaplan-Meier method."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bayes_rrmm.frequentist.kaplan_meier import Estimate, Interval, kaplan_meier
from bayes_rrmm.frequentist.rows import as_rows


def median_follow_up(
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    prob: float = 0.95,
    interval: Interval = "log-log",
) -> Estimate:
    """How long patients would have been followed had nobody had the event: the median and its limits, in the data's unit.

    Kaplan-Meier of the time to censoring, in which an event cuts the follow-up short (Schemper and Smith 1996); R's
    `survfit(Surv(time, 1 - event) ~ 1)`. Arrays have shape (N,); `interval` is that of `kaplan_meier`. Infinity where half of the
    follow-up is never reached, as when nobody is censored. Raises DataError when a column breaks a rule.
    """
    rows = as_rows(time, event, entry, weight)
    censored = np.where(rows.event > 0, 0.0, 1.0)
    return kaplan_meier(rows.time, censored, rows.entry, rows.weight, prob=prob, interval=interval).median()
