"""PSIS leave-one-out of a fit, by patient, blockwise so that memory stays bounded, identical patients computed once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.cluster_likelihood import cluster_blocks
from bayes_rrmm.cohort.record import Cohort, Floats, distinct_rows
from bayes_rrmm.diagnostics import LeaveOneOut, leave_one_out
from bayes_rrmm.diagnostics.checks import measure_quantity
from bayes_rrmm.errors import FitError
from bayes_rrmm.fitted import Fit, parameter_names

BLOCK = 4_000_000
"""Numbers held at once: rows x draws of one block."""


def loo(fit: Fit, cohort: Cohort | None = None) -> LeaveOneOut:
    """elpd of each unit left out: a row, or all spells of one subject where the analysis names ids.

    A row of frequency weight w is w patients, each left out on its own. A frailty is averaged over, given the other
    subjects of the cluster: where the cluster is the subject, over its distribution. Raises FitError where rows, or the ids
    of subjects, are needed and missing.
    """
    rows = cohort if cohort is not None else fit.require_cohort("leave-one-out")
    if rows.id is None and fit.analysis.endpoint.id is not None:
        raise FitError("leave-one-out by subject needs ids, which a run folder does not keep: give the cohort, read again.")
    efficiency = _relative_efficiency(fit)
    if fit.plan.frailty is not None:
        elpd, k, p = _in_clusters(fit, rows, efficiency)
        return LeaveOneOut(elpd, k, p, np.ones(len(elpd)), "row" if rows.id is None else "subject")
    if rows.id is not None:
        subjects = np.unique(rows.id, return_inverse=True)[1].reshape(-1)
        elpd, k, p = leave_one_out(_blocks(fit, rows, subjects), efficiency)
        return LeaveOneOut(elpd, k, p, np.ones(len(elpd)), "subject")
    single = replace(rows, weight=np.ones(len(rows)))
    first, kind = _distinct(single)
    chosen = np.zeros(len(rows), dtype=bool)
    chosen[first] = True
    elpd, k, p = leave_one_out(_blocks(fit, single.select(chosen), np.arange(len(first))), efficiency)
    position = np.argsort(np.argsort(first))[kind]
    return LeaveOneOut(elpd[position], k[position], p[position], rows.weight, "row")


def loo_table(result: LeaveOneOut) -> pd.DataFrame:
    """loo.csv: one row of elpd, its standard error, effective parameters and Pareto k."""
    return pd.DataFrame(
        [
            {
                "elpd_loo": result.elpd,
                "se": result.se,
                "p_loo": result.p_loo,
                "units": float(result.count.sum()),
                "unit": result.unit,
                "pareto_k_max": float(result.pareto_k.max()),
                "n_pareto_k_above_0.7": result.n_high_k,
            }
        ]
    )


def _distinct(rows: Cohort) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first of each kind of identical row, and the kind of every row."""
    return distinct_rows(rows.to_frame().assign(**{"\0entry": rows.entry}))


def _in_clusters(fit: Fit, rows: Cohort, efficiency: float) -> tuple[Floats, Floats, Floats]:
    """The terms of subjects who share a frailty, in the order of `subject_numbers`, taken in blocks of whole clusters."""
    subjects = rows.subject_numbers
    cells = np.unique(np.column_stack([subjects, rows.cluster_numbers]), axis=0)
    blocks = [part for _, part in cluster_blocks(rows, fit.shape[0] * fit.shape[1])]
    if len(np.unique(cells[:, 0])) < len(cells) or rows.cluster is None:  # somebody is in several clusters
        blocks = [rows]
    order = [np.unique(subjects[np.isin(rows.row_numbers, part.row_numbers)]) for part in blocks]
    terms = leave_one_out((fit.log_likelihood_of_subjects(part).reshape(*fit.shape, -1) for part in blocks), efficiency)
    place = np.argsort(np.concatenate(order))
    return terms[0][place], terms[1][place], terms[2][place]


def _blocks(fit: Fit, rows: Cohort, unit: NDArray[np.int64]) -> Iterator[Floats]:
    """Log-likelihood summed by unit, shape (chains, draws, units of the block), units in order."""
    draws = fit.shape[0] * fit.shape[1]
    size = np.bincount(unit)
    block_of = np.cumsum(size) // max(1, BLOCK // draws)
    for block in np.unique(block_of):
        keep = block_of[unit] == block
        owner = np.unique(unit[keep], return_inverse=True)[1].reshape(-1)
        summed = np.zeros((owner.max() + 1, draws))
        np.add.at(summed, owner, fit.log_likelihood(rows.select(keep)).T)
        yield summed.T.reshape(*fit.shape, -1)


def _relative_efficiency(fit: Fit) -> float:
    """Smallest bulk ESS of a parameter over the number of draws, at most 1."""
    posterior = fit.tree["posterior"].to_dataset()
    sizes = [
        measure_quantity(name, posterior[variable].sel(where).to_numpy()).ess_bulk
        for name, (variable, where) in parameter_names(posterior).items()
    ]
    known = [size for size in sizes if np.isfinite(size)]
    return float(min(1.0, min(known) / (fit.shape[0] * fit.shape[1]))) if known else 1.0
