"""The methods paragraph of a fit, with its references, ready to paste: only what was done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from bayes_rrmm.agreement.wording import FOLLOW_UP
from bayes_rrmm.errors import listed
from bayes_rrmm.plan import Plan
from bayes_rrmm.prior_words import prior_lines
from bayes_rrmm.reports.citations import Bibliography
from bayes_rrmm.results import Results
from bayes_rrmm.rounding import kind_words, prob_words
from bayes_rrmm.sensitivity.dossier_folder import Dossier

BASELINES = {
    "exponential": "a constant (exponential) baseline hazard",
    "weibull": "a Weibull baseline hazard",
    "piecewise-exponential": "a piecewise-constant baseline hazard",
}
COMPARED = {
    "hazard-ratio": "hazard ratios",
    "survival": "survival probabilities",
    "median": "medians",
    "rmst": "restricted mean survival times",
}
"""What can have a frequentist counterpart, as it is called in a sentence."""


def methods_of(results: Results, bibliography: Bibliography, dossiers: Sequence[Dossier] = ()) -> str:
    """The paragraph. `dossiers` are those of small groups that belong to it."""
    sentences = [
        *_model(results, bibliography),
        *_priors(results),
        *_sampling(results, bibliography),
        *_reading(results, bibliography),
        *_frequentist(results, bibliography),
        *_small_groups(dossiers, bibliography),
    ]
    sentences.append(f"Reporting follows the Bayesian analysis reporting guidelines {bibliography.cite('barg')}.")
    return " ".join(sentences)


def _model(results: Results, bibliography: Bibliography) -> list[str]:
    fit, plan = results.fit, results.fit.plan
    endpoint, model = fit.analysis.endpoint, fit.analysis.model
    baseline = BASELINES[plan.family]
    if plan.family == "piecewise-exponential":
        rule = "a random walk of log hazards" if plan.smoothing == "random-walk" else "independent log hazards"
        baseline += f" {bibliography.cite('piecewise')} of {len(plan.cuts) + 1} intervals ({rule})"
    terms = [term.name.replace(":", " by ") for term in plan.analysis.formula.terms]
    covariates = f" with the covariates {listed(terms)}" if terms else ", without covariates"
    said = [f"{endpoint.name} was modelled by Bayesian proportional hazards over {baseline}{covariates}."]
    pooled_terms = {pooled.term for pooled in plan.encoding.pooled}
    references = [f"{group.reference} ({group.name})" for group in plan.encoding.groups if group.name not in pooled_terms]
    if references:
        said.append(f"References are {listed(references)}.")
    for pooled in plan.encoding.pooled:
        cited = f" {bibliography.cite('horseshoe')}" if pooled.is_horseshoe else ""
        kind = "under a regularised horseshoe" + cited if pooled.is_horseshoe else "partially pooled (exchangeable)"
        said.append(f"Effects of {pooled.term} were {kind}.")
    if plan.frailty is not None:
        cluster = model.frailty.cluster if model.frailty else "clusters"
        said.append(f"A {plan.frailty} frailty was shared within {cluster}{_among(plan)}.")
    if model.landmark is not None:
        said.append(f"Follow-up started at a landmark of {model.landmark:g} {endpoint.unit} {bibliography.cite('landmark')}.")
    if fit.provenance.get("data", {}).get("delayed_entry") and model.landmark is None:
        said.append("Patients counted as at risk from their entry on (delayed entry).")
    return [*said, *_gaps(results)]


def _among(plan: Plan) -> str:
    """Among which clusters a frailty has its distribution, where that is not all of them at time 0."""
    if plan.analysis.model.landmark is not None:
        return ", distributed among the clusters at the landmark"
    entry = None if plan.analysis.model.frailty is None else plan.analysis.model.frailty.entry
    if entry == "at-entry":
        return ", distributed among the clusters as they entered (an approximation)"
    return ", clusters being seen only if all members survived to entry" if entry == "whole-clusters" else ""


def _gaps(results: Results) -> list[str]:
    plan = results.fit.plan
    dropped = sum(int(item["rows"]) for item in results.fit.provenance.get("data", {}).get("dropped", []))
    said = []
    if plan.covariates is not None:
        gaps = [f"{item.name} ({item.gaps:g})" for item in plan.covariates.variables]
        model = "a model of the covariates, assuming missing at random"
        said.append(f"Missing values of {listed(gaps)} were marginalised under {model}.")
    if dropped:
        said.append(f"{dropped} rows were left out.")
    return said


def _priors(results: Results) -> list[str]:
    """Each prior's 95 % interval, those of hazard ratios with the same one together."""
    alike: dict[str, list[str]] = {}
    others = []
    for line in prior_lines(results.fit.plan):
        kind, _, about = line.about.partition(", ")
        if kind == "hazard ratio":
            alike.setdefault(line.interval, []).append(about)
        elif "odds" not in kind:
            others.append(f"{line.about}: {line.interval}")
    ratios = [f"hazard ratio of {listed(names, 20)}: {interval}" for interval, names in alike.items()]
    return [f"Priors, as 95 % intervals: {'; '.join([*others, *ratios])}."]


def _sampling(results: Results, bibliography: Bibliography) -> list[str]:
    sampling, versions = results.fit.analysis.sampling, results.fit.provenance.get("versions", {})

    def named(package: str, name: str) -> str:
        return f"{name} {versions[package]}" if package in versions else name

    seed = results.fit.provenance.get("seed", sampling.seed)
    return [
        f"Posteriors were sampled with the No-U-Turn sampler {bibliography.cite('nuts')} in {named('pymc', 'PyMC')} "
        f"{bibliography.cite('pymc')} with {named('nutpie', 'nutpie')} through {named('bayes-rrmm', 'bayes_rrmm')}: "
        f"{sampling.chains} chains of {sampling.draws} draws after {sampling.tune} of tuning, seed {seed}.",
        f"Convergence was judged on every parameter and every reported quantity with {named('arviz', 'ArviZ')} "
        f"{bibliography.cite('arviz')} by rank-normalised R-hat below 1.01, bulk and tail effective sample sizes above 400 and a "
        f"Monte Carlo error below 5 % of the posterior standard deviation {bibliography.cite('rhat')}, without divergences and "
        f"with E-BFMI above 0.3 {bibliography.cite('bfmi')}. {_verdict(results)}.",
    ]


def _verdict(results: Results) -> str:
    """What the diagnostics said, with how many checks failed."""
    failed, checks = len(results.failed), len(results.checks)
    count = f"{failed} of {checks} checks failed" if failed else ""
    if results.mark:
        return f"Diagnostics failed ({results.mark})" + (f"; {count}" if count else "")
    return count or ("All diagnostics passed" if checks else "No diagnostics are written")


def _reading(results: Results, bibliography: Bibliography) -> list[str]:
    interval = results.fit.analysis.sampling.interval
    asked = set(results.estimates["estimand"])
    intervals = f"{prob_words(interval.prob)} {kind_words(interval.kind)} intervals"
    said = [f"Results are posterior medians with {intervals} and posterior probabilities."]
    if asked & {"median", "survival", "rmst"}:
        rmst = f", restricted mean survival times {bibliography.cite('rmst')}" if "rmst" in asked else ""
        said.append(
            f"Survival, medians{rmst} and their contrasts were standardised over the analysed patients unless stated otherwise, "
            "and medians beyond a group's follow-up are given as not reached."
        )
    if results.has_loo:
        said.append(f"Predictive fit was assessed by leave-one-out cross-validation {bibliography.cite('loo', 'psis')}.")
        loo = results.loo.iloc[0]
        if loo["n_pareto_k_above_0.7"] > 0:
            high = f"{loo['n_pareto_k_above_0.7']:g} of {loo['units']:g} {loo['unit']}s"
            said.append(f"Pareto k exceeded 0.7 for {high}, for which it cannot be trusted.")
    return said


def _frequentist(results: Results, bibliography: Bibliography) -> list[str]:
    """The counterparts and tests that the agreement table holds, under the conventions that it was made with."""
    if not results.is_compared:
        return []
    table = results.crosscheck
    compared = table[(table["unit"] != "p") & (table["estimand"] != FOLLOW_UP)]
    beside = set(compared["estimand"][compared["frequentist"].notna()])
    said = []
    if beside:
        kinds = _together([words for kind, words in COMPARED.items() if kind in beside])
        made = f"computed with lifelines {bibliography.cite('lifelines')} and our own code"
        methods = _together(list(_counterparts(compared, bibliography)))
        said.append(
            f"{kinds[:1].upper()}{kinds[1:]} were set beside frequentist counterparts from the same rows, {made}: {methods}."
        )
    tests = set(table["estimand"])
    if "log-rank" in tests:
        said.append("Groups were compared by log-rank tests.")
    if "proportional-hazards" in tests:
        said.append(f"Proportionality was tested on scaled Schoenfeld residuals {bibliography.cite('schoenfeld')}.")
    return said


def _counterparts(compared: pd.DataFrame, bibliography: Bibliography) -> Iterator[str]:
    """Each method beside the posterior, with its ties and interval."""
    methods = set(compared["method"])
    if "Kaplan-Meier" in methods:
        conventions = " ".join(compared["convention"][compared["method"] == "Kaplan-Meier"])
        kind = "log-log" if "log-log interval" in conventions else "log" if "log interval" in conventions else ""
        yield f"Kaplan-Meier curves {bibliography.cite('kaplan-meier')}" + (f" with {kind} intervals" if kind else "")
    cox = compared[compared["method"].str.startswith("Cox")]
    if len(cox):
        conventions = " ".join(cox["convention"])
        said = f"Cox regression {bibliography.cite('cox')}"
        if "Efron ties" in conventions:
            said += f" with Efron's ties {bibliography.cite('efron')}"
        elif "Breslow ties" in conventions:
            said += " with Breslow's ties"
        yield said + (" and Wald intervals" if "Wald" in conventions else "")
    if "Firth Cox" in methods:
        yield f"Firth's penalised Cox with profile-likelihood intervals where events were few {bibliography.cite('firth')}"
    if any(method.endswith(" ML") for method in methods):
        yield "maximum likelihood of the same model without priors"


def _small_groups(dossiers: Sequence[Dossier], bibliography: Bibliography) -> list[str]:
    """What the dossiers hold tables of."""
    held = {section for dossier in dossiers for section, table in dossier.tables.items() if len(table)}
    grid = f"under sceptical, enthusiastic, neutral and vague priors {bibliography.cite('sceptical')}" if "priors" in held else ""
    without = "without each patient of the group" if "left_out" in held else ""
    flipped = "with each status of the group reversed" if "flipped" in held else ""
    refitted = [part for part in (grid, without, flipped) if part]
    done = [f"refitted {_together(refitted)}"] if refitted else []
    done += [f"power-scaled {bibliography.cite('power-scaling')}"] if "power_scaling" in held else []
    groups = _together(list(dict.fromkeys(dossier.group for dossier in dossiers)))
    return [f"For {groups} the analysis was {' and '.join(done)}."] if done else []


def _together(parts: list[str]) -> str:
    """Parts of a sentence: commas, and "and" before the last."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
