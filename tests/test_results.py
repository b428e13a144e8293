"""Results are the tables of a fit: computed, or those that its run folder holds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bayes_rrmm.errors import RunFolderError
from bayes_rrmm.results import TABLES, results_of
from bayes_rrmm.run_folder import TEXT_COLUMNS, read_table, write_table


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Text stays text whatever it looks like (a level called 1, one called NA), an empty text is '', a number may be missing."""
    table = pd.DataFrame(
        {"group": ["1", "NA", ""], "versus": [""] * 3, "median": [1.5, float("inf"), float("nan")], "passed": [True, False, True]}
    )
    write_table(tmp_path / "estimates.csv", table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "estimates.csv"), table)


def test_a_missing_table_is_refused_in_words(tmp_path: Path) -> None:
    """A table that is not there is named, with the command that makes it."""
    with pytest.raises(RunFolderError, match=r"estimates\.csv: cannot be read .* `bayes-rrmm fit`"):
        read_table(tmp_path / "estimates.csv")


def test_the_folder_s_tables_are_those_computed_from_its_fit(demo_folder: Path) -> None:
    """Every table of a run folder, read back, equals the one computed anew from its draws and rows."""
    written = results_of(demo_folder / "myeloma_gep_weibull")
    computed = results_of(written.fit)
    for name in TABLES:
        left, right = getattr(written, name), getattr(computed, name).reset_index(drop=True)
        text = [column for column in right.columns if column in TEXT_COLUMNS]
        numbers = [column for column in right.columns if column not in TEXT_COLUMNS]
        pd.testing.assert_frame_equal(left[text], right[text].fillna("").astype(str))
        pd.testing.assert_frame_equal(left[numbers].astype(float), right[numbers].astype(float), rtol=1e-6)
