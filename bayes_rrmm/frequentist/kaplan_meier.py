"""Kaplan-Meier: the product-limit estimate of S(t), its median and its restricted mean, by lifelines where it is right."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bayes_rrmm.frequentist.rows import Floats, Rows, as_rows, at_risk
from bayes_rrmm.hazards.at_risk import FEWEST_AT_RISK, first_with, present

ROUNDING = 1e-9
"""How far above 1/2, or another height, rounding may leave a curve that is there exactly; R's quantile.survfit allows the same."""

Interval = Literal["log-log", "log"]
Estimate = tuple[float, float, float]
NOT_KNOWN = (math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class KaplanMeier:
    """S(t | start), a step function that falls at the J event times; arrays have shape (J,), times the data's unit.

    `survival`, `lower` and `upper` hold from each time on, until the next; `at_risk` and `deaths` are the numbers at it.
    The limits, of probability `prob` and type `interval`, are NaN once S is 0: neither type is defined there. `rows` and
    `events` count (by weight) those the curve is made of. `start` is 0 unless entry is delayed, and infinity where too few are
    ever at risk: then nothing is known.
    """

    label: str
    rows: float
    events: float
    start: float
    time: Floats
    survival: Floats
    lower: Floats
    upper: Floats
    at_risk: Floats
    deaths: Floats
    last_follow_up: float
    prob: float
    interval: Interval = "log-log"

    def survival_at(self, t: float) -> Estimate:
        """S(t | start) and its limits: 1 before the first event.

        NaN before the start, and beyond the last follow-up unless S has reached 0: nobody is left, so it stays there.
        """
        if not self._known_at(t):
            return NOT_KNOWN
        passed = int(np.searchsorted(self.time, t, side="right"))
        if passed == 0:
            return 1.0, 1.0, 1.0
        return float(self.survival[passed - 1]), float(self.lower[passed - 1]), float(self.upper[passed - 1])

    def standard_error_at(self, t: float) -> float:
        """Greenwood's standard error of S(t | start); NaN where S is not known, or is 0."""
        passed = self.time <= t
        if not self._known_at(t) or np.any(self.survival[passed] == 0):
            return math.nan
        height = float(self.survival[passed][-1]) if np.any(passed) else 1.0
        return height * math.sqrt(float(np.sum(_greenwood(self.deaths, self.at_risk)[passed])))

    def with_limits(self, prob: float) -> KaplanMeier:
        """The same curve with limits of another probability."""
        lower, upper = _limits(self.survival, _greenwood(self.deaths, self.at_risk), prob, self.interval)
        return replace(self, lower=lower, upper=upper, prob=prob)

    def median(self) -> Estimate:
        """The first t with S(t) <= 1/2, and the first t at which each limit is; infinity where not reached."""
        return self.quantile(0.5)

    def quantile(self, dead: float) -> Estimate:
        """The first t with S(t) <= 1 - `dead`, and the first t at which each limit is; infinity where not reached.

        `dead`, between 0 and 1, is the share that has had the event by then. The limits invert the interval (Brookmeyer and
        Crowley 1982). R's `survfit` prints the middle of a piece that is flat at 1 - `dead` instead of its beginning.
        """
        if math.isinf(self.start):
            return NOT_KNOWN
        # A curve that is 0 has a lower limit of 0 whatever the interval; its upper limit stays unknown.
        lower = np.where(self.survival == 0, 0.0, self.lower)
        height = 1.0 - dead
        return self._first_at(height, self.survival), self._first_at(height, lower), self._first_at(height, self.upper)

    def rmst(self, upto: float) -> tuple[float, float]:
        """Restricted mean survival time, the integral of S(t | start) from the start to `upto`, and its standard error.

        Variance: the sum over event times of (integral of S from t_j to `upto`)^2 d_j / (n_j (n_j - d_j)) (Klein and
        Moeschberger 2003, equation 4.5.2). lifelines returns the variance of min(T, upto) instead (issue 1682).
        NaN before the start, and beyond the last follow-up unless S has reached 0: R extends the last value of S there.
        """
        if not self._known_at(upto):
            return math.nan, math.nan
        happened = self.time < upto
        times, heights = self.time[happened], np.append(1.0, self.survival[happened])
        areas = heights * np.diff(np.concatenate([[self.start], times, [upto]]))
        remaining = np.cumsum(areas[::-1])[::-1][1:]
        # Where everyone at risk dies, S is 0 from there on and nothing remains to vary.
        open_ended = remaining > 0
        deaths, exposed = self.deaths[happened][open_ended], self.at_risk[happened][open_ended]
        variance = float(np.sum(remaining[open_ended] ** 2 * _greenwood(deaths, exposed)))
        return float(np.sum(areas)), math.sqrt(variance)

    def _known_at(self, t: float) -> bool:
        died_out = len(self.survival) > 0 and self.survival[-1] == 0
        return t >= self.start and (t <= self.last_follow_up or bool(died_out))

    def _first_at(self, height: float, curve: Floats) -> float:
        reached = np.flatnonzero(curve <= height + ROUNDING)
        return float(self.time[reached[0]]) if len(reached) else math.inf


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    prob: float = 0.95,
    label: str = "",
    fewest_at_risk: float = FEWEST_AT_RISK,
    interval: Interval = "log-log",
) -> KaplanMeier:
    """The Kaplan-Meier curve of N rows, with pointwise limits of probability `prob` (Greenwood's variance).

    The limits are symmetric on the scale log(-log S), or log S with `interval` "log", R's default, which goes up to 1 at most.
    `time`, `event`, `entry` and `weight` have shape (N,). Under delayed entry the curve is conditional on being free of the event
    at `start`, the first time at which `fewest_at_risk` are at risk (where all enter at one time, that time), and rows that left
    before are not in it; where the risk set empties before the last entry, the curve ends. Raises DataError when a column breaks
    a rule.
    """
    everyone = as_rows(time, event, entry, weight)
    start = first_with(fewest_at_risk, everyone.time, everyone.entry, everyone.weight) if everyone.delayed else 0.0
    rows = _followed(everyone, start) if everyone.delayed else everyone
    died = rows.event > 0
    times = np.unique(rows.time[died])
    survival = _curve(rows, times) if len(times) else np.empty(0)
    exposed = at_risk(times, rows.time, rows.entry, rows.weight) if len(times) else np.empty(0)
    deaths = np.bincount(np.searchsorted(times, rows.time[died]), weights=rows.weight[died], minlength=len(times))
    lower, upper = _limits(survival, _greenwood(deaths, exposed), prob, interval)
    return KaplanMeier(
        label=label,
        rows=float(np.sum(rows.weight)),
        events=float(np.sum(rows.weight[died])),
        start=start,
        time=times,
        survival=survival,
        lower=lower,
        upper=upper,
        at_risk=exposed,
        deaths=deaths,
        last_follow_up=float(np.max(rows.time)) if len(rows) else float(np.max(everyone.time)),
        prob=prob,
        interval=interval,
    )


def _greenwood(deaths: Floats, exposed: Floats) -> Floats:
    """What each event time adds to the variance of log S; infinity where everyone at risk dies."""
    left = exposed - deaths
    return np.where(left > 0, deaths / (exposed * np.where(left > 0, left, 1.0)), np.inf)


def _limits(survival: Floats, added: Floats, prob: float, interval: Interval) -> tuple[Floats, Floats]:
    """The limits symmetric on the scale log(-log S), or log S and at most 1; none at S = 0, as in R."""
    half_width = float(special.ndtri(0.5 + 0.5 * prob)) * np.sqrt(np.cumsum(added))
    known = np.where(survival > 0, half_width, np.nan)
    if interval == "log":
        return survival * np.exp(-known), np.minimum(survival * np.exp(known), 1.0)
    shift = known / -np.log(np.where(survival > 0, survival, 0.5))
    return survival ** np.exp(shift), survival ** np.exp(-shift)


def _curve(rows: Rows, times: Floats) -> Floats:
    """S right after each of `times`."""
    from lifelines import KaplanMeierFitter

    # lifelines silences NumPy's warnings for the whole process when it fits; errstate gives them back.
    with np.errstate():
        fitter = KaplanMeierFitter().fit(rows.time, rows.event, entry=rows.entry if rows.delayed else None, weights=rows.weight)
    return np.asarray(fitter.survival_function_.iloc[:, 0].loc[times].to_numpy(dtype=np.float64))


def _followed(rows: Rows, start: float) -> Rows:
    """The rows under observation after `start` and before the risk set first empties, as though they had begun at time 0."""
    after = rows if start == 0 else rows.select(rows.time > start)
    if len(after) == 0:
        return after
    exits = np.unique(after.time)
    empty = exits[present(exits, after.time, after.entry, after.weight) == 0][0]
    kept = after.select(after.entry < empty)
    return Rows(kept.time, kept.event, np.where(kept.entry <= start, 0.0, kept.entry), kept.weight)
