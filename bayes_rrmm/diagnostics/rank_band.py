"""Where the ranks of a chain lie among those of all chains, if all have one distribution (Säilynoja, Bürkner and Vehtari 2022)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

Floats = NDArray[np.float64]
SIMULATIONS, SEED = 1000, 20260729


def rank_band(chains: int, draws: int, prob: float) -> tuple[Floats, Floats, Floats]:
    """Places among all ranks, from 0 to 1, shape (draws + 1,), and the band there, less the uniform distribution: all chains of one
    distribution, of independent draws, stay inside at every place with probability `prob`.

    Of the ranks up to a place a chain has a hypergeometric number; the band has the pointwise probability at which `prob` of random
    orders of the draws stay inside, for all chains and places together. The simulation's seed is fixed.
    """
    below = chains * np.arange(draws + 1)  # so many ranks lie below each place
    number = np.arange(draws + 1)[:, None]
    up_to = hypergeom.cdf(number, chains * draws, draws, below)
    two_sided = np.minimum(1.0, 2.0 * np.minimum(up_to, hypergeom.sf(number - 1, chains * draws, draws, below)))
    owners = np.tile(np.repeat(np.arange(chains), draws), (SIMULATIONS, 1))
    owners = np.random.default_rng(SEED).permuted(owners, axis=1).reshape(SIMULATIONS, draws, chains)
    counts = [np.cumsum(np.sum(owners == chain, axis=2), axis=1) for chain in range(chains)]
    least = np.min([np.take_along_axis(two_sided[:, 1:], count, axis=0).min(axis=1) for count in counts], axis=0)
    level = np.quantile(least, 1.0 - prob, method="lower")
    inside = two_sided >= level
    lower, upper = inside.argmax(axis=0), draws - inside[::-1].argmax(axis=0)
    at = np.arange(draws + 1) / draws
    return at, lower / draws - at, upper / draws - at
