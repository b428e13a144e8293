"""Gaps in marginalised covariates filled by draws from P(values | the row's data), one draw of the values a posterior draw."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Cohort, Floats, distinct_rows
from bayes_rrmm.covariate_model import Candidates
from bayes_rrmm.densities import gap_blocks, gap_probabilities
from bayes_rrmm.parameters import Draws
from bayes_rrmm.plan import Plan


def draw_gaps(plan: Plan, draws: Draws, cohort: Cohort, weight: Floats, seed: int) -> tuple[pd.DataFrame, Floats]:
    """The K distinct covariate patterns that the rows have or may have, and the weight of each in each draw, shape (S, K).

    A row of frequency weight w is w patients, each with values of its own. The same seed gives the same values.
    """
    complete = cohort.is_complete()
    gaps, own = cohort.select(~complete), weight[~complete]
    assert plan.covariates is not None
    filled = plan.covariates.candidates(gaps.covariates).frame
    frame = pd.concat([cohort.covariates.loc[complete], filled])
    plan.encoding.typed(frame)  # refuses a gap in a covariate that had none when the model of gaps was learnt
    first, pattern = distinct_rows(frame)
    size = len(next(iter(draws.values())))
    total = np.zeros((size, len(first))) + np.bincount(pattern[: complete.sum()], weights=weight[complete], minlength=len(first))
    rng = np.random.default_rng([seed, 2])
    position = int(complete.sum())
    for rows, part in gap_blocks(plan, gaps, size):
        candidates, chances = gap_probabilities(plan, draws, part)
        spread = _spread(candidates, chances, own[rows], rng)
        for column in range(spread.shape[1]):
            total[:, pattern[position + column]] += spread[:, column]
        position += spread.shape[1]
    return frame.iloc[first], total


def _spread(candidates: Candidates, chances: Floats, weight: Floats, rng: np.random.Generator) -> Floats:
    """Weights of the candidates, shape (S, T): for each draw, each row's patients spread over its candidates."""
    drawn = np.zeros_like(chances)
    ends = np.append(candidates.starts[1:], chances.shape[1])
    for start, end, patients in zip(candidates.starts, ends, weight, strict=True):
        own = chances[:, start:end]
        whole = max(1, round(float(patients)))
        if whole == 1:
            chosen = (rng.random((len(own), 1)) > np.cumsum(own, axis=1)[:, :-1]).sum(axis=1)
            drawn[np.arange(len(own)), start + chosen] = patients
        else:
            drawn[:, start:end] = rng.multinomial(whole, own / own.sum(axis=1, keepdims=True)) * (patients / whole)
    return drawn
