"""Every table for print there is, in the order of a report: its name, what it is for, how it is made, and of which results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bayes_rrmm.results import Results
from bayes_rrmm.tables.agreement import agreement
from bayes_rrmm.tables.baseline import baseline
from bayes_rrmm.tables.diagnostics import diagnostics
from bayes_rrmm.tables.estimates import estimates
from bayes_rrmm.tables.parameters import parameters, priors
from bayes_rrmm.tables.table import Table


@dataclass(frozen=True)
class Printed:
    """A table of a report. `name` is that of its file, `caption` what it shows and how to read it, `applies` whether the results
    have it."""

    name: str
    caption: str
    make: Callable[[Results], Table]
    applies: Callable[[Results], bool]


def _always(_: Results) -> bool:
    return True


TABLES = (
    Printed(
        "baseline",
        "Who was analysed: characteristics, missing values, events and follow-up, by group and for everyone.",
        baseline,
        lambda results: results.has_rows,
    ),
    Printed(
        "estimates",
        "Every number the analysis reports, with its interval and the posterior probability of lying below and above no effect.",
        estimates,
        _always,
    ),
    Printed(
        "agreement",
        "Each posterior number beside its frequentist counterpart from the same patients: how far apart, and why; tests last.",
        agreement,
        lambda results: results.is_compared,
    ),
    Printed(
        "diagnostics",
        "Whether the draws can be believed: convergence of every quantity, the sampler, leave-one-out. What failed stands first.",
        diagnostics,
        _always,
    ),
    Printed(
        "priors", "What was assumed before the data, as hazard ratios and medians, and how many events it weighs.", priors, _always
    ),
    Printed("parameters", "The model's parameters, on the scale they were fitted on.", parameters, _always),
)
