"""Every reading of the gaps: the fits it rests on, Cox on the complete cases, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.frequentist import cox
from bayes_rrmm.sensitivity.missing import COLUMNS, COMPLETE, COX, LEVEL, MARGINALISED

ANALYSIS, DATA = "os_maintenance", "rrmm1-synthetic"


@pytest.fixture(scope="module")
def readings() -> br.MissingReadings:
    """The study's maintenance question, half of whose values are unknown."""
    return br.compare_missing(br.load_analysis(ANALYSIS), br.load_data(DATA), origin=DATA)


def of(readings: br.MissingReadings, reading: str) -> pd.DataFrame:
    return readings.table[readings.table["reading"] == reading]


def test_each_reading_uses_the_rows_it_says(readings: br.MissingReadings) -> None:
    """Complete cases are the 129 with a status, in the posterior as in Cox; the other readings keep all 257."""
    assert list(readings.table.columns) == COLUMNS
    assert readings.gaps == {"lenalidomide_maintenance": 128.0}
    assert {(row["reading"], row["rows"]) for row in readings.table.to_dict("records")} == {
        (COMPLETE, 129.0),
        (COX, 129.0),
        (LEVEL, 257.0),
        (MARGINALISED, 257.0),
    }
    assert list(of(readings, LEVEL)["group"]) == ["yes", "unknown"]
    assert readings.table["passed"].all()


def test_cox_after_drop_is_cox_on_the_complete_cases(readings: br.MissingReadings) -> None:
    """The table's Cox is that of the rows with a status, to ten digits."""
    rows = br.load_data(DATA)
    rows = rows[rows["lenalidomide_maintenance"] != ""]
    design = (rows["lenalidomide_maintenance"] == "yes").to_numpy(dtype=float)[:, None]
    model = cox(design, ["yes"], rows["os_months"].astype(float).to_numpy(), rows["os_event"].astype(float).to_numpy())
    log_hr, _, lower, upper = model.contrast(np.ones(1), 0.95)
    (row,) = of(readings, COX).to_dict("records")
    np.testing.assert_allclose([row["hr"], row["lower"], row["upper"]], np.exp([log_hr, lower, upper]), rtol=1e-10)


def test_marginalised_reading_is_the_fit(readings: br.MissingReadings) -> None:
    """The marginalised row is what `fit` and `estimate` give, and its missing values are `missing_values`."""
    analysis = br.load_analysis(ANALYSIS)
    fit = br.fit(analysis, br.read_cohort(DATA, analysis))
    table = br.summarise(br.estimate(fit, br.HazardRatio("lenalidomide_maintenance")), below=1.0)
    (row,) = of(readings, MARGINALISED).to_dict("records")
    np.testing.assert_allclose(
        [row["hr"], row["lower"], row["upper"], row["p_below_1"]],
        table[["median", "lower", "upper", "p_below"]].to_numpy()[0],
        rtol=1e-12,
    )
    pd.testing.assert_frame_equal(readings.missing, br.missing_values(fit))


def test_width_ratio_is_that_of_log_intervals(readings: br.MissingReadings) -> None:
    """Complete cases have width 1; the others the ratio of the widths of log HR; a contrast they lack has none."""
    width = np.log(readings.table["upper"] / readings.table["lower"])
    expected = width / width[readings.table["reading"] == COMPLETE].iloc[0]
    known = readings.table["group"] == "yes"
    np.testing.assert_allclose(readings.table.loc[known, "width_ratio"], expected[known])
    assert readings.table.loc[~known, "width_ratio"].isna().all()


def test_text_says_what_each_reading_means(readings: br.MissingReadings) -> None:
    """The text names the gaps, one line a reading with its rows, and when each reading is right."""
    text = str(readings)
    assert "of 257 patients, unknown: lenalidomide_maintenance in 128" in text
    for reading in (COMPLETE, COX, LEVEL, MARGINALISED):
        assert sum(line.strip().startswith(reading) for line in text.splitlines()) >= 2, reading
    assert "129 patients" in text
    assert "<table" in readings._repr_html_()


def test_without_gaps_there_is_nothing_to_read() -> None:
    """An analysis whose groups are complete is refused before any sampling."""
    with pytest.raises(br.DataError, match=r"no group of the formula .* has a gap"):
        br.compare_missing(br.load_analysis("os_salvage_asct"), br.load_data(DATA))
