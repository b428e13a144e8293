"""Subgroups: the hazard ratio in each, counted there, and the ratio between them from paired draws."""

from __future__ import annotations

import dataclasses

import figure_fits
import numpy as np
import pytest
from inspect_figure import faults, lines_of, written
from matplotlib.figure import Figure

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import HazardRatio
from bayes_rrmm.plots.subgroups import subgroups
from bayes_rrmm.reading import estimate
from bayes_rrmm.results import Results, results_of
from bayes_rrmm.rounding import figure_of


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(figure_fits.crossed())


@pytest.fixture(scope="module")
def figure(results: Results) -> Figure:
    return subgroups(results)


def ratio_text(values: np.ndarray) -> str:
    return "{} [{}, {}]".format(*(figure_of(float(value), "ratio") for value in values))


def test_numbers_are_those_of_the_table(figure: Figure, results: Results) -> None:
    """Each subgroup's median, interval and P(HR < 1) are those of estimates.csv, comparison by comparison."""
    table = results.estimates[results.estimates["subgroup"] != ""].sort_values(["group", "subgroup"])
    assert table["subgroup"].tolist() == ["sex=f", "sex=m"] * 2
    said = written(figure)
    for row in table.to_dict("records"):
        assert ratio_text(np.array([row["median"], row["lower"], row["upper"]])) in said
        assert figure_of(row["p_below"], "probability") in said
    drawn = [line.get_xdata()[0] for line in lines_of(figure, "o")]
    np.testing.assert_array_equal(drawn, table["median"])


def test_both_sides_are_counted_in_the_subgroup(figure: Figure, results: Results) -> None:
    """Patients and events of the group and of its reference among the rows of the subgroup."""
    rows = results.rows
    said = written(figure)
    for sex in ("f", "m"):
        masks = [rows.mask({"group": (level,), "sex": (sex,)}) for level in ("second", "standard")]
        assert "{:g} vs {:g}".format(*(mask.sum() for mask in masks)) in said
        assert "{:g} vs {:g}".format(*(rows.event[mask].sum() for mask in masks)) in said


@pytest.mark.parametrize("column", ["single", "double"])
def test_subgroups_are_compared_by_paired_draws(column: str, results: Results) -> None:
    """The ratio of hazard ratios is that of the draws, subgroup over first subgroup."""
    draws = estimate(results.fit, HazardRatio("group", "second", by="sex")).draws.stack(sample=("chain", "draw")).to_numpy()
    ratio = draws[1] / draws[0]
    text = ratio_text(np.quantile(ratio, [0.5, 0.025, 0.975]))
    assert (text if column == "double" else f"ratio {text}") in written(subgroups(results, column=column))


def test_what_is_not_reported_is_read_from_the_interaction(results: Results) -> None:
    """The other variable's hazard ratio, in each group, is found from the formula."""
    figure = subgroups(results, "sex", methods=("bayes",))
    draws = estimate(results.fit, HazardRatio("sex", by="group")).draws
    np.testing.assert_allclose([line.get_xdata()[0] for line in lines_of(figure, "o")], draws.median(("chain", "draw")))
    assert "sex: m versus f" in written(figure)


def test_a_model_without_interaction_is_refused() -> None:
    """The remedy is an interaction in the formula."""
    fit = figure_fits.grouped()
    with pytest.raises(AnalysisError, match="no term interacts with a group, so there are no subgroups"):
        subgroups(fit)
    with pytest.raises(AnalysisError, match="'group' interacts with no group 'age'"):
        subgroups(fit, "group", by="age")


@pytest.mark.parametrize("column", ["single", "double"])
def test_nothing_is_cut_off_or_covered(column: str, results: Results) -> None:
    """Long names fit both widths."""
    assert faults(subgroups(results, column=column)) == []


def test_without_rows_counts_are_left_out_and_a_failed_fit_is_marked(results: Results) -> None:
    """A fit without rows shows no counts and no Cox; a failed gate leaves its mark."""
    judged = dataclasses.replace(results.fit, cohort=None, provenance={"gate": {"passed": False, "failed": ["r_hat"]}})
    said = written(subgroups(judged))
    assert not any(" vs " in text for text in said)
    assert any("DIAGNOSTICS FAILED" in text for text in said)
    assert "Cox: not drawn, the fit was saved without its rows" in said
