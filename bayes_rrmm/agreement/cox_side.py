"""Hazard ratios beside Cox: adjusted as the fit is, unadjusted, Firth's where events are few, maximum likelihood, frailty.

Pooled groups enter as dummies against their first level.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.agreement.explain import Without, explanation, prior_reasons
from bayes_rrmm.agreement.row import NOTHING, Comparison, Row, posterior_answer
from bayes_rrmm.agreement.verdict import LARGEST_SPAN, Answer, Reason, few_events, too_wide
from bayes_rrmm.agreement.without_prior import METHODS, WithoutPrior, estimate_and_limits
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import Cox, Parametric
from bayes_rrmm.reading import Estimates, estimate
from bayes_rrmm.reading.contrasts import Contrast, hazard_ratio_contrasts
from bayes_rrmm.reading.table import labelled_draws

FEW_CLUSTERS = 20
"""Below it a robust variance is too small (Therneau and Grambsch 2000, section 8.2, ask for many clusters)."""


@dataclass(frozen=True)
class Ratio:
    """One hazard ratio of an estimand: its contrast, what the posterior, the prior and maximum likelihood say of it."""

    estimand: HazardRatio
    contrast: Contrast
    identity: dict[str, Any]
    bayes: Answer
    without: Without
    about: tuple[Reason, ...]


def hazard_ratio_rows(known: Counterparts, alone: WithoutPrior, estimand: HazardRatio, estimates: Estimates) -> list[Row]:
    """The rows of every comparison of the estimand, the main counterpart of each first."""
    contrasts = hazard_ratio_contrasts(known.fit.plan, estimand)
    posterior = [draws for _, _, draws in labelled_draws(estimand, estimates)]
    prior, both = (_draws_of(fit, estimand) for fit in (alone.prior_fit, alone.combined_fit))
    likelihood = alone.likelihood if known.fit.plan.frailty is None else None
    compared: list[Row] = []
    for index, (contrast, draws) in enumerate(zip(contrasts, posterior, strict=True)):
        identity: dict[str, Any] = {
            "estimand": "hazard-ratio",
            "term": estimand.of,
            "group": contrast.group,
            "versus": contrast.versus,
            "contrast": "ratio",
            "subgroup": contrast.subgroup,
            "population": estimates.population,
            "unit": "ratio",
        }
        without = Without(
            None if prior is None else prior[index],
            None if likelihood is None else _ratio(likelihood.contrast(known.weights_of(contrast), known.prob)),
            None if both is None else estimate_and_limits(both[index], known.prob, centre=0.5),
        )
        few = tuple(few_events(events_of(known, known.complete, estimand, contrast)))
        ratio = Ratio(estimand, contrast, identity, posterior_answer(draws, estimates.interval, estimates.scale), without, few)
        compared += _rows_of(known, ratio, likelihood)
    return compared


def _draws_of(fit: Fit | None, estimand: HazardRatio) -> list[Floats] | None:
    return None if fit is None else [draws for _, _, draws in labelled_draws(estimand, estimate(fit, estimand))]


def _rows_of(known: Counterparts, ratio: Ratio, likelihood: Parametric | None) -> Iterator[Row]:
    rows, weights = float(known.complete.weight.sum()), known.weights_of(ratio.contrast)
    about = {*_variables(known, ratio.estimand), ratio.estimand.by}
    adjusted = bool(set(known.fit.analysis.formula.variables) - about)
    pooled = [Reason("pooled")] if np.any(ratio.contrast.levels != 0) else []
    shared = [*known.left_out, *pooled, *ratio.about, *known.reasons_of_form(_variables(known, ratio.estimand))]
    wald = f"{known.ties.capitalize()} ties, Wald interval"
    frailty = known.fit.plan.frailty
    silent = known.dummies.why_not_estimable(ratio.contrast)
    if silent:
        yield Row(ratio.identity, Comparison.refused(ratio.bayes, NOTHING, [*silent, *shared]), "Cox", wald, adjusted, rows)
        return
    if frailty is not None:
        found = known.frailty_cox
        model = found if isinstance(found, Reason) else found.cox
        edge = "" if isinstance(found, Reason) else f", variance {found.variance:.3f}"
        yield Row(
            ratio.identity, _cox(known, ratio, model, weights, shared), f"Cox, {frailty} frailty",
            f"{wald}, R's frailty(){edge}", adjusted, rows,
        )  # fmt: skip
        clusters = int(known.complete.cluster_numbers.max()) + 1 if len(known.complete) else 0
        few = [Reason("few-clusters", f"{clusters}")] if clusters < FEW_CLUSTERS else []
        clustered = _refused(known, ratio, known.clustered_cox, weights, [Reason("different-model"), *few, *shared])
        yield Row(ratio.identity, clustered, "Cox, errors by cluster", f"{wald}, robust", adjusted, rows)
    else:
        yield Row(ratio.identity, _cox(known, ratio, known.cox, weights, shared), "Cox", wald, adjusted, rows)
    if adjusted and len(_variables(known, ratio.estimand)) == 1:
        yield _unadjusted(known, ratio, wald)
    diverges = not isinstance(known.cox, Reason) and not math.isfinite(known.cox.contrast(weights)[1])
    if (diverges or any(reason.code == "few-events" for reason in ratio.about)) and known.firth is not None and frailty is None:
        yield _firth(known, ratio, weights, shared, adjusted)
    if likelihood is not None:
        yield _likelihood(known, ratio, shared, adjusted)


def _cox(known: Counterparts, ratio: Ratio, model: Cox | Reason, weights: Floats, reasons: list[Reason]) -> Comparison:
    if isinstance(model, Reason):
        return Comparison.refused(ratio.bayes, NOTHING, [model, *reasons])
    answer = _ratio(model.contrast(weights, known.prob))
    if _diverges(answer):
        return Comparison.refused(ratio.bayes, NOTHING, [_monotone(known, ratio), *reasons])
    return _between(known, ratio, answer, reasons)


def _refused(known: Counterparts, ratio: Ratio, model: Cox | Reason, weights: Floats, reasons: list[Reason]) -> Comparison:
    """A number shown beside one that answers another question."""
    if isinstance(model, Reason):
        return Comparison.refused(ratio.bayes, NOTHING, [model, *reasons])
    answer = _ratio(model.contrast(weights, known.prob))
    if _diverges(answer):
        return Comparison.refused(ratio.bayes, NOTHING, [*reasons, _monotone(known, ratio)])
    if not answer.lower * LARGEST_SPAN > answer.upper:
        return Comparison.refused(ratio.bayes, NOTHING, [*reasons, too_wide(answer)])
    return Comparison.refused(ratio.bayes, answer, reasons)


def _unadjusted(known: Counterparts, ratio: Ratio, convention: str) -> Row:
    """Cox of the variable alone, in the subgroup where there is one."""
    variable, subgroup = ratio.estimand.of, ratio.contrast.subgroup
    rows, model = known.rows_of(variable, subgroup), known.unadjusted(variable, subgroup)
    reasons = [Reason("different-adjustment"), *few_events(events_of(known, rows, ratio.estimand, ratio.contrast))]
    reasons += [Reason("different-rows")] if not known.rows.is_complete((variable,)).all() else []
    weights = np.empty(0)
    if not isinstance(model, Reason):
        full = dict(zip(known.names, known.weights_of(ratio.contrast), strict=True))
        lost = [name for name in known.terms[variable] if name not in model.names and full[name] != 0]
        model = Reason("empty-group") if lost else model
        weights = np.array([full[name] for name in known.terms[variable] if isinstance(model, Cox) and name in model.names])
    comparison = _refused(known, ratio, model, weights, reasons)
    return Row(ratio.identity, comparison, "Cox", f"{convention}, unadjusted", False, float(rows.weight.sum()))


def _firth(known: Counterparts, ratio: Ratio, weights: Floats, reasons: list[Reason], adjusted: bool) -> Row:
    assert known.firth is not None
    found = known.firth.contrast(weights, known.prob)
    convention = f"{known.ties.capitalize()} ties, profile-likelihood interval, likelihood-ratio p {found.p:.3g}"
    answer = _ratio((found.estimate, found.error, found.lower, found.upper))
    if math.isnan(found.estimate):
        comparison = Comparison.refused(ratio.bayes, NOTHING, [Reason("nothing-left"), *reasons])
    else:
        comparison = _between(known, ratio, answer, reasons)
    return Row(ratio.identity, comparison, "Firth Cox", convention, adjusted, float(known.complete.weight.sum()))


def _likelihood(known: Counterparts, ratio: Ratio, reasons: list[Reason], adjusted: bool) -> Row:
    answer = ratio.without.likelihood
    assert answer is not None
    if _diverges(answer):
        comparison = Comparison.refused(ratio.bayes, NOTHING, [_monotone(known, ratio), *reasons])
    else:
        comparison = _between(known, ratio, answer, reasons)
    method = METHODS[known.fit.plan.family]
    rows = float(known.complete.weight.sum())
    return Row(ratio.identity, comparison, method, "maximum likelihood of the same model, Wald interval", adjusted, rows)


def _between(known: Counterparts, ratio: Ratio, freq: Answer, reasons: list[Reason]) -> Comparison:
    """The comparison, with the prior's weight."""
    if not freq.lower * LARGEST_SPAN > freq.upper:
        return Comparison.refused(ratio.bayes, NOTHING, [too_wide(freq), *reasons])
    prior = prior_reasons(ratio.without.prior, freq, math.log, known.prob)
    why = explanation(ratio.bayes, freq, math.log, known.prob, ratio.without, known.left_out_share)
    return Comparison.between(ratio.bayes, freq, math.log, known.prob, [*prior, *reasons], why)


def _ratio(found: tuple[float, float, float, float]) -> Answer:
    """Estimate and limits of a log hazard ratio as a hazard ratio."""
    log_hr, _, lower, upper = found
    return Answer(*(float(np.exp(value)) for value in (log_hr, lower, upper)))


def _variables(known: Counterparts, estimand: HazardRatio) -> tuple[str, ...]:
    term = known.fit.analysis.formula.find(estimand.of)
    return (estimand.of,) if term is None else term.variables


def _diverges(answer: Answer) -> bool:
    return answer.lower == 0 or not all(map(math.isfinite, (answer.estimate, answer.lower, answer.upper)))


def _monotone(known: Counterparts, ratio: Ratio) -> Reason:
    events = events_of(known, known.complete, ratio.estimand, ratio.contrast)
    return Reason("monotone-likelihood", ", ".join(f"no event in {level}" for level, count in events.items() if count == 0))


def events_of(known: Counterparts, rows: Cohort, estimand: HazardRatio, contrast: Contrast) -> dict[str, float]:
    """Events of the two groups compared, within the subgroup where there is one; none where no groups are compared."""
    if not known.encoding.is_group(estimand.of) or not contrast.versus:
        return {}
    inside = rows.weight * rows.event
    if estimand.by is not None:
        level = contrast.subgroup.removeprefix(f"{estimand.by}=")
        inside = inside * (rows.covariates[estimand.by] == level).to_numpy()
    values = rows.covariates[estimand.of].to_numpy(dtype=object)
    return {level: float(inside[values == level].sum()) for level in (contrast.group, contrast.versus)}
