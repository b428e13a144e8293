"""What the synthetic RRMM1 cohort has to reproduce: the published numbers, the limits to meet, and how rows give each number.

The abstract's overall survival begins at initial treatment, and is read naively: without delayed entry at relapse. Groups are
those of known level. Cox models use Efron's method for ties.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_rrmm.frequentist import Cox, cox, kaplan_meier, log_rank, median_follow_up

NEAR = 0.1
"""Where no interval is published, a median has to be met within 10 %."""

MEDIAN_STEP, RATIO_STEP, P_STEP = 1.1, 1.25, 10.0
"""What counts as one step away when cohorts are ranked: 10 % of a median, 25 % of a hazard ratio or a count of events, a factor
of 10 of a p value."""

COLUMNS = {
    "pfs1": ("pfs1_months", "pfs1_event"),
    "pfs2": ("pfs2_months", "pfs2_event"),
    "os": ("os_initial_months", "os_event"),
}
"""Time and event behind each endpoint of the abstract."""


@dataclass(frozen=True)
class Target:
    """A published number, the limits that a cohort has to meet (they belong to the range), and how rows give the number.

    A cohort whose number is the published one times `step` is one step away; infinity where the number is only a bound.
    """

    name: str
    published: float
    lowest: float
    highest: float
    step: float
    compute: Callable[[pd.DataFrame], float]

    def met(self, value: float) -> bool:
        """Whether a cohort with this value is near enough."""
        return self.lowest <= value <= self.highest

    def steps(self, value: float) -> float:
        """How many steps a cohort's value is away from the published number, in logs."""
        return math.log(value / self.published) / math.log(self.step)


def _median(endpoint: str, published: float, limits: tuple[float, float] | None = None, **level: str) -> Target:
    def compute(rows: pd.DataFrame) -> float:
        return kaplan_meier(*_outcome(_of(rows, **level), endpoint)).median()[0]

    limits = limits or (published * (1 - NEAR), published * (1 + NEAR))
    return Target(_name("median", endpoint, level), published, *limits, MEDIAN_STEP, compute)


def _follow_up(published: float, **level: str) -> Target:
    def compute(rows: pd.DataFrame) -> float:
        return median_follow_up(*_outcome(_of(rows, **level), "os"))[0]

    limits = (published * (1 - NEAR), published * (1 + NEAR))
    return Target(_name("median", "follow-up", level), published, *limits, MEDIAN_STEP, compute)


def _log_rank(endpoint: str, column: str, published: float, limits: tuple[float, float]) -> Target:
    step = math.inf if limits[1] == published else P_STEP

    def p_value(rows: pd.DataFrame) -> float:
        known = rows[rows[column] != ""]
        return log_rank(*_outcome(known, endpoint), known[column]).p

    return Target(f"p {endpoint} {column}", published, *limits, step, p_value)


def _events(endpoint: str, published: float, limits: tuple[float, float], **level: str) -> Target:
    name = _name("events", endpoint, level)
    return Target(name, published, *limits, RATIO_STEP, lambda rows: float(_outcome(_of(rows, **level), endpoint)[1].sum()))


def multivariable(rows: pd.DataFrame, endpoint: str) -> Cox:
    """Cox of pomalidomide, clinical relapse and extramedullary disease, in the patients whose levels are known."""
    known = rows[(rows["relapse_pattern"] != "") & (rows["extramedullary"] != "")]
    levels = {"pomalidomide": "yes", "relapse_pattern": "clinical", "extramedullary": "yes"}
    design = np.column_stack([known[column] == level for column, level in levels.items()])
    return cox(design, list(levels), *_outcome(known, endpoint))


def first_against_second_line(rows: pd.DataFrame) -> Cox:
    """Cox of PFS1 against PFS2: two rows a patient, treated as different patients."""
    first, second = _outcome(rows, "pfs1"), _outcome(rows, "pfs2")
    design = np.repeat([1.0, 0.0], len(rows))[:, None]
    return cox(design, ["pfs1"], np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]]))


def _hazard_ratio(name: str, published: float, limits: tuple[float, float], model: Callable[[pd.DataFrame], Cox]) -> Target:
    return Target(f"hazard ratio {name}", published, *limits, RATIO_STEP, lambda rows: math.exp(model(rows).coefficients[0]))


def _wald(name: str, published: float, limits: tuple[float, float], model: Callable[[pd.DataFrame], Cox]) -> Target:
    def p_value(rows: pd.DataFrame) -> float:
        fit = model(rows)
        return math.erfc(abs(fit.coefficients[0]) / math.sqrt(2 * fit.covariance[0, 0]))

    return Target(f"p {name}", published, *limits, P_STEP, p_value)


def _name(what: str, endpoint: str, level: dict[str, str]) -> str:
    return " ".join([what, endpoint, *(f"{column}={value}" for column, value in level.items())])


def _of(rows: pd.DataFrame, **level: str) -> pd.DataFrame:
    for column, value in level.items():
        rows = rows[rows[column] == value]
    return rows


def _outcome(rows: pd.DataFrame, endpoint: str) -> tuple[pd.Series[float], pd.Series[float]]:
    time, event = COLUMNS[endpoint]
    return rows[time].astype(float), rows[event].astype(float)


def _pfs2_model(rows: pd.DataFrame) -> Cox:
    return multivariable(rows, "pfs2")


def _os_model(rows: pd.DataFrame) -> Cox:
    return multivariable(rows, "os")


NOT_REACHED = (math.inf, math.inf)
SIGNIFICANT, NOT_SIGNIFICANT = (0.0, 0.05), (0.05, 1.0)

TARGETS = (
    _events("pfs2", 9.0, (8.0, 10.0), pomalidomide="yes"),
    _events("os", 4.0, (3.0, 5.0), pomalidomide="yes"),
    _median("os", 75.0, lenalidomide_maintenance="no"),
    _median("os", 77.0, extramedullary="yes"),
    _median("pfs2", 31.0, relapse_pattern="biochemical"),
    _median("pfs2", 13.0, relapse_pattern="clinical"),
    _median("os", math.inf, NOT_REACHED, lenalidomide_maintenance="yes"),
    _median("os", 104.0, relapse_pattern="clinical"),
    _median("os", 110.0, relapse_pattern="biochemical"),
    _median("os", 110.0, extramedullary="no"),
    _median("os", 102.0, salvage_asct="no"),
    _median("os", math.inf, NOT_REACHED, salvage_asct="yes"),
    _median("pfs2", math.inf, NOT_REACHED, regimen="carfilzomib"),
    _median("pfs2", math.inf, NOT_REACHED, regimen="pomalidomide"),
    _median("os", math.inf, NOT_REACHED, regimen="carfilzomib"),
    _median("os", math.inf, NOT_REACHED, regimen="pomalidomide"),
    _median("pfs1", 24.0, (21.7, 26.9)),
    _median("pfs2", 22.0, (18.9, 25.0)),
    _median("os", 104.0, (93.5, 114.6)),
    _follow_up(40.0, regimen="carfilzomib"),
    _follow_up(61.0),
    _log_rank("os", "relapse_pattern", 0.030, SIGNIFICANT),
    _log_rank("os", "lenalidomide_maintenance", 0.006, SIGNIFICANT),
    _log_rank("os", "extramedullary", 0.006, SIGNIFICANT),
    _log_rank("os", "salvage_asct", 0.283, NOT_SIGNIFICANT),
    _log_rank("pfs2", "relapse_pattern", 0.001, (0.0, 0.001)),
    _hazard_ratio("pfs2 pomalidomide", 0.421, (0.214, 0.829), _pfs2_model),
    _wald("pfs2 pomalidomide", 0.012, SIGNIFICANT, _pfs2_model),
    _hazard_ratio("os pomalidomide", 0.382, (0.142, 1.026), _os_model),
    _wald("os pomalidomide", 0.056, NOT_SIGNIFICANT, _os_model),
    _hazard_ratio("pfs1 against pfs2", 1.046, (0.780, 1.403), first_against_second_line),
)
"""Those that few cohorts meet come first, so that a search soon turns away from a seed. Events in the pomalidomide group are not
published: they are what the widths of its two published intervals imply."""


def values(rows: pd.DataFrame) -> dict[str, float]:
    """Every target's number in the rows of a cohort, by the target's name."""
    return {target.name: target.compute(rows) for target in TARGETS}


def passes(rows: pd.DataFrame) -> bool:
    """Whether the rows of a cohort meet every target."""
    return all(target.met(target.compute(rows)) for target in TARGETS)


def distance(rows: pd.DataFrame) -> float:
    """Root mean square of the steps by which the rows of a cohort are away from the published numbers that are finite."""
    steps = [target.steps(target.compute(rows)) for target in TARGETS if math.isfinite(target.published * target.step)]
    return math.sqrt(float(np.mean(np.square(steps))))
