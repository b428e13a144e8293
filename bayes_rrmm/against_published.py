"""The door to the study's table: data and published numbers by name, file or as they are; fits with `br.fit`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pandas as pd

from bayes_rrmm.analysis import fit
from bayes_rrmm.catalogue import load_data, load_published
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.cohort.columns import column
from bayes_rrmm.errors import DataError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.published_record import Published
from bayes_rrmm.read import read_table
from bayes_rrmm.specification import Analysis
from bayes_rrmm.study import PublishedTable, build_table
from bayes_rrmm.study.sources import Source

SYNTHETIC = "rrmm1-synthetic"
STUDY = "west_china_rrmm1"


def published_table(
    data: pd.DataFrame | str | Path | None = None,
    published: Published | str = STUDY,
    *,
    bayesian: bool = True,
    missing: Literal["drop", "marginalise"] = "marginalise",
    cores: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> PublishedTable:
    """Every number of a publication beside the same number from `data`, frequentist and Bayesian.

    `data` (default: the embedded synthetic cohort) is a DataFrame, a path or the name of an embedded data set, a row a patient,
    with that cohort's columns: times in months, events 0 or 1. `bayesian = False` samples nothing. `progress` is called with the
    title of each analysis before it is fitted. Raises DataError, AnalysisError or FitError as `br.fit` does.
    """
    numbers = load_published(published) if isinstance(published, str) else published

    def sampler(analysis: Analysis, cohort: Cohort) -> Fit:
        if progress is not None:
            progress(analysis.title)
        return fit(analysis, cohort, cores=cores)

    return build_table(_source(data), numbers, sampler if bayesian else None, missing)


def _source(data: pd.DataFrame | str | Path | None) -> Source:
    if data is None or (isinstance(data, str) and data == SYNTHETIC):
        return Source(load_data(SYNTHETIC), SYNTHETIC, True)
    if isinstance(data, pd.DataFrame):
        table, origin = data.reset_index(drop=True), "the DataFrame"
    else:
        table, origin = read_table(data), str(data)
    if not len(table):
        raise DataError(f"{origin} has no rows; give a table with one row a patient.")
    return Source(table, origin, _is_synthetic(table))


def _is_synthetic(table: pd.DataFrame) -> bool:
    """Whether the table holds the embedded cohort's values, however its columns are typed."""
    embedded = load_data(SYNTHETIC)
    if set(embedded.columns) - set(table.columns) or len(embedded) != len(table):
        return False
    return all(_texts(table, name) == _texts(embedded, name) for name in embedded.columns)


def _texts(table: pd.DataFrame, name: str) -> list[str]:
    """A column's values as text, numbers written in one way."""
    texts = column(table, name, "a column").fillna("")
    numbers = pd.to_numeric(texts, errors="coerce")
    return [text if pd.isna(number) else repr(float(number)) for text, number in zip(texts, numbers, strict=True)]
