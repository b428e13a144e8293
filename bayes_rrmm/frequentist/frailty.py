"""Cox's model with a frailty shared by the rows of a cluster: two lines of treatment of a patient, patients of a centre.

Gamma frailties by the marginal likelihood, profiled over their variance (Nielsen et al. 1992); log-normal ones by the penalised
partial likelihood with McGilchrist's (1993) REML-like variance. R's `coxph` with `frailty(cluster, distribution = )`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from bayes_rrmm.frequentist.columns import standardised
from bayes_rrmm.frequentist.cox import Cox, Ties, cox
from bayes_rrmm.frequentist.deaths import Deaths, PartialLikelihood
from bayes_rrmm.frequentist.frailty_variance import best_fit, clusters_of, integrated
from bayes_rrmm.frequentist.monotone import limit
from bayes_rrmm.frequentist.penalised import Distribution, Information, Inner, Penalised
from bayes_rrmm.frequentist.risk_sets import risk_sets
from bayes_rrmm.frequentist.rows import Floats, as_rows


@dataclass(frozen=True)
class SharedFrailty:
    """A Cox model given the frailty of each cluster, and the frailty's variance.

    `cox` holds the log hazard ratios between rows of equal frailty, their covariance at the estimated variance (whose own
    uncertainty is not in it, nor in R's), and the partial log-likelihood of coefficients and frailties together. `variance` is
    that of the frailty, whose mean is 1 (gamma), or of its logarithm, whose mean is 0 (gaussian). `log_frailty`, (G,), is each
    cluster's, in the order of `cluster_names`. `log_likelihood` has the frailties integrated out: exactly for gamma, by Laplace's
    method for gaussian, whose variance does not maximise it. `log_likelihood_without` is that of Cox's model without frailty.
    """

    cox: Cox
    distribution: Distribution
    variance: float
    log_frailty: Floats
    cluster_names: tuple[str, ...]
    log_likelihood: float
    log_likelihood_without: float
    information: Information

    @property
    def at_edge(self) -> bool:
        """Whether the variance is estimated as 0: the rows of a cluster look independent, and `cox` is the plain model."""
        return self.variance == 0.0


def shared_frailty(
    design: ArrayLike,
    names: Sequence[str],
    time: ArrayLike,
    event: ArrayLike,
    cluster: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    distribution: Distribution = "gamma",
    ties: Ties = "efron",
    information: Information = "full",
) -> SharedFrailty:
    """Cox's model of the columns of `design`, (N, P), with a frailty shared by rows of one `cluster`; the rest is (N,).

    `information` "diagonal" is R's default for more than 5 clusters: the products of two frailties are left out of the
    information, which moves standard errors and the gaussian variance but no fit at a given variance; "full" is R's
    `sparse = FALSE`. A row of weight w is w rows of its cluster. What of a monotone likelihood has no finite estimate is flagged
    as in `cox`. Under delayed entry the frailties are those of the clusters that came under observation, as in R: what early loss
    has taken from their distribution is not put back. Time grows with the cube of the clusters: a second or two for 250, half a
    minute for 1,000. Raises DataError as `cox` does, where there is one cluster, or where none has two rows; FitError where the
    iterations do not converge or the variance has no finite estimate.
    """
    rows = as_rows(time, event, entry, weight)
    group = clusters_of(cluster, rows)
    clusters = int(group.max()) + 1
    plain = cox(design, names, time, event, entry, weight, ties=ties)
    scaled, scale = standardised(design, names, len(rows))
    ends = limit(scaled, risk_sets(rows))
    columns = np.hstack([scaled @ ends.basis, np.eye(clusters)[group]])[ends.sets.row]
    model = Penalised(PartialLikelihood(columns, Deaths.of(ends.sets, ties)), clusters, distribution, information)
    deaths = np.bincount(group, weights=rows.weight * rows.event, minlength=clusters)
    # Many factorisations of a matrix of some hundred rows: threads that wait for each other made them 30 times slower.
    with threadpool_limits(limits=1, user_api="blas"):
        found = best_fit(model, ends.basis.shape[1], deaths)
    if found is not None and distribution == "gamma" and integrated(model, found, deaths) <= plain.log_likelihood:
        found = None
    return SharedFrailty(
        cox=plain if found is None else _with_frailty(plain, found, ends.basis / scale[:, None]),
        distribution=distribution,
        variance=0.0 if found is None else found.variance,
        log_frailty=np.zeros(clusters) if found is None else found.log_frailty,
        cluster_names=tuple(str(name) for name in np.unique(np.asarray(cluster).astype(str))),
        log_likelihood=plain.log_likelihood if found is None else integrated(model, found, deaths),
        log_likelihood_without=plain.log_likelihood,
        information=information,
    )


def _with_frailty(plain: Cox, found: Inner, way: Floats) -> Cox:
    """The plain model with the coefficients of the penalised one; what has no finite estimate in it has none in either."""
    size = way.shape[1]
    coefficients = way @ found.coefficients
    covariance = way @ found.covariance[:size, :size] @ way.T
    beyond = plain.at_infinity
    return replace(
        plain,
        coefficients=np.where(np.isfinite(plain.coefficients), coefficients, plain.coefficients),
        covariance=np.where(np.isfinite(plain.covariance), covariance, plain.covariance),
        log_likelihood=found.partial,
        at_infinity=None if beyond is None else replace(beyond, coefficients=coefficients, covariance=covariance),
    )
