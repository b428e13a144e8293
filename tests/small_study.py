"""A small study that nothing was sampled for: a fit around its mode, a dossier in closed form, their reports, and a failing one."""

from __future__ import annotations

import dataclasses
from functools import cache

import fits
import numpy as np
import pandas as pd
from normal_dossier import normal_dossier

import bayes_rrmm as br
from bayes_rrmm.fitted import Fit
from bayes_rrmm.results import Results, results_of
from bayes_rrmm.sensitivity.dossier_folder import Dossier

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


@cache
def results() -> Results:
    """Those of `fit`: each table is computed once. Nothing may write to them."""
    return results_of(fit())


def of_few_draws(seed: int = fits.SEED) -> Fit:
    """The same study with too few draws: a report of it takes a third of the time."""
    return fits.laplace_fit(fit().plan, fit().cohort, size=200, seed=seed)


@cache
def failing_fit() -> Fit:
    few = of_few_draws()
    return dataclasses.replace(few, provenance={**few.provenance, "gate": FAILED})


@cache
def dossier() -> Dossier:
    """Of the small group, its numbers in closed form; it belongs to `fit`."""
    return normal_dossier(fit=fit())


@cache
def report_with_dossier() -> br.Report:
    return br.report(results(), dossiers=[dossier()])


@cache
def failing_report() -> br.Report:
    return br.report(failing_fit())
