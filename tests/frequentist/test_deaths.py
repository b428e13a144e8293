"""The partial likelihood with its deaths one at a time: Efron's and Breslow's ties, entry and weights."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from r_results import study
from test_kaplan_meier import spells

from bayes_rrmm.frequentist import cox
from bayes_rrmm.frequentist.deaths import Deaths, PartialLikelihood
from bayes_rrmm.frequentist.partial_likelihood import breslow
from bayes_rrmm.frequentist.risk_sets import risk_sets
from bayes_rrmm.frequentist.rows import as_rows

BOTH = pytest.mark.parametrize("ties", ["efron", "breslow"])


def example(ties, seed=8):
    """Likelihood, risk sets and columns of 40 random rows with ties, entry and weights."""
    sets = risk_sets(as_rows(*spells(seed, size=40)))
    columns = np.random.default_rng(5).normal(size=(40, 3))
    return PartialLikelihood(columns[sets.row], Deaths.of(sets, ties)), sets, columns


@BOTH
def test_by_brute_force(ties):
    """The k-th of d tied deaths is divided by the risk set less (k - 1) / d of those who die there (Breslow: by all of it)."""
    likelihood, _, columns = example(ties)
    time, event, entry, weight = spells(8, size=40)
    at = np.array([0.3, -0.2, 0.1])
    eta = columns @ at
    total = 0.0
    for t in np.unique(time[event == 1]):
        exposed, dying = ((entry < t) | (entry == 0)) & (time >= t), (time == t) & (event == 1)
        copies = int(weight[dying].sum())
        total += float(weight[dying] @ eta[dying])
        for k in range(copies):
            gone = k / copies if ties == "efron" else 0.0
            total -= math.log((weight * np.exp(eta))[exposed].sum() - gone * (weight * np.exp(eta))[dying].sum())
    assert likelihood(at)[0] == pytest.approx(total, rel=1e-12)


@BOTH
def test_derivatives(ties):
    """The gradient and the information are central differences."""
    likelihood, _, _ = example(ties)
    at, step = np.array([0.3, -0.2, 0.1]), 1e-5
    _, gradient, information = likelihood(at)
    nudged = [[likelihood(at + sign * step * axis) for sign in (1, -1)] for axis in np.eye(3)]
    assert_allclose(gradient, [(up[0] - down[0]) / (2 * step) for up, down in nudged], rtol=1e-6)
    assert_allclose(information, [-(up[1] - down[1]) / (2 * step) for up, down in nudged], rtol=1e-6, atol=1e-6)


def test_breslow_is_the_one_that_cox_uses():
    """Value, gradient and information are those of the other implementation in this package."""
    likelihood, sets, columns = example("breslow")
    at = np.array([0.5, 0.4, -0.3])
    for found, expected in zip(likelihood(at), breslow(at, columns[sets.row], sets), strict=True):
        assert_allclose(found, expected, rtol=1e-11)


@BOTH
@pytest.mark.parametrize("name", ["kidney", "myeloma_mayo"])
def test_at_the_estimates_of_cox(name, ties):
    """At the coefficients of `cox` (R's) the gradient is 0, the information inverts the covariance, the value is R's."""
    data = study(name)
    fit = cox(data.design, data.names, *data.endpoint(), ties=ties)
    sets = risk_sets(as_rows(*data.endpoint()))
    value, gradient, information = PartialLikelihood(data.design[sets.row], Deaths.of(sets, ties))(fit.coefficients)
    assert_allclose(gradient @ fit.covariance / np.sqrt(np.diag(fit.covariance)), 0.0, atol=1e-8)
    assert_allclose(np.linalg.inv(information), fit.covariance, rtol=1e-6)
    assert value == pytest.approx(data.r[f"cox_{ties}"]["loglik"], rel=1e-9)
