"""Posteriors against long Stan runs and quadrature, through the public functions. Standard: STATISTICS, section 9."""

from __future__ import annotations

import pandas as pd
import pytest
from comparison import compare
from reference_runs import Run

import bayes_rrmm as br

GATE = (
    "gehan__weibull_A_b1",
    "gehan__weibull_A_b2.5",
    "gehan__weibull_B_b1",
    "gehan__weibull_B_b2.5",
    "myeloma_mayo__weibull_A_b1",
    "myeloma_gep__weibull_A_b1",
    "myeloma_gep__weibull_A_b2.5",
    "myeloma_gep__weibull_B_b1",
    "myeloma_gep__weibull_hier",
)
"""Three structures to compile: runs of one structure stand together and share it."""

FULL = (
    "gehan__pe_iid_b1",
    "gehan__pe_rw1_b1",
    "myeloma_gep__pe_rw1_hier",
    "myeloma_gep__pe_iid_b1",
    "myeloma_gep__pe_rw1_b1",
    "myeloma_gep__pe_iid_hier",
    "myeloma_gep_tiny__weibull_A_b1",
    "myeloma_gep_tiny__weibull_A_b2.5",
    "myeloma_gep_tiny__weibull_hier",
    "myeloma_gep_tiny__pe_iid_b1",
    "myeloma_gep_zero__weibull_A_b1",
    "myeloma_gep_zero__weibull_A_b2.5",
    "myeloma_gep_zero__weibull_hier",
    "myeloma_gep_zero__pe_iid_b1",
    "kidney__weibull_A_b1",
    "kidney__weibull_A_b2.5",
    "kidney__weibull_B_b1",
    "kidney__pe_iid_b1",
    "kidney__pe_rw1_b1",
    "kidney__weibull_gammafrailty",
    "kidney__weibull_lnfrailty",
    "kidney__pe_iid_lnfrailty",
)
RUNS = [*GATE, *(pytest.param(name, marks=pytest.mark.full) for name in FULL)]


@pytest.mark.parametrize("name", RUNS)
def test_every_quantity_is_the_reference_one(name: str, results: list[pd.DataFrame]) -> None:
    """Every parameter, hazard ratio, median, RMST, survival probability and the elpd of a run agree with its reference."""
    run = Run(name)
    fit = br.fit(run.analysis(), run.cohort())
    table = compare(run, fit)
    results.append(table.assign(draws=fit.shape[0] * fit.shape[1]))
    assert int(fit.tree["sample_stats"]["diverging"].sum()) == 0
    assert table["passed"].all(), table[~table["passed"]].to_string()
