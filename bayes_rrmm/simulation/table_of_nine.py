"""The table of the study of a group of nine: what each method did, beside what a normal approximation expects of it.

Performance measures and their Monte Carlo standard errors: Morris, White and Crowther, Stat Med 2019;38:2074, table 6.

Pooled, the expectation holds tau fixed at its posterior median (their mean over the cohorts) and so leaves out what is not
known of it: the spread it expects of the estimates, and the interval, are too narrow.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats.mstats import mjci

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.simulation.cohorts_of_nine import GROUP, REFERENCE, expected_events, log_hazard_ratios
from bayes_rrmm.simulation.normal_approximation import Expected, expected, independent_precision, pooled_precision

COX, FIRTH, UNPOOLED, POOLED = "Cox", "Firth", "Bayes, unpooled", "Bayes, pooled"
PRIOR_SD, TAU_SD = 1.0, 0.5
"""The prior sd of each log hazard ratio, unpooled; that of tau's half-normal, pooled."""

COLUMNS = [
    "truth", "replicate", "method", "log_hr", "error", "lower", "upper", "tau", "divergences", "r_hat", "failed", "events",
    "group_events",
]  # fmt: skip
"""A row for each method of each replicate; `error` is the standard error or the posterior sd, `tau` its posterior median."""


def table_of_nine(replicates: pd.DataFrame) -> pd.DataFrame:
    """A row a truth and method, on the log hazard ratio of the nine; each `_mcse` is a Monte Carlo standard error.

    Of `replicates`, the sampler of `failed` did not pass its gate. `finite` of the sound ones have a finite estimate: Cox has none
    where the nine have no event. Bias, sd, rmse, error, width and `coverage` are of these. Of all replicates, none dropped, are:
    `absolute_error`, the median of |log HR - truth|, infinite where there is no finite estimate or the sampler failed;
    `coverage_of_all`, an interval without a limit holding the truth and a failed sampler not; and `below_one`, the share of
    intervals below hazard ratio 1 (of posteriors, of P(HR < 1) above 0.975), which neither is. Columns `_expected` are what
    `normal_expectation` says.
    """
    rows = []
    for (_, method), group in replicates.groupby(["truth", "method"], sort=False):
        truth = float(group["truth"].iloc[0])
        sound = group[~(group["failed"] > 0)]  # of Cox and Firth, which sample nothing, NaN
        rows.append(
            {
                "truth": truth,
                "method": method,
                "replicates": len(group),
                "failed": len(group) - len(sound),
                **_measures(sound, len(group), truth, str(method)),
                "without_group_events": int((group["group_events"] == 0).sum()),
                "group_events": group["group_events"].mean(),
                "with_divergences": int((group["divergences"] > 0).sum()),
                "r_hat_above_1.01": int((group["r_hat"] > 1.01).sum()),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values("truth", ascending=False, kind="stable", ignore_index=True)


def _measures(sound: pd.DataFrame, number: int, truth: float, method: str) -> dict[str, Any]:
    """What the replicates of one truth and method say: those whose sampler passed, of `number` in all."""
    log_truth = math.log(truth)
    is_finite = np.isfinite(sound["log_hr"].to_numpy())
    holds = ((sound["lower"] <= log_truth) & (log_truth <= sound["upper"])).to_numpy()
    finite = sound[is_finite]
    hopes = normal_expectation(truth, method, float(sound["tau"].mean()))
    width = (finite["upper"] - finite["lower"]).to_numpy()
    off = np.full(number, np.inf)
    off[: len(finite)] = np.abs(finite["log_hr"].to_numpy() - log_truth)
    return {
        "finite": len(finite),
        **_performance(finite["log_hr"].to_numpy() - log_truth, hopes),
        **_mean("error", finite["error"].to_numpy(), hopes.error),
        **_share("coverage", float(holds[is_finite].mean()), len(finite), hopes.coverage),
        **_share("coverage_of_all", float(holds.sum()) / number, number),
        **_median("absolute_error", off),
        **_mean("width", width, hopes.width),
        **_median("median_width", width),
        **_share("below_one", float((sound["upper"] < 0).sum()) / number, number, hopes.below_zero),
        "tau": sound["tau"].mean(),
    }


def normal_expectation(truth: float, method: str, tau: float = math.nan) -> Expected:
    """What a normal approximation expects of a method where the nine have the hazard ratio `truth`.

    Each regimen has the events that the design lets expect. Pooled, the spread of the regimens is taken to be known, and `tau`
    (the table takes the mean, over its cohorts, of the posterior median); the baseline's prior is taken to say nothing.
    """
    levels = log_hazard_ratios(truth)
    names = list(levels)
    contrast = [float(name == GROUP) - float(name == REFERENCE) for name in names]
    precision = np.zeros((len(names), len(names)))
    if method == UNPOOLED:
        precision = independent_precision(len(names), names.index(REFERENCE), PRIOR_SD)
    elif method == POOLED:
        precision = pooled_precision(len(names), tau)
    return expected(expected_events(truth), list(levels.values()), contrast, precision)


def _performance(error: Floats, hopes: Expected) -> dict[str, float]:
    number, sd = len(error), float(error.std(ddof=1))
    rmse = math.sqrt(float((error**2).mean()))
    return {
        **_mean("bias", error, hopes.bias),
        "sd": sd,
        "sd_mcse": sd / math.sqrt(2 * (number - 1)),
        "sd_expected": hopes.sd,
        "rmse": rmse,
        "rmse_mcse": float((error**2).std(ddof=1)) / math.sqrt(number) / (2 * rmse),
        "rmse_expected": hopes.rmse,
    }


def _mean(name: str, values: Floats, hoped: float) -> dict[str, float]:
    mcse = float(values.std(ddof=1)) / math.sqrt(len(values))
    return {name: float(values.mean()), f"{name}_mcse": mcse, f"{name}_expected": hoped}


def _median(name: str, values: Floats) -> dict[str, float]:
    """The standard error of a median is Maritz and Jarrett's (JASA 1978;73:194); where it is among infinite values there is none.

    What is infinite stands as the largest finite value there: so far from the median its weight is nothing.
    """
    median, finite = float(np.median(values)), values[np.isfinite(values)]
    if not np.isfinite(median):
        return {name: median, f"{name}_mcse": math.nan}
    return {name: median, f"{name}_mcse": float(mjci(np.minimum(values, finite.max()), prob=[0.5])[0])}


def _share(name: str, share: float, number: int, hoped: float | None = None) -> dict[str, Any]:
    found = {name: share, f"{name}_mcse": math.sqrt(share * (1 - share) / number)}
    return found if hoped is None else {**found, f"{name}_expected": hoped}
