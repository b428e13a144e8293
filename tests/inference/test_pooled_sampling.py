"""Pooled interactions and the horseshoe, sampled on data whose truth is one cell unlike the others."""

from __future__ import annotations

import fits
import numpy as np
import pandas as pd
import pytest
from arviz import ess, rhat

import bayes_rrmm as br
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.inference import compile_model

TRUTH = 2.0
"""The log hazard ratio that patients of group d in the subgroup have beyond both main effects."""


LONGER = {"pooled": "", "horseshoe": "[sampling]\ndraws = 4000\ntune = 2000"}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """1,000 patients in six groups by one subgroup, followed for 10 to 60 months."""
    rng = np.random.default_rng(1)
    group = rng.choice(list("abcdef"), 1000, p=[0.3, 0.25, 0.15, 0.15, 0.1, 0.05])
    extramedullary = np.where(rng.random(1000) < 0.35, "yes", "no")
    eta = np.select([group == "b", group == "c"], [-0.3, 0.3], 0) + 0.4 * (extramedullary == "yes")
    eta = eta + TRUTH * ((group == "d") & (extramedullary == "yes"))
    time, end = rng.exponential(20 * np.exp(-eta)), rng.uniform(10, 60, 1000)
    observed = np.round(np.minimum(time, end) + 0.05, 2)
    return pd.DataFrame({"time": observed, "event": (time <= end) * 1, "group": group, "extramedullary": extramedullary})


@pytest.mark.full
@pytest.mark.parametrize("pooling", ["pooled", "horseshoe"])
def test_the_cell_unlike_the_others_is_found(pooling: str, frame: pd.DataFrame) -> None:
    """No divergence, chains that agree, the interval of each ratio of hazard ratios over the truth, and the horseshoe drawing the
    other cells nearer to nothing than it draws this one.

    Under a horseshoe two explanations are nearly as good: this cell is high, or the other of its group is low and the group high.
    Hazard ratios are the same in both, but chains pass slowly from one to the other, so 4,000 draws a chain are needed.
    """
    model = f'baseline = "exponential"\neffects = {{ "group:extramedullary" = "{pooling}" }}'
    cohort, plan = fits.cohort_and_plan(frame, "group * extramedullary", model=model, rest=LONGER[pooling])
    fit = compile_model(plan, cohort).sample(plan, cohort)
    assert int(fit.tree["sample_stats"]["diverging"].sum()) == 0
    posterior = fit.tree["posterior"].to_dataset()
    assert max(float(values.max()) for values in rhat(posterior).data_vars.values()) < 1.01
    assert min(float(values.min()) for values in ess(posterior).data_vars.values()) > 400
    read = br.estimate(fit, HazardRatio("group:extramedullary")).draws
    for label in read["comparison"].to_numpy():
        truth = TRUTH if "group=d" in str(label) else 0.0
        low, high = np.quantile(np.log(read.sel(comparison=label)), (0.005, 0.995))
        assert low < truth < high, label
    size = np.abs(posterior["effect"].median(("chain", "draw"))).to_series()
    cell = "group:extramedullary=d,yes"
    assert size.idxmax() == cell
    assert size.drop([cell, "group:extramedullary=d,no"]).max() < (0.2 if pooling == "horseshoe" else 0.6) * size[cell]
