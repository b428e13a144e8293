"""The synthetic cohort beside the abstract: fits around the posterior mode, so that nothing is compiled."""

from __future__ import annotations

import pandas as pd
import pytest
from around_the_mode import at_the_mode

from bayes_rrmm.against_published import PAIRED
from bayes_rrmm.catalogue import load_data
from bayes_rrmm.publications import load_published
from bayes_rrmm.published_record import Published
from bayes_rrmm.read import load_analysis
from bayes_rrmm.specification import Analysis
from bayes_rrmm.study import PublishedTable, build_table
from bayes_rrmm.study.sources import Source


@pytest.fixture(scope="session")
def published() -> Published:
    return load_published("west_china_rrmm1")


@pytest.fixture(scope="session")
def synthetic() -> pd.DataFrame:
    return load_data("rrmm1-synthetic")


@pytest.fixture(scope="session")
def paired() -> Analysis:
    """The shipped analysis of PFS1 against PFS2."""
    return load_analysis(PAIRED)


@pytest.fixture(scope="session")
def table(published: Published, synthetic: pd.DataFrame, paired: Analysis) -> PublishedTable:
    """Every number of the abstract, both ways, of the embedded cohort."""
    return build_table(Source(synthetic, "rrmm1-synthetic", True), published, paired, at_the_mode)
