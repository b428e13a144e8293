"""Pooling by quadrature against a brute-force grid, an adaptive integrator and importance sampling; the frequentist side against a
published analysis."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate, stats

from bayes_rrmm.evidence.classical import Ratio, classical
from bayes_rrmm.evidence.pooling import Pooled, pool

CASES = {
    "the abstract": ([-0.9623, -0.8651], [0.5045, 0.3455]),
    "far apart": ([-1.2, 0.1, 0.9], [0.2, 0.1, 0.3]),
    "one precise": ([-0.5, -0.4, -0.1, 0.3], [0.01, 0.4, 0.5, 0.6]),
    "all alike": ([-0.3, -0.3, -0.3], [0.3, 0.3, 0.3]),
    "beyond the prior": ([-4.0, 4.0], [0.1, 0.2]),
}
TAU_SD = 0.5


def pooled(case: str, tau_sd: float = TAU_SD) -> tuple[Pooled, np.ndarray, np.ndarray]:
    log_hr, se = (np.array(values) for values in CASES[case])
    return pool(tuple(f"contrast {number}" for number in range(len(se))), log_hr, se, tau_sd), log_hr, se


def logs(ratio: Ratio) -> list[float]:
    return [math.log(value) for value in (ratio.hr, ratio.lower, ratio.upper)]


def joint(log_hr: np.ndarray, se: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """mu, tau and the joint posterior on a plain grid: mu is not integrated out by any formula."""
    spread = np.ptp(log_hr)
    mu = np.linspace(log_hr.min() - 4 - spread / 2, log_hr.max() + 4 + spread / 2, 3001)
    tau = np.append(np.geomspace(1e-6, 0.02, 100), np.linspace(0.02, 4.5 + 0.3 * spread, 1500)[1:])
    log_density = -0.5 * (tau / TAU_SD) ** 2 + np.zeros((len(mu), 1))
    for y, s in zip(log_hr, se, strict=True):
        total = s**2 + tau**2
        log_density = log_density - 0.5 * (np.log(total) + (y - mu[:, None]) ** 2 / total)
    return mu, tau, np.exp(log_density - log_density.max())


def quantiles(at: np.ndarray, density: np.ndarray) -> np.ndarray:
    area = integrate.cumulative_trapezoid(density, at, initial=0.0)
    return np.interp([0.5, 0.025, 0.975], area / area[-1], at)


@pytest.mark.parametrize("case", ["the abstract", "far apart", "all alike"])
def test_pooled_mean_and_tau_are_those_of_a_brute_force_grid(case: str) -> None:
    """Two dimensions, no formula: medians and limits of the pooled hazard ratio and of tau, and P(HR < 1)."""
    found, log_hr, se = pooled(case)
    mu, tau, density = joint(log_hr, se)
    of_mu = integrate.trapezoid(density, tau, axis=1)
    assert logs(found.mean) == pytest.approx(quantiles(mu, of_mu), abs=2e-4)
    of_tau = integrate.trapezoid(density, mu, axis=0)
    assert [found.tau, found.tau_lower, found.tau_upper] == pytest.approx(quantiles(tau, of_tau), abs=2e-4)
    area = integrate.cumulative_trapezoid(of_mu, mu, initial=0.0)
    assert found.p_below_1 == pytest.approx(np.interp(0.0, mu, area / area[-1]), abs=2e-4)


@pytest.mark.parametrize("case", CASES)
def test_every_probability_is_that_of_an_adaptive_integrator(case: str) -> None:
    """SciPy's QUADPACK over tau: the quantiles reported have the probabilities that they should, to 1e-7."""
    found, log_hr, se = pooled(case)

    def given(tau: float) -> tuple[float, float, float]:
        precision = 1 / (se**2 + tau**2)
        mean = float(np.sum(precision * log_hr) / precision.sum())
        fit = stats.norm.logpdf(log_hr, mean, np.sqrt(se**2 + tau**2)).sum() + 0.5 * math.log(2 * math.pi / precision.sum())
        return float(fit), mean, 1 / float(precision.sum())

    cuts = [0.0, *np.geomspace(1e-5, 8.0, 60)]
    top = max(given(tau)[0] + stats.halfnorm.logpdf(tau, scale=TAU_SD) for tau in cuts)

    def integral(of: Callable[[float, float, float], float]) -> float:
        def weighed(tau: float) -> float:
            fit, mean, variance = given(tau)
            return math.exp(fit + stats.halfnorm.logpdf(tau, scale=TAU_SD) - top) * of(tau, mean, variance)

        return sum(integrate.quad(weighed, low, high, epsabs=1e-13, epsrel=1e-11)[0] for low, high in itertools.pairwise(cuts))

    whole = integral(lambda *_: 1.0)
    for x, probability in zip(logs(found.mean), (0.5, 0.025, 0.975), strict=True):
        below = integral(lambda _, mean, variance, x=x: stats.norm.cdf(x, mean, math.sqrt(variance)))
        assert below / whole == pytest.approx(probability, abs=1e-7)
    lower = math.log(found.predicted.lower)
    below = integral(lambda tau, mean, variance: stats.norm.cdf(lower, mean, math.sqrt(variance + tau**2)))
    assert below / whole == pytest.approx(0.025, abs=1e-7)
    below = integral(lambda tau, *_: float(tau < found.tau_upper))
    assert below / whole == pytest.approx(0.975, abs=2e-3)  # a step inside a panel, which the integrator does not see exactly


@pytest.mark.parametrize("case", ["the abstract", "far apart", "all alike"])
def test_everything_is_what_importance_sampling_draws(case: str) -> None:
    """Seeded draws of mu, tau, each theta and a further one, weighed by the likelihood: every limit within Monte Carlo error."""
    found, log_hr, se = pooled(case)
    rng = np.random.default_rng(20260311)
    size, spread = 400_000, 1.5
    tau = np.abs(rng.normal(0.0, TAU_SD, size))
    mu = rng.normal(log_hr.mean(), spread, size)
    total = se**2 + tau[:, None] ** 2
    log_weight = stats.norm.logpdf(log_hr, mu[:, None], np.sqrt(total)).sum(axis=1) - stats.norm.logpdf(mu, log_hr.mean(), spread)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    kept = tau[:, None] ** 2 / total
    theta = kept * log_hr + (1 - kept) * mu[:, None] + np.sqrt(kept) * se * rng.normal(size=total.shape)
    draws = np.column_stack([mu, tau, mu + tau * rng.normal(size=size), theta])
    wanted = [logs(found.mean), [found.tau, found.tau_lower, found.tau_upper], logs(found.predicted)]
    wanted += [logs(item.pooled) for item in found.shrunken]
    effective = 1 / np.sum(weight**2)
    assert effective > 20_000
    for column, limits in zip(draws.T, wanted, strict=True):
        for limit, probability in zip(limits, (0.5, 0.025, 0.975), strict=True):
            error = math.sqrt(probability * (1 - probability) / effective)
            assert weight[column < limit].sum() == pytest.approx(probability, abs=4 * error)
    assert weight[mu < 0].sum() == pytest.approx(found.p_below_1, abs=4 * 0.5 / math.sqrt(effective))
    assert weight[draws[:, 2] < 0].sum() == pytest.approx(found.p_predicted_below_1, abs=4 * 0.5 / math.sqrt(effective))


def test_limits_of_the_between_contrast_spread() -> None:
    """With tau held near 0 the pooled hazard ratio is the fixed effect and every contrast is shrunk onto it; with tau free to
    be large each stands for itself."""
    tight, *_ = pooled("far apart", tau_sd=1e-5)
    assert logs(tight.mean) == pytest.approx(logs(tight.classical.fixed), abs=1e-5)
    assert all(logs(item.pooled) == pytest.approx(logs(tight.mean), abs=1e-4) for item in tight.shrunken)
    loose, log_hr, _ = pooled("far apart", tau_sd=1e4)
    assert [math.log(item.pooled.hr) for item in loose.shrunken] == pytest.approx(log_hr, abs=0.05)


def test_shrinkage_is_towards_the_pooled_value() -> None:
    """Each shrunken hazard ratio lies between its own and the pooled one, and the less precise it is the nearer to the pooled."""
    found, _, se = pooled("far apart")
    kept = []
    for item in found.shrunken:
        own, shrunken, centre = (math.log(ratio.hr) for ratio in (item.alone, item.pooled, found.mean))
        assert min(own, centre) < shrunken < max(own, centre)
        kept.append((shrunken - centre) / (own - centre))
    assert np.argsort(kept).tolist() == np.argsort(-se).tolist()


def test_dersimonian_laird_is_the_published_analysis_of_bcg_vaccine() -> None:
    """Thirteen trials (Colditz 1994): log risk ratio -0.7141, se 0.1787, tau^2 0.3088, Q 152.2330, I^2 92.12 % (R, metafor, DL)."""
    trials = np.array(
        [
            (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
            (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
            (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
        ],
        dtype=float,
    )  # fmt: skip
    cases, others, control, rest = trials.T
    log_ratio = np.log(cases / (cases + others)) - np.log(control / (control + rest))
    variance = 1 / cases - 1 / (cases + others) + 1 / control - 1 / (control + rest)
    found = classical(log_ratio, np.sqrt(variance))
    assert math.log(found.random.hr) == pytest.approx(-0.7141, abs=5e-5)
    assert math.log(found.random.upper / found.random.lower) / 3.919928 == pytest.approx(0.1787, abs=5e-5)
    assert (found.tau**2, found.q, found.i2) == pytest.approx((0.3088, 152.2330, 0.9212), abs=5e-5)
    assert found.df == 12


def test_fully_correlated_contrasts_are_one() -> None:
    """With correlation 1 the fixed effect's error is the weighted mean of the errors: two of one precision are as one."""
    found = classical(np.array([-0.5, -0.5]), np.array([0.3, 0.3]))
    assert math.log(found.dependent.upper / found.dependent.lower) == pytest.approx(3.919928 * 0.3)
    assert math.log(found.fixed.upper / found.fixed.lower) == pytest.approx(3.919928 * 0.3 / math.sqrt(2))
    assert (found.q, found.i2, found.tau) == (0.0, 0.0, 0.0)
