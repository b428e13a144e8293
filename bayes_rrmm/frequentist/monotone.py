"""Where a Cox likelihood has no finite maximum: the monotone directions, and what remains estimable along with them.

Along a direction v the partial likelihood rises for ever, or stays flat, exactly when at every event the one who fails has the
largest x'v of all at risk (Bryson and Johnson 1981; Jacobsen 1989). A level without events is the common case, the reference
level included. In the limit those whose x'v is smaller leave the risk set; what that likelihood determines is finite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize

from bayes_rrmm.errors import FitError
from bayes_rrmm.frequentist.partial_likelihood import breslow
from bayes_rrmm.frequentist.risk_sets import Integers, RiskSets
from bayes_rrmm.frequentist.rows import Floats

SMALLEST_GAP = 1e-6
"""A difference of x'v, columns in standard deviations and |v| <= 1, that counts: ten times the tolerance of the solver."""

MOST_ROUNDS = 200
MOST_CUTS = 500
FIRST_CUTS = 200


@dataclass(frozen=True)
class Limit:
    """The likelihood infinitely far along its monotone directions: `sets` those still at risk there.

    `basis`, shape (P, Q), is an orthonormal basis of the coefficients (of `design`) that it determines; Q = P when the
    likelihood has a finite maximum. `original` are the risk sets before the limit.
    """

    design: Floats
    original: RiskSets
    sets: RiskSets
    basis: Floats

    def determines(self, contrast: Floats) -> bool:
        """Whether contrast' beta has a finite estimate."""
        beyond = contrast - self.basis @ (self.basis.T @ contrast)
        return float(np.linalg.norm(beyond)) <= SMALLEST_GAP * float(np.linalg.norm(contrast))

    def direction(self, contrast: Floats) -> float:
        """The estimate of a contrast without a finite one: infinity, minus infinity, or NaN where the data say nothing."""
        unit = contrast / np.linalg.norm(contrast)
        up = unit @ furthest(unit, self.design, self.original) > 10 * SMALLEST_GAP
        down = unit @ furthest(-unit, self.design, self.original) < -10 * SMALLEST_GAP
        if up == down:
            return math.nan
        return math.inf if up else -math.inf


def limit(design: Floats, sets: RiskSets) -> Limit:
    """Follow the monotone directions of a standardised design, shape (N, P), until none is left."""
    left = sets
    while (direction := _monotone(design, left)) is not None:
        fewer = _undominated(design, left, direction)
        if len(fewer.row) == len(left.row) and np.array_equal(fewer.start, left.start) and np.array_equal(fewer.stop, left.stop):
            break
        left = fewer
    return Limit(design, sets, left, determined(design, left))


def furthest(objective: Floats, design: Floats, sets: RiskSets) -> Floats:
    """The v that maximises objective'v among the monotone directions with |v| <= 1 in every coordinate; 0 if there is none.

    A linear programme whose constraints, one for each pair of an event and a patient at risk at it, are added as they
    are found broken (Kelley 1960): events times patients of them would not fit in memory.
    """
    cuts = _mean_cuts(design, sets)
    for _ in range(MOST_ROUNDS):
        solution = optimize.linprog(-objective, A_ub=-cuts, b_ub=np.zeros(len(cuts)), bounds=(-1.0, 1.0), method="highs")
        if not solution.success:
            raise FitError(f"the search for monotone directions of the Cox likelihood failed: {solution.message}")
        broken = _broken(design, sets, solution.x)
        if len(broken) == 0:
            return np.asarray(solution.x)
        cuts = np.vstack([cuts, broken])
    raise FitError(f"the search for monotone directions of the Cox likelihood did not end in {MOST_ROUNDS} rounds.")


def _monotone(design: Floats, sets: RiskSets) -> Floats | None:
    """A direction along which the likelihood rises for ever, or None.

    Among the candidates the score at 0 is never negative, and it is 0 only where the likelihood is flat.
    """
    if sets.size == 0:
        return None
    _, score, _ = breslow(np.zeros(design.shape[1]), design[sets.row], sets)
    length = float(np.linalg.norm(score))
    if length < SMALLEST_GAP:
        return None
    direction = furthest(score / length, design, sets)
    # A true direction can be scaled to the edge of the box; one that lives on the solver's tolerance cannot.
    rises = score @ direction / length > SMALLEST_GAP and np.max(np.abs(direction)) > 0.5
    return direction if rises else None


def _mean_cuts(design: Floats, sets: RiskSets) -> Floats:
    """Constraints to begin with: who fails is not below the mean of those at risk, summed over some 200 stretches of events."""
    columns = design[sets.row]
    exposed = sets.sums(sets.weight)
    mean = np.column_stack([sets.sums(sets.weight * column) for column in columns.T]) / exposed[:, None]
    died = sets.event
    stretch = np.arange(sets.size) * FIRST_CUTS // max(sets.size, FIRST_CUTS)
    cuts = np.zeros((FIRST_CUTS, design.shape[1]))
    np.add.at(cuts, stretch[sets.stop[died] - 1], columns[died] - mean[sets.stop[died] - 1])
    return cuts[np.any(cuts != 0, axis=1)]


def _extremes(eta: Floats, sets: RiskSets) -> tuple[Integers, Integers]:
    """At each event time the spell at risk with the largest eta, and the spell that fails with the smallest. Shape (K,)."""
    highest = np.zeros(sets.size, dtype=np.int64)
    lowest = np.zeros(sets.size, dtype=np.int64)
    order = np.argsort(eta, kind="stable")
    for spell in order:
        highest[sets.start[spell] : sets.stop[spell]] = spell
    for spell in order[::-1]:
        if sets.event[spell]:
            lowest[sets.stop[spell] - 1] = spell
    return highest, lowest


def _broken(design: Floats, sets: RiskSets, direction: Floats) -> Floats:
    """The constraints that a direction breaks most, at most one an event time; shape (C, P)."""
    eta = design[sets.row] @ direction
    highest, lowest = _extremes(eta, sets)
    gap = eta[highest] - eta[lowest]
    worst = np.argsort(-gap, kind="stable")[:MOST_CUTS]
    worst = worst[gap[worst] > SMALLEST_GAP]
    return np.unique(design[sets.row[lowest[worst]]] - design[sets.row[highest[worst]]], axis=0)


def _undominated(design: Floats, sets: RiskSets, direction: Floats) -> RiskSets:
    """The risk sets in the limit along a direction: at each event only those whose x'v is as large as that of who fails."""
    eta = design[sets.row] @ direction
    _, lowest = _extremes(eta, sets)
    level = eta[lowest] - 10 * SMALLEST_GAP
    spells, starts, stops = [], [], []
    for spell, (start, stop) in enumerate(zip(sets.start, sets.stop, strict=True)):
        stays = np.concatenate([[False], eta[spell] >= level[start:stop], [False]])
        changes = np.flatnonzero(stays[1:] != stays[:-1]) + start
        spells += [spell] * (len(changes) // 2)
        starts += list(changes[::2])
        stops += list(changes[1::2])
    kept, stop_kept = np.array(spells, dtype=np.int64), np.array(stops, dtype=np.int64)
    return replace(
        sets,
        row=sets.row[kept],
        start=np.array(starts, dtype=np.int64),
        stop=stop_kept,
        event=sets.event[kept] & (stop_kept == sets.stop[kept]),
        weight=sets.weight[kept],
    )


def determined(design: Floats, sets: RiskSets) -> Floats:
    """An orthonormal basis, shape (P, Q), of the coefficients with information in these risk sets; the identity if all have."""
    size = design.shape[1]
    if sets.size == 0:
        return np.empty((size, 0))
    _, _, information = breslow(np.zeros(size), design[sets.row], sets)
    values, vectors = np.linalg.eigh(information)
    informed = values > 1e-9 * max(1.0, float(values[-1]))
    return np.eye(size) if np.all(informed) else vectors[:, informed]
