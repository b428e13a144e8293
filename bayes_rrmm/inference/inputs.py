"""What a model takes: its structure, which decides what must be compiled, and the arrays, which may be swapped after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.hazards.collapse import by_interval, by_time
from bayes_rrmm.parameters import LOG_LOG_2, random_walk
from bayes_rrmm.plan import Plan
from bayes_rrmm.resolved_priors import INTERVAL_SD


@dataclass(frozen=True)
class Structure:
    """What a compiled model cannot change: two plans of equal structure share one compilation.

    `columns` and `student_columns` count coefficients with normal and with Student t priors; `pooled` counts the
    levels of each pooled term; `intervals` is J. `has_level` is True where log hazards have a common level with a
    prior of its own.
    """

    family: str
    columns: int
    student_columns: int
    pooled: tuple[int, ...]
    intervals: int
    random_walk: bool
    has_level: bool
    student_baseline: bool
    student_shape: bool


def structure_of(plan: Plan) -> Structure:
    """The structure of a plan's model."""
    piecewise = plan.family == "piecewise-exponential"
    students = sum(prior.is_student for prior in plan.priors.coefficients)
    return Structure(
        family=plan.family,
        columns=len(plan.priors.coefficients) - students,
        student_columns=students,
        pooled=tuple(len(pooled.levels) for pooled in plan.encoding.pooled),
        intervals=len(plan.cuts) + 1 if piecewise else 1,
        random_walk=piecewise and plan.smoothing == "random-walk",
        has_level=piecewise and plan.priors.baseline_kind == "median",
        student_baseline=plan.priors.baseline.is_student,
        student_shape=plan.family == "weibull" and plan.priors.log_shape.is_student,
    )


def model_inputs(plan: Plan, cohort: Cohort) -> dict[str, Floats]:
    """The arrays of the model's pm.Data, by name: rows collapsed, and prior hyperparameters."""
    return {**_rows(plan, cohort), **_coefficient_priors(plan), **_baseline_prior(plan)}


def column_order(plan: Plan) -> tuple[list[int], list[int]]:
    """Positions of the design columns with normal and with Student t priors."""
    students = [prior.is_student for prior in plan.priors.coefficients]
    positions = range(len(students))
    return [i for i in positions if not students[i]], [i for i in positions if students[i]]


def column_scale(plan: Plan) -> Floats:
    """sd of each design column, by which it is divided while sampling; shape (P,)."""
    return np.array([column.scale for column in plan.encoding.columns])


def _rows(plan: Plan, cohort: Cohort) -> dict[str, Floats]:
    design = plan.encoding.design(cohort.covariates) / column_scale(plan)
    indicators = plan.encoding.indicators(cohort.covariates)
    columns = np.concatenate([design, indicators], axis=1)
    outcome = (cohort.time, cohort.event, cohort.entry, cohort.weight)
    if plan.family == "weibull":
        cells = by_time(columns, *outcome)
        rows: dict[str, Floats] = {
            "log_time": np.log(cells.time / plan.reference_time),
            "log_reference_time": np.array(np.log(plan.reference_time)),
            "events": cells.events,
            "net_exits": cells.net_exits,
        }
        first = cells.first_row
    else:
        table = by_interval(columns, plan.cut_array, *outcome)
        rows = {"events": table.events, "exposure": table.exposure}
        first = table.first_row
    normal, student = column_order(plan)
    if normal:
        rows["design"] = design[first][:, normal]
    if student:
        rows["student_design"] = design[first][:, student]
    if plan.encoding.pooled:
        rows["membership"] = indicators[first]
    return rows


def _coefficient_priors(plan: Plan) -> dict[str, Floats]:
    means, sds, nus = plan.priors.coefficient_arrays()
    scale = column_scale(plan)
    normal, student = column_order(plan)
    inputs: dict[str, Floats] = {}
    if normal:
        inputs |= {"beta_mean": (means * scale)[normal], "beta_sd": (sds * scale)[normal]}
    if student:
        inputs |= {"student_mean": (means * scale)[student], "student_sd": (sds * scale)[student], "student_nu": nus[student]}
    if plan.encoding.pooled:
        inputs["tau_sd"] = np.array(plan.priors.tau_sd)
    return inputs


def _baseline_prior(plan: Plan) -> dict[str, Floats]:
    priors = plan.priors
    stated = priors.baseline
    inputs: dict[str, Floats] = {}
    is_median = priors.baseline_kind == "median"
    if plan.family == "weibull":
        log_reference = np.log(plan.reference_time)
        rate = priors.baseline_kind == "log_rate"
        inputs["baseline_mean"] = np.array(stated.mean if rate else LOG_LOG_2 if is_median else 0.0)
        inputs["baseline_slope"] = np.array(log_reference if rate else log_reference - stated.mean)
        inputs["baseline_power"] = np.array(0.0 if rate else 1.0)
        inputs |= {"log_shape_mean": np.array(priors.log_shape.mean), "log_shape_sd": np.array(priors.log_shape.sd)}
        if priors.log_shape.nu is not None:
            inputs["log_shape_nu"] = np.array(priors.log_shape.nu)
    else:
        inputs["baseline_mean"] = np.array(LOG_LOG_2 - stated.mean if is_median else stated.mean)
        if plan.family == "piecewise-exponential" and plan.smoothing == "independent" and is_median:
            inputs["interval_sd"] = np.array(INTERVAL_SD)
    inputs["baseline_sd"] = np.array(stated.sd)
    if stated.nu is not None:
        inputs["baseline_nu"] = np.array(stated.nu)
    if plan.family == "piecewise-exponential" and plan.smoothing == "random-walk":
        walk = random_walk(len(plan.cuts) + 1)
        inputs |= {"sigma_sd": np.array(priors.sigma_sd), "walk": walk}
        inputs["start"] = np.zeros(walk.shape[1]) if is_median else walk[0]
    return inputs
