"""Cox with a shared frailty beside R, on the kidney data: two infections a patient."""

import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from r_results import FOLDER, study

from bayes_rrmm.frequentist import cox, shared_frailty
from bayes_rrmm.frequentist.deaths import Deaths, PartialLikelihood
from bayes_rrmm.frequentist.frailty_variance import integrated
from bayes_rrmm.frequentist.penalised import Penalised
from bayes_rrmm.frequentist.risk_sets import risk_sets
from bayes_rrmm.frequentist.rows import as_rows

R_INNER = 1e-9
"""coxph's default eps: its fits of a variance end when the log-likelihood changes by less than this share of itself."""

R_OUTER = math.sqrt(R_INNER)
"""Its search for the gaussian variance ends when McGilchrist's equation gives the next one within this."""


@cache
def patients():
    """The patient of each row of the kidney data."""
    return pd.read_csv(FOLDER / "data" / "kidney.csv")["patient"].to_numpy()


def of_r(distribution):
    return study("kidney").r["frailty"][distribution]


@cache
def kidney(distribution, information, columns=5):
    data = study("kidney")
    return shared_frailty(
        data.design[:, :columns], data.names[:columns], data.time, data.event, patients(),
        distribution=distribution, information=information,
    )  # fmt: skip


def kidney_at(variance, distribution, information):
    """The kidney fit at one variance, and its model."""
    data = study("kidney")
    sets = risk_sets(as_rows(data.time, data.event))
    columns = np.hstack([data.design, np.eye(38)[patients() - 1]])[sets.row]
    model = Penalised(PartialLikelihood(columns, Deaths.of(sets, "efron")), 38, distribution, information)
    return model.fit(variance, np.zeros(43)), model


def test_gaussian_matches_r():
    """Variance, coefficients, standard errors and partial likelihood are R's, within what its iterations leave open.

    R's default for 38 clusters is the diagonal information. Ending at a relative change of 1e-9 of the log-likelihood leaves
    its coefficients sqrt(2e-9 * 164), 6e-4 standard errors, from the maximum; they are within a tenth of that.
    """
    r, fit = of_r("gaussian"), kidney("gaussian", "diagonal")
    reach = math.sqrt(2 * R_INNER * abs(r["loglik"][1]))
    assert fit.cox.names == tuple(r["terms"])
    assert fit.variance == pytest.approx(r["variance_of_random_effect"], abs=R_OUTER)
    assert_allclose((fit.cox.coefficients - r["coef"]) / r["se"], 0.0, atol=0.1 * reach)
    assert_allclose(np.sqrt(np.diag(fit.cox.covariance)), r["se"], rtol=0.1 * reach)
    assert fit.cox.log_likelihood == pytest.approx(r["loglik"][1], rel=1e-5)
    assert fit.cox.null_log_likelihood == pytest.approx(r["loglik"][0], rel=1e-9)
    assert not fit.at_edge


def test_gamma_at_the_edge_matches_r():
    """The gamma variance of these data is 0 (R stops at 5e-9): said as such, with Cox's coefficients, errors and likelihood."""
    r, fit, data = of_r("gamma"), kidney("gamma", "full"), study("kidney")
    reach = math.sqrt(2 * R_INNER * abs(r["loglik"][1]))
    assert (fit.variance, fit.at_edge, fit.log_frailty.tolist()) == (0.0, True, [0.0] * 38)
    assert r["variance_of_random_effect"] < 1e-8
    assert_allclose((fit.cox.coefficients - r["coef"]) / r["se"], 0.0, atol=0.1 * reach)
    assert_allclose(np.sqrt(np.diag(fit.cox.covariance)), r["se"], rtol=1e-6)
    assert_allclose([fit.log_likelihood, fit.log_likelihood_without], r["c_loglik"], rtol=1e-6)
    plain = cox(data.design, data.names, data.time, data.event)
    assert_allclose(fit.cox.coefficients, plain.coefficients, rtol=0)
    assert_allclose(fit.cox.covariance, plain.covariance, rtol=0)


def test_full_information_matches_what_r_prints():
    """survival's own tests/fr_kidney.Rout.save, `sparse = F`: all printed digits, within what R's search for 0.509 leaves open."""
    fit = kidney("gaussian", "full")
    assert fit.variance == pytest.approx(0.509, abs=5e-4)
    estimates, errors = fit.cox.coefficients * [0.1, 1, 1, 1, 1], np.sqrt(np.diag(fit.cox.covariance)) * [0.1, 1, 1, 1, 1]
    assert_allclose(estimates, [0.00492, -1.70204, 0.18173, 0.39442, -1.13160], rtol=0, atol=5e-6 + R_OUTER)
    assert_allclose(errors, [0.0149, 0.4631, 0.5413, 0.5428, 0.8175], rtol=0, atol=5e-5 + R_OUTER)


@pytest.mark.parametrize(
    ("information", "errors"),
    [("diagonal", [0.0196, 0.5910, 0.7165, 0.7230, 1.0898]), ("full", [0.0186, 0.5762, 0.6786, 0.6891, 1.0139])],
)
def test_gamma_of_variance_one_matches_what_r_prints(information, errors):
    """The same file, `theta = 1`: coefficients, errors with and without `sparse = F`, and I-likelihood -182.5."""
    fit, model = kidney_at(1.0, "gamma", information)
    assert_allclose(fit.coefficients * [0.1, 1, 1, 1, 1], [0.00389, -2.00763, 0.35335, 0.52340, -0.45934], atol=1e-5)
    assert_allclose(np.sqrt(np.diag(fit.covariance))[:5] * [0.1, 1, 1, 1, 1], errors, atol=5.1e-5)
    events = np.bincount(patients() - 1, weights=study("kidney").event)
    assert integrated(model, fit, events) == pytest.approx(-182.5, abs=0.05)


@pytest.mark.parametrize("distribution", ["gamma", "gaussian"])
def test_gaussian_and_gamma_solve_their_equations(distribution):
    """Gamma: the marginal likelihood is lower on either side. Gaussian: theta = (b'b + trace) / G."""
    fit = kidney(distribution, "full", columns=2)
    assert fit.cluster_names[:3] == ("1", "10", "11")
    if distribution == "gaussian":
        inner, _ = kidney_at(kidney("gaussian", "full").variance, "gaussian", "full")
        spread = np.sum(inner.log_frailty**2) + np.trace(inner.covariance[5:, 5:])
        assert spread / 38 == pytest.approx(inner.variance, rel=1e-8)
        return
    assert fit.log_likelihood > fit.log_likelihood_without
    assert np.mean(np.exp(fit.log_frailty)) == pytest.approx(1.0, rel=1e-8)
    data = study("kidney")
    sets = risk_sets(as_rows(data.time, data.event))
    columns = np.hstack([data.design[:, :2], np.eye(38)[patients() - 1]])[sets.row]
    model = Penalised(PartialLikelihood(columns, Deaths.of(sets, "efron")), 38, "gamma", "full")
    events = np.bincount(patients() - 1, weights=data.event)
    beside = [integrated(model, model.fit(fit.variance * factor, np.zeros(40)), events) for factor in (0.97, 1.0, 1.03)]
    assert max(beside[0], beside[2]) < beside[1] == pytest.approx(fit.log_likelihood, abs=1e-9)
