"""The Bayesian numbers: posterior medians of medians and hazard ratios, from one fit an analysis, and whether each fit passed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bayes_rrmm.cohort import Cohort
from bayes_rrmm.errors import FitError
from bayes_rrmm.estimands import AnyEstimand, HazardRatio, Median
from bayes_rrmm.fitted import Fit
from bayes_rrmm.model_checks import diagnose
from bayes_rrmm.parameters import FRAILTY
from bayes_rrmm.reading import Estimates, estimate
from bayes_rrmm.reading.summary import summary_of
from bayes_rrmm.specification import Analysis
from bayes_rrmm.study.row import NOTHING, Answer

Sampler = Callable[[Analysis, Cohort], Fit]
TAIL = "two-sided posterior tail, 2 min(P(HR < 1), P(HR > 1)): no p value"


@dataclass(frozen=True)
class Posterior:
    """A posterior median with its interval; `not_reached` is P(the median lies beyond follow-up), `above` P(HR > 1).

    `failed` names the diagnostics that the fit, or this quantity of it, failed.
    """

    answer: Answer = NOTHING
    not_reached: float = 0.0
    above: float = math.nan
    failed: tuple[str, ...] = ()

    @property
    def tail(self) -> Answer:
        """The two-sided posterior tail of a hazard ratio."""
        return Answer(2.0 * min(self.above, 1.0 - self.above))


UNKNOWN = Posterior()


def posterior_median(sampler: Sampler, analysis: Analysis, cohort: Cohort) -> Posterior:
    """The median of a cohort without covariates; beyond its last follow-up it is not reached."""
    fit = _fit(sampler, analysis, cohort)
    question = Median()
    estimates = estimate(fit, question)
    return _read(estimates, _failed(fit, [(question, estimates)]))


def posterior_group_median(sampler: Sampler, analysis: Analysis, cohort: Cohort, variable: str, level: str) -> Posterior:
    """The median of one level, standardised over the cohort; beyond the level's last follow-up it is not reached."""
    fit = _fit(sampler, analysis, cohort)
    question = Median(by=variable)
    estimates = estimate(fit, question)
    return _read(estimates.sel(**{variable: level}), _failed(fit, [(question, estimates)]))


def posterior_hazard_ratio(sampler: Sampler, analysis: Analysis, cohort: Cohort, variable: str, pair: tuple[str, str]) -> Posterior:
    """The hazard ratio of the first level of a pair to the second."""
    fit = _fit(sampler, analysis, cohort)
    question = HazardRatio(variable, pair[0], versus=pair[1])
    estimates = estimate(fit, question)
    return _read(estimates, _failed(fit, [(question, estimates)]))


def posterior_given_frailty(
    sampler: Sampler, analysis: Analysis, cohort: Cohort, variable: str, pair: tuple[str, str]
) -> tuple[Posterior, Posterior]:
    """The hazard ratio of the first level of a pair to the second, given a gamma frailty, and the frailty's variance."""
    fit = _fit(sampler, analysis, cohort)
    question = HazardRatio(variable, pair[0], versus=pair[1])
    estimates = estimate(fit, question)
    failed = _failed(fit, [(question, estimates)])
    variance = summary_of(fit.draws[FRAILTY["gamma"]], estimates.interval, None)
    return _read(estimates, failed), Posterior(Answer(variance["median"], variance["lower"], variance["upper"]), failed=failed)


def _fit(sampler: Sampler, analysis: Analysis, cohort: Cohort) -> Fit:
    try:
        return sampler(analysis, cohort)
    except FitError as error:
        raise FitError(f"{analysis.title}: {error}") from None


def _failed(fit: Fit, read: list[tuple[AnyEstimand, Estimates]]) -> tuple[str, ...]:
    return tuple(f"{check.check} of {check.of} ({fit.analysis.title})" for check in diagnose(fit, read).failed)


def _read(estimates: Estimates, failed: tuple[str, ...]) -> Posterior:
    summary = summary_of(estimates.draws.to_numpy().ravel(), estimates.interval, 1.0, estimates.scale)
    answer = Answer(summary["median"], summary["lower"], summary["upper"])
    return Posterior(answer, summary["p_not_reached"], summary["p_above"], failed)
