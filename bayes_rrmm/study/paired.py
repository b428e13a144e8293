"""First-line and second-line PFS of the same patients, as two rows each: the table of the shipped `pfs1_against_pfs2`.

    python -m bayes_rrmm.study.paired                        writes the embedded table again, from `rrmm1-synthetic`
    python -m bayes_rrmm.study.paired patients.csv PAIRS.csv the same of your own patients
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from bayes_rrmm.cohort.columns import column
from bayes_rrmm.cohort.table import table_from_csv

DATA = Path(__file__).parents[1] / "data"
LINES = {"first": ("pfs1_months", "pfs1_event"), "second": ("pfs2_months", "pfs2_event")}
"""Columns of the months and the event of each line's progression-free survival."""


def paired_lines(table: pd.DataFrame) -> pd.DataFrame:
    """Two rows a patient: patient, line (first or second), months from the start of that line, event; every column text.

    `table` has a row a patient with the columns patient, pfs1_months, pfs1_event, pfs2_months and pfs2_event. Values stay as
    they are written, '' where missing. Raises DataError where a column is not there.
    """
    patient = column(table, "patient", "the patients")
    parts = []
    for line, (months, event) in LINES.items():
        values = {
            "patient": patient,
            "line": line,
            "months": column(table, months, f"months of {line}-line PFS"),
            "event": column(table, event, f"event of {line}-line PFS"),
        }
        parts.append(pd.DataFrame(values))
    together = pd.concat(parts).sort_index(kind="stable")
    return together.where(together.notna(), "").reset_index(drop=True)


def csv_bytes(table: pd.DataFrame) -> bytes:
    """The CSV file of `paired_lines` of a table."""
    return paired_lines(table).to_csv(index=False, lineterminator="\n").encode()


def main() -> None:
    """Write the paired table of a table of patients."""
    parser = argparse.ArgumentParser(prog="python -m bayes_rrmm.study.paired", description="PFS1 and PFS2 as two rows a patient.")
    parser.add_argument("table", type=Path, nargs="?", default=DATA / "rrmm1_synthetic.csv", help="a CSV file, one row a patient")
    parser.add_argument("out", type=Path, nargs="?", default=DATA / "rrmm1_paired_synthetic.csv", help="the CSV file to write")
    said = parser.parse_args()
    said.out.write_bytes(csv_bytes(table_from_csv(said.table.read_bytes(), str(said.table))))


if __name__ == "__main__":
    main()
