"""The log-likelihood of each row, no constant dropped: w [ d log h(t) - (H(t) - H(entry)) ]. STATISTICS, section 2."""

from __future__ import annotations

import numpy as np

from bayes_rrmm.hazards.base import Baseline, Floats


def pointwise_log_likelihood(
    baseline: Baseline, eta: Floats, time: Floats, event: Floats, entry: Floats, weight: Floats
) -> Floats:
    """Shape (S, N). `eta` has shape (S, N); time, event, entry and weight have shape (N,)."""
    at_risk = baseline.cumulative_hazard(time[None, :]) - baseline.cumulative_hazard(entry[None, :])
    log_hazard = baseline.log_hazard(time[None, :]) + eta
    return weight * (event * log_hazard - at_risk * np.exp(eta))
