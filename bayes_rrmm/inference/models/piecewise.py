"""Piecewise-exponential proportional hazards: h(t) = exp(log_hazard_j + x' beta) on the interval j that holds t."""

from __future__ import annotations

from typing import Any

import pymc as pm
import pytensor.tensor as pt

from bayes_rrmm.inference.inputs import Structure
from bayes_rrmm.inference.models.covariates import Inputs, coords, data, effects, linear_predictor, location, survival_of_gaps
from bayes_rrmm.inference.models.frailty import survival_of_clusters, with_lognormal_frailty


def poisson_process(events: Any, log_hazard: Any, exposure: Any) -> Any:
    """Log-likelihood of a constant hazard over some person-time: events x log hazard - exposure x hazard."""
    return events * log_hazard - exposure * pt.exp(log_hazard)


def piecewise_model(structure: Structure, inputs: Inputs) -> pm.Model:
    """Rows are covariate patterns, columns intervals: events and exposure (person-time) in each cell."""
    with pm.Model(coords=coords(structure), check_bounds=False) as model:
        events, exposure = data(inputs, "events", "exposure")

        log_hazard = random_walk_baseline(structure, inputs) if structure.random_walk else independent_baseline(structure, inputs)
        found = effects(structure, inputs)
        eta = with_lognormal_frailty(structure, inputs, linear_predictor(inputs, found))

        cell = log_hazard[None, :] + (eta if isinstance(eta, float) else eta[:, None])
        if structure.frailty == "gamma":
            poisson_process_of_clusters(inputs, events, cell, exposure)
            return model
        pm.CustomDist("survival", cell, exposure, logp=poisson_process, observed=events)
        if structure.incomplete:
            gap_events, gap_exposure = data(inputs, "gap_interval_events", "gap_exposure")
            at_exit = (gap_events * log_hazard).sum(axis=1)
            survival_of_gaps(structure, inputs, found, at_exit, (gap_exposure * pt.exp(log_hazard)).sum(axis=1))
    return model


def poisson_process_of_clusters(inputs: Inputs, events: Any, log_hazard: Any, exposure: Any) -> None:
    """Add the same under gamma frailty of clusters: a row is a pattern of one cluster, a column an interval."""
    (exposure_before,) = data(inputs, "exposure_before")
    hazard = pt.exp(log_hazard)
    parts = (events * log_hazard, exposure * hazard, exposure_before * hazard)
    survival_of_clusters(inputs, *(part.sum(axis=1) for part in parts))


def independent_baseline(structure: Structure, inputs: Inputs) -> Any:
    """log_hazard_j ~ Normal(level, 0.5) with a prior on the level, or log_hazard_j ~ Normal(mean, sd) as stated raw."""
    mean, sd = data(inputs, "baseline_mean", "baseline_sd")
    nu = data(inputs, "baseline_nu")[0] if structure.student_baseline else None
    if not structure.has_level:
        return location("log_hazard", mean, sd, nu, dims="interval")
    level = location("log_hazard_level", mean, sd, nu)
    return pm.Normal("log_hazard", level, pm.Data("interval_sd", inputs["interval_sd"]), dims="interval")


def random_walk_baseline(structure: Structure, inputs: Inputs) -> Any:
    """log_hazard_j = level + w_j, w a random walk with steps sigma z_j, centred to mean zero, sigma ~ HalfNormal.

    The prior is on the level, or, stated raw, on log_hazard_1 = level + w_1: given the walk that is a prior on the
    level too, so the level is what is sampled (it is what the data know best).
    """
    mean, sd, sigma_sd, walk, start = data(inputs, "baseline_mean", "baseline_sd", "sigma_sd", "walk", "start")
    nu = data(inputs, "baseline_nu")[0] if structure.student_baseline else None
    sigma = pm.HalfNormal("sigma", sigma_sd)
    step = pm.Normal("step_z", 0.0, 1.0, dims="step")
    level = location("level", mean - sigma * (start * step).sum(), sd, nu)
    return level + sigma * (walk * step).sum(axis=1)
