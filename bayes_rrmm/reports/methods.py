"""The methods paragraph of a fit, with its references, ready to paste: only what was done."""

from __future__ import annotations

from bayes_rrmm.errors import listed
from bayes_rrmm.prior_words import prior_lines
from bayes_rrmm.reports.citations import Bibliography
from bayes_rrmm.results import Results

BASELINES = {
    "exponential": "a constant (exponential) baseline hazard",
    "weibull": "a Weibull baseline hazard",
    "piecewise-exponential": "a piecewise-constant baseline hazard",
}


def methods_of(results: Results, bibliography: Bibliography, dossiers: bool = False) -> str:
    """The paragraph. `dossiers` says whether a small-group dossier belongs to it."""
    sentences = [
        *_model(results, bibliography),
        *_priors(results),
        *_sampling(results, bibliography),
        *_reading(results, bibliography),
        *_frequentist(results, bibliography),
    ]
    if dossiers:
        sentences.append(
            "For the smallest groups the analysis was refitted under sceptical, enthusiastic, neutral and vague priors "
            f"{bibliography.cite('sceptical')}, without each patient of the group and with each status reversed, and power-scaled "
            f"{bibliography.cite('power-scaling')}."
        )
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
        said.append(f"A {plan.frailty} frailty was shared within {model.frailty.cluster if model.frailty else 'clusters'}.")
    if model.landmark is not None:
        said.append(f"Follow-up started at a landmark of {model.landmark:g} {endpoint.unit} {bibliography.cite('landmark')}.")
    if fit.provenance.get("data", {}).get("delayed_entry") and model.landmark is None:
        said.append("Patients counted as at risk from their entry on (delayed entry).")
    return [*said, *_gaps(results)]


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
    checks = "All diagnostics passed" if not results.mark else f"Diagnostics failed ({results.mark})"
    return [
        f"Posteriors were sampled with the No-U-Turn sampler {bibliography.cite('nuts')} in {named('pymc', 'PyMC')} "
        f"{bibliography.cite('pymc')} with {named('nutpie', 'nutpie')} through {named('bayes-rrmm', 'bayes_rrmm')}: "
        f"{sampling.chains} chains of {sampling.draws} draws after {sampling.tune} of tuning, seed {seed}.",
        f"Convergence was judged on every parameter and every reported quantity with {named('arviz', 'ArviZ')} "
        f"{bibliography.cite('arviz')} by rank-normalised R-hat below 1.01, bulk and tail effective sample sizes above 400 and a "
        f"Monte Carlo error below 5 % of the posterior standard deviation {bibliography.cite('rhat')}, without divergences and "
        f"with E-BFMI above 0.3 {bibliography.cite('bfmi')}. {checks}.",
    ]


def _reading(results: Results, bibliography: Bibliography) -> list[str]:
    interval = results.fit.analysis.sampling.interval
    kind = {"eti": "equal-tailed", "hdi": "highest-density"}[interval.kind]
    asked = set(results.estimates["estimand"])
    said = [f"Results are posterior medians with {interval.prob:.0%} {kind} intervals and posterior probabilities."]
    if asked & {"median", "survival", "rmst"}:
        rmst = f", restricted mean survival times {bibliography.cite('rmst')}" if "rmst" in asked else ""
        said.append(
            f"Survival, medians{rmst} and their contrasts were standardised over the analysed patients unless stated otherwise, "
            "and medians beyond a group's follow-up are given as not reached."
        )
    if results.has_rows:
        said.append(f"Predictive fit was assessed by leave-one-out cross-validation {bibliography.cite('loo', 'psis')}.")
    return said


def _frequentist(results: Results, bibliography: Bibliography) -> list[str]:
    if not results.is_compared:
        return []
    methods = set(results.crosscheck["method"])
    said = [
        f"Every number was set beside its frequentist counterpart from the same rows, computed with lifelines "
        f"{bibliography.cite('lifelines')} and our own code: Kaplan-Meier curves {bibliography.cite('kaplan-meier')} with log-log "
        f"intervals and Cox regression {bibliography.cite('cox')} with Efron's ties {bibliography.cite('efron')}"
    ]
    if any("Firth" in method for method in methods):
        said[0] += f", Firth's penalised Cox with profile-likelihood intervals where events were few {bibliography.cite('firth')}"
    said[0] += f"; proportionality was tested on scaled Schoenfeld residuals {bibliography.cite('schoenfeld')}."
    return said
