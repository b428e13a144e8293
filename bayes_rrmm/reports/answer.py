"""The answer in two sentences: what was found, and how strong it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayes_rrmm.agreement import main_rows
from bayes_rrmm.errors import listed
from bayes_rrmm.results import Results
from bayes_rrmm.rounding import figure_of

STRENGTHS = ((0.995, "very strong"), (0.975, "strong"), (0.95, "moderate"), (0.9, "weak"))
"""Words for the posterior probability of a direction, from so much on; below the last, both directions remain open."""
OPEN = "no clear"
SETTLED = 0.975
"""The probability from which a contrast is named among those with an answer: that of a one-sided 2.5 % test under a flat prior."""

_FROM = [f"{word} from {figure_of(probability, 'probability')}" for probability, word in STRENGTHS]
SCALE_IN_WORDS = "; ".join([*_FROM, "below that both directions remain open"])


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
    """The answer to the analysis's first question: its hazard ratios, or, where none is asked, its first curve quantity."""
    warning = ""
    if results.mark:
        warning = f"{results.mark}. Nothing below is to be relied on before these checks pass."
    ratios = results.estimates[(results.estimates["estimand"] == "hazard-ratio") & (results.estimates["threshold"] == 1.0)]
    if not len(ratios):
        return Answer(_first_quantity(results), _rests_on(results, pd.DataFrame()), warning)
    ratios = ratios[ratios["term"] == ratios["term"].iloc[0]]
    finding = _one(results, ratios.iloc[0]) if len(ratios) == 1 else _several(results, ratios)
    return Answer(finding, _rests_on(results, ratios), warning)


def _one(results: Results, row: pd.Series[Any]) -> str:
    lower = row["p_below"] >= row["p_above"]
    direction = "lower" if lower else "higher"
    chance = figure_of(max(row["p_below"], row["p_above"]), "probability")
    return (
        f"{results.fit.analysis.endpoint.name}: the hazard ratio of {_label(row)} is {_ratio(row)} (posterior median and "
        f"{_interval(row)}), and the probability that the hazard is {direction} is {chance}."
    )


def _several(results: Results, ratios: pd.DataFrame) -> str:
    """Which contrasts of a term have an answer, and which have none."""
    found = []
    for column, word in (("p_below", "lower"), ("p_above", "higher")):
        settled = ratios[ratios[column] >= SETTLED].sort_values(column, ascending=False)
        if len(settled):
            names = "; ".join(
                f"{_label(row)} {_ratio(row)}, probability {figure_of(row[column], 'probability')}" for _, row in settled.iterrows()
            )
            found.append(f"{word} with a probability of at least {SETTLED:g} in {len(settled)}: {names}")
    open_ones = ratios[(ratios["p_below"] < SETTLED) & (ratios["p_above"] < SETTLED)]
    endpoint, term = results.fit.analysis.endpoint.name, ratios["term"].iloc[0]
    head = f"{endpoint}: of {len(ratios)} hazard ratios of {term} (posterior median and {_interval(ratios.iloc[0])})"
    if not found:
        return f"{head} none settles a direction with a probability of {SETTLED:g}; the clearest is {_clearest(ratios)}."
    rest = f"; for {listed([_label(row) for _, row in open_ones.iterrows()], 6)} it remains open" if len(open_ones) else ""
    return f"{head} the hazard is {', and '.join(found)}{rest}."


def _clearest(ratios: pd.DataFrame) -> str:
    row = ratios.iloc[int(ratios[["p_below", "p_above"]].max(axis=1).to_numpy().argmax())]
    side = "P(HR < 1)" if row["p_below"] >= row["p_above"] else "P(HR > 1)"
    return f"{_label(row)}, {_ratio(row)}, {side} {figure_of(max(row['p_below'], row['p_above']), 'probability')}"


def _first_quantity(results: Results) -> str:
    row = results.estimates.iloc[0]
    unit = "" if row["unit"] in ("ratio", "probability") else f" {row['unit']}"
    numbers = [figure_of(row[name], row["unit"], row["contrast"]) for name in ("median", "lower", "upper")]
    about = f" of {row['group']}" if row["group"] else ""
    return f"{row['endpoint']}: {row['estimand']}{about} is {numbers[0]}{unit} ({_interval(row)} {numbers[1]} to {numbers[2]})."


def _rests_on(results: Results, ratios: pd.DataFrame) -> str:
    """How strong the answer is, and on what it rests: events, prior, agreement with Cox, kind of study."""
    data = results.fit.provenance.get("data", {})
    size = f"{data['patients']:g} patients with {data['events']:g} events" if "patients" in data else "the analysed rows"
    parts = [f"It rests on {size}"]
    if len(ratios):
        words = strength_of(float(ratios[["p_below", "p_above"]].max(axis=1).max()))
        of_which = f" in the clearest of the {len(ratios)}" if len(ratios) > 1 else ""
        of_which = f", not even{of_which}" if of_which and words == OPEN else of_which
        parts = [f"There is {words} evidence of a direction{of_which}, from {size}", *_beside_cox(results, ratios)]
    parts.append("a diagnostic failed, so none of this holds yet" if results.mark else "no diagnostic failed")
    whose = "made-up (SYNTHETIC) patients" if is_synthetic(results) else "these patients"
    return f"{'; '.join(parts)}; it is an association in {whose}, not an effect of treatment."


def _beside_cox(results: Results, ratios: pd.DataFrame) -> list[str]:
    """What Cox says of the same contrasts, and behind how many the prior or few events weigh."""
    if not results.is_compared:
        return []
    table = main_rows(results.crosscheck)
    same = table[(table["estimand"] == "hazard-ratio") & (table["term"] == ratios["term"].iloc[0])]
    if not len(same):
        return []
    agree, count = int((same["verdict"] == "agree").sum()), len(same)
    only_one = "Cox agrees" if agree else "Cox does not agree within half a standard error and a similar width"
    parts = [only_one if count == 1 else f"Cox agrees on {agree} of {count}"]
    for code, words in (("prior-weighs", "the prior weighs in"), ("few-events", "fewer than 10 events stand behind")):
        hit = sum(code in codes.split(";") for codes in same["reason_code"])
        if hit:
            parts.append(f"{words} {'it' if count == 1 else hit}")
    return parts


def is_synthetic(results: Results) -> bool:
    """Whether the data say of themselves that they are synthetic."""
    return "synthetic" in results.fit.data_name


def _label(row: pd.Series[Any]) -> str:
    subgroup = f" in {row['subgroup']}" if row["subgroup"] else ""
    return f"{row['group']} against {row['versus']}{subgroup}" if row["versus"] else f"{row['group'] or row['term']}{subgroup}"


def _ratio(row: pd.Series[Any]) -> str:
    middle, lower, upper = (figure_of(row[name], "ratio") for name in ("median", "lower", "upper"))
    return f"{middle} [{lower}, {upper}]"


def _interval(row: pd.Series[Any]) -> str:
    kind = {"eti": "equal-tailed", "hdi": "highest-density"}[row["interval"]]
    return f"{row['prob']:.0%} {kind} interval"
