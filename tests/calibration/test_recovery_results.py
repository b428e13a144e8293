"""The committed recovery studies: of the model as it is now, complete, and inside their band.

Each was made by the command in its .json, from the root of the checkout; remove a study's .csv and .json to make it again.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.analysis import plan_of
from bayes_rrmm.simulation.coverage import binomial_band, coverage_table
from bayes_rrmm.simulation.files import identity
from bayes_rrmm.simulation.fingerprint import changes
from bayes_rrmm.simulation.recovery import Study, draw_truths, plan_study, read_truths

FOLDER = Path(__file__).parent
REPLICATES = {
    "recovery_weibull": 1000,
    "recovery_piecewise": 1000,
    "recovery_pooled": 300,
    "recovery_cells": 200,
    "recovery_horseshoe": 200,
    "recovery_landmark": 200,
    "recovery_delayed": 200,
    "recovery_gamma_frailty": 200,
    "recovery_lognormal_frailty": 200,
    "recovery_gaps": 200,
}
"""The committed studies, and how many truths each has."""

LATE = ("landmark", "delayed", "gamma_frailty", "lognormal_frailty", "gaps")
"""Those whose rows have entries, centres and gaps: `design_late.csv`."""


@dataclass(frozen=True)
class Committed:
    """A committed study by its name."""

    name: str

    @property
    def replicates(self) -> int:
        return REPLICATES[self.name]

    @cached_property
    def table(self) -> pd.DataFrame:
        return pd.read_csv(FOLDER / f"{self.name}.csv")

    @cached_property
    def provenance(self) -> dict[str, Any]:
        return json.loads((FOLDER / f"{self.name}.json").read_text(encoding="utf-8"))

    @cached_property
    def study(self) -> Study:
        """The study as the package plans it now."""
        analysis = br.load_analysis(FOLDER / f"{self.name}.toml")
        late = self.name.removeprefix("recovery_") in LATE
        cohort = br.read_cohort(FOLDER / ("design_late.csv" if late else "design.csv"), analysis)
        return plan_study(plan_of(analysis, cohort), cohort, seed=self.provenance["seed"])


@pytest.fixture(scope="module", params=list(REPLICATES))
def committed(request: pytest.FixtureRequest) -> Committed:
    return Committed(request.param)


def test_the_model_is_the_one_that_was_studied(committed: Committed) -> None:
    """The log-density at the stored points is what it was, to 1e-10, and so are analysis, rows, seed and sampling."""
    stored = committed.provenance
    assert len(stored["fingerprint"]["log_density"]) == 20
    remedy = f"the model has changed since {committed.name} was made; make it again: {stored['command']}"
    assert changes(stored["fingerprint"], committed.study.plan, committed.study.cohort) == [], remedy
    assert stored["study"] == identity(committed.study), remedy


def test_every_quantity_was_studied_in_every_replicate(committed: Committed) -> None:
    """The table has every hazard ratio, median and RMST that the analysis asks for, each from all replicates."""
    asked = read_truths(committed.study, draw_truths(committed.study, [1]), committed.study.cohort)
    assert committed.table["quantity"].tolist() == list(asked)
    assert {name.split("[")[0] for name in asked} == {"hazard-ratio", "median", "rmst"}
    assert (committed.table["replicates"] == committed.replicates).all()
    assert committed.provenance["replicates"]["replicates"] == committed.replicates


def test_coverages_lie_inside_the_simultaneous_band(committed: Committed) -> None:
    """Each count of intervals that hold their truth lies inside the 99 % band recomputed here, and ranks are uniform."""
    table = committed.table
    least, greatest = binomial_band(committed.replicates, 0.95, len(table))
    assert table["covered"].between(least, greatest).all()
    assert table["coverage"].to_list() == pytest.approx((table["covered"] / committed.replicates).to_list(), abs=1e-6)
    assert table["within"].all()
    assert table["rank_p"].min() > 0.01 / len(table)


def test_hardly_a_fit_diverged(committed: Committed) -> None:
    """At most 1 fit in 100 had divergences."""
    assert committed.provenance["replicates"]["with_divergences"] <= 0.01 * committed.replicates


def test_chains_agreed(committed: Committed) -> None:
    """No fit had chains that disagree, and every cohort had an event."""
    sampling = committed.provenance["replicates"]
    assert sampling["r_hat_above_1.05"] == 0
    assert sampling["without_events"] == 0


def test_the_table_is_computed_from_the_replicates(committed: Committed) -> None:
    """Coverage, bias and width of the committed table follow from the committed intervals and truths of every replicate
    (the table is written to six decimals)."""
    replicates = pd.read_csv(FOLDER / f"{committed.name}.replicates.csv.gz")
    assert replicates.groupby("quantity").size().eq(committed.replicates).all()
    pd.testing.assert_frame_equal(coverage_table(replicates, 0.95), committed.table, rtol=0.0, atol=1e-6)


def test_the_scale_of_the_horseshoe_is_frozen() -> None:
    """The horseshoe's tau is scaled by the events of the design, before the first truth is drawn: one of 12 cells, so
    1 / 11 / sqrt(events / 12), whatever number of events a simulated cohort has; and it is stored with the fingerprint."""
    committed = Committed("recovery_horseshoe")
    study = committed.study
    (horseshoe,) = study.plan.priors.horseshoes
    assert horseshoe.events == study.cohort.events == committed.provenance["data"]["events"]
    assert horseshoe.tau == pytest.approx(1 / 11 / math.sqrt(horseshoe.events / 12))
    simulated = pd.read_csv(FOLDER / "recovery_horseshoe.replicates.csv.gz")["events"]
    assert simulated.min() < horseshoe.events < simulated.max()


def test_the_late_design_is_the_design_with_entries_centres_and_gaps() -> None:
    """Follow-up is that of `design.csv`; half enter late, in time to be seen; forty centres in turn; sex, made up, has gaps."""
    plain, late = (pd.read_csv(FOLDER / name) for name in ("design.csv", "design_late.csv"))
    for column in ("pfs2_months", "pfs2_event"):
        assert late[column].tolist() == plain[column].tolist()
    assert (late["extramedullary"] == plain["extramedullary"].fillna("no")).all()
    assert (late["entry"] < late["pfs2_months"]).all()
    assert 0.4 < (late["entry"] > 0).mean() < 0.6
    assert late["centre"].nunique() == 40
    assert 0.2 < late["sex"].isna().mean() < 0.4
