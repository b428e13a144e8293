"""Energy of the sampler and its change from draw to draw, by arviz-plots (Betancourt 2016)."""

from __future__ import annotations

import numpy as np
from arviz_stats.base import array_stats
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from bayes_rrmm.diagnostics.checks import E_BFMI
from bayes_rrmm.plots.chains import adopted_alone
from bayes_rrmm.plots.frame import frame_of, place
from bayes_rrmm.plots.style import GROUPS, Column, house_style
from bayes_rrmm.results import Source, results_of

LEFT, HEIGHT = 0.45, 1.5


def energy(source: Source, *, column: Column = "double", title: str | None = None) -> Figure:
    """The distribution of the sampler's energy less its mean, and of its change from one draw to the next: where the second is much
    narrower, the sampler explores the tails slowly. Beside it the Bayesian fraction of missing information of each chain, E-BFMI,
    with its limit of 0.3.
    """
    import arviz_plots

    results = results_of(source)
    frame = frame_of(results, column, title, "Energy of the sampler")
    fractions = np.atleast_1d(array_stats.bfmi(results.fit.tree["sample_stats"]["energy"].to_numpy()))
    with house_style():
        collection = arviz_plots.plot_energy(
            results.fit.tree,
            backend="matplotlib",
            show_bfmi=False,
            color=[GROUPS[0], GROUPS[3]],
            visuals={"legend": False, "title": False},
        )
        share = (frame.width - LEFT) * 0.6
        figure, panel = adopted_alone(collection, frame, LEFT, share, HEIGHT, 0.86)
        panel.set_yticks([])
        low, high = panel.get_xlim()
        panel.set_xticks([tick for tick in MaxNLocator(nbins=5).tick_values(low, high) if low <= tick <= high])
        panel.set_xlabel("Energy, less its mean")
        panel.set_ylabel("Density")
        beside = place(figure, LEFT + share + 0.5, frame.head + 0.1, frame.width - LEFT - share - 0.6, HEIGHT)
        beside.plot(np.arange(1, len(fractions) + 1), fractions, linestyle="none", marker="o", markersize=4, color=GROUPS[0])
        beside.axhline(E_BFMI, color=GROUPS[3], linewidth=0.8, linestyle="--")
        beside.set_xticks(np.arange(1, len(fractions) + 1))
        beside.set_yticks([0, 0.3, 0.6, 0.9, 1.2])
        beside.set_xlim(0.5, len(fractions) + 0.5)
        beside.set_ylim(0, max(1.25, 1.1 * float(fractions.max())))
        beside.set_xlabel("Chain")
        beside.set_ylabel("E-BFMI")
        handles = [
            Line2D([], [], color=GROUPS[0], linewidth=1.3, label="energy"),
            Line2D([], [], color=GROUPS[3], linewidth=1.3, label="change from draw to draw"),
            Line2D([], [], color=GROUPS[3], linewidth=0.8, linestyle="--", label=f"E-BFMI must exceed {E_BFMI:g}"),
        ]
        figure.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(0.0, 0.14 / figure.get_figheight()),
            ncols=2 if column == "single" else 3, frameon=False, fontsize=6.5,
        )  # fmt: skip
        lowest = float(fractions.min())
        return frame.complete(
            figure,
            f"Distribution of the sampler's energy and of its change from draw to draw; lowest E-BFMI {lowest:.2f}, "
            f"limit {E_BFMI:g}.",
        )
