"""The survival of a population among those who are free of the event at its start, and everything read off it.

G(t) = sum_k w_k S_k(t) / S_k(s_k): w_k is the weight of pattern k among those at the start, so that whoever is still there counts
once, and nobody is weighted again by having survived to it. For s after the start S(t | s) = G(t) / G(s), which is not the mean of
S_k(t) / S_k(s). Of a cohort followed from time 0, s_k = 0 and G is the mean of S_k. Medians and RMSTs come from the averaged curve,
never from averaging medians, and run from the start. Source: STATISTICS, section 3.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.hazards import Baseline, NewMember

BLOCK = 4_000_000
"""Numbers held at once while averaging; draws are taken in blocks of this many over times and patterns."""

TOLERANCE = 1e-12
STEPS = 200

NODES, POWER = 32, 4
"""Gauss-Legendre nodes of an RMST without closed form, in each interval; the first is stretched, t = end v^POWER, since a Weibull's
curve may start vertically."""

FIRST, REST = 16, 3
"""The same for RMSTs to many horizons at once: nodes of the first stretch, and of others."""

STEP = 1e-4
"""Half the step in log H of the central difference that gives a population hazard's slope; it errs by 1e-7 of it at most."""


@dataclass(frozen=True)
class AveragedCurve:
    """G(t) of S draws. `eta`, (S, K), are the log relative hazards of K patterns and `weight`, (K,) or (S, K), their shares of
    those at the start, which add up to 1.

    `start` is a time of all, or (K,), of each pattern. Time counts from the origin, or with `own_clock` from each pattern's start.
    With a frailty S_k is that of a member of a new cluster, averaged over it: over its distribution at the origin, or with
    `frailty_anew` over that among those at the start. Times are in the unit of the draws.
    """

    baseline: Baseline
    eta: Floats
    weight: Floats
    frailty: NewMember | None = None
    start: float | Floats = 0.0
    own_clock: bool = False
    frailty_anew: bool = False

    def survival(self, times: Floats) -> Floats:
        """G at each time, shape (S, T)."""
        return self._by_block(len(times), lambda part: _mean(np.exp(-self._since(self._clock(times), part)), self._share(part)))

    def conditional(self, times: Floats, given: float) -> Floats:
        """G(t) / G(given), shape (S, T), also where both are too small for a floating-point number."""

        def ratio(part: slice) -> Floats:
            share, before = self._share(part), self._since(self._clock(np.array([given])), part)
            least = before.min(axis=2, keepdims=True)
            after = self._since(self._clock(times), part)
            return np.asarray(_mean(np.exp(least - after), share) / _mean(np.exp(least - before), share))

        return self._by_block(len(times), ratio)

    def rmst(self, upto: Floats) -> Floats:
        """The integral of G from the start to each time, shape (S, T): the mean of the patterns' own, since integration is linear.

        With a frailty it is that of the averaged curve, by quadrature exact to 1e-6 of it.
        """
        if self.frailty is None:
            end, since = self._clock(upto), self._starts if self._is_late else 0.0

            def means(part: slice) -> Floats:
                each = self.baseline.take(part).restricted_mean(end, self.eta[part][:, None, :], since)
                return _mean(each, self._share(part))

            return self._by_block(len(upto), means)
        columns = []
        for end in upto.tolist():
            times, share = _quadrature(self._from, end, self._cuts)
            columns.append(self.survival(times) @ share)
        return np.stack(columns, axis=1)

    def areas(self, upto: Floats) -> Floats:
        """`rmst` to each of many increasing times, shape (S, T), by quadrature that ends at the horizons and at the cuts of a
        piecewise baseline: within 1e-6 of it for some twenty horizons, at the price of one."""
        start, cuts = self._from, self._cuts
        ends = np.union1d(upto, cuts[(cuts > start) & (cuts < upto[-1])])
        nodes, shares = _unit(FIRST)
        width = ends[0] - start
        times, widths = [start + width * nodes**POWER], [width * POWER * nodes ** (POWER - 1) * shares]
        nodes, shares = _unit(REST)
        for low, high in itertools.pairwise(ends.tolist()):
            times.append(low + (high - low) * nodes)
            widths.append((high - low) * shares)
        survival = self.survival(np.concatenate(times)) * np.concatenate(widths)
        starts = np.concatenate([[0], FIRST + REST * np.arange(len(ends) - 1)])
        areas = np.cumsum(np.add.reduceat(survival, starts, axis=1), axis=1)
        return np.asarray(areas[:, np.searchsorted(ends, upto)])

    def quantile(self, probability: float) -> Floats:
        """The time at which G falls to `probability`, shape (S,); on the pattern's own clock where there is one.

        It lies between the smallest and the largest quantile of the patterns; found there on log time, along which log(-log G) is
        nearly a line.
        """
        return self._by_block(1, lambda part: self._quantile(probability, part))

    def hazard(self, times: Floats) -> Floats:
        """The hazard of those still free of the event, minus the derivative of log G, at each time after the start, shape (S, T).

        It is sum_k w_k G_k h_k / sum_k w_k G_k, G_k = S_k(t) / S_k(s_k): with a frailty h_k is that of a member of a new cluster,
        so that the ratio of two such hazards changes with time although those of two rows of one pattern are proportional. At a
        cut of a piecewise baseline it is that of the earlier interval. Where everybody's S is too small for a floating-point
        number it is still exact: only the differences of cumulative hazards count.
        """
        return self._by_block(len(times), lambda part: self._hazard(self._clock(times), part))

    @property
    def _is_late(self) -> bool:
        return bool(np.any(np.asarray(self.start) > 0.0))

    @property
    def _starts(self) -> Floats:
        """Of each pattern, or of all, shape (1, 1, K) or (1, 1, 1)."""
        return np.asarray(self.start, dtype=np.float64).reshape(1, 1, -1)

    @property
    def _from(self) -> float:
        """Where the curve starts, on its clock."""
        return 0.0 if self.own_clock else float(self._starts.max())

    @property
    def _cuts(self) -> Floats:
        """Where a piecewise baseline has its corners; on the patterns' own clocks nowhere in common."""
        cuts = np.asarray(getattr(self.baseline, "cuts", np.empty(0)))
        return np.empty(0) if self.own_clock else cuts

    def _clock(self, times: Floats) -> Floats:
        """The times from the origin, shape (1, T, 1) or (1, T, K)."""
        since = np.asarray(times, dtype=np.float64).reshape(1, -1, 1)
        return since + self._starts if self.own_clock else since

    def _share(self, part: slice) -> Floats:
        return self.weight if self.weight.ndim == 1 else self.weight[part]

    def _since(self, at: Floats, part: slice) -> Floats:
        """Cumulative hazard of each pattern from its start to the times from the origin `at`, (1 or s, T, 1 or K), its frailty
        averaged over; shape (s, T, K)."""
        baseline, relative = self.baseline.take(part), np.exp(self.eta[part])[:, None, :]
        hazard = baseline.cumulative_hazard(at) * relative
        frailty = None if self.frailty is None else self.frailty.take(part)
        if not self._is_late:
            return hazard if frailty is None else frailty.population_hazard(hazard)
        before = baseline.cumulative_hazard(self._starts) * relative
        if frailty is None:
            return np.asarray(hazard - before)
        if self.frailty_anew:
            return frailty.population_hazard(np.maximum(hazard - before, 0.0))
        return np.asarray(frailty.population_hazard(hazard) - frailty.population_hazard(before))

    def _hazard(self, at: Floats, part: slice) -> Floats:
        baseline, relative = self.baseline.take(part), np.exp(self.eta[part])[:, None, :]
        since = self._since(at, part)
        left = np.exp(since.min(axis=2, keepdims=True) - since)
        left *= self.weight if self.weight.ndim == 1 else self.weight[part][:, None, :]
        everyone = left.sum(axis=2)
        left *= relative if self.frailty is None else relative * self._thinned(baseline, at, relative, part)
        if self.own_clock:
            return np.asarray(np.sum(np.exp(baseline.log_hazard(at)) * left, axis=2) / everyone)
        return np.asarray(np.exp(baseline.log_hazard(at[:, :, 0])) * left.sum(axis=2) / everyone)

    def _thinned(self, baseline: Baseline, at: Floats, relative: Floats, part: slice) -> Floats:
        """G'(H) of the frailty, its mean among those still free of the event: G / H times the slope of log G in log H."""
        assert self.frailty is not None
        frailty, hazard = self.frailty.take(part), baseline.cumulative_hazard(at) * relative
        if self._is_late and self.frailty_anew:
            hazard = hazard - baseline.cumulative_hazard(self._starts) * relative
        value = frailty.population_hazard(hazard)
        above, below = (frailty.population_hazard(hazard * np.exp(sign * STEP)) for sign in (1.0, -1.0))
        return np.asarray(value / hazard * (np.log(above) - np.log(below)) / (2.0 * STEP))

    def _quantile(self, probability: float, part: slice) -> Floats:
        baseline = self.baseline.take(part)
        offset = self._starts[0, 0] if self.own_clock else 0.0
        each = baseline.inverse_cumulative_hazard(self._needed(-np.log(probability), part) * np.exp(-self.eta[part])) - offset
        if self.eta.shape[1] == 1:
            return np.asarray(each[:, 0])
        share, wanted = self._share(part), np.log(-np.log(probability))

        def height(log_time: Floats) -> Floats:
            at = np.exp(log_time)[:, None, None] + (self._starts if self.own_clock else 0.0)
            with np.errstate(divide="ignore"):  # G is 1 to rounding, or 0
                return np.asarray(np.log(-np.log(_mean(np.exp(-self._since(at, part)), share)[:, 0])) - wanted)

        return np.exp(_root(height, np.log(each.min(axis=1)), np.log(each.max(axis=1))))

    def _needed(self, value: float, part: slice) -> Floats:
        """The cumulative hazard from the origin, without frailty, at which each pattern's since its start is `value`: (s, K), or
        (s, 1) where it is the same for all."""
        frailty = None if self.frailty is None else self.frailty.take(part)
        if not self._is_late:
            return np.full((1, 1), value) if frailty is None else frailty.inverse(value)[:, None]
        before = (self.baseline.take(part).cumulative_hazard(self._starts) * np.exp(self.eta[part])[:, None, :])[:, 0]
        if frailty is None:
            return np.asarray(before + value)
        if self.frailty_anew:
            return np.asarray(before + frailty.inverse(value)[:, None])
        return frailty.inverse(frailty.population_hazard(before) + value)

    def _by_block(self, times: int, read: Callable[[slice], Floats]) -> Floats:
        return np.concatenate([read(part) for part in _parts(len(self.eta), times * self.eta.shape[1])], axis=0)


def _root(height: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Where an increasing function crosses 0 between `low` and `high`, elementwise: regula falsi with the Illinois rule (Dahlquist
    and Bjorck 1974), and the middle where the function is infinite at an end."""
    below, above = height(low), height(high)
    found, side = low, np.zeros(low.shape)
    for _ in range(STEPS):
        line = np.isfinite(below) & np.isfinite(above) & (above > below)
        with np.errstate(invalid="ignore", divide="ignore"):
            step = np.where(line, low - below * (high - low) / (above - below), 0.5 * (low + high))
        found = np.clip(step, low, high)
        value = height(found)
        if np.all((np.abs(value) < TOLERANCE) | (high - low < TOLERANCE)):
            break
        under = value < 0.0
        # An end that stays a second time counts half, so that the other end moves too.
        below = np.where(under, value, np.where(side > 0, 0.5 * below, below))
        above = np.where(under, np.where(side < 0, 0.5 * above, above), value)
        low, high, side = np.where(under, found, low), np.where(under, high, found), np.where(under, -1.0, 1.0)
    return found


def _parts(draws: int, each: int) -> Iterator[slice]:
    step = max(1, BLOCK // max(1, each))
    return (slice(start, start + step) for start in range(0, draws, step))


def _unit(count: int) -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return np.asarray(0.5 * (nodes + 1.0)), np.asarray(0.5 * weights)


def _quadrature(start: float, upto: float, cuts: Floats) -> tuple[Floats, Floats]:
    """Times from `start` to `upto` and their weights in an integral over curves that are smooth between the cuts."""
    nodes, weights = _unit(NODES)
    ends = np.array([start, *cuts[(cuts > start) & (cuts < upto)], upto])
    width = ends[1] - start
    times = [start + width * nodes**POWER, *(low + (high - low) * nodes for low, high in itertools.pairwise(ends[1:]))]
    shares = [width * POWER * nodes ** (POWER - 1) * weights, *(width * weights for width in np.diff(ends[1:]))]
    return np.concatenate(times), np.concatenate(shares)


def _mean(values: Floats, weight: Floats) -> Floats:
    """Weighted mean over the last axis; values (S, ..., K), weights (K,) or (S, K)."""
    return np.asarray(values @ weight if weight.ndim == 1 else np.einsum("s...k,sk->s...", values, weight))
