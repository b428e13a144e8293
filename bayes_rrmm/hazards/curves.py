"""Proportional hazards on any baseline: h(t) = h0(t) exp(eta), for draws x times x patients, in closed form.

`eta`, the log relative hazard, has shape (S, N): a row a draw, a column a patient. `times` has shape (T,), in the
unit of the draws. Results have shape (S, T, N) unless said otherwise. Source: STATISTICS, sections 2 and 3.
"""

from __future__ import annotations

import numpy as np

from bayes_rrmm.hazards.base import Baseline, Floats


def _grid(times: Floats) -> Floats:
    return np.asarray(times, dtype=np.float64).reshape(1, -1, 1)


def log_hazard(baseline: Baseline, times: Floats, eta: Floats) -> Floats:
    """log h(t) of each draw, time and patient."""
    return baseline.log_hazard(_grid(times)) + eta[:, None, :]


def cumulative_hazard(baseline: Baseline, times: Floats, eta: Floats) -> Floats:
    """H(t) = H0(t) exp(eta)."""
    return baseline.cumulative_hazard(_grid(times)) * np.exp(eta)[:, None, :]


def survival(baseline: Baseline, times: Floats, eta: Floats) -> Floats:
    """S(t) = exp(-H(t))."""
    return np.exp(-cumulative_hazard(baseline, times, eta))


def conditional_survival(baseline: Baseline, times: Floats, given: float, eta: Floats) -> Floats:
    """S(t) / S(given): survival to t of those free of the event at `given` (t >= given)."""
    since = cumulative_hazard(baseline, times, eta) - cumulative_hazard(baseline, np.array([given]), eta)
    return np.exp(-since)


def quantile(baseline: Baseline, probability: float, eta: Floats) -> Floats:
    """The smallest t with S(t) <= `probability`; shape (S, N). The median is probability = 0.5."""
    return baseline.inverse_cumulative_hazard(-np.log(probability) * np.exp(-eta))


def rmst(baseline: Baseline, upto: Floats, eta: Floats, since: float = 0.0) -> Floats:
    """The integral of S(u) / S(since) from `since` to each time of `upto`."""
    return baseline.restricted_mean(_grid(upto), eta[:, None, :], since)
