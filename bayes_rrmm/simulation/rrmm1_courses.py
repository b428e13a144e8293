"""What happens to the synthetic RRMM1 patients: first relapse, second-line progression, death, end of follow-up.

Hazards are constant between cuts and multiplied by each patient's hazard ratios. An event comes where the cumulative hazard
reaches an exponential draw, which is -log(1 - u) of a uniform draw u.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_rrmm.simulation import rrmm1_parameters as parameters
from bayes_rrmm.simulation.rrmm1_parameters import Hazard
from bayes_rrmm.simulation.rrmm1_patients import Flags, Floats, Patients

Tenths = NDArray[np.int64]

HORIZON = 10_000.0
"""Months after which no hazard is worked out: beyond every draw."""


@dataclass(frozen=True)
class Course:
    """What is observed, shape (N,); times in whole tenths of a month, `first_relapse` from initial treatment, others from it."""

    first_relapse: Tenths
    transplant: Tenths
    pfs2: Tenths
    pfs2_event: Flags
    os: Tenths
    os_event: Flags


def draw_courses(patients: Patients, stream: np.random.Generator) -> Course:
    """The courses of the patients. Progression, death and loss begin with second-line treatment, or after a salvage transplant.

    Disease is assessed up to a last visit that may come before the last contact: a progression in between is not seen.
    """
    first_relapse = _first_relapse(patients, _exponential(patients, stream))
    transplanted = patients.regimen == "salvage-asct"
    earliest, latest = parameters.TRANSPLANT_MONTHS
    transplant = _tenths(earliest + (latest - earliest) * stream.random(len(transplanted)))
    begin = np.where(transplanted, (transplant + 1) / 10, 0.0)
    progression = _progression(patients, begin, _exponential(patients, stream))
    death = _death(patients, begin, progression, _exponential(patients, stream))
    lost = begin + _exponential(patients, stream) / parameters.LOSS
    last_contact = np.minimum(parameters.CUTOFF - patients.start, lost)
    last_visit = np.maximum(begin, last_contact - parameters.VISIT_MONTHS * stream.random(len(begin)))
    died = death <= last_contact
    progressed = progression <= np.where(died, death, last_visit)
    pfs2 = np.where(progressed, progression, np.where(died, death, last_visit))
    return Course(
        first_relapse=_tenths(first_relapse),
        transplant=np.where(transplanted, transplant, 0),
        pfs2=_tenths(pfs2),
        pfs2_event=progressed | died,
        os=_tenths(np.minimum(death, last_contact)),
        os_event=died,
    )


def _first_relapse(patients: Patients, draw: Floats) -> Floats:
    ratio = np.where(patients.maintenance, parameters.FIRST_RELAPSE_MAINTENANCE, 1.0)
    return _reached(parameters.FIRST_RELAPSE, draw / ratio)


def _progression(patients: Patients, begin: Floats, draw: Floats) -> Floats:
    ratio = (
        patients.of_regimen("progression")
        * np.where(patients.clinical, parameters.PROGRESSION_CLINICAL, 1.0)
        * np.where(patients.extramedullary, parameters.PROGRESSION_EXTRAMEDULLARY, 1.0)
    )
    return _reached(parameters.PROGRESSION, _cumulative(parameters.PROGRESSION, begin) + draw / ratio)


def _death(patients: Patients, begin: Floats, progression: Floats, draw: Floats) -> Floats:
    ratio = (
        patients.of_regimen("death")
        * np.where(patients.extramedullary, parameters.DEATH_EXTRAMEDULLARY, 1.0)
        * np.where(patients.maintenance, parameters.DEATH_MAINTENANCE, 1.0)
    )
    after_clinical, after_biochemical = (
        _death_at(hazard, begin, progression, draw / ratio) for hazard in (parameters.DEATH_CLINICAL, parameters.DEATH_BIOCHEMICAL)
    )
    return np.where(patients.clinical, after_clinical, after_biochemical)


def _death_at(hazard: Hazard, begin: Floats, progression: Floats, draw: Floats) -> Floats:
    """Death at a hazard that is multiplied from progression on."""
    reached = _cumulative(hazard, begin) + draw
    beyond = np.maximum(reached - _cumulative(hazard, progression), 0.0)
    return _reached(hazard, reached - beyond + beyond / parameters.DEATH_PROGRESSED)


def _knots(hazard: Hazard) -> tuple[Floats, Floats]:
    """The cuts with the horizon, and the cumulative hazard at them."""
    times = np.append(hazard.cuts, HORIZON)
    return times, np.append(0.0, np.cumsum(np.diff(times) * hazard.rates))


def _cumulative(hazard: Hazard, time: Floats) -> Floats:
    return np.interp(time, *_knots(hazard))


def _reached(hazard: Hazard, cumulative: Floats) -> Floats:
    """The time at which the cumulative hazard is `cumulative`."""
    times, hazards = _knots(hazard)
    return np.interp(cumulative, hazards, times)


def _exponential(patients: Patients, stream: np.random.Generator) -> Floats:
    return -np.log1p(-stream.random(len(patients.start)))


def _tenths(months: Floats) -> Tenths:
    """Whole tenths of a month that have passed; at least one, so that nobody leaves at time 0."""
    return np.maximum(np.floor(10 * months), 1).astype(np.int64)
