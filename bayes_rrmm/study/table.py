"""The table "published | synthetic, frequentist | synthetic, Bayesian": every number of a publication beside the data's."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass

import pandas as pd

from bayes_rrmm.cohort.outcome import Outcome
from bayes_rrmm.errors import listed
from bayes_rrmm.evidence.consistency import TOO_WIDE, check_consistency, every_hazard_ratio
from bayes_rrmm.published_record import Published
from bayes_rrmm.study.bayesian_side import Sampler
from bayes_rrmm.study.comparison_rows import (
    PAIRED,
    group_rows,
    multivariable_rows,
    not_reached_rows,
    overall_rows,
    paired_rows,
)
from bayes_rrmm.study.frequentist_side import HazardRatioAnswer, within_patients
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


def build_table(source: Source, published: Published, sampler: Sampler | None, missing: str = "drop") -> PublishedTable:
    """Every number of `published` beside the same number from the data of `source`.

    `sampler` fits an analysis to a cohort (None leaves the Bayesian column empty); `missing` says what the multivariable
    Bayesian model does with gaps. Raises DataError where a column is missing or breaks a rule, AnalysisError where the
    publication has an endpoint that no column stands for, FitError where a fit was interrupted.
    """
    rows = study_rows(source, published)
    rows += overall_rows(source, published.overall, sampler)
    findings = [problem for check in every_hazard_ratio(published) for problem in check.problems]
    for ratio in published.hazard_ratio:
        found, cox = paired_rows(source, ratio, sampler)
        rows += found
        if ratio.contrast == PAIRED:
            findings += width_of_paired(source, check_consistency(ratio.contrast, ratio).se, cox)
    for comparison in published.group_comparison:
        rows += group_rows(source, comparison, sampler)
    for term in published.multivariable_cox:
        rows += multivariable_rows(source, term, sampler, missing)
    for regimens in published.not_reached:
        rows += not_reached_rows(source, regimens, sampler)
    if not findings:
        findings = ["Each published hazard ratio, interval and p value agree with each other, to rounding."]
    return PublishedTable(tuple(rows), source.origin, source.synthetic, _notes(rows, sampler, missing), tuple(findings))


def width_of_paired(source: Source, published_se: float, cox: HazardRatioAnswer) -> list[str]:
    """Whether the published interval of PFS1 against PFS2 is wider than Cox of these pairs gives, and what would be as wide."""
    lines = [source.outcome(line) for line in ("pfs1", "pfs2")]
    first, second = (float(line.event.sum()) for line in lines)
    if math.isnan(published_se) or min(first, second) == 0:
        return []
    allowed = math.sqrt(1.0 / first + 1.0 / second)
    if published_se <= TOO_WIDE * allowed:
        return []
    return [
        f"PFS1 against PFS2: the published interval has a standard error of {published_se:.3f} of the log hazard ratio, that of "
        f"about {4 / published_se**2:.0f} events. {len(source.table)} pairs with {first:.0f} PFS1 and {second:.0f} PFS2 events "
        f"give {allowed:.3f} as different patients, and {cox.se:.3f} clustered by patient: the published interval is "
        f"{published_se / allowed:.1f} times as wide as {len(source.table)} pairs taken so allow. {_stratified(*lines)}"
    ]


def _stratified(first: Outcome, second: Outcome) -> str:
    log_hr, se, pairs = within_patients(first, second)
    if math.isnan(se):
        return "Cox stratified by patient has no estimate here."
    return (
        f"Cox stratified by patient, which learns only from the {pairs:.0f} pairs in which one line is seen to end first, has "
        f"{se:.3f} (hazard ratio {math.exp(log_hr):.3f}): an analysis of that kind, or of fewer patients, would be as wide."
    )


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
