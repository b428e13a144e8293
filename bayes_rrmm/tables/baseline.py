"""Table 1: who was analysed, by group, with what is missing; and who was left out."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from bayes_rrmm.results import Results, Source, results_of
from bayes_rrmm.rounding import figure_of, measure_of, percent_of, spread_figure_of
from bayes_rrmm.tables.baseline_data import EVENTS, EVERYONE, FOLLOW_UP, PATIENTS, PERSON_TIME, UNKNOWN, frame_of
from bayes_rrmm.tables.line import Line
from bayes_rrmm.tables.patients import Patients, group_of, patients_of
from bayes_rrmm.tables.table import Table
from bayes_rrmm.tables.wording import caption

FOLLOWED = "Follow-up by reverse Kaplan-Meier"


def baseline(source: Source, by: str | None = None, data: pd.DataFrame | None = None, columns: list[str] | None = None) -> Table:
    """Characteristics of the analysed patients, by the groups of `by` (default: the formula's first group) and of everyone.

    A patient counts once, as often as the weight says, and is described by the first row, however many spells there are. Of
    levels: n and the percentage of those in whom they are known; of numbers: median with quartiles, mean and sd; then how many
    are missing. The formula's covariates are there; `columns` adds others, from `data`, the table the cohort was read from.
    There are no p values: the groups of a cohort are known to differ, a test of it says how many patients there are, and none
    makes them comparable; the sizes of the differences do the telling (STROBE, Vandenbroucke et al. 2007, item 14a). Raises
    FitError where the analysed rows are not at hand, DataError where `data` are other rows or a column is no characteristic.
    """
    results, patients, by = _read(source, by, data, columns)
    frame = frame_of(patients, by)
    groups = list(dict.fromkeys(frame["group"]))
    lines = [line for _, rows in frame.groupby("characteristic", sort=False) for line in _lines(rows, groups, patients)]
    heads = ("Characteristic", *({EVERYONE: "All", UNKNOWN: "Unknown"}.get(group, group) for group in groups))
    title = caption(f"Patients by {by}" if by else "Patients", results)
    notes = _notes(results, patients, by, frame)
    return Table("baseline", title, heads, tuple(lines), "l" + "r" * len(groups), notes, results.mark)


def baseline_data(
    source: Source, by: str | None = None, data: pd.DataFrame | None = None, columns: list[str] | None = None
) -> pd.DataFrame:
    """The numbers of `baseline` unrounded, a row a characteristic, level and group: characteristic, level, group, n, percent,
    missing, median, q1, q3, mean, sd, lower, upper (of the follow-up, 95 %), total (events, or time at risk in its unit).

    The group '' is everyone, `(unknown)` those whose group is not known; the characteristics `(patients)`, `(events)`,
    `(person-time)` and `(follow-up)` are no columns. n is of patients, weights counted. Raises what `baseline` raises.
    """
    _, patients, by = _read(source, by, data, columns)
    return frame_of(patients, by)


def _read(
    source: Source, by: str | None, data: pd.DataFrame | None, columns: list[str] | None
) -> tuple[Results, Patients, str | None]:
    results = results_of(source)
    patients = patients_of(results, data, columns)
    groups = results.fit.plan.encoding.groups
    by = group_of(patients, by) if by is not None else groups[0].name if groups else None
    return results, patients, by


def _lines(rows: pd.DataFrame, groups: list[str], patients: Patients) -> list[Line]:
    """The lines of one characteristic, a cell a group."""
    name, unit = str(rows["characteristic"].iloc[0]), patients.cohort.unit
    cells = {(row["level"], row["group"]): row for _, row in rows.iterrows()}
    each = [cells["", group] for group in groups] if ("", EVERYONE) in cells else []
    if name == PATIENTS:
        return [_line("Patients", [measure_of(row["n"], "count") for row in each])]
    if name == PERSON_TIME:
        return [_line(f"Time at risk, {unit}", [figure_of(row["total"], unit) for row in each])]
    if name == FOLLOW_UP:
        middle = _line("Median", [figure_of(row["median"], unit) for row in each], 1)
        return [Line.heading(f"{FOLLOWED}, {unit}"), middle, _line("95% interval", [_limits(row, unit) for row in each], 1)]
    if name == EVENTS:
        lines = [_line(f"{patients.cohort.endpoint.name} event, n (%)", [_share(row) for row in each])]
        several = [measure_of(row["total"], "count") for row in each] if (rows["total"] != rows["n"]).any() else []
        return [*lines, *([_line("Events", several)] if several else [])]
    if patients.is_group(name):
        heading = [Line.heading(f"{name}, n (%)")]
        body = [_line(level, [_share(cells[level, group]) for group in groups], 1) for level in patients.levels[name]]
        each = [cells[patients.levels[name][0], group] for group in groups]
    else:
        heading = [Line.heading(name)]
        body = [
            _line("Median (quartiles)", [_quartiles(row) for row in each], 1),
            _line("Mean (sd)", [_mean(row) for row in each], 1),
        ]
    missing = [_line("Missing, n", [measure_of(row["missing"], "count") for row in each], 1)]
    return [*heading, *body, *(missing if (rows["missing"] > 0).any() else [])]


def _line(name: str, cells: list[str], indent: int = 0) -> Line:
    return Line((name, *cells), indent)


def _share(row: pd.Series[Any]) -> str:
    """A number of patients, and their percentage of those known."""
    whole = row["n"] / (row["percent"] / 100) if row["percent"] > 0 else float(not pd.isna(row["percent"]))
    return f"{measure_of(row['n'], 'count')} ({percent_of(row['n'], whole)})"


def _quartiles(row: pd.Series[Any]) -> str:
    middle, low, high = (spread_figure_of(row[name], row["sd"]) for name in ("median", "q1", "q3"))
    return middle if middle == "-" else f"{middle} ({low} to {high})"


def _mean(row: pd.Series[Any]) -> str:
    mean, sd = (spread_figure_of(row[name], row["sd"]) for name in ("mean", "sd"))
    return mean if mean == "-" else f"{mean} ({sd})"


def _limits(row: pd.Series[Any], unit: str) -> str:
    low, high = (figure_of(row[name], unit) for name in ("lower", "upper"))
    return low if low == high == "-" else f"{low} to {high}"


ROWS_LISTED = re.compile(r": \d+(, \d+)*( and \d+ more)?\.$")
"""The rows that a note of the cohort ends with: a table is read by others than those who hold the data."""


def _notes(results: Results, patients: Patients, by: str | None, frame: pd.DataFrame) -> tuple[str, ...]:
    """What the numbers are of, who was left out and why, and what a row of the data stands for."""
    cohort, analysis = patients.cohort, results.fit.analysis
    notes = _left_out(results, patients)
    if patients.levels.keys() - {by}:
        known = (frame["missing"] > 0).any()
        notes.append("Percentages are of the patients in whom the characteristic is known." if known else "No value is missing.")
    notes.append("No p values: a test of baseline differences answers no question here (STROBE, item 14a).")
    if analysis.model.landmark is not None:
        notes.append(f"Followed from the landmark of {analysis.model.landmark:g} {cohort.unit}.")
    elif cohort.has_delayed_entry:
        notes.append("Some come under observation late: they are at risk from their entry, and time is counted from time 0.")
    changing = patients.changes
    if changing:
        notes.append(f"Patients are described as they came under observation; later spells differ in {', '.join(changing)}.")
    if cohort.cluster is not None and cohort.id is None:
        notes.append("Each row counts as a patient: the analysis shares a frailty between rows, and names no column of patients.")
    if (frame["median"] == float("inf")).any() or (frame["upper"] == float("inf")).any():
        notes.append("NR: not reached.")
    if frame["median"][frame["characteristic"] == FOLLOW_UP].isna().any():
        notes.append("Follow-up is not estimated (-) where entry is late and ten patients are never at risk together.")
    return (*notes, *(ROWS_LISTED.sub(".", note) for note in cohort.notes))


def _left_out(results: Results, patients: Patients) -> list[str]:
    """Rows read and analysed, and the reasons for which the others were left out. A run folder's rows have lost them: then from its
    provenance."""
    cohort, record = patients.cohort, results.fit.provenance.get("data", {})
    dropped = {item.reason: len(item.rows) for item in cohort.dropped}
    read = cohort.rows_read
    if record.get("fingerprint") == cohort.fingerprint:
        dropped, read = {item["reason"]: item["rows"] for item in record["dropped"]}, record["rows_read"]
    rows = f"{len(cohort)} rows analysed of {read} read"
    spells = f", spells of {cohort.patients:g} patients" if len(cohort) != cohort.patients and cohort.id is not None else ""
    weights = f", which stand for {cohort.patients:g} patients" if cohort.endpoint.weight is not None else ""
    reasons = "; ".join(f"{count} left out: {reason}" for reason, count in dropped.items())
    return [f"{rows}{spells}{weights}; {reasons}." if reasons else f"{rows}{spells}{weights}; none left out."]
