"""The forest of the priors: the numbers are the dossier's, each prior above its posterior, failures marked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from dossier_fits import failing_fit, small_fit
from inspect_figure import faults, lines_of, written
from normal_dossier import failing, normal_dossier, with_table

from bayes_rrmm.plots.prior_grid import prior_grid
from bayes_rrmm.plots.style import FAILED
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.sensitivity.dossier_folder import Dossier


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return normal_dossier(-0.5, 0.35, fit=small_fit())


def ratio(row: dict[str, float], *names: str) -> str:
    middle, lower, upper = (figure_of(row[name], "ratio") for name in names)
    return f"{middle} [{lower}, {upper}]"


@pytest.mark.parametrize("column", ["single", "double"])
def test_every_number_is_the_dossier_s(dossier: Dossier, column: str) -> None:
    """Name, prior and posterior with their intervals, P and what the prior weighs, of every row; nothing is cut off."""
    figure = prior_grid(dossier, small_fit(), column=column)
    texts = written(figure)
    for row in dossier.to_dataframe("priors").to_dict("records"):
        p, weight = figure_of(row["p_below_1"], "probability"), f"{row['prior_own_events']:.1f} events"
        shown = [row["prior"], ratio(row, "centre", "prior_lower", "prior_upper"), ratio(row, "hr", "lower", "upper")]
        shown += [p, weight] if column == "double" else [f"P(HR < 1) {p}", f"weighs {weight}"]
        assert {*shown} <= {*texts}
        assert f"{row['prior']} {ratio(row, 'hr', 'lower', 'upper')}, P(HR < 1) {p}" in figure.get_label()
    assert faults(figure) == []


def test_points_are_where_the_numbers_are(dossier: Dossier) -> None:
    """Posterior medians at their hazard ratios, each below its prior's centre; a wide prior ends in an arrow."""
    figure = prior_grid(dossier, small_fit())
    priors = dossier.to_dataframe("priors")
    posterior, centres = lines_of(figure, "o"), lines_of(figure, "D")
    np.testing.assert_allclose([float(line.get_xdata()[0]) for line in posterior], priors["hr"])
    np.testing.assert_allclose([float(line.get_xdata()[0]) for line in centres], priors["centre"])
    below = zip(posterior, centres, strict=True)
    assert all(one.get_ydata()[0] > other.get_ydata()[0] for one, other in below)
    assert len(lines_of(figure, "<")) == len(lines_of(figure, ">")) == int((priors["prior_upper"] > 7).sum()) == 2


def test_a_prior_without_a_statement_has_no_interval(dossier: Dossier) -> None:
    """As analysed may be pooled or Student t: then the posterior stands alone, and no weight is made up. A prior that no number of
    the group's own events weighs as much as is told in events of both groups."""
    priors = dossier.to_dataframe("priors").copy()
    priors.loc[0, ["centre", "sd", "prior_lower", "prior_upper", "prior_events", "prior_own_events"]] = math.nan
    priors.loc[1, "prior_own_events"] = math.inf
    figure = prior_grid(with_table(dossier, "priors", priors), small_fit())
    assert len(lines_of(figure, "D")) == 4
    assert "-" in written(figure)
    assert f"{priors['prior_events'].iloc[1]:.1f} of both" in written(figure)
    assert faults(figure) == []


def test_failed_refits_are_empty_and_named(dossier: Dossier) -> None:
    """An empty marker and a word beside the numbers; without draws there is no marker, and the words say so."""
    priors = failing(failing(dossier.to_dataframe("priors"), [3]), [4], draws=False)
    figure = prior_grid(with_table(dossier, "priors", priors), small_fit())
    empty = [line for line in lines_of(figure, "o") if line.get_color() == FAILED]
    assert [float(line.get_xdata()[0]) for line in empty] == [priors["hr"].iloc[3]]
    assert empty[0].get_markerfacecolor() == "white"
    assert {"no draws failed", "refit failed its diagnostics"} <= {*written(figure)}
    assert f"{ratio(priors.iloc[3], 'hr', 'lower', 'upper')} failed" in written(figure)
    assert faults(figure) == []


def test_above_one_the_probability_is_that_of_above() -> None:
    """Where the ratio is above 1 P(HR > 1) is shown, and whom either side favours."""
    found = normal_dossier(0.6, 0.35, fit=small_fit())
    texts = written(prior_grid(found, small_fit()))
    assert "P(HR > 1)" in texts
    assert figure_of(1 - found.to_dataframe("priors")["p_below_1"].iloc[0], "probability") in texts
    assert {"← favours few", "favours many →"} <= {*texts}


def test_long_names_of_priors_are_wrapped(dossier: Dossier) -> None:
    """A user's name of thirty letters fits at both widths."""
    priors = dossier.to_dataframe("priors").replace({"prior": {"neutral": "from three published trials of it"}})
    for column in ("single", "double"):
        assert faults(prior_grid(with_table(dossier, "priors", priors), small_fit(), column=column)) == []


def test_a_failed_fit_marks_it(dossier: Dossier) -> None:
    """The mark stands on the figure and before its description."""
    figure = prior_grid(dossier, failing_fit())
    assert any(text.startswith("DIAGNOSTICS FAILED") for text in written(figure))
    assert figure.get_label().startswith("DIAGNOSTICS FAILED")
