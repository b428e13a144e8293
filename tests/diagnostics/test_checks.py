"""The gate's measures are ArviZ's, its limits are those of STATISTICS, and draws that may be infinite are judged by ranks."""

from __future__ import annotations

import dataclasses
import math

import arviz as az
import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy.stats import rankdata

from bayes_rrmm.diagnostics import Check, check_quantity, check_sampler, worst_first
from bayes_rrmm.diagnostics.checks import ADVICE, Quantity, checks_of, measure_quantity

CHAINS, DRAWS = 4, 500
GOOD = Quantity("q", mcse_mean=0.01, mcse_sd=0.01, ess_bulk=900.0, ess_tail=900.0, r_hat=1.001, sd=1.0)


@pytest.fixture
def draws() -> np.ndarray:
    """Independent normal draws, shape (chains, draws)."""
    return np.random.default_rng(11).normal(3.0, 2.0, (CHAINS, DRAWS))


def verdicts(checks: list[Check]) -> dict[str, str]:
    return {check.check: check.verdict for check in checks}


def autoregressive(persistence: float, seed: int = 12) -> np.ndarray:
    """Draws each of which repeats a share of the last: fewer are effective."""
    rng = np.random.default_rng(seed)
    values = np.empty((CHAINS, DRAWS))
    values[:, 0] = rng.normal(size=CHAINS)
    for i in range(1, DRAWS):
        values[:, i] = persistence * values[:, i - 1] + math.sqrt(1 - persistence**2) * rng.normal(size=CHAINS)
    return values


@pytest.mark.parametrize("persistence", [0.0, 0.5, 0.95])
def test_the_measures_are_arvizs(persistence: float) -> None:
    """R-hat (ranks), bulk and tail ESS and both Monte Carlo errors equal those of ArviZ's own functions."""
    draws = autoregressive(persistence)
    measured = measure_quantity("q", draws)
    assert measured.r_hat == pytest.approx(float(az.rhat(draws, method="rank")), rel=1e-12)
    assert measured.ess_bulk == pytest.approx(float(az.ess(draws, method="bulk")), rel=1e-12)
    assert measured.ess_tail == pytest.approx(float(az.ess(draws, method="tail", prob=(0.05, 0.95))), rel=1e-12)
    assert measured.mcse_mean == pytest.approx(float(az.mcse(draws, method="mean")), rel=1e-12)
    assert measured.mcse_sd == pytest.approx(float(az.mcse(draws, method="sd")), rel=1e-12)
    assert measured.sd == pytest.approx(draws.std(ddof=1), rel=1e-12)


def test_good_draws_pass(draws: np.ndarray) -> None:
    """Independent draws from one distribution pass every check, and a passed check gives no advice."""
    checks = check_quantity("q", draws)
    assert verdicts(checks) == dict.fromkeys(("r_hat", "ess_bulk", "ess_tail", "mcse"), "passed")
    assert [check.advice for check in checks] == [""] * 4
    assert {check.of for check in checks} == {"q"}


def test_a_shifted_chain_fails(draws: np.ndarray) -> None:
    """One chain elsewhere fails R-hat, and the advice says to sample longer."""
    draws[2] += 4.0
    r_hat = check_quantity("q", draws)[0]
    assert (r_hat.check, r_hat.verdict, r_hat.limit) == ("r_hat", "failed", 1.01)
    assert r_hat.measure > 1.1
    assert "sample longer" in r_hat.advice


def test_a_stuck_chain_fails(draws: np.ndarray) -> None:
    """A chain that never moved fails R-hat; it is no error."""
    draws[0] = draws[0, 0]
    assert verdicts(check_quantity("q", draws))["r_hat"] == "failed"


def test_draws_that_are_no_number_fail(draws: np.ndarray) -> None:
    """A single draw that is no number fails the quantity by one check of its own, and passes nothing."""
    draws[1, 7] = math.nan
    (check,) = check_quantity("q", draws)
    assert (check.check, check.verdict) == ("finite", "failed")
    assert "no number" in check.advice


def test_a_chain_of_another_spread_fails(draws: np.ndarray) -> None:
    """One chain of the same centre but four times the spread fails R-hat too, which looks at folded ranks."""
    draws[1] = 3.0 + 4 * (draws[1] - 3.0)
    assert verdicts(check_quantity("q", draws))["r_hat"] == "failed"


def test_slow_chains_fail_on_effective_draws() -> None:
    """Strongly correlated draws fail both effective sample sizes and the Monte Carlo error."""
    found = verdicts(check_quantity("q", autoregressive(0.99)))
    assert (found["ess_bulk"], found["ess_tail"], found["mcse"]) == ("failed",) * 3


@pytest.mark.parametrize(
    ("check", "fails", "passes"),
    [
        ("r_hat", {"r_hat": 1.01}, {"r_hat": 1.0099}),
        ("ess_bulk", {"ess_bulk": 400.0}, {"ess_bulk": 400.1}),
        ("ess_tail", {"ess_tail": 400.0}, {"ess_tail": 400.1}),
        ("mcse", {"mcse_mean": 0.05}, {"mcse_mean": 0.0499}),
    ],
)
def test_limits(check: str, fails: dict[str, float], passes: dict[str, float]) -> None:
    """At its limit a measure fails, just inside it passes, and nothing else is touched; the advice is that of the check."""
    for changed, verdict in ((fails, "failed"), (passes, "passed")):
        found = {item.check: item for item in checks_of(Quantity(**{**vars(GOOD), **changed}))}
        assert found.pop(check).verdict == verdict
        assert {item.verdict for item in found.values()} == {"passed"}
    assert {item.check: item.advice for item in checks_of(Quantity(**{**vars(GOOD), **fails}))}[check] == ADVICE[check]


def test_infinite_draws_are_judged_by_ranks(draws: np.ndarray) -> None:
    """With draws not reached, R-hat and ESS are those of the ranks, and moments have no meaning: not applicable."""
    draws[draws > 4.5] = math.inf
    measured = measure_quantity("q", draws)
    ranks = rankdata(draws).reshape(draws.shape)
    assert measured.r_hat == pytest.approx(float(az.rhat(ranks)), rel=1e-12)
    assert measured.ess_bulk == pytest.approx(float(az.ess(ranks)), rel=1e-12)
    assert math.isnan(measured.mcse_mean)
    assert math.isnan(measured.sd)
    found = verdicts(checks_of(measured))
    assert found == {"r_hat": "passed", "ess_bulk": "passed", "ess_tail": "passed", "mcse": "not applicable"}


def test_chains_that_disagree_on_what_is_reached_fail(draws: np.ndarray) -> None:
    """One chain that never reaches the median while the others do fails, though its draws have no numbers."""
    draws[0] = math.inf
    assert verdicts(check_quantity("q", draws))["r_hat"] == "failed"


def test_mostly_infinite_draws_have_one_tail(draws: np.ndarray) -> None:
    """Where the upper limit ties with most draws, the tail's ESS is that of the lower limit alone."""
    draws[draws > 2.0] = math.inf
    measured = measure_quantity("q", draws)
    ranks = rankdata(draws).reshape(draws.shape)
    assert measured.ess_tail == pytest.approx(float(az.ess(ranks, method="quantile", prob=0.05)), rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 2.5, math.inf])
def test_constant_draws_are_not_applicable(value: float) -> None:
    """Draws that are all the same, or all not reached, have no convergence to speak of: not applicable, and not failed."""
    checks = check_quantity("q", np.full((CHAINS, DRAWS), value))
    assert {check.verdict for check in checks} == {"not applicable"}
    assert all(math.isnan(check.measure) for check in checks)


def test_divergences() -> None:
    """A single divergence fails; none passes."""
    energy = np.random.default_rng(1).normal(size=(CHAINS, DRAWS))
    diverging = np.zeros((CHAINS, DRAWS), dtype=bool)
    assert verdicts(check_sampler(diverging, energy))["divergences"] == "passed"
    diverging[3, 17] = True
    found = check_sampler(diverging, energy)[0]
    assert (found.verdict, found.measure, found.of) == ("failed", 1.0, "sampler")
    assert "target_accept" in found.advice


def test_e_bfmi() -> None:
    """E-BFMI is the smallest over chains of mean squared energy changes over the energy's variance, and fails at 0.3 or below."""
    energy = np.random.default_rng(2).normal(size=(CHAINS, DRAWS))
    energy[1] = 10.0 * autoregressive(0.95)[1]
    by_hand = [np.mean(np.diff(chain) ** 2) / np.var(chain) for chain in energy]
    none = np.zeros((CHAINS, DRAWS), dtype=bool)
    found = check_sampler(none, energy)[1]
    assert found.measure == pytest.approx(min(by_hand), rel=0.02)
    assert (found.check, found.verdict, found.limit) == ("e_bfmi", "failed", 0.3)
    assert check_sampler(none, energy[[0, 2, 3]])[1].verdict == "passed"


def test_worst_first() -> None:
    """Failed checks come first, each kind in the order it had."""
    checks = [Check("r_hat", str(i), 1.0, 1.01, "failed" if i in (2, 4) else "passed", "") for i in range(5)]
    assert [check.of for check in worst_first(checks)] == ["2", "4", "0", "1", "3"]


def test_draws_are_measured_once_under_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same draws have the same measures under another name, without measuring them anew; laid out otherwise they are others."""
    values = np.random.default_rng(97).normal(size=(4, 100))
    first = measure_quantity("first", values)
    assert measure_quantity("other way", values.reshape(2, 200)).ess_bulk != first.ess_bulk
    monkeypatch.setattr(array_stats, "ess", lambda *_, **__: pytest.fail("measured anew"))
    second = measure_quantity("second", values.copy())
    assert dataclasses.replace(second, name="first") == first
    assert second.name == "second"
