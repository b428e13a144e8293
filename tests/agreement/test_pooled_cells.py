"""A pooled interaction beside the frequentist answers: cells as dummies, and cells without patients refused in words."""

from __future__ import annotations

from collections.abc import Callable

import fits
import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.agreement.without_prior import METHODS, WithoutPrior
from bayes_rrmm.densities import log_likelihood
from bayes_rrmm.estimands import HazardRatio, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import cox, parametric

Compared = Callable[..., pd.DataFrame]
NUMBERS = ["frequentist", "freq_lower", "freq_upper"]
MODELS = {
    "pooled": 'effects = { "group:sex" = "pooled" }',
    "pooled, and the groups": 'effects = { "group:sex" = "pooled", group = "pooled" }',
    "horseshoe": 'effects = { "group:sex" = "horseshoe" }',
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Three groups by two sexes, 120 patients, all cells with events."""
    rng = np.random.default_rng(5)
    time = np.round(rng.exponential(20, 120) + 0.1, 2)
    frame = pd.DataFrame({"time": time, "event": rng.integers(0, 4, 120) > 0, "group": np.resize(list("abc"), 120)})
    return frame.assign(event=frame["event"].astype(int), sex=np.resize(["f", "m", "m", "f"], 120))


def fit_of(frame: pd.DataFrame, model: str, baseline: str = 'baseline = "exponential"') -> Fit:
    cohort, plan = fits.cohort_and_plan(frame, "group * sex", model=f"{baseline}\n{model}")
    return fits.prior_fit(plan, cohort, size=400)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_cells_enter_as_products_of_dummies(model: str, frame: pd.DataFrame, all_compared: Compared) -> None:
    """Cox and maximum likelihood are those of dummies and their products, whatever is pooled in the model."""
    table = all_compared(fit_of(frame, model), HazardRatio("group", by="sex"))
    b, c, m = (frame["group"] == "b", frame["group"] == "c", frame["sex"] == "m")
    design = np.column_stack([b, c, m, b & m, c & m]).astype(float)
    names = ["b", "c", "m", "bm", "cm"]
    adjusted = cox(design, names, frame["time"], frame["event"])
    likelihood = parametric("exponential", design, names, frame["time"], frame["event"])
    for group, sex, vector in (("b", "f", [1, 0, 0, 0, 0]), ("b", "m", [1, 0, 0, 1, 0]), ("c", "m", [0, 1, 0, 0, 1])):
        rows = table[(table["group"] == group) & (table["subgroup"] == f"sex={sex}")].set_index("method")
        for method, known in (("Cox", adjusted), (METHODS["exponential"], likelihood)):
            estimate, _, lower, upper = known.contrast(np.array(vector, dtype=float))
            row = rows.loc[method]
            np.testing.assert_allclose(row[NUMBERS].astype(float), np.exp([estimate, lower, upper]), rtol=1e-5)
            assert "pooled" in row["reason_code"]


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("baseline", ['baseline = "exponential"', 'baseline = "piecewise-exponential"\ncuts = [6, 18]'])
def test_effects_and_their_dummies_say_the_same(model: str, baseline: str, frame: pd.DataFrame) -> None:
    """Any effects of every level, moved to dummies and baseline, have the same likelihood: what the prior is combined with."""
    fit = fit_of(frame, model, baseline)
    known = Counterparts(fit, fit.require_cohort("a test"))
    alone = WithoutPrior(known)
    way = alone._way()
    whole = np.random.default_rng(2).normal(size=(5, way.shape[1])) - 1.0
    columns, levels = len(known.encoding.columns), len(known.encoding.pooled_levels)
    every, dummies = alone._split(whole, columns, levels), alone._named(whole @ way.T)
    likelihoods = [log_likelihood(fit.plan, draws, known.rows) for draws in (every, dummies)]
    np.testing.assert_allclose(likelihoods[0], likelihoods[1], rtol=1e-9)
    assert alone.combined_fit is not None


def test_a_cell_without_patients_has_no_frequentist_answer(frame: pd.DataFrame, all_compared: Compared) -> None:
    """Where nobody is in a cell its hazard ratio is refused by name and in words, and so are standardised curves; others stand."""
    some = frame[~((frame["group"] == "c") & (frame["sex"] == "m"))]
    fit = fit_of(some, MODELS["pooled"])
    table = all_compared(fit, HazardRatio("group", by="sex"), Survival(at=12, by="group"))
    refused = table["reason_code"].str.contains("empty-cell")
    ratios = table[table["estimand"] == "hazard-ratio"]
    found = ratios[refused[ratios.index]]
    assert set(zip(found["group"], found["subgroup"], strict=True)) == {("c", "sex=m")}
    assert (found["verdict"] == "not-comparable").all()
    assert found["frequentist"].isna().all()
    assert found["reason"].str.contains("group:sex=c,m").all()
    assert ratios.loc[~refused[ratios.index], "frequentist"].notna().all()
    assert refused[table["method"] == "Cox, standardised"].all()
    design = np.column_stack([some["group"] == "b", some["group"] == "c", some["sex"] == "m"]).astype(float)
    design = np.column_stack([design, design[:, 0] * design[:, 2]])
    expected = cox(design, ["b", "c", "m", "bm"], some["time"], some["event"]).contrast(np.array([1.0, 0, 0, 1]))[0]
    row = ratios[(ratios["group"] == "b") & (ratios["subgroup"] == "sex=m") & (ratios["method"] == "Cox")].iloc[0]
    assert row["frequentist"] == pytest.approx(np.exp(expected), rel=1e-6)
