"""The survival figure draws what the tables say: curves, steps, numbers at risk, marks; and leaves matplotlib as it was."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import fits
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.lines import Line2D

from bayes_rrmm import plots
from bayes_rrmm.agreement.curves import curves_table, everyone_table
from bayes_rrmm.errors import AnalysisError, FitError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.frequentist import at_risk, kaplan_meier
from bayes_rrmm.plots.style import KAPLAN_MEIER, POSTERIOR

LEVELS = ("a", "b", "c")
MARK = "DIAGNOSTICS FAILED"


@pytest.fixture(scope="module")
def fit() -> Fit:
    """Three groups, weights and delayed entry, group b followed for a shorter time, two sexes."""
    rng = np.random.default_rng(51)
    rows = 90
    group = np.resize(LEVELS, rows)
    start = np.where(rng.uniform(size=rows) < 0.25, 2.0, 0.0)
    time = np.round(start + rng.exponential(18.0, rows) + 0.1, 2)
    event = rng.integers(0, 2, rows)
    cut = np.where(group == "b", 20.0, 48.0)
    event, time = np.where(time > cut, 0, event), np.minimum(time, cut)
    frame = pd.DataFrame({"time": time, "event": event, "start": start, "group": group})
    frame = frame.assign(count=rng.integers(1, 3, rows), sex=np.resize(["f", "m"], rows))
    cohort, plan = fits.cohort_and_plan(frame, "group + sex", endpoint='entry = "start"\nweight = "count"')
    return fits.laplace_fit(plan, cohort)


@pytest.fixture(scope="module")
def figure(fit: Fit) -> Figure:
    return plots.survival(fit, by="group")


def rows_of(fit: Fit, level: str) -> tuple[np.ndarray, ...]:
    cohort = fit.cohort
    keep = (cohort.covariates["group"] == level).to_numpy()
    return cohort.time[keep], cohort.event[keep], cohort.entry[keep], cohort.weight[keep]


def drawn(panel: Axes, color: str, **style: object) -> list[Line2D]:
    """The panel's lines of that colour and style."""
    lines = [line for line in panel.get_lines() if line.get_color() == color]
    return [line for line in lines if all(getattr(line, f"get_{name}")() == value for name, value in style.items())]


def numbers(panel: Axes) -> dict[float, float]:
    """The numbers at risk that are written under the panel, by their place along the time axis."""
    written = [text for text in panel.texts if text.get_position()[1] == -0.275]
    return {text.get_position()[0]: float(text.get_text()) for text in written}


@pytest.mark.parametrize(("by", "count"), [("group", 3), ("sex", 2), (None, 1)])
def test_a_panel_a_group(by: str | None, count: int, fit: Fit) -> None:
    """There is a panel for each level, one for everyone without `by`, and each says who it is about."""
    panels = plots.survival(fit, by=by).axes
    assert len(panels) == count
    titles = [panel.texts[0].get_text() for panel in panels]
    assert titles == (["All patients"] if by is None else list(fit.plan.encoding.group(by).levels))


def test_titles_count_patients_and_events(figure: Figure, fit: Fit) -> None:
    """Under its name each panel has the number of its patients and events, weights counted."""
    for panel, level in zip(figure.axes, LEVELS, strict=True):
        _, event, _, weight = rows_of(fit, level)
        assert panel.texts[1].get_text() == f"{weight.sum():g} patients, {weight @ event:g} events"


def test_numbers_at_risk_are_those_at_risk(figure: Figure, fit: Fit) -> None:
    """The numbers under each panel equal `at_risk` at its ticks: entry < t <= exit, weights counted."""
    for panel, level in zip(figure.axes, LEVELS, strict=True):
        time, _, entry, weight = rows_of(fit, level)
        ticks = panel.get_xticks()
        assert list(numbers(panel)) == ticks.tolist()
        np.testing.assert_array_equal(list(numbers(panel).values()), at_risk(ticks, time, entry, weight))
        later = ticks[1:]
        by_hand = [weight[(entry < t) & (time >= t)].sum() for t in later]
        np.testing.assert_array_equal([numbers(panel)[t] for t in later], by_hand)


def test_kaplan_meier_steps_are_kaplan_meier(figure: Figure, fit: Fit) -> None:
    """The dark line steps down at the event times to the product-limit estimate, from 1 at 0 to the group's last follow-up."""
    for panel, level in zip(figure.axes, LEVELS, strict=True):
        time, event, entry, weight = rows_of(fit, level)
        curve = kaplan_meier(time, event, entry, weight)
        (line,) = drawn(panel, KAPLAN_MEIER, linewidth=0.9)
        assert line.get_drawstyle() == "steps-post"
        np.testing.assert_array_equal(line.get_xdata(), [0.0, *curve.time, time.max()])
        np.testing.assert_array_equal(line.get_ydata(), [1.0, *curve.survival, curve.survival[-1]])
        for limit, name in zip(drawn(panel, KAPLAN_MEIER, linewidth=0.5, linestyle=":"), ("lower", "upper"), strict=True):
            np.testing.assert_array_equal(limit.get_ydata()[1:-1], getattr(curve, name))


def test_the_posterior_is_the_table(figure: Figure, fit: Fit) -> None:
    """The blue line is the posterior median of curves.csv from 1 at time 0, dashed where the group was no longer followed."""
    table = curves_table(fit, fit.cohort, "group")
    table = table[table["source"] == "posterior"]
    for panel, level in zip(figure.axes, LEVELS, strict=True):
        rows = table[table["group"] == level]
        solid, dashed = drawn(panel, POSTERIOR)
        inside = rows[~rows["extrapolated"]]
        np.testing.assert_array_equal(solid.get_xdata(), [0.0, *inside["time"]])
        np.testing.assert_array_equal(solid.get_ydata(), [1.0, *inside["survival"]])
        np.testing.assert_array_equal(dashed.get_ydata()[1:], rows[rows["extrapolated"]]["survival"])
        assert dashed.get_xdata()[0] == solid.get_xdata()[-1]
        assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
    short = drawn(figure.axes[1], POSTERIOR)[1]
    assert len(short.get_xdata()) > 50


def test_the_band_is_the_interval(figure: Figure, fit: Fit) -> None:
    """The band between the posterior's limits is shaded, paler where it is extrapolated."""
    table = curves_table(fit, fit.cohort, "group").query("source == 'posterior' and group == 'b'")
    inside = table[~table["extrapolated"]]
    band, beyond = figure.axes[1].collections
    corners = {tuple(corner) for corner in np.round(band.get_paths()[0].vertices, 9)}
    for time, lower, upper in inside[["time", "lower", "upper"]].round(9).to_numpy():
        assert {(time, lower), (time, upper)} <= corners
    assert beyond.get_alpha() < band.get_alpha()


def test_censored_patients_are_marked_on_the_curve(figure: Figure, fit: Fit) -> None:
    """Every censored row has a tick, at its time and at the height of the curve there."""
    for panel, level in zip(figure.axes, LEVELS, strict=True):
        time, event, entry, weight = rows_of(fit, level)
        curve = kaplan_meier(time, event, entry, weight)
        (ticks,) = drawn(panel, KAPLAN_MEIER, marker="|")
        np.testing.assert_array_equal(ticks.get_xdata(), time[event == 0])
        np.testing.assert_array_equal(ticks.get_ydata(), [curve.survival_at(t)[0] for t in time[event == 0]])


def test_everyone_in_one_panel(fit: Fit) -> None:
    """Without `by` the panel shows the whole cohort's curves and numbers."""
    panel = plots.survival(fit).axes[0]
    table = everyone_table(fit, fit.cohort)
    np.testing.assert_array_equal(drawn(panel, POSTERIOR)[0].get_ydata()[1:], table[table["source"] == "posterior"]["survival"])
    cohort = fit.cohort
    ticks = panel.get_xticks()
    np.testing.assert_array_equal(list(numbers(panel).values()), at_risk(ticks, cohort.time, cohort.entry, cohort.weight))
    assert panel.texts[1].get_text() == f"{cohort.patients:g} patients, {cohort.events:g} events"


@pytest.mark.parametrize("passed", [True, False])
def test_failed_diagnostics_are_marked_on_the_figure(passed: bool, fit: Fit) -> None:
    """A fit whose diagnostics failed carries the mark on the figure itself, whether it or the caller says so."""
    gate = {"passed": passed, "failed": [] if passed else ["r_hat of log_shape"]}
    judged = dataclasses.replace(fit, provenance={**fit.provenance, "gate": gate})
    for figure in (plots.survival(judged, by="group"), plots.survival(fit, by="group", passed=passed)):
        assert any(MARK in text.get_text() for text in figure.texts) == (not passed)
    assert not any(MARK in text.get_text() for text in plots.survival(judged, by="group", passed=True).texts)


def test_the_figure_says_what_it_shows(fit: Fit, figure: Figure) -> None:
    """Title, endpoint, unit, kind and probability of the interval, and the baseline stand on the figure."""
    labels = [text.get_text() for text in (*figure.texts, *figure.legends[0].get_texts())]
    assert "A made-up fit (OS)" in labels
    assert "Time (months)" in labels
    assert "posterior median (weibull)" in labels
    assert "95% equal-tailed interval" in labels


@pytest.mark.parametrize("suffix", ["pdf", "png"])
def test_files_are_written(suffix: str, figure: Figure, tmp_path: Path) -> None:
    """A PDF embeds its fonts as TrueType (type 42, none as type 3), without a date; a PNG has 300 dots an inch."""
    path = tmp_path / f"figure.{suffix}"
    plots.save(figure, path)
    content = path.read_bytes()
    if suffix == "pdf":
        assert content.startswith(b"%PDF")
        assert b"/FontFile2" in content
        assert b"/Type3" not in content
        assert b"/CreationDate" not in content
        plots.save(figure, tmp_path / "again.pdf")
        assert (tmp_path / "again.pdf").read_bytes() == content
    else:
        height, width = imread(path).shape[:2]
        assert (width, height) == tuple(np.floor(figure.get_size_inches() * 300 + 1e-6).astype(int))


def test_nothing_global_changes(fit: Fit, tmp_path: Path) -> None:
    """Drawing and saving leave every matplotlib setting as it was."""
    before = dict(mpl.rcParams)
    plots.save(plots.survival(fit, by="group", passed=False), tmp_path / "figure.png", dpi=50)
    assert dict(mpl.rcParams) == before


def test_no_window_is_opened() -> None:
    """Importing and drawing need no pyplot, so no display and no figure that somebody must close."""
    code = "import sys, bayes_rrmm.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_cohort_without_groups(tmp_path: Path) -> None:
    """A model without covariates draws one panel of everyone, and has no group to draw by."""
    frame = pd.DataFrame({"time": np.arange(1.0, 13.0), "event": [1, 0, 1] * 4})
    cohort, plan = fits.cohort_and_plan(frame, "1")
    fit = fits.laplace_fit(plan, cohort)
    assert plots.main_group(fit) is None
    figure = plots.survival(fit, by=plots.main_group(fit))
    assert numbers(figure.axes[0])[0.0] == 12
    plots.save(figure, tmp_path / "one.pdf")


def test_a_group_without_events() -> None:
    """A group in which nobody had the event is drawn as a flat line at 1 to its last follow-up."""
    frame = pd.DataFrame({"time": np.arange(1.0, 31.0), "event": [1, 1, 0] * 10, "group": ["a", "b", "c"] * 10})
    cohort, plan = fits.cohort_and_plan(frame, "group")
    panel = plots.survival(fits.laplace_fit(plan, cohort), by="group").axes[2]
    (line,) = drawn(panel, KAPLAN_MEIER, linewidth=0.9)
    assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([0.0, 30.0], [1.0, 1.0])
    (ticks,) = drawn(panel, KAPLAN_MEIER, marker="|")
    assert ticks.get_ydata().tolist() == [1.0] * 10


def test_a_late_start_is_written_on_the_panel() -> None:
    """Under delayed entry the curve begins where ten are at risk, and the panel says on what it is conditional."""
    frame = pd.DataFrame({"start": np.arange(1.0, 31.0), "time": np.arange(1.0, 31.0) + 40.0, "event": [1, 0, 1] * 10})
    cohort, plan = fits.cohort_and_plan(frame, "1", endpoint='entry = "start"')
    panel = plots.survival(fits.laplace_fit(plan, cohort)).axes[0]
    (line,) = drawn(panel, KAPLAN_MEIER, linewidth=0.9)
    assert (line.get_xdata()[0], line.get_ydata()[0]) == (10.0, 1.0)
    assert "Kaplan-Meier: S(t | 10)" in [text.get_text() for text in panel.texts]


def test_spells_of_one_patient_are_no_censorings() -> None:
    """Where rows are spells of patients, patients are counted, and only their last spells can be marked as censored."""
    frame = pd.DataFrame({"pid": np.repeat(np.arange(20), 2), "event": 0, "start": [0.0, 5.0] * 20})
    frame["time"] = np.where(frame["start"] == 0, 5.0, 6.0 + frame["pid"])
    frame.loc[frame["start"].gt(0) & frame["pid"].gt(9), "event"] = 1
    cohort, plan = fits.cohort_and_plan(frame, "1", endpoint='entry = "start"\nid = "pid"')
    panel = plots.survival(fits.laplace_fit(plan, cohort)).axes[0]
    (ticks,) = drawn(panel, KAPLAN_MEIER, marker="|")
    np.testing.assert_array_equal(ticks.get_xdata(), np.arange(6.0, 16.0))
    assert panel.texts[1].get_text() == "20 patients, 10 events"


@pytest.mark.parametrize("levels", [5, 8])
def test_many_groups_do_not_overlap(levels: int) -> None:
    """However many groups there are, panels lie inside the figure and apart from each other."""
    rows = 10 * levels
    frame = pd.DataFrame({"time": np.arange(1.0, rows + 1), "event": 1, "group": [f"g{i % levels}" for i in range(rows)]})
    cohort, plan = fits.cohort_and_plan(frame, "group")
    boxes = [panel.get_position() for panel in plots.survival(fits.prior_fit(plan, cohort, size=40), by="group").axes]
    assert len(boxes) == levels
    assert all(0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1 for box in boxes)
    apart = [a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 or b.y1 <= a.y0 for i, a in enumerate(boxes) for b in boxes[:i]]
    assert all(apart)


def test_what_cannot_be_drawn_is_refused(fit: Fit) -> None:
    """An unknown group, or a fit without rows, is refused in words."""
    with pytest.raises(AnalysisError, match="'stage' is not a group of this model"):
        plots.survival(fit, by="stage")
    bare = Fit(fit.plan, fit.tree)
    with pytest.raises(FitError, match="the survival figure needs the analysed rows"):
        plots.survival(bare, by="group")
    assert len(plots.survival(bare, fit.cohort, by="group").axes) == 3


def test_another_cohort_is_counted_as_it_is(fit: Fit) -> None:
    """Drawn over other rows, the panels count those rows."""
    some = fit.cohort.select(np.arange(len(fit.cohort)) < 45)
    panels = plots.survival(fit, some, by="group").axes
    keep = (some.covariates["group"] == "a").to_numpy()
    expected = f"{some.weight[keep].sum():g} patients, {some.weight[keep] @ some.event[keep]:g} events"
    assert panels[0].texts[1].get_text() == expected
