"""Fits that the tests of tables share: one with every kind of number and an awkward level, and the same failing its diagnostics."""

from __future__ import annotations

import dataclasses

import fits
import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.fitted import Fit
from bayes_rrmm.results import Results, results_of

AWKWARD = "A&B_50% <x>"

ESTIMANDS = """
[variables.group]
reference = "b"
[[estimands]]
kind = "hazard-ratio"
of = "group"
threshold = [1.0, 0.8]
[[estimands]]
kind = "median"
by = "group"
[[estimands]]
kind = "survival"
by = "group"
at = [12, 60]
[[estimands]]
kind = "rmst"
by = "group"
upto = 12
contrast = "difference"
[[estimands]]
kind = "rank"
of = "group"
"""


def patients() -> pd.DataFrame:
    """Ninety patients in three groups, c followed for a shorter time, with age and sex."""
    rng = np.random.default_rng(61)
    rows = 90
    group = np.resize([AWKWARD, "b", "c"], rows)
    time, event = np.round(rng.exponential(14.0, rows) + 0.1, 2), rng.integers(0, 2, rows)
    cut = np.where(group == "c", 20.0, 70.0)
    event, time = np.where(time > cut, 0, event), np.minimum(time, cut)
    frame = pd.DataFrame({"time": time, "event": event, "group": group, "age": np.round(rng.normal(62.0, 9.0, rows), 1)})
    return frame.assign(sex=np.resize(["f", "m"], rows))


@pytest.fixture(scope="session")
def fit() -> Fit:
    """A fit whose analysis asks for every kind of number."""
    cohort, plan = fits.cohort_and_plan(patients(), "group + age", rest=ESTIMANDS)
    return fits.laplace_fit(plan, cohort)


@pytest.fixture(scope="session")
def results(fit: Fit) -> Results:
    """Its results, each table computed once."""
    return results_of(fit)


@pytest.fixture(scope="session")
def failed(fit: Fit) -> Results:
    """The same, marked as having failed the gate."""
    gate = {"passed": False, "failed": ["r_hat of log_shape"]}
    return results_of(dataclasses.replace(fit, provenance={**fit.provenance, "gate": gate}))
