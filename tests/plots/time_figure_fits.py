"""Made-up fits for figures along time: delayed entry, a landmark, gaps, a piecewise baseline, a log-normal frailty."""

from __future__ import annotations

from functools import cache

import figure_fits
import fits
import numpy as np
import pandas as pd

from bayes_rrmm.fitted import Fit

RATIO = '[[estimands]]\nkind = "hazard-ratio"\nof = "group"\n'


def with_events() -> pd.DataFrame:
    """The made-up patients without the group that has no event."""
    frame = figure_fits.patients()
    return frame[frame["group"] != "no events"].reset_index(drop=True)


@cache
def delayed() -> Fit:
    """Entry after time 0, by half of the time."""
    frame = with_events()
    frame["start"] = np.minimum(0.5 * frame["time"], 9.0)
    cohort, plan = fits.cohort_and_plan(frame, "group", endpoint='entry = "start"')
    return fits.laplace_fit(plan, cohort)


@cache
def landmark() -> Fit:
    """Followed from 6 months on."""
    cohort, plan = fits.cohort_and_plan(with_events(), "group + sex", model="landmark = 6", rest=RATIO)
    return fits.laplace_fit(plan, cohort)


@cache
def gaps() -> Fit:
    """The sex of some is unknown and marginalised."""
    frame = with_events()
    frame.loc[::7, "sex"] = None
    cohort, plan = fits.cohort_and_plan(frame, "group + sex", model='missing = "marginalise"')
    return fits.prior_fit(plan, cohort, size=200)


@cache
def piecewise() -> Fit:
    """A piecewise baseline with cuts at 6, 12 and 24 months."""
    cohort, plan = fits.cohort_and_plan(with_events(), "group", model='baseline = "piecewise-exponential"\ncuts = [6, 12, 24]')
    return fits.laplace_fit(plan, cohort)


@cache
def frail() -> Fit:
    """A log-normal frailty, few draws."""
    model = 'frailty = { cluster = "site", distribution = "log-normal" }'
    cohort, plan = fits.cohort_and_plan(with_events(), "group", model=model)
    return fits.prior_fit(plan, cohort, size=40)
