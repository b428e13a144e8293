"""A group of nine with a known hazard ratio: what Cox, Firth and Bayes, unpooled and pooled, say of it.

Every method estimates the log hazard ratio of the nine against the reference in the cohorts of `cohorts_of_nine`, regimen
being the only covariate: Cox (Efron's ties, Wald limits), Firth's Cox (Efron's ties, profile limits), and the Weibull model
with Normal(0, 1) on each log hazard ratio, or with pooled regimens and tau ~ HalfNormal(0.5); of these the posterior median
and the equal-tailed limits. Beside what each does stands what a normal approximation expects of it.

    python -m bayes_rrmm.simulation.group_of_nine --replicates 200 --out tests/calibration/group_of_nine.csv
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.cohort import Cohort, build_cohort
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import cox, firth_cox
from bayes_rrmm.inference import compile_model
from bayes_rrmm.model_checks import diagnose
from bayes_rrmm.plan import Plan, make_plan
from bayes_rrmm.reading import estimate
from bayes_rrmm.simulation.cohorts_of_nine import GROUP, PATIENTS, REFERENCE, SEED, STATED, TRUTHS, cohort_with
from bayes_rrmm.simulation.fingerprint import fingerprint
from bayes_rrmm.simulation.known_truth import KnownTruth
from bayes_rrmm.simulation.recovery import sampler_verdict
from bayes_rrmm.simulation.table_of_nine import COLUMNS, COX, FIRTH, POOLED, PRIOR_SD, TAU_SD, UNPOOLED, table_of_nine
from bayes_rrmm.specification import parse_analysis

STATEMENTS = {
    UNPOOLED: ("", f"regimen = {{ normal = [0, {PRIOR_SD:g}] }}"),
    POOLED: ('effects = { regimen = "pooled" }', f"tau = {{ regimen = {{ half_normal = {TAU_SD:g} }} }}"),
}
"""What an analysis says of the regimens: in its model, and in its priors."""

ANALYSIS = """schema = 1
title = "A group of nine"
[endpoint]
name = "PFS2"
time = "months"
event = "event"
unit = "months"
[model]
formula = "regimen"
baseline = "weibull"
{model}
[variables.regimen]
levels = {levels}
reference = "{reference}"
[priors]
baseline = {{ median_survival = 24, upper95 = 240 }}
log_shape = {{ normal = [0, 0.5] }}
{prior}
[sampling]
draws = 1000
tune = 1000
chains = 4
seed = {seed}
"""


ANSWER = ("log_hr", "error", "lower", "upper")


def analysis_text(method: str) -> str:
    """The analysis of a Bayesian method; the seed of its draws is each replicate's own."""
    model, prior = STATEMENTS[method]
    return ANALYSIS.format(model=model, prior=prior, levels=json.dumps(list(PATIENTS)), reference=REFERENCE, seed=SEED)


def design() -> dict[str, Any]:
    """Everything that decides what a replicate is, fit for JSON: two runs of one design have the same replicates."""
    whole: dict[str, Any] = json.loads(json.dumps({**STATED, "analyses": {name: analysis_text(name) for name in STATEMENTS}}))
    return whole


def planned(method: str, patients: pd.DataFrame) -> tuple[Plan, Cohort]:
    """The plan of a Bayesian method on the patients, and their cohort."""
    analysis = parse_analysis(analysis_text(method))
    cohort = build_cohort(patients, analysis)
    return make_plan(analysis, cohort), cohort


def replicate(truth: float, number: int, cores: int | None = None) -> pd.DataFrame:
    """Every method on one cohort, a row each: see `COLUMNS`."""
    patients = cohort_with(truth, number)
    events = {"events": int(patients["event"].sum()), "group_events": int(patients["event"][patients["regimen"] == GROUP].sum())}
    rows: list[dict[str, Any]] = [{"method": COX, **cox_answer(patients)}, {"method": FIRTH, **firth_answer(patients)}]
    for position, method in enumerate(STATEMENTS, start=1):
        plan, cohort = planned(method, patients)
        seed = int(np.random.SeedSequence([SEED, number, position]).generate_state(1)[0])
        fit = compile_model(plan, cohort).sample(plan, cohort, seed=seed, cores=cores)
        rows.append({"method": method, **posterior_answer(fit)})
    return pd.DataFrame([{"truth": truth, "replicate": number, **row, **events} for row in rows], columns=COLUMNS).round(6)


def cox_answer(patients: pd.DataFrame) -> dict[str, float]:
    """Cox's estimate, standard error and Wald limits of the log hazard ratio; infinite where it has none."""
    columns, names, axis = _regimens(patients)
    answer = cox(columns, names, patients["months"], patients["event"]).contrast(axis)
    return dict(zip(ANSWER, answer, strict=True))


def firth_answer(patients: pd.DataFrame) -> dict[str, float]:
    """Firth's estimate, standard error and profile limits of the log hazard ratio."""
    columns, names, axis = _regimens(patients)
    found = firth_cox(columns, names, patients["months"], patients["event"], ties="efron").contrast(axis)
    return dict(zip(ANSWER, (found.estimate, found.error, found.lower, found.upper), strict=True))


def _regimens(patients: pd.DataFrame) -> tuple[Floats, list[str], Floats]:
    """An indicator for each regimen but the reference, their names, and the contrast that is the nine's."""
    names = [name for name in PATIENTS if name != REFERENCE]
    columns = np.column_stack([patients["regimen"] == name for name in names]).astype(np.float64)
    return columns, names, np.eye(len(names))[names.index(GROUP)]


def posterior_answer(fit: Fit) -> dict[str, float]:
    """Posterior median, sd and limits of the log hazard ratio, the median of tau where it is learnt, and how sampling went."""
    asked = HazardRatio("regimen", GROUP, versus=REFERENCE)
    ratio = estimate(fit, asked)
    log_hr = np.log(ratio.draws.to_numpy().ravel())
    median, lower, upper = np.quantile(log_hr, (0.5, 0.025, 0.975))
    tau = float(np.median(fit.draws["tau"])) if "tau" in fit.draws else math.nan
    verdict = sampler_verdict(fit, diagnose(fit, [(asked, ratio)]))
    return {"log_hr": median, "error": log_hr.std(ddof=1), "lower": lower, "upper": upper, "tau": tau, **verdict}


def fingerprints() -> dict[str, Any]:
    """The log-density of each model on the first cohort of each truth: the results hold for these models."""
    cohorts = {truth: cohort_with(truth, 1) for truth in TRUTHS}
    return {
        f"{truth:g}; {method}": fingerprint(*planned(method, rows), SEED)
        for truth, rows in cohorts.items()
        for method in STATEMENTS
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the study: see `known_truth`."""
    return KnownTruth(
        module="bayes_rrmm.simulation.group_of_nine",
        description=__doc__,
        scenario="truth",
        scenarios=TRUTHS,
        columns=COLUMNS,
        size=len(STATEMENTS) + 2,
        design=design(),
        fingerprints=fingerprints,
        replicate=replicate,
        table=table_of_nine,
    ).run(arguments)


if __name__ == "__main__":
    sys.exit(main())
