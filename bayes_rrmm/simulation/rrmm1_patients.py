"""Who the synthetic RRMM1 patients are: calendar, regimen, covariates, and which of these will not be recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_rrmm.simulation import rrmm1_parameters as parameters

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PATIENTS = 257


@dataclass(frozen=True)
class Patients:
    """Everybody's true values, known or not; arrays of shape (N,), in the order of second-line starts.

    `start` counts calendar months. `no_pattern` marks those whose relapse pattern and extramedullary disease are not
    recorded, `no_maintenance` those whose maintenance is not.
    """

    start: Floats
    regimen: NDArray[np.str_]
    clinical: Flags
    extramedullary: Flags
    maintenance: Flags
    no_pattern: Flags
    no_maintenance: Flags

    def of_regimen(self, attribute: str) -> Floats:
        """A number of each patient's regimen, shape (N,)."""
        return _of_regimen(self.regimen, attribute)


def draw_patients(stream: np.random.Generator) -> Patients:
    """The patients of a stream of uniform draws. Group sizes are exact, so are the numbers of gaps."""
    regimen = np.repeat(list(parameters.REGIMENS), [regimen.patients for regimen in parameters.REGIMENS.values()])
    first, growth = _of_regimen(regimen, "first"), _of_regimen(regimen, "growth")
    start = first + (parameters.ENROLMENT_ENDS - first) * stream.random(PATIENTS) ** (1 / growth)
    order = np.argsort(start, kind="stable")
    start, regimen = start[order], regimen[order]
    early = np.where(start < parameters.EARLY, parameters.EARLY_GAPS, 1.0)
    no_pattern = _chosen(stream, parameters.NO_PATTERN, early, regimen != "pomalidomide")
    clinical = _like_known(stream, parameters.CLINICAL, np.ones(PATIENTS), no_pattern)
    weight = np.where(clinical, parameters.CLINICAL_EXTRAMEDULLARY, 1.0)
    extramedullary = _like_known(stream, parameters.EXTRAMEDULLARY, weight, no_pattern)
    no_maintenance = _chosen(stream, parameters.NO_MAINTENANCE, early, np.ones(PATIENTS, dtype=bool))
    maintenance = _like_known(stream, parameters.MAINTENANCE, np.ones(PATIENTS), no_maintenance)
    return Patients(start, regimen, clinical, extramedullary, maintenance, no_pattern, no_maintenance)


def _of_regimen(regimen: NDArray[np.str_], attribute: str) -> Floats:
    numbers = {name: float(getattr(values, attribute)) for name, values in parameters.REGIMENS.items()}
    return np.array([numbers[name] for name in regimen.tolist()])


def _chosen(stream: np.random.Generator, count: int, weight: Floats, among: Flags) -> Flags:
    """`count` of the patients in `among`, without replacement, with chances by `weight` (Efraimidis and Spirakis 2006)."""
    keys = np.where(among, np.log1p(-stream.random(len(weight))) / weight, -np.inf)
    chosen = np.zeros(len(weight), dtype=bool)
    chosen[np.argsort(keys, kind="stable")[len(keys) - count :]] = True
    return chosen


def _like_known(stream: np.random.Generator, count: int, weight: Floats, gap: Flags) -> Flags:
    """`count` of those whose value is recorded, and as large a share of those whose value is not."""
    hidden = round(count * int(gap.sum()) / int((~gap).sum()))
    return _chosen(stream, count, weight, ~gap) | _chosen(stream, hidden, weight, gap)
