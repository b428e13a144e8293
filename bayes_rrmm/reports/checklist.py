"""The Bayesian analysis reporting guidelines (Kruschke 2021), ticked by what was done: computed from the run, not declared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.plan import Plan
from bayes_rrmm.prior_words import prior_lines
from bayes_rrmm.results import Results
from bayes_rrmm.sensitivity.dossier_folder import Dossier

State = Literal["done", "failed", "not done", "yours to write"]

NO_PROVENANCE = "this fit has no provenance: write it with `bayes-rrmm fit`"
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
REASON = re.compile(r"#\W*(?![\w.]+\s*=)\w")
"""A comment that is no statement put aside."""


@dataclass(frozen=True)
class Item:
    """One item: the step of the guidelines it belongs to, what it asks, whether it was done, and where or why not."""

    step: str
    asks: str
    state: State
    how: str


def checklist_of(results: Results, shown: Sequence[str], dossiers: Sequence[Dossier]) -> list[Item]:
    """Every item, in the guidelines' order. `shown` are the names of the figures in the report."""
    return [
        *_preamble(results),
        *_model(results, shown),
        *_computation(results),
        *_posterior(shown),
        *_decisions(results),
        *_sensitivity(results, dossiers),
        *_reproduction(results),
    ]


def _item(step: str, asks: str, done: bool, yes: str, no: str, otherwise: State = "not done") -> Item:
    return Item(step, asks, "done" if done else otherwise, yes if done else no)


def _preamble(results: Results) -> list[Item]:
    question = bool(results.fit.analysis.question)
    return [
        Item("Preamble", "Say why the analysis is Bayesian", "yours to write", "this depends on your readers"),
        _item(
            "Preamble", "State the goals of the analysis", question, "Question",
            "the analysis file has no `question`; write it there", "yours to write",
        ),
    ]  # fmt: skip


def _model(results: Results, shown: Sequence[str]) -> list[Item]:
    source = results.fit.analysis.source
    implied = "Priors in words: what the prior implies for hazard ratios and the median; no replicated data"
    return [
        Item("1 Model", "Describe the outcome and the covariates", "done", "Patients; Methods" if results.has_rows else "Methods"),
        Item("1 Model", "Describe the likelihood and its parameters", "done", "Methods"),
        _justified(results.fit.plan, source),
        Item(
            "1 Model", "Give the model formally", "done",
            "Methods: the model, formally" + ("; Provenance: the analysis file" if source else ""),
        ),
        _item("1 Model", "Check the prior's predictions", "prior_posterior" in shown, implied, implied),
    ]  # fmt: skip


def _justified(plan: Plan, source: str) -> Item:
    """Priors are justified where each that can be stated is stated, and the analysis file says something about them."""
    stated = all(line.origin.startswith("stated") for line in prior_lines(plan) if line.origin != "fixed")
    missing = (
        "Priors in words: stated, without a comment in [priors] of the analysis file; say why they suit your question"
        if stated
        else "Priors in words: some are the package's defaults; say why they suit your question"
    )
    return _item(
        "1 Model", "State the priors and justify them", stated and has_reasons(source),
        "Priors in words, as stated in the analysis file; the reasons are its comments", missing, "yours to write",
    )  # fmt: skip


def has_reasons(source: str) -> bool:
    """Whether [priors] of an analysis file has a comment. One right above a heading belongs to what the heading opens."""
    inside = above = False
    for line in source.splitlines():
        bare = QUOTED.sub("", line).strip()
        said = REASON.search(bare) is not None
        if bare.startswith("#"):
            above = above or said
            continue
        if bare.startswith("["):
            inside = re.match(r"\[\s*priors\s*[.\]]", bare) is not None
        if inside and (above or said):
            return True
        above = False
    return inside and above


def _computation(results: Results) -> list[Item]:
    checks = results.checks

    def judged(names: tuple[str, ...]) -> tuple[State, str]:
        some = checks[checks["check"].isin(names)]
        if some.empty:
            return "not done", "no such check is written"
        failed = some[some["verdict"] == "failed"]
        if len(failed):
            return "failed", f"{len(failed)} of {len(some)} checks failed: see the top of this page"
        return "done", f"Diagnostics: {len(some)} checks, none failed"

    convergence, resolution = judged(("r_hat", "divergences", "e_bfmi")), judged(("ess_bulk", "ess_tail", "mcse"))
    return [
        _item("2 Computation", "Name the software with versions", _has_versions(results), "Methods; Provenance", NO_PROVENANCE),
        Item("2 Computation", "Show that chains converged, for every reported quantity", *convergence),
        Item("2 Computation", "Show that chains are long enough, for every reported quantity", *resolution),
    ]


def _posterior(shown: Sequence[str]) -> list[Item]:
    return [
        _item(
            "3 Posterior", "Check the posterior's predictions", "predictive" in shown, "Does the model fit?",
            "no rows at hand to check against: give DATA to the command",
        ),
        Item("3 Posterior", "Summarise the posterior: centre, interval and its kind", "done", "Estimates"),
        Item("3 Posterior", "Bayes factors, with prior model probabilities", "not done", "none is used; nothing rests on one"),
    ]  # fmt: skip


def _decisions(results: Results) -> list[Item]:
    ratios = [item for item in results.fit.analysis.estimands or () if isinstance(item, HazardRatio)]
    limits = sorted({limit for item in ratios for limit in item.threshold if limit != 1.0})
    return [
        _item(
            "4 Decisions", "State the limits of what matters clinically", bool(limits),
            f"P(HR < {', '.join(f'{limit:g}' for limit in limits)}) is reported beside P(HR < 1)",
            "only P(HR < 1) is asked; add `threshold` to the estimand if a decision rests on the size", "yours to write",
        ),
        Item("4 Decisions", "Give the estimates beside any decision", "done", "Answer; Estimates"),
    ]  # fmt: skip


def _sensitivity(results: Results, dossiers: Sequence[Dossier]) -> list[Item]:
    names = ", ".join(dossier.group for dossier in dossiers)
    beside = results.is_compared
    return [
        _item(
            "5 Sensitivity", "Refit under other priors: broad, sceptical, enthusiastic", bool(dossiers),
            f"Small group: {names}",
            "run `bayes-rrmm sensitivity DIR --group LEVEL`, then the report again",
        ),
        _item(
            "5 Sensitivity", "Refit under other models", any(len(dossier.to_dataframe("baselines")) for dossier in dossiers),
            f"Small group: {names}, other baselines", "run `bayes-rrmm sensitivity DIR --group LEVEL` with baselines",
        ),
        _item(
            "5 Sensitivity", "Compare with an analysis without priors", beside,
            "Agreement: Cox, Firth, Kaplan-Meier, maximum likelihood",
            "no rows at hand: give DATA to the command",
        ),
    ]  # fmt: skip


def _reproduction(results: Results) -> list[Item]:
    return [
        _item(
            "6 Reproducibility", "Record software, seed, settings and a fingerprint of the data", _has_versions(results),
            "Provenance", NO_PROVENANCE,
        ),
        _item(
            "6 Reproducibility", "Share the analysis script", bool(results.fit.analysis.source),
            "Provenance: the analysis file, as read", "this fit holds no analysis file: fit one with `bayes-rrmm fit`",
        ),
        Item("6 Reproducibility", "Share the data, or say why not", "yours to write", "a report holds no patient's row"),
    ]  # fmt: skip


def _has_versions(results: Results) -> bool:
    return bool(results.fit.provenance.get("versions"))
