"""Is delayed entry independent of the time of the event? Conditional Kendall's tau of entry and exit.

Every analysis with delayed entry assumes it: those who enter late have, once entered, the hazard of those who came before.
Tsai (1990), Biometrika 77:169-177; Martin and Betensky (2005), JASA 100:484-492.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bayes_rrmm.frequentist.dominance import weight_dominating
from bayes_rrmm.frequentist.risk_sets import Integers
from bayes_rrmm.frequentist.rows import Floats, Rows, as_rows, at_risk


@dataclass(frozen=True)
class IndependentEntry:
    """Conditional Kendall's tau, and the test that it is 0.

    `tau` is the share of concordant pairs minus that of discordant ones (later entry with later exit is concordant), of the
    `pairs` that can be ordered and were under observation together; `z` is standard normal if entry is independent, `p` its
    two-sided p value. All count weights. Without such a pair, or where all entered at one time, tau or z and p are NaN.
    """

    tau: float
    z: float
    p: float
    pairs: float


def independent_entry(
    time: ArrayLike, event: ArrayLike, entry: ArrayLike, weight: ArrayLike | None = None
) -> IndependentEntry:
    """The test from N rows; arrays have shape (N,), entry 0 is from the start. Raises DataError when a column breaks a rule.

    At each event, if entry is independent, the one who fails is any one of those at risk: the sum over them of sign(their entry -
    its entry) has mean 0 and, by ranks, a known variance. Of d tied events these are d drawn from the risk set without replacement.
    """
    rows = as_rows(time, event, entry, weight)
    times, deaths = _deaths(rows)
    exposed = at_risk(times, rows.time, rows.entry, rows.weight)
    concordant = float(np.sum(_scores(rows)))
    pairs = float(np.sum(deaths * (exposed - deaths) + deaths * (deaths - 1) / 2))
    squares = (exposed**3 - _cubes_of_ties(rows, times)) / 3.0
    shared = exposed > 1
    drawn, among = deaths[shared], exposed[shared]
    variance = float(np.sum(drawn * (among - drawn) / (among - 1) * squares[shared] / among))
    z = concordant / math.sqrt(variance) if variance > 0 else math.nan
    p = 2.0 * float(special.ndtr(-abs(z))) if variance > 0 else math.nan
    return IndependentEntry(concordant / pairs if pairs > 0 else math.nan, z, p, pairs)


def _deaths(rows: Rows) -> tuple[Floats, Floats]:
    """The distinct event times and the deaths at each, both of shape (K,)."""
    died = rows.event > 0
    times, which = np.unique(rows.time[died], return_inverse=True)
    return times, np.bincount(which, weights=rows.weight[died], minlength=len(times))


def _scores(rows: Rows) -> Floats:
    """For each event, its weight times the weight at risk that entered later minus that which entered earlier."""
    died = rows.event > 0
    codes = np.unique(rows.entry, return_inverse=True)[1]
    own, ends = codes[died], rows.time[died]
    # Who entered no later than the one who fails is under observation when it fails, unless gone: only exits need comparing.
    earlier, no_later = (weight_dominating(codes, rows.time, rows.weight, own + step, ends) for step in (0, 1))
    later = at_risk(ends, rows.time, rows.entry, rows.weight) - no_later
    return np.asarray(rows.weight[died] * (later - earlier))


def _cubes_of_ties(rows: Rows, times: Floats) -> Floats:
    """At each of `times`, the sum over entry times of the cube of the weight at risk that entered then; shape (K,).

    Kept as a sum of changes: a group of entries grows at its entry and shrinks at each exit from it.
    """
    codes = np.unique(rows.entry, return_inverse=True)[1]
    enters = np.where(rows.entry > 0, rows.entry, -np.inf)
    group, when = np.concatenate([codes, codes]), np.concatenate([enters, rows.time])
    change = np.concatenate([rows.weight, -rows.weight])
    order = np.lexsort((when, group))
    group, when, size = group[order], when[order], np.cumsum(change[order])
    # Each group's changes sum to 0, so the running sum starts anew with each group.
    before = size - change[order]
    by_time: Integers = np.argsort(when, kind="stable")
    total = np.append(0.0, np.cumsum((size**3 - before**3)[by_time]))
    return np.asarray(total[np.searchsorted(when[by_time], times, side="left")])
