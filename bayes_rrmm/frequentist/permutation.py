"""The log-rank test by permutation: what its statistic would have been had the same patients been grouped otherwise.

For groups too small for chi-squared. If the hazards are equal, and censoring and entry have one distribution in all groups, every
arrangement of the patients is as likely as the one seen (Neuhaus 1993, Annals of Statistics 21:1760-1779).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_rrmm.errors import DataError
from bayes_rrmm.frequentist.log_rank import groups_of, log_rank, quadratic_form, variance_factor
from bayes_rrmm.frequentist.risk_sets import Integers, RiskSets, risk_sets
from bayes_rrmm.frequentist.rows import Flags, Floats, Rows, as_rows

MOST_ARRANGEMENTS = 200_000
DRAWS = 10_000

MOST_PATIENTS = 100_000
"""Above it there is no permutation test: each arrangement orders every patient anew."""

ALIKE = 0.1
"""Censoring, or entry, is taken to be alike in the groups when a log-rank test of it has p above this."""

BLOCK = 2_000_000
"""Numbers held at once for each group: blocks of arrangements times patients or event times."""

ROUNDING = 1e-9
"""A statistic short of the observed one by less than this share of it equals it."""


@dataclass(frozen=True)
class PermutationTest:
    """The share of arrangements with a log-rank statistic at least as large as the observed one.

    `exact`: of all `arrangements`; `error` is 0 and `seed` None. `Monte Carlo`: `arrangements` were drawn from `seed` and p counts
    the observed one among them, so that it is never 0 (Phipson and Smyth 2010); `error` is its standard error. `valid` says
    whether no difference between the groups in censoring or entry was found, and `reason` what was found, p values included.
    Where no two groups were at risk at one event p and the statistic are NaN, after no arrangements.
    """

    p: float
    method: Literal["exact", "Monte Carlo"]
    arrangements: int
    error: float
    valid: bool
    reason: str
    statistic: float
    seed: int | None
    groups: tuple[str, ...]


def permutation_log_rank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    seed: int = 1,
    draws: int = DRAWS,
    most_arrangements: int = MOST_ARRANGEMENTS,
) -> PermutationTest:
    """Permutation p of the statistic of `log_rank` for two or more groups; arrays have shape (N,), a row of weight w is w rows.

    All arrangements are gone through where there are at most `most_arrangements`, else `draws` are drawn. The test is marked
    invalid, and still given, where a log-rank test between the groups has p <= 0.1 for the time of censoring, or for the
    time of entry: a rule that small groups pass easily, so a valid mark is no proof. Raises DataError when a column
    breaks a rule, and above `MOST_PATIENTS`.
    """
    given = as_rows(time, event, entry, weight)
    names, code = groups_of(group, len(given))
    if draws < 1:
        raise DataError(f"{draws} draws: a Monte Carlo p needs one or more.")
    patients = float(given.weight.sum())
    if patients > MOST_PATIENTS:
        raise DataError(
            f"{patients:,.0f} patients: a permutation test arranges each of them anew and is for small groups, up to "
            f"{MOST_PATIENTS:,} patients; take the log-rank test."
        )
    copies = np.repeat(np.arange(len(given)), given.weight.astype(np.int64))
    rows = Rows(given.time[copies], given.event[copies], given.entry[copies], np.ones(len(copies)))
    arranged = _Arranged(rows, risk_sets(rows), code[copies], len(names))
    statistic = log_rank(rows.time, rows.event, arranged.code, rows.entry).statistic
    if math.isnan(statistic):
        nothing = "no two groups were at risk at one event: there is nothing to compare"
        return PermutationTest(math.nan, "exact", 0, 0.0, False, nothing, statistic, None, names)
    valid, reason = _exchangeable(rows, arranged.code)
    sizes, block = np.bincount(arranged.code), max(1, BLOCK // len(rows))
    total = _multinomial(sizes)
    if total <= most_arrangements:
        p = arranged.as_large(statistic, _all(sizes, block)) / total
        return PermutationTest(p, "exact", total, 0.0, valid, reason, statistic, None, names)
    p = (arranged.as_large(statistic, _drawn(arranged.code, draws, block, seed)) + 1) / (draws + 1)
    error = math.sqrt(p * (1.0 - p) / draws)
    return PermutationTest(p, "Monte Carlo", draws, error, valid, reason, statistic, seed, names)


def _exchangeable(rows: Rows, code: Integers) -> tuple[bool, str]:
    """Whether censoring and entry look alike in the groups, and the p values that say so."""
    tests = {"censoring": log_rank(rows.time, 1.0 - rows.event, code, rows.entry)}
    if rows.delayed:
        tests["entry"] = log_rank(rows.entry, np.ones(len(rows)), code)
    found = {what: test.p for what, test in tests.items() if not math.isnan(test.p)}
    differ = [f"{what} differs between the groups (log-rank p = {p:.2g})" for what, p in found.items() if p <= ALIKE]
    alike = [f"no difference in {what} was found (log-rank p = {p:.2g})" for what, p in found.items() if p > ALIKE]
    if differ:
        return False, f"{' and '.join(differ)}: the patients are not exchangeable"
    return True, " and ".join(alike) or "nobody was censored while two groups were at risk"


@dataclass(frozen=True)
class _Arranged:
    """Patients, one a row, their risk sets, the number of each one's group, (N,), and how many groups there are."""

    rows: Rows
    sets: RiskSets
    code: Integers
    groups: int

    def as_large(self, statistic: float, blocks: Iterator[Integers]) -> int:
        """How many arrangements have a statistic at least as large."""
        least = statistic * (1.0 - ROUNDING)
        return sum(int(np.count_nonzero(self.statistics(labels) >= least)) for labels in blocks)

    def statistics(self, labels: Integers) -> Floats:
        """The statistic of `log_rank` for each of B arrangements, (B,); `labels` is (B, N)."""
        sets, factor = self.sets, variance_factor(self.rows, self.sets)
        total, died = sets.sums(sets.weight), self.rows.event > 0
        excess = np.empty((len(labels), self.groups - 1))
        share = np.empty((len(labels), self.groups - 1, sets.size))
        for g in range(self.groups - 1):
            here = labels == g
            share[:, g] = _exposed(here[:, sets.row], sets) / total
            excess[:, g] = np.count_nonzero(here[:, died], axis=1) - share[:, g] @ sets.deaths
        variance = -(share * factor) @ share.transpose(0, 2, 1)
        variance[:, np.arange(self.groups - 1), np.arange(self.groups - 1)] += share @ factor
        return quadratic_form(excess, variance)[0]


def _exposed(here: Flags, sets: RiskSets) -> NDArray[np.int32]:
    """How many of the marked spells, (B, M), are at risk at each event time, (B, K)."""
    numbers = np.arange(sets.size)

    def above(keys: Integers) -> NDArray[np.int32]:
        order = np.argsort(-keys, kind="stable")
        running = np.zeros((len(here), len(order) + 1), dtype=np.int32)
        np.cumsum(here[:, order], axis=1, out=running[:, 1:])
        return np.asarray(running[:, np.searchsorted(-keys[order], -numbers, side="left")])

    return above(sets.stop) - above(sets.start) if np.any(sets.start > 0) else above(sets.stop)


def _multinomial(sizes: Integers) -> int:
    """In how many ways patients fall into groups of these sizes."""
    ways, left = 1, int(np.sum(sizes))
    for size in sizes:
        ways *= math.comb(left, int(size))
        left -= int(size)
    return ways


def _drawn(code: Integers, draws: int, block: int, seed: int) -> Iterator[Integers]:
    """Random arrangements of the labels, (B, N) at a time."""
    rng = np.random.default_rng(seed)
    for first in range(0, draws, block):
        yield rng.permuted(np.tile(code, (min(block, draws - first), 1)), axis=1)


def _all(sizes: Integers, block: int) -> Iterator[Integers]:
    """Every arrangement once, (B, N) at a time: the patients of all groups but the largest are picked, the rest are its own."""
    largest = int(np.argmax(sizes))
    others = [g for g in range(len(sizes)) if g != largest]
    picked_as = np.repeat(others, sizes[others])
    patients = tuple(range(int(np.sum(sizes))))
    for picks in itertools.batched(_picks(patients, [int(sizes[g]) for g in others]), block):
        labels = np.full((len(picks), len(patients)), largest)
        labels[np.arange(len(picks))[:, None], np.array(picks, dtype=np.int64)] = picked_as
        yield labels


def _picks(left: tuple[int, ...], sizes: list[int]) -> Iterator[tuple[int, ...]]:
    """Every way to pick the members of one group after the other from the patients left."""
    if not sizes:
        yield ()
        return
    for chosen in itertools.combinations(left, sizes[0]):
        rest = tuple(patient for patient in left if patient not in chosen) if len(sizes) > 1 else ()
        for later in _picks(rest, sizes[1:]):
            yield chosen + later
