"""Cohorts of the study's size in which nine patients have a regimen whose hazard ratio is known.

Six regimens have the sizes of the synthetic cohort, bortezomib being the reference; the size of salvage transplantation, nine
of 257, is published. Hazards are Weibull and proportional, and everyone could be followed for a time uniform between two
limits, so that about half have the event. A cohort may come out without an event among the nine: none is redrawn.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import integrate

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.hazards import Weibull
from bayes_rrmm.simulate import event_times

SEED = 20260311
GROUP, REFERENCE = "salvage-asct", "bortezomib"
PATIENTS = {REFERENCE: 94, "daratumumab": 62, "pomalidomide": 36, "ixazomib": 36, "carfilzomib": 20, GROUP: 9}
OTHERS = {"daratumumab": 0.85, "pomalidomide": 0.6, "ixazomib": 1.1, "carfilzomib": 0.7}
"""True hazard ratios of the other regimens, against the reference."""
TRUTHS = (1.0, 0.5)
"""True hazard ratios of the nine, against the reference."""
MEDIAN, SHAPE = 22.0, 1.1
"""Median (months; the published one of PFS2) and Weibull shape of patients on the reference."""
FOLLOW_UP = (6.0, 48.0)
"""Potential follow-up, months: uniform between these."""
STATED = {
    "seed": SEED,
    "group": GROUP,
    "patients": PATIENTS,
    "others": OTHERS,
    "truths": TRUTHS,
    "median": MEDIAN,
    "shape": SHAPE,
    "follow_up": FOLLOW_UP,
}
"""All of the above: what a cohort depends on beside its number."""


def log_hazard_ratios(truth: float) -> dict[str, float]:
    """Each regimen's true log hazard ratio against the reference, in the order of `PATIENTS`; the nine have the log of `truth`."""
    ratios = {REFERENCE: 1.0, **OTHERS, GROUP: truth}
    return {name: math.log(ratios[name]) for name in PATIENTS}


def cohort_with(truth: float, number: int) -> pd.DataFrame:
    """The patients of a replicate. Under either truth all but the nine are the same, and so is how long each is followed."""
    rng = np.random.default_rng([SEED, number])
    regimen = np.repeat(np.array(list(PATIENTS), dtype=object), list(PATIENTS.values()))
    eta = np.repeat(list(log_hazard_ratios(truth).values()), list(PATIENTS.values()))
    times = event_times(_baseline(), eta[None, :], np.zeros(len(regimen)), rng)[0]
    ends = rng.uniform(*FOLLOW_UP, len(regimen))
    return pd.DataFrame({"months": np.minimum(times, ends), "event": (times <= ends).astype(int), "regimen": regimen})


def expected_events(truth: float) -> Floats:
    """Events to expect in each regimen, in the order of `PATIENTS`: patients times P(event before the end of follow-up)."""
    first, last = FOLLOW_UP
    ratios = np.exp(list(log_hazard_ratios(truth).values()))

    def survival(end: float) -> Floats:
        return np.asarray(np.exp(-ratios * _baseline().cumulative_hazard(np.array([end])).item()))

    survived = integrate.quad_vec(survival, first, last)[0] / (last - first)
    return np.asarray(np.array(list(PATIENTS.values())) * (1.0 - survived))


def _baseline() -> Weibull:
    return Weibull(np.array([math.log(math.log(2.0)) - SHAPE * math.log(MEDIAN)]), np.array([math.log(SHAPE)]))
