"""Fits of a few draws, for which everything can be computed again by hand."""

from __future__ import annotations

from collections.abc import Callable

import by_hand
import fits
import pandas as pd
import pytest

from bayes_rrmm.fitted import Fit
from bayes_rrmm.parameters import draw_from_prior

SIZE, CHAINS = 6, 2
PRIORS = "[priors]\nbaseline = { median_survival = 20, upper95 = 40 }\nage = { hazard_ratio = 1.2, upper95 = 1.6 }"
REST = f'[variables.age]\nper = {by_hand.PER_AGE:g}\n[populations.women]\nsex = ["f"]\n{PRIORS}'


@pytest.fixture(scope="session")
def mixed() -> pd.DataFrame:
    return by_hand.mixed_patients()


@pytest.fixture(scope="session")
def mixed_fits(mixed: pd.DataFrame) -> dict[str, Fit]:
    """A fit of group + sex + age with frequency weights, by family, and two chains of three draws from its prior."""
    made = {}
    for family in by_hand.FAMILIES:
        cuts = f"\ncuts = {list(by_hand.CUTS)}" if family == "piecewise-exponential" else ""
        cohort, plan = fits.cohort_and_plan(
            mixed, "group + sex + age", endpoint='weight = "count"', model=f'baseline = "{family}"{cuts}', rest=REST
        )
        made[family] = fits.fit_with(plan, cohort, draw_from_prior(plan, SIZE, 3), chains=CHAINS)
    return made


@pytest.fixture
def mixed_fit(mixed_fits: dict[str, Fit]) -> Fit:
    return mixed_fits["weibull"]


@pytest.fixture(scope="session")
def draws_by_hand(mixed_fits: dict[str, Fit], mixed: pd.DataFrame) -> Callable[[str], list[by_hand.OneDraw]]:
    """The draws of one family's fit, each with its scalar formulas, in the order of chains laid end to end."""

    def draws(family: str) -> list[by_hand.OneDraw]:
        named = mixed_fits[family].draws
        centre = by_hand.centres(mixed)
        return [by_hand.OneDraw(family, {name: values[i] for name, values in named.items()}, centre) for i in range(SIZE)]

    return draws


@pytest.fixture(scope="session")
def fit_of(mixed: pd.DataFrame) -> Callable[..., Fit]:
    """A fit of the mixed patients under any formula, with draws from its prior."""

    def make(formula: str, size: int = 40, **parts: str) -> Fit:
        cohort, plan = fits.cohort_and_plan(mixed, formula, **parts)
        return fits.fit_with(plan, cohort, draw_from_prior(plan, size, 3), chains=CHAINS)

    return make
