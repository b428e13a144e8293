"""What a frailty may stand beside in one analysis: its cluster against the other columns, its prior, weights and gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_rrmm.errors import AnalysisError

if TYPE_CHECKING:
    from bayes_rrmm.specification.analysis import Analysis, FrailtyPart


def check_frailty(analysis: Analysis) -> None:
    """Raise AnalysisError, naming key, rule and remedy, where the frailty contradicts the rest of the analysis."""
    frailty = analysis.model.frailty
    if frailty is None:
        if analysis.priors.frailty is not None:
            raise AnalysisError(
                "[priors] frailty: the model has no frailty; add frailty = { cluster = COLUMN, distribution = "
                '"gamma" } to [model], or remove the prior.'
            )
        return
    _check_cluster(analysis, frailty.cluster)
    _check_entry(analysis, frailty)
    if analysis.endpoint.weight is not None:
        raise AnalysisError(
            f"[model] frailty: a row of weight {analysis.endpoint.weight!r} stands for several patients, and they would share "
            "one frailty; give each patient a row and remove weight, or remove the frailty."
        )
    for name in analysis.formula.variables:
        if analysis.missing_rule(name) == "marginalise":
            raise AnalysisError(
                f"[model] frailty: gaps in {name!r} are marginalised, row by row, and rows of one cluster are not independent; "
                'set missing = "drop" or "level", or remove the frailty.'
            )


def _check_entry(analysis: Analysis, frailty: FrailtyPart) -> None:
    """How clusters come to be seen is a question of delayed entry alone, and a log-normal frailty has one answer to it."""
    stated = f'[model] frailty: entry = "{frailty.entry}"'
    if frailty.entry is None:
        return
    if analysis.model.landmark is not None:
        raise AnalysisError(f"{stated} and a landmark: the frailty is then that of clusters at the landmark; remove entry.")
    if analysis.endpoint.entry is None:
        raise AnalysisError(f"{stated}: nobody enters late without an entry column; name it in [endpoint], or remove entry.")
    if frailty.distribution == "log-normal" and frailty.entry != "at-entry":
        raise AnalysisError(
            f"{stated}: the chance that all members survive to their entry has no closed form under a log-normal frailty; set "
            'distribution = "gamma", or entry = "at-entry".'
        )


def _check_cluster(analysis: Analysis, cluster: str) -> None:
    """The cluster may be the id, but no covariate and no other column of the endpoint."""
    if cluster in analysis.formula.variables:
        raise AnalysisError(
            f"[model] frailty: cluster = {cluster!r} is a covariate of the formula too, and the two would explain the same; "
            "take it out of the formula, or remove the frailty."
        )
    for role in ("time", "event", "entry", "weight"):
        if getattr(analysis.endpoint, role) == cluster:
            raise AnalysisError(
                f"[model] frailty: cluster = {cluster!r} is the endpoint's {role}; name the column that says which rows "
                "belong together, such as the patient or the centre."
            )
