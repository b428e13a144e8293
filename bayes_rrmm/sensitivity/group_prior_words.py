"""What a small group borrows, in words: pooled beside unpooled, and how far its hazard ratio feels the prior (power-scaling)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bayes_rrmm.rounding import figure_of
from bayes_rrmm.sensitivity.group_figures import Row, ratio
from bayes_rrmm.sensitivity.power_scaling_components import PRIOR
from bayes_rrmm.sensitivity.power_scaling_record import DATA, NOT_COMPUTED
from bayes_rrmm.sensitivity.power_scaling_text import scaling_conclusion, scaling_reading

if TYPE_CHECKING:
    from bayes_rrmm.sensitivity.group_dossier import SmallGroup


def explorer_line(found: SmallGroup) -> str:
    """What the posterior says on the way from the sceptical to the enthusiastic prior; refits that failed are not told."""
    rows = found.explorer[found.explorer["passed"].astype(bool)].to_dict("records")
    told = [
        f"{figure_of(row['centre'], 'ratio')}: {figure_of(row['hr'], 'ratio')} ({figure_of(row['p_below_1'], 'probability')})"
        for row in rows
    ]
    return f"from sceptical to enthusiastic, by the prior's centre HR (P(HR < 1)): {', '.join(told) or 'no refit passed'}"


def shrinkage_lines(found: SmallGroup) -> list[str]:
    """The shrinkage of every level of the group's variable, as its record prints it, indented under a heading."""
    if found.shrinkage is None:
        return []
    first, *rest = str(found.shrinkage).splitlines()
    return [f"Shrinkage:{first.partition(': shrinkage')[2]}", *(f"  {line.strip()}" for line in rest)]


def scaling_lines(found: SmallGroup) -> list[str]:
    """The sensitivity of the group's hazard ratio to prior and likelihood, and one line on everything else reported."""
    row = _scaled(found)
    if row is None or found.power_scaling is None:
        return []
    reading = scaling_reading(row, found.power_scaling.threshold)
    if row["diagnosis"] == NOT_COMPUTED:
        return ["Power-scaling", f"  {found.question.label}: {reading}"]
    return [
        f"Power-scaling (felt from {found.power_scaling.threshold:g}; the prior to the power 0.5 and 2, by reweighing)",
        f"  {found.question.label}: prior {row['prior']:.3f}, data {row['likelihood']:.3f}: {reading}",
        f"  with the prior half as strong {_answer(row, 'half')}, twice as strong {_answer(row, 'twice')}",
        f"  everything reported: {scaling_conclusion(found.power_scaling)}",
    ]


def prior_sentences(found: SmallGroup) -> str:
    """Pooling and power-scaling as the conclusion has them; empty where neither was made."""
    told = []
    row = _shrunk(found)
    if row is not None and found.shrinkage is not None:
        other = "pooled" if found.shrinkage.fitted == "unpooled" else "unpooled"
        fits = found.shrinkage.refits.set_index("fit")["passed"]
        if not bool(fits.get(other, False)):
            told.append(f"With the levels of {found.question.of} {other} nothing is known: that refit failed.")
        elif not math.isnan(row.get(f"{other}_hr", math.nan)):
            level: Row = {name: row[f"{other}_{name}"] for name in ("hr", "lower", "upper")}
            told.append(f"With the levels of {found.question.of} {other} it is {ratio(level)}.")
    scaled = _scaled(found)
    if scaled is not None and scaled["diagnosis"] != NOT_COMPUTED:
        told.append(f"Power-scaling: prior {scaled['prior']:.3f}, data {scaled['likelihood']:.3f} ({_diagnosis(found, scaled)}).")
    return " ".join(told)


def _diagnosis(found: SmallGroup, scaled: Row) -> str:
    """The diagnosis, and how near the limit it was made."""
    if found.power_scaling is None or scaled["diagnosis"] != DATA:
        return str(scaled["diagnosis"])
    limit, noise = found.power_scaling.threshold, found.power_scaling.noise[PRIOR]
    near = ", by less than its noise" if limit - scaled["prior"] <= 2 * noise else ""
    return f"a prior somewhat stronger or weaker is not felt: below {limit:g}{near}"


def _shrunk(found: SmallGroup) -> Row | None:
    if found.shrinkage is None or not found.shrinkage.compared:
        return None
    rows = found.shrinkage.table.to_dict("records")
    return next((row for row in rows if row["level"] == found.question.group), None)


def _scaled(found: SmallGroup) -> Row | None:
    if found.power_scaling is None:
        return None
    rows = found.power_scaling.table.to_dict("records")
    return rows[0] if rows else None


def _answer(row: Row, power: str) -> str:
    level: Row = {name: row[f"{column}_{power}"] for name, column in (("hr", "median"), ("lower", "lower"), ("upper", "upper"))}
    return "needs a refit" if math.isnan(level["hr"]) else ratio(level)
