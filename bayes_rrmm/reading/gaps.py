"""Gaps in marginalised covariates, read from a fit: what each may be, and with which probability."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.densities import gap_blocks, gap_probabilities
from bayes_rrmm.fitted import Fit

COLUMNS = ["row", "variable", "level", "probability", "lower", "upper", "from_covariates_alone"]


def missing_values(fit: Fit, cohort: Cohort | None = None) -> pd.DataFrame:
    """The posterior probability of each value that a marginalised covariate may have where it is missing.

    A row each of `row` (its number in the table as read), `variable` and `level`. `probability` is P(level | all data),
    the mean over draws of P(level | the row's covariates and outcome, parameters); `lower` and `upper` are the limits
    of the latter over draws, at the analysis' interval probability; `from_covariates_alone` leaves the row's own outcome
    out. Empty where nothing is marginalised. Raises FitError where the fit was saved without rows and none are given.
    """
    rows = cohort if cohort is not None else fit.require_cohort("the probability of missing values")
    model = fit.plan.covariates
    if model is None or rows.is_complete().all():
        return pd.DataFrame(columns=COLUMNS)
    gaps = rows.select(~rows.is_complete())
    tail = (1.0 - fit.analysis.sampling.interval.prob) / 2
    found = []
    for _, part in gap_blocks(fit.plan, gaps, fit.shape[0] * fit.shape[1]):
        candidates, given_all = gap_probabilities(fit.plan, fit.draws, part)
        _, given_covariates = gap_probabilities(fit.plan, fit.draws, part, with_outcome=False)
        for variable in model.variables:
            member = variable.membership(candidates.frame)
            absent = np.flatnonzero(~part.is_complete((variable.name,)))
            for index, level in enumerate(variable.levels):
                chance = np.add.reduceat(given_all * member[:, index], candidates.starts, axis=1)[:, absent]
                alone = np.add.reduceat(given_covariates * member[:, index], candidates.starts, axis=1)[:, absent]
                limits = np.quantile(chance, (tail, 1 - tail), axis=0)
                found.append(
                    pd.DataFrame(
                        {
                            "row": part.row_numbers[absent],
                            "variable": variable.name,
                            "level": level,
                            "probability": chance.mean(axis=0),
                            "lower": limits[0],
                            "upper": limits[1],
                            "from_covariates_alone": alone.mean(axis=0),
                        }
                    )
                )
    order = {name: position for position, name in enumerate(model.names)}
    table = pd.concat(found, ignore_index=True)
    table["order"] = table["variable"].map(order)
    return table.sort_values(["row", "order"], kind="stable", ignore_index=True)[COLUMNS]
