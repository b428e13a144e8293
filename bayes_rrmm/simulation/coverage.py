"""What a recovery study found: coverage beside its simultaneous band, bias, width, ranks, and the sampler's failures."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.rounding import prob_words

LEVEL = 0.99
"""Probability that every coverage of a study lies inside its band when every interval is right."""


def binomial_band(replicates: int, prob: float, quantities: int, level: float = LEVEL) -> tuple[int, int]:
    """The least and the greatest count of intervals that hold their truth, simultaneously over `quantities` of them.

    Exact binomial with Bonferroni's split: each count is Binomial(replicates, prob) and leaves the band on either side
    with a probability of at most (1 - level) / (2 quantities), so all are inside with probability `level` at least,
    however the quantities, which share their fits, depend on each other.
    """
    from scipy.stats import binom

    tail = (1.0 - level) / (2.0 * quantities)
    return int(binom.ppf(tail, replicates, prob)), int(binom.isf(tail, replicates, prob))


def coverage_table(replicates: pd.DataFrame, prob: float, level: float = LEVEL) -> pd.DataFrame:
    """A row a quantity, from the rows of `run_study`; `prob` is the probability that its intervals claim.

    `covered` of `replicates` intervals hold their truth; `band_lower` and `band_upper` are the band as shares. `bias` is
    the mean of posterior median minus truth, `width` the mean of upper minus lower limit, both on `scale`, and missing
    where some are infinite. Each `_mcse` is a Monte Carlo standard error. `rank_p` is the p value of Kolmogorov and
    Smirnov that the share of draws below the truth is uniform, as it is where the whole posterior is right.
    """
    from scipy.stats import kstest

    groups = list(replicates.groupby("quantity", sort=False))
    rows = []
    for quantity, group in groups:
        number = len(group)
        least, greatest = binomial_band(number, prob, len(groups), level)
        covered = int(((group["lower"] <= group["truth"]) & (group["truth"] <= group["upper"])).sum())
        share = covered / number
        error, width = _errors(group)
        rows.append(
            {
                "quantity": quantity,
                "unit": group["unit"].iloc[0],
                "scale": group["scale"].iloc[0],
                "replicates": number,
                "covered": covered,
                "coverage": share,
                "coverage_mcse": float(np.sqrt(share * (1 - share) / number)),
                "band_lower": least / number,
                "band_upper": greatest / number,
                "within": least <= covered <= greatest,
                **_mean("bias", error),
                **_mean("width", width),
                "rank_p": float(kstest(group["below"], "uniform").pvalue),
            }
        )
    return pd.DataFrame(rows)


def sampling_record(replicates: pd.DataFrame) -> dict[str, float | int]:
    """How the sampler fared, a replicate counting once. None is left out of any coverage."""
    each = replicates.drop_duplicates("replicate")
    return {
        "replicates": len(each),
        "without_events": int((each["events"] == 0).sum()),
        "median_events": float(each["events"].median()),
        "with_divergences": int((each["divergences"] > 0).sum()),
        "r_hat_above_1.01": int((each["r_hat"] > 1.01).sum()),
        "r_hat_above_1.05": int((each["r_hat"] > 1.05).sum()),
        "largest_r_hat": float(each["r_hat"].max()),
        "failed_any_check": int((each["failed"] > 0).sum()),
    }


def study_text(table: pd.DataFrame, sampling: dict[str, float | int], prob: float, level: float = LEVEL) -> str:
    """The study as a terminal shows it."""
    wide = max(len(name) for name in table["quantity"])
    lines = [f"{'quantity':<{wide}}  coverage (mcse)   bias (mcse)        width   rank p"]
    for row in table.to_dict(orient="records"):
        mark = "" if row["within"] else "  OUTSIDE"
        lines.append(
            f"{row['quantity']:<{wide}}  {row['coverage']:.3f} ({row['coverage_mcse']:.3f})  "
            f"{row['bias']:+8.3f} ({row['bias_mcse']:.3f})  {row['width']:8.3f}   {row['rank_p']:.3f}{mark}"
        )
    outside = int((~table["within"]).sum())
    band = f"[{table['band_lower'].iloc[0]:.3f}, {table['band_upper'].iloc[0]:.3f}]"
    lines += [
        f"Band: where every {prob_words(prob)} interval is right, {band} holds all {len(table)} coverages "
        f"with probability {level:.0%};",
        f"  {outside or 'none'} {'is' if outside < 2 else 'are'} outside. Bias and width of ratios and medians are those of logs.",
        f"Replicates: {sampling['replicates']}, none left out; median {sampling['median_events']:.0f} events, "
        f"{sampling['without_events']} without an event (fitted too).",
        f"Sampler: {sampling['with_divergences']} with divergences, {sampling['r_hat_above_1.01']} with an R-hat above 1.01 "
        f"(largest {sampling['largest_r_hat']:.3f}), {sampling['failed_any_check']} failed any check of the gate.",
    ]
    return "\n".join(lines)


def _errors(group: pd.DataFrame) -> tuple[Floats, Floats]:
    """Posterior median minus truth, and interval width, of each replicate, on the quantity's scale."""
    values = group[["truth", "median", "lower", "upper"]].to_numpy(dtype=np.float64)
    if group["scale"].iloc[0] == "log":
        values = np.log(values)
    with np.errstate(invalid="ignore"):  # where truth and median are both infinite there is no error to speak of
        return values[:, 1] - values[:, 0], values[:, 3] - values[:, 2]


def _mean(name: str, values: Floats) -> dict[str, float]:
    if not np.isfinite(values).all():
        return {name: math.nan, f"{name}_mcse": math.nan}
    several = len(values) > 1
    return {name: float(values.mean()), f"{name}_mcse": float(values.std(ddof=1) / np.sqrt(len(values))) if several else math.nan}
