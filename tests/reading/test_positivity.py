"""Standardising over cells that nobody is in rests on the model alone, and says so."""

from __future__ import annotations

import pandas as pd
import pytest
from fits import cohort_and_plan, prior_fit

from bayes_rrmm.cohort import build_cohort
from bayes_rrmm.estimands import Rmst
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import estimate

ALONE = "there the model alone speaks"


@pytest.fixture(scope="module")
def lopsided() -> pd.DataFrame:
    """Nobody of group c is a man, and no man of group a has stage II."""
    cells = ["a f I", "a f II", "a m I", "b f I", "b m II", "c f II", "c f I"]
    frame = pd.DataFrame([cell.split() for cell in cells] * 3, columns=["group", "sex", "stage"])
    return frame.assign(time=[5.0 + i for i in range(len(frame))], event=[1, 0, 1] * 7)


@pytest.fixture(scope="module")
def fit(lopsided: pd.DataFrame) -> Fit:
    cohort, plan = cohort_and_plan(lopsided, "group + sex + stage")
    return prior_fit(plan, cohort, size=8)


def test_empty_cells_are_named(fit: Fit) -> None:
    """Each pair of the group and another covariate's level that no patient has is a note; pairs that somebody has are not."""
    read = estimate(fit, Rmst(upto=10), by="group")
    assert read.notes == (f"no patient has group = c and sex = m: {ALONE}",)
    assert read.notes[0] in repr(read)
    assert estimate(fit, Rmst(upto=10), by="sex").notes == (f"no patient has sex = m and group = c: {ALONE}",)


def test_cells_are_those_of_the_population(fit: Fit, lopsided: pd.DataFrame) -> None:
    """In a population of men only, more cells are empty: they are counted among its members."""
    men = build_cohort(lopsided[lopsided["sex"] == "m"], fit.analysis, "men.csv")
    read = estimate(fit, Rmst(upto=10), by="group", population=men)
    assert read.notes == (
        f"no patient has group = c and sex = m: {ALONE}",
        f"no patient has group = a and stage = II: {ALONE}",
        f"no patient has group = b and stage = I: {ALONE}",
        f"no patient has group = c and stage = I: {ALONE}",
        f"no patient has group = c and stage = II: {ALONE}",
    )


def test_nothing_to_say(fit: Fit) -> None:
    """Without groups to set, or for the average patient, no cell is filled by the model, and there is no note."""
    assert estimate(fit, Rmst(upto=10)).notes == ()
    assert estimate(fit, Rmst(upto=10), by="group", population="average").notes == ()
    assert estimate(fit, Rmst(upto=10), by="stage").notes == ()
