"""The door to the study's table: data and published numbers by name, file or as they are; fits with `br.fit`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from bayes_rrmm.analysis import fit
from bayes_rrmm.catalogue import is_synthetic
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.errors import DataError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.publications import load_published
from bayes_rrmm.published_record import Published
from bayes_rrmm.read import load_analysis, name_of, table_of
from bayes_rrmm.specification import Analysis
from bayes_rrmm.study import PublishedTable, build_table
from bayes_rrmm.study.sources import Source

SYNTHETIC = "rrmm1-synthetic"
STUDY = "west_china_rrmm1"
PAIRED = "pfs1_against_pfs2"
"""The shipped analysis of first-line against second-line PFS of the same patients."""


def published_table(
    data: pd.DataFrame | str | Path | None = None,
    published: Published | str = STUDY,
    *,
    bayesian: bool = True,
    missing: Literal["drop", "marginalise"] = "marginalise",
    cores: int | None = None,
    progress: Callable[[str], None] | None = None,
    fits: Sequence[Fit] = (),
) -> PublishedTable:
    """Every number of a publication beside the same number from `data`, frequentist and Bayesian.

    `data` (default: the embedded synthetic cohort) is a DataFrame, a path or the name of an embedded data set, a row a patient,
    with that cohort's columns: times in months, events 0 or 1. `bayesian = False` samples nothing. `progress` is called with the
    title of each analysis before it is fitted. `fits` are fits made already: one of the same analysis on the same rows is read
    instead of made again (PFS1 against PFS2 is the shipped `pfs1_against_pfs2` on `br.paired_lines(data)`). Raises DataError,
    AnalysisError or FitError as `br.fit` does.
    """
    numbers = load_published(published) if isinstance(published, str) else published

    made = {(done.analysis.sha256, done.fingerprint): done for done in fits}

    def sampler(analysis: Analysis, cohort: Cohort) -> Fit:
        if (analysis.sha256, cohort.fingerprint) in made:
            return made[analysis.sha256, cohort.fingerprint]
        if progress is not None:
            progress(analysis.title)
        return fit(analysis, cohort, cores=cores)

    return build_table(_source(data), numbers, load_analysis(PAIRED), sampler if bayesian else None, missing)


def _source(data: pd.DataFrame | str | Path | None) -> Source:
    if data is None:
        data = SYNTHETIC
    if isinstance(data, pd.DataFrame):
        table, origin = data.reset_index(drop=True), name_of(data)
    elif isinstance(data, str | Path):
        table, origin = table_of(data), str(data)
    else:
        raise DataError(f"the data are a {type(data).__name__}; give a DataFrame, a path, or the name of an embedded data set.")
    if not len(table):
        raise DataError(f"{origin} has no rows; give a table with one row a patient.")
    return Source(table, origin, is_synthetic(table))
