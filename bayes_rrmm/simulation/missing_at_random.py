"""Half of a covariate missing at random: what is recovered by averaging over it, and what by leaving its patients out.

Every method estimates the log hazard ratios of maintenance, which has the gaps, and of high risk, which has none, in the
cohorts of `deletion`, where both are known: the Weibull model with gaps marginalised, of complete cases, and with a
level for the unknown; Cox of complete cases; and, to compare with, both before anything was deleted.

    python -m bayes_rrmm.simulation.missing_at_random --replicates 200 --out tests/calibration/missing_at_random.csv
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.cohort import Cohort, build_cohort
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import cox
from bayes_rrmm.inference import compile_model
from bayes_rrmm.plan import Plan, make_plan
from bayes_rrmm.simulation.deletion import LOG_HR, LOG_HR_HIGH_RISK, MECHANISMS, SEED, STATED, complete_patients, with_gaps
from bayes_rrmm.simulation.fingerprint import fingerprint
from bayes_rrmm.simulation.known_truth import KnownTruth
from bayes_rrmm.specification import parse_analysis

METHODS = {
    "Bayes, marginalised": "marginalise",
    "Bayes, complete cases": "drop",
    "Bayes, unknown level": "level",
    "Bayes, nothing deleted": "drop",
    "Cox, complete cases": "drop",
    "Cox, nothing deleted": "drop",
}
"""What each method does about gaps."""
TRUTH = {"maintenance": LOG_HR, "high_risk": LOG_HR_HIGH_RISK}
COLUMNS = ["mechanism", "replicate", "method", "term", "log_hr", "lower", "upper", "rows", "events", "missing", "divergences"]

ANALYSIS = """schema = 1
title = "Half of a covariate missing at random"
[endpoint]
name = "PFS2"
time = "months"
event = "event"
unit = "months"
[model]
formula = "maintenance + high_risk"
baseline = "weibull"
missing = "{missing}"
[variables.maintenance]
levels = ["no", "yes"]
[variables.high_risk]
levels = ["no", "yes"]
[priors]
baseline = {{ median_survival = 24, upper95 = 240 }}
maintenance = {{ normal = [0, 2] }}
high_risk = {{ normal = [0, 2] }}
[sampling]
draws = 1000
tune = 500
chains = 2
seed = {seed}
"""
"""Weak priors, so that what differs between methods is what they do about gaps."""


def design() -> dict[str, Any]:
    """Everything that decides what a replicate is, fit for JSON: two runs of one design have the same replicates."""
    whole: dict[str, Any] = json.loads(json.dumps({**STATED, "analysis": ANALYSIS, "methods": list(METHODS)}))
    return whole


def planned(patients: pd.DataFrame, method: str, seed: int = SEED) -> tuple[Plan, Cohort]:
    """The plan of a method on the patients, and its rows."""
    analysis = parse_analysis(ANALYSIS.format(missing=METHODS[method], seed=seed))
    cohort = build_cohort(patients, analysis)
    return make_plan(analysis, cohort), cohort


def replicate(mechanism: str, number: int, cores: int | None = None) -> pd.DataFrame:
    """Every method on one cohort, a row for each of its two hazard ratios: see `COLUMNS`."""
    whole = complete_patients(number)
    seen = with_gaps(whole, mechanism, number)
    missing = float(seen["maintenance"].isna().mean())
    seed = int(np.random.SeedSequence([SEED, number, 3]).generate_state(1)[0])
    rows: list[tuple[Any, ...]] = []

    def add(method: str, cohort: Cohort, found: list[tuple[float, float, float]], divergences: int = 0) -> None:
        for term, numbers in zip(TRUTH, found, strict=True):
            rows.append((mechanism, number, method, term, *numbers, len(cohort), int(cohort.events), missing, divergences))

    for method in METHODS:
        plan, cohort = planned(whole if "nothing deleted" in method else seen, method, seed)
        if method.startswith("Cox"):
            add(method, cohort, _cox(plan, cohort))
            continue
        fit = compile_model(plan, cohort).sample(plan, cohort, cores=cores)
        add(method, cohort, _posterior(fit), int(fit.tree["sample_stats"]["diverging"].sum()))
    return pd.DataFrame(rows, columns=COLUMNS).round(6)


def _columns(plan: Plan) -> list[int]:
    """Positions of the columns of the terms of `TRUTH`, level `yes` against `no`."""
    names = [column.name for column in plan.encoding.columns]
    return [names.index(f"{term}=yes") for term in TRUTH]


def _posterior(fit: Fit) -> list[tuple[float, float, float]]:
    """Posterior mean and equal-tailed 95 % limits of each log hazard ratio."""
    found = []
    for index in _columns(fit.plan):
        draws = fit.draws["beta"][:, index]
        lower, upper = np.quantile(draws, (0.025, 0.975))
        found.append((float(draws.mean()), float(lower), float(upper)))
    return found


def _cox(plan: Plan, cohort: Cohort) -> list[tuple[float, float, float]]:
    """Estimate and Wald limits of each log hazard ratio."""
    names = [column.name for column in plan.encoding.columns]
    model = cox(plan.encoding.design(cohort.covariates), names, cohort.time, cohort.event)
    found = [model.contrast(np.eye(len(names))[index]) for index in _columns(plan)]
    return [(estimate, lower, upper) for estimate, _, lower, upper in found]


def recovery_table(replicates: pd.DataFrame) -> pd.DataFrame:
    """A row a mechanism, term and method, on the log hazard ratio: bias, empirical sd, mean width, coverage of 95 %, and RMSE.

    Each `_mcse` is a Monte Carlo standard error over replicates.
    """
    rows = []
    ordered = replicates.sort_values(["mechanism", "term"], kind="stable")
    for (mechanism, term, method), group in ordered.groupby(["mechanism", "term", "method"], sort=False):
        truth, number = TRUTH[str(term)], len(group)
        error = group["log_hr"] - truth
        share = float(((group["lower"] <= truth) & (group["upper"] >= truth)).mean())
        rows.append(
            {
                "mechanism": mechanism,
                "term": term,
                "method": method,
                "replicates": number,
                "rows": group["rows"].mean(),
                "events": group["events"].mean(),
                "bias": error.mean(),
                "bias_mcse": error.std() / math.sqrt(number),
                "sd": error.std(),
                "width": (group["upper"] - group["lower"]).mean(),
                "coverage": share,
                "coverage_mcse": math.sqrt(share * (1 - share) / number),
                "rmse": math.sqrt((error**2).mean()),
                "with_divergences": int((group["divergences"] > 0).sum()),
            }
        )
    return pd.DataFrame(rows)


def fingerprints() -> dict[str, Any]:
    """The log-density of the models on the first cohort of each mechanism: the results hold for these models."""
    stored = {}
    for mechanism in MECHANISMS:
        seen = with_gaps(complete_patients(1), mechanism, 1)
        for method in list(METHODS)[:3]:
            stored[f"{mechanism}; {method}"] = fingerprint(*planned(seen, method), SEED)
    return stored


def main(arguments: list[str] | None = None) -> int:
    """Run the study: see `known_truth`."""
    return KnownTruth(
        module="bayes_rrmm.simulation.missing_at_random",
        description=__doc__,
        scenario="mechanism",
        scenarios=list(MECHANISMS),
        columns=COLUMNS,
        size=len(METHODS) * len(TRUTH),
        design=design(),
        fingerprints=fingerprints,
        replicate=replicate,
        table=recovery_table,
    ).run(arguments)


if __name__ == "__main__":
    sys.exit(main())
