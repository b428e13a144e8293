"""The abstract's numbers, and what they support."""

from __future__ import annotations

import pytest

from bayes_rrmm.evidence import PublishedEvidence
from bayes_rrmm.publications import load_published, published
from bayes_rrmm.published_record import Published


@pytest.fixture(scope="session", name="published")
def abstract() -> Published:
    return load_published("west_china_rrmm1")


@pytest.fixture(scope="session")
def evidence() -> PublishedEvidence:
    """All of it, with the two hazard ratios of pomalidomide pooled."""
    return published("west_china_rrmm1", pool=[["os pomalidomide", "pfs2 pomalidomide"]])
