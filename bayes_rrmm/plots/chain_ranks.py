"""Ranks of each chain's draws among all draws, by arviz-plots (Vehtari et al. 2021; Säilynoja et al. 2022)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats
from matplotlib.figure import Figure

from bayes_rrmm.diagnostics.rank_band import rank_band
from bayes_rrmm.plots.chains import adopted, draws_of, named, worst
from bayes_rrmm.plots.frame import frame_of
from bayes_rrmm.plots.style import GROUPS, QUIET, Column, house_style
from bayes_rrmm.results import Source, results_of
from bayes_rrmm.rounding import prob_words

ENVELOPE = 0.95
FEWEST, MOST_DRAWS = 50, 200
"""Draws of a chain that thinning leaves at least and at most: more make the steps finer and show nothing else."""


def chain_ranks(
    source: Source, parameters: Sequence[str] | None = None, *, column: Column = "double", title: str | None = None
) -> Figure:
    """How the ranks of each chain's draws among those of all chains are spread: the difference of their cumulative distribution
    from the uniform one, with a simultaneous 95 % envelope that chains of one distribution stay inside. Of `parameters` (names as
    in parameters.csv), or of the six with the fewest effective draws. The envelope is of independent draws, so chains are thinned,
    by their own autocorrelation and not by how far they differ from each other, which would hide it.

    Raises FitError for an unknown parameter.
    """
    import arviz_plots

    results = results_of(source)
    names = worst(results, parameters)
    frame = frame_of(results, column, title, "Ranks of draws by chain")
    every = _independent(draws_of(results, names)["posterior"].to_dataset())
    tree = draws_of(results, names, every)
    chains, draws = (tree["posterior"].sizes[of] for of in ("chain", "draw"))
    band = rank_band(chains, draws, ENVELOPE)
    with house_style():
        collection = arviz_plots.plot_rank(
            tree,
            backend="matplotlib",
            thin=False,
            method="envelope",
            stats={"ecdf_pit": {"n_simulations": 1}},  # slow, and of unrelated chains: ours is drawn below
            aes={"color": ["chain"]},
            color=[GROUPS[chain % len(GROUPS)] for chain in range(chains)],
            visuals={"ecdf_lines": {"linewidth": 0.8}, "xlabel": False, "credible_interval": False},
        )
        said = f"One draw in {every}. " if every > 1 else ""
        said += "Below: fractional rank among all draws; beside: distribution of a chain's ranks less the uniform one; shaded: "
        figure, panels = adopted(collection, frame, len(names), f"{said}{prob_words(ENVELOPE)} simultaneous envelope")
        for panel in panels:
            panel.fill_between(*band, color=QUIET, alpha=0.2, linewidth=0)
        named(panels, names, frame, 1)
        return frame.complete(
            figure,
            f"Distribution of the ranks of each of {chains} chains among all draws, less the uniform one, of {len(names)} "
            f"parameters ({', '.join(names)}), with a simultaneous {prob_words(ENVELOPE)} envelope.",
        )


def _independent(posterior: xr.Dataset) -> int:
    """Every so-manyth draw of a chain is about independent: draws over the smallest effective sample size of any chain alone."""
    draws = posterior.sizes["draw"]
    alone = [array_stats.ess(chain[None, :], method="mean") for values in posterior.values() for chain in values.to_numpy()]
    least = max(min((float(size) for size in alone if np.isfinite(size)), default=float(draws)), FEWEST)
    return max(1, math.ceil(draws / MOST_DRAWS), min(math.floor(draws / least), draws // FEWEST))
