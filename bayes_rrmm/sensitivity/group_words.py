"""The dossier of a small group in words: a line a number, and one conclusion made from several of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from bayes_rrmm.errors import listed
from bayes_rrmm.evidence.words import MUCH, percent
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.sensitivity.group_answer import Answer, answer_of, asked, on_side
from bayes_rrmm.sensitivity.group_figures import Row, below, mark, number, ratio, span
from bayes_rrmm.sensitivity.group_model_words import baseline_lines, follow_up_lines, model_sentences, turned_by_model
from bayes_rrmm.sensitivity.group_prior_words import explorer_line, prior_sentences, scaling_lines, shrinkage_lines

if TYPE_CHECKING:
    from bayes_rrmm.sensitivity.group_dossier import SmallGroup


def lines(found: SmallGroup) -> list[str]:
    """The dossier as printed."""
    sizes, question = found.sizes, found.question
    text = [
        f"{found.title}: what {question.group} can say against {question.versus} ({question.of})",
        f"  {number(sizes.patients, 'patient')} with {number(sizes.events, 'event')} in {question.group}, "
        f"{sizes.others:g} with {sizes.other_events:g} in {question.versus}",
        *([f"  {found.mark}"] if found.mark else []),
        "Frequentist",
    ]
    for row in found.frequentist.to_dict("records"):
        p = "" if math.isnan(row["p"]) else f"p {figure_of(row['p'], 'p')}"
        note = f"; {row['note']}" if row["note"] else ""
        text.append(f"  {row['method']:<22}{ratio(row):>20}  {p:<18}  {row['convention']}{note}".rstrip())
    text.append(f"Priors of log HR, each by refit; their share of the information beside the data's ({found.data_from or '-'})")
    for row in found.priors.to_dict("records"):
        name = row["prior"] if math.isnan(row["sd"]) else f"{row['prior']} (HR {row['centre']:.2g}, sd {row['sd']:.2g})"
        text.append(f"  {name:<31}{ratio(row):>20}  {below(row)}  {_weighs(row)}{mark(row)}".rstrip())
    text.append(f"  {explorer_line(found)}")
    text += ["Tipping point", f"  {tipping(found)}", *(f"  {line}" for line in _centres(found))]
    text.append("Patients of the group, by refit: left out, status flipped")
    for out, other in zip(_group(found).to_dict("records"), found.flipped.to_dict("records"), strict=True):
        k = f"k {out['pareto_k']:.2f}"
        what = "event" if out["event"] else "censored"
        text.append(
            f"  {out['patient']:<12}{what:<9}{ratio(out):>20}  {below(out)}{mark(out)}  "
            f"PSIS {figure_of(out['psis_hr'], 'ratio')} ({k})"
            f"   flipped {ratio(other):>20}  {below(other)}{mark(other)}"
        )
    text += [f"  {_others(found)}"] if len(found.left_out) > len(found.flipped) else []
    text += [*scaling_lines(found), *shrinkage_lines(found), *baseline_lines(found), *follow_up_lines(found)]
    text += [f"Note: {note}" for note in found.notes]
    text += [_refits(found), f"Conclusion: {conclusion(found)}"]
    return text


def conclusion(found: SmallGroup) -> str:
    """The answer, under which priors and without which patients it holds, and what it rests on."""
    answer = answer_of(found)
    if not answer.priors or math.isnan(found.analysed.hr):
        return "No refit passed its diagnostics, so nothing is concluded."
    own = found.analysed
    analysed: Row = {"hr": own.hr, "lower": own.lower, "upper": own.upper}
    whose = f"{number(found.sizes.patients, 'patient')} with {number(found.sizes.events, 'event')}"
    first = f"{found.question.label}: {ratio(analysed)} from {whose}"
    parts = [_unsound(found), f"{first}; {_under_priors(answer)}, and {_without_patients(answer)}."]
    parts += [prior_sentences(found), model_sentences(answer), _verdict(answer), _rests_on(found)]
    return " ".join(part for part in parts if part)


def _unsound(found: SmallGroup) -> str:
    """What stands before everything else where the fit itself failed."""
    why = found.mark or (f"DIAGNOSTICS FAILED: {found.analysed.failed}" if found.analysed.failed else "")
    return f"{why}: the fit that all of this is compared with is not to be trusted." if why else ""


def _under_priors(answer: Answer) -> str:
    found = answer.found
    yes, no, close = (answer.priors_on(side) for side in (1, -1, 0))
    goal = f"{asked(found)} to {found.threshold:g}"
    if not no and not close:
        text = f"every prior of the grid brings {goal}"
    elif not yes and not close:
        text = f"no prior of the grid brings {goal}"
    else:
        sides = [("yes under", yes), ("no under", no), ("too close to tell under", close)]
        told = ", ".join(f"{word} {listed(names, 6)}" for word, names in sides if names)
        text = f"the prior decides whether {asked(found)} reaches {found.threshold:g}: {told}"
    return f"{text} ({span([on_side(found, row) for row in answer.priors])})"


def _without_patients(answer: Answer) -> str:
    """The group's patients left out and flipped, and everybody else left out."""
    found, turned = answer.found, answer.turned(answer.changed)
    if not answer.changed:
        text = "the group's patients could not be left out"
    else:
        spanned = span([on_side(found, row) for row in answer.changed])
        if turned:
            text = f"{len(turned)} of {number(len(answer.changed), 'change')} of one patient's presence or status would turn it"
        else:
            text = "no one patient of the group left out, and no one status flipped, turns the answer"
        text += f" ({spanned})" + (f", {number(answer.failed, 'refit')} that failed apart" if answer.failed else "")
    moved = [row for row in answer.changed if "shift" in row and not math.isnan(row["shift"])]
    if len(moved) > 1:
        most = max(moved, key=lambda row: abs(row["shift"]))
        text += f"; without {most['patient']}, who moves it most, it is {figure_of(most['hr'], 'ratio')}"
    outside = answer.turned(answer.others)
    if outside:
        who = listed([row["patient"] for row in outside], 3)
        return f"{text}; leaving out {len(outside)} of the {len(answer.others)} patients outside it would turn it ({who})"
    return text + (f"; nor does leaving out any of the {len(answer.others)} others" if answer.others and not turned else "")


def _verdict(answer: Answer) -> str:
    """Priors, patients and model together: none decides alone."""
    if answer.analysed == 0:
        return (
            f"As analysed {asked(answer.found)} stands at the threshold itself, within Monte Carlo error: "
            "neither yes nor no is an answer."
        )
    people = [*answer.turned(answer.changed), *answer.turned(answer.others)]
    models = turned_by_model(answer)
    return _yes(answer, bool(people), models) if answer.yes else _no(answer, bool(people), models)


def _yes(answer: Answer, people: bool, models: list[str]) -> str:
    against = answer.priors_on(-1)
    opposed = [name for name in against if answer.is_opposed(name)]
    hangs = ["one patient's record"] if people else []
    hangs += [f"how the model counts (not under {listed(models)})"] if models else []
    if len(opposed) < len(against):
        text = f"This answer does not survive every reasonable prior (not {listed([n for n in against if n not in opposed], 6)})"
        return text + (f", and hangs on {' and on '.join(hangs)} as well." if hangs else ".")
    if opposed:
        survives = f"Only a prior that expects the opposite ({listed(opposed)}) takes this answer away"
        return f"{survives}, but it hangs on {' and on '.join(hangs)}." if hangs else f"{survives}; no patient and no model does."
    if hangs:
        return f"No prior of the grid takes this answer away, but it hangs on {' and on '.join(hangs)}."
    return "The data carry this answer through every prior, and without any one patient."


def _no(answer: Answer, people: bool, models: list[str]) -> str:
    reach = answer.priors_on(1)
    others = [f"another prior ({listed(reach, 6)})"] if reach else []
    others += ["one patient"] if people else []
    others += [f"another model ({listed(models)})"] if models else []
    if others:
        return f"The data do not settle it: {', or '.join(others)} would, which says how little they weigh."
    if answer.failed or not answer.changed:
        return "The data do not settle it, and no prior of the grid does."
    return "The data do not settle it, and neither a prior of the grid nor any one patient changes that: it takes more events."


def _rests_on(found: SmallGroup) -> str:
    """What the conclusion is made of: weights, the tipping point, the test, the model, and the refits."""
    sceptic = found.priors[found.priors["prior"] == "sceptical"].to_dict("records")[0]
    parts = []
    if not math.isnan(sceptic["prior_share"]) and _events(sceptic):
        share = sceptic["prior_share"]
        much = "more than the data" if share > 0.5 else "much" if share > MUCH else "little"
        parts.append(
            f"the sceptical prior has {percent(share)} of the information ({much}), as much as "
            f"{_events(sceptic)}, beside its own {found.sizes.events:g}"
        )
    parts.append(tipping(found))
    permuted = found.frequentist[found.frequentist["method"] == "permutation log-rank"].to_dict("records")
    if permuted and not math.isnan(permuted[0]["p"]):
        valid = "" if not permuted[0]["note"].startswith("NOT VALID") else ", not valid here"
        parts.append(f"permutation log-rank p {figure_of(permuted[0]['p'], 'p')}{valid}")
    failed = int((~found.refits["passed"].astype(bool)).sum())
    refits = f"{len(found.refits)} refits, {f'{failed} of which failed and count for nothing' if failed else 'all of which passed'}"
    return f"It rests on: {'; '.join(parts)}; proportional hazards over a {found.baseline} baseline; {refits}."


def tipping(found: SmallGroup) -> str:
    """Where priors centred at 1 stop, or start, to allow the answer."""
    (row,) = found.crossings[found.crossings["along"] == "sd"].to_dict("records")
    what, goal = asked(found), f"{found.threshold:g}"
    if not math.isnan(row["at"]):
        doubt = "" if math.isnan(row["low"]) else f" ({row['low']:.2g} to {row['high']:.2g} within Monte Carlo error)"
        return f"{what} reaches {goal} under priors centred at 1 with an sd of {row['at']:.2g} or more{doubt}"
    if math.isnan(row["p_end"]):
        return "no crossing is known: too few refits passed"
    if row["p_start"] >= found.threshold:
        return f"no crossing: even the tightest prior centred at 1 leaves {what} at {figure_of(row['p_start'], 'probability')}"
    widest = found.curve[found.curve["passed"].astype(bool)]["sd"].max()
    known = "" if widest == found.curve["sd"].max() else f" whose refit passed (sd {widest:.2g})"
    end = figure_of(row["p_end"], "probability")
    return f"no crossing: the widest prior centred at 1{known} gives {what} = {end}, short of {goal}"


def _centres(found: SmallGroup) -> list[str]:
    """At each sd of the contour the centre that the prior must have."""
    told: list[str] = []
    never: list[str] = []
    always: list[str] = []
    most = "at most" if found.side == "below" else "at least"
    for row in found.crossings[found.crossings["along"] == "centre"].to_dict("records"):
        if not math.isnan(row["at"]):
            told.append(f"{row['at']:.2f} at sd {row['given']:.2g}")
        elif not math.isnan(row["p_start"]):
            (always if min(row["p_start"], row["p_end"]) >= found.threshold else never).append(f"{row['given']:.2g}")
    text = [f"the prior's centre must be {most} {', '.join(told)}"] if told else []
    text += [f"no centre of the grid is enough at sd {', '.join(never)}"] if never else []
    return text + ([f"every centre of the grid is enough at sd {', '.join(always)}"] if always else [])


def _others(found: SmallGroup) -> str:
    rest = found.left_out[~found.left_out["in_group"].astype(bool)]
    refitted = int((rest["method"] == "refit").sum())
    most = max(rest.to_dict("records"), key=lambda row: abs(row["shift"]))
    return (
        f"{len(rest)} patients outside the group, left out by PSIS ({refitted} by refit, k above 0.7): HR "
        f"{figure_of(rest['hr'].min(), 'ratio')} to {figure_of(rest['hr'].max(), 'ratio')}, "
        f"most by {most['patient']} ({most['shift']:+.2f} sd)"
    )


def _refits(found: SmallGroup) -> str:
    bad = found.refits[~found.refits["passed"].astype(bool)]
    again = int((found.refits["attempts"] > 1).sum())
    text = f"{len(found.refits)} refits, {len(bad)} failed their diagnostics" + (f", {again} sampled twice" if again else "")
    return text + (f": {listed(f"{row['name']} ({row['failed']})" for row in bad.to_dict('records'))}" if len(bad) else "")


def _group(found: SmallGroup) -> pd.DataFrame:
    return found.left_out[found.left_out["in_group"].astype(bool)]


def _weighs(row: Row) -> str:
    if math.isnan(row["sd"]):
        return ""
    parts = [_events(row), "" if math.isnan(row["prior_share"]) else percent(row["prior_share"])]
    told = ", ".join(part for part in parts if part)
    return f"weighs {told}" if told else ""


def _events(row: Row) -> str:
    """A prior in events of the group; of both where no number of the group's alone weighs as much; empty where neither has any."""
    own = row["prior_own_events"]
    size, whose = (row["prior_events"], "events of both groups") if math.isinf(own) else (own, "events of the group")
    return "" if math.isnan(size) else f"{size:.1f} {whose}" if size < 10 else f"{size:.0f} {whose}"
