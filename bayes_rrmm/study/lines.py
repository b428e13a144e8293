"""First-line and second-line PFS of the same patients as two rows each, of a table that has a row a patient."""

from __future__ import annotations

import pandas as pd

from bayes_rrmm.cohort.columns import column

LINES = {"first": ("pfs1_months", "pfs1_event"), "second": ("pfs2_months", "pfs2_event")}
"""Columns of the months and the event of each line's progression-free survival."""


def paired_lines(table: pd.DataFrame) -> pd.DataFrame:
    """Two rows a patient, which the shipped analysis `pfs1_against_pfs2` takes: patient, line, months, event; every column text.

    `table` has a row a patient with the columns patient, pfs1_months, pfs1_event, pfs2_months and pfs2_event. `line` is first or
    second, and months count from the start of that line. Values stay as they are written, '' where missing. A line of which
    neither months nor event are known was not given, and has no row; where one of the two is missing the row stays, and is
    refused when it is read. Raises DataError where a column is not there.
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
        parts.append(pd.DataFrame(values).dropna(subset=["months", "event"], how="all"))
    together = pd.concat(parts).sort_index(kind="stable")
    return together.where(together.notna(), "").reset_index(drop=True)
