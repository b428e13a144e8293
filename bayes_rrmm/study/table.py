"""The table "published | synthetic, frequentist | synthetic, Bayesian": every number of a publication beside the data's."""

from __future__ import annotations

import html
from dataclasses import dataclass

import pandas as pd

from bayes_rrmm.errors import listed
from bayes_rrmm.evidence.consistency import every_hazard_ratio
from bayes_rrmm.published_record import Published
from bayes_rrmm.specification import Analysis
from bayes_rrmm.study.bayesian_side import Sampler
from bayes_rrmm.study.comparison_rows import (
    group_rows,
    multivariable_rows,
    not_reached_rows,
    overall_rows,
)
from bayes_rrmm.study.paired_rows import paired_rows
from bayes_rrmm.study.row import Row
from bayes_rrmm.study.sources import BASELINES, NOTE_ON_OS, NOTE_ON_THIN_TAILS, PRIOR_UPPER_HR, Source
from bayes_rrmm.study.study_rows import study_rows
from bayes_rrmm.study.text import table_text


@dataclass(frozen=True)
class PublishedTable:
    """The rows, in the order of the publication, and what there is to say about them.

    `origin` names the data, `synthetic` says whether they are the embedded synthetic cohort. `notes` are conventions,
    `findings` what is odd in the published numbers themselves.
    """

    rows: tuple[Row, ...]
    origin: str
    synthetic: bool
    notes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[str, ...]:
        """The diagnostics that a Bayesian number's fit failed; the table is marked when there is any."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.failed))

    @property
    def mark(self) -> str:
        """What stands over the table when a diagnostic failed; empty otherwise."""
        return f"DIAGNOSTICS FAILED: {listed(self.failed, 3)}" if self.failed else ""

    @property
    def header(self) -> tuple[str, str, str]:
        """The titles of the three columns."""
        data = "synthetic" if self.synthetic else "these patients"
        return "published", f"{data}, frequentist", f"{data}, Bayesian"

    def to_dataframe(self) -> pd.DataFrame:
        """published.csv: a row a number; values, limits, text, verdict and whether it agrees, for each side."""
        table = pd.DataFrame([row.record() for row in self.rows])
        return table.assign(data=self.origin, synthetic=self.synthetic)

    def __str__(self) -> str:
        return table_text(self.rows, self.header, self.mark, self.findings, self.notes)

    def _repr_html_(self) -> str:
        mark = f"<p><strong>{html.escape(self.mark)}</strong></p>" if self.mark else ""
        table = self.to_dataframe()
        columns = ["endpoint", "quantity", "group", "published_text", "frequentist_text", "frequentist_verdict"]
        shown = table[[*columns, "bayesian_text", "bayesian_verdict", "note"]]
        names = dict(zip(("published_text", "frequentist_text", "bayesian_text"), self.header, strict=True))
        remarks = "<br>".join(html.escape(text) for text in (*self.findings, *self.notes))
        return f"{mark}{shown.rename(columns=names).to_html(index=False)}<p>{remarks}</p>"


def build_table(
    source: Source, published: Published, paired: Analysis, sampler: Sampler | None, missing: str = "drop"
) -> PublishedTable:
    """Every number of `published` beside the same number from the data of `source`.

    `paired` is the analysis of PFS1 against PFS2, two rows a patient with a gamma frailty (the shipped `pfs1_against_pfs2`).
    `sampler` fits an analysis to a cohort (None leaves the Bayesian column empty); `missing` says what the multivariable
    Bayesian model does with gaps. Raises DataError where a column is missing or breaks a rule, AnalysisError where the
    publication has an endpoint that no column stands for, FitError where a fit was interrupted.
    """
    rows = study_rows(source, published)
    rows += overall_rows(source, published.overall, sampler)
    notes: list[str] = []
    findings = [problem for check in every_hazard_ratio(published) for problem in check.problems]
    for ratio in published.hazard_ratio:
        against = paired_rows(source, ratio, paired, sampler)
        rows += against.rows
        findings += against.findings
        notes += against.notes
    for comparison in published.group_comparison:
        rows += group_rows(source, comparison, sampler)
    for term in published.multivariable_cox:
        rows += multivariable_rows(source, term, sampler, missing)
    for regimens in published.not_reached:
        rows += not_reached_rows(source, regimens, sampler)
    if not findings:
        findings = ["Each published hazard ratio, interval and p value agree with each other, to rounding."]
    said = (*_notes(rows, sampler, missing), *notes, *_left_empty(rows))
    return PublishedTable(tuple(rows), source.origin, source.synthetic, said, tuple(findings))


def _left_empty(rows: list[Row]) -> list[str]:
    """Why a published number has none of these patients beside it, where that is known."""
    empty = [row for row in rows if row.note and row.frequentist.missing and not row.published.missing]
    named = (" ".join(part for part in (row.endpoint.upper(), row.quantity, row.group) if part) for row in empty)
    return [f"Empty: {name}: {row.note.rstrip('.')}." for name, row in zip(named, empty, strict=True)]


def _notes(rows: list[Row], sampler: Sampler | None, missing: str) -> tuple[str, ...]:
    notes = [
        "Verdicts: a median or hazard ratio inside the published interval; a median without interval within 10 %; a p value on "
        "the same side of 0.05; a median not reached; a count equal; a date inside the published limits and within half a year of "
        "them. In capitals: not so.",
        "Frequentist: Kaplan-Meier with log-log limits, log-rank, Cox with Efron ties and Wald limits, follow-up by reverse "
        "Kaplan-Meier.",
    ]
    if any(row.endpoint == "os" for row in rows):
        notes += [NOTE_ON_OS, NOTE_ON_THIN_TAILS]
    if sampler is not None:
        gaps = "are averaged over (missing at random)" if missing == "marginalise" else "leave a patient out"
        notes += [
            f"Bayesian: {BASELINES}; priors (hazard ratios around 1, below {PRIOR_UPPER_HR:g} with "
            "97.5 %; medians of the average patient around 18 months for PFS, below 90, and 72 for OS, below 360); posterior "
            "median and equal-tailed 95 % interval; beyond the group's last follow-up a median counts as not reached (NR); medians "
            "are of each group alone, hazard ratios proportional (a regimen without an event is read beside the rest, proportional "
            f"too); gaps of the multivariable model {gaps}.",
            "Beside a p value stands the two-sided posterior tail, 2 min(P(HR < 1), P(HR > 1)), which is no p value and is not "
            "judged.",
        ]
    return tuple(notes)
