"""Every part that a model can have, in small models of one small table of patients: what compiling must get right for each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fits import cohort_and_plan

from bayes_rrmm.cohort import Cohort
from bayes_rrmm.plan import Plan

CUTS = 'baseline = "piecewise-exponential"\ncuts = [6, 18]\n'
WALK = f'{CUTS}smoothing = "random-walk"\n'
ENTRY, WEIGHT = 'entry = "entry"', 'weight = "count"'
SHORT = "[sampling]\ndraws = 100\ntune = 120\nchains = 2\nseed = 11\ntarget_accept = 0.9"
STUDENT = """age = { student_t = [4, 0, 0.05] }
sex = { normal = [0.2, 0.7] }
log_rate = { student_t = [5, -3, 2] }
log_shape = { student_t = [7, 0, 0.3] }
"""
MARGINALISED = 'missing = "marginalise"\n'

PARTS = {
    "exponential": ("sex + age", "", 'baseline = "exponential"', ""),
    "exponential, nothing": ("1", "", 'baseline = "exponential"', ""),
    "Weibull": ("sex + age", "", "", ""),
    "Weibull, delayed entry, weights": ("sex", f"{ENTRY}\n{WEIGHT}", "", ""),
    "Weibull, Student t": ("sex + age", "", "", STUDENT),
    "piecewise": ("sex", "", CUTS, ""),
    "piecewise, raw, delayed entry": ("sex", ENTRY, CUTS, "log_hazards = { normal = [-3, 3] }"),
    "random walk": ("sex", WEIGHT, WALK, ""),
    "pooled": ("sex + site", "", 'effects = { site = "pooled" }', ""),
    "two pooled": ("site + stage", "", 'effects = { site = "pooled", stage = "pooled" }', ""),
    "horseshoe": ("sex * site", "", "effects = { 'sex:site' = { pooling = 'horseshoe' } }", ""),
    "gamma frailty": ("sex", ENTRY, 'frailty = { cluster = "centre", distribution = "gamma", entry = "whole-clusters" }', ""),
    "gamma frailty, piecewise": ("sex", "", f'{CUTS}frailty = {{ cluster = "centre", distribution = "gamma" }}', ""),
    "log-normal frailty": ("sex", "", 'frailty = { cluster = "centre", distribution = "log-normal" }', ""),
    "gaps": ("known + stage", ENTRY, MARGINALISED, ""),
    "gaps, exponential": ("known", WEIGHT, f'{MARGINALISED}baseline = "exponential"', ""),
    "gaps, piecewise": ("known + sex", "", f'{MARGINALISED}{CUTS}covariate_model = "independent"', ""),
}
"""By its name a model's formula, and what is added to [endpoint], to [model] and to [priors]."""


def patients() -> pd.DataFrame:
    """Delayed entry, frequency weights, equal rows, exits on a cut, centres, and a group that is unknown in every fourth row."""
    rng = np.random.default_rng(7)
    rows = 48
    frame = pd.DataFrame(
        {
            "time": np.round(rng.exponential(18, rows) + 1.5, 1),
            "event": rng.integers(0, 2, rows),
            "entry": np.where(rng.random(rows) < 0.4, np.round(rng.random(rows), 1), 0.0),
            "count": rng.integers(1, 5, rows),
            "age": rng.integers(45, 80, rows),
            "sex": np.resize(["f", "m", "m"], rows),
            "site": np.resize(["a", "b", "c", "d", "b"], rows),
            "stage": np.resize(["i", "ii", "iii", "ii", "i", "iii", "iii"], rows),
            "centre": np.resize([*"uvwxyz"], rows),
        }
    )
    frame["known"] = np.where(np.arange(rows) % 4 == 1, None, np.resize(["no", "yes", "no"], rows))
    frame.loc[[3, 4], "time"] = 6.0
    frame.loc[[3, 4], "event"] = 1
    return pd.concat([frame, frame.iloc[:6]], ignore_index=True)


def part(name: str) -> tuple[Cohort, Plan]:
    """The cohort and the plan of a small model, with few draws."""
    formula, endpoint, model, priors = PARTS[name]
    rest = f"[priors]\n{priors}\n{SHORT}" if priors else SHORT
    return cohort_and_plan(patients(), formula, endpoint=endpoint, model=model, rest=rest)
