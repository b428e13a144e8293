"""The forest draws the hazard ratios of estimates.csv and crosscheck.csv, and writes them as those tables round."""

from __future__ import annotations

import dataclasses
import math

import figure_fits
import numpy as np
import pytest
from inspect_figure import faults, lines_of, written
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from bayes_rrmm.errors import AnalysisError, FitError
from bayes_rrmm.plots.forest import forest
from bayes_rrmm.plots.ratio_axis import LOOKS
from bayes_rrmm.results import Results, results_of
from bayes_rrmm.rounding import figure_of


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(figure_fits.grouped())


@pytest.fixture(scope="module")
def figure(results: Results) -> Figure:
    return forest(results)


def text_of(point: float, lower: float, upper: float) -> str:
    return "{} [{}, {}]".format(*(figure_of(value, "ratio") for value in (point, lower, upper)))


def intervals(figure: Figure, look: str) -> list[np.ndarray]:
    """The ends of the horizontal lines in the colour of a kind of estimate, from the top down."""
    color = to_rgba(LOOKS[look].color)
    found = [line for line in figure.axes[0].get_lines() if to_rgba(line.get_color()) == color and len(line.get_xdata()) == 2]
    return [np.asarray(line.get_xdata()) for line in found if line.get_ydata()[0] == line.get_ydata()[1]]


def points(figure: Figure, look: str) -> list[float]:
    return [float(line.get_xdata()[0]) for line in lines_of(figure, LOOKS[look].marker)]


@pytest.mark.parametrize("column", ["single", "double"])
def test_the_numbers_written_are_those_of_estimates_csv(column: str, results: Results) -> None:
    """Median, interval and P(HR < 1) of every hazard ratio at threshold 1 stand on the figure, rounded by the one rule."""
    said = written(forest(results, column=column))
    table = results.estimates.query("estimand == 'hazard-ratio' and threshold == 1.0")
    assert len(table) == 4
    for row in table.to_dict("records"):
        p = figure_of(row["p_below"], "probability")
        assert text_of(row["median"], row["lower"], row["upper"]) in said
        assert (p if column == "double" else f"P(HR < 1) {p}") in said


def test_points_and_intervals_are_where_the_numbers_say(figure: Figure, results: Results) -> None:
    """Markers and lines of the posterior lie at median, lower and upper of estimates.csv."""
    table = results.estimates.query("estimand == 'hazard-ratio' and threshold == 1.0")
    np.testing.assert_array_equal(points(figure, "bayes"), table["median"])
    np.testing.assert_array_equal(intervals(figure, "bayes"), table[["lower", "upper"]].to_numpy())


def test_cox_is_the_one_adjusted_as_the_model_is(figure: Figure, results: Results) -> None:
    """Cox's markers and numbers are those of the adjusted rows of crosscheck.csv, not of the unadjusted ones."""
    table = results.crosscheck.query("method == 'Cox' and estimand == 'hazard-ratio'")
    main = table[table["adjusted"].astype(bool) & table["frequentist"].notna()]
    np.testing.assert_array_equal(points(figure, "cox"), main["frequentist"])
    np.testing.assert_array_equal(intervals(figure, "cox"), main[["freq_lower", "freq_upper"]].to_numpy())
    said = written(figure)
    for row in main.to_dict("records"):
        assert text_of(row["frequentist"], row["freq_lower"], row["freq_upper"]) in said
    unadjusted = table[~table["adjusted"].astype(bool) & table["frequentist"].notna()]
    assert not {text_of(*row) for row in unadjusted[["frequentist", "freq_lower", "freq_upper"]].to_numpy()} & set(said)
    assert any(text.startswith("Cox adjusted, 95% Wald") for text in said)


def test_firth_is_drawn_only_where_it_was_asked(figure: Figure, results: Results) -> None:
    """There are as many Firth markers as rows of Firth's Cox in crosscheck.csv: where events are few."""
    table = results.crosscheck.query("method == 'Firth Cox'")
    assert len(table) == 2
    np.testing.assert_array_equal(points(figure, "firth"), table["frequentist"])


def test_a_level_without_events_has_no_cox_estimate(figure: Figure, results: Results) -> None:
    """Monotone likelihood: the figure writes `not estimable` once, and draws one Cox marker fewer than rows."""
    assert results.crosscheck.query("method == 'Cox' and group == 'no events'")["frequentist"].isna().all()
    assert written(figure).count("not estimable") == 1
    assert len(points(figure, "cox")) == 3


def test_patients_and_events_stand_beside_each_group(figure: Figure, results: Results) -> None:
    """Counts are those of the encoding, the reference's in the heading; a continuous covariate counts everyone."""
    group = results.fit.plan.encoding.group("group")
    at = [(text.get_text().replace("group: versus ", ""), round(text.get_position()[1], 6)) for text in figure.texts]
    heights = {name: height for name, height in at if name in (*group.levels, "age + 10")}
    counts = dict(zip(group.levels, zip(group.counts, group.events, strict=True), strict=True))
    counts["age + 10"] = (results.rows.patients, results.rows.events)
    for level, (patients, events) in counts.items():
        beside = [name for name, height in at if height == heights[level]]
        cells = [name for name in beside if name.isdigit()]
        assert cells == [f"{patients:g}", f"{events:g}"]


def test_what_leaves_the_axis_ends_in_an_arrow(results: Results) -> None:
    """With limits inside the intervals each end beyond them has an arrow at the edge; points beyond are not drawn elsewhere."""
    figure = forest(results, limits=(0.4, 1.3), methods=("bayes",))
    table = results.estimates.query("estimand == 'hazard-ratio' and threshold == 1.0")
    assert len(lines_of(figure, "<")) == (table["lower"] < 0.4).sum() == 2
    assert len(lines_of(figure, ">")) == (table["upper"] > 1.3).sum() == 1
    assert {line.get_xdata()[0] for line in lines_of(figure, "<")} == {0.4}
    assert points(figure, "bayes") == table["median"][table["median"] > 0.4].tolist()
    assert text_of(*table[["median", "lower", "upper"]].iloc[1]) in written(figure)


def test_the_region_of_no_effect_is_shaded_and_named(results: Results, figure: Figure) -> None:
    """By default 0.90 to 1.11, else as given; None leaves it out, and a region without 1 is refused."""

    def shaded(drawn: Figure) -> list[tuple[float, float]]:
        found = [patch for patch in drawn.axes[0].patches if isinstance(patch, Rectangle)]
        return [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in found]

    assert shaded(figure) == [pytest.approx((0.9, 1 / 0.9))]
    assert "region of no effect: hazard ratio 0.90 to 1.11" in written(figure)
    assert shaded(forest(results, region=(0.8, 1.25))) == [pytest.approx((0.8, 1.25))]
    none = forest(results, region=None)
    assert not shaded(none)
    assert not any("region" in text for text in written(none))
    with pytest.raises(FitError, match="a region of no effect holds 1"):
        forest(results, region=(1.1, 1.3))


def test_one_line_stands_at_no_effect_on_a_log_axis(figure: Figure) -> None:
    """The axis is logarithmic with ticks at powers of two, and a vertical line at 1."""
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert {0.25, 0.5, 1.0, 2.0} <= set(axes.get_xticks())
    assert [line.get_xdata()[0] for line in axes.get_lines() if list(line.get_ydata()) == [0, 1]] == [1.0]


def test_sides_are_named_by_whom_they_favour(results: Results, figure: Figure) -> None:
    """One reference: favoured by name; several terms: by hazard alone."""
    assert {"← lower hazard", "higher hazard →"} <= set(written(figure))
    assert {"← favours the group named", "favours standard →"} <= set(written(forest(results, "group")))


def test_one_term_alone(results: Results) -> None:
    """`of` keeps the rows of that term."""
    said = written(forest(results, "age"))
    assert "age + 10" in said
    assert "second" not in said


def test_methods_may_be_left_out(results: Results) -> None:
    """Only the methods asked for are drawn; an unknown one is refused with the nearest, none at all likewise."""
    only = forest(results, methods=("cox",))
    assert points(only, "bayes") == points(only, "firth") == []
    assert len(points(only, "cox")) == 3
    with pytest.raises(FitError, match="did you mean 'cox'"):
        forest(results, methods=("coxx",))
    with pytest.raises(FitError, match="methods is empty"):
        forest(results, methods=())


def test_markers_and_lines_tell_methods_apart_without_colour() -> None:
    """No two methods share a marker, nor line style and width."""
    for look in ("marker", "color"):
        assert len({getattr(LOOKS[method], look) for method in ("bayes", "cox", "firth")}) == 3
    assert len({(str(LOOKS[method].style), LOOKS[method].width) for method in ("bayes", "cox", "firth")}) == 3


def test_a_fit_without_rows_says_that_cox_is_missing() -> None:
    """Without rows and folder the posterior is drawn alone, and the legend says why."""
    fit = figure_fits.grouped()
    figure = forest(dataclasses.replace(fit, cohort=None), "group")
    assert points(figure, "cox") == []
    assert "Cox: not drawn, the fit was saved without its rows" in written(figure)
    assert len(points(figure, "bayes")) == 3


def test_a_term_that_is_not_reported_is_read_from_the_draws() -> None:
    """A hazard ratio that the analysis does not report is drawn with its Cox estimate all the same."""
    fit = figure_fits.crossed()
    with pytest.raises(AnalysisError, match="ask for by = 'group'"):
        forest(fit, "sex")
    figure = forest(fit, "group:sex")
    assert len(points(figure, "bayes")) == len(points(figure, "cox")) == 2
    assert "group:sex: ratios of hazard ratios" in written(figure)


def test_nothing_to_draw_is_refused_with_the_remedy() -> None:
    """A model without terms has no hazard ratio."""
    with pytest.raises(AnalysisError, match=r"reports no hazard ratio; name a term .*: none"):
        forest(figure_fits.bare())


@pytest.mark.parametrize("column", ["single", "double"])
@pytest.mark.parametrize("kind", ["grouped", "pooled"])
def test_nothing_is_cut_off_or_covered(column: str, kind: str, results: Results) -> None:
    """Long names, twelve levels, a frailty: every text is whole, legible, and clear of the others at both widths."""
    source = results if kind == "grouped" else dataclasses.replace(figure_fits.pooled(), cohort=None)
    assert faults(forest(source, column=column)) == []


@pytest.mark.parametrize("passed", [True, False])
def test_failed_diagnostics_are_marked(passed: bool, results: Results) -> None:
    """A fit that failed its gate carries the mark, also in the description; title and data are there either way."""
    gate = {"passed": passed, "failed": [] if passed else ["r_hat of log_shape"]}
    judged = dataclasses.replace(results.fit, provenance={**results.fit.provenance, "gate": gate})
    figure = forest(judged, "age", methods=("bayes",))
    assert any("DIAGNOSTICS FAILED" in text for text in written(figure)) == (not passed)
    assert figure.get_label().startswith("DIAGNOSTICS FAILED") == (not passed)
    assert "Hazard ratios: A made-up fit (OS)" in written(figure)


def test_the_description_has_the_key_numbers(figure: Figure, results: Results) -> None:
    """The alternative text names every comparison with median, interval, Cox and probability."""
    row = results.estimates.query("group == 'second' and threshold == 1.0").iloc[0]
    said = f"group second versus standard {text_of(row['median'], row['lower'], row['upper'])} (Cox "
    assert said in figure.get_label()
    assert f"P(HR < 1) {figure_of(row['p_below'], 'probability')}" in figure.get_label()


def test_an_infinite_limit_is_written_and_drawn_as_an_arrow(results: Results) -> None:
    """A profile interval without an upper limit is written `inf` and leaves the axis on the right."""
    table = results.crosscheck.copy()
    table.loc[table["method"] == "Firth Cox", "freq_upper"] = math.inf
    changed = Results(results.fit, results.cohort)
    changed.__dict__.update({"crosscheck": table, "estimates": results.estimates})
    figure = forest(changed, "group")
    assert sum("inf]" in text for text in written(figure)) == 2
    assert len(lines_of(figure, ">")) == 2
    assert isinstance(lines_of(figure, ">")[0], Line2D)
