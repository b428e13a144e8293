"""Traces of the parameters that mixed worst, by arviz-plots."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from bayes_rrmm.plots.chains import DRAWN, adopted, draws_of, named, worst
from bayes_rrmm.plots.frame import frame_of
from bayes_rrmm.plots.style import GROUPS, Column, house_style
from bayes_rrmm.results import Source, results_of


def trace(
    source: Source, parameters: Sequence[str] | None = None, *, column: Column = "double", title: str | None = None
) -> Figure:
    """The draws of each chain in their order, of `parameters` (names as in parameters.csv), or of the six with the fewest effective
    draws: chains that mix look like the same noise. Divergent draws are ticked below. At most 500 draws of a chain are shown.

    Raises FitError for an unknown parameter.
    """
    import arviz_plots

    results = results_of(source)
    names = worst(results, parameters)
    frame = frame_of(results, column, title, "Traces")
    chains, draws = results.fit.shape
    every = math.ceil(draws / DRAWN)
    with house_style():
        colours = [GROUPS[chain % len(GROUPS)] for chain in range(chains)]
        collection = arviz_plots.plot_trace(
            draws_of(results, names, every),
            backend="matplotlib",
            aes={"color": ["chain"]},
            color=colours,
            visuals={"trace": {"linewidth": 0.35, "alpha": 0.8}, "xlabel": False},
        )
        divergent = int(results.fit.tree["sample_stats"]["diverging"].sum())
        thinned = f", one in {every} shown" if every > 1 else ""
        said = f"Below: number of the draw{thinned}; {chains} chains by colour; {divergent} divergent draws"
        figure, panels = adopted(collection, frame, len(names), said)
        named(panels, names, frame, draws)
        return frame.complete(
            figure,
            f"Traces of {len(names)} parameters ({', '.join(names)}), {chains} chains of {draws} draws; {divergent} divergent.",
        )
