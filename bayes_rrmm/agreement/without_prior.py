"""The same model by maximum likelihood, its prior alone, and what the two give together: what tells form and prior apart.

Each is a fit like the posterior's, so that every estimand is read from it by the same code. The draws of maximum likelihood
are from the estimates' large-sample normal distribution: their quantiles are the limits (Krinsky and Robb 1986, Review of
Economics and Statistics 68:715-719). Together, likelihood and prior are both taken to be normal, and so is their product: what
the posterior would be if nothing but the prior made it differ. Normal draws are quasi-random: next to no Monte Carlo error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import qmc

from bayes_rrmm.agreement.counterparts import FAMILY, Counterparts
from bayes_rrmm.agreement.verdict import Answer
from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.estimands import AnyEstimand, Median
from bayes_rrmm.fitted import Fit, as_dataset
from bayes_rrmm.frequentist import Parametric, parametric
from bayes_rrmm.parameters import LOG_LOG_2, log_median
from bayes_rrmm.reading import Estimates, estimate
from bayes_rrmm.reading.summary import quantile_of

NORMAL, PRIOR = 4096, 1000
"""Draws of a normal distribution, the first of which is its mean, and of the prior."""

NO_HAZARD = -50.0
"""Stands for the log hazard of an interval without events, minus infinity: e^-50 is 0 in any unit of time."""

METHODS = {"exponential": "exponential ML", "weibull": "Weibull ML", "piecewise-exponential": "piecewise ML"}


@dataclass(frozen=True)
class WithoutPrior:
    """Both of a fit whose counterparts are `known`, each made once, when first asked for."""

    known: Counterparts

    @cached_property
    def likelihood(self) -> Parametric | None:
        """Maximum likelihood of the fit's own model on the rows without gaps; None where it has pooled effects or a frailty
        (their spread is learnt through the prior), or the data give no maximum."""
        plan, rows = self.known.fit.plan, self.known.complete
        if plan.encoding.pooled or plan.frailty is not None or not len(rows):
            return None
        design = plan.encoding.design(rows.covariates)
        names = [column.name for column in plan.encoding.columns]
        outcome = (rows.time, rows.event, rows.entry, rows.weight)
        try:
            return parametric(FAMILY[plan.family], design, names, *outcome, cuts=plan.cut_array, centre=np.zeros(len(names)))
        except (DataError, FitError):
            return None

    @cached_property
    def likelihood_fit(self) -> Fit | None:
        """The maximum-likelihood fit as draws; None where a coefficient has no finite estimate, or none has."""
        found = self.likelihood
        if found is None or set(found.monotone) & set(found.names):
            return None
        estimates, information = _likelihood_of(found)
        free = np.isfinite(estimates)
        covariance = np.linalg.inv(information[np.ix_(free, free)])
        draws = np.tile(np.where(free, estimates, NO_HAZARD), (NORMAL, 1))
        draws[:, free] = _normal(estimates[free], covariance)
        return _fit_of(self.known, self._named(draws))

    @cached_property
    def combined_fit(self) -> Fit | None:
        """Likelihood times prior, both as normal distributions; None where the likelihood is not one."""
        if self.likelihood_fit is None or self.likelihood is None:
            return None
        estimates, information = _likelihood_of(self.likelihood)
        estimates, information = self._by_median(estimates, information)
        prior = self._prior_vectors()
        mean, precision = prior.mean(axis=0), np.linalg.inv(np.cov(prior.T).reshape(len(estimates), -1))
        covariance = np.linalg.inv(information + precision)
        moved = np.where(np.isfinite(estimates), estimates - mean, 0.0)
        draws = _normal(mean + covariance @ information @ moved, covariance)
        if self._is_weibull:
            draws[:, -2] = LOG_LOG_2 - np.exp(draws[:, -1]) * draws[:, -2]
        return _fit_of(self.known, self._named(draws))

    @cached_property
    def prior_fit(self) -> Fit:
        """The fit with draws of its prior in place of the posterior's."""
        return _fit_of(self.known, {name: values[:PRIOR] for name, values in self._prior.items()})

    @cached_property
    def _prior(self) -> dict[str, Floats]:
        prior = self.known.fit.tree["prior"].to_dataset()
        return {str(name): values.to_numpy().reshape(-1, *values.shape[2:]) for name, values in prior.data_vars.items()}

    @property
    def _is_weibull(self) -> bool:
        return self.known.fit.plan.family == "weibull"

    def _prior_vectors(self) -> Floats:
        """The prior's draws as rows of coefficients and baseline; of a Weibull log median and log shape, where clinical
        statements are normal and independent."""
        plan, prior = self.known.fit.plan, self._prior
        columns = [prior["beta"]] if "beta" in prior else []
        if self._is_weibull:
            return np.column_stack([*columns, log_median(plan, prior), prior["log_shape"]])
        return np.column_stack([*columns, prior["log_hazard" if plan.family == "piecewise-exponential" else "log_rate"]])

    def _by_median(self, estimates: Floats, information: Floats) -> tuple[Floats, Floats]:
        """Estimates and information of a Weibull with the log median in place of the log rate."""
        if not self._is_weibull:
            return estimates, information
        shape, log_m = float(np.exp(estimates[-1])), float((LOG_LOG_2 - estimates[-2]) * np.exp(-estimates[-1]))
        # log rate = log log 2 - shape * log median: its derivatives in (log median, log shape).
        slope = np.eye(len(estimates))
        slope[-2, -2:] = -shape, -shape * log_m
        return np.append(estimates[:-2], [log_m, estimates[-1]]), slope.T @ information @ slope

    def _named(self, draws: Floats) -> dict[str, Floats]:
        """Rows of coefficients and baseline under the names of the fit's own parameters."""
        plan, columns = self.known.fit.plan, len(self.known.encoding.columns)
        beta, baseline = draws[:, :columns], draws[:, columns:]
        named = {"beta": beta} if columns else {}
        if plan.family == "piecewise-exponential":
            return {"log_hazard": baseline, **named}
        if plan.family == "exponential":
            return {"log_rate": baseline[:, 0], **named}
        return {"log_rate": baseline[:, 0], "log_shape": baseline[:, 1], **named}


def _likelihood_of(found: Parametric) -> tuple[Floats, Floats]:
    """Coefficients then baseline, and their information matrix: 0 where an interval without events has no finite estimate."""
    estimates = np.concatenate([found.coefficients, found.baseline])
    free = np.isfinite(estimates)
    information = np.zeros((len(estimates), len(estimates)))
    information[np.ix_(free, free)] = np.linalg.inv(found.covariance[np.ix_(free, free)])
    return estimates, information


def _normal(mean: Floats, covariance: Floats) -> Floats:
    """Quasi-random normal draws, (NORMAL, P), the first of which is the mean."""
    draws = np.asarray(qmc.MultivariateNormalQMC(mean, covariance, rng=np.random.default_rng(1)).random(NORMAL))
    draws[0] = mean
    return draws


def _fit_of(known: Counterparts, draws: dict[str, Floats]) -> Fit:
    tree = xr.DataTree.from_dict({"posterior": as_dataset(draws, known.fit.plan, 1)})
    return replace(known.fit, tree=tree, cohort=known.complete)


def read_as(fit: Fit, estimand: AnyEstimand, estimates: Estimates) -> Estimates | None:
    """The estimand as `estimates` was read, from another fit of the same analysis; None for a population given as rows."""
    population = estimates.population if estimates.population in ("cohort", "average", *fit.analysis.populations) else None
    if estimates.by == "" and estimates.estimand == "hazard-ratio":
        return estimate(fit, estimand)
    if population is None:
        return None
    return estimate(fit, estimand, by=estimates.by or None, population=population)


def unbounded(estimand: AnyEstimand) -> AnyEstimand:
    """The estimand with nothing counted as not reached."""
    return estimand.model_copy(update={"horizon": float("inf")}) if isinstance(estimand, Median) else estimand


def estimate_and_limits(draws: Any, prob: float, centre: float | None = None) -> Answer:
    """The estimate, which is the first draw (or the quantile `centre` of the others), and quantiles as limits."""
    values = np.asarray(draws).ravel()
    tail = (1 - prob) / 2
    estimate = float(values[0]) if centre is None else quantile_of(values[1:], centre)
    return Answer(estimate, quantile_of(values[1:], tail), quantile_of(values[1:], 1 - tail))
