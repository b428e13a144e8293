"""Prior against posterior: the same quantity read from both sets of draws, and by how much the data narrowed it."""

from __future__ import annotations

import dataclasses

import figure_fits
import numpy as np
import pytest
import xarray as xr
from inspect_figure import faults, written

from bayes_rrmm.errors import FitError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plots.prior_posterior import prior_posterior
from bayes_rrmm.plots.style import POSTERIOR, PRIOR
from bayes_rrmm.rounding import figure_of

TIMES = np.log(2.0)


def three(draws: np.ndarray, unit: str = "ratio") -> str:
    return "{1} [{0}, {2}]".format(*(figure_of(value, unit) for value in np.quantile(draws, [0.025, 0.5, 0.975])))


def flat(fit: Fit, group: str, name: str) -> np.ndarray:
    values = fit.tree[group][name].to_numpy()
    return values.reshape(-1, *values.shape[2:])


@pytest.mark.parametrize("column", ["single", "double"])
def test_both_sets_of_draws_are_read_alike(column: str) -> None:
    """Prior and posterior of a hazard ratio are exp(beta) of the draws, with the ratio of the sds of beta."""
    fit = figure_fits.grouped()
    said = written(prior_posterior(fit, "group", column=column))
    names = fit.tree["posterior"]["column"].to_numpy().tolist()
    place = names.index("group=second")
    prior, posterior = (flat(fit, group, "beta")[:, place] for group in ("prior", "posterior"))
    assert three(np.exp(posterior)) in said
    assert f"prior {three(np.exp(prior))}" in said
    assert f"sd {figure_of(posterior.std(ddof=1) / prior.std(ddof=1), 'ratio')} of the prior's" in said


def test_the_baseline_median_is_that_of_the_average_patient() -> None:
    """Weibull: (log 2 / exp(log_rate)) ^ (1 / shape), of prior and posterior, in months with one decimal; alone without terms."""
    fit = figure_fits.bare()
    figure = prior_posterior(fit)
    said = written(figure)
    assert len(figure.axes) == 1
    shares = []
    for group, before in (("posterior", ""), ("prior", "prior ")):
        rate, shape = flat(fit, group, "log_rate"), np.exp(flat(fit, group, "log_shape"))
        median = (TIMES / np.exp(rate)) ** (1 / shape)
        assert f"{before}{three(median, 'months')}" in said
        shares.append(np.log(median).std(ddof=1))
    assert f"sd {figure_of(shares[0] / shares[1], 'ratio')} of the prior's" in said
    assert "Baseline median (months, log scale)" in said


def test_a_posterior_that_is_the_prior_is_not_narrowed() -> None:
    """Where the posterior holds the prior's own draws both curves coincide and the share is 1."""
    fit = figure_fits.bare()
    groups = {name: fit.tree[name].to_dataset() for name in fit.tree.children}
    same = dataclasses.replace(fit, tree=xr.DataTree.from_dict({**groups, "posterior": groups["prior"]}))
    figure = prior_posterior(same)
    assert "sd 1.00 of the prior's" in written(figure)
    curves = {line.get_color(): line for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 50}
    np.testing.assert_array_equal(curves[PRIOR].get_ydata(), curves[POSTERIOR].get_ydata())


def test_prior_and_posterior_differ_in_colour_and_in_line() -> None:
    """The prior is dashed, the posterior solid."""
    figure = prior_posterior(figure_fits.bare())
    styles = {line.get_color(): line.get_linestyle() for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 50}
    assert styles == {POSTERIOR: "-", PRIOR: "--"}


@pytest.mark.parametrize("column", ["single", "double"])
@pytest.mark.parametrize("kind", ["grouped", "crossed", "pooled", "bare"])
def test_nothing_is_cut_off_or_covered(column: str, kind: str) -> None:
    """Long names, subgroups, pooled levels under a frailty and no terms at all fit both widths, without the rows."""
    fit = dataclasses.replace(getattr(figure_fits, kind)(), cohort=None)
    assert faults(prior_posterior(fit, column=column)) == []


def test_a_fit_without_prior_draws_is_refused_and_a_failed_one_marked() -> None:
    """What is missing is named; a failed gate leaves its mark."""
    fit = figure_fits.bare()
    without = xr.DataTree.from_dict({"posterior": fit.tree["posterior"].to_dataset()})
    with pytest.raises(FitError, match="holds no draws of its prior"):
        prior_posterior(dataclasses.replace(fit, tree=without))
    judged = dataclasses.replace(fit, provenance={"gate": {"passed": False, "failed": ["r_hat of log_shape"]}})
    assert any("DIAGNOSTICS FAILED" in text for text in written(prior_posterior(judged)))
