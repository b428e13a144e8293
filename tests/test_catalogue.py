"""The embedded data sets say what they are, and the shipped analyses are found."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest

from bayes_rrmm.catalogue import _models, data_names, describe_data, load_data, model_names, model_text
from bayes_rrmm.errors import AnalysisError, DataError
from bayes_rrmm.read import load_analysis

ROOT = Path(__file__).parent.parent
DATA = Path(str(files("bayes_rrmm") / "data"))
LICENCES = {
    "myeloma-gep": "GPL-2.0-only",
    "myeloma-mayo": "LGPL-2.0-or-later",
    "rrmm1-paired-synthetic": "Apache-2.0",
    "rrmm1-synthetic": "Apache-2.0",
}
LICENCE_TEXTS = {
    "GPL-2.0-only": (DATA / "LICENSES" / "GPL-2.0-only.txt", "GENERAL PUBLIC LICENSE"),
    "LGPL-2.0-or-later": (DATA / "LICENSES" / "LGPL-2.0-or-later.txt", "GENERAL PUBLIC LICENSE"),
    "Apache-2.0": (ROOT / "LICENSE", "Apache License"),
}
NAMES_AND_DATES = ("id", "patient", "second_line_start")

every_data_set = pytest.mark.parametrize("name", LICENCES)


def test_the_data_sets_are_these() -> None:
    """Two real myeloma cohorts and a synthetic one, in two layouts, are embedded, under these names."""
    assert data_names() == sorted(LICENCES)


@every_data_set
def test_the_dictionary_counts_what_is_there(name: str) -> None:
    """Rows, events (of each endpoint, where there are several), columns, levels and gaps in the dictionary are the table's."""
    frame, said = load_data(name), describe_data(name)
    events = said["events"] if isinstance(said["events"], dict) else {"event": said["events"]}
    assert said["rows"] == len(frame)
    assert events == {column: (frame[column] == "1").sum() for column in frame if column.endswith("event")}
    assert list(said["columns"]) == list(frame.columns)
    for column, entry in said["columns"].items():
        values = frame[column]
        assert entry["missing"] == (values == "").sum()
        assert entry["meaning"]
        if "levels" in entry:
            assert sorted(entry["levels"]) == sorted(set(values) - {""})
        elif column not in NAMES_AND_DATES:
            assert entry["unit"]
            assert pd.to_numeric(values[values != ""]).notna().all()


@every_data_set
def test_the_dictionary_says_where_it_comes_from(name: str) -> None:
    """Title, source with its citation, how it was obtained, licence and unit are stated."""
    said = describe_data(name)
    for key in ("title", "source", "obtained"):
        assert len(said[key]) > 30
    assert said["unit"] == "months"
    assert said["licence"] == LICENCES[name]
    assert said["notes"]


@every_data_set
def test_every_table_has_its_licence_beside_it(name: str) -> None:
    """A REUSE side file names copyright and licence, and the licence's text is in the repository."""
    side = (DATA / f"{name.replace('-', '_')}.csv.license").read_text(encoding="utf-8")
    assert "SPDX-FileCopyrightText: " in side
    assert f"SPDX-License-Identifier: {LICENCES[name]}\n" in side
    path, words = LICENCE_TEXTS[LICENCES[name]]
    assert words in path.read_text(encoding="utf-8")


def test_nothing_was_left_out_of_the_gene_expression_cohort() -> None:
    """All 256 patients are there, the one with an event at time 0 among them, and 70 without chr1q21 status."""
    frame = load_data("myeloma-gep")
    (zero,) = frame.index[frame["time"] == "0"]
    assert frame.loc[zero, ["id", "event", "chr1q21_status"]].tolist() == ["GSM51054", "1", ""]
    assert zero + 1 == 51
    assert (len(frame), (frame["chr1q21_status"] == "").sum()) == (256, 70)


def test_mayo_times_are_days_in_months() -> None:
    """Months are days / 30.4375, entry comes before exit, and year10 counts decades from 1980."""
    frame = load_data("myeloma-mayo").drop(columns="era").astype(float)
    assert frame["time"].to_numpy() == pytest.approx(frame["time_days"].to_numpy() / 30.4375)
    assert frame["entry"].to_numpy() == pytest.approx(frame["entry_days"].to_numpy() / 30.4375)
    assert frame["year10"].to_numpy() == pytest.approx((frame["year"].to_numpy() - 1980) / 10)
    assert (frame["entry"] < frame["time"]).all()
    assert (frame["entry"] > 0).sum() == 1688
    assert (frame["year"].min(), frame["year"].max()) == (1947, 1996)


def test_tables_are_text() -> None:
    """Every column is text, as a CSV of the user's is read."""
    frame = load_data("myeloma-gep")
    assert {type(value) for value in frame.to_numpy().ravel()} == {str}


def test_an_unknown_name_brings_the_nearest() -> None:
    """A misspelt data set or analysis is refused with the name it may have meant."""
    for function in (load_data, describe_data):
        with pytest.raises(DataError, match="'myeloma-mao' is not an embedded data set; did you mean 'myeloma-mayo'"):
            function("myeloma-mao")
    wrong = f"{model_names()[0]}x"
    with pytest.raises(AnalysisError, match=f"{wrong!r} is not a shipped analysis.*did you mean {model_names()[0]!r}"):
        model_text(wrong)


def test_shipped_analyses_are_those_of_the_repository() -> None:
    """In a checkout every TOML file of models/ is a shipped analysis, by the name of its file, and its text is the file's."""
    written = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "models").glob("*.toml")}
    assert model_names() == sorted(written)
    assert {name: model_text(name) for name in model_names()} == written


def test_every_shipped_analysis_is_sound() -> None:
    """Every shipped analysis is read without complaint, and has a title and a question."""
    analyses = [load_analysis(name) for name in model_names()]
    assert analyses
    assert all(analysis.title and analysis.question for analysis in analyses)


def test_an_installed_package_brings_its_own_analyses(tmp_path: Path) -> None:
    """In an installed package the analyses are inside it, and a folder beside it is not looked at."""
    package = tmp_path / "site-packages" / "bayes_rrmm"
    package.mkdir(parents=True)
    (package.parent / "models").mkdir()
    assert _models(package) == package.parent / "models"
    (package / "_models").mkdir()
    assert _models(package) == package / "_models"
