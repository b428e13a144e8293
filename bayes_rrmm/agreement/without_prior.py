"""The same model by maximum likelihood, its prior alone, and what the two give together: what tells form and prior apart.

Each is a fit like the posterior's, so that every estimand is read from it by the same code. The draws of maximum likelihood
are from the estimates' large-sample normal distribution: their quantiles are the limits (Krinsky and Robb 1986, Review of
Economics and Statistics 68:715-719). Together, likelihood and prior are both taken to be normal, and so is their product: what
the posterior would be if nothing but the prior made it differ. Normal draws are quasi-random: next to no Monte Carlo error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from bayes_rrmm.agreement.counterparts import FAMILY, Counterparts
from bayes_rrmm.agreement.verdict import Answer
from bayes_rrmm.cohort.record import Cohort, Floats
from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.estimands import ENTERERS, AnyEstimand, Median
from bayes_rrmm.fitted import Fit, as_dataset
from bayes_rrmm.frequentist import Parametric, parametric
from bayes_rrmm.frequentist.cox_baseline import FAR
from bayes_rrmm.hazards import pointwise_log_likelihood
from bayes_rrmm.parameters import FRAILTY, LOG_LOG_2, baseline_of, log_median, log_relative_hazard
from bayes_rrmm.pooled_effects import spread_over_levels
from bayes_rrmm.reading import Estimates, estimate
from bayes_rrmm.reading.summary import quantile_of

NORMAL, PRIOR = 4096, 1000
"""Draws of a normal distribution, the first of which is its mean, and of the prior."""

NO_HAZARD = -50.0
"""Stands for the log hazard of an interval without events: e^-50 is 0 in any unit of time."""

NO_FRAILTY = 1e-9
"""A variance, or sd, of the frailty that is as good as none."""

METHODS = {"exponential": "exponential ML", "weibull": "Weibull ML", "piecewise-exponential": "piecewise ML"}


@dataclass(frozen=True)
class Normal:
    """A likelihood as a normal distribution of coefficients (P,) and baseline (B,), the baseline at the average patient.

    What has no finite estimate (a level, or an interval, without events) is so far out that the likelihood is at its limit.
    """

    mean: Floats
    covariance: Floats
    information: Floats


@dataclass(frozen=True)
class WithoutPrior:
    """All of a fit whose counterparts are `known`, each made once, when first asked for."""

    known: Counterparts

    @cached_property
    def likelihood(self) -> Parametric | None:
        """Maximum likelihood of the fit's own model on the rows without gaps, pooled groups as dummies against their first level,
        a frailty left out; None where the data give no maximum. The baseline is that of a row with an event, where it is finite."""
        plan, rows = self.known.fit.plan, self.known.complete
        if not np.any(rows.event):
            return None
        design, names = self.known.design(rows.covariates), self.known.names
        outcome = (rows.time, rows.event, rows.entry, rows.weight)
        centre = design[int(np.argmax(rows.event))]
        try:
            return parametric(FAMILY[plan.family], design, names, *outcome, cuts=plan.cut_array, centre=centre)
        except (DataError, FitError):
            return None

    @cached_property
    def emptied_fit(self) -> Fit | None:
        """The posterior with no hazard in the intervals of its baseline that have no event, as the data alone have it: what its
        numbers owe to the prior there. None where there are no such intervals."""
        fit = self.known.fit
        if not fit.plan.cuts or not self.known.empty_intervals.any():
            return None
        emptied = np.where(self.known.empty_intervals, NO_HAZARD, fit.draws["log_hazard"])
        return _fit_of(self.known, {**fit.draws, "log_hazard": emptied}, fit.cohort)

    @cached_property
    def normal(self) -> Normal | None:
        """The likelihood as a normal distribution; None where there is none, or its limit is not reached."""
        found = self.likelihood
        if found is None or self.known.dummies.empty_cells:
            return None
        columns = len(found.names)
        finite = found.finite
        mean = np.concatenate([found.coefficients, found.baseline]) if finite is None else finite.estimates.copy()
        covariance = found.covariance if finite is None else finite.covariance
        reported = np.concatenate([found.coefficients, found.baseline])
        if np.any(np.isnan(reported)):
            return None
        mean[:columns] += np.where(np.isinf(reported[:columns]), np.sign(reported[:columns]) * FAR, 0.0)
        mean[columns:] = np.where(np.isinf(reported[columns:]), NO_HAZARD, mean[columns:])
        information = np.linalg.pinv(covariance, rcond=1e-10, hermitian=True)
        # From the baseline of one patient to that of the average one, at columns of 0.
        move, back = np.eye(len(mean)), np.eye(len(mean))
        rates = slice(columns, None if self.known.fit.plan.family != "weibull" else -1)
        move[rates, :columns], back[rates, :columns] = -found.centre, found.centre
        moved = Normal(move @ mean, move @ covariance @ move.T, back.T @ information @ back)
        return moved if self._reaches(moved.mean, found.log_likelihood) else None

    def _reaches(self, mean: Floats, best: float) -> bool:
        plan, rows, draws = self.known.fit.plan, self.known.complete, self._named(mean[None, :])
        design, indicators = plan.encoding.design(rows.covariates), plan.encoding.indicators(rows.covariates)
        with np.errstate(all="ignore"):
            eta = log_relative_hazard(draws, design, indicators)
            terms = pointwise_log_likelihood(baseline_of(plan, draws), eta, rows.time, rows.event, rows.entry, rows.weight)
            reached = float(terms.sum())
        return abs(reached - best) < 1e-5 * max(1.0, abs(best))

    @cached_property
    def likelihood_fit(self) -> Fit | None:
        """The maximum-likelihood fit as draws; None where it is not normal."""
        found = self.normal
        return None if found is None else _fit_of(self.known, self._named(_draws(found.mean, found.covariance)))

    @cached_property
    def combined_fit(self) -> Fit | None:
        """Likelihood times prior, both as normal distributions; None where the likelihood is not one, has no finite maximum (then
        it is far from normal), or lacks the model's frailty.

        Pooled effects have the prior Normal(0, tau), tau being its posterior median (under a horseshoe, that of tau times l).
        """
        if self.normal is None or self.likelihood is None or self.known.fit.plan.frailty is not None:
            return None
        if set(self.likelihood.monotone) & set(self.known.names):
            return None
        way = self._way()
        estimates, information = self._by_median(self.normal.mean, self.normal.information)
        prior_mean, precision = self._prior_normal()
        covariance = np.linalg.inv(way.T @ information @ way + precision)
        mean = prior_mean + covariance @ way.T @ information @ (estimates - way @ prior_mean)
        draws = _draws(mean, covariance)
        if self._is_weibull:
            draws[:, -2] = LOG_LOG_2 - np.exp(draws[:, -1]) * draws[:, -2]
        return _fit_of(self.known, self._split(draws, len(self.known.encoding.columns), len(self.known.encoding.pooled_levels)))

    def _way(self) -> Floats:
        """From (coefficients, every pooled effect, baseline) to (coefficients, dummies, baseline of the first levels)."""
        columns, levels = len(self.known.encoding.columns), len(self.known.encoding.pooled_levels)
        free = self.known.free_levels
        assert self.normal is not None
        base = len(self.normal.mean) - columns - len(free)
        way = np.zeros((len(self.normal.mean), columns + levels + base))
        made = self.known.dummies.of_effects
        way[: columns + len(free), : columns + levels] = made[:-1]
        way[columns + len(free) :, columns + levels :] = np.eye(base)
        # What adds to each log rate takes, of a Weibull, its share off the log median.
        share = -math.exp(-self.normal.mean[-1]) if self._is_weibull else 1.0
        rates = slice(columns + len(free), -1 if self._is_weibull else None)
        way[rates, : columns + levels] = share * made[-1]
        return way

    def _prior_normal(self) -> tuple[Floats, Floats]:
        """Mean and precision of the prior of (coefficients, pooled effects, baseline); of a Weibull's log median and log shape,
        where clinical statements are normal and independent."""
        plan, prior = self.known.fit.plan, self._prior
        columns = [prior["beta"]] if "beta" in prior else []
        baseline = prior["log_hazard" if plan.family == "piecewise-exponential" else "log_rate"] if not self._is_weibull else None
        own = [np.column_stack([log_median(plan, prior), prior["log_shape"]]) if baseline is None else baseline]
        draws = np.column_stack([*columns, *own])
        at = len(self.known.encoding.columns)
        precision = np.linalg.inv(np.cov(draws.T).reshape(draws.shape[1], -1))
        levels = len(self.known.encoding.pooled_levels)
        if not levels:
            return draws.mean(axis=0), precision
        tau = np.median(spread_over_levels(plan, self.known.fit.draws), axis=0)
        full = np.zeros((draws.shape[1] + levels,) * 2)
        others = [*range(at), *range(at + levels, len(full))]
        full[np.ix_(others, others)] = precision
        full[range(at, at + levels), range(at, at + levels)] = tau**-2
        return np.insert(draws.mean(axis=0), at, np.zeros(levels)), full

    @cached_property
    def prior_fit(self) -> Fit:
        """The fit with draws of its prior in place of the posterior's, on the same rows, gaps and all."""
        return _fit_of(self.known, {name: values[:PRIOR] for name, values in self._prior.items()}, self.known.rows)

    @cached_property
    def _prior(self) -> dict[str, Floats]:
        prior = self.known.fit.tree["prior"].to_dataset()
        return {str(name): values.to_numpy().reshape(-1, *values.shape[2:]) for name, values in prior.data_vars.items()}

    @property
    def _is_weibull(self) -> bool:
        return self.known.fit.plan.family == "weibull"

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
        """Rows of coefficients, dummies of pooled levels and baseline under the names of the fit's own parameters."""
        columns, levels, free = len(self.known.encoding.columns), len(self.known.encoding.pooled_levels), self.known.free_levels
        effect = np.zeros((len(draws), levels))
        effect[:, free] = draws[:, columns : columns + len(free)]
        return self._split(np.column_stack([draws[:, :columns], effect, draws[:, columns + len(free) :]]), columns, levels)

    def _split(self, draws: Floats, columns: int, levels: int) -> dict[str, Floats]:
        """Rows of coefficients, every pooled effect and baseline under the names of the fit's own parameters."""
        plan, baseline = self.known.fit.plan, draws[:, columns + levels :]
        family = plan.family
        named = {"beta": draws[:, :columns]} if columns else {}
        named |= {"effect": draws[:, columns : columns + levels]} if levels else {}
        named |= {FRAILTY[plan.frailty]: np.full(len(draws), NO_FRAILTY)} if plan.frailty is not None else {}
        if family == "piecewise-exponential":
            return {"log_hazard": baseline, **named}
        return {"log_rate": baseline[:, 0], **({"log_shape": baseline[:, 1]} if family == "weibull" else {}), **named}


def _draws(mean: Floats, covariance: Floats) -> Floats:
    """Quasi-random normal draws, (NORMAL, P), the first of which is the mean."""
    from scipy.stats import qmc

    draws = np.asarray(qmc.MultivariateNormalQMC(mean, covariance, rng=np.random.default_rng(1)).random(NORMAL))
    draws[0] = mean
    return draws


def _fit_of(known: Counterparts, draws: dict[str, Floats], cohort: Cohort | None = None) -> Fit:
    tree = xr.DataTree.from_dict({"posterior": as_dataset(draws, known.fit.plan, 1)})
    return replace(known.fit, tree=tree, cohort=known.complete if cohort is None else cohort)


def read_as(fit: Fit, estimand: AnyEstimand, estimates: Estimates) -> Estimates | None:
    """The estimand as `estimates` was read, from another fit of the same analysis; None for a population given as rows."""
    named = ("cohort", "average", ENTERERS, *fit.analysis.populations)
    population = estimates.population if estimates.population in named else None
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
