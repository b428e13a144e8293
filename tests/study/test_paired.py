"""PFS1 against PFS2: the embedded table of two rows a patient is made from the cohort, and its analysis takes it."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest

import bayes_rrmm as br
from bayes_rrmm.cli.demo_command import PAIRED, source_of
from bayes_rrmm.study.paired import csv_bytes

DATA = Path(str(files("bayes_rrmm") / "data"))


def test_the_embedded_pairs_are_made_from_the_embedded_cohort(synthetic: pd.DataFrame) -> None:
    """Byte for byte the file is what the function makes of rrmm1_synthetic.csv."""
    assert csv_bytes(synthetic) == (DATA / "rrmm1_paired_synthetic.csv").read_bytes()


def test_the_script_writes_it_from_any_table(synthetic: pd.DataFrame, tmp_path: Path) -> None:
    """On the command line a user's own table is turned into pairs."""
    table, pairs = tmp_path / "patients.csv", tmp_path / "pairs.csv"
    synthetic.iloc[:3].to_csv(table, index=False)
    subprocess.run([sys.executable, "-m", "bayes_rrmm.study.paired", str(table), str(pairs)], check=True)
    assert pairs.read_bytes() == csv_bytes(synthetic.iloc[:3])


def test_a_patient_s_two_rows_hold_its_two_outcomes() -> None:
    """Each row has the months and the event of its line as they were written; patients stay in their order, typed or not."""
    table = pd.DataFrame(
        {"patient": ["b", "a"], "pfs1_months": [3.5, 12], "pfs1_event": [1, 1], "pfs2_months": ["4.0", ""], "pfs2_event": [0, 1]}
    )
    assert br.paired_lines(table).to_numpy().tolist() == [
        ["b", "first", "3.5", "1"],
        ["b", "second", "4.0", "0"],
        ["a", "first", "12", "1"],
        ["a", "second", "", "1"],
    ]


def test_a_line_not_given_has_no_row() -> None:
    """Where neither months nor event of a line are known the patient has one row; where one of them is, reading refuses the row."""
    table = pd.DataFrame(
        {
            "patient": ["a", "b", "c"],
            "pfs1_months": ["8", "9", "7"],
            "pfs1_event": ["1", "1", "1"],
            "pfs2_months": ["3", "", "NA"],
            "pfs2_event": ["0", "", "1"],
        }
    )
    analysis = br.load_analysis(PAIRED)
    pairs = br.paired_lines(table)
    assert pairs[["patient", "line"]].agg(" ".join, axis=1).tolist() == ["a first", "a second", "b first", "c first", "c second"]
    assert br.read_cohort(br.paired_lines(table.iloc[:2]), analysis).patients == 2
    with pytest.raises(br.DataError, match="row 5, column 'months'"):
        br.read_cohort(br.paired_lines(table), analysis)


def test_the_demo_pairs_the_user_s_own_patients(synthetic: pd.DataFrame, tmp_path: Path) -> None:
    """`demo --full --data FILE` asks the paired question of that file's patients, not of the synthetic ones."""
    table = tmp_path / "patients.csv"
    synthetic.iloc[5:9].to_csv(table, index=False)
    analysis = br.load_analysis(PAIRED)
    cohort = br.read_cohort(source_of(PAIRED, str(table), tmp_path / "demo"), analysis)
    assert cohort.time.tolist() == synthetic.iloc[5:9][["pfs1_months", "pfs2_months"]].to_numpy(dtype=float).ravel().tolist()


def test_a_missing_column_is_named() -> None:
    """A table without one of the columns is refused with its name."""
    with pytest.raises(br.DataError, match="'pfs2_event' \\(event of second-line PFS\\) is not in the data"):
        br.paired_lines(pd.DataFrame({"patient": ["a"], "pfs1_months": [1], "pfs1_event": [1], "pfs2_months": [1]}))


def test_a_copy_asks_it_with_a_weibull_baseline_or_a_log_normal_frailty() -> None:
    """What models/README.md says of a copy is taken: the other baseline, the other frailty, and both."""
    text = br.load_analysis(PAIRED).source
    weibull = text.replace('baseline = "piecewise-exponential"\ncuts = [6, 12, 18, 24, 36, 60]', 'baseline = "weibull"')
    for source in (weibull, text.replace('"gamma"', '"log-normal"'), weibull.replace('"gamma"', '"log-normal"')):
        assert source != text
        analysis = br.parse_analysis(source)
        said = br.validate(analysis, br.read_cohort("rrmm1-paired-synthetic", analysis))
        assert f"Frailty ({analysis.model.frailty.distribution}) of clusters" in said
        assert f"{analysis.model.baseline} baseline" in said


def test_the_shipped_analysis_takes_the_pairs() -> None:
    """It reads 514 rows as two spells of each of 257 patients who share a frailty, and is about the two lines."""
    analysis = br.load_analysis("pfs1_against_pfs2")
    cohort = br.read_cohort("rrmm1-paired-synthetic", analysis)
    assert (len(cohort), cohort.patients, cohort.cluster_numbers.max() + 1) == (514, 257, 257)
    assert cohort.events == 413
    said = br.validate(analysis, cohort)
    assert "Frailty (gamma) of clusters (patient): 257 of 2 rows each, 156 with more than one event" in said
