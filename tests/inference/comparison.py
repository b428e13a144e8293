"""Draws against a reference, by the standard of STATISTICS, section 9: a row a comparison, never a tolerance widened."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from reference_runs import Run, as_list, hazard_ratio_draws, loo_as_referred, parameter_draws, parameter_name, profile_draws

import bayes_rrmm as br

MONTE_CARLO_ERRORS = 4.0
SD_SHARE = 0.05
ELPD = 0.5
PARETO_K = 0.7


@dataclass(frozen=True)
class Row:
    """One comparison. `difference` is in combined Monte Carlo standard errors (elpd: in nats)."""

    run: str
    source: str
    quantity: str
    statistic: str
    ours: float
    reference: float
    difference: float
    sd_ratio: float
    passed: bool


def compare(run: Run, fit: br.Fit) -> pd.DataFrame:
    """Every quantity of the run's reference, and of quadrature where there is one, against the draws of `fit`."""
    parameters, profiles = parameter_draws(fit), profile_draws(run, fit)
    rows = _against_stan(run, parameters, hazard_ratio_draws(run, fit), profiles)
    if run.exact is not None:
        rows += _against_quadrature(run, parameters, profiles)
    if run.pointwise is not None:
        rows += _elpd(run, loo_as_referred(run, fit))
    return pd.DataFrame(rows)


def _against_stan(
    run: Run,
    parameters: dict[str, np.ndarray],
    ratios: dict[str, np.ndarray],
    profiles: dict[str, dict[str, np.ndarray]],
) -> list[Row]:
    rows = []
    for name, reference in run.reference["parameters"].items():
        ours = parameter_name(run, name)
        draws = np.exp(parameters["log_shape"]) if ours is None else parameters[ours]
        rows.append(_moments(run, "stan", ours or name, draws, reference))
    for name, reference in run.reference.get("hazard_ratios", {}).items():
        rows.append(_moments(run, "stan", f"hazard_ratio[{name}]", ratios[name], reference))
    for profile, reference in run.reference["derived"]["profiles"].items():
        draws = profiles[profile]
        for what, values in reference.items():
            if what == "S":
                rows += [_moments(run, "stan", f"S({t[2:]})[{profile}]", draws[f"S({t[2:]})"], at) for t, at in values.items()]
            elif what == "median":
                rows += _quantiles(run, "stan", f"median[{profile}]", draws["median"], values)
            else:
                rows.append(_moments(run, "stan", f"{what}[{profile}]", draws[what], values))
    return rows


def _against_quadrature(run: Run, parameters: dict[str, np.ndarray], profiles: dict[str, dict[str, np.ndarray]]) -> list[Row]:
    assert run.exact is not None
    rows = []
    for name, reference in run.exact["parameters"].items():
        ours = parameter_name(run, name)
        draws = np.exp(parameters["log_shape"]) if ours is None else parameters[ours]
        rows.append(_moments(run, "quadrature", ours or name, draws, reference))
        rows += _quantiles(run, "quadrature", ours or name, draws, reference)
    for profile, means in run.exact.get("derived", {}).items():
        draws = profiles[profile]
        wanted = {"median": means["median_mean"], "rmst": means["rmst_mean"]}
        wanted |= {f"S({t[2:]})": mean for t, mean in means["S_mean"].items()}
        rows += [_moments(run, "quadrature", f"{what}[{profile}]", draws[what], {"mean": mean}) for what, mean in wanted.items()]
    return rows


def _moments(run: Run, source: str, quantity: str, draws: np.ndarray, reference: dict[str, float]) -> Row:
    """The mean within 4 combined MCSE; the sd, where given, within 5 % or 4 combined MCSE of the sd.

    Quadrature has no MCSE. Stan's hazard ratios lack that of the sd: it is ours, made larger or smaller as that of the mean is.
    """
    own = float(array_stats.mcse(draws))
    error = math.hypot(own, reference.get("mcse_mean", 0.0))
    difference = (float(draws.mean()) - reference["mean"]) / error
    passed, ratio = abs(difference) <= MONTE_CARLO_ERRORS, math.nan
    if "sd" in reference:
        sd = float(draws.std(ddof=1))
        own_of_sd = float(array_stats.mcse(draws, method="sd"))
        theirs = reference.get("mcse_sd", own_of_sd * reference.get("mcse_mean", 0.0) / own)
        error_of_sd = math.hypot(own_of_sd, theirs)
        allowed = max(SD_SHARE * reference["sd"], MONTE_CARLO_ERRORS * error_of_sd)
        passed, ratio = passed and abs(sd - reference["sd"]) <= allowed, sd / reference["sd"]
    return Row(run.name, source, quantity, "mean", float(draws.mean()), reference["mean"], difference, ratio, passed)


def _quantiles(run: Run, source: str, quantity: str, draws: np.ndarray, reference: dict[str, float]) -> list[Row]:
    """Each quantile within 4 combined MCSE, where the reference is exact or gives its own."""
    rows = []
    for name in ("q2.5", "q25", "q50", "q75", "q97.5"):
        if name not in reference or (source == "stan" and f"mcse_{name}" not in reference):
            continue
        probability = float(name[1:]) / 100
        ours = float(np.quantile(draws, probability))
        own = float(array_stats.mcse(draws, method="quantile", prob=probability))
        difference = (ours - reference[name]) / math.hypot(own, reference.get(f"mcse_{name}", 0.0))
        passed = abs(difference) <= MONTE_CARLO_ERRORS
        rows.append(Row(run.name, source, quantity, name, ours, reference[name], difference, math.nan, passed))
    return rows


def _elpd(run: Run, ours: Any) -> list[Row]:
    """elpd of the rows whose Pareto k is at most 0.7 on both sides, within 0.5."""
    assert run.pointwise is not None
    keep = (ours.pareto_k <= PARETO_K) & (run.pointwise["pareto_k"].to_numpy() <= PARETO_K)
    references = {"stan": run.pointwise["elpd_loo"].to_numpy()}
    if run.exact is not None:
        references["quadrature"] = np.array(as_list(run.exact["elpd_loo_pointwise"]))
    rows = []
    for source, reference in references.items():
        mine, theirs = float(ours.elpd_i[keep].sum()), float(reference[keep].sum())
        quantity = f"elpd_loo of {int(keep.sum())} of {len(keep)} rows"
        rows.append(Row(run.name, source, quantity, "elpd", mine, theirs, mine - theirs, math.nan, abs(mine - theirs) <= ELPD))
    return rows
