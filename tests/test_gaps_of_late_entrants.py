"""What one P(x) for all entry times costs: gaps are marginalised over the covariates of those who entered, whenever they entered.

Exact would be P(x) of the source population, thinned to P(x) S_x(entry): it uses what selection says of the covariate. On simulated
cohorts one P(x) leaves the hazard ratio where it is, and an interval at most a fifth wider where the hazard ratio is 4.5.
"""

from __future__ import annotations

import fits
import numpy as np
import pandas as pd
from scipy.optimize import minimize

from bayes_rrmm.densities import log_likelihood

RATE, RATIO, PATIENTS, REPLICATES = 0.03, 4.5, 300, 60


def simulated(rng: np.random.Generator) -> pd.DataFrame:
    """Half of the source population have x; three quarters enter late; of two fifths x is unknown, whoever they are."""
    x = rng.random(6 * PATIENTS) < 0.5
    time = rng.exponential(1 / (RATE * RATIO**x))
    entry = np.where(rng.random(len(x)) < 0.75, rng.uniform(0.0, 18.0, len(x)), 0.0)
    end = entry + rng.uniform(12.0, 36.0, len(x))
    frame = pd.DataFrame({"time": np.minimum(time, end), "event": (time <= end).astype(int), "entry": entry})
    frame["x"] = np.where(rng.random(len(x)) < 0.4, None, np.where(x, "yes", "no"))
    return frame[time > entry].iloc[:PATIENTS].reset_index(drop=True)


def terms(frame: pd.DataFrame, parameters: np.ndarray, *, exact: bool) -> np.ndarray:
    """The log-likelihood of each row at (log rate, log hazard ratio, logit of P(x)), written out."""
    log_rate, beta, logit = parameters
    share, total = 1 / (1 + np.exp(-logit)), np.zeros((len(frame), 2))
    time, entry, event = (frame[name].to_numpy(dtype=float) for name in ("time", "entry", "event"))
    lived = np.zeros(len(frame))
    for level in (0, 1):
        chance, rate = (share if level else 1 - share), np.exp(log_rate + beta * level)
        total[:, level] = chance * rate**event * np.exp(-rate * (time - (0.0 if exact else entry)))
        lived += chance * np.exp(-rate * entry)
    known = frame["x"].map({"no": 0, "yes": 1})
    own = np.where(known.isna(), total.sum(axis=1), np.where(known == 1, total[:, 1], total[:, 0]))
    return np.log(own / lived if exact else own)


def at_maximum(frame: pd.DataFrame, *, exact: bool) -> float:
    """The log hazard ratio at the maximum of the likelihood."""
    return float(minimize(lambda p: -terms(frame, p, exact=exact).sum(), [-3.5, 1.0, 0.0], method="BFGS").x[1])


def test_the_density_has_one_p_for_all_entry_times() -> None:
    """The package's likelihood of outcomes under late entry is the plain statement with one P(x): of a row with a gap, averaged
    over it, and of a complete one without its P(x)."""
    frame = simulated(np.random.default_rng(5))
    parts = {"endpoint": 'entry = "entry"', "model": 'baseline = "exponential"\nmissing = "marginalise"'}
    cohort, plan = fits.cohort_and_plan(frame, "x", rest='[variables.x]\nreference = "no"', **parts)
    (column,) = plan.encoding.columns
    (variable,) = plan.covariates.variables
    assert variable.levels == ("no", "yes")
    values = np.array([-3.3, 1.2, 0.4])
    draws = {"log_rate": values[:1] + values[1] * column.centre, "beta": values[None, 1:2], "gamma": values[None, 2:]}
    share = 1 / (1 + np.exp(-values[2]))
    of_covariate = np.log(frame["x"].map({"no": 1 - share, "yes": share}).fillna(1.0).to_numpy(dtype=float))
    wanted = terms(frame, values, exact=False) - of_covariate
    np.testing.assert_allclose(log_likelihood(plan, draws, cohort)[0], wanted, rtol=1e-10)


def test_it_costs_width_and_no_bias() -> None:
    """Over simulated cohorts the maximum with one P(x) is as near the true log hazard ratio as that of the exact likelihood, within
    Monte Carlo error, and varies by less than a quarter more."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(REPLICATES):
        frame = simulated(rng)
        found.append([at_maximum(frame, exact=exact) for exact in (False, True)])
    errors = np.array(found) - np.log(RATIO)
    one, exact = errors.T
    assert abs(one.mean()) < 3 * one.std() / np.sqrt(REPLICATES)
    assert abs((one - exact).mean()) < 3 * (one - exact).std() / np.sqrt(REPLICATES)
    assert exact.std() * 0.9 < one.std() < exact.std() * 1.4


