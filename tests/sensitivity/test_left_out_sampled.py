"""Leave-one-out by reweighting against refits, sampled: they agree where Pareto k is low, and a high k is refitted."""

from __future__ import annotations

import math
from pathlib import Path

import fits
import numpy as np
import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.diagnostics.leave_one_out import TOO_HIGH
from bayes_rrmm.fitted import Fit
from bayes_rrmm.inference import compile_model
from bayes_rrmm.sensitivity.patients import Patient, patients_of, without
from bayes_rrmm.sensitivity.refits import Refitted, read_off
from bayes_rrmm.sensitivity.reweighted import Reweighted, without_each

pytestmark = pytest.mark.full

DATA = Path(__file__).parents[1] / "reference" / "data"


def fitted(frame: pd.DataFrame, sd: float = 1.0) -> tuple[Cohort, Fit]:
    """The Weibull model of the molecular groups, log HR ~ Normal(0, sd)."""
    cohort, plan = fits.cohort_and_plan(frame, "molecular_group", rest=f"[priors]\nmolecular_group = {{ normal = [0, {sd}] }}")
    return cohort, compile_model(plan, cohort).sample(plan, cohort)


def both_ways(cohort: Cohort, fit: Fit, people: list[Patient], asked: br.HazardRatio) -> list[tuple[Reweighted, Refitted]]:
    """Each patient left out by reweighting and by a refit with another seed, so that their Monte Carlo errors are their own."""
    log_hr = np.log(br.estimate(fit, asked).draws.transpose("chain", "draw").to_numpy().ravel())
    whole = read_off("everyone", fit, asked)
    found = []
    weighted = without_each(fit, cohort, people, log_hr, 0.95, min(1.0, whole.ess_bulk / len(log_hr)))
    for person, reweighted in zip(people, weighted, strict=True):
        rows = without(cohort, person)
        again = compile_model(fit.plan, rows).sample(fit.plan, rows, seed=10_000 + person.rows[0], draws_only=True)
        found.append((reweighted, read_off(person.label, again, asked)))
    return found


def test_low_k_agrees_with_a_refit() -> None:
    """Sixty patients of myeloma_gep, every one of the smallest group and 38 others: P(HR < 1) within 4 combined Monte
    Carlo errors, the median too (its error is 1.25 times the mean's), and each k below 0.7."""
    frame = pd.read_csv(DATA / "myeloma_gep.csv")
    cohort, fit = fitted(frame)
    asked = br.HazardRatio("molecular_group", "Low bone disease", versus="Cyclin D-1")
    inside = (cohort.covariates["molecular_group"] == "Cyclin D-1").to_numpy()
    people = [*patients_of(cohort, inside), *patients_of(cohort, ~inside)[::6][:38]]
    assert len(people) == 60
    whole = read_off("everyone", fit, asked)
    for by_weight, by_refit in both_ways(cohort, fit, people, asked):
        assert by_weight.pareto_k < TOO_HIGH
        assert by_refit.passed, by_refit.failed
        error = 1.2533 * by_refit.log_sd * math.sqrt(1 / by_refit.ess_bulk + 1 / whole.ess_bulk)
        assert abs(math.log(by_weight.hr / by_refit.hr)) < 4 * error, by_refit.name
        assert abs(by_weight.p_below_1 - by_refit.p_below_1) < 4 * math.hypot(by_refit.p_error, whole.p_error), by_refit.name


def test_high_k_is_refitted() -> None:
    """A level of one patient, with an event, under a prior of sd 10: without that patient nothing is known of the level, draws made
    with the patient cannot say so, k is above 0.7, and the dossier of another group has this patient by refit."""
    tiny = pd.read_csv(DATA / "myeloma_gep_tiny.csv")
    maf = tiny["molecular_group"] == "MAF"
    lone = tiny[maf & (tiny["event"] == 1)].iloc[:1]
    cohort, fit = fitted(pd.concat([tiny[~maf], lone], ignore_index=True), sd=10.0)
    row = len(cohort)
    dossier = br.small_group(fit, cohort, "Low bone disease", scales=(0.5, 1.0), centres=(0.5, 1.0), baselines=(), landmarks=())
    left_out = dossier.left_out.set_index("patient")
    outside = left_out[~left_out["in_group"]]
    assert outside.index[outside["method"] == "refit"].tolist() == [f"row {row}"]
    assert outside.loc[f"row {row}", "pareto_k"] > TOO_HIGH
    assert (outside.drop(f"row {row}")["pareto_k"] < TOO_HIGH).all()

    asked = br.HazardRatio("molecular_group", "MAF")
    ((by_weight, by_refit),) = both_ways(cohort, fit, [patients_of(cohort)[-1]], asked)
    assert by_refit.log_sd == pytest.approx(10.0, rel=0.1)  # the prior's
    assert by_weight.pareto_k > TOO_HIGH
    assert math.log(by_weight.upper / by_weight.lower) < 0.5 * math.log(by_refit.upper / by_refit.lower)
