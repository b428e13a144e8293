"""Made-up fits for figures: groups of which one has no event, an interaction, many pooled levels, a frailty, nothing at all."""

from __future__ import annotations

from functools import cache

import fits
import numpy as np
import pandas as pd

from bayes_rrmm.fitted import Fit

LONG = "Low bone disease, unclassified"
LEVELS = ("standard", "second", LONG, "no events")
HAZARD_RATIOS = '[[estimands]]\nkind = "hazard-ratio"\n'


def patients(size: int = 160) -> pd.DataFrame:
    """Four groups, the last of which has few patients and no event; two sexes; age."""
    rng = np.random.default_rng(17)
    group = np.resize([*LEVELS[:3], *LEVELS[:3], LEVELS[0], *LEVELS[:2], LEVELS[3]], size)
    sex, age = np.resize(["f", "f", "m"], size), np.round(rng.normal(60.0, 9.0, size), 1)
    hazard = pd.Series(group).map(dict(zip(LEVELS, (0.04, 0.02, 0.06, 0.03), strict=True))).to_numpy()
    hazard = hazard * np.where((sex == "m") & (group == "second"), 2.0, 1.0)
    time = np.round(rng.exponential(1 / hazard) + 0.05, 3)
    event = (time < 36) & (group != LEVELS[3]) & ((group != LONG) | (rng.random(size) < 0.3))
    return pd.DataFrame(
        {
            "time": np.minimum(time, 36.0),
            "event": event.astype(int),
            "group": group,
            "sex": sex,
            "age": age,
            "site": np.arange(size) // 8,
        }
    )


@cache
def grouped() -> Fit:
    """Groups and age, every hazard ratio of both reported, at two thresholds, and the rank."""
    rest = f'{HAZARD_RATIOS}of = "group"\nthreshold = [1.0, 0.8]\n{HAZARD_RATIOS}of = "age"\n'
    rest += '[[estimands]]\nkind = "rank"\nof = "group"\n'
    variables = f'[variables.group]\nreference = "{LEVELS[0]}"\n[variables.age]\nper = 10\n'
    cohort, plan = fits.cohort_and_plan(patients(), "group + age", rest=variables + rest)
    return fits.laplace_fit(plan, cohort)


@cache
def crossed() -> Fit:
    """Groups by sex, the hazard ratios in each sex reported."""
    frame = patients()
    frame = frame[frame["group"] != LEVELS[3]]
    rest = f'[variables.group]\nreference = "{LEVELS[0]}"\n{HAZARD_RATIOS}of = "group"\nby = "sex"\n'
    cohort, plan = fits.cohort_and_plan(frame, "group + sex + group:sex", rest=rest)
    return fits.laplace_fit(plan, cohort)


@cache
def pooled() -> Fit:
    """Twelve pooled levels and a frailty, draws from the prior."""
    rng = np.random.default_rng(3)
    levels = [f"molecular group number {number}" for number in range(1, 13)]
    frame = patients(240).assign(group=np.resize(levels, 240), time=np.round(rng.exponential(20.0, 240) + 0.1, 2))
    model = 'effects = { group = "pooled" }\nfrailty = { cluster = "site", distribution = "gamma" }'
    cohort, plan = fits.cohort_and_plan(frame, "group", model=model)
    return fits.prior_fit(plan, cohort)


@cache
def bare() -> Fit:
    """No covariate at all."""
    cohort, plan = fits.cohort_and_plan(patients())
    return fits.laplace_fit(plan, cohort)
