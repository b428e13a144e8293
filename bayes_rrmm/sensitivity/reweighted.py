"""A hazard ratio without one patient, from draws made with everybody: Pareto-smoothed importance sampling.

Vehtari, Simpson, Gelman, Yao and Gabry (2024, JMLR 25:72): draws are weighed by 1 / p(patient's data | draw), and a Pareto k above
0.7 says that the draws are too far from what is asked: then a refit is called for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.densities import log_covariates
from bayes_rrmm.fitted import Fit
from bayes_rrmm.sensitivity.patients import Patient

BLOCK = 4_000_000
"""Numbers held at once: rows x draws of one block of patients."""


@dataclass(frozen=True)
class Reweighted:
    """Without one patient: median, equal-tailed limits, P(HR < 1); `pareto_k` is infinite where the weights have no tail."""

    hr: float
    lower: float
    upper: float
    p_below_1: float
    pareto_k: float


def without_each(
    fit: Fit, cohort: Cohort, patients: Sequence[Patient], log_hr: Floats, prob: float, efficiency: float
) -> list[Reweighted]:
    """Each patient left out in turn. `log_hr` has shape (S,), in the order of the fit's draws; `efficiency` is ESS / S."""
    return [reweigh(log_hr, values, prob, efficiency) for values in _log_likelihoods(fit, cohort, patients)]


def reweigh(log_hr: Floats, log_likelihood: Floats, prob: float, efficiency: float) -> Reweighted:
    """The draws, shape (S,), without a patient of this log-likelihood, shape (S,)."""
    weight, k = smoothed_weights(-log_likelihood, efficiency)
    lower, median, upper = weighted_quantiles(log_hr, weight, (0.5 - 0.5 * prob, 0.5, 0.5 + 0.5 * prob))
    below = float(weight[log_hr < 0].sum())
    return Reweighted(math.exp(median), math.exp(lower), math.exp(upper), below, k)


def smoothed_weights(log_weight: Floats, efficiency: float) -> tuple[Floats, float]:
    """Pareto-smoothed weights that sum to 1, shape (S,), and k: 0 where all are equal, infinite where they have no tail to fit."""
    if np.ptp(log_weight) == 0:
        return np.full(len(log_weight), 1.0 / len(log_weight)), 0.0
    try:
        smooth, k = array_stats.psislw(-log_weight, r_eff=efficiency)  # it takes the weights' inverse
    except ValueError:  # the largest weights are one value repeated
        smooth, k = log_weight, math.inf
    weight = np.exp(smooth - np.max(smooth))
    return weight / weight.sum(), math.inf if math.isnan(float(k)) else float(k)


def weighted_quantiles(values: Floats, weight: Floats, at: Sequence[float]) -> list[float]:
    """Quantiles of weighted draws, each draw in the middle of its weight, linear between them."""
    order = np.argsort(values)
    middle = np.cumsum(weight[order]) - 0.5 * weight[order]
    return [float(np.interp(probability, middle, values[order])) for probability in at]


def _log_likelihoods(fit: Fit, cohort: Cohort, patients: Sequence[Patient]) -> Iterator[Floats]:
    """The log-likelihood of one patient of each, shape (S,); with a frailty, given the others of its cluster."""
    if fit.plan.frailty is not None:
        subjects = fit.log_likelihood_of_subjects(cohort)
        for patient in patients:
            yield subjects[:, int(cohort.subject_numbers[patient.rows[0]])]
        return
    single = cohort if cohort.id is not None else replace(cohort, weight=np.ones(len(cohort)))
    draws = fit.shape[0] * fit.shape[1]
    for block in _blocks(patients, max(1, BLOCK // draws)):
        owner: NDArray[np.int64] = np.full(len(single), -1, dtype=np.int64)
        for index, patient in enumerate(block):
            owner[list(patient.rows)] = index
        rows = single.select(owner >= 0)
        values = fit.log_likelihood(rows) + log_covariates(fit.plan, fit.draws, rows)
        summed = np.zeros((len(block), draws))
        np.add.at(summed, owner[owner >= 0], values.T)
        yield from summed


def _blocks(patients: Sequence[Patient], rows: int) -> Iterator[list[Patient]]:
    """Patients in turn, in blocks of about so many rows."""
    block: list[Patient] = []
    held = 0
    for patient in patients:
        block.append(patient)
        held += len(patient.rows)
        if held >= rows:
            yield block
            block, held = [], 0
    if block:
        yield block
