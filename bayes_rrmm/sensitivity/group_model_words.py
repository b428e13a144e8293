"""Baselines, follow-up and immortal time of a small group's dossier in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayes_rrmm.errors import listed
from bayes_rrmm.evidence.words import percent
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.sensitivity.group_answer import Answer, asked, counts, on_side
from bayes_rrmm.sensitivity.group_baselines import name_of
from bayes_rrmm.sensitivity.group_figures import Row, below, mark, number, ratio, span

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


def model_sentences(answer: Answer) -> str:
    """What baselines and follow-up do to the answer, each with the span of its numbers; empty where neither was asked."""
    found, sentences = answer.found, []
    rows = [row for row in _named(found.baselines)[1:] if counts(row)]
    if rows:
        most = max(rows, key=lambda row: abs(row["shift"]))
        turned = [row["name"] for row in answer.turned(rows)]
        what = f"{listed(turned)} would turn the answer" if turned else "none turns the answer"
        sentences.append(
            f"Of {number(len(rows), 'other baseline')} {what} (HR {_hrs(rows)}, {asked(found)} {_spanned(found, rows)}; "
            f"{most['name']} moves it most, by {most['shift']:+.1f} sd)."
        )
    others = [row for row in found.follow_up.to_dict("records")[1:] if counts(row)]
    if others:
        turned = [row["reading"] for row in answer.turned(others)]
        what = f"{listed(turned)} would turn the answer" if turned else "none of them turns the answer"
        names = listed([row["reading"] for row in others])
        sentences.append(f"Under {names} it is {_hrs(others)} ({asked(found)} {_spanned(found, others)}): {what}.")
    return " ".join([*sentences, *_immortal_sentence(found, [row["reading"] for row in others])])


def _immortal_sentence(found: SmallGroup, readings: list[str]) -> list[str]:
    """What the group's months before treatment do, by the posterior or, where that was not refitted, by Cox."""
    if not len(found.immortal):
        return []
    rows = found.immortal.to_dict("records")
    row = next((row for row in rows if not math.isnan(row["difference"])), None)
    time = f"{figure_of(rows[0]['immortal_time'], rows[0]['unit'])} immortal person-{rows[0]['unit']}"
    if row is None:
        return [f"Its patients had {time}, and what these do to the hazard ratio is not known here."]
    what = "posterior sds" if row["method"] == "posterior" else "standard errors of Cox"
    better = " or ".join(name for name in ("delayed entry", "time-dependent") if name in readings)
    first = f": read {better} before the one as analysed" if better else ""
    size = f"by a factor of {figure_of(row['ratio'], 'ratio')} ({row['in_se']:+.2f} {what})"
    return [f"Its patients' {time} change the hazard ratio {size}{first}."]


def turned_by_model(answer: Answer) -> list[str]:
    """The baselines and readings of follow-up under which the answer is another."""
    found = answer.found
    baselines = [row for row in _named(found.baselines)[1:] if counts(row)]
    readings = [row for row in found.follow_up.to_dict("records")[1:] if counts(row)]
    return [str(row["name"]) for row in answer.turned(baselines)] + [str(row["reading"]) for row in answer.turned(readings)]


def _named(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """The rows of the baselines, each with a name; the first is the analysis' own."""
    rows = table.to_dict("records")
    for index, row in enumerate(rows):
        name = name_of(row["baseline"], row["cuts"], int(row["intervals"]), row["smoothing"])
        row["name"] = f"{name} (as analysed)" if index == 0 else name
    return rows


def _spanned(found: SmallGroup, rows: list[dict[Any, Any]]) -> str:
    return span([on_side(found, row) for row in rows])


def _hrs(rows: list[dict[Any, Any]]) -> str:
    return span([row["hr"] for row in rows], "ratio")


def _ratio_of(row: Row, which: str) -> str:
    return ratio({name: row[f"{name}_{which}"] for name in ("hr", "lower", "upper")})


def _shift(row: Row) -> str:
    return "" if math.isnan(row["shift"]) or row["shift"] == 0 else f"{row['shift']:+.2f} sd"
