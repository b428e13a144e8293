"""The answer in two sentences: what was found, and how strong it is."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pandas as pd

from bayes_rrmm.agreement import main_rows
from bayes_rrmm.agreement.verdict import SMALL_P
from bayes_rrmm.agreement.wording import heading_of, label_of, numbers_of
from bayes_rrmm.errors import listed
from bayes_rrmm.plots.ratio_rows import counted
from bayes_rrmm.results import Results
from bayes_rrmm.rounding import figure_of, interval_words

STRENGTHS = ((0.995, "very strong"), (0.975, "strong"), (0.95, "moderate"), (0.9, "weak"))
"""Words for the posterior probability of a direction, from so much on; below the last, both directions remain open."""
OPEN = "no clear"
SETTLED = 0.975
"""The probability from which a contrast is named among those with an answer: that of a one-sided 2.5 % test under a flat prior."""
MOST = 6
"""Numbers that are told; of more, how many there are."""

_FROM = [f"{word} from {figure_of(probability, 'probability')}" for probability, word in STRENGTHS]
SCALE_IN_WORDS = "; ".join([*_FROM, "below that both directions remain open"])

WEIGH = {
    "prior-weighs": "the prior weighs in {}",
    "few-events": "fewer than 10 events stand behind {}",
    "monotone-likelihood": "the prior decides {}, since a group has no events",
    "non-proportional": "the hazards are not proportional (Schoenfeld p < 0.05) in {}",
}
"""What is said of the reasons that hold for so many contrasts."""


@dataclass(frozen=True)
class Answer:
    """Two sentences: what was found (`finding`) and its `strength`; `warning` stands before them where a check failed."""

    finding: str
    strength: str
    warning: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.warning, self.finding, self.strength) if part)


def strength_of(probability: float) -> str:
    """The word for the posterior probability of one direction (the larger of P(HR < 1) and P(HR > 1))."""
    return next((word for least, word in STRENGTHS if probability >= least), OPEN)


def answer_of(results: Results) -> Answer:
    """The answer to the analysis's first question: the hazard ratios of its first term (one that is no interaction where there is
    one), or, where none is asked, the first quantity of each group."""
    warning = f"{results.mark}. Nothing below is to be relied on before these checks pass." if results.mark else ""
    asked = results.estimates[(results.estimates["estimand"] == "hazard-ratio") & (results.estimates["threshold"] == 1.0)]
    if not len(asked):
        return Answer(_first_quantity(results), _rests_on(results, asked), warning)
    plain = asked[~asked["term"].str.contains(":")]
    term = (plain if len(plain) else asked)["term"].iloc[0]
    ratios = asked[asked["term"] == term]
    finding = _one(results, ratios.iloc[0]) if len(ratios) == 1 else _several(results, ratios)
    others = [str(name) for name in asked["term"].unique() if name != term]
    also = f" Those of {listed(others)} are in the tables." if others else ""
    return Answer(finding + also, _rests_on(results, ratios), warning)


def _one(results: Results, row: pd.Series[Any]) -> str:
    what = _what(results, row)
    direction = "below 1" if row["p_below"] >= row["p_above"] else "above 1"
    chance = figure_of(max(row["p_below"], row["p_above"]), "probability")
    about = f", {label_of(row)}," if row["group"] else ""
    return (
        f"{results.fit.analysis.endpoint.name}: the {what}{about} is {_numbers(row)} (posterior median and "
        f"{_interval(row)}), and the probability that it is {direction} is {chance}."
    )


def _several(results: Results, ratios: pd.DataFrame) -> str:
    """Which contrasts of a term have an answer, and which have none."""
    found = []
    for column, word in (("p_below", "below 1"), ("p_above", "above 1")):
        settled = ratios[ratios[column] >= SETTLED].sort_values(column, ascending=False)
        if len(settled):
            told = [
                f"{label_of(row)} {_numbers(row)}, probability {figure_of(row[column], 'probability')}"
                for _, row in settled.head(MOST).iterrows()
            ]
            more = f"; and {len(settled) - MOST} more" if len(settled) > MOST else ""
            found.append(f"{word} with a probability of at least {SETTLED:g}: {'; '.join(told)}{more}")
    endpoint = results.fit.analysis.endpoint.name
    what = f"{_what(results, ratios.iloc[0])} (posterior median and {_interval(ratios.iloc[0])})"
    if not found:
        head = f"{endpoint}: none of {len(ratios)} contrasts of the {what} settles a direction"
        return f"{head}; the clearest is {_clearest(ratios)}."
    open_ones = ratios[(ratios["p_below"] < SETTLED) & (ratios["p_above"] < SETTLED)]
    names = [label_of(row) for _, row in open_ones.iterrows()]
    rest = f". The direction remains open for {listed(names, MOST)}" if names else ""
    return f"{endpoint}: of {len(ratios)} contrasts, the {what} is {'; and '.join(found)}{rest}."


def _clearest(ratios: pd.DataFrame) -> str:
    row = _clearest_row(ratios)
    side = "P(HR < 1)" if row["p_below"] >= row["p_above"] else "P(HR > 1)"
    return f"{label_of(row)}, {_numbers(row)}, {side} {figure_of(max(row['p_below'], row['p_above']), 'probability')}"


def _clearest_row(ratios: pd.DataFrame) -> pd.Series[Any]:
    return ratios.iloc[int(ratios[["p_below", "p_above"]].max(axis=1).to_numpy().argmax())]


def _what(results: Results, row: pd.Series[Any]) -> str:
    """The quantity, as its heading in the tables says it; of a continuous covariate with the step it is for."""
    steps = {variable.name: variable.per for variable in results.fit.plan.encoding.continuous}
    step = f", {steps[row['term']]:g} more" if row["term"] in steps else ""
    heading = heading_of(row)
    return f"{heading[:1].lower()}{heading[1:]}{step}"


def _first_quantity(results: Results) -> str:
    """The first heading of the estimates, with the number of each group."""
    first = results.estimates.iloc[0]
    heading = heading_of(first)
    same = results.estimates[[heading_of(row) == heading for _, row in results.estimates.iterrows()]]
    told = [f"{label_of(row)} {_numbers(row)}" for _, row in same.head(MOST).iterrows()]
    more = f"; and {len(same) - MOST} more" if len(same) > MOST else ""
    return f"{first['endpoint']}: {heading[:1].lower()}{heading[1:]} (median and {_interval(first)}): {'; '.join(told)}{more}."


def _rests_on(results: Results, ratios: pd.DataFrame) -> str:
    """How strong the answer is, and on what it rests: events, prior, agreement with Cox, checks, kind of study."""
    data = results.fit.provenance.get("data", {})
    size = f"{data['patients']:g} patients with {data['events']:g} events" if "patients" in data else "the analysed rows"
    parts = [f"It rests on {size}"]
    if len(ratios):
        words = strength_of(float(ratios[["p_below", "p_above"]].max(axis=1).max()))
        of_which = f" in the clearest of the {len(ratios)}" if len(ratios) > 1 else ""
        of_which = f", not even{of_which}" if of_which and words == OPEN else of_which
        whose = _counted(results, _clearest_row(ratios))
        parts = [f"There is {words} evidence of a direction{of_which}{whose}, from {size} in all", *_beside_cox(results, ratios)]
    parts += _tests(results)
    parts.append("a diagnostic failed, so none of this holds yet" if results.mark else "no diagnostic failed")
    whom = "made-up (SYNTHETIC) patients" if is_synthetic(results) else "these patients"
    return f"{'; '.join(parts)}; it is an association in {whom}, not an effect of treatment."


def _counted(results: Results, row: pd.Series[Any]) -> str:
    """The patients and events of both groups of a contrast; nothing where it is of no two groups."""
    group = next((item for item in results.fit.plan.encoding.groups if item.name == row["term"]), None)
    if group is None or row["subgroup"] or not {row["group"], row["versus"]} <= set(group.levels):
        return ""
    sizes = (counted(results, group.name, level) for level in (row["group"], row["versus"]))
    both = [f"{patients:g} patients with {events:g} events" for patients, events in sizes]
    return f" ({both[0]} against {both[1]})"


def _beside_cox(results: Results, ratios: pd.DataFrame) -> list[str]:
    """What Cox says of the same contrasts, and of how many of them each reason holds that weakens them."""
    if not results.is_compared:
        return []
    table = main_rows(results.crosscheck)
    same = table[(table["estimand"] == "hazard-ratio") & (table["term"] == ratios["term"].iloc[0])]
    count = len(same)
    if not count:
        return []
    verdicts = same["verdict"].value_counts()
    agree, apart = int(verdicts.get("agree", 0)), int(verdicts.get("not-comparable", 0))
    if count == 1:
        parts = ["Cox agrees" if agree else "Cox has no comparable estimate" if apart else "Cox differs in place or width"]
    else:
        without = f" and has no comparable estimate of {apart}" if apart else ""
        parts = [f"Cox agrees on {agree} of {count}{without}"]
    for code, words in WEIGH.items():
        hit = sum(code in codes.split(";") for codes in same["reason_code"])
        if hit:
            parts.append(words.format("it" if count == 1 else "all" if hit == count else hit))
    return parts


def _tests(results: Results) -> list[str]:
    """What else was found to be amiss: entry that depends on survival, patients whom leave-one-out cannot tell."""
    said = []
    if results.is_compared:
        entry = results.crosscheck[results.crosscheck["estimand"] == "independent-entry"]["frequentist"]
        if len(entry) and float(entry.min()) < SMALL_P:
            said.append(f"delayed entry is not independent of survival (p {figure_of(float(entry.min()), 'p')})")
    return said


def is_synthetic(results: Results) -> bool:
    """Whether the data are one of the package's made-up cohorts."""
    name = results.fit.data_name
    embedded = files("bayes_rrmm") / "data" / f"{name.replace('-', '_')}.csv"
    return name.endswith("-synthetic") and embedded.is_file()


def _numbers(row: pd.Series[Any]) -> str:
    return numbers_of(row.rename({"median": "bayes", "lower": "bayes_lower", "upper": "bayes_upper"}), "bayes")


def _interval(row: pd.Series[Any]) -> str:
    return interval_words(str(row["interval"]), float(row["prob"]))
