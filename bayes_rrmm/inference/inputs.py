"""What a model takes: its structure, which decides what must be compiled, and the arrays, which may be swapped after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Cohort, Floats, distinct_rows
from bayes_rrmm.hazards.collapse import by_interval, by_time
from bayes_rrmm.inference.frailty_inputs import frailty_inputs
from bayes_rrmm.parameters import LOG_LOG_2, random_walk
from bayes_rrmm.plan import Plan
from bayes_rrmm.pooled_effects import horseshoe_sizes, slab_prior
from bayes_rrmm.resolved_priors import INTERVAL_SD


@dataclass(frozen=True)
class Structure:
    """What a compiled model cannot change: two plans of equal structure share one compilation.

    `columns` and `student_columns` count coefficients with normal and with Student t priors; `pooled` counts the
    levels of each pooled term, `horseshoes` those of each under a horseshoe; `intervals` is J. `has_level` is True
    where log hazards have a common level with a prior of its own. `incomplete` has the number of levels, and of
    predictors with the intercept, of each marginalised covariate, and `independent` says that these have shares
    instead of logits. `frailty` is its distribution or empty, and `clusters` how many of a log-normal one there is
    room for.
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
    incomplete: tuple[tuple[int, int], ...] = ()
    independent: bool = False
    frailty: str = ""
    clusters: int = 0
    horseshoes: tuple[int, ...] = ()


def structure_of(plan: Plan) -> Structure:
    """The structure of a plan's model."""
    piecewise = plan.family == "piecewise-exponential"
    students = sum(prior.is_student for prior in plan.priors.coefficients)
    model = plan.covariates
    return Structure(
        family=plan.family,
        columns=len(plan.priors.coefficients) - students,
        student_columns=students,
        pooled=tuple(len(pooled.cells) for pooled in plan.encoding.pooled if not pooled.is_horseshoe),
        intervals=len(plan.cuts) + 1 if piecewise else 1,
        random_walk=piecewise and plan.smoothing == "random-walk",
        has_level=piecewise and plan.priors.baseline_kind == "median",
        student_baseline=plan.priors.baseline.is_student,
        student_shape=plan.family == "weibull" and plan.priors.log_shape.is_student,
        incomplete=() if model is None else tuple((len(item.levels), 1 + len(item.predictors)) for item in model.variables),
        independent=model is not None and model.kind == "independent",
        frailty=plan.frailty or "",
        clusters=plan.most_clusters,
        horseshoes=tuple(horseshoe_sizes(plan)),
    )


def model_inputs(plan: Plan, cohort: Cohort) -> dict[str, Any]:
    """The arrays of the model's pm.Data, by name: rows collapsed, and prior hyperparameters."""
    complete = cohort if plan.covariates is None else cohort.select(cohort.is_complete())
    inputs = {**_rows(plan, complete), **_coefficient_priors(plan), **_baseline_prior(plan)}
    return inputs if plan.covariates is None else {**inputs, **gap_inputs(plan, cohort)}


def column_order(plan: Plan) -> tuple[list[int], list[int]]:
    """Positions of the design columns with normal and with Student t priors."""
    students = [prior.is_student for prior in plan.priors.coefficients]
    positions = range(len(students))
    return [i for i in positions if not students[i]], [i for i in positions if students[i]]


def column_scale(plan: Plan) -> Floats:
    """sd of each design column, by which it is divided while sampling; shape (P,)."""
    return np.array([column.scale for column in plan.encoding.columns])


def covariate_columns(plan: Plan, covariates: pd.DataFrame, prefix: str = "") -> dict[str, Floats]:
    """The design columns and pooled indicators of rows, by the names the linear predictor takes them under."""
    design = plan.encoding.design(covariates) / column_scale(plan)
    normal, student = column_order(plan)
    columns: dict[str, Floats] = {}
    if normal:
        columns[f"{prefix}design"] = design[:, normal]
    if student:
        columns[f"{prefix}student_design"] = design[:, student]
    indicators, normal_levels = plan.encoding.indicators(covariates), plan.encoding.normal_levels
    if normal_levels:
        columns[f"{prefix}membership"] = indicators[:, :normal_levels]
    if plan.priors.horseshoes:
        columns[f"{prefix}horseshoe_membership"] = indicators[:, normal_levels:]
    return columns


def _rows(plan: Plan, cohort: Cohort) -> dict[str, Floats]:
    """The rows, added up where covariates and cluster are the same: of a Weibull also the time, else by interval."""
    named = covariate_columns(plan, cohort.covariates)
    cluster = np.empty((len(cohort), 0)) if plan.frailty is None else cohort.cluster_numbers[:, None].astype(np.float64)
    columns = np.concatenate([cluster, *named.values()], axis=1)
    outcome = (cohort.time, cohort.event, cohort.entry, cohort.weight)
    before = plan.survived_before(cohort)
    if plan.family == "weibull":
        cells = by_time(columns, *outcome, counts_as_survived=before > 0)
        rows: dict[str, Floats] = {
            "log_time": np.log(cells.time / plan.reference_time),
            "log_reference_time": np.array(np.log(plan.reference_time)),
            "events": cells.events,
            "net_exits": cells.net_exits,
        }
        first = cells.first_row
        if plan.frailty == "gamma":
            rows["survived_entries"] = cells.survived_entries
    else:
        table = by_interval(columns, plan.cut_array, *outcome)
        rows = {"events": table.events, "exposure": table.exposure}
        first = table.first_row
        if plan.frailty == "gamma":
            none = np.zeros(len(cohort))
            rows["exposure_before"] = by_interval(columns, plan.cut_array, before, none, none, cohort.weight).exposure
    return rows | {name: values[first] for name, values in named.items()} | frailty_inputs(plan, cohort, first)


def gap_inputs(plan: Plan, cohort: Cohort) -> dict[str, Any]:
    """What marginalising takes. The covariate model is asked of the distinct patterns of complete rows, `known` counting
    the patients who have each, and then of every way to fill the gaps of each row with gaps, R rows of K ways, padded:
    `gap_padding`, shape (R, K), is minus infinity where a way is padding."""
    assert plan.covariates is not None
    complete = cohort.is_complete()
    gaps = cohort.select(~complete)
    candidates = plan.covariates.candidates(gaps.covariates)
    ways = np.diff(np.append(candidates.starts, len(candidates.frame)))
    position = np.arange(ways.max(initial=1))[None, :]
    filled = candidates.frame.iloc[(candidates.starts[:, None] + np.minimum(position, ways[:, None] - 1)).ravel()]
    whole = cohort.covariates.loc[complete]
    first, pattern = distinct_rows(whole)
    inputs: dict[str, Any] = {
        "known": np.bincount(pattern, weights=cohort.weight[complete], minlength=len(first)).astype(np.float64),
        "gap_padding": np.where(position < ways[:, None], 0.0, -np.inf),
        **covariate_columns(plan, filled, "gap_"),
    }
    asked = pd.concat([whole.iloc[first], filled])
    for index, variable in enumerate(plan.covariates.variables):
        inputs[f"member_{index}"] = variable.membership(asked)
        if plan.covariates.kind == "sequential":
            inputs[f"predictors_{index}"] = variable.columns(asked)
    if plan.covariates.kind == "sequential":
        inputs["gamma_sd"] = plan.covariates.gamma_sd
    return inputs | _gap_outcomes(plan, gaps)


def _gap_outcomes(plan: Plan, gaps: Cohort) -> dict[str, Floats]:
    inputs: dict[str, Floats] = {"gap_weight": gaps.weight, "gap_events": gaps.event}
    if plan.family == "weibull":
        late = (gaps.entry > 0).astype(np.float64)
        log_entry = np.log(np.where(late > 0, gaps.entry, plan.reference_time) / plan.reference_time)
        return inputs | {"gap_log_time": np.log(gaps.time / plan.reference_time), "gap_log_entry": log_entry, "gap_late": late}
    each = np.arange(len(gaps), dtype=np.float64)[:, None]
    table = by_interval(each, plan.cut_array, gaps.time, gaps.event, gaps.entry, np.ones(len(gaps)))
    in_intervals = {"gap_interval_events": table.events} if plan.family == "piecewise-exponential" else {}
    return inputs | in_intervals | {"gap_exposure": table.exposure}


def _coefficient_priors(plan: Plan) -> dict[str, Floats]:
    means, sds, nus = plan.priors.coefficient_arrays()
    scale = column_scale(plan)
    normal, student = column_order(plan)
    inputs: dict[str, Floats] = {}
    if normal:
        inputs |= {"beta_mean": (means * scale)[normal], "beta_sd": (sds * scale)[normal]}
    if student:
        inputs |= {"student_mean": (means * scale)[student], "student_sd": (sds * scale)[student], "student_nu": nus[student]}
    if plan.priors.tau_sd:
        inputs["tau_sd"] = np.array(plan.priors.tau_sd)
    if plan.priors.horseshoes:
        inputs["horseshoe_scale"] = np.array([item.tau for item in plan.priors.horseshoes])
        inputs["slab_shape"], inputs["slab_rate"] = slab_prior(plan.priors.horseshoes)
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
