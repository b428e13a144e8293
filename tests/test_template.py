"""The template: an empty table with the columns an analysis reads, and a dictionary that is true of them."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.errors import DataError
from bayes_rrmm.template import HEADER, dictionary_rows, write_template


def test_the_study_s_template_is_the_synthetic_cohort_s_header(tmp_path: Path) -> None:
    """Without an analysis the template has every column of the synthetic cohort, in order, and no row."""
    dictionary = write_template(tmp_path / "patients.csv")
    with (tmp_path / "patients.csv").open() as file:
        assert list(csv.reader(file)) == [list(br.load_data("rrmm1-synthetic").columns)]
    table = pd.read_csv(dictionary)
    assert tuple(table.columns) == HEADER
    assert table["meaning"].str.len().min() > 20


def test_an_analysis_s_template_is_enough_for_it(tmp_path: Path) -> None:
    """A table with just the template's columns is read by the analysis it was made for."""
    analysis = br.load_analysis("os_initial_delayed_entry")
    write_template(tmp_path / "patients.csv", [analysis])
    columns = (tmp_path / "patients.csv").read_text().strip().split(",")
    assert columns == ["os_initial_months", "os_event", "months_to_first_relapse", "pomalidomide"]
    assert len(br.read_cohort(br.load_data("rrmm1-synthetic")[columns], analysis)) == 257


def test_the_dictionary_says_what_the_analysis_declares() -> None:
    """Levels, units, gaps and readers come from the analyses; columns unknown to the study are described by their role."""
    text = (
        'schema = 1\ntitle = "Ours"\n[endpoint]\nname = "TTNT"\ntime = "ttnt"\nevent = "next"\nunit = "weeks"\nid = "who"\n'
        '[model]\nformula = "arm + age"\nmissing = "level"\n[variables.arm]\nlevels = ["a", "b"]\n'
    )
    rows = {row["column"]: row for row in dictionary_rows([br.parse_analysis(text), br.load_analysis("os_salvage_asct")])}
    assert list(rows) == ["ttnt", "next", "who", "arm", "age", "os_months", "os_event", "salvage_asct"]
    assert rows["ttnt"]["unit"] == "weeks"
    assert rows["ttnt"]["meaning"].startswith("TTNT. Time from the origin")
    assert (rows["arm"]["allowed"], rows["arm"]["may_be_empty"]) == ("a, b", "yes (level)")
    assert rows["next"]["may_be_empty"] == "no"
    assert rows["os_event"]["read_by"] == "OS: salvage transplant against the rest"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """An existing file is left alone, and a name that is no CSV refused."""
    (tmp_path / "patients.csv").write_text("mine")
    with pytest.raises(DataError, match="already exists and is left alone"):
        write_template(tmp_path / "patients.csv")
    assert (tmp_path / "patients.csv").read_text() == "mine"
    with pytest.raises(DataError, match=r"a template is a \.csv file"):
        write_template(tmp_path / "patients.xlsx")
    with pytest.raises(DataError, match="cannot be written"):
        write_template(tmp_path / "nowhere" / "patients.csv")
