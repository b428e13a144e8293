"""Summaries of draws: medians, intervals whose kind and probability travel with them, and probabilities."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.errors import FitError
from bayes_rrmm.reading.estimates import Estimates
from bayes_rrmm.reading.scales import Scale, on_scale
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
    draws = estimates.draws.transpose(*(dim for dim in estimates.draws.dims if dim not in dims), *dims)
    values = draws.to_numpy().reshape(-1, *(draws.sizes[dim] for dim in dims))
    beyond = estimates.extrapolated.transpose(*dims).to_numpy()
    rows = []
    for place in np.ndindex(values.shape[1:]):
        of_label = np.ascontiguousarray(values[(slice(None), *place)])
        row = _coordinates(draws, dict(zip(dims, place, strict=True)))
        row |= summary_of(of_label, choice, threshold, estimates.scale)
        row["extrapolated"] = bool(beyond[place])
        rows.append(row)
    return pd.DataFrame(rows)


def _coordinates(draws: xr.DataArray, place: dict[Hashable, int]) -> dict[str, Any]:
    """What a label says of itself: every coordinate that is one value there."""
    found = {}
    for name, coord in draws.coords.items():
        if set(coord.dims) <= place.keys():
            value = coord.to_numpy()[tuple(place[dim] for dim in coord.dims)]
            found[str(name)] = value.item() if isinstance(value, np.generic | np.ndarray) else value
    return found


def summary_of(
    draws: Floats, interval: IntervalChoice, threshold: float | None, scale: Scale = "natural"
) -> dict[str, Any]:
    """The summary of draws of shape (S,), some of which may be +infinity; a shortest interval is the shortest on `scale`."""
    finite = np.isfinite(draws)
    everywhere = bool(finite.all())
    ordered = np.sort(draws)
    lower, upper, kind = _interval(ordered, interval, scale)
    return {
        "median": _quantile(ordered, 0.5),
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
    return _quantile(np.sort(draws), probability)


def _quantile(ordered: Floats, probability: float) -> float:
    position = (len(ordered) - 1) * probability
    low = math.floor(position)
    share = position - low
    if share == 0.0:
        return float(ordered[low])
    if not math.isfinite(ordered[low + 1]):
        return math.inf
    return float(ordered[low] + share * (ordered[low + 1] - ordered[low]))


def interval_of(draws: Floats, choice: IntervalChoice, scale: Scale = "natural") -> tuple[float, float, str]:
    """Lower and upper limit, and the kind they are: equal-tailed, or the shortest interval (Hyndman 1996) on `scale`.

    A shortest interval does not exist where more than 1 - prob of the draws are infinite there: then equal-tailed.
    """
    return _interval(np.sort(draws), choice, scale)


def _interval(ordered: Floats, choice: IntervalChoice, scale: Scale) -> tuple[float, float, str]:
    if choice.kind == "hdi":
        inside = max(1, math.floor(choice.prob * len(ordered)))
        values = on_scale(ordered, scale)
        with np.errstate(invalid="ignore"):
            width = np.abs(values[inside:] - values[: len(values) - inside])
        width = np.where(np.isfinite(width), width, np.inf)
        start = int(np.argmin(width))
        if math.isfinite(width[start]):
            return float(ordered[start]), float(ordered[start + inside]), "hdi"
    tail = (1 - choice.prob) / 2
    return _quantile(ordered, tail), _quantile(ordered, 1 - tail), "eti"
