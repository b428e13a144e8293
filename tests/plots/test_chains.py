"""Figures of the draws themselves, by arviz-plots in our frame: what they show is the fit's, and nothing of pyplot stays behind."""

from __future__ import annotations

import dataclasses

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from inspect_figure import faults, written
from small_study import fit

import bayes_rrmm as br
from bayes_rrmm import plots
from bayes_rrmm.diagnostics.leave_one_out import TOO_HIGH
from bayes_rrmm.errors import FitError
from bayes_rrmm.fitted import parameter_names
from bayes_rrmm.model_checks import parameters_table
from bayes_rrmm.plots.chains import worst
from bayes_rrmm.results import results_of


def changed(**groups: xr.Dataset) -> br.Fit:
    """The fit with other groups in its tree."""
    parts = {name: node.to_dataset() for name, node in fit().tree.children.items()}
    return dataclasses.replace(fit(), tree=xr.DataTree.from_dict({**parts, **groups}))


DRAWERS = (plots.trace, plots.chain_ranks, plots.energy, plots.loo_k)


@pytest.mark.parametrize("draw", DRAWERS, ids=lambda draw: draw.__name__)
def test_nothing_global_changes(draw) -> None:
    """Drawing leaves no figure open in pyplot, and every matplotlib setting as it was."""
    from matplotlib import pyplot

    before = dict(mpl.rcParams)
    figure = draw(fit())
    assert pyplot.get_fignums() == []
    assert dict(mpl.rcParams) == before
    assert faults(figure) == []


def test_the_worst_parameters_are_drawn() -> None:
    """Without a choice those with the fewest effective draws are shown, fewest first; a choice is kept in its order."""
    results = results_of(fit())
    table = parameters_table(fit()).sort_values("ess_bulk", kind="stable")
    assert worst(results) == table["parameter"].tolist()[:6]
    names = ["log_shape", "beta[group=few]"]
    assert worst(results, names) == names
    with pytest.raises(FitError, match="'log_shap' is no parameter of this fit; they are"):
        plots.trace(fit(), ["log_shap"])


def test_a_trace_is_the_draws() -> None:
    """Each line of a panel is one chain's draws, all of them where there are no more than 500."""
    name = "beta[group=few]"
    panel = plots.trace(fit(), [name]).axes[0]
    posterior = fit().tree["posterior"].to_dataset()
    variable, where = parameter_names(posterior)[name]
    draws = posterior[variable].sel(where).to_numpy()
    lines = [line for line in panel.get_lines() if len(line.get_xdata()) == draws.shape[1]]
    assert len(lines) == len(draws)
    for line, chain in zip(lines, draws, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), chain)


def test_divergences_are_counted() -> None:
    """The number of divergent draws is written on the trace and in its description."""
    statistics = fit().tree["sample_stats"].to_dataset().copy(deep=True)
    statistics["diverging"][1, :3] = True
    figure = plots.trace(changed(sample_stats=statistics))
    assert any("3 divergent draws" in text for text in written(figure))
    assert "3 divergent" in figure.get_label()


def test_chains_that_disagree_leave_the_envelope() -> None:
    """The distribution of ranks of a chain that lies elsewhere is far from uniform; of chains that agree it is not."""

    def furthest(of: br.Fit) -> float:
        panel = plots.chain_ranks(of, ["log_shape"]).axes[0]
        return max(float(np.abs(line.get_ydata()).max()) for line in panel.get_lines())

    posterior = fit().tree["posterior"].to_dataset().copy(deep=True)
    posterior["log_shape"][0] += 1.0
    assert furthest(fit()) < 0.1 < furthest(changed(posterior=posterior))


def test_energy_has_each_chain_s_fraction() -> None:
    """The points are each chain's E-BFMI, and the lowest is in the description."""
    fractions = array_stats.bfmi(fit().tree["sample_stats"]["energy"].to_numpy())
    figure = plots.energy(fit())
    (points, *_) = [line for line in figure.axes[1].get_lines() if line.get_marker() == "o"]
    np.testing.assert_allclose(points.get_ydata(), fractions)
    assert f"lowest E-BFMI {fractions.min():.2f}" in figure.get_label()


def test_pareto_k_is_that_of_leave_one_out() -> None:
    """The points are the k of every patient, in the order of k, so that no patient can be told; how many are too high is said."""
    k = np.sort(br.loo(fit()).pareto_k)
    figure = plots.loo_k(fit())
    offsets = np.vstack([collection.get_offsets() for collection in figure.axes[0].collections])
    np.testing.assert_allclose(np.sort(offsets[:, 1]), k)
    assert (np.diff(offsets[np.argsort(offsets[:, 0]), 1]) >= 0).all()
    assert any(f"{(k > TOO_HIGH).sum()} of {len(k)} above 0.7 (dashed); largest {k.max():.2f}" in text for text in written(figure))
    with pytest.raises(FitError, match="leave-one-out needs the analysed rows"):
        plots.loo_k(dataclasses.replace(fit(), cohort=None))


def test_an_infinite_pareto_k_is_drawn_at_the_top() -> None:
    """It is a triangle at the upper edge, counted in words and not on the axis, whose limits are of the finite ones."""
    results = results_of(fit())
    k = results.left_out.pareto_k.copy()
    k[[3, 5]] = np.inf, np.nan
    changed_k = results_of(dataclasses.replace(fit()))
    vars(changed_k)["left_out"] = dataclasses.replace(results.left_out, pareto_k=k)
    figure = plots.loo_k(changed_k)
    panel = figure.axes[0]
    (marks,) = [line for line in panel.get_lines() if line.get_marker() == "^"]
    assert marks.get_xydata().tolist() == [[len(k) - 2, panel.get_ylim()[1]]]
    known = k[np.isfinite(k)]
    assert panel.get_ylim()[1] == max(1.0, known.max() + 0.1)
    offsets = np.ma.vstack([collection.get_offsets() for collection in panel.collections])[:, 1].compressed()
    np.testing.assert_allclose(np.sort(offsets[np.isfinite(offsets)]), np.sort(known))
    assert any(f"largest finite {known.max():.2f}; 1 infinite; 1 not computed" in text for text in written(figure))
