"""From files, names and DataFrames to records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from shared import Work, work_of

from bayes_rrmm.catalogue import load_data
from bayes_rrmm.errors import AnalysisError, DataError
from bayes_rrmm.read import load_analysis, read_cohort, read_table
from bayes_rrmm.specification import Analysis, parse_analysis


@pytest.fixture
def analysis(analysis_text) -> Analysis:
    """An analysis of group, sex and age."""
    return parse_analysis(analysis_text("group + sex + age"))


def test_an_analysis_is_read_from_a_path(tmp_path: Path, analysis_text) -> None:
    """A path ending in .toml, as text or Path, gives the analysis written there, its text kept; a byte order mark is nothing."""
    path = tmp_path / "mine.toml"
    path.write_text(analysis_text("age"), encoding="utf-8")
    assert load_analysis(path) == load_analysis(str(path)) == parse_analysis(analysis_text("age"))
    assert load_analysis(path).source == analysis_text("age")
    path.write_bytes(b"\xef\xbb\xbf" + analysis_text("age").encode())
    assert load_analysis(path).source == analysis_text("age")


def test_an_analysis_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file, a directory, another kind of file, bytes that are no text and an unknown name are each refused by name."""
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "latin.toml").write_bytes("schema = 1\ntitle = 'Régime'\n".encode("latin-1"))
    cases = {
        "nowhere.toml: there is no such file; check the path": tmp_path / "nowhere.toml",
        "folder.toml: this is a directory": tmp_path / "folder.toml",
        "mine.txt: an analysis is a file whose name ends in .toml": tmp_path / "mine.txt",
        "latin.toml: line 2 is not UTF-8 text; save the file as UTF-8": tmp_path / "latin.toml",
    }
    for fragment, path in cases.items():
        with pytest.raises(AnalysisError) as refusal:
            load_analysis(path)
        assert fragment in str(refusal.value)
    with pytest.raises(AnalysisError, match=r"'no_such_model' is not a shipped analysis, nor a path ending in \.toml"):
        load_analysis("no_such_model")


def test_errors_name_the_file(tmp_path: Path, analysis_text, patients: pd.DataFrame) -> None:
    """A fault in an analysis or a table is reported under the name of its file."""
    path = tmp_path / "mine.toml"
    path.write_text(analysis_text("age", model="basline = 'weibull'"), encoding="utf-8")
    with pytest.raises(AnalysisError) as refusal:
        load_analysis(path)
    assert str(refusal.value).startswith(f"{path}: model.basline: unknown key")
    data = tmp_path / "patients.csv"
    patients.assign(time=-1).to_csv(data, index=False)
    with pytest.raises(DataError) as refusal:
        read_cohort(data, parse_analysis(analysis_text("age")))
    assert str(refusal.value).startswith(f"{data}: row 1, column 'time' is -1")


def test_every_source_is_one_cohort(tmp_path: Path, patients: pd.DataFrame, analysis: Analysis) -> None:
    """A CSV, a Parquet file and a DataFrame of the same patients give the same cohort, gaps and all."""
    patients.loc[3, "age"] = np.nan
    patients.loc[5, "sex"] = None
    csv, parquet = tmp_path / "patients.csv", tmp_path / "patients.parquet"
    patients.to_csv(csv, index=False)
    patients.to_parquet(parquet)
    cohorts = [read_cohort(source, analysis) for source in (patients, csv, str(csv), parquet)]
    assert len({cohort.fingerprint for cohort in cohorts}) == 1
    assert [cohort.dropped for cohort in cohorts] == [cohorts[0].dropped] * 4
    assert [cohort.origin for cohort in cohorts] == ["the DataFrame", str(csv), str(csv), str(parquet)]


def test_parquet_keeps_index_columns_and_categories(tmp_path: Path, patients: pd.DataFrame, analysis: Analysis) -> None:
    """Categories are read as groups, and a column that pandas wrote as the index is a column again."""
    path = tmp_path / "patients.parquet"
    patients.assign(group=patients["group"].astype("category")).set_index("sex").to_parquet(path)
    assert set(read_table(path).columns) == set(patients.columns)
    assert read_cohort(path, analysis).fingerprint == read_cohort(patients, analysis).fingerprint


def test_an_embedded_data_set_goes_the_same_way(tmp_path: Path, analysis_text) -> None:
    """The name of an embedded data set, its table, and its own CSV give one cohort."""
    analysis = parse_analysis(analysis_text("molecular_group", 'zero_times = "drop"'))
    path = tmp_path / "copy.csv"
    load_data("myeloma-gep").to_csv(path, index=False)
    cohorts = [read_cohort(source, analysis) for source in ("myeloma-gep", load_data("myeloma-gep"), path)]
    assert len({cohort.fingerprint for cohort in cohorts}) == 1
    assert (len(cohorts[0]), cohorts[0].events, cohorts[0].origin) == (255, 69, "myeloma-gep")
    assert cohorts[0].dropped[0].rows == (51,)


def test_the_event_at_time_0_is_refused_by_row(analysis_text) -> None:
    """Under the default rule the one embedded row without time at risk is refused, with both ways out."""
    with pytest.raises(DataError, match=r"^myeloma-gep: row 51, column 'time' is 0: .* zero_times = \"drop\" or .*\"half-day\""):
        read_cohort("myeloma-gep", parse_analysis(analysis_text("molecular_group")))


@pytest.mark.parametrize(
    ("source", "fragment"),
    [
        ("myeloma-gap", "did you mean 'myeloma-gep'?"),
        ({"time": [1]}, "the data are a dict; give a path to a .csv or .parquet file, a pandas DataFrame"),
        (None, "the data are a NoneType"),
    ],
)
def test_what_is_no_table_is_refused(source: object, fragment: str, analysis: Analysis) -> None:
    """A misspelt name, or an object that is no table, is refused with what may be given."""
    with pytest.raises(DataError) as refusal:
        read_cohort(source, analysis)  # type: ignore[arg-type]
    assert fragment in str(refusal.value)


def test_two_columns_of_one_name_in_parquet(tmp_path: Path) -> None:
    """A Parquet file with a name twice is refused as a CSV is."""
    path = tmp_path / "twice.parquet"
    pyarrow.parquet.write_table(pyarrow.table([[1], [2]], names=["age", "age"]), path)
    with pytest.raises(DataError, match="'age' names more than one column"):
        read_table(path)


def test_a_large_table_is_read_by_columns(tmp_path: Path) -> None:
    """Rows are not gone through one by one in Python, of which a million would be slow: steps grow with the chunks of 20,000
    rows, far less than one a row, and memory with the rows."""

    def work(rows: int) -> Work:
        path = tmp_path / f"{rows}.csv"
        path.write_text("time,event,group,age\n" + "12.5,1,bortezomib,63.1\n" * rows, encoding="utf-8")
        assert read_table(path).shape == (rows, 4)
        return work_of(lambda: read_table(path))

    some, many = work(25_000), work(100_000)
    assert many.steps - some.steps < 0.1 * 75_000
    assert many.memory < 5 * some.memory
