"""The dossier of a small group as a record: its tables, its text, and where they end up."""

from __future__ import annotations

import html
from dataclasses import dataclass

import pandas as pd

from bayes_rrmm.errors import AnalysisError, nearest
from bayes_rrmm.sensitivity.group_frequentist import Counted
from bayes_rrmm.sensitivity.group_question import GroupQuestion
from bayes_rrmm.sensitivity.group_words import conclusion, lines
from bayes_rrmm.sensitivity.refits import Refitted

SECTIONS = (
    "frequentist", "priors", "curve", "contour", "crossings", "left_out", "flipped", "baselines", "follow_up", "immortal", "refits",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class SmallGroup:
    """What the patients of a level can say. A table a section, hazard ratios with equal-tailed intervals:

    `frequentist` (a row a method), `priors` (the prior as analysed, then the grid), `curve` (by the sd of priors centred at 1),
    `contour` (by sd and centre), `crossings` (where the probability crosses `threshold`), `left_out` (each patient, by refit or
    by PSIS), `flipped` (each status of the group), `baselines` (other baseline hazards, maximum likelihood beside), `follow_up`
    (delayed entry, time-dependent group, landmarks, Cox beside), `immortal` (what the group's months before treatment do),
    `refits` (every refit, with its diagnostics). Sections that were not asked for are empty. `side` is that of 1 on which the
    hazard ratio is under the widest prior; `data_from` is what the data's own standard error is of.
    """

    title: str
    question: GroupQuestion
    sizes: Counted
    threshold: float
    side: str
    baseline: str
    data_from: str
    analysed: Refitted
    frequentist: pd.DataFrame
    priors: pd.DataFrame
    curve: pd.DataFrame
    contour: pd.DataFrame
    crossings: pd.DataFrame
    left_out: pd.DataFrame
    flipped: pd.DataFrame
    baselines: pd.DataFrame
    follow_up: pd.DataFrame
    immortal: pd.DataFrame
    refits: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no refit failed its diagnostics, nor the fit for this hazard ratio."""
        return self.analysed.passed and bool(self.refits["passed"].all())

    @property
    def conclusion(self) -> str:
        """What the numbers say together, and what that rests on."""
        return conclusion(self)

    def to_dataframe(self, section: str = "priors") -> pd.DataFrame:
        """The table of one section. Raises AnalysisError where there is no such section."""
        if section not in SECTIONS:
            raise AnalysisError(f"{section!r} is no section of a dossier; {nearest(section, SECTIONS)}")
        table: pd.DataFrame = getattr(self, section)
        return table

    def __str__(self) -> str:
        return "\n".join(lines(self))

    def _repr_html_(self) -> str:
        shown = {name: self.to_dataframe(name) for name in SECTIONS[:-1]}
        tables = "".join(f"<h4>{name}</h4>{table.to_html(index=False)}" for name, table in shown.items() if len(table))
        return f"<p>{html.escape(self.title)}: {html.escape(self.question.label)}</p><p>{html.escape(self.conclusion)}</p>{tables}"
