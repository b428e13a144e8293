"""The dossier of a small group as a record: its tables, its text, and where they end up."""

from __future__ import annotations

import html
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_rrmm.errors import AnalysisError, nearest
from bayes_rrmm.sensitivity.dossier_folder import SECTIONS, Dossier, write_dossier
from bayes_rrmm.sensitivity.group_frequentist import Counted
from bayes_rrmm.sensitivity.group_question import GroupQuestion
from bayes_rrmm.sensitivity.group_words import conclusion, lines
from bayes_rrmm.sensitivity.power_scaling_record import PowerScaling
from bayes_rrmm.sensitivity.refits import Refitted
from bayes_rrmm.sensitivity.shrinkage_record import Shrinkage

OF_PATIENTS = {"left_out": ["time", "event"], "flipped": ["time", "event"]}
"""The columns of each section that are a patient's own data."""


@dataclass(frozen=True, repr=False)
class SmallGroup:
    """What the patients of a level can say. A table a section, hazard ratios with equal-tailed intervals:

    `frequentist` (a row a method), `priors` (the prior as analysed, then the grid), `explorer` (priors on the way from the
    sceptical to the enthusiastic one, by `weight`; both ends are those of `priors`), `curve` (by the sd of priors centred at 1),
    `contour` (by sd and centre), `crossings` (where the probability crosses `threshold`), `left_out` (each patient, by refit or
    by PSIS), `flipped` (each status of the group), `power_scaling` (the hazard ratio first, then everything reported),
    `shrinkage` (each level of the variable pooled, unpooled, by Cox and Firth), `baselines` (other baseline hazards, maximum
    likelihood beside), `follow_up` (delayed entry, time-dependent group, landmarks, Cox beside), `immortal` (what the group's
    months before treatment do), `refits` (every refit, with its diagnostics). Sections that were not asked for are empty.
    `side` is that of 1 on which the hazard ratio is under the widest prior; `data_from` is what the data's own standard error
    is of; `fit` is the digest of the posterior that all of it was made beside, `fingerprint` that of the analysed rows.
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
    explorer: pd.DataFrame
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
    fit: str = ""
    fingerprint: str = ""

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

    @property
    def asked(self) -> list[str]:
        """The sections that were asked for: a table without columns was not."""
        return [name for name in SECTIONS if len(self.to_dataframe(name).columns)]

    def dossier(self) -> Dossier:
        """It as its folder would hold it, without the patients' own times and statuses: what figures and a report take."""
        parts = {name: getattr(self, name) for name in ("title", "sizes", "threshold", "side", "passed", "conclusion", "notes")}
        tables = {name: self.without_patients(name) for name in self.asked}
        question = self.question
        return Dossier(
            question.group, question.versus, question.of, **parts, tables=tables, text=f"{self}\n",
            fit=self.fit, fingerprint=self.fingerprint,
        )  # fmt: skip

    def record(self) -> dict[str, Any]:
        """Whose dossier it is, of which fit, and what it says, fit for JSON: everything but its tables, whose names it has."""
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
            "fit": {"identity": self.fit, "fingerprint": self.fingerprint},
            "tables": self.asked,
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
        tables = {name: self.to_dataframe(name) if patients else self.without_patients(name) for name in self.asked}
        write_dossier(Path(folder), tables, f"{self}\n", self.record())

    def __str__(self) -> str:
        return "\n".join(lines(self))

    def _repr_html_(self) -> str:
        shown = {name: self.to_dataframe(name) for name in SECTIONS[:-1]}
        tables = "".join(f"<h4>{name}</h4>{table.to_html(index=False)}" for name, table in shown.items() if len(table))
        return f"<p>{html.escape(self.title)}: {html.escape(self.question.label)}</p><p>{html.escape(self.conclusion)}</p>{tables}"
