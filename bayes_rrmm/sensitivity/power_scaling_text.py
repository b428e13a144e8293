"""Power-scaling in words: a line an estimand, what a felt prior does to it, and one conclusion."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.agreement.wording import NAMES
from bayes_rrmm.diagnostics.leave_one_out import TOO_HIGH
from bayes_rrmm.errors import listed
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.sensitivity.power_scaling_components import BASELINE, COVARIATES, EFFECTS, LIKELIHOOD, PRIOR, SPREAD
from bayes_rrmm.sensitivity.power_scaling_record import CANCEL, CONFLICT, DATA, MEANING, NOT_COMPUTED, STRONG, PowerScaling

Row = Mapping[Hashable, Any]
"""A row of the table, by column."""

WORDS = {EFFECTS: "effects", BASELINE: "baseline", SPREAD: "frailty", COVARIATES: "covariates"}
FELT_SHIFT = 0.05
"""Posterior sds below which a component is said to change the width, and not the place."""
HEADINGS = ["estimand", "term", "contrast", "at", "given", "population", "unit"]


def scaling_lines(found: PowerScaling) -> list[str]:
    """The record as printed: a line a quantity, then, under each heading, which of them feel the prior."""
    parts = list(found.parts)
    text = [f"{found.title}: power-scaling of prior and likelihood", *([found.mark] if found.mark else [])]
    label = max(len(_label(row)) for row in found.table.to_dict("records")) + 2
    columns = ["prior", *(WORDS[part] for part in parts), "data"]
    widths = [max(7, len(name) + 1) for name in columns]
    names = "".join(f"{name:>{width}}" for name, width in zip(columns, widths, strict=True))
    text.append(f"  {'':<{label}}{'as analysed':>20}{names}{'prior half as strong':>22}{'twice as strong':>22}")
    for _, rows in found.table.groupby(HEADINGS, sort=False, dropna=False):
        text.append(_heading(rows.iloc[0].to_dict()))
        readings: dict[str, list[str]] = {}
        for row in rows.to_dict("records"):
            measured = (row[PRIOR], *(row[part] for part in parts), row[LIKELIHOOD])
            numbers = "".join(f"{_sensitivity(value):>{width}}" for value, width in zip(measured, widths, strict=True))
            half, twice = (_answer(row, f"_{name}", _missing(found, name)) for name in ("half", "twice"))
            text.append(f"  {_label(row):<{label}}{_answer(row):>20}{numbers}{half:>22}{twice:>22}")
            if row["diagnosis"] != DATA:
                readings.setdefault(scaling_reading(row, found.threshold), []).append(_label(row))
        text += [f"    {listed(labels, 8)}: {reading}" for reading, labels in readings.items()]
    text += [*_legend(found), *(f"Note: {note}" for note in found.notes), f"Conclusion: {scaling_conclusion(found)}"]
    return text


def scaling_reading(row: Row, threshold: float) -> str:
    """What is to be read from one row: the diagnosis, which part of the prior it comes from, and which way each pulls."""
    diagnosis = str(row["diagnosis"])
    if diagnosis == NOT_COMPUTED:
        return f"{diagnosis}, {row['reason']}"
    felt = [WORDS[part] for part in WORDS if not math.isnan(row[part]) and row[part] >= threshold]
    whose = f"prior of {listed(felt)}" if felt else "prior, no part of it alone,"
    if diagnosis == CANCEL:
        return f"{diagnosis} (the {whose} alone is felt)"
    if diagnosis not in (CONFLICT, STRONG):
        return diagnosis
    prior, data = float(row["shift_prior"]), float(row["shift_likelihood"])
    apart = prior * data < 0 and min(abs(prior), abs(data)) >= FELT_SHIFT
    rule = "" if apart or diagnosis == STRONG else " by the rule, though they do not pull apart"
    return f"{diagnosis}{rule} (a stronger {whose} {_way(prior)}, stronger data {_way(data, many=True)})"


def scaling_conclusion(found: PowerScaling) -> str:
    """How many quantities feel the prior, which most, and how far anything would move."""
    table = found.table[found.table["diagnosis"] != NOT_COMPUTED]
    if not len(table):
        return "no quantity could be measured."
    felt = found.flagged
    counted = f"of {len(table)} quantities measured"
    if not len(felt):
        most = table.iloc[int(table[PRIOR].argmax())].to_dict()
        first = f"{counted} none feels the prior (largest sensitivity {most[PRIOR]:.3f}, {_name(most)})"
    else:
        by = [f"{count} {name}" for name, count in felt["diagnosis"].value_counts().items()]
        worst = felt.iloc[0].to_dict()
        verb = "feels" if len(felt) == 1 else "feel"
        first = f"{counted} {len(felt)} {verb} the prior ({listed(by)}), most {_name(worst)} ({worst[PRIOR]:.3f})"
    return f"{first}. {_largest_movement(found, table)}"


def _largest_movement(found: PowerScaling, table: pd.DataFrame) -> str:
    table = table[table["unit"] != "rank"]  # a median rank moves by whole ranks or not at all
    moves = movements(table)
    if moves.isna().all().all():
        worst = max(k[PRIOR] for k in found.pareto_k.values())
        return f"How far the answers would move with the prior half or twice as strong needs refits (Pareto k {worst:.2f})."
    place = int(np.nanargmax(moves.max(axis=1).to_numpy()))
    row, one = table.iloc[place].to_dict(), moves.iloc[place]
    power = str(one.idxmax())
    old, new = (figure_of(row[name], row["unit"], row["contrast"]) for name in ("median", f"median_{power}"))
    gone_by = {name: _missing(found, str(name)) for name in moves if moves[name].isna().all()}
    lacking = [
        f"; the prior {name} as strong {'is improper' if why == 'improper' else 'needs refits'}" for name, why in gone_by.items()
    ]
    text = (
        f"With the prior {power} as strong the answer moves most for {_name(row)}, from {old} to {new}, by {one[power]:.0%} of the "
        f"width of its interval{''.join(lacking)}."
    )
    for name in moves:
        gone = [
            _label(item) for item in table.to_dict("records") if np.isfinite(item["median"]) and np.isinf(item[f"median_{name}"])
        ]
        text += f" With the prior {name} as strong the median of {listed(gone)} is not reached any more." if gone else ""
    return text


def movements(table: pd.DataFrame) -> pd.DataFrame:
    """How far each median moves as a share of the interval's width, on the scale it is measured on; columns half and twice."""
    on_log = (table["scale"] == "log").to_numpy()

    def scaled(name: str) -> np.ndarray[Any, Any]:
        values = table[name].to_numpy(dtype=np.float64)
        with np.errstate(all="ignore"):
            placed = np.where(on_log, np.log(np.where(on_log, values, 1.0)), values)
        return np.where(np.isfinite(placed), placed, np.nan)

    width = scaled("upper") - scaled("lower")
    with np.errstate(all="ignore"):
        return pd.DataFrame(
            {name: np.abs(scaled(f"median_{name}") - scaled("median")) / width for name in ("half", "twice")}, index=table.index
        )


def scaling_sheet(found: PowerScaling) -> pd.DataFrame:
    """The table as a person reads it: figures rounded, a column a part of the prior."""
    rows = []
    for row in found.table.to_dict("records"):
        line = {"quantity": _name(row), "unit": row["unit"], "as analysed": _answer(row), "prior": _sensitivity(row[PRIOR])}
        line |= {WORDS[part]: _sensitivity(row[part]) for part in found.parts}
        line |= {"data": _sensitivity(row[LIKELIHOOD]), "prior half as strong": _answer(row, "_half", _missing(found, "half"))}
        line |= {"twice as strong": _answer(row, "_twice", _missing(found, "twice"))}
        rows.append(line | {"reading": scaling_reading(row, found.threshold)})
    return pd.DataFrame(rows)


def _legend(found: PowerScaling) -> list[str]:
    parts = "; ".join(f"{WORDS[part]}: {listed(names)}" for part, names in found.parts.items())
    text = [
        "Sensitivity: distance between the posterior as it is and with a component twice as strong (its slope, from powers 0.99 "
        f"and 1.01); felt from {found.threshold:g}",
        f"  prior: everything stated; its parts ({parts}); data: the likelihood",
        f"  {found.draws} draws, Pareto k at most {found.near_k:.2f}; what has nothing to do with a component shows "
        f"{found.noise[PRIOR]:.3f} (prior) and {found.noise[LIKELIHOOD]:.3f} (data), which is noise",
        "Half, twice as strong: the prior to the power 0.5 or 2, of a normal prior an sd 1.41 or 0.71 times as large, by reweighing"
        f" the draws ({_ks(found)})",
    ]
    if found.near_k > TOO_HIGH:
        text.append("  Pareto k is too high even for the sensitivities: the draws' tails are too heavy, trust none of them")
    if np.isinf(found.table[["median", "lower", "upper"]].to_numpy(dtype=np.float64)).any():
        text.append("  NR: not reached within the group's follow-up, or the horizon asked for")
    return text + [f"  {name}: {MEANING[name]}" for name in MEANING if (found.table["diagnosis"] == name).any()]


def _ks(found: PowerScaling) -> str:
    told = []
    for name, by_component in found.pareto_k.items():
        k = by_component[PRIOR]
        if math.isinf(k) and _missing(found, name) == "improper":
            told.append(f"{name} is improper: a prior with so heavy a tail has no finite integral to that power")
        else:
            told.append(f"{name} k {k:.2f}" + (": needs a refit" if k > TOO_HIGH else ""))
    return ", ".join(told)


def _heading(row: Row) -> str:
    at: str = "" if pd.isna(row["at"]) else f" at {row['at']:g}"
    given: str = "" if pd.isna(row["given"]) else f" given {row['given']:g}"
    contrast = "" if row["contrast"] in ("none", "") or row["estimand"] == "hazard-ratio" else f" {row['contrast']}"
    about = f" by {row['term']}" if row["term"] else ""
    return f"{NAMES.get(row['estimand'], 'Rank')}{contrast}{at}{given}{about} ({row['unit']}; {row['population']})"


def _label(row: Row) -> str:
    group = str(row["group"] or "all")
    pair = f"{group} / {row['versus']}" if row["versus"] else group
    return f"{pair} | {row['subgroup']}" if row["subgroup"] else pair


def _name(row: Row) -> str:
    at: str = "" if pd.isna(row["at"]) else f" at {row['at']:g}"
    contrast = f" {row['contrast']}" if row["contrast"] not in ("none", "") and row["estimand"] != "hazard-ratio" else ""
    estimand = NAMES.get(row["estimand"], "Rank")
    what = estimand if estimand.isupper() else estimand.lower()
    return f"the {what}{contrast}{at} of {_label(row)}"


def _missing(found: PowerScaling, power: str) -> str:
    """Why there is no answer under a power of the prior."""
    return "improper" if power == "half" and PRIOR in found.improper else "needs a refit"


def _answer(row: Row, suffix: str = "", missing: str = "-") -> str:
    values = [row[f"{name}{suffix}"] for name in ("median", "lower", "upper")]
    if math.isnan(values[0]):
        return missing
    middle, lower, upper = (figure_of(value, row["unit"], row["contrast"]) for value in values)
    return f"{middle} [{lower}, {upper}]"


def _sensitivity(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _way(shift: float, many: bool = False) -> str:
    verb = "change" if abs(shift) < FELT_SHIFT else "raise" if shift > 0 else "lower"
    return f"{verb}{'' if many else 's'} {'its width' if verb == 'change' else 'it'}"
