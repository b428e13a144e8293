"""Whether the baseline hazard of a parametric model fits: a nested likelihood-ratio test against one free to change in steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bayes_rrmm.frequentist.columns import standardised
from bayes_rrmm.frequentist.parametric import Family, checked_cuts, parametric_rows
from bayes_rrmm.frequentist.parametric_fits import fit_piecewise, fit_weibull
from bayes_rrmm.frequentist.rows import Floats, Rows
from bayes_rrmm.hazards.cuts import FEWEST_EVENTS, events_by_interval

MOST_INTERVALS = 5
EVENTS_AN_INTERVAL = 10


@dataclass(frozen=True)
class BaselineTest:
    """Twice the gain in log-likelihood of the wider model, chi-squared with `degrees_of_freedom` where the narrower one holds.

    `cuts`, in the data's unit, are those of the wider model: the narrower has none, or some of them (piecewise). `shape` is the
    Weibull shape under the narrower model, 1 for the other families. With too few events for a wider model there are no degrees
    of freedom, and statistic and `p` are NaN.
    """

    family: Family
    statistic: float
    degrees_of_freedom: int
    p: float
    cuts: Floats
    shape: float


def baseline_test(
    family: Family,
    design: ArrayLike,
    names: Sequence[str],
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    cuts: ArrayLike = (),
) -> BaselineTest:
    """The test of a family's baseline for rows as in `parametric`, with proportional covariates in both models.

    Weibull, h0(t) = exp(a) k t^(k - 1), and exponential, k = 1: against a_j on J intervals between quantiles of the event times,
    J = min(5, events // 10), fewer until each holds 5 events. Piecewise: its own intervals, made by `cuts`, against each of them
    halved at the median of its event times where both halves hold 5. A weight counts rows. Where an effect has no finite estimate
    both log-likelihoods are their limits. The shape is read in either model from when, inside an interval, events happen: for the
    Weibull family each interval needs them at two times. Raises what `parametric` does.
    """
    rows, labels = parametric_rows(time, event, entry, weight), tuple(names)
    columns = standardised(design, labels, len(rows))[0] if labels else np.empty((len(rows), 0))
    own = checked_cuts(family, cuts)
    wider = _halved(own, rows) if family == "piecewise" else _quantiles(rows, 2 if family == "weibull" else 1)
    fit = fit_weibull if family == "weibull" else fit_piecewise
    narrow = fit(columns, rows, own)
    shape = math.exp(narrow.estimates[-1]) if family == "weibull" else 1.0
    freedom = len(wider) - len(own)
    if freedom == 0:
        return BaselineTest(family, math.nan, 0, math.nan, wider, shape)
    statistic = max(2.0 * (fit(columns, rows, wider).log_likelihood - narrow.log_likelihood), 0.0)
    return BaselineTest(family, statistic, freedom, float(special.chdtrc(freedom, statistic)), wider, shape)


def _quantiles(rows: Rows, fewest_times: int) -> Floats:
    """Cuts that share the events out evenly, each interval holding 5 at `fewest_times` or more; none where events are too few."""
    times, counts = _events(rows)
    total = float(np.sum(counts))
    for intervals in range(min(MOST_INTERVALS, int(total) // EVENTS_AN_INTERVAL), 1, -1):
        cuts = _shared_out(times, counts, intervals)
        held, distinct = events_by_interval(cuts, times, counts), events_by_interval(cuts, times, np.ones(len(times)))
        if len(cuts) and np.min(held) >= FEWEST_EVENTS and np.min(distinct) >= fewest_times:
            return cuts
    return np.empty(0)


def _halved(cuts: Floats, rows: Rows) -> Floats:
    """The cuts, and in each interval the median of its event times where 5 events lie on either side of it."""
    times, counts = _events(rows)
    interval = np.searchsorted(cuts, times, side="left")
    found = [cuts]
    for j in range(len(cuts) + 1):
        here = interval == j
        middle = _shared_out(times[here], counts[here], 2) if np.any(here) else np.empty(0)
        if len(middle) and np.min(events_by_interval(middle, times[here], counts[here])) >= FEWEST_EVENTS:
            found.append(middle)
    return np.sort(np.concatenate(found))


def _events(rows: Rows) -> tuple[Floats, Floats]:
    """The distinct times of the events and how many happen at each."""
    died = rows.event > 0
    times, place = np.unique(rows.time[died], return_inverse=True)
    return times, np.bincount(place, weights=rows.weight[died])


def _shared_out(times: Floats, counts: Floats, intervals: int) -> Floats:
    """Midway after the event times at which the share of events first reaches 1/J, 2/J, ..; shape (at most J - 1,)."""
    share = np.cumsum(counts) / np.sum(counts)
    last = np.unique(np.searchsorted(share, np.arange(1, intervals) / intervals - 1e-12))
    last = last[last < len(times) - 1]
    return np.asarray(0.5 * (times[last] + times[last + 1]))
