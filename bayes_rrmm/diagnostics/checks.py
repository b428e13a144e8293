"""The diagnostics gate: R-hat, effective sample size and Monte Carlo error of every parameter and reported quantity,
divergences and E-BFMI of the sampler. Limits: STATISTICS, section 5 (Vehtari et al. 2021; Betancourt 2016).
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray

Verdict = Literal["passed", "failed", "not applicable"]

R_HAT = 1.01
ESS = 400.0
MCSE_SHARE = 0.05
E_BFMI = 0.3

ADVICE = {
    "finite": "some draws are no number: the quantity cannot be computed from them; look at the extreme draws",
    "r_hat": "chains disagree: sample longer (tune and draws), or raise target_accept",
    "ess_bulk": "too few effective draws for the centre: raise draws",
    "ess_tail": "too few effective draws for the interval's limits: raise draws",
    "mcse": "Monte Carlo error is large beside the posterior sd: raise draws",
    "divergences": "raise target_accept towards 0.99; if they stay, the posterior has a region the sampler cannot enter",
    "e_bfmi": "the sampler explores the energy slowly: sample longer, or state tighter priors",
}


@dataclass(frozen=True)
class Check:
    """One check: what was measured of what, the limit, the verdict, and what to do when it failed."""

    check: str
    of: str
    measure: float
    limit: float
    verdict: Verdict
    advice: str


@dataclass(frozen=True)
class Quantity:
    """The convergence measures of one quantity. NaN where a measure has no meaning (constant or not finite draws)."""

    name: str
    mcse_mean: float
    mcse_sd: float
    ess_bulk: float
    ess_tail: float
    r_hat: float
    sd: float
    has_nan: bool = False


NOTHING = Quantity("", math.nan, math.nan, math.nan, math.nan, math.nan, math.nan)


MEASURED: dict[bytes, Quantity] = {}
"""What this process has measured, by the digest of the draws: gate, tables and leave-one-out ask for the same parameters."""
MOST_MEASURED = 10_000


def measure_quantity(name: str, draws: NDArray[np.float64]) -> Quantity:
    """Measures of draws of shape (chains, draws). Where some are infinite, R-hat and ESS are those of their ranks."""
    key = hashlib.blake2b(repr(draws.shape).encode() + np.ascontiguousarray(draws).tobytes()).digest()
    if key not in MEASURED:
        if len(MEASURED) >= MOST_MEASURED:
            MEASURED.clear()
        MEASURED[key] = _measured(draws)
    return replace(MEASURED[key], name=name)


def _measured(draws: NDArray[np.float64]) -> Quantity:
    if np.isnan(draws).any():
        return replace(NOTHING, has_nan=True)
    if np.all(draws == draws.flat[0]):
        return NOTHING
    finite = bool(np.isfinite(draws).all())
    ranked = draws if finite else _ranks(draws)
    mcse = [float(array_stats.mcse(draws, method=method)) if finite else math.nan for method in ("mean", "sd")]
    return replace(
        NOTHING,
        mcse_mean=mcse[0],
        mcse_sd=mcse[1],
        ess_bulk=float(array_stats.ess(ranked, method="bulk")),
        ess_tail=_tail(ranked),
        r_hat=_r_hat(ranked),
        sd=float(draws.std(ddof=1)) if finite else math.nan,
    )


def _ranks(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    return np.asarray(rankdata(draws), dtype=np.float64).reshape(draws.shape)


def _r_hat(draws: NDArray[np.float64]) -> float:
    """R-hat of ranks; of chains that never moved, each somewhere else, beyond every limit (their own variance is 0)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(array_stats.rhat(draws, method="rank"))


def _tail(draws: NDArray[np.float64]) -> float:
    """Tail ESS at 5 % and 95 %. A limit that ties with most draws (many not reached) has no tail of its own: left out."""
    limits = []
    for probability in (0.05, 0.95):
        below = draws <= np.quantile(draws, probability)
        if 0 < below.sum() < below.size:
            limits.append(float(array_stats.ess(draws, method="quantile", prob=probability)))
    return min(limits) if limits else math.nan


def check_quantity(name: str, draws: NDArray[np.float64]) -> list[Check]:
    """The gate's checks of one parameter or reported quantity, from draws of shape (chains, draws)."""
    return checks_of(measure_quantity(name, draws))


def checks_of(quantity: Quantity) -> list[Check]:
    """The gate's checks of a quantity that has been measured."""
    name = quantity.name
    if quantity.has_nan:
        return [Check("finite", name, math.nan, 0.0, "failed", ADVICE["finite"])]
    return [
        _check("r_hat", name, quantity.r_hat, R_HAT, quantity.r_hat < R_HAT),
        _check("ess_bulk", name, quantity.ess_bulk, ESS, quantity.ess_bulk > ESS),
        _check("ess_tail", name, quantity.ess_tail, ESS, quantity.ess_tail > ESS),
        _check("mcse", name, quantity.mcse_mean / quantity.sd, MCSE_SHARE, quantity.mcse_mean / quantity.sd < MCSE_SHARE),
    ]


def check_sampler(diverging: NDArray[np.bool_], energy: NDArray[np.float64]) -> list[Check]:
    """Divergences and E-BFMI, from statistics of shape (chains, draws)."""
    divergences = float(diverging.sum())
    e_bfmi = float(np.min(array_stats.bfmi(energy)))
    return [
        _check("divergences", "sampler", divergences, 0.0, divergences == 0),
        _check("e_bfmi", "sampler", e_bfmi, E_BFMI, e_bfmi > E_BFMI),
    ]


def _check(check: str, of: str, measure: float, limit: float, passed: bool) -> Check:
    if math.isnan(measure):
        return Check(check, of, measure, limit, "not applicable", "")
    verdict: Verdict = "passed" if passed else "failed"
    return Check(check, of, measure, limit, verdict, "" if passed else ADVICE[check])


def worst_first(checks: list[Check]) -> list[Check]:
    """Failed checks before the others, otherwise in order."""
    return sorted(checks, key=lambda check: check.verdict != "failed")
