"""Exchangeable effects of cells and of groups, pooled or under a horseshoe: names, indicators, priors, and what they print."""

from __future__ import annotations

import math
from itertools import product

import fits
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bayes_rrmm.encoding import Encoding
from bayes_rrmm.overview import overview
from bayes_rrmm.parameters import draw_from_prior, log_innovations, log_prior
from bayes_rrmm.plan import Plan
from bayes_rrmm.pooled_terms import PooledTerm, cell_name, cell_of
from bayes_rrmm.resolved_priors import Horseshoe

SIZE = 100_000
CELLS = 'effects = { "sex:group" = "pooled" }'
HORSESHOE = 'effects = { "group:sex" = { pooling = "horseshoe", nonzero = 2, slab_scale = 0.7, slab_df = 5 } }'


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2))
def test_the_name_of_a_cell_says_its_levels(levels: list[str]) -> None:
    """Whatever its levels hold (commas and backslashes too), a cell's name can be taken apart again."""
    assert cell_of(cell_name(tuple(levels))) == tuple(levels)


def test_every_cell_has_an_indicator(patients: pd.DataFrame) -> None:
    """One effect a combination of levels, in the order of the formula, also where nobody has it; 1 in a row's own cell only."""
    frame = patients[~((patients["group"] == "c") & (patients["sex"] == "m"))]
    cohort, plan = fits.cohort_and_plan(frame, "group * sex + age", model=CELLS)
    encoding = plan.encoding
    cells = list(product("abc", "fm"))
    assert encoding.pooled_levels == [f"group:sex={group},{sex}" for group, sex in cells]
    assert [column.name for column in encoding.columns] == ["group=b", "group=c", "sex=m", "age"]
    expected = [[float(cell == row) for cell in cells] for row in zip(frame["group"], frame["sex"], strict=True)]
    np.testing.assert_array_equal(encoding.indicators(cohort.covariates), expected)
    assert Encoding.from_json(encoding.to_json()) == encoding
    assert Plan.from_json(plan.analysis, plan.to_json()) == plan


def test_runs_saved_before_there_were_cells_are_read(patients: pd.DataFrame) -> None:
    """An older record of a pooled term has its levels only."""
    term = PooledTerm.from_record({"term": "group", "levels": ["a", "b", "c"]})
    _, plan = fits.cohort_and_plan(patients, "group", model='effects = { group = "pooled" }')
    assert plan.encoding.pooled == (term,)
    assert term.levels == ("a", "b", "c")


def test_horseshoes_come_last(patients: pd.DataFrame) -> None:
    """Terms under a horseshoe stand after the others, whatever their order in the formula."""
    model = 'effects = { group = "horseshoe", "group:sex" = "pooled" }'
    _, plan = fits.cohort_and_plan(patients, "group * sex", model=model)
    assert [(term.term, term.pooling) for term in plan.encoding.pooled] == [("group:sex", "pooled"), ("group", "horseshoe")]
    assert plan.encoding.normal_levels == 6
    draws = draw_from_prior(plan, 10, seed=1)
    shapes = {name: draws[name].shape[1] for name in ("tau", "effect", "local", "slab")}
    assert shapes == {"tau": 2, "effect": 9, "local": 3, "slab": 1}


def test_horseshoe_s_scale_follows_from_what_is_expected(patients: pd.DataFrame) -> None:
    """tau0 = p0 / (D - p0) / sqrt(events / D), Piironen and Vehtari's equation 3.12 with an effect's own events."""
    cohort, plan = fits.cohort_and_plan(patients, "group * sex", model=HORSESHOE)
    assert plan.priors.horseshoes == (Horseshoe(pytest.approx(2 / 4 / math.sqrt(cohort.events / 6)), 0.7, 5, 2, cohort.events),)
    assert plan.priors.tau_sd == ()
    _, plan = fits.cohort_and_plan(patients, "group", model='effects = { group = "horseshoe" }')
    assert plan.priors.horseshoes == (Horseshoe(pytest.approx(1 / 2 / math.sqrt(cohort.events / 3)), 1, 4, 1, cohort.events),)
    assert plan.target_accept == 0.995


def test_cells_are_drawn_as_stated(patients: pd.DataFrame) -> None:
    """tau ~ HalfNormal(0.3) of the interaction, each cell's effect tau times a standard normal of its own."""
    rest = '[priors]\ntau = { "group:sex" = { half_normal = 0.3 } }'
    _, plan = fits.cohort_and_plan(patients, "group * sex", model=CELLS, rest=rest)
    draws = draw_from_prior(plan, SIZE, seed=2)
    assert stats.kstest(draws["tau"][:, 0], stats.halfnorm(0, 0.3).cdf).pvalue > 1e-3
    z = draws["effect"] / draws["tau"]
    assert stats.kstest(z[:, 4], stats.norm().cdf).pvalue > 1e-3
    np.testing.assert_allclose(np.corrcoef(z.T), np.eye(6), atol=5 / math.sqrt(SIZE))


def test_a_horseshoe_is_drawn_as_stated(patients: pd.DataFrame) -> None:
    """tau and lambda half-Cauchy, the slab's square inverse gamma; an effect has the sd they give, and most are small."""
    _, plan = fits.cohort_and_plan(patients, "group * sex", model=HORSESHOE)
    prior = plan.priors.horseshoes[0]
    draws = draw_from_prior(plan, SIZE, seed=3)
    assert stats.kstest(draws["tau"][:, 0], stats.halfcauchy(0, prior.tau).cdf).pvalue > 1e-3
    assert stats.kstest(draws["local"][:, 3], stats.halfcauchy.cdf).pvalue > 1e-3
    law = stats.invgamma(prior.slab_df / 2, scale=prior.slab_df / 2 * prior.slab_scale**2)
    assert stats.kstest(draws["slab"][:, 0] ** 2, law.cdf).pvalue > 1e-3
    wide = draws["tau"][:, 0] * draws["local"][:, 3]
    effect = draws["effect"][:, 3]
    sd = np.sqrt(draws["slab"][:, 0] ** 2 * wide**2 / (draws["slab"][:, 0] ** 2 + wide**2))
    assert stats.kstest(effect / sd, stats.norm().cdf).pvalue > 1e-3
    small, large = np.quantile(np.abs(effect), (0.5, 0.95))
    assert small < 0.15
    assert large > 0.5


def test_log_prior_of_a_horseshoe(patients: pd.DataFrame) -> None:
    """The stated part has SciPy's densities of tau and the squared slab; the rest those of lambda and standard normals."""
    model = 'effects = { group = "pooled", "group:sex" = "horseshoe" }'
    _, plan = fits.cohort_and_plan(patients, "group * sex", model=model)
    prior, draws = plan.priors.horseshoes[0], draw_from_prior(plan, 50, seed=4)
    parts = log_prior(plan, draws)
    spread = stats.halfnorm(0, 0.5).logpdf(draws["tau"][:, 0]) + stats.halfcauchy(0, prior.tau).logpdf(draws["tau"][:, 1])
    np.testing.assert_allclose(parts["tau"], spread, rtol=1e-12)
    square = draws["slab"][:, 0] ** 2
    np.testing.assert_allclose(parts["slab"], stats.invgamma(2, scale=2).logpdf(square), rtol=1e-12)
    free = draws["tau"][:, 1:] * draws["local"]
    sd = np.sqrt(square[:, None] * free**2 / (square[:, None] + free**2))
    expected = stats.norm().logpdf(draws["effect"][:, :3] / draws["tau"][:, :1]).sum(axis=1)
    expected += stats.norm().logpdf(draws["effect"][:, 3:] / sd).sum(axis=1) + stats.halfcauchy().logpdf(draws["local"]).sum(axis=1)
    np.testing.assert_allclose(log_innovations(plan, draws), expected, rtol=1e-10)


def test_what_is_printed(patients: pd.DataFrame) -> None:
    """Every cell has its patients and events, an empty one is said to be left to the prior; priors stand in clinical words."""
    frame = patients[~((patients["group"] == "c") & (patients["sex"] == "m"))]
    cohort, plan = fits.cohort_and_plan(frame, "group * sex", model=CELLS)
    text = overview(plan, cohort)
    assert "Cells of group:sex (pooled, beside the effects of both groups):" in text
    own = frame[(frame["group"] == "b") & (frame["sex"] == "m")]
    assert f"  b,m  {len(own):>6} patients, {own['event'].sum():>5} events\n" in text
    assert "  c,m       0 patients,     0 events  <- no patient: the prior decides here" in text
    assert "hazard ratio, any two cells of group:sex beyond the effects of both groups (pooled), tau ~ HalfNormal(0.5): " in text
    cohort, plan = fits.cohort_and_plan(frame, "group * sex", model=HORSESHOE)
    text = overview(plan, cohort)
    assert "(horseshoe, 2 of 6 expected not to be next to nothing), tau ~ HalfCauchy(" in text
    assert f"(stated, scaled by the data: {cohort.events:g} events)" in text
    low, high = np.exp(0.7 * stats.t(5).ppf([0.025, 0.975]))
    assert f"effect of group:sex that is not shrunk, Student t(5) of scale 0.7: {low:.3g} to {high:.3g} (stated)" in text
