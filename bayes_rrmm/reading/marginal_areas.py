"""RMSTs to many horizons at once: the area under an averaged survival curve, added up from one horizon to the next."""

from __future__ import annotations

import itertools

import numpy as np

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.hazards import Baseline, NewMember
from bayes_rrmm.reading.marginal import marginal_survival

FIRST, REST, POWER = 16, 3, 4
"""Gauss-Legendre nodes of the first stretch, where t = end v^POWER since a Weibull's curve may start vertically, and of others."""


def marginal_areas(baseline: Baseline, upto: Floats, eta: Floats, weight: Floats, frailty: NewMember | None = None) -> Floats:
    """Averaged RMST from 0 to each of the increasing times `upto` > 0, shape (S, T), by quadrature that ends at the horizons and
    at the cuts of a piecewise baseline: within 1e-6 of `marginal_rmst` for some twenty horizons, at the price of one."""
    cuts = np.asarray(getattr(baseline, "cuts", np.empty(0)))
    ends = np.union1d(upto, cuts[cuts < upto[-1]])
    nodes, shares = _unit(FIRST)
    times, widths = [ends[0] * nodes**POWER], [ends[0] * POWER * nodes ** (POWER - 1) * shares]
    nodes, shares = _unit(REST)
    for low, high in itertools.pairwise(ends.tolist()):
        times.append(low + (high - low) * nodes)
        widths.append((high - low) * shares)
    survival = marginal_survival(baseline, np.concatenate(times), eta, weight, frailty) * np.concatenate(widths)
    starts = np.concatenate([[0], FIRST + REST * np.arange(len(ends) - 1)])
    areas = np.cumsum(np.add.reduceat(survival, starts, axis=1), axis=1)
    return np.asarray(areas[:, np.searchsorted(ends, upto)])


def _unit(count: int) -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return np.asarray(0.5 * (nodes + 1.0)), np.asarray(0.5 * weights)
