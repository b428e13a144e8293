"""A factor w on the hazard that the rows of a cluster share: log-normal, sampled, or gamma, averaged over in closed form."""

from __future__ import annotations

from typing import Any

import pymc as pm
import pytensor.tensor as pt

from bayes_rrmm.inference.inputs import Structure
from bayes_rrmm.inference.models.covariates import Inputs, data


def with_lognormal_frailty(structure: Structure, inputs: Inputs, eta: Any) -> Any:
    """eta + u of each row's cluster, u = tau z, z ~ Normal(0, 1), tau ~ HalfNormal; eta itself without such a frailty.

    tau is sampled with a sign, as that of pooled effects is: on `kidney` this has 1.5 to 2 times the effective draws, 3 times in
    the tails.
    There is a z for every cluster the model has room for; those that no row belongs to keep their prior.
    """
    if structure.frailty != "log-normal":
        return eta
    frailty_sd, cluster = data(inputs, "frailty_sd", "cluster_of_row")
    signed_tau = pm.Normal("frailty_signed_tau", 0.0, frailty_sd)
    z = pm.Normal("frailty_z", 0.0, 1.0, dims="cluster")
    return eta + (signed_tau * z)[cluster]


def survival_of_clusters(inputs: Inputs, log_hazard: Any, hazard: Any, before: Any) -> None:
    """Add the clusters' likelihood under gamma frailty, given by row: the log hazards of its events, its cumulative hazard
    while at risk, and that survived before it came under observation, all at w = 1. See `hazards.frailty`."""
    frailty_sd, cluster, events, steps = data(inputs, "frailty_sd", "cluster_of_row", "cluster_events", "rising_steps")
    theta: Any = pm.HalfNormal("theta", frailty_sd)
    rising = pt.cumsum(pt.log1p(theta * steps))[events]

    def of_cluster(values: Any) -> Any:
        return pt.inc_subtensor(pt.zeros(events.shape, dtype="float64")[cluster], values)

    def log_likelihood(events: Any, theta: Any, rising: Any, log_hazard: Any, hazard: Any, before: Any) -> Any:
        at_end = pt.log1p(theta * (before + hazard))
        return log_hazard + rising - (1.0 / theta + events) * at_end + pt.log1p(theta * before) / theta

    parts = (of_cluster(values) for values in (log_hazard, hazard, before))
    pm.CustomDist("survival", theta, rising, *parts, logp=log_likelihood, observed=events)
