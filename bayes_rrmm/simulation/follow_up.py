"""How long each patient could have been followed: what censors simulated patients."""

from __future__ import annotations

import numpy as np

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.frequentist import kaplan_meier


def potential_follow_up(cohort: Cohort, rng: np.random.Generator) -> Floats:
    """A time of follow-up for each row, shape (N,), in the cohort's unit.

    A censored row was followed for its own time. Of a row with an event only a lower bound is known, its event time:
    there the follow-up is drawn from the reverse Kaplan-Meier curve beyond it (Schemper and Smith, Control Clin Trials
    1996;17:343), and is the longest follow-up of all where the curve ends above 0.
    """
    curve = kaplan_meier(cohort.time, 1.0 - cohort.event, cohort.entry, cohort.weight)
    heights = np.append(1.0, curve.survival)
    at_event = heights[np.searchsorted(curve.time, cohort.time, side="right")]
    drawn = at_event * (1.0 - rng.random(len(cohort)))
    # The curve falls from left to right, so the first time at which it is at most `drawn` is found from the right.
    reached = len(curve.time) - np.searchsorted(curve.survival[::-1], drawn, side="right")
    ends = np.append(curve.time, cohort.time.max())[reached]
    return np.where(cohort.event > 0, np.maximum(ends, cohort.time), cohort.time)
