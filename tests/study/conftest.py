"""The synthetic cohort beside the abstract: fits around the posterior mode, so that nothing is compiled."""

from __future__ import annotations

import fits
import pandas as pd
import pytest

from bayes_rrmm.catalogue import load_data
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plan import make_plan
from bayes_rrmm.publications import load_published
from bayes_rrmm.published_record import Published
from bayes_rrmm.specification import Analysis
from bayes_rrmm.study import PublishedTable, build_table
from bayes_rrmm.study.sources import Source


def at_the_mode(analysis: Analysis, cohort: Cohort) -> Fit:
    """A sampler that draws around the posterior mode."""
    return fits.laplace_fit(make_plan(analysis, cohort), cohort, size=2000)


@pytest.fixture(scope="session")
def published() -> Published:
    return load_published("west_china_rrmm1")


@pytest.fixture(scope="session")
def synthetic() -> pd.DataFrame:
    return load_data("rrmm1-synthetic")


@pytest.fixture(scope="session")
def table(published: Published, synthetic: pd.DataFrame) -> PublishedTable:
    """Every number of the abstract, both ways, of the embedded cohort."""
    return build_table(Source(synthetic, "rrmm1-synthetic", True), published, at_the_mode)
