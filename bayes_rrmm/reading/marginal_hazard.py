"""The hazard of a population: that of those who are still free of the event, whom the frail have left.

h(t) = sum_k w_k S_k(t) h_k(t) / sum_k w_k S_k(t), minus the derivative of the log of the averaged survival. With a frailty S_k and
h_k are those of a member of a new cluster: h_k = G'(H_k) h0 exp(eta_k), S_k = exp(-G(H_k)). The ratio of two such hazards changes
with time although the hazards of two rows of one pattern are proportional. Weights are as in `marginal`.
"""

from __future__ import annotations

import numpy as np

from bayes_rrmm import hazards
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.hazards import Baseline, NewMember

BLOCK = 4_000_000
"""Numbers held at once; draws are taken in blocks of this many over times and patterns."""

STEP = 1e-4
"""Half the step in log H of the central difference that gives G'; it errs by 1e-7 of G' at most."""


def marginal_hazard(baseline: Baseline, times: Floats, eta: Floats, weight: Floats, frailty: NewMember | None = None) -> Floats:
    """Averaged h at each time > 0, shape (S, T), in events per unit of time. `eta` has shape (S, K), `weight` (K,) or (S, K).

    At a cut of a piecewise baseline it is that of the earlier interval. Where everybody's S is too small for a floating-point
    number it is still exact: only the differences of cumulative hazards count.
    """
    step = max(1, BLOCK // max(1, len(times) * eta.shape[1]))
    blocks = []
    for start in range(0, len(eta), step):
        part = slice(start, start + step)
        some = None if frailty is None else frailty.take(part)
        blocks.append(_block(baseline.take(part), times, eta[part], weight if weight.ndim == 1 else weight[part], some))
    return np.concatenate(blocks, axis=0)


def _block(baseline: Baseline, times: Floats, eta: Floats, weight: Floats, frailty: NewMember | None) -> Floats:
    cumulative = hazards.cumulative_hazard(baseline, times, eta)
    slope = None
    if frailty is not None:
        cumulative, slope = _population(frailty, cumulative)
    left = np.exp(cumulative.min(axis=2, keepdims=True) - cumulative)
    left *= weight if weight.ndim == 1 else weight[:, None, :]
    everyone = left.sum(axis=2)
    left *= np.exp(eta)[:, None, :] if slope is None else np.exp(eta[:, None, :] + slope)
    return np.asarray(np.exp(baseline.log_hazard(times.reshape(1, -1))) * left.sum(axis=2) / everyone)


def _population(frailty: NewMember, hazard: Floats) -> tuple[Floats, Floats]:
    """G(H) and log G'(H), where G' = G / H times the slope of log G in log H."""
    value = frailty.population_hazard(hazard)
    above, below = (frailty.population_hazard(hazard * np.exp(sign * STEP)) for sign in (1.0, -1.0))
    slope = (np.log(above) - np.log(below)) / (2.0 * STEP)
    return value, np.log(value) - np.log(hazard) + np.log(slope)
