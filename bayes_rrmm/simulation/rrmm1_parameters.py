"""Every number the synthetic RRMM1 cohort is made from. Time is in months, hazards are events a month.

The sizes of groups of known level and the number of transplants are published. The rest is invented: tuned, in several rounds,
until cohorts came out near the published medians, p values and hazard ratios on average.
"""

from __future__ import annotations

from dataclasses import dataclass

SEED = 153277
"""The seed of the shipped cohort; `rrmm1` says how it was selected."""


def _month(year: int, month: int) -> int:
    """A calendar month as a number: months since year 0."""
    return 12 * year + month - 1


ENROLMENT_ENDS = _month(2024, 6)
CUTOFF = _month(2025, 4)
"""Second-line treatment starts before June 2024, and nobody is followed beyond March 2025."""


@dataclass(frozen=True)
class Regimen:
    """A second-line regimen: how many patients have it, from when on, and its hazard ratios.

    Starts have a density proportional to (months since `first`) to the power `growth` - 1: above 1, accrual grows.
    """

    patients: int
    first: int
    growth: float
    progression: float
    death: float


REGIMENS = {
    "bortezomib": Regimen(94, _month(2014, 2), growth=1.5, progression=1.0, death=1.0),
    "daratumumab": Regimen(62, _month(2019, 7), growth=1.6, progression=0.87, death=1.0),
    "pomalidomide": Regimen(36, _month(2020, 11), growth=1.1, progression=0.27, death=0.42),
    "ixazomib": Regimen(36, _month(2018, 4), growth=1.2, progression=1.0, death=1.0),
    "carfilzomib": Regimen(20, _month(2021, 7), growth=3.0, progression=0.25, death=0.5),
    "salvage-asct": Regimen(9, _month(2014, 2), growth=1.4, progression=0.65, death=0.35),
}
"""A regimen's first month is roughly that of its approval in China; enrolment begins in February 2014."""

TRANSPLANT_MONTHS = (3.0, 7.0)
"""A salvage transplant comes uniformly between these months from second-line start."""

NO_PATTERN, CLINICAL, EXTRAMEDULLARY = 36, 91, 25
"""Patients without relapse pattern and extramedullary disease on record; of the others, the clinical and the extramedullary."""

NO_MAINTENANCE, MAINTENANCE = 128, 82
"""Patients whose maintenance is not on record; of the others, those who had it."""

CLINICAL_EXTRAMEDULLARY = 3.0
"""Extramedullary disease weighs this much more at a clinical relapse when it is drawn."""

EARLY, EARLY_GAPS = _month(2019, 1), 2.0
"""Gaps depend on the calendar alone: second-line starts before `EARLY` weigh `EARLY_GAPS` times as much when gaps are drawn.
(Patients with pomalidomide have no gap in relapse pattern and extramedullary disease.)"""


@dataclass(frozen=True)
class Hazard:
    """A piecewise-constant hazard: `rates[j]` from `cuts[j]` on, until the next cut."""

    cuts: tuple[float, ...]
    rates: tuple[float, ...]


FIRST_RELAPSE = Hazard(cuts=(0, 6, 18, 36), rates=(0.012, 0.031, 0.050, 0.062))
FIRST_RELAPSE_MAINTENANCE = 0.9
"""First relapse, from initial treatment, and its hazard ratio under lenalidomide maintenance."""

PROGRESSION = Hazard(cuts=(0, 6, 24, 48), rates=(0.026, 0.023, 0.028, 0.009))
PROGRESSION_CLINICAL = 2.2
PROGRESSION_EXTRAMEDULLARY = 1.6
"""Second-line progression after a biochemical relapse, and its hazard ratios."""

DEATH_BIOCHEMICAL = Hazard(cuts=(0, 12, 36, 60), rates=(0.006, 0.008, 0.016, 0.030))
DEATH_CLINICAL = Hazard(cuts=(0, 12, 36, 60), rates=(0.018, 0.017, 0.012, 0.012))
DEATH_PROGRESSED = 2.0
DEATH_EXTRAMEDULLARY = 2.1
DEATH_MAINTENANCE = 0.32
"""Death from second-line start on, by relapse pattern (not proportional: clinical relapse kills earlier), and its hazard ratios;
`DEATH_PROGRESSED` holds from second-line progression on."""

LOSS = 0.004
VISIT_MONTHS = 3.0
"""Loss to follow-up, and the longest time from the last visit at which disease is assessed to the last contact."""
