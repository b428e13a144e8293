"""The whole dossier on real data, sampled: the smallest molecular groups of `myeloma_gep` and of `myeloma_gep_tiny`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.inference import COMPILED
from bayes_rrmm.sensitivity.dossier_folder import SECTIONS
from bayes_rrmm.specification import parse_analysis

pytestmark = pytest.mark.full

DATA = Path(__file__).parents[1] / "reference" / "data"
RESULTS = os.environ.get("DOSSIERS")
"""Folder to write the dossiers to, as printed, with the date; none are written without it."""


@pytest.mark.parametrize("name", ["myeloma_gep", "myeloma_gep_tiny"])
def test_the_whole_dossier_of_the_smallest_group(name: str, tmp_path: Path) -> None:
    """At least 150 refits, none failed; every section but those of treatment has rows; made again it compiles nothing and reads
    every refit back."""
    source = br.load_analysis("myeloma_gep_weibull").source
    frame = pd.read_csv(DATA / f"{name}.csv")
    largest = frame["molecular_group"].value_counts().idxmax()
    analysis = parse_analysis(source.replace('reference = "Hyperdiploid"', f'reference = "{largest}"'))
    cohort = br.read_cohort(frame, analysis)
    counts = frame.groupby("molecular_group").size()
    group = str(counts.idxmin())
    fit = br.fit(analysis, cohort)
    dossier = br.small_group(fit, cohort, group, folder=tmp_path)
    assert dossier.passed, str(dossier)
    assert len(dossier.refits) >= 150
    assert dossier.sizes.patients == counts.min()
    assert [section for section in SECTIONS if not len(dossier.to_dataframe(section))] == ["immortal"]

    compiled = dict(COMPILED)
    again = br.small_group(fit, cohort, group, folder=tmp_path)
    assert compiled == COMPILED
    first, second = (made.refits.drop(columns="seconds") for made in (dossier, again))
    pd.testing.assert_frame_equal(first, second)
    if RESULTS is not None:
        made = f"Made {datetime.now(UTC):%Y-%m-%d} by .ci/full with bayes_rrmm {br.__version__}: {len(dossier.refits)} refits.\n\n"
        (Path(RESULTS) / f"dossier_{name}.txt").write_text(f"{made}{dossier}\n", encoding="utf-8")
