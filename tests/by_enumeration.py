"""Weibull and piecewise models of x * y + age with six gaps, in scalar arithmetic: every completed table, one by one.

Nothing of the package is used. A row of frequency weight 2 is two patients, each with a gap of their own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import logsumexp

FORMULA = "x * y + age"
CUTS = (6.0, 12.0)
LEVELS = {"x": ("a", "b"), "y": ("u", "v")}
TABLE = pd.DataFrame(
    [
        (3.0, 1, 0.0, 1, "a", "u", 55.0),
        (9.5, 0, 2.0, 1, "b", "v", 61.0),
        (6.0, 1, 0.0, 1, None, "v", 48.0),
        (14.0, 1, 1.5, 1, "a", None, 70.0),
        (21.0, 0, 0.0, 1, None, None, 66.0),
        (7.5, 1, 3.0, 2, None, "u", 52.0),
        (12.0, 1, 0.0, 3, "b", "u", 58.0),
        (2.5, 1, 0.0, 1, "b", "v", 64.0),
        (18.0, 0, 0.0, 2, "a", "v", 73.0),
        (5.0, 1, 0.0, 1, "b", "u", 45.0),
        (26.0, 0, 4.0, 1, "a", "u", 59.0),
    ],
    columns=["time", "event", "start", "count", "x", "y", "age"],
    index=range(1, 12),
)
"""Six gaps: one each in rows 3 and 4, two in row 5, and those of the two patients of row 6."""


@dataclass(frozen=True)
class Patient:
    """One patient of a row."""

    row: int
    time: float
    event: int
    start: float
    x: str | None
    y: str | None
    age: float


Weighted = tuple[float, tuple[Patient, ...]]
"""The logarithm of a completed table's probability or density, and its patients."""


def patients() -> tuple[Patient, ...]:
    """Everyone, a row of weight w standing w times."""
    values = ("time", "event", "start", "x", "y", "age")
    return tuple(
        Patient(int(number), *(row[name] for name in values)) for number, row in TABLE.iterrows() for _ in range(row["count"])
    )


def completed() -> Iterator[tuple[Patient, ...]]:
    """All 2^6 tables without gaps that the table may be."""
    everyone = patients()
    gaps = [(i, name) for i, patient in enumerate(everyone) for name in ("x", "y") if getattr(patient, name) is None]
    assert len(gaps) == 6
    for values in itertools.product(*(LEVELS[name] for _, name in gaps)):
        filled = list(everyone)
        for (i, name), value in zip(gaps, values, strict=True):
            filled[i] = replace(filled[i], **{name: value})
        yield tuple(filled)


def _mean(pairs: list[tuple[float, float]]) -> float:
    return sum(weight * value for weight, value in pairs) / sum(weight for weight, _ in pairs)


KNOWN = [(row["count"], row) for _, row in TABLE.iterrows()]
X_SHARE = _mean([(w, float(row["x"] == "b")) for w, row in KNOWN if row["x"] is not None])
Y_SHARE = _mean([(w, float(row["y"] == "v")) for w, row in KNOWN if row["y"] is not None])
BOTH_SHARE = _mean(
    [(w, float(row["x"] == "b" and row["y"] == "v")) for w, row in KNOWN if row["x"] is not None and row["y"] is not None]
)
AGE_MEAN = _mean([(w, row["age"]) for w, row in KNOWN])
AGE_SD = math.sqrt(sum(w * (row["age"] - AGE_MEAN) ** 2 for w, row in KNOWN) / (sum(w for w, _ in KNOWN) - 1))


@dataclass(frozen=True)
class OneDraw:
    """One draw: `beta` of the columns x=b, y=v, age and x=b:y=v; `gamma` or `share` of the covariate model."""

    family: str
    values: dict[str, np.ndarray]

    def log_survival(self, patient: Patient) -> float:
        """d log h(t) - (H(t) - H(entry)) of one patient without gaps."""
        x, y = float(patient.x == "b"), float(patient.y == "v")
        columns = {"x=b": x - X_SHARE, "y=v": y - Y_SHARE, "age": patient.age - AGE_MEAN, "x=b:y=v": x * y - BOTH_SHARE}
        eta = sum(float(beta) * value for beta, value in zip(self.values["beta"], columns.values(), strict=True))
        cumulative = math.exp(eta) * (self._cumulative(patient.time) - self._cumulative(patient.start))
        return patient.event * (self._log_hazard(patient.time) + eta) - cumulative

    def log_covariates(self, patient: Patient) -> float:
        """log P(x, y | age): x and y from logits, y's given x, or each from its share."""
        if "share" in self.values:
            a, b, u, v = self.values["share"]
            return math.log({"a": a, "b": b}[patient.x]) + math.log({"u": u, "v": v}[patient.y])
        x_zero, x_age, y_zero, y_age, y_x = map(float, self.values["gamma"])
        age = (patient.age - AGE_MEAN) / AGE_SD
        x_logit = x_zero + x_age * age
        y_logit = y_zero + y_age * age + y_x * (float(patient.x == "b") - X_SHARE)
        return _log_bernoulli(patient.x == "b", x_logit) + _log_bernoulli(patient.y == "v", y_logit)

    def tables(self, *, outcome: bool = True) -> list[Weighted]:
        """Every completed table with the logarithm of its density, or of the probability of its covariates alone."""
        return [
            (sum(self.log_covariates(one) + outcome * self.log_survival(one) for one in table), table) for table in completed()
        ]

    def total(self, *, outcome: bool = True) -> float:
        """The logarithm of the sum over completed tables."""
        return float(logsumexp([weight for weight, _ in self.tables(outcome=outcome)]))

    def chance(self, row: int, name: str, level: str, *, outcome: bool = True) -> list[float]:
        """For each patient of the row, the share of the tables in which they have the level."""
        tables = self.tables(outcome=outcome)
        total = logsumexp([weight for weight, _ in tables])
        positions = [i for i, patient in enumerate(patients()) if patient.row == row]
        return [
            sum(math.exp(weight - total) for weight, table in tables if getattr(table[i], name) == level) for i in positions
        ]

    def _cumulative(self, t: float) -> float:
        if self.family == "weibull":
            return math.exp(self.values["log_rate"]) * t ** math.exp(self.values["log_shape"])
        bounds, hazards = [0.0, *CUTS, math.inf], np.exp(self.values["log_hazard"])
        return sum(hazards[j] * max(0.0, min(t, bounds[j + 1]) - bounds[j]) for j in range(len(hazards)))

    def _log_hazard(self, t: float) -> float:
        if self.family == "weibull":
            shape = math.exp(self.values["log_shape"])
            return float(self.values["log_rate"]) + math.log(shape) + (shape - 1) * math.log(t)
        return float(self.values["log_hazard"][sum(t > cut for cut in CUTS)])


def _log_bernoulli(happens: bool, logit: float) -> float:
    return (logit if happens else 0.0) - math.log(1 + math.exp(logit))
