"""Exponential proportional hazards: h(t) = exp(log_rate + x' beta)."""

from __future__ import annotations

from typing import Any

import pymc as pm
import pytensor.tensor as pt

from bayes_rrmm.inference.inputs import Structure
from bayes_rrmm.inference.models.covariates import Inputs, coords, data, effects, linear_predictor, location, survival_of_gaps
from bayes_rrmm.inference.models.frailty import with_lognormal_frailty
from bayes_rrmm.inference.models.piecewise import poisson_process, poisson_process_of_clusters


def exponential_model(structure: Structure, inputs: Inputs) -> pm.Model:
    """Rows are covariate patterns: their events and their exposure (person-time), each with one column."""
    with pm.Model(coords=coords(structure), check_bounds=False) as model:
        events, exposure, mean, sd = data(inputs, "events", "exposure", "baseline_mean", "baseline_sd")
        nu = data(inputs, "baseline_nu")[0] if structure.student_baseline else None

        log_rate: Any = location("log_rate", mean, sd, nu)
        found = effects(structure, inputs)
        eta = with_lognormal_frailty(structure, inputs, linear_predictor(inputs, found))

        log_hazard = log_rate + eta if isinstance(eta, float) else (log_rate + eta)[:, None]
        if structure.frailty == "gamma":
            poisson_process_of_clusters(inputs, events, log_hazard, exposure)
            return model
        pm.CustomDist("survival", log_hazard, exposure, logp=poisson_process, observed=events)
        if structure.incomplete:
            (gap_exposure,) = data(inputs, "gap_exposure")
            at_risk = gap_exposure[:, 0]
            survival_of_gaps(structure, inputs, found, log_rate + 0.0 * at_risk, at_risk * pt.exp(log_rate))
    return model
