"""Rows about the study itself: its size, calendar, regimens and follow-up."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd

from bayes_rrmm.errors import DataError
from bayes_rrmm.published_record import Published
from bayes_rrmm.study import frequentist_side
from bayes_rrmm.study.row import NOTHING, Answer, Row
from bayes_rrmm.study.sources import Source, outcome_of

STARTS = "second_line_start"
SECTION = "The study"


def study_rows(source: Source, published: Published) -> list[Row]:
    """Patients, enrolment, data cut-off, regimens, follow-up: as far as they are published, and the data can tell."""
    study = published.study
    rows = []
    if study.n is not None:
        rows.append(Row(SECTION, "", "patients", "", "patients", Answer(float(study.n)), Answer(float(len(source.table)))))
    if study.regimens:
        rows.append(_regimens(source, study.regimens))
    if STARTS in source.table:
        rows += _calendar(source, published)
    if study.median_follow_up is not None:
        rows.append(follow_up_row(source, study.median_follow_up))
    for item in published.not_reached:
        if item.follow_up is not None:
            rows.append(follow_up_row(source, item.follow_up[1], item.follow_up[0]))
    return rows


def follow_up_row(source: Source, published: float, regimen: str = "") -> Row:
    """Median follow-up from initial treatment, of everyone or of one regimen; a note has that from second line."""
    table = source.of_level("regimen", regimen) if regimen else source.table
    found = _follow_up(source, table, "os")
    other = _follow_up(source, table, "os2")
    note = f"reverse Kaplan-Meier from initial treatment; from second line it is {other.shown('months')} months"
    return Row(SECTION, "", "median follow-up", regimen, "months", Answer(published), found, note=note)


def _follow_up(source: Source, table: pd.DataFrame, endpoint: str) -> Answer:
    return frequentist_side.follow_up(source.outcome(endpoint, table)) if len(table) else NOTHING


def _regimens(source: Source, published: tuple[str, ...]) -> Row:
    found, named = set(source.text("regimen", "the regimen").dropna()), set(published)
    notes = [
        f"{what}: {', '.join(sorted(names))}"
        for what, names in (("not in the data", named - found), ("only in the data", found - named))
        if names
    ]
    common = Answer(float(len(found & named)))
    return Row(SECTION, "", "regimens", "", "levels", Answer(float(len(named))), common, note="; ".join(notes))


def _calendar(source: Source, published: Published) -> list[Row]:
    """Enrolment against the second-line starts, the cut-off against the latest follow-up; months are year x 12 + month - 1."""
    study = published.study
    started = source.text(STARTS, "the month of second-line start")
    months = np.array([_month_number(row, text) for row, text in enumerate(started, start=1)])
    known = months[~np.isnan(months)]
    if not len(known):
        return []
    rows = []
    first, last = float(known.min()), float(known.max())
    if study.enrolled is not None:
        window = [_number(study.enrolled.from_), _number(study.enrolled.to)]
        for name, at, value in (("enrolled from", 0, first), ("enrolled to", 1, last)):
            found = Answer(value, window[0], window[1], text=_shown(value))
            shown = Answer(window[at], text=_shown(window[at]))
            rows.append(Row(SECTION, "", name, "", "calendar", shown, found, note="months of second-line start"))
    _, time, _ = outcome_of("os2")
    if study.data_cutoff is not None and time in source.table:
        ends = months + pd.to_numeric(source.text(time, "follow-up from second line")).to_numpy(dtype=np.float64)
        latest, limit = float(np.nanmax(ends)), _end(study.data_cutoff)
        found = Answer(latest, 0.0, limit, text=_shown(math.ceil(latest) - 1))
        shown = Answer(limit, text=study.data_cutoff.isoformat())
        note = "latest follow-up; starts are known to the month"
        rows.append(Row(SECTION, "", "data cut-off", "", "calendar", shown, found, note=note))
    return rows


def _month_number(row: int, text: str | None) -> float:
    if text is None or pd.isna(text):
        return math.nan
    try:
        return _number(text)
    except ValueError:
        raise DataError(
            f"row {row}, column {STARTS!r} is {text!r}: it must be a month (2019-07) or a day (2019-07-15); "
            "correct it, or leave it empty."
        ) from None


def _number(text: str) -> float:
    day = date.fromisoformat(text[:10] if len(text) > 7 else f"{text}-01")
    return float(day.year * 12 + day.month - 1)


def _end(day: date) -> float:
    """The end of a day, in months: that of the last day of a month is the beginning of the next."""
    last = date.fromordinal(day.toordinal() + 1).month != day.month
    return float(day.year * 12 + day.month - 1) + (1.0 if last else day.day / 31.0)


def _shown(month: float) -> str:
    return f"{int(month) // 12}-{int(month) % 12 + 1:02d}"
