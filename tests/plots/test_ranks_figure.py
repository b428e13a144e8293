"""Ranks: probabilities of each rank as the draws have them, SUCRA and medians as the table has them."""

from __future__ import annotations

import dataclasses

import figure_fits
import numpy as np
import pytest
from inspect_figure import faults, written
from matplotlib.figure import Figure

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.plots.ranks import ranks
from bayes_rrmm.results import Results, results_of
from bayes_rrmm.rounding import figure_of


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(figure_fits.grouped())


@pytest.fixture(scope="module")
def figure(results: Results) -> Figure:
    return ranks(results)


def by_hand(results: Results) -> dict[str, np.ndarray]:
    """P(rank r) of each level from the coefficients, the reference's being 0."""
    fit = results.fit
    names = [column.name for column in fit.plan.encoding.columns]
    levels = fit.plan.encoding.group("group").levels
    effects = np.column_stack(
        [np.zeros(len(fit.draws["beta"]))] + [fit.draws["beta"][:, names.index(f"group={x}")] for x in levels[1:]]
    )
    place = (effects[:, :, None] > effects[:, None, :]).sum(axis=2)
    return {level: np.array([(place[:, i] == rank).mean() for rank in range(len(levels))]) for i, level in enumerate(levels)}


def test_cells_are_the_probabilities_of_ranks(figure: Figure, results: Results) -> None:
    """Each cell is painted and written with the share of draws in which the level has that rank; rows and columns sum to 1."""
    table = np.asarray(figure.axes[0].images[0].get_array())
    order = list(sucras(results))
    np.testing.assert_allclose(table, [by_hand(results)[level] for level in order])
    np.testing.assert_allclose([table.sum(axis=0), table.sum(axis=1)], 1.0)
    cells = [text.get_text() for text in figure.axes[0].texts]
    assert cells == [figure_of(p, "probability") for p in table.ravel()]


def sucras(results: Results) -> dict[str, float]:
    """SUCRA of estimates.csv, the best first."""
    table = results.estimates.query("estimand == 'sucra'").sort_values("mean", ascending=False)
    return dict(zip(table["group"], table["mean"], strict=True))


def test_sucra_and_median_rank_are_those_of_the_table(figure: Figure, results: Results) -> None:
    """The best group stands on top; SUCRA and median rank are written as estimates.csv rounds."""
    levels = list(sucras(results))
    heights = {text.get_text(): text.get_position()[1] for text in figure.texts if text.get_text() in levels}
    assert sorted(heights, key=lambda level: -heights[level]) == levels
    medians = results.estimates.query("estimand == 'rank'").set_index("group")["median"]
    for level, sucra in sucras(results).items():
        row = {text.get_text() for text in figure.texts if text.get_position()[1] == heights[level]}
        assert row == {level, figure_of(sucra, "probability"), figure_of(medians[level], "rank")}
    assert any("Rank 1: the lowest hazard" in text for text in written(figure))


def test_ranks_that_are_not_reported_are_read_from_the_draws(results: Results) -> None:
    """Ranks by RMST are drawn on request, and say so."""
    figure = ranks(results, "group", upto=24)
    assert any("Rank 1: the longest RMST to 24 months" in text for text in written(figure))
    table = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_allclose(table, [by_hand(results)[level] for level in sucras(results)])


def test_what_has_no_ranks_is_refused() -> None:
    """No reported rank, or a name that is no group: the valid ones are named."""
    with pytest.raises(AnalysisError, match=r"reports no such rank; name the group .*: group, sex"):
        ranks(figure_fits.crossed())
    with pytest.raises(AnalysisError, match="'groups' is not a group of this model; did you mean 'group'"):
        ranks(figure_fits.crossed(), "groups")
    with pytest.raises(AnalysisError, match="set upto"):
        ranks(figure_fits.crossed(), "group")


@pytest.mark.parametrize("column", ["single", "double"])
@pytest.mark.parametrize("kind", ["grouped", "pooled"])
def test_nothing_is_cut_off_or_covered(column: str, kind: str, results: Results) -> None:
    """Four groups with long names and twelve pooled ones fit both widths, every number inside its cell."""
    figure = ranks(results if kind == "grouped" else figure_fits.pooled(), "group", column=column)
    assert faults(figure) == []


def test_numbers_are_legible_on_dark_and_on_pale_cells(figure: Figure) -> None:
    """Numbers are white where the probability is over a half or so, dark elsewhere."""
    table = np.asarray(figure.axes[0].images[0].get_array()).ravel()
    for text, p in zip(figure.axes[0].texts, table, strict=True):
        assert (text.get_color() == "white") == (p >= 0.55)


def test_failed_diagnostics_are_marked(results: Results) -> None:
    """A failed gate leaves its mark; a fit that passed has none."""
    judged = dataclasses.replace(results.fit, provenance={"gate": {"passed": False, "failed": ["r_hat of log_shape"]}})
    assert any("DIAGNOSTICS FAILED" in text for text in written(ranks(judged)))
    assert not any("DIAGNOSTICS FAILED" in text for text in written(ranks(results)))
