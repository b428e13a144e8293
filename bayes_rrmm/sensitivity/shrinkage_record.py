"""Shrinkage as a record: its table, its text, and where it ends up."""

from __future__ import annotations

import html
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.errors import listed
from bayes_rrmm.rounding import figure_of

COX, FIRTH = "cox", "firth"
LEVELS = ["level", "versus", "subgroup", "patients", "events"]
WORDS = {COX: "Cox", FIRTH: "Firth", "unpooled": "unpooled", "pooled": "pooled", "horseshoe": "horseshoe"}
TYPICAL = 0.954
"""The median of |a - b| of two standard normals: a typical pair of groups differs by a factor of exp(0.954 tau)."""

Row = Mapping[Hashable, Any]


@dataclass(frozen=True)
class Spread:
    """tau, the sd of log hazards between groups (of two groups crossed, of cells beyond both main effects): median and limits,
    and median and limits of its half-normal prior of scale `prior_sd`."""

    median: float
    lower: float
    upper: float
    prior_sd: float
    prior: tuple[float, ...]


@dataclass(frozen=True, repr=False)
class Shrinkage:
    """`table` has a row a level of `of` (with `by`, a cell): patients, events, then hazard ratios against `versus` with limits
    by Cox, Firth's Cox and each Bayesian fit of `kinds`.

    `<kind>_shrinkage` is 1 - log HR / log HR unpooled, `<kind>_width_ratio` the width of its interval of log HR over the
    unpooled one; `<kind>_from_mean` how far the level's log hazard is from the mean of all levels (of a cell: its log HR from
    the mean over subgroups) and `<kind>_shrinkage_to_mean` what of that distance is lost. A share is NaN where the unpooled
    effect is within a quarter of its sd of nothing. `fitted` names the fit that was given, `refits` has the diagnostics of
    every fit; `tau` is None where nothing could be pooled.
    """

    title: str
    term: str
    of: str
    versus: str
    by: str
    fitted: str
    kinds: tuple[str, ...]
    prob: float
    table: pd.DataFrame
    tau: Spread | None
    unpooled_prior: str
    refits: pd.DataFrame
    notes: tuple[str, ...] = ()
    mark: str = ""

    @property
    def passed(self) -> bool:
        """Whether every fit passed its diagnostics."""
        return bool(self.refits["passed"].all()) and not self.mark

    @property
    def compared(self) -> list[str]:
        """The fits that are compared with the unpooled one; none where that, or they, could not be made."""
        return [kind for kind in self.kinds if kind != "unpooled"] if "unpooled" in self.kinds else []

    @property
    def conclusion(self) -> str:
        """What pooling did, to whom most, and whether it changes what the intervals say."""
        if not self.compared:
            return f"{self.term}: no pooled and unpooled fit to compare; {listed(self.notes)}"
        return " ".join(_conclusion(self, kind) for kind in self.compared)

    def to_dataframe(self) -> pd.DataFrame:
        """The table."""
        return self.table

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def _repr_html_(self) -> str:
        mark = f"<p><strong>{html.escape(self.mark)}</strong></p>" if self.mark else ""
        sheet = pd.DataFrame([_cells(self, row) for row in self.table.to_dict("records")]).to_html(index=False)
        below = "".join(f"<p>{html.escape(line)}</p>" for line in _below(self))
        return f"{mark}<p>{html.escape(_title(self))}</p>{sheet}{below}"


def _title(found: Shrinkage) -> str:
    each = f", in each {found.by}" if found.by else ""
    given = f"the fit given is {_called(found.fitted)}"
    return f"{found.title}: shrinkage of {found.term}, hazard ratios against {found.versus}{each} ({given})"


def _lines(found: Shrinkage) -> list[str]:
    sheet = [_cells(found, row) for row in found.table.to_dict("records")]
    heads = list(sheet[0])
    widths = [max(len(head), *(len(row[head]) for row in sheet)) + 2 for head in heads]
    rows = [dict(zip(heads, heads, strict=True)), *sheet]
    text = [_title(found), *([found.mark] if found.mark else [])]
    for row in rows:
        first, *rest = (row[head].rjust(width) for head, width in zip(heads, widths, strict=True))
        text.append(f"  {row[heads[0]].ljust(len(first))}{''.join(rest)}".rstrip())
    return [*text, *_below(found)]


def _cells(found: Shrinkage, row: Row) -> dict[str, str]:
    """One row as a person reads it."""
    cells = {"level": _label(row), "patients": f"{row['patients']:g}", "events": f"{row['events']:g}"}
    reference = row["level"] == found.versus
    for method in (COX, FIRTH, *found.kinds):
        missing = "no finite estimate" if method == COX and "no finite" in row["note"] else "-"
        cells[WORDS[method]] = "1" if reference else _ratio(row, method, missing)
    for kind in found.compared:
        name = f" ({kind})" if len(found.compared) > 1 else ""
        cells[f"shrunk{name}"] = _share(row[f"{kind}_shrinkage"])
        width = row[f"{kind}_width_ratio"]
        cells[f"width{name}"] = "" if math.isnan(width) else f"x {width:.2f}"
        cells[f"to the mean{name}"] = _share(row[f"{kind}_shrinkage_to_mean"])
    return cells


def _below(found: Shrinkage) -> list[str]:
    text = _legend(found) if found.compared else []
    if found.unpooled_prior:
        text.append(f"unpooled: {found.unpooled_prior}, which shrinks by itself; Cox has no prior, Firth a weak one (Jeffreys')")
    if found.tau is not None:
        tau, beyond = found.tau, " beyond the main effects" if found.by else ""
        pair = f"a typical pair of {'cells' if found.by else 'groups'}"
        middle, lower, upper = (f"{math.exp(TYPICAL * value):.2f}" for value in (tau.median, tau.lower, tau.upper))
        text.append(
            f"tau {tau.median:.2f} [{tau.lower:.2f}, {tau.upper:.2f}]: {pair} differs by a factor of {middle} [{lower}, {upper}]"
            f"{beyond}; its prior, half-normal({tau.prior_sd:g}), says tau {tau.prior[0]:.2f} "
            f"[{tau.prior[1]:.2f}, {tau.prior[2]:.2f}]"
        )
    bad = found.refits[~found.refits["passed"].astype(bool)]
    text += [f"DIAGNOSTICS FAILED in the {row['fit']} fit: {row['failed']}" for row in bad.to_dict("records")]
    told = [row for row in found.table.to_dict("records") if row["note"] and row["level"] != found.versus]
    text += [f"Note: {note}" for note in (*found.notes, *(f"{_label(row)}: {row['note']}" for row in told))]
    return [*text, f"Conclusion: {found.conclusion}"]


def _legend(found: Shrinkage) -> list[str]:
    mean = "the mean over subgroups of the same log HR" if found.by else "the mean log hazard of all levels"
    own = found.table[found.table["level"] == found.versus]
    outwards = any((own[f"{kind}_shrinkage_to_mean"] < 0).any() for kind in found.compared)
    return [
        "shrunk: 1 - log HR / log HR unpooled, - where the latter is within a quarter of its sd of 0; may leave 0 to 100%, since "
        f"{'the main effects move' if found.by else f'{found.versus} moves'} too",
        "width: of the interval of log HR, against unpooled",
        f"to the mean: what is lost of the distance from {mean}, towards which pooling draws"
        + (f"; below 0 for {found.versus}: the unpooled prior draws every other level towards the reference" if outwards else ""),
    ]


def _conclusion(found: Shrinkage, kind: str) -> str:
    name = f"{kind}_shrinkage_to_mean"
    table = found.table[found.table[name].notna()]
    of = "cells" if found.by else "groups"
    if not len(table):
        return f"{kind.capitalize()}: no effect of {found.term} is far enough from the others to speak of shrinkage."
    most, least = (table.iloc[int(place)].to_dict() for place in (table[name].argmax(), table[name].argmin()))
    widths = found.table[f"{kind}_width_ratio"].dropna()
    lost = f"{_share(float(np.median(table[name])))} of their distance from the mean (median over {len(table)} {of})"
    text = (
        f"{WORDS[kind].capitalize()} effects lose {lost}, "
        f"from {_share(least[name])} ({_who(least)}) to {_share(most[name])} ({_who(most)}); intervals of the hazard ratios are "
        f"x {widths.min():.2f} to x {widths.max():.2f} as wide."
    )
    changed = [_who(row) for row in found.table.to_dict("records") if _clears(row, "unpooled") != _clears(row, kind)]
    if not changed:
        return f"{text} It changes for none of them whether the interval clears 1."
    return f"{text} It changes whether the interval clears 1 for {listed(changed)}."


def _clears(row: Row, kind: str) -> bool:
    lower, upper = row[f"{kind}_lower"], row[f"{kind}_upper"]
    return bool(lower > 1 or upper < 1)


def _who(row: Row) -> str:
    return f"{_label(row)}, {row['events']:g} event{'' if row['events'] == 1 else 's'}"


def _label(row: Row) -> str:
    return f"{row['level']} | {row['subgroup']}" if row["subgroup"] else str(row["level"])


def _called(kind: str) -> str:
    return "under a horseshoe" if kind == "horseshoe" else kind


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0%}"


def _ratio(row: Row, method: str, missing: str) -> str:
    values = [row[f"{method}_{name}"] for name in ("hr", "lower", "upper")]
    if math.isnan(values[0]):
        return missing
    return "{} [{}, {}]".format(*(figure_of(value, "ratio") if math.isfinite(value) else "inf" for value in values))
