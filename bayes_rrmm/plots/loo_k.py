"""Pareto k of leave-one-out: how far each unit's own posterior differs from that of all, by arviz-plots (Vehtari et al. 2024)."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from bayes_rrmm.cohort.record import Floats
from bayes_rrmm.diagnostics.leave_one_out import TOO_HIGH
from bayes_rrmm.plots.chains import adopted_alone
from bayes_rrmm.plots.frame import MARGIN, frame_of, write
from bayes_rrmm.plots.style import GROUPS, QUIET, Column, house_style
from bayes_rrmm.results import Source, results_of

LEFT, HEIGHT = 0.58, 1.6


def loo_k(source: Source, *, column: Column = "double", title: str | None = None) -> Figure:
    """The Pareto k of each patient left out, the lowest first: above 0.7 the reweighting behind leave-one-out cannot be trusted for
    that patient, who would have to be left out by refit.

    Patients are in the order of k, so none can be told by position. Raises FitError where rows are needed that the fit was saved
    without.
    """
    import arviz_plots

    results = results_of(source)
    results.rows_for("leave-one-out")
    found = results.left_out
    k = np.sort(found.pareto_k)
    known = k[np.isfinite(k)]
    lowest, highest = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    frame = frame_of(results, column, title, "Pareto k of leave-one-out")
    with house_style():
        data = SimpleNamespace(
            pareto_k=xr.DataArray(np.where(np.isfinite(k), k, np.nan), dims="unit", coords={"unit": np.arange(len(k))}),
            good_k=TOO_HIGH,
        )
        collection = arviz_plots.plot_khat(
            data,
            backend="matplotlib",
            color=GROUPS[0],
            visuals={"khat": {"s": 9}, "xlabel": False, "ylabel": False, "ticks": False},
        )
        figure, panel = adopted_alone(collection, frame, LEFT, frame.width - LEFT - 0.15, HEIGHT, 0.72)
        panel.axhline(TOO_HIGH, color=GROUPS[3], linewidth=0.8, linestyle="--")
        panel.set_ylim(min(-0.1, lowest - 0.05), max(1.0, highest + 0.1))
        panel.set_yticks([tick for tick in np.arange(-1.0, 3.0, 0.25) if panel.get_ylim()[0] <= tick <= panel.get_ylim()[1]])
        panel.set_xlim(-0.02 * len(k), 1.02 * len(k))
        panel.set_xticks([0, len(k)])
        (infinite,) = np.nonzero(np.isposinf(k))
        top = np.full(len(infinite), panel.get_ylim()[1])
        panel.plot(infinite, top, linestyle="none", marker="^", markersize=4, color=GROUPS[3], clip_on=False)
        panel.set_xlabel("Patients, by k")
        panel.set_ylabel("Pareto k", labelpad=2)
        said = f"{found.n_high_k} of {found.count.sum():g} above {TOO_HIGH:g} (dashed); {_largest(found.pareto_k)}"
        write(figure, MARGIN, figure.get_figheight() - 0.2, said, size=6.5, color=QUIET, va="bottom")
        return frame.complete(figure, f"Pareto k of every patient left out, in order: {said.replace(' (dashed)', '')}.")


def _largest(k: Floats) -> str:
    """The largest finite k, and how many are infinite or could not be computed."""
    known = k[np.isfinite(k)]
    finite = "finite " if len(known) < len(k) else ""
    said = [f"largest {finite}{known.max():.2f}"] if len(known) else []
    said += [f"{count} {what}" for count, what in ((np.isinf(k).sum(), "infinite"), (np.isnan(k).sum(), "not computed")) if count]
    return "; ".join(said)
