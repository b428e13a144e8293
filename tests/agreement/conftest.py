"""Two groups whose Bayesian draws can be made to say whatever a test needs, beside real frequentist answers."""

from __future__ import annotations

from collections.abc import Callable

import fits
import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from bayes_rrmm.agreement import compare_with_frequentist, main_rows
from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import estimate

SIZE = 2000


@pytest.fixture(scope="session")
def two_groups() -> pd.DataFrame:
    """Eighty patients of groups a and b (hazard twice as high), two sexes, nearly all with an event, followed to 60 months."""
    rng = np.random.default_rng(41)
    group = np.repeat(["a", "b"], 40)
    time = np.minimum(np.round(rng.exponential(np.where(group == "a", 24.0, 12.0)) + 0.1, 2), 60.0)
    return pd.DataFrame({"time": time, "event": (time < 60).astype(int), "group": group, "sex": ["f", "m"] * 40})


@pytest.fixture(scope="session")
def two_group_fit(two_groups: pd.DataFrame) -> Fit:
    cohort, plan = fits.cohort_and_plan(two_groups, "group")
    return fits.laplace_fit(plan, cohort)


@pytest.fixture(scope="session")
def like_cox(two_group_fit: Fit) -> Callable[..., Fit]:
    """The fit with draws of beta whose median and interval are Cox's, moved by so many standard errors, widened by a factor."""

    def make(moved: float = 0.0, widened: float = 1.0) -> Fit:
        log_hr, se, _, _ = Counterparts(two_group_fit, two_group_fit.cohort).cox.contrast(np.ones(1))
        normal = ndtri((np.random.default_rng(1).permutation(SIZE) + 0.5) / SIZE)
        draws = {**two_group_fit.draws, "beta": (log_hr + se * (moved + widened * normal))[:, None]}
        return fits.fit_with(two_group_fit.plan, two_group_fit.cohort, draws)

    return make


@pytest.fixture(scope="session")
def compared() -> Callable[..., pd.DataFrame]:
    """The main counterpart of each quantity of one or more questions, without the tests at the end."""

    def table(fit: Fit, *questions, **conventions: str) -> pd.DataFrame:
        return main_rows(everything(fit, *questions, **conventions))

    return table


@pytest.fixture(scope="session")
def all_compared() -> Callable[..., pd.DataFrame]:
    """The agreement table of one or more questions with every counterpart, without the tests at the end."""
    return everything


def everything(fit: Fit, *questions, **conventions: str) -> pd.DataFrame:
    read = [(question, estimate(fit, question)) for question in questions]
    full = compare_with_frequentist(fit, read=read, **conventions).table
    return full[(full["unit"] != "p") & (full["estimand"] != "follow-up")].reset_index(drop=True)
