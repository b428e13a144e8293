"""A fit and every table read from it: computed when first asked for, or as a run folder holds them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from bayes_rrmm.agreement import Agreement, compare_with_frequentist
from bayes_rrmm.agreement.curves import curves_table
from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.diagnostics import LeaveOneOut
from bayes_rrmm.errors import listed
from bayes_rrmm.estimands import AnyEstimand
from bayes_rrmm.fitted import Fit
from bayes_rrmm.model_checks import Diagnosis, diagnose, loo, parameters_table
from bayes_rrmm.model_checks.cross_validation import loo_table
from bayes_rrmm.reading import Estimates, estimate_all, estimates_table
from bayes_rrmm.run_folder import read_fit, read_table
from bayes_rrmm.sensitivity.dossier_folder import Dossier, dossiers_of, read_dossier

TABLES = {
    "parameters": "parameters.csv",
    "estimates": "estimates.csv",
    "crosscheck": "crosscheck.csv",
    "checks": "checks.csv",
    "curves": "curves.csv",
    "loo": "loo.csv",
}
"""The tables of a run folder, by the property that holds them."""


@dataclass(frozen=True, repr=False)
class Results:
    """A fit, the rows it was made from where they are at hand, and its tables. With a `folder` the tables are the ones written
    there, so that what is shown is what the folder says; without one they are computed, once.
    """

    fit: Fit
    cohort: Cohort | None = None
    folder: Path | None = None

    def __repr__(self) -> str:
        return f"Results({self.fit!r}, {'computed' if self.folder is None else self.folder})"

    @property
    def rows(self) -> Cohort:
        """The analysed rows. Raises FitError where there are none."""
        return self.rows_for("this")

    def rows_for(self, purpose: str) -> Cohort:
        """The analysed rows. Raises FitError where there are none: `purpose` needs them."""
        return self.cohort if self.cohort is not None else self.fit.require_cohort(purpose)

    @property
    def has_rows(self) -> bool:
        """Whether the analysed rows are at hand."""
        return self.cohort is not None or self.fit.cohort is not None

    @property
    def is_compared(self) -> bool:
        """Whether the agreement table is written, or can be computed."""
        return self.has_rows or self._has("crosscheck")

    @property
    def has_loo(self) -> bool:
        """Whether leave-one-out is written, or can be computed."""
        return self.has_rows or self._has("loo")

    @cached_property
    def read(self) -> list[tuple[AnyEstimand, Estimates]]:
        """Every reported estimand with its draws."""
        return estimate_all(self.fit)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the estimates have to say beside their numbers, each once."""
        return tuple(dict.fromkeys(note for _, estimates in self.read for note in estimates.notes))

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """The diagnostics gate, computed."""
        return diagnose(self.fit, self.read)

    @cached_property
    def agreement(self) -> Agreement:
        """The agreement table, computed, with its conventions."""
        return compare_with_frequentist(self.fit, self.rows, self.read)

    @cached_property
    def left_out(self) -> LeaveOneOut:
        """Leave-one-out, computed, by unit."""
        return loo(self.fit, self.rows)

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """parameters.csv."""
        return self._written("parameters") if self._has("parameters") else parameters_table(self.fit)

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """estimates.csv."""
        if self._has("estimates"):
            return self._written("estimates")
        return estimates_table(self.read, self.diagnosis.passed_by_name())

    @cached_property
    def crosscheck(self) -> pd.DataFrame:
        """crosscheck.csv."""
        return self._written("crosscheck") if self._has("crosscheck") else self.agreement.table

    @cached_property
    def checks(self) -> pd.DataFrame:
        """checks.csv, failed checks first."""
        return self._written("checks") if self._has("checks") else self.diagnosis.to_dataframe()

    @cached_property
    def curves(self) -> pd.DataFrame:
        """curves.csv."""
        return self._written("curves") if self._has("curves") else curves_table(self.fit, self.rows)

    @cached_property
    def loo(self) -> pd.DataFrame:
        """loo.csv."""
        return self._written("loo") if self._has("loo") else loo_table(self.left_out)

    @cached_property
    def dossiers(self) -> tuple[Dossier, ...]:
        """The dossiers of small groups that the run folder holds, of whatever fit. Raises RunFolderError where one is not whole."""
        return () if self.folder is None else tuple(read_dossier(folder) for folder in dossiers_of(self.folder))

    @property
    def failed(self) -> pd.DataFrame:
        """The checks that failed: none when the gate passed."""
        return self.checks[self.checks["verdict"] == "failed"]

    @property
    def mark(self) -> str:
        """What every figure and table carries when a check failed, empty otherwise: as the fit says of itself, or as the checks
        say where they are written or have been computed (a report computes them first)."""
        known = self._has("checks") or "checks" in self.__dict__ or "diagnosis" in self.__dict__
        if self.fit.mark or not known or not len(self.failed):
            return self.fit.mark
        return f"DIAGNOSTICS FAILED: {listed([f'{row.check} of {row.of}' for row in self.failed.itertuples()], 3)}"

    def _has(self, name: str) -> bool:
        return self.folder is not None and (self.folder / TABLES[name]).is_file()

    def _written(self, name: str) -> pd.DataFrame:
        assert self.folder is not None
        return read_table(self.folder / TABLES[name])


Source = Fit | Results | str | Path
"""What a figure or a table is made from: a fit, a run folder, or the results of either."""


def results_of(source: Source, cohort: Cohort | None = None) -> Results:
    """The results of a fit, or of a run folder. Raises RunFolderError where the folder is not whole."""
    if isinstance(source, Results):
        return source
    folder = None if isinstance(source, Fit) else Path(source)
    fit = source if isinstance(source, Fit) else read_fit(Path(source))
    return Results(fit if fit.cohort is not None else replace(fit, cohort=cohort), cohort, folder)
