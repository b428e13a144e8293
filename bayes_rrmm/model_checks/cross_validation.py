"""PSIS leave-one-out of a fit, by subject, blockwise so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.diagnostics import LeaveOneOut, leave_one_out
from bayes_rrmm.diagnostics.checks import measure_quantity
from bayes_rrmm.fitted import Fit, parameter_names

BLOCK = 4_000_000
"""Numbers held at once: rows x draws of one block."""


def loo(fit: Fit, cohort: Cohort | None = None) -> LeaveOneOut:
    """elpd of each subject left out; rows with one id are one subject. Raises FitError where rows are needed and missing."""
    rows = cohort if cohort is not None else fit.require_cohort("leave-one-out")
    unit = "row" if rows.id is None else "subject"
    return leave_one_out(_blocks(fit, rows), unit, _relative_efficiency(fit))


def loo_table(result: LeaveOneOut) -> pd.DataFrame:
    """loo.csv: one row of elpd, its standard error, effective parameters and Pareto k."""
    return pd.DataFrame(
        [
            {
                "elpd_loo": result.elpd,
                "se": result.se,
                "p_loo": result.p_loo,
                "units": len(result.elpd_i),
                "unit": result.unit,
                "pareto_k_max": float(result.pareto_k.max()),
                "n_pareto_k_above_0.7": result.n_high_k,
            }
        ]
    )


def _blocks(fit: Fit, rows: Cohort) -> Iterator[Floats]:
    subjects = np.arange(len(rows)) if rows.id is None else np.unique(rows.id, return_inverse=True)[1].reshape(-1)
    order = np.argsort(subjects, kind="stable")
    ends = np.flatnonzero(np.diff(subjects[order], append=subjects.max() + 1)) + 1
    draws = fit.shape[0] * fit.shape[1]
    start = 0
    while start < len(order):
        within = ends[(ends > start) & (ends <= start + max(1, BLOCK // draws))]
        stop = int(within[-1] if len(within) else ends[ends > start][0])
        chosen = order[start:stop]
        keep = np.zeros(len(rows), dtype=bool)
        keep[chosen] = True
        some = rows.select(keep)
        pointwise = fit.log_likelihood(some)
        owner = np.unique(subjects[keep], return_inverse=True)[1].reshape(-1)
        summed = np.zeros((draws, owner.max() + 1))
        np.add.at(summed.T, owner, pointwise.T)
        yield summed.reshape(*fit.shape, -1)
        start = stop


def _relative_efficiency(fit: Fit) -> float:
    """Smallest bulk ESS of a parameter over the number of draws, at most 1."""
    posterior = fit.tree["posterior"].to_dataset()
    sizes = [
        measure_quantity(name, posterior[variable].sel(where).to_numpy()).ess_bulk
        for name, (variable, where) in parameter_names(posterior).items()
    ]
    return float(min(1.0, np.nanmin(sizes) / (fit.shape[0] * fit.shape[1])))
