"""Survival, restricted means and medians by scalar formulas, loops and quadrature: nothing of the package is used."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.integrate import quad
from scipy.optimize import brentq

FAMILIES = ("exponential", "weibull", "piecewise-exponential")
CUTS = (6.0, 12.0, 30.0)
PER_AGE = 10.0


def mixed_patients() -> pd.DataFrame:
    """Fifty rows with three groups, two sexes, an age, and frequency weights; nobody of group c is a woman over 70."""
    rng = np.random.default_rng(7)
    rows = 50
    return pd.DataFrame(
        {
            "time": np.round(rng.exponential(22.0, rows) + 0.2, 1),
            "event": rng.integers(0, 2, rows),
            "group": np.resize(["a", "b", "c", "b", "a"], rows),
            "sex": np.resize(["f", "m", "m"], rows),
            "age": np.round(rng.normal(62.0, 9.0, rows), 1),
            "count": rng.integers(1, 4, rows),
        }
    )


@dataclass(frozen=True)
class OneDraw:
    """One draw of a model of group + sex + age (per 10); `centre` are the means of its columns over the analysed rows."""

    family: str
    parameters: dict[str, np.ndarray]
    centre: list[float]

    def cumulative_hazard(self, t: float) -> float:
        if self.family == "exponential":
            return math.exp(self.parameters["log_rate"]) * t
        if self.family == "weibull":
            return math.exp(self.parameters["log_rate"]) * t ** math.exp(self.parameters["log_shape"])
        bounds = [0.0, *CUTS, math.inf]
        hazards = [math.exp(value) for value in self.parameters["log_hazard"]]
        return sum(hazards[j] * max(0.0, min(t, bounds[j + 1]) - bounds[j]) for j in range(len(hazards)))

    def log_relative_hazard(self, group: str, sex: str, age: float) -> float:
        beta = self.parameters["beta"]
        return sum(beta[k] * (value - self.centre[k]) for k, value in enumerate(columns(group, sex, age)))

    def survival(self, t: float, members: pd.DataFrame, group: str | None = None) -> float:
        """The weighted average over the members, each given the group (or left in its own)."""
        return self._average(t, self._relative(members, group))

    def rmst(self, upto: float, members: pd.DataFrame, group: str | None = None) -> float:
        """The area under the average, by quadrature."""
        relative = self._relative(members, group)
        points = [cut for cut in CUTS if cut < upto] if self.family == "piecewise-exponential" else None
        return quad(lambda t: self._average(t, relative), 0.0, upto, points=points, epsabs=1e-8, epsrel=1e-8, limit=100)[0]

    def median(self, members: pd.DataFrame, group: str | None = None) -> float:
        """Where the average crosses 1/2, by a root finder."""
        relative = self._relative(members, group)
        return brentq(lambda t: self._average(t, relative) - 0.5, 1e-6, 1e6, xtol=1e-10, rtol=1e-13)

    def _relative(self, members: pd.DataFrame, group: str | None) -> list[tuple[float, float]]:
        """Weight and relative hazard of every member."""
        rows = zip(members["count"], members["group"], members["sex"], members["age"], strict=True)
        return [(count, math.exp(self.log_relative_hazard(group or own, sex, age))) for count, own, sex, age in rows]

    def _average(self, t: float, relative: list[tuple[float, float]]) -> float:
        hazard = self.cumulative_hazard(t)
        return sum(count * math.exp(-hazard * ratio) for count, ratio in relative) / sum(count for count, _ in relative)


def columns(group: str, sex: str, age: float) -> list[float]:
    """The design columns of one patient, not centred."""
    return [float(group == "b"), float(group == "c"), float(sex == "m"), age / PER_AGE]


def centres(rows: pd.DataFrame) -> list[float]:
    """Weighted means of the design columns."""
    total = [0.0] * 4
    for _, row in rows.iterrows():
        for k, value in enumerate(columns(row["group"], row["sex"], row["age"])):
            total[k] += row["count"] * value
    return [value / rows["count"].sum() for value in total]
