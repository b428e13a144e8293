"""The maximum of a Cox partial likelihood: Efron's by lifelines, by Newton's method where weights are large, and Breslow's, which
lifelines lacks."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg

from bayes_rrmm.errors import FitError
from bayes_rrmm.frequentist.deaths import Deaths, PartialLikelihood
from bayes_rrmm.frequentist.risk_sets import RiskSets, null_log_likelihood
from bayes_rrmm.frequentist.rows import Floats

MOST_STEPS = 30
"""Newton takes some ten; one that climbs a monotone likelihood would take a step for each unit of log hazard ratio."""

MOST_COPIES = 100_000
"""Rows that lifelines is given at most: in its Efron correction an event of weight 2 must be two rows."""

DECREMENT = 1e-18
"""Newton stops when half the squared distance to the maximum, in standard errors, is below this."""


@dataclass(frozen=True)
class Maximum:
    """Where the log partial likelihood is largest: coefficients (P,), the inverse information there (P, P), its value."""

    coefficients: Floats
    covariance: Floats
    log_likelihood: float


def maximise(design: Floats, sets: RiskSets, ties: str) -> Maximum:
    """The maximum over the coefficients of `design`, shape (N, P), of full rank and with no monotone direction.

    Raises FitError where the iterations do not converge.
    """
    if design.shape[1] == 0:
        return Maximum(np.empty(0), np.empty((0, 0)), null_log_likelihood(sets, ties))
    # lifelines warns of columns with a small variance, though it standardises them: so they come standardised.
    scale = np.std(design[sets.row], axis=0)
    try:
        found = (_efron if ties == "efron" else _breslow)(design[sets.row] / scale, sets)
    except (linalg.LinAlgError, linalg.LinAlgWarning) as failure:
        raise FitError(
            f"the Cox model did not converge: {failure} Look for columns that are nearly collinear, "
            "or that nearly fix the order of the events; leave them out, or take a penalised fit."
        ) from failure
    return Maximum(found.coefficients / scale, found.covariance / np.outer(scale, scale), found.log_likelihood)


def _efron(columns: Floats, sets: RiskSets) -> Maximum:
    """lifelines, at a precision that leaves the coefficients within 2e-9 standard errors (by default, 4e-4).

    It starts at Breslow's maximum: its Newton steps are not held to raise the likelihood, and from 0 they can miss.
    """
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError, ConvergenceWarning

    nearby = _breslow(columns, sets).coefficients
    often = np.where(sets.event, sets.weight, 1.0)
    if often.sum() > MOST_COPIES:
        return _newton(PartialLikelihood(columns, Deaths.of(sets, "efron")), nearby)
    # Efron's correction counts rows, so an event of weight 2 must be two rows; the weight of a censored row is enough.
    copies = np.repeat(np.arange(len(columns)), often.astype(np.int64))
    names = [f"x{k}" for k in range(columns.shape[1])]
    frame = pd.DataFrame(columns[copies], columns=names)
    frame["stop"], frame["event"] = sets.stop[copies], sets.event[copies]
    frame["weight"] = np.where(sets.event, 1.0, sets.weight)[copies]
    entry = "start" if np.any(sets.start > 0) else None
    if entry is not None:
        frame[entry] = sets.start[copies]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", ConvergenceWarning)
        warnings.simplefilter("error", linalg.LinAlgWarning)
        try:
            fitter = CoxPHFitter().fit(
                frame,
                duration_col="stop",
                event_col="event",
                weights_col="weight",
                entry_col=entry,
                initial_point=nearby * frame[names].std().to_numpy(),
                fit_options={"precision": DECREMENT, "r_precision": 0.0, "max_steps": MOST_STEPS},
            )
        except (ConvergenceWarning, ConvergenceError) as failure:
            raise linalg.LinAlgError(str(failure)) from failure
    covariance = fitter.variance_matrix_.to_numpy(dtype=np.float64)
    return Maximum(fitter.params_.to_numpy(dtype=np.float64), covariance, float(fitter.log_likelihood_))


def _breslow(columns: Floats, sets: RiskSets) -> Maximum:
    return _newton(lambda coefficients: breslow(coefficients, columns, sets), np.zeros(columns.shape[1]))


def _newton(likelihood: Callable[[Floats], tuple[float, Floats, Floats]], coefficients: Floats) -> Maximum:
    """Newton's method, halving a step that lowers the likelihood."""
    value, gradient, information = likelihood(coefficients)
    for _ in range(MOST_STEPS):
        step = np.linalg.solve(information, gradient)
        if 0.5 * gradient @ step < DECREMENT:
            return Maximum(coefficients, np.linalg.inv(information), value)
        for halving in range(MOST_STEPS):
            trial = coefficients + step / 2**halving
            # Far too long a step empties a risk set of weight: its likelihood is NaN, and the step is halved.
            with np.errstate(all="ignore"):
                proposed = likelihood(trial)
            if proposed[0] >= value - 1e-12 * abs(value):
                break
        coefficients, (value, gradient, information) = trial, proposed
    raise linalg.LinAlgError(f"{MOST_STEPS} steps of Newton's method were not enough.")


def breslow(coefficients: Floats, columns: Floats, sets: RiskSets) -> tuple[float, Floats, Floats]:
    """Breslow's log partial likelihood, its gradient (P,) and its information (P, P); `columns` has a row a spell, (M, P).

    With r = exp(x' beta) and means taken over the risk set with weights r: the sum over events of x' beta - log(sum r), of
    x - mean(x), and of var(x) (Kalbfleisch and Prentice 2002, section 4.2).
    """
    eta = columns @ coefficients
    largest = float(np.max(eta))
    relative = sets.weight * np.exp(eta - largest)
    deaths, total = sets.deaths, sets.sums(relative)
    died = sets.weight * sets.event
    mean = np.column_stack([sets.sums(relative * column) for column in columns.T]) / total[:, None]
    value = died @ eta - deaths @ (np.log(total) + largest)
    gradient = died @ columns - deaths @ mean
    information = -(mean * deaths[:, None]).T @ mean
    for j in range(len(coefficients)):
        for k in range(j + 1):
            second = deaths @ (sets.sums(relative * columns[:, j] * columns[:, k]) / total)
            information[j, k] += second
            information[k, j] = information[j, k]
    return float(value), gradient, information
