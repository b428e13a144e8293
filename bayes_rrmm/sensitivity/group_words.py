"""The dossier of a small group in words: a line a number, and one conclusion made from several of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from bayes_rrmm.errors import listed
from bayes_rrmm.evidence.words import MUCH, percent
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.sensitivity.group_figures import Row, below, mark, ratio, span
from bayes_rrmm.sensitivity.group_model_words import baseline_lines, follow_up_lines, model_sentences, turned_by_model
from bayes_rrmm.sensitivity.group_prior_words import prior_sentences, scaling_lines, shrinkage_lines

if TYPE_CHECKING:
    from bayes_rrmm.sensitivity.group_dossier import SmallGroup


def lines(found: SmallGroup) -> list[str]:
    """The dossier as printed."""
    sizes, question = found.sizes, found.question
    text = [
        f"{found.title}: what {question.group} can say against {question.versus} ({question.of})",
        f"  {sizes.patients:g} patients with {sizes.events:g} events in {question.group}, "
        f"{sizes.others:g} with {sizes.other_events:g} in {question.versus}",
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
    asked, goal = f"P(HR {'<' if found.side == 'below' else '>'} 1)", f"{found.threshold:g}"
    under = _probabilities(found, found.priors)
    reach = {name for name, value in zip(_passed(found.priors)["prior"], under, strict=True) if value >= found.threshold}
    names = list(_passed(found.priors)["prior"])
    if not names:
        return "No refit passed its diagnostics, so nothing is concluded."
    changed = pd.concat([_group(found), found.flipped])
    people = _probabilities(found, changed)
    yes = _side(found, found.analysed.p_below_1) >= found.threshold
    turned = [value for value in people if (value >= found.threshold) != yes]
    own = found.analysed
    analysed: Row = {"hr": own.hr, "lower": own.lower, "upper": own.upper}
    whose = f"{found.sizes.patients:g} patients with {found.sizes.events:g} events"
    first = f"{found.question.label}: {ratio(analysed)} from {whose}"
    if len(reach) == len(names):
        priors = f"every prior of the grid brings {asked} to {goal}"
    elif not reach:
        priors = f"no prior of the grid brings {asked} to {goal}"
    else:
        priors = f"the prior decides whether {asked} reaches {goal}: yes under {listed(reach_in(names, reach), 6)}, no under "
        priors += listed([name for name in names if name not in reach], 6)
    priors += f" ({span(under)})"
    people_moved = _group(found).to_dict("records")
    if not people or not people_moved:
        patients = "the group's patients could not be left out"
    elif turned:
        patients = f"{len(turned)} of {len(people)} changes of one patient's presence or status would turn the answer "
        patients += f"({span(people)})"
    else:
        patients = f"no one patient left out, and no one status flipped, turns the answer ({span(people)})"
    if people_moved:
        most = max(people_moved, key=lambda row: abs(row["shift"]) if row["passed"] else -1.0)
        patients += f"; without {most['patient']}, who moves it most, it is {figure_of(most['hr'], 'ratio')}"
    parts = [f"{first}; {priors}, and {patients}.", prior_sentences(found), model_sentences(found, yes)]
    parts += [_verdict(yes, reach, names, turned, turned_by_model(found, yes)), _rests_on(found)]
    return " ".join(part for part in parts if part)


def reach_in(names: list[str], reach: set[str]) -> list[str]:
    """The names that reach the threshold, in their order."""
    return [name for name in names if name in reach]


def _verdict(yes: bool, reach: set[str], names: list[str], turned: list[float], models: list[str]) -> str:
    """Priors, patients and model together: none decides alone."""
    if yes and len(reach) == len(names):
        if not turned and not models:
            return "The data carry this answer through every prior, and without any one patient."
        hangs = ["one patient's record"] if turned else []
        hangs += [f"how the model counts (not under {listed(models)})"] if models else []
        return f"No prior of the grid takes this answer away, but it hangs on {' and on '.join(hangs)}."
    if yes:
        also = ["single patients"] if turned else []
        also += [f"the model (not under {listed(models)})"] if models else []
        return "This answer needs the prior it was given" + (f", and hangs on {' and on '.join(also)} as well." if also else ".")
    others = [f"another prior ({listed(reach_in(names, reach), 6)})"] if reach else []
    others += ["one patient"] if turned else []
    others += [f"another model ({listed(models)})"] if models else []
    if others:
        return f"The data do not settle it: {', or '.join(others)} would, which says how little they weigh."
    return "The data do not settle it, and neither a prior of the grid nor any one patient changes that: it takes more events."


def _rests_on(found: SmallGroup) -> str:
    """What the conclusion is made of: weights, the tipping point, the test, the model, and the refits."""
    sceptic = found.priors[found.priors["prior"] == "sceptical"].to_dict("records")[0]
    parts = []
    if not math.isnan(sceptic["prior_share"]):
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
    asked, goal = f"P(HR {'<' if found.side == 'below' else '>'} 1)", f"{found.threshold:g}"
    if not math.isnan(row["at"]):
        doubt = "" if math.isnan(row["low"]) else f" ({row['low']:.2g} to {row['high']:.2g} within Monte Carlo error)"
        return f"{asked} reaches {goal} under priors centred at 1 with an sd of {row['at']:.2g} or more{doubt}"
    if math.isnan(row["p_end"]):
        return "no crossing is known: too few refits passed"
    if row["p_start"] >= found.threshold:
        return f"no crossing: even the tightest prior centred at 1 leaves {asked} at {figure_of(row['p_start'], 'probability')}"
    return f"no crossing: the widest prior centred at 1 gives {asked} = {figure_of(row['p_end'], 'probability')}, short of {goal}"


def _centres(found: SmallGroup) -> list[str]:
    """At each sd of the contour the centre that the prior must have."""
    told: list[str] = []
    none: list[str] = []
    most = "at most" if found.side == "below" else "at least"
    for row in found.crossings[found.crossings["along"] == "centre"].to_dict("records"):
        if not math.isnan(row["at"]):
            told.append(f"{row['at']:.2f} at sd {row['given']:.2g}")
        else:
            none.append(f"{row['given']:.2g}")
    text = [f"the prior's centre must be {most} {', '.join(told)}"] if told else []
    return text + ([f"no centre of the grid crosses it at sd {', '.join(none)}"] if none else [])


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


def _passed(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["passed"].astype(bool)]


def _side(found: SmallGroup, p_below: float) -> float:
    return p_below if found.side == "below" else 1 - p_below


def _probabilities(found: SmallGroup, table: pd.DataFrame) -> list[float]:
    """P(HR on its side of 1) of the rows whose refit passed."""
    return [_side(found, float(value)) for value in _passed(table)["p_below_1"]]


def _weighs(row: Row) -> str:
    if math.isnan(row["sd"]):
        return ""
    share = "" if math.isnan(row["prior_share"]) else f", {percent(row['prior_share'])}"
    return f"weighs {_events(row)}{share}"


def _events(row: Row) -> str:
    """A prior in events of the group; of both where no number of the group's alone weighs as much."""
    own = row["prior_own_events"]
    number, whose = (row["prior_events"], "events of both groups") if math.isinf(own) else (own, "events of the group")
    return f"{number:.1f} {whose}" if number < 10 else f"{number:.0f} {whose}"
