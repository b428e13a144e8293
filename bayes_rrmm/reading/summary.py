"""Summaries of draws: medians, intervals whose kind and probability travel with them, and probabilities."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import FitError
from bayes_rrmm.reading.estimates import Estimates
from bayes_rrmm.specification.analysis import IntervalChoice


def summarise(
    estimates: Estimates, *, above: float | None = None, below: float | None = None, interval: IntervalChoice | None = None
) -> pd.DataFrame:
    """A row a label: median, mean, sd, lower, upper, interval, prob, p_below, p_above, p_not_reached, extrapolated.

    `above` or `below` is the threshold of p_above and p_below (default: the value of no effect, where there is one).
    Where some draws are not reached (+infinity) mean and sd are missing: only quantiles are meaningful there.
    """
    if above is not None and below is not None and above != below:
        raise FitError("p_below and p_above are about one threshold: give above or below, not two values.")
    threshold = above if above is not None else below if below is not None else estimates.null
    choice = interval or estimates.interval
    dims = estimates.label_dims
    rows = []
    for labels in itertools.product(*(estimates.draws[dim].to_numpy().tolist() for dim in dims)):
        where = dict(zip(dims, labels, strict=True))
        chosen = estimates.draws.sel(where)
        scalars = {str(name): coord.item() for name, coord in chosen.coords.items() if coord.ndim == 0}
        row: dict[str, Any] = {**scalars, **summary_of(chosen.to_numpy().ravel(), choice, threshold)}
        row["extrapolated"] = bool(estimates.extrapolated.sel(where))
        rows.append(row)
    return pd.DataFrame(rows)


def summary_of(draws: Floats, interval: IntervalChoice, threshold: float | None) -> dict[str, Any]:
    """The summary of draws of shape (S,), some of which may be +infinity."""
    finite = np.isfinite(draws)
    everywhere = bool(finite.all())
    lower, upper, kind = interval_of(draws, interval)
    return {
        "median": quantile_of(draws, 0.5),
        "mean": float(draws.mean()) if everywhere else math.nan,
        "sd": float(draws.std(ddof=1)) if everywhere else math.nan,
        "lower": lower,
        "upper": upper,
        "interval": kind,
        "prob": interval.prob,
        "threshold": math.nan if threshold is None else threshold,
        "p_below": math.nan if threshold is None else float(np.mean(draws < threshold)),
        "p_above": math.nan if threshold is None else float(np.mean(draws > threshold)),
        "p_not_reached": float(np.mean(np.isposinf(draws))),
    }


def quantile_of(draws: Floats, probability: float) -> float:
    """The quantile by linear interpolation (R's type 7); infinite where it falls among infinite draws."""
    ordered = np.sort(draws)
    position = (len(ordered) - 1) * probability
    low = math.floor(position)
    share = position - low
    if share == 0.0:
        return float(ordered[low])
    if not math.isfinite(ordered[low + 1]):
        return math.inf
    return float(ordered[low] + share * (ordered[low + 1] - ordered[low]))


def interval_of(draws: Floats, choice: IntervalChoice) -> tuple[float, float, str]:
    """Lower and upper limit, and the kind they are: equal-tailed, or the shortest interval (Hyndman 1996).

    A shortest interval does not exist where more than 1 - prob of the draws are infinite: then equal-tailed.
    """
    if choice.kind == "hdi" and np.mean(np.isinf(draws)) < 1 - choice.prob:
        ordered = np.sort(draws)
        inside = max(1, math.floor(choice.prob * len(ordered)))
        upper = ordered[inside:]
        width = np.subtract(upper, ordered[: len(upper)], out=np.full(len(upper), np.inf), where=np.isfinite(upper))
        start = int(np.argmin(width))
        return float(ordered[start]), float(ordered[start + inside]), "hdi"
    tail = (1 - choice.prob) / 2
    return quantile_of(draws, tail), quantile_of(draws, 1 - tail), "eti"
