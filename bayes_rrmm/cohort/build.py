"""A table becomes a Cohort: the endpoint checked, covariates typed, gaps dealt with as the analysis says."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.cohort.clusters import read_clusters, with_checked_clusters
from bayes_rrmm.cohort.columns import DECIMAL_COMMA, column, numbers, refuse_rows
from bayes_rrmm.cohort.landmark import followed_from
from bayes_rrmm.cohort.outcome import read_outcome
from bayes_rrmm.cohort.record import Cohort, Dropped
from bayes_rrmm.errors import DataError, listed
from bayes_rrmm.specification.analysis import Analysis

LEVEL_OF_GAPS = {"level": "unknown", "not-applicable": "not-applicable"}
"""The level that gaps become, by the rule for them."""


def build_cohort(frame: pd.DataFrame, analysis: Analysis, origin: str = "the data") -> Cohort:
    """The cohort of `frame` for `analysis`.

    `frame` has one row a patient (or spell) and at least the columns the analysis names; text or typed values both
    do. Raises DataError naming row, column, value, rule and remedy at the first rule broken.
    """
    if not len(frame):
        raise DataError(f"{origin} has no rows; give a table with one row a patient.")
    frame = frame.reset_index(drop=True)
    rows = np.arange(1, len(frame) + 1, dtype=np.int64)
    frailty = analysis.model.frailty
    outcome = read_outcome(frame, analysis.endpoint, rows, None if frailty is None else frailty.cluster)
    cluster = None if frailty is None else read_clusters(frame, frailty, rows)
    covariates = pd.DataFrame(index=pd.Index(rows, name="row"))
    if analysis.model.landmark is not None:
        outcome = followed_from(analysis.model.landmark, outcome, analysis.endpoint, rows)
    keep, dropped = outcome.keep.copy(), list(outcome.dropped)
    for name in analysis.formula.variables:
        values, gap = _covariate(frame, name, analysis, rows, keep)
        covariates[name] = values
        marginalised = analysis.missing_rule(name) == "marginalise"
        if marginalised and values.dtype == object:
            continue
        if (gap & keep).any():
            reason = f"{name} is missing" + (", and is continuous: only groups are marginalised" if marginalised else "")
            dropped.append(Dropped(reason, tuple(int(row) for row in rows[gap & keep])))
            keep &= ~gap
    cohort = Cohort(
        endpoint=analysis.endpoint,
        time=outcome.time[keep],
        event=outcome.event[keep],
        entry=outcome.entry[keep],
        weight=outcome.weight[keep],
        covariates=covariates.loc[keep],
        id=None if outcome.id is None else outcome.id[keep],
        cluster=None if cluster is None else cluster[keep],
        rows_read=len(frame),
        dropped=tuple(dropped),
        notes=outcome.notes,
        origin=origin,
    )
    _check_whole(cohort)
    _check_gaps(cohort)
    return cohort if frailty is None else with_checked_clusters(cohort, frailty, analysis.model.landmark)


def _check_whole(cohort: Cohort) -> None:
    if not len(cohort):
        reasons = "; ".join(f"{len(item.rows)} because {item.reason}" for item in cohort.dropped)
        raise DataError(f'every row was left out ({reasons}); complete those columns, or set missing = "level".')
    if cohort.events == 0:
        raise DataError(
            f"column {cohort.endpoint.event!r}: all {len(cohort)} analysed rows are censored, "
            "so the data say nothing of the hazard; check the coding (1 = event), or wait for events."
        )


def _check_gaps(cohort: Cohort) -> None:
    """A gap is one unknown value: the spells of a subject would each have their own."""
    if cohort.id is None or len(np.unique(cohort.id)) == len(cohort):
        return
    gaps = ~cohort.is_complete()
    if gaps.any():
        raise DataError(
            f"row {cohort.row_numbers[gaps][0]} has a gap in a covariate to be marginalised, and rows are spells of one subject: "
            'its one unknown value would be several; set missing = "drop" or "level" for it, or complete the covariate.'
        )


def _covariate(
    frame: pd.DataFrame, name: str, analysis: Analysis, rows: NDArray[np.int64], keep: NDArray[np.bool_]
) -> tuple[NDArray[np.object_] | NDArray[np.float64], NDArray[np.bool_]]:
    """The typed values of one covariate, and which rows are left out for a gap in it."""
    text = column(frame, name, "a covariate")
    gap = text.isna().to_numpy()
    declared = analysis.variables.get(name)
    levels = [str(level) for level in declared.levels] if declared and declared.levels else None
    rule = analysis.missing_rule(name)
    functions = any(f.is_function for term in analysis.formula.terms for f in term.factors if f.variable == name)
    typed_as_group = isinstance(frame[name].dtype, pd.CategoricalDtype)
    grouped = typed_as_group or levels is not None or (declared is not None and declared.reference is not None)
    if grouped or (not functions and not (declared and declared.per) and not _looks_numeric(text)):
        return _groups(text, name, levels, rule, gap, rows, keep)
    values = numbers(text, name, "a continuous covariate", rows)
    if declared and declared.missing not in (None, "drop"):
        raise DataError(
            f'column {name!r} is continuous, so missing = "{declared.missing}" has no meaning for it; '
            f'set missing = "drop" in [variables.{name}], or make it a group by listing its levels there.'
        )
    return values, gap


def _groups(
    text: pd.Series[str],
    name: str,
    levels: list[str] | None,
    rule: str,
    gap: NDArray[np.bool_],
    rows: NDArray[np.int64],
    keep: NDArray[np.bool_],
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    if levels is None:
        distinct = text[keep].nunique()
        if distinct > max(20, len(text) // 4):
            raise DataError(
                f"column {name!r} has {distinct} different texts in {len(text)} rows: too many for a group; "
                f"correct it to numbers, or list its levels in [variables.{name}]."
            )
    else:
        own = [LEVEL_OF_GAPS[rule]] if rule == "not-applicable" else []
        refuse_rows(
            ~gap & ~text.isin([*levels, *own]).to_numpy(dtype=bool),
            text,
            name,
            f"it is not one of the declared levels ({listed(levels, 12)})",
            f"correct the value, or add it to levels in [variables.{name}]",
            rows,
        )
    if rule in LEVEL_OF_GAPS and gap.any():
        level = LEVEL_OF_GAPS[rule]
        if rule == "level" and (text == level).any():
            raise DataError(
                f"column {name!r} has gaps and also a level {level!r}, which gaps would become; rename the level, or drop the gaps."
            )
        return text.where(~pd.Series(gap), level).to_numpy(dtype=object), np.zeros(len(text), dtype=bool)
    return text.to_numpy(dtype=object), gap


def _looks_numeric(text: pd.Series[str]) -> bool:
    """At least half of the values given are numbers: then the others are mistakes, not groups. A decimal comma is one."""
    counts = text.value_counts()
    values = counts.index.to_series()
    numeric = pd.to_numeric(values, errors="coerce").notna() | values.str.fullmatch(DECIMAL_COMMA)
    return bool(len(counts)) and bool(counts[numeric.astype(bool)].sum() >= 0.5 * counts.sum())
