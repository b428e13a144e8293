"""The fit that made-up dossiers belong to: a group of few beside many."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import fits
import numpy as np
import pandas as pd

from bayes_rrmm.fitted import Fit
from bayes_rrmm.plots.style import FAILED


@cache
def small_fit() -> Fit:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"time": np.round(rng.exponential(20.0, 49) + 0.1, 2), "event": rng.integers(0, 2, 49)})
    cohort, plan = fits.cohort_and_plan(frame.assign(group=["few"] * 9 + ["many"] * 40), "group")
    return fits.laplace_fit(plan, cohort)


def failing_fit() -> Fit:
    """The same fit, its own diagnostics failed."""
    gate = {"passed": False, "failed": ["r_hat of log_shape"]}
    return replace(small_fit(), provenance={**small_fit().provenance, "gate": gate})


HOLLOW = {"face": "white", "edge": FAILED}
