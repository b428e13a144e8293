"""Cox with a shared frailty, beside a marginal likelihood maximised without it."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, special
from test_kaplan_meier import spells

from bayes_rrmm.catalogue import load_data
from bayes_rrmm.errors import DataError, FitError
from bayes_rrmm.frequentist import cox, shared_frailty

BOTH = pytest.mark.parametrize("distribution", ["gamma", "gaussian"])


def clustered(seed, size=60, clusters=20, delayed=0.0, frailty=1.0):
    """Rows in clusters with a frailty, ties, whole weights and one column: design, time, event, cluster, entry, weight."""
    rng = np.random.default_rng(seed)
    cluster = np.arange(size) % clusters
    column = rng.normal(size=size)
    rate = np.exp(0.5 * column + frailty * rng.normal(size=clusters)[cluster]) / 10
    time = np.ceil(rng.exponential(1 / rate))
    event = (time < 30).astype(float)
    time = np.minimum(time, 30)
    entry = np.where(rng.random(size) < delayed, np.floor(time / 2), 0.0)
    return column[:, None], time, event, cluster, entry, rng.integers(1, 3, size).astype(float)


def marginal(point, variance, x, event, cluster):
    """The full marginal log-likelihood of gamma frailties, and its gradient: coefficient, then log jumps of the hazard.

    Row i leaves at time i + 1, all times differ, and the hazard jumps at those of the events.
    """
    nu, died = 1 / variance, np.bincount(cluster, weights=event)
    jumps = np.zeros(len(x))
    jumps[event == 1] = np.exp(point[1:])
    risk = np.cumsum(jumps) * np.exp(point[0] * x)
    together = np.bincount(cluster, weights=risk)
    parts = special.gammaln(nu + died) - special.gammaln(nu) - (nu + died) * np.log1p(variance * together)
    value = float(np.sum(point[1:]) + point[0] * x @ event + np.sum(parts) + np.sum(died) * math.log(variance))
    shrunk = ((nu + died) / (nu + together))[cluster]
    later = np.cumsum((shrunk * np.exp(point[0] * x))[::-1])[::-1]
    return value, np.append(x @ event - x @ (risk * shrunk), (1 - jumps * later)[event == 1])


def test_gamma_is_the_maximum_of_the_marginal_likelihood():
    """Maximised over coefficient, baseline jumps and variance by another optimiser: the same estimates, gain and error."""
    rng = np.random.default_rng(2)
    cluster, x = np.repeat(np.arange(14), 3), rng.normal(size=42)
    order = np.argsort(rng.exponential(np.exp(-0.8 * x - rng.normal(0, 1.2, 14)[cluster])))
    cluster, x, event = cluster[order], x[order], (rng.random(42) < 0.8).astype(float)
    fit = shared_frailty(x[:, None], ["x"], np.arange(1.0, 43.0), event, cluster, ties="breslow")

    def best(variance, coefficient=None):
        fixed = [] if coefficient is None else [coefficient]

        def loss(point):
            value, gradient = marginal(np.append(fixed, point), variance, x, event, cluster)
            return -value, -gradient[len(fixed) :]

        start = np.append(np.full(1 - len(fixed), 0.5), np.full(int(event.sum()), -3.0))
        return optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 5000})

    at, beta = best(fit.variance), fit.cox.coefficients[0]
    assert at.x[0] == pytest.approx(beta, abs=1e-5)
    assert all(best(fit.variance * factor).fun > at.fun for factor in (0.8, 1.25))
    gain = best(1e-6).fun - at.fun
    assert gain > 0.5
    assert fit.log_likelihood - fit.log_likelihood_without == pytest.approx(gain, abs=1e-4)
    step = 0.02
    curve = sum(best(fit.variance, beta + sign * step).fun for sign in (1, -1)) - 2 * at.fun
    assert math.sqrt(fit.cox.covariance[0, 0]) == pytest.approx(step / math.sqrt(curve), rel=1e-3)


@BOTH
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_splitting_rows_changes_nothing(distribution, ties):
    """Delayed entry: a row is a row to a time between events and one of the same cluster from there on."""
    design, time, event, cluster, _, _ = clustered(5)
    whole = shared_frailty(design, ["x"], time, event, cluster, distribution=distribution, ties=ties)
    middle = np.floor(time / 2) + 0.5
    columns = np.vstack([design] * 2), ["x"], np.append(middle, time), np.append(0 * event, event), np.tile(cluster, 2)
    split = shared_frailty(*columns, np.append(0 * time, middle), distribution=distribution, ties=ties)
    assert whole.variance > 0.1
    assert split.variance == pytest.approx(whole.variance, rel=1e-7)
    assert_allclose(split.cox.coefficients, whole.cox.coefficients, rtol=1e-7)
    assert_allclose(split.cox.covariance, whole.cox.covariance, rtol=1e-7)
    assert_allclose(split.log_frailty, whole.log_frailty, atol=1e-7)


@BOTH
def test_weights_count_rows(distribution):
    """A row of weight w is w rows of its cluster, tied deaths and delayed entry included."""
    design, time, event, cluster, entry, weight = clustered(7, delayed=0.5)
    copies = np.repeat(np.arange(len(time)), weight.astype(int))
    one = shared_frailty(design, ["x"], time, event, cluster, entry, weight, distribution=distribution)
    rows = design[copies], ["x"], time[copies], event[copies], cluster[copies], entry[copies]
    other = shared_frailty(*rows, distribution=distribution)
    assert_allclose([one.variance, one.log_likelihood], [other.variance, other.log_likelihood], rtol=1e-7)
    assert_allclose(one.cox.contrast([1.0]), other.cox.contrast([1.0]), rtol=1e-7)


@BOTH
def test_recovers_what_the_data_were_made_with(distribution):
    """200 clusters of 3 with log HR 1 and a frailty of variance 1: both within three standard errors, plain Cox well below."""
    rng = np.random.default_rng(12)
    cluster, x = np.repeat(np.arange(200), 3), rng.normal(size=600)
    effect = np.log(rng.gamma(1.0, 1.0, 200)) if distribution == "gamma" else rng.normal(size=200)
    time = rng.exponential(np.exp(-x - effect[cluster]))
    event, time = (time < 3).astype(float), np.minimum(time, 3)
    fit = shared_frailty(x[:, None], ["x"], time, event, cluster, distribution=distribution)
    log_hr, error, lower, upper = fit.cox.contrast([1.0])
    assert lower < 1.0 < upper
    assert fit.variance == pytest.approx(1.0, abs=3 * 0.15)
    assert cox(x[:, None], ["x"], time, event).coefficients[0] < log_hr - 3 * error


@BOTH
def test_first_and_second_line_of_the_same_patients(distribution):
    """PFS1 against PFS2, two rows a patient, 257 pairs: the frailty is small and the log hazard ratio near the clustered one."""
    table = load_data("rrmm1-synthetic")
    lines = [[table[f"pfs{line}_{what}"].astype(float) for what in ("months", "event")] for line in (1, 2)]
    time, event = (np.concatenate([line[k] for line in lines]) for k in (0, 1))
    second, patient = np.repeat([0.0, 1.0], len(table))[:, None], np.tile(table["patient"], 2)
    fit = shared_frailty(second, ["second line"], time, event, patient, distribution=distribution)
    robust = cox(second, ["second line"], time, event, cluster=patient)
    assert (fit.cox.rows, len(fit.cluster_names), fit.at_edge) == (514.0, 257, False)
    assert 0.01 < fit.variance < 0.3
    log_hr, error, _, _ = fit.cox.contrast([1.0])
    plain, robust_error, _, _ = robust.contrast([1.0])
    assert abs(log_hr - plain) < 0.5 * error
    assert error == pytest.approx(robust_error, rel=0.05)
    assert fit.log_likelihood - fit.log_likelihood_without < 1.0


def test_a_level_without_events_is_flagged():
    """A monotone likelihood has its finite part with frailty, and is flagged as in Cox."""
    design, time, event, cluster, _, _ = clustered(5)
    level = np.arange(60) >= 52
    kept = np.where(level, 0.0, event)
    both = shared_frailty(np.column_stack([design, level]), ["x", "none"], time, kept, cluster)
    assert (both.cox.monotone, both.cox.coefficients[1]) == (("none",), -math.inf)
    assert np.isnan(both.cox.covariance[1]).all()
    alone = shared_frailty(design[~level], ["x"], time[~level], kept[~level], cluster[~level])
    assert both.variance == pytest.approx(alone.variance, rel=1e-6)
    assert_allclose(both.cox.contrast([1, 0]), alone.cox.contrast([1]), rtol=1e-6)


def test_what_is_refused():
    """Clusters of one row, one cluster, and rows that share all but everything are errors."""
    time, event, _, _ = spells(3)
    column = np.random.default_rng(3).normal(size=(30, 1))
    with pytest.raises(DataError, match="one row of each cluster"):
        shared_frailty(column, ["x"], time, event, np.arange(30))
    with pytest.raises(DataError, match="names one subject"):
        shared_frailty(column, ["x"], time, event, np.zeros(30))
    order, column = np.arange(1.0, 161.0), np.random.default_rng(3).normal(size=(160, 1))
    with pytest.raises(FitError, match="variance of the frailty is beyond 100"):
        shared_frailty(column, ["x"], order, np.ones(160), np.repeat(np.arange(8), 20), distribution="gaussian")
