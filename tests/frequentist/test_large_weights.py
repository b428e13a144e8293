"""Frequency weights are never expanded: a weight of a billion costs what a weight of one does, and counts as that many rows."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fits import cohort_and_plan, laplace_fit

import bayes_rrmm as br
from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist import cox, cox_baseline, firth_cox, permutation_log_rank
from bayes_rrmm.frequentist.deaths import Deaths, PartialLikelihood
from bayes_rrmm.frequentist.risk_sets import null_log_likelihood, risk_sets
from bayes_rrmm.frequentist.rows import as_rows
from bayes_rrmm.model_checks.pit import pit

RNG = np.random.default_rng(7)
ROWS = 40
TIME, EVENT = np.ceil(RNG.exponential(12.0, ROWS)), (RNG.random(ROWS) < 0.7).astype(float)
DESIGN = np.column_stack([RNG.random(ROWS) < 0.5, RNG.normal(0.0, 1.0, ROWS)]).astype(float)
NAMES = ["group", "age"]


@pytest.mark.parametrize("weight", [3.0, 700.0, 40_000.0])
def test_gathered_deaths_say_what_each_says(weight: float) -> None:
    """Value, score and information of Efron's likelihood with deaths gathered in blocks are those with every death a step."""
    weights = np.full(ROWS, weight)
    sets = risk_sets(as_rows(TIME, EVENT, None, weights))
    gathered = Deaths.of(sets, "efron")
    counts = np.round(sets.deaths).astype(int)
    gone = np.concatenate([np.arange(count) / count for count in counts])
    each = Deaths(sets, np.repeat(np.arange(sets.size), counts), gone, np.ones(len(gone)))
    assert np.bincount(gathered.time, weights=gathered.count) == pytest.approx(sets.deaths, rel=1e-12)
    columns = DESIGN[sets.row]
    one, other = (PartialLikelihood(columns, deaths)(np.array([0.4, -0.3])) for deaths in (gathered, each))
    assert one[0] == pytest.approx(other[0], rel=1e-8)
    np.testing.assert_allclose(one[1], other[1], atol=1e-7 * weights.sum())
    np.testing.assert_allclose(one[2], other[2], rtol=1e-7)
    assert PartialLikelihood(columns, gathered)(np.zeros(2))[0] == pytest.approx(null_log_likelihood(sets, "efron"), rel=1e-8)


def test_cox_of_large_weights_is_that_of_rows() -> None:
    """With weights that make more rows than lifelines is given, coefficients, errors, likelihood and baseline are those of the rows
    repeated, which know no weights."""
    often = 4_000
    weights = np.full(ROWS, float(often))
    gathered = cox(DESIGN, NAMES, TIME, EVENT, weight=weights)
    copies = np.repeat(np.arange(ROWS), often)
    repeated = cox(DESIGN[copies], NAMES, TIME[copies], EVENT[copies])
    np.testing.assert_allclose(gathered.coefficients, repeated.coefficients, atol=1e-7)
    np.testing.assert_allclose(gathered.covariance, repeated.covariance, rtol=1e-5)
    assert gathered.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-9)
    baselines = [
        cox_baseline(gathered, DESIGN, TIME, EVENT, weight=weights),
        cox_baseline(repeated, DESIGN[copies], TIME[copies], EVENT[copies]),
    ]
    np.testing.assert_allclose(baselines[0].hazard, baselines[1].hazard, rtol=1e-6)
    np.testing.assert_allclose(baselines[0].variance, baselines[1].variance, rtol=1e-4)
    firth = firth_cox(DESIGN, NAMES, TIME, EVENT, weight=weights, ties="efron")
    np.testing.assert_allclose(firth.coefficients, repeated.coefficients, atol=1e-3)


def test_a_billion_patients_a_row_fit_in_memory(tmp_path: Path) -> None:
    """Readings, crosscheck and Table 1 of forty rows of a billion patients take some megabytes; what must hold patients one by one
    says its limit before it starts."""
    frame = pd.DataFrame({"time": TIME, "event": EVENT.astype(int), "age": DESIGN[:, 1], "n": 1_000_000_000})
    frame["group"] = np.where(DESIGN[:, 0] > 0, "a", "b")
    tracemalloc.start()
    cohort, plan = cohort_and_plan(frame, "group + age", endpoint='weight = "n"')
    fit = laplace_fit(plan, cohort, size=40)
    table = br.compare_with_frequentist(fit, cohort).table
    br.tables.baseline(fit).save(tmp_path / "table1.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300e6
    ratio = table[(table["estimand"] == "hazard-ratio") & (table["group"] == "b") & table["adjusted"]].iloc[0]
    assert ratio["frequentist"] == pytest.approx(ratio["bayes"], rel=0.2)
    written = (tmp_path / "table1.csv").read_text(encoding="utf-8")
    assert "40000000000" in written.replace(",", "").replace(" ", "")
    with pytest.raises(DataError, match="for small groups, up to 100,000 patients"):
        permutation_log_rank(cohort.time, cohort.event, frame["group"], weight=cohort.weight)
    with pytest.raises(DataError, match="the weights stand for 40,000,000,000 patients"):
        pit(fit)
