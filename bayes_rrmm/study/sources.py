"""Which columns stand behind the publication's endpoints and variables, and the analyses asked of them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_rrmm.cohort import Cohort, build_cohort
from bayes_rrmm.cohort.columns import column
from bayes_rrmm.cohort.outcome import Outcome, read_outcome
from bayes_rrmm.errors import AnalysisError, nearest
from bayes_rrmm.specification import Analysis, parse_analysis
from bayes_rrmm.study.lines import paired_lines

OUTCOMES = {
    "pfs1": ("PFS1", "pfs1_months", "pfs1_event"),
    "pfs2": ("PFS2", "pfs2_months", "pfs2_event"),
    "os": ("OS from initial treatment", "os_initial_months", "os_event"),
    "os2": ("OS from second line", "os_months", "os_event"),
}
"""Name, time and event of each endpoint. The abstract's OS is taken from initial treatment: see `NOTE_ON_OS`."""

COLUMN_OF = {"extramedullary_disease": "extramedullary"}
"""The publication's variables whose column has another name."""

NOTE_ON_OS = (
    "OS is counted from initial treatment, without delayed entry: the abstract does not state its origin, and its median of 104 "
    "months beside medians of 24 (PFS1) and 22 (PFS2) is consistent with that. Everyone had to live to the first relapse to "
    "be in the cohort, so these medians are too long (br.immortal_time shows by how much)."
)
CUTS = {"pfs1": (6, 12, 18, 24, 36, 60), "pfs2": (6, 12, 18, 24, 36, 60), "os": (24, 48, 72, 96, 120, 150)}
"""Months at which the hazard may change: as many for each endpoint, so that one compiled model serves all of them."""

NOTE_ON_THIN_TAILS = (
    "Medians of OS lie where few patients are left: Kaplan-Meier falls there in steps of single deaths, which no smooth hazard "
    "follows, so the two sides may differ by more than 10 % while their intervals are nearly the same."
)
SAMPLING = "[sampling]\ndraws = 2000\ntarget_accept = 0.98\n"
"""With a handful of events in a group coarser steps diverge, and a level and its intervals need the draws."""

PRIOR_MEDIANS = {"pfs1": (18, 90), "pfs2": (18, 90), "os": (72, 360)}
PRIOR_UPPER_HR = 5.0
"""The priors of the shipped analyses: median months with their 97.5 % points, and that of a hazard ratio around 1."""

BASELINES = (
    "medians, and PFS1 against PFS2, from hazards constant between cut points (a Weibull misses that of PFS1), other hazard "
    "ratios from Weibull models"
)

ADJUSTED_FOR = {"pomalidomide": "no", "relapse_pattern": "biochemical", "extramedullary": "no"}
"""Terms of the multivariable Cox models, as far as they are named, and their references."""


@dataclass(frozen=True)
class Source:
    """The table of patients, numbered from 0; what it is called, and whether it is the embedded synthetic cohort."""

    table: pd.DataFrame
    origin: str
    synthetic: bool

    def cohort(self, analysis: Analysis, table: pd.DataFrame | None = None) -> Cohort:
        """The rows for one analysis; `table` where they are not the whole table. Raises DataError as `br.read_cohort` does."""
        return build_cohort(self.table if table is None else table, analysis, self.origin)

    def outcome(self, endpoint: str, table: pd.DataFrame | None = None) -> Outcome:
        """Time and event of an endpoint, of everyone or of the rows of `table`; unlike a cohort it may be without events."""
        rows = self.table if table is None else table
        numbers = rows.index.to_numpy(dtype=np.int64) + 1
        return read_outcome(rows, analysis_of(endpoint).endpoint, numbers)

    def lacks(self, endpoint: str) -> str:
        """Which columns of an endpoint are not in the data; empty where both are."""
        absent = [repr(name) for name in outcome_of(endpoint)[1:] if name not in self.table]
        return f"the data have no column {' and no column '.join(absent)}" if absent else ""

    def pairs(self) -> pd.DataFrame:
        """`paired_lines` of the patients, who are numbered where the table does not name them."""
        known = "patient" in self.table
        return paired_lines(self.table if known else self.table.assign(patient=range(1, len(self.table) + 1)))

    def text(self, name: str, role: str) -> pd.Series[str]:
        """A column as text, None where it is missing. Raises DataError where there is none of the name."""
        return column(self.table, name, role)

    def of_level(self, name: str, level: str) -> pd.DataFrame:
        """The patients of one level."""
        return self.table[(self.text(name, "a variable of the publication") == level).to_numpy(dtype=bool)]

    def count(self, name: str, level: str) -> int:
        """How many patients have the level."""
        return len(self.of_level(name, level))


def outcome_of(endpoint: str) -> tuple[str, str, str]:
    """Name, time and event of an endpoint of the publication. Raises AnalysisError for one that no column stands for."""
    if endpoint not in OUTCOMES:
        raise AnalysisError(f"endpoint {endpoint!r} of the publication has no columns here; {nearest(endpoint, OUTCOMES)}")
    return OUTCOMES[endpoint]


def column_of(variable: str) -> str:
    """The column of a variable of the publication."""
    return COLUMN_OF.get(variable, variable)


def analysis_of(endpoint: str, formula: str = "1", references: dict[str, str] | None = None) -> Analysis:
    """An analysis of an endpoint on complete cases under the study's priors, its variables with these references.

    Piecewise without variables, for medians; Weibull with, for hazard ratios, which hardly depend on the baseline.
    """
    name, time, event = outcome_of(endpoint)
    baseline = 'baseline = "weibull"' if references else _piecewise(endpoint)
    return written(name, time, event, formula, references or {}, f"{baseline}\n{_priors(endpoint, references or {})}{SAMPLING}")


def multivariable_analysis(endpoint: str, references: dict[str, str], missing: str) -> Analysis:
    """A Weibull analysis of several two-level variables; `missing` says what becomes of their gaps.

    With pomalidomide, PFS2 and gaps marginalised it is the shipped `pfs2_pomalidomide`.
    """
    name, time, event = outcome_of(endpoint)
    model = f'baseline = "weibull"\nmissing = "{missing}"\n{_priors(endpoint, references)}'
    return written(name, time, event, " + ".join(references), references, model)


def _piecewise(endpoint: str) -> str:
    cuts = ", ".join(str(cut) for cut in CUTS.get(endpoint, CUTS["os"]))
    return f'baseline = "piecewise-exponential"\ncuts = [{cuts}]'


def _priors(endpoint: str, references: dict[str, str]) -> str:
    median, upper = PRIOR_MEDIANS.get(endpoint, PRIOR_MEDIANS["os"])
    ratios = [f"{name} = {{ hazard_ratio = 1.0, upper95 = {PRIOR_UPPER_HR} }}\n" for name in references]
    return f"[priors]\nbaseline = {{ median_survival = {median}, upper95 = {upper} }}\n{''.join(ratios)}"


def written(name: str, time: str, event: str, formula: str, references: dict[str, str], model: str) -> Analysis:
    """The analysis as its file would be."""
    quoted = {key: json.dumps(value, ensure_ascii=False) for key, value in references.items()}
    lines = [
        "schema = 1",
        f'title = "{name}, {formula}"',
        "[endpoint]",
        f'name = "{name}"',
        f'time = "{time}"',
        f'event = "{event}"',
        'unit = "months"',
        "[model]",
        f'formula = "{formula}"',
        model,
        *(f"[variables.{key}]\nreference = {value}" for key, value in quoted.items()),
    ]
    return parse_analysis("\n".join(lines) + "\n", origin=f"the analysis of {name}")
