"""Our Cox, parametric and frailty models in the shape of R's result files, for the table of every reference number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from r_results import FOLDER, Study
from reference_curves import chi_squared
from scipy import special

from bayes_rrmm.frequentist import Cox, Parametric, cox, cox_baseline, parametric, schoenfeld_test, shared_frailty
from bayes_rrmm.frequentist.deaths import Deaths, PartialLikelihood
from bayes_rrmm.frequentist.risk_sets import risk_sets
from bayes_rrmm.frequentist.rows import as_rows
from bayes_rrmm.hazards.collapse import by_interval


def cox_of(data: Study, ties: Any) -> dict[str, Any]:
    """cox_efron or cox_breslow: estimates, tests, baseline hazard and, by Efron, Schoenfeld tests."""
    fit = cox(data.design, data.names, *data.endpoint(), ties=ties)
    r = data.r[f"cox_{ties}"]
    rows = [fit.contrast(axis) for axis in np.eye(len(fit.names))]
    z = np.array([estimate / error for estimate, error, _, _ in rows])
    return {
        "n": fit.rows,
        "events": fit.events,
        "coef": fit.coefficients,
        "se": [row[1] for row in rows],
        "hr": np.exp(fit.coefficients),
        "hr_lower": np.exp([row[2] for row in rows]),
        "hr_upper": np.exp([row[3] for row in rows]),
        "z": z,
        "p": 2 * special.ndtr(-np.abs(z)),
        "vcov": fit.covariance,
        "loglik": fit.log_likelihood,
        "loglik_null": fit.null_log_likelihood,
        **_three_tests(data, fit),
        **_baselines(data, fit, r),
        **({"zph": {name: _schoenfeld(data, name, r["zph"][name]) for name in r["zph"]}} if "zph" in r else {}),
    }


def _three_tests(data: Study, fit: Cox) -> dict[str, Any]:
    """Likelihood ratio, Wald and score test of all coefficients; convention "two decimals": R's summary rounds Wald's."""
    sets = risk_sets(as_rows(*data.endpoint()))
    likelihood = PartialLikelihood(data.design[sets.row], Deaths.of(sets, fit.ties))
    _, gradient, information = likelihood(np.zeros(len(fit.names)))
    wald = float(fit.coefficients @ np.linalg.solve(fit.covariance, fit.coefficients))
    statistics = {
        "lr_test": 2 * (fit.log_likelihood - fit.null_log_likelihood),
        "wald_test": wald,
        "score_test": float(gradient @ np.linalg.solve(information, gradient)),
    }
    freedom = len(fit.names)
    found = {name: {"test": value, "df": freedom, "pvalue": chi_squared(value, freedom)} for name, value in statistics.items()}
    found["wald_test"]["test"] = round(wald, 2)
    return found


def _baselines(data: Study, fit: Cox, r: dict[str, Any]) -> dict[str, Any]:
    baseline = cox_baseline(fit, data.design, *data.endpoint())
    times = r["basehaz_x0"]["time"]
    hazard = baseline.cumulative_at(times)
    at_mean = math.exp(float(np.dot(r["means_used_for_centering"], fit.coefficients)))
    return {
        "basehaz_x0": {"time": times, "cumhaz": hazard},
        "basehaz_xmean": {"time": times, "cumhaz": hazard * at_mean},
    }


def _schoenfeld(data: Study, transform: Any, r: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for names in dict.fromkeys(tuple(r[key]["name"]) for key in r):
        terms = {name: [column for column in data.names if column.startswith(name)] for name in names[:-1]}
        tests = schoenfeld_test(data.design, data.names, *data.endpoint(), terms=terms, transform=transform)
        rows = [*tests.by_term, tests.overall]
        answer = {
            "chisq": [row.statistic for row in rows],
            "df": [row.degrees_of_freedom for row in rows],
            "p": [row.p for row in rows],
        }
        found |= {key: answer for key in r if tuple(r[key]["name"]) == names}
    return found


def parametric_of(data: Study) -> dict[str, Any]:
    """weibull: every fit of R's on the hazard scale, survreg's own parameters included."""
    found: dict[str, Any] = {"xbar": dict(zip(data.names, data.design.mean(axis=0), strict=True))}
    for key, r in data.r["weibull"].items():
        if "est" in r:
            family: Any = "weibull" if key.startswith("weibull") else "exponential"
            rows = data.time, data.event, None if key.endswith("ignoring_entry") else data.entry
            fit = parametric(family, data.design, data.names, *rows)
            zero = parametric(family, data.design, data.names, *rows, centre=np.zeros(len(data.names)))
            found[key] = {name: value for name, value in _estimates(fit, zero).items() if name in r}
    return found


def _estimates(fit: Parametric, zero: Parametric) -> dict[str, Any]:
    """A fit in R's order (log rate, coefficients, log shape), and in survreg's parameters."""
    size = len(fit.names)
    order = [size, *range(size), *range(size + 1, size + len(fit.baseline))]
    covariance = fit.covariance[np.ix_(order, order)]
    log_shape, shape_error = fit.parameter("log_shape")[:2] if fit.family == "weibull" else (0.0, 0.0)
    shape = math.exp(log_shape)
    return {
        "est": np.concatenate([fit.coefficients, fit.baseline])[order],
        "se": np.sqrt(np.diag(covariance)),
        "vcov": covariance,
        "loglik": fit.log_likelihood,
        "aic": fit.aic,
        "hr": np.exp(fit.coefficients),
        "shape": shape,
        "shape_se": shape * shape_error,
        "log_scale": -fit.baseline[0] / shape,
        "aft_scale": 1 / shape,
        "aft_coef": np.append(-fit.baseline[0], -fit.coefficients) / shape,
        "b0_uncentred": zero.baseline[0],
        "b0_uncentred_se": zero.parameter("log_rate")[1],
    }


def piecewise_of(data: Study) -> dict[str, Any]:
    """pe: the Poisson glm on split person-time, with its own log-likelihood and the constant between the two."""
    r = data.r["pe"]
    cuts = np.array(r["cuts"], dtype=float)
    fit = parametric("piecewise", data.design, data.names, *data.endpoint(), cuts=cuts)
    zero = parametric("piecewise", data.design, data.names, *data.endpoint(), cuts=cuts, centre=np.zeros(len(data.names)))
    entry = np.zeros(len(data.time)) if data.entry is None else data.entry
    one_each = np.arange(len(data.time), dtype=float)[:, None]
    table = by_interval(one_each, cuts, data.time, data.event, entry, np.ones(len(data.time)))
    size, intervals = len(fit.names), len(fit.baseline)
    order = [*range(size, size + intervals), *range(size)]
    constant = float(np.sum(np.log(table.exposure[table.events > 0])))
    return {
        "cuts": cuts,
        "events_by_interval": table.events.sum(axis=0),
        "person_time": table.exposure.sum(axis=0),
        "xbar": dict(zip(fit.names, fit.centre, strict=True)),
        "log_hazard": fit.baseline,
        "log_hazard_se": [fit.parameter(name)[1] for name in fit.baseline_names],
        "log_hazard_uncentred": zero.baseline,
        "coef": fit.coefficients,
        "se": [fit.contrast(axis)[1] for axis in np.eye(size)],
        "hr": np.exp(fit.coefficients),
        "vcov": fit.covariance[np.ix_(order, order)],
        "loglik_survival": fit.log_likelihood,
        "loglik_survival_check": fit.log_likelihood,
        "loglik_poisson": fit.log_likelihood + constant,
        "loglik_poisson_R": fit.log_likelihood + constant,
        "constant": constant,
        "n_split_rows": int(np.sum(table.exposure > 0)),
    }


def frailty_of(data: Study) -> dict[str, Any]:
    """frailty of the kidney data: gamma and gaussian with R's diagonal information, and Cox with clusters."""
    patient = pd.read_csv(FOLDER / "data" / "kidney.csv")["patient"]
    found: dict[str, Any] = {}
    for distribution in ("gamma", "gaussian"):
        fit = shared_frailty(
            data.design, data.names, data.time, data.event, patient, distribution=distribution, information="diagonal"
        )
        found[distribution] = {
            "coef": fit.cox.coefficients,
            "se": np.sqrt(np.diag(fit.cox.covariance)),
            "variance_of_random_effect": fit.variance,
            "loglik": [fit.cox.null_log_likelihood, fit.cox.log_likelihood],
        }
    found["gamma"]["c_loglik"] = fit.log_likelihood_without
    robust = cox(data.design, data.names, data.time, data.event, cluster=patient)
    return found | {"robust_cluster_se_of_cox_efron": np.sqrt(np.diag(robust.covariance))}
