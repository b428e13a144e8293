"""Baselines, follow-up and immortal time of a small group's dossier in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayes_rrmm.errors import listed
from bayes_rrmm.evidence.words import percent
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.sensitivity.group_baselines import name_of
from bayes_rrmm.sensitivity.group_figures import Row, below, mark, ratio, span

if TYPE_CHECKING:
    from bayes_rrmm.sensitivity.group_dossier import SmallGroup


def baseline_lines(found: SmallGroup) -> list[str]:
    """A line a baseline: the refit, how far it moves, maximum likelihood; then where the priors and the hazards are the prior's."""
    rows = _named(found.baselines)
    if not rows:
        return []
    text = ["Baselines, each by refit (maximum likelihood beside; a random walk's is not smoothed)"]
    for row in rows:
        ml = _ratio_of(row, "ml")
        beside = f"  ML {ml}" if ml != "-" else ""
        text.append(f"  {row['name']:<44}{ratio(row):>20}  {below(row)}  {_shift(row):<10}{beside}{mark(row)}".rstrip())
    notes: dict[str, list[str]] = {}
    for row in rows:
        prior = "" if row["prior"] in ("", "as analysed") else f"prior of the baseline: {row['prior']}"
        for note in (row["note"], prior):
            if note:
                notes.setdefault(note, []).append(row["name"])
    return text + [f"  {listed(names, 3)}: {note}" for note, names in notes.items()]


def follow_up_lines(found: SmallGroup) -> list[str]:
    """A line a reading of follow-up: who is in it, the refit, Cox; then what the group's immortal time does."""
    rows = found.follow_up.to_dict("records")
    if not rows:
        return []
    text = [f"Follow-up: from when, and for whom, time counts, by refit and Cox (patients/events of {found.question.label})"]
    for row in rows:
        sizes = f"{row['patients']:g}/{row['events']:g} to {row['others']:g}/{row['other_events']:g}"
        p = "" if math.isnan(row["p_cox"]) else f" p {figure_of(row['p_cox'], 'p')}"
        cox = f"{row['method']} {_ratio_of(row, 'cox')}{p}" if row["method"] else ""
        bayes = f"{ratio(row):>20}  {below(row)}" if not math.isnan(row["hr"]) else f"{'-':>20}  {'':<16}"
        later = row["moved"] if not math.isnan(row["landmark"]) else 0
        moved = f"{later:g} treated later counted as {found.question.versus}" if later else ""
        note = "".join(f"; {part}" for part in (moved, row["note"]) if part)
        text.append(f"  {row['reading']:<16}{sizes:>22} {bayes}  {cox}{note}{mark(row)}".rstrip())
    return text + [f"  {line}" for line in _meaning(found)]


def _meaning(found: SmallGroup) -> list[str]:
    """What delayed entry and the time-dependent group are, and what the months before treatment do."""
    if not len(found.immortal):
        return []
    group, versus = (f"{found.question.of} = {level}" for level in (found.question.group, found.question.versus))
    first = found.immortal.to_dict("records")[0]
    unit = first["unit"]
    lines = [
        f"delayed entry: patients of {group} are at risk from treatment on, and their time before it counts for nobody; "
        f"time-dependent: it counts for {versus}",
        f"immortal time: {group} had {figure_of(first['immortal_time'], unit)} person-{unit} before treatment, "
        f"{percent(first['share'])} of its {figure_of(first['group_time'], unit)}; nobody in it could have the event then",
    ]
    for row in found.immortal.to_dict("records"):
        if math.isnan(row["difference"]):
            continue
        what = "posterior sds" if row["method"] == "posterior" else "standard errors"
        naive, later = (figure_of(row[name], "ratio") for name in ("naive", "delayed"))
        lines.append(
            f"  counted for {group} ({row['method']}): HR {naive}, without it {later}; "
            f"ratio {figure_of(row['ratio'], 'ratio')}, {row['difference']:+.2f} on log HR, {row['in_se']:+.2f} {what}"
        )
    return lines


def model_sentences(found: SmallGroup, yes: bool) -> str:
    """What baselines and follow-up do to the answer, each with the span of its numbers; empty where neither was asked."""
    sentences = []
    rows = [row for row in _named(found.baselines)[1:] if _counts(row)]
    if rows:
        most = max(rows, key=lambda row: abs(row["shift"]))
        turned = [row["name"] for row in rows if _turns(found, row, yes)]
        what = f"{listed(turned)} would turn the answer" if turned else "none turns the answer"
        sentences.append(
            f"Of {len(rows)} other baselines {what} (HR {_hrs(rows)}, {_asked(found)} {_spanned(found, rows)}; "
            f"{most['name']} moves it most, by {most['shift']:+.1f} sd)."
        )
    others = [row for row in found.follow_up.to_dict("records")[1:] if _counts(row)]
    if others:
        turned = [row["reading"] for row in others if _turns(found, row, yes)]
        what = f"{listed(turned)} would turn the answer" if turned else "none of them turns the answer"
        names = listed([row["reading"] for row in others])
        sentences.append(f"Under {names} it is {_hrs(others)} ({_asked(found)} {_spanned(found, others)}): {what}.")
    if len(found.immortal):
        row = found.immortal.to_dict("records")[0]
        time = f"{figure_of(row['immortal_time'], row['unit'])} immortal person-{row['unit']}"
        sentences.append(
            f"Its patients' {time} change the hazard ratio by a factor of {figure_of(row['ratio'], 'ratio')} "
            f"({row['in_se']:+.2f} posterior sds): read the one with delayed entry, or by time-dependent group, "
            "before the one as analysed."
        )
    return " ".join(sentences)


def turned_by_model(found: SmallGroup, yes: bool) -> list[str]:
    """The baselines and readings of follow-up under which the answer is another."""
    rows = [(row["name"], row) for row in _named(found.baselines)[1:]]
    rows += [(row["reading"], row) for row in found.follow_up.to_dict("records")[1:]]
    return [name for name, row in rows if _counts(row) and _turns(found, row, yes)]


def _named(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """The rows of the baselines, each with a name; the first is the analysis' own."""
    rows = table.to_dict("records")
    for index, row in enumerate(rows):
        name = name_of(row["baseline"], row["cuts"], int(row["intervals"]), row["smoothing"])
        row["name"] = f"{name} (as analysed)" if index == 0 else name
    return rows


def _counts(row: Row) -> bool:
    """Whether there is a refit, and it passed."""
    return bool(row["passed"]) and not math.isnan(row["hr"])


def _turns(found: SmallGroup, row: Row, yes: bool) -> bool:
    return (_on_side(found, row) >= found.threshold) != yes


def _on_side(found: SmallGroup, row: Row) -> float:
    return float(row["p_below_1"] if found.side == "below" else 1 - row["p_below_1"])


def _asked(found: SmallGroup) -> str:
    return f"P(HR {'<' if found.side == 'below' else '>'} 1)"


def _spanned(found: SmallGroup, rows: list[dict[Any, Any]]) -> str:
    return span([_on_side(found, row) for row in rows])


def _hrs(rows: list[dict[Any, Any]]) -> str:
    return span([row["hr"] for row in rows], "ratio")


def _ratio_of(row: Row, which: str) -> str:
    return ratio({name: row[f"{name}_{which}"] for name in ("hr", "lower", "upper")})


def _shift(row: Row) -> str:
    return "" if math.isnan(row["shift"]) or row["shift"] == 0 else f"{row['shift']:+.2f} sd"
