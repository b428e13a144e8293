"""The variance of a shared frailty: where its equation has a solution, and the log-likelihood with the frailties integrated out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, optimize

from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.frequentist.clustered import subjects_of
from bayes_rrmm.frequentist.penalised import Inner, Penalised
from bayes_rrmm.frequentist.risk_sets import Integers
from bayes_rrmm.frequentist.rows import Floats, Rows

VARIANCES = np.geomspace(1e-4, 1e2, 13)
"""Where the variance is looked for first: below the smallest it is reported as 0, above the largest it is an error."""


def clusters_of(cluster: ArrayLike, rows: Rows) -> Integers:
    """The number of each row's cluster, from 0, shape (N,). Raises DataError where no cluster has two rows, or there is one."""
    group = subjects_of(cluster, len(rows))
    if np.max(np.bincount(group, weights=rows.weight)) < 2:
        raise DataError("'cluster' has one row of each cluster: a shared frailty needs clusters of two or more; leave it out.")
    return group


def best_fit(model: Penalised, fixed: int, deaths: Floats) -> Inner | None:
    """The fit at the estimated variance, with `fixed` coefficients before the frailties; None where the estimate is 0.

    `deaths`, (G,), counts the events of each cluster. Gamma: the largest marginal likelihood. Gaussian: the solution of
    McGilchrist's equation, theta = (b'b + trace of the covariance of b) / G, as R's frailty.gaussian has it; of several the
    largest. Raises FitError where the variance has no finite estimate, or the information is not positive definite there.
    """

    def slope(fit: Inner) -> float:
        return _gamma_slope(fit, deaths) if model.distribution == "gamma" else _gaussian_excess(fit, fixed)

    found = _roots(model, fixed, slope)
    if not found:
        return None
    best = max(found, key=lambda fit: integrated(model, fit, deaths)) if model.distribution == "gamma" else found[-1]
    try:
        linalg.cholesky(best.covariance)
    except linalg.LinAlgError as failure:
        raise FitError(
            f"the Cox model with frailty has no standard errors at variance {best.variance:.4g}: its information is not positive "
            'definite. Take information = "full", or a robust covariance by cluster.'
        ) from failure
    return best


def integrated(model: Penalised, fit: Inner, deaths: Floats) -> float:
    """The log partial likelihood with the frailties integrated out: gamma exactly, Gaussian by Laplace's method.

    Gamma: Therneau and Grambsch (2000), section 9.6; with nu = 1 / variance it adds to the penalised likelihood, by cluster,
    d - (nu + d) log(1 + d / nu) + log(Gamma(nu + d) / (Gamma(nu) nu^d)). Gaussian: Ripatti and Palmgren (2000).
    """
    if model.distribution == "gaussian":
        return fit.partial - float(np.sum(fit.log_frailty**2)) / (2 * fit.variance) - 0.5 * fit.log_determinant
    nu = 1.0 / fit.variance
    ratios = np.array([np.sum(np.log1p(np.arange(count) / nu)) for count in deaths])
    return fit.partial + float(np.sum(nu * fit.log_frailty + deaths - (nu + deaths) * np.log1p(deaths / nu) + ratios))


def _gamma_slope(fit: Inner, deaths: Floats) -> float:
    """The derivative of the marginal log-likelihood in log variance, -nu times that in nu; the fit itself is at its maximum."""
    nu = 1.0 / fit.variance
    rising = np.array([np.sum(1.0 / (nu + np.arange(count))) for count in deaths])
    return -nu * float(np.sum(fit.log_frailty - np.expm1(fit.log_frailty) - np.log1p(deaths / nu) + rising))


def _gaussian_excess(fit: Inner, fixed: int) -> float:
    spread = np.sum(fit.log_frailty**2) + np.trace(fit.covariance[fixed:, fixed:])
    return float(spread) / (fit.variance * len(fit.log_frailty)) - 1.0


def _roots(model: Penalised, fixed: int, slope: Callable[[Inner], float]) -> list[Inner]:
    """The fits at the variances where the slope falls through 0, in order. Raises FitError where it rises at the last."""
    fits = [model.fit(float(VARIANCES[0]), np.zeros(fixed + model.clusters))]
    for variance in VARIANCES[1:]:
        fits.append(model.fit(float(variance), fits[-1].point))
    rises = [slope(fit) > 0 for fit in fits]
    if rises[-1]:
        raise FitError(
            f"the variance of the frailty is beyond {VARIANCES[-1]:g}: the rows of a cluster share all but everything. "
            "Look for duplicated rows, and for clusters that fix the order of the events."
        )
    return [_root(model, fits[k], fits[k + 1], slope) for k in range(len(fits) - 1) if rises[k] and not rises[k + 1]]


def _root(model: Penalised, below: Inner, above: Inner, slope: Callable[[Inner], float]) -> Inner:
    def at(log_variance: float) -> Inner:
        return model.fit(float(np.exp(log_variance)), below.point)

    ends = np.log(below.variance), np.log(above.variance)
    return at(float(optimize.brentq(lambda x: slope(at(x)), *ends, xtol=1e-10, rtol=1e-10)))
