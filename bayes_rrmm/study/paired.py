"""First-line and second-line PFS of the same patients, as two rows each: the table of the shipped `pfs1_against_pfs2`.

    python -m bayes_rrmm.study.paired                        writes the embedded table again, from `rrmm1-synthetic`
    python -m bayes_rrmm.study.paired patients.csv PAIRS.csv the same of your own patients
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from bayes_rrmm.cohort.table import table_from_csv
from bayes_rrmm.study.lines import paired_lines

DATA = Path(__file__).parents[1] / "data"


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
