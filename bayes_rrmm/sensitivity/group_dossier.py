"""The dossier of a small group as a record: its tables, its text, and where they end up."""

from __future__ import annotations

import html
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_rrmm.errors import AnalysisError, nearest
from bayes_rrmm.sensitivity.dossier_folder import write_dossier
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
OF_PATIENTS = {"left_out": ["time", "event"], "flipped": ["time", "event"]}
"""The columns of each section that are a patient's own data."""


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
    mark: str = ""

    @property
    def passed(self) -> bool:
        """Whether no refit failed its diagnostics, nor the fit itself."""
        return not self.mark and self.analysed.passed and bool(self.refits["passed"].all())

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

    def record(self) -> dict[str, Any]:
        """Whose dossier it is and what it says, fit for JSON: everything but its tables."""
        return {
            "group": self.question.group,
            "versus": self.question.versus,
            "of": self.question.of,
            "title": self.title,
            "sizes": asdict(self.sizes),
            "threshold": self.threshold,
            "side": self.side,
            "passed": self.passed,
            "conclusion": self.conclusion,
            "notes": list(self.notes),
        }

    def without_patients(self, section: str) -> pd.DataFrame:
        """The table of a section without the patients' times and statuses: a row is told by its number."""
        return self.to_dataframe(section).drop(columns=OF_PATIENTS.get(section, []), errors="ignore")

    def save(self, folder: str | Path, *, patients: bool = False) -> None:
        """Write a CSV for each section that was asked for, the text as dossier.txt, and `record` as dossier.json, into a folder.

        The columns time and event of left_out.csv and flipped.csv, each patient's own, are written with `patients` only; row
        numbers stay. An earlier dossier of the same group in the folder is replaced whole, its refits are kept.

        Raises RunFolderError where the folder holds the dossier of another group, or cannot be written.
        """
        tables = {name: self.to_dataframe(name) if patients else self.without_patients(name) for name in SECTIONS}
        asked = {name: table for name, table in tables.items() if len(table.columns)}
        write_dossier(Path(folder), asked, f"{self}\n", self.record(), SECTIONS)

    def __str__(self) -> str:
        return "\n".join(lines(self))

    def _repr_html_(self) -> str:
        shown = {name: self.to_dataframe(name) for name in SECTIONS[:-1]}
        tables = "".join(f"<h4>{name}</h4>{table.to_html(index=False)}" for name, table in shown.items() if len(table))
        return f"<p>{html.escape(self.title)}: {html.escape(self.question.label)}</p><p>{html.escape(self.conclusion)}</p>{tables}"
