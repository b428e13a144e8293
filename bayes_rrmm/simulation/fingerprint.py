"""The fingerprint of a model: its log-density at stored points. Results of a study hold for it alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.densities import log_density
from bayes_rrmm.parameters import FRAILTY, Draws, draw_from_prior
from bayes_rrmm.plan import Plan

POINTS = 20
TOLERANCE = 1e-10
"""How far apart, relative to its size, a log-density may be by rounding."""


def fingerprint(plan: Plan, cohort: Cohort, seed: int) -> dict[str, Any]:
    """`POINTS` draws from the prior, by reported name, and the log-density of `plan` on `cohort` at each; fit for JSON."""
    points = _points(plan, cohort, POINTS, seed)
    stored = {name: values.tolist() for name, values in points.items()}
    return {"points": stored, "log_density": log_density(plan, points, cohort).tolist()}


def changes(stored: dict[str, Any], plan: Plan, cohort: Cohort) -> list[str]:
    """What of a stored fingerprint does not hold for `plan` and `cohort`: a sentence each, none where all of it does."""
    points: Draws = {name: np.array(values) for name, values in stored["points"].items()}
    mine = {name: values.shape[1:] for name, values in _points(plan, cohort, 1, 0).items()}
    theirs = {name: values.shape[1:] for name, values in points.items()}
    if mine != theirs:
        return [f"the parameters are {mine}, and were {theirs}"]
    expected, found = np.array(stored["log_density"]), log_density(plan, points, cohort)
    far = np.flatnonzero(~(np.abs(found - expected) <= TOLERANCE * np.maximum(1.0, np.abs(expected))))
    return [f"point {index + 1}: the log-density is {found[index]!r}, and was {expected[index]!r}" for index in far]


def _points(plan: Plan, cohort: Cohort, size: int, seed: int) -> Draws:
    """Draws from the prior; of a log-normal frailty with the clusters' own, which the density is given."""
    points = draw_from_prior(plan, size, seed)
    if plan.frailty != "log-normal":
        return points
    clusters = int(cohort.cluster_numbers.max()) + 1
    z = np.random.default_rng([seed, 7]).normal(size=(size, clusters))
    return points | {"u": points[FRAILTY["log-normal"]][:, None] * z}
