"""Designs that no model can be fitted to, refused with the names of what is wrong. Source: STATISTICS, section 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.cohort.build import LEVEL_OF_GAPS
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import DataError, listed, nearest
from bayes_rrmm.specification.analysis import Variable


def check_levels(name: str, values: pd.Series[str], declared: Variable | None, missing: str) -> tuple[str, ...]:
    """The levels of a group, the reference first: as declared, or in alphabetical order.

    Raises DataError for a declared level or reference that no analysed row has, or a group of one level.
    """
    of_gaps = LEVEL_OF_GAPS.get(missing)
    present = sorted(set(values.dropna()), key=lambda level: (level == of_gaps, level))
    levels = [str(level) for level in declared.levels] if declared and declared.levels else present
    if of_gaps in present and of_gaps not in levels:
        levels = [*levels, of_gaps]
    if not present:
        raise DataError(f"column {name!r}: no analysed row has a value; take it out of the formula.")
    reference = str(declared.reference) if declared and declared.reference is not None else levels[0]
    if reference not in present:
        raise DataError(
            f"column {name!r}: no analysed row has the reference level {reference!r}; "
            f"choose another in [variables.{name}]; {nearest(reference, present)}"
        )
    empty = [level for level in levels if level not in present]
    if empty:
        raise DataError(
            f"column {name!r}: no analysed row has level {listed(map(repr, empty))}; an empty group has no effect to estimate, "
            f"take it out of levels in [variables.{name}]."
        )
    if len(levels) == 1:
        raise DataError(f"column {name!r} is constant: every analysed row has {levels[0]!r}; take it out of the formula.")
    return (reference, *(level for level in levels if level != reference))


def check_finite(raw: Floats, terms: list[str], rows: NDArray[Any]) -> None:
    """Raise DataError for a design column's first value that is not finite, naming its row and term."""
    bad = np.argwhere(~np.isfinite(raw))
    if len(bad):
        row, column = bad[0]
        raise DataError(
            f"row {rows[row]}, term {terms[column]!r}: its value is not finite (the logarithm of 0 or less, or a polynomial "
            "of too few distinct values?); correct the value, or change the formula."
        )


def check_columns(raw: Floats, labels: list[str], terms: list[str], cohort: Cohort, known: NDArray[np.bool_]) -> None:
    """Raise DataError for values that are not finite, constant columns, and terms that are collinear.

    `known`, of the shape of `raw`, is False where a gap leaves a column's value open.
    """
    check_finite(raw, terms, cohort.row_numbers)
    for index, label in enumerate(labels):
        values = raw[known[:, index], index]
        if not len(values) or np.ptp(values) == 0.0:
            where = "" if len(values) == len(raw) else " where it is known"
            value = f"every value is {values[0]:g}" if len(values) else "there is none"
            raise DataError(
                f"term {terms[index]!r}: its column {label!r} is constant over the {len(values)} analysed rows{where} ({value}), "
                "so it has no effect to estimate; take it out of the formula or merge levels."
            )
    complete = known.all(axis=1)
    if not complete.any() or not raw.shape[1]:
        return
    varies = np.flatnonzero(np.ptp(raw[complete], axis=0) > 0.0)
    if len(varies) and (complete.all() or complete.sum() > len(varies)):
        _check_rank(raw[complete][:, varies], [terms[index] for index in varies])


def _check_rank(raw: Floats, terms: list[str]) -> None:
    spread = raw - raw.mean(axis=0)
    scaled = spread / np.sqrt((spread**2).sum(axis=0))
    _, singular, right = np.linalg.svd(np.linalg.qr(scaled, mode="r"), full_matrices=True)
    rank = int((singular > 1e-9).sum())
    if rank < raw.shape[1]:
        together = np.abs(right[rank:]).max(axis=0) > 1e-6
        involved = dict.fromkeys(term for term, inside in zip(terms, together, strict=True) if inside)
        raise DataError(
            f"collinear: a combination of the columns of {listed(map(repr, involved))} is constant over the {len(raw)} analysed "
            "rows, so their effects cannot be told apart; take a term out of the formula, or make it simpler."
        )
