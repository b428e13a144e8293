"""The band in which the ranks of chains of one distribution stay."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_rrmm.diagnostics.rank_band import SIMULATIONS, rank_band

PROB, SETS = 0.95, 2000
ERROR = np.sqrt(PROB * (1 - PROB) * (1 / SIMULATIONS + 1 / SETS))


@pytest.mark.parametrize(("chains", "draws"), [(2, 100), (4, 200), (8, 60)])
def test_it_holds_as_often_as_it_says(chains: int, draws: int) -> None:
    """Of sets of independent chains 95 % stay inside at every place, within three Monte Carlo errors of both simulations."""
    at, lower, upper = rank_band(chains, draws, PROB)
    order = np.random.default_rng([chains, draws]).permuted(np.tile(np.arange(chains * draws), (SETS, 1)), axis=1)
    ranks = np.sort(order.reshape(SETS, chains, draws), axis=2)
    inside = np.ones(SETS, dtype=bool)
    for place, low, high in zip(at, lower, upper, strict=True):
        share = np.mean(ranks < place * chains * draws, axis=2) - place
        inside &= ((share >= low - 1e-12) & (share <= high + 1e-12)).all(axis=1)
    assert abs(inside.mean() - PROB) < 3 * ERROR


def test_nothing_varies_at_the_ends_nor_for_one_chain() -> None:
    """All ranks lie between 0 and 1, and one chain has them all."""
    _, lower, upper = rank_band(4, 50, PROB)
    assert (lower[[0, -1]] == 0).all()
    assert (upper[[0, -1]] == 0).all()
    assert (np.abs(rank_band(1, 50, PROB)[1:]) < 1e-12).all()


def test_chains_that_take_turns_leave_it() -> None:
    """A chain that has the lower half of all draws is outside: at the middle it has all of its draws."""
    at, _, upper = rank_band(2, 100, PROB)
    assert upper[at == 0.5] < 0.5
