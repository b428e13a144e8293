"""Cohorts with half of a covariate missing at random, by two mechanisms, around a fixed truth.

Cohorts of the study's size have a binary covariate of interest, `maintenance`, and a complete one related to it,
`high_risk`; the truth is fixed. Values of maintenance are then deleted with a probability that depends on what is always
observed, so they are missing at random (Rubin, Biometrika 1976;63:581), in one of two ways:

- `outcome`: on high_risk and on whether an event came within `EARLY` months, as where the files of those whose disease
  came back early were reviewed and most others were not. Complete cases are then chosen by their outcome, and biased.
- `covariate`: on high_risk alone. Given it, complete cases are like the others: unbiased, but fewer.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bayes_rrmm.hazards import Weibull
from bayes_rrmm.simulate import event_times

SEED = 20260311
PATIENTS = 257
HIGH_RISK = 0.3
MAINTENANCE = {"no": 0.65, "yes": 0.35}
"""Share of patients on maintenance, by high_risk."""
LOG_HR = math.log(0.5)
"""The truth: maintenance against none."""
LOG_HR_HIGH_RISK = math.log(2.0)
MEDIAN, SHAPE = 24.0, 1.2
"""Median (months) and Weibull shape of patients without maintenance and without high risk."""
FOLLOW_UP = (18.0, 72.0)
"""Potential follow-up, months: uniform between these."""
EARLY = 24.0
MECHANISMS: dict[str, dict[str, tuple[float, float]]] = {
    "outcome": {"no": (0.80, 0.10), "yes": (0.90, 0.30)},
    "covariate": {"no": (0.40, 0.40), "yes": (0.80, 0.80)},
}
"""Probability that maintenance is missing, by high_risk: without an early event, and with one."""
STATED = {
    "seed": SEED,
    "patients": PATIENTS,
    "high_risk": HIGH_RISK,
    "maintenance": MAINTENANCE,
    "log_hr": LOG_HR,
    "log_hr_high_risk": LOG_HR_HIGH_RISK,
    "median": MEDIAN,
    "shape": SHAPE,
    "follow_up": FOLLOW_UP,
    "early": EARLY,
    "mechanisms": MECHANISMS,
}
"""All of the above: what a cohort depends on beside its number."""


def complete_patients(number: int) -> pd.DataFrame:
    """The patients of a replicate before anything is deleted, the same for every mechanism."""
    rng = np.random.default_rng([SEED, number, 0])
    high_risk = rng.random(PATIENTS) < HIGH_RISK
    maintenance = rng.random(PATIENTS) < np.where(high_risk, MAINTENANCE["yes"], MAINTENANCE["no"])
    baseline = Weibull(np.array([math.log(math.log(2.0)) - SHAPE * math.log(MEDIAN)]), np.array([math.log(SHAPE)]))
    eta = LOG_HR * maintenance + LOG_HR_HIGH_RISK * high_risk
    times = event_times(baseline, eta[None, :], np.zeros(PATIENTS), rng)[0]
    ends = rng.uniform(*FOLLOW_UP, PATIENTS)
    words = np.array(["no", "yes"], dtype=object)
    return pd.DataFrame(
        {
            "months": np.minimum(times, ends),
            "event": (times <= ends).astype(int),
            "maintenance": words[maintenance.astype(int)],
            "high_risk": words[high_risk.astype(int)],
        }
    )


def with_gaps(patients: pd.DataFrame, mechanism: str, number: int) -> pd.DataFrame:
    """The patients with values of maintenance deleted by the mechanism."""
    early = ((patients["event"] == 1) & (patients["months"] <= EARLY)).to_numpy()
    chance = np.array([MECHANISMS[mechanism][risk][int(soon)] for risk, soon in zip(patients["high_risk"], early, strict=True)])
    rng = np.random.default_rng([SEED, number, 1 + list(MECHANISMS).index(mechanism)])
    return patients.assign(maintenance=patients["maintenance"].mask(rng.random(len(patients)) < chance, None))
