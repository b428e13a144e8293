"""Weibull proportional hazards: H(t) = exp(log_rate + x' beta) t^shape."""

from __future__ import annotations

from typing import Any

import pymc as pm
import pytensor.tensor as pt

from bayes_rrmm.inference.inputs import Structure
from bayes_rrmm.inference.models.covariates import Inputs, coords, data, effects, linear_predictor, location, survival_of_gaps
from bayes_rrmm.inference.models.frailty import survival_of_clusters, with_lognormal_frailty


def weibull_model(structure: Structure, inputs: Inputs) -> pm.Model:
    """Rows are covariate patterns at distinct times: their events and their exits minus entries.

    Sampled is `anchor`, the log cumulative hazard at a reference time t_r inside the data, which the data know well,
    in place of log_rate = anchor - shape log t_r. Its prior given the shape says the same as the stated one:

    | stated                        | anchor given the shape                          |
    |-------------------------------|-------------------------------------------------|
    | log_rate ~ Normal(m, s)       | Normal(m + shape log t_r, s)                    |
    | log_scale ~ Normal(m, s)      | Normal(shape (log t_r - m), shape s)            |
    | log median ~ Normal(m, s)     | Normal(log log 2 + shape (log t_r - m), shape s)|

    so one compiled model takes all three: mean + slope x shape, and sd x shape^power.
    """
    with pm.Model(coords=coords(structure), check_bounds=False) as model:
        events, net_exits, log_time, log_reference_time = data(inputs, "events", "net_exits", "log_time", "log_reference_time")
        mean, slope, sd, power = data(inputs, "baseline_mean", "baseline_slope", "baseline_sd", "baseline_power")
        shape_mean, shape_sd = data(inputs, "log_shape_mean", "log_shape_sd")
        nu = data(inputs, "baseline_nu")[0] if structure.student_baseline else None
        shape_nu = data(inputs, "log_shape_nu")[0] if structure.student_shape else None

        log_shape: Any = location("log_shape", shape_mean, shape_sd, shape_nu)
        shape = pt.exp(log_shape)
        anchor: Any = location("anchor", mean + slope * shape, sd * shape**power, nu)
        found = effects(structure, inputs)
        eta = with_lognormal_frailty(structure, inputs, linear_predictor(inputs, found))

        log_cumulative = anchor + eta + shape * log_time
        log_hazard = log_cumulative + log_shape - log_time - log_reference_time

        def log_likelihood(events: Any, log_hazard: Any, net_exits: Any, log_cumulative: Any) -> Any:
            return events * log_hazard - net_exits * pt.exp(log_cumulative)

        if structure.frailty == "gamma":
            (survived_entries,) = data(inputs, "survived_entries")
            cumulative = pt.exp(log_cumulative)
            survival_of_clusters(inputs, events * log_hazard, net_exits * cumulative, survived_entries * cumulative)
            return model
        pm.CustomDist("survival", log_hazard, net_exits, log_cumulative, logp=log_likelihood, observed=events)
        if structure.incomplete:
            gap_log_time, gap_log_entry, gap_late = data(inputs, "gap_log_time", "gap_log_entry", "gap_late")
            log_at_exit = anchor + shape * gap_log_time
            cumulative = pt.exp(log_at_exit) - gap_late * pt.exp(anchor + shape * gap_log_entry)
            log_at_exit = log_at_exit + log_shape - gap_log_time - log_reference_time
            survival_of_gaps(structure, inputs, found, log_at_exit, cumulative)
    return model
