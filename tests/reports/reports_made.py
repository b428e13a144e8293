"""Reports that nothing was sampled for: a fit around its mode with a dossier of refits made the same way, and a failing one."""

from __future__ import annotations

import dataclasses
from functools import cache

import fits
import numpy as np
import pandas as pd

import bayes_rrmm as br
from bayes_rrmm.fitted import Fit
from bayes_rrmm.sensitivity.refits import Refit

DOSSIER_FIGURES = ("tipping_curve", "tipping_contour", "influence", "prior_grid")
FAILED = {"passed": False, "failed": ["r_hat of log_shape"]}
REST = '[variables.group]\nreference = "many"\n[[estimands]]\nkind = "hazard-ratio"\nof = "group"\nthreshold = [1.0, 0.8]\n'
REST += '[[estimands]]\nkind = "rmst"\nby = "group"\nupto = 24\n[[estimands]]\nkind = "rank"\nof = "group"\n'


def patients() -> pd.DataFrame:
    """Nine patients of a small group beside 60 and 40, one continuous covariate; times with digits that are nobody else's."""
    rng = np.random.default_rng(2026)
    group = np.array(["few"] * 9 + ["many"] * 60 + ["other"] * 40, dtype=object)
    scale = np.where(group == "few", 40.0, 20.0)
    time = rng.exponential(scale) + 0.0517
    return pd.DataFrame(
        {"time": time, "event": (rng.random(109) < 0.75).astype(int), "group": group, "age": rng.normal(63.0, 9.0, 109)}
    )


@cache
def fit() -> Fit:
    cohort, plan = fits.cohort_and_plan(patients(), "group + age", rest=REST)
    return fits.laplace_fit(plan, cohort)


def failing_fit() -> Fit:
    return dataclasses.replace(fit(), provenance={**fit().provenance, "gate": FAILED})


def around_the_mode(refit: Refit) -> Fit:
    return fits.laplace_fit(refit.plan, refit.cohort, size=1200)


@cache
def dossier() -> br.SmallGroup:
    return br.small_group(
        fit(), fit().cohort, "few", baselines=("exponential",), landmarks=(), pooling=False, scales=(0.1, 0.3, 1.0, 2.0, 5.0),
        centres=(0.25, 0.5, 1.0, 2.0), sample=around_the_mode,
    )  # fmt: skip


@cache
def report_with_dossier() -> br.Report:
    return br.report(fit(), dossiers=[dossier()])


@cache
def failing_report() -> br.Report:
    return br.report(failing_fit())
