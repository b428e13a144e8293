"""The dossier of a small group as a record: its tables, its text, and where they end up."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayes_rrmm.errors import AnalysisError, nearest
from bayes_rrmm.run_folder import write_table
from bayes_rrmm.sensitivity.group_frequentist import Counted
from bayes_rrmm.sensitivity.group_question import GroupQuestion
from bayes_rrmm.sensitivity.group_words import conclusion, lines
from bayes_rrmm.sensitivity.power_scaling_record import PowerScaling
from bayes_rrmm.sensitivity.refits import Refitted
from bayes_rrmm.sensitivity.shrinkage_record import Shrinkage

SECTIONS = (
    "frequentist", "priors", "curve", "contour", "crossings", "left_out", "flipped", "power_scaling", "shrinkage", "baselines",
    "follow_up", "immortal", "refits",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class SmallGroup:
    """What the patients of a level can say. A table a section, hazard ratios with equal-tailed intervals:

    `frequentist` (a row a method), `priors` (the prior as analysed, then the grid), `curve` (by the sd of priors centred at 1),
    `contour` (by sd and centre), `crossings` (where the probability crosses `threshold`), `left_out` (each patient, by refit or
    by PSIS), `flipped` (each status of the group), `power_scaling` (the hazard ratio first, then everything reported),
    `shrinkage` (each level of the variable pooled, unpooled, by Cox and Firth), `baselines` (other baseline hazards, maximum
    likelihood beside), `follow_up` (delayed entry, time-dependent group, landmarks, Cox beside), `immortal` (what the group's
    months before treatment do), `refits` (every refit, with its diagnostics). Sections that were not asked for are empty.
    `side` is that of 1 on which the hazard ratio is under the widest prior; `data_from` is what the data's own standard error
    is of.
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
    power_scaling: PowerScaling | None = None
    shrinkage: Shrinkage | None = None
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no refit failed its diagnostics, nor the fit for this hazard ratio."""
        pooled = self.shrinkage is None or self.shrinkage.passed
        return self.analysed.passed and bool(self.refits["passed"].all()) and pooled

    @property
    def conclusion(self) -> str:
        """What the numbers say together, and what that rests on."""
        return conclusion(self)

    def to_dataframe(self, section: str = "priors") -> pd.DataFrame:
        """The table of one section. Raises AnalysisError where there is no such section."""
        if section not in SECTIONS:
            raise AnalysisError(f"{section!r} is no section of a dossier; {nearest(section, SECTIONS)}")
        table: pd.DataFrame | PowerScaling | Shrinkage | None = getattr(self, section)
        if table is None:
            return pd.DataFrame()
        return table if isinstance(table, pd.DataFrame) else table.to_dataframe()

    def save(self, folder: str | Path) -> None:
        """Write a CSV for each section that was asked for, and the text as dossier.txt, into a folder."""
        into = Path(folder)
        into.mkdir(parents=True, exist_ok=True)
        for name in SECTIONS:
            table = self.to_dataframe(name)
            if len(table.columns):
                write_table(into / f"{name}.csv", table)
        (into / "dossier.txt").write_text(f"{self}\n", encoding="utf-8")

    def __str__(self) -> str:
        return "\n".join(lines(self))

    def _repr_html_(self) -> str:
        shown = {name: self.to_dataframe(name) for name in SECTIONS[:-1]}
        tables = "".join(f"<h4>{name}</h4>{table.to_html(index=False)}" for name, table in shown.items() if len(table))
        return f"<p>{html.escape(self.title)}: {html.escape(self.question.label)}</p><p>{html.escape(self.conclusion)}</p>{tables}"
