import json
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from r_results import FOLDER
from scipy import optimize, stats

from bayes_rrmm.frequentist import cox, firth_cox


def test_matches_coxphf():
    """A monotone likelihood of four columns: coefficients, errors, limits, p values and the test of all are R's coxphf's."""
    r = json.loads((FOLDER / "firth_coxphf.json").read_text())
    columns = np.column_stack([r["data"][name] for name in r["terms"]])
    fit = firth_cox(columns, r["terms"], r["data"]["time"], r["data"]["event"])
    assert cox(columns, r["terms"], r["data"]["time"], r["data"]["event"]).monotone == ("separator",)
    assert_allclose(fit.coefficients, r["coef"], rtol=1e-6)
    assert_allclose(np.sqrt(np.diag(fit.covariance)), r["se"], rtol=1e-6)
    assert 2 * (fit.log_likelihood - fit.null_log_likelihood) == pytest.approx(r["lr_test"], rel=1e-6)
    for k, axis in enumerate(np.eye(4)):
        found = fit.contrast(axis)
        assert_allclose([found.estimate, found.error, found.p], [r["coef"][k], r["se"][k], r["p"][k]], rtol=1e-6)
        assert_allclose([found.lower, found.upper], [r["lower"][k], r["upper"][k]], rtol=1e-6)


def test_two_patients():
    """Heinze and Schemper 2001, section 2: one death of two patients, a hazard ratio of 3; the limits from its closed form."""
    fit = firth_cox([[1], [0]], ["x"], [1, 2], [1, 0])
    found = fit.contrast([1])
    assert math.exp(fit.coefficients[0]) == pytest.approx(3, rel=1e-12)

    def fall(p):
        return 2 * (1.5 * math.log(0.75 / p) + 0.5 * math.log(0.25 / (1 - p))) - stats.chi2.ppf(0.95, 1)

    lower, upper = optimize.brentq(fall, 1e-9, 0.75, xtol=1e-15), optimize.brentq(fall, 0.75, 1 - 1e-9, xtol=1e-15)
    assert_allclose([found.lower, found.upper], [math.log(p / (1 - p)) for p in (lower, upper)], rtol=1e-8)
    assert found.statistic == pytest.approx(2 * (1.5 * math.log(1.5) + 0.5 * math.log(0.5)), rel=1e-9)


@pytest.mark.parametrize(("pairs", "first"), [(1, 0), (7, 7), (12, 5), (40, 1)])
def test_matched_pairs(pairs, first):
    """Pairs as strata, of which `first` have the exposed die: the hazard ratio is (first + 1/2) / (pairs - first + 1/2)."""
    x = np.tile([1.0, 0.0], pairs)
    event = np.column_stack([np.arange(pairs) < first, np.arange(pairs) >= first]).ravel().astype(float)
    time = np.where(event == 1, 1.0, 2.0) + np.repeat(np.arange(pairs) % 3, 2)
    fit = firth_cox(x[:, None], ["x"], time, event, strata=np.repeat(np.arange(pairs), 2))
    share = (first + 0.5) / (pairs + 1)
    assert fit.strata == pairs
    assert fit.coefficients[0] == pytest.approx(math.log(share / (1 - share)), rel=1e-10, abs=1e-10)
    assert fit.covariance[0, 0] == pytest.approx(1 / (pairs * share * (1 - share)), rel=1e-9)

    def height(p):
        return (first + 0.5) * math.log(p) + (pairs - first + 0.5) * math.log(1 - p)

    assert fit.contrast([1]).statistic == pytest.approx(2 * (height(share) - height(0.5)), rel=1e-9, abs=1e-12)


def test_all_deaths_at_one_time():
    """Of n_g patients d_g die, all at once: by Breslow a multinomial, whose Jeffreys prior adds 1/2 a group; none, one or many."""
    size, deaths = np.array([28, 9, 84, 17]), np.array([0, 0, 1, 12])
    group = np.repeat(np.arange(4), size)
    event = np.concatenate([np.arange(n) < d for n, d in zip(size, deaths, strict=True)]).astype(float)
    fit = firth_cox((group[:, None] == [1, 2, 3]).astype(float), ["1", "2", "3"], np.where(event == 1, 5.0, 6.0), event)
    rate = np.log((deaths + 0.5) / size)
    assert_allclose(fit.coefficients, (rate - rate[0])[1:], rtol=1e-8, atol=1e-8)
    assert fit.contrast([1, -1, 0]).estimate == pytest.approx(rate[1] - rate[2], abs=1e-8)


def test_right_on_average_in_20_patients():
    """20 patients of two groups, hazard ratio 4, 300 trials: no estimate is infinite and their mean is log 4 (Cox's has none)."""
    rng = np.random.default_rng(1)
    group = np.arange(20) % 2
    design, found = group[:, None].astype(float), []
    for _ in range(300):
        time = rng.exponential(np.where(group == 1, 0.25, 1.0))
        event = (time < 0.6).astype(float)
        found.append(firth_cox(design, ["x"], np.minimum(time, 0.6), event).coefficients[0])
    error = np.std(found) / math.sqrt(len(found))
    assert np.mean(found) == pytest.approx(math.log(4), abs=4 * error)
    assert error < 0.05
