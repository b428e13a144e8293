"""Summaries: quantiles that allow for infinite draws, intervals of the kind and probability they carry, probabilities."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_rrmm.errors import FitError
from bayes_rrmm.estimands import HazardRatio, Median, Rank, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import estimate, estimates_table, summarise
from bayes_rrmm.reading.summary import interval_of, quantile_of, summary_of
from bayes_rrmm.reading.table import labelled_draws
from bayes_rrmm.specification.analysis import IntervalChoice

COLUMNS = [
    "median", "mean", "sd", "lower", "upper", "interval", "prob", "threshold", "p_below", "p_above", "p_not_reached",
    "extrapolated",
]  # fmt: skip
FLOATS = st.floats(-1e6, 1e6)


def hdi(prob: float) -> IntervalChoice:
    return IntervalChoice(kind="hdi", prob=prob)


def eti(prob: float) -> IntervalChoice:
    return IntervalChoice(kind="eti", prob=prob)


def shortest(draws: np.ndarray, prob: float) -> tuple[float, float]:
    """The shortest interval between two draws that holds at least floor(prob S) steps between draws, by trying all."""
    ordered = sorted(draws)
    steps = math.floor(prob * len(ordered))
    pairs = [(a, b) for (i, a), (j, b) in itertools.combinations(enumerate(ordered), 2) if j - i >= steps and math.isfinite(b)]
    return min(pairs, key=lambda pair: pair[1] - pair[0])


@given(st.lists(FLOATS, min_size=1, max_size=40), st.floats(0, 1))
def test_finite_quantiles_are_numpys(draws: list[float], probability: float) -> None:
    """Among finite draws a quantile is NumPy's (R's type 7)."""
    found = quantile_of(np.array(draws), probability)
    assert found == pytest.approx(np.quantile(draws, probability), rel=1e-9, abs=1e-6)


@given(st.lists(FLOATS, min_size=2, max_size=40), st.integers(1, 40), st.floats(0, 1))
def test_a_quantile_among_infinite_draws_is_infinite(draws: list[float], infinite: int, probability: float) -> None:
    """Infinite draws count as larger than all others: a quantile that lies below them is what it would be for any large number."""
    mixed = np.array([*draws, *[math.inf] * infinite])
    position = (len(mixed) - 1) * probability
    found = quantile_of(np.random.default_rng(1).permutation(mixed), probability)
    if position > len(draws) - 1:
        assert found == math.inf
    else:
        large = np.where(np.isinf(mixed), 1e7, mixed)
        assert found == pytest.approx(np.quantile(large, probability), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("prob", [0.5, 0.8, 0.89, 0.95])
@pytest.mark.parametrize("skewed", [False, True])
def test_hdi_is_the_shortest_interval(prob: float, skewed: bool) -> None:
    """A highest-density interval is the shortest one that holds its share of the draws, found by trying all."""
    draws = np.random.default_rng(5).normal(size=101)
    draws = np.exp(draws) if skewed else draws
    assert interval_of(draws, hdi(prob)) == (*shortest(draws, prob), "hdi")


@pytest.mark.parametrize(("prob", "infinite"), [(0.8, 10), (0.5, 45), (0.3, 50), (0.3, 69)])
def test_hdi_leaves_infinite_draws_out(prob: float, infinite: int) -> None:
    """Where few enough draws are infinite the shortest interval is among the finite ones."""
    draws = np.concatenate([np.random.default_rng(6).gamma(2.0, size=100 - infinite), np.full(infinite, math.inf)])
    assert interval_of(draws, hdi(prob)) == (*shortest(draws, prob), "hdi")


@pytest.mark.parametrize("infinite", [20, 21, 60])
def test_hdi_that_does_not_exist_is_equal_tailed_and_says_so(infinite: int) -> None:
    """Where more than 1 - prob of the draws are infinite there is no shortest interval: it is equal-tailed, and labelled."""
    draws = np.concatenate([np.arange(100.0 - infinite), np.full(infinite, math.inf)])
    lower, upper, kind = interval_of(draws, hdi(0.8))
    assert (lower, upper, kind) == (pytest.approx(np.quantile(np.arange(100), 0.1)), math.inf, "eti")


def test_equal_tailed_intervals() -> None:
    """An equal-tailed interval leaves half of the rest on either side."""
    draws = np.random.default_rng(7).normal(size=200)
    lower, upper, kind = interval_of(draws, eti(0.9))
    assert (lower, upper, kind) == (pytest.approx(np.quantile(draws, 0.05)), pytest.approx(np.quantile(draws, 0.95)), "eti")


def test_probabilities_and_moments() -> None:
    """P(below), P(above) leave draws equal to the threshold out; P(not reached) is the share of infinite draws."""
    summary = summary_of(np.array([1.0, 2.0, 2.0, 3.0, 4.0]), eti(0.95), 2.0)
    assert (summary["p_below"], summary["p_above"], summary["p_not_reached"]) == (0.2, 0.4, 0.0)
    assert (summary["mean"], summary["sd"]) == (pytest.approx(2.4), pytest.approx(np.std([1, 2, 2, 3, 4], ddof=1)))
    part = summary_of(np.array([1.0, math.inf, math.inf, 3.0]), eti(0.95), 2.0)
    assert (part["p_below"], part["p_above"], part["p_not_reached"]) == (0.25, 0.75, 0.5)
    assert math.isnan(part["mean"])
    assert math.isnan(part["sd"])
    everything = summary_of(np.full(4, math.inf), eti(0.95), None)
    assert (everything["median"], everything["lower"], everything["p_not_reached"]) == (math.inf, math.inf, 1.0)
    assert math.isnan(everything["p_below"])


def test_a_row_a_label_with_its_interval(mixed_fit: Fit) -> None:
    """A summary has a row for each combination of labels, the labels first, then the columns in their order."""
    read = estimate(mixed_fit, Survival(at=(6, 12)), by="group")
    table = read.to_dataframe()
    assert table.columns.tolist() == ["group", "time", *COLUMNS]
    assert list(zip(table["group"], table["time"], strict=True)) == list(itertools.product("abc", (6.0, 12.0)))
    chosen = read.draws.sel(group="b", time=12.0).to_numpy().ravel()
    row = table[(table["group"] == "b") & (table["time"] == 12)].iloc[0]
    assert (row["median"], row["mean"]) == (pytest.approx(np.median(chosen)), pytest.approx(chosen.mean()))
    assert (row["interval"], row["prob"]) == ("eti", 0.95)
    assert set(estimate(mixed_fit, HazardRatio("group")).to_dataframe().columns) == {
        "comparison", "group", "versus", "subgroup", *COLUMNS
    }  # fmt: skip
    assert estimate(mixed_fit, Rmst(upto=9)).to_dataframe().columns.tolist() == COLUMNS


def test_the_threshold_is_the_value_of_no_effect_unless_given(mixed_fit: Fit) -> None:
    """Hazard ratios are held against 1, differences against 0, plain times against nothing, and any against what is given."""
    ratio = estimate(mixed_fit, HazardRatio("group", "b"))
    draws = ratio.draws.to_numpy()
    assert summarise(ratio)["p_below"].item() == np.mean(draws < 1)
    assert summarise(ratio, below=0.8)["p_below"].item() == np.mean(draws < 0.8)
    assert summarise(ratio, above=1.25)[["threshold", "p_above"]].to_numpy().tolist() == [[1.25, np.mean(draws > 1.25)]]
    asked = estimate(mixed_fit, HazardRatio("group", "b", threshold=0.7))
    assert summarise(asked)[["threshold", "p_below"]].to_numpy().tolist() == [[0.7, np.mean(draws < 0.7)]]
    with pytest.raises(FitError, match="p_below and p_above are about one threshold"):
        summarise(ratio, above=0.8, below=1.25)
    rmst = estimate(mixed_fit, Rmst(upto=30), by="group")
    assert summarise(rmst)[["threshold", "p_below", "p_above"]].isna().to_numpy().all()
    gain = rmst.sel(group="b") - rmst.sel(group="a")
    assert summarise(gain)["p_above"].item() == np.mean(gain.draws.to_numpy() > 0)


def test_the_analysis_chooses_the_interval(fit_of: Callable[..., Fit]) -> None:
    """The interval of the analysis is used everywhere unless another is asked for, and the table says which it is."""
    fit = fit_of("group", rest='[sampling]\ninterval = { kind = "hdi", prob = 0.8 }')
    read = estimate(fit, HazardRatio("group", "c"))
    draws = read.draws.to_numpy().ravel()
    chosen = summarise(read).iloc[0]
    low, high = shortest(np.log(draws), 0.8)  # a ratio's, on the log scale
    assert (chosen["lower"], chosen["upper"]) == pytest.approx((math.exp(low), math.exp(high)), rel=1e-12)
    assert (chosen["interval"], chosen["prob"]) == ("hdi", 0.8)
    other = summarise(read, interval=eti(0.5)).iloc[0]
    assert (other["lower"], other["interval"], other["prob"]) == (pytest.approx(np.quantile(draws, 0.25)), "eti", 0.5)


def test_what_estimates_show_of_themselves(mixed_fit: Fit) -> None:
    """Printed or shown in a notebook, estimates name endpoint, estimand, unit and population, and their notes."""
    read = estimate(mixed_fit, Rank(of="group", upto=30))
    for shown in (repr(read), read._repr_html_()):
        assert "OS rank (rank; population: cohort)" in shown
        assert "Note: ranks of group: 1 is best, the longest RMST to 30 months" in shown
    difference = estimate(mixed_fit, Rmst(upto=30, contrast="difference"), by="group")
    assert "OS rmst, difference (months; population: cohort)" in repr(difference)
    attributes = difference.to_xarray().attrs
    assert attributes == {
        "estimand": "rmst", "endpoint": "OS", "unit": "months", "population": "cohort", "contrast": "difference"
    }  # fmt: skip


@given(st.lists(st.floats(-3.0, 3.0), min_size=30, max_size=80, unique=True), st.sampled_from([0.5, 0.8, 0.95]))
def test_the_interval_of_a_ratio_is_that_of_its_reciprocal_turned_round(logs: list[float], prob: float) -> None:
    """Whichever group is the reference, a shortest interval on the log scale covers the same draws: none is favoured."""
    ratio = np.exp(np.array(logs))
    lower, upper, kind = interval_of(ratio, hdi(prob), "log")
    other = interval_of(1.0 / ratio, hdi(prob), "log")
    width = math.log(upper) - math.log(lower)
    assert kind == other[2] == "hdi"
    assert math.log(other[1]) - math.log(other[0]) == pytest.approx(width, rel=1e-9, abs=1e-12)
    spans = np.sort(np.log(ratio))
    spans = spans[max(1, math.floor(prob * len(spans))) :] - spans[: len(spans) - max(1, math.floor(prob * len(spans)))]
    if np.sum(spans < spans.min() + 1e-9) == 1:  # one shortest interval, not several
        assert (other[0], other[1]) == pytest.approx((1.0 / upper, 1.0 / lower), rel=1e-9)


@pytest.mark.parametrize(
    ("question", "scale"),
    [
        (HazardRatio(of="group"), "log"),
        (Survival(at=9, by="group"), "log-minus-log"),
        (Survival(at=9, by="group", contrast="difference"), "natural"),
        (Survival(at=9, by="group", contrast="ratio"), "log"),
        (Median(by="group"), "log"),
        (Median(by="group", horizon=math.inf, contrast="difference"), "natural"),
        (Rmst(upto=24, by="group"), "natural"),
        (Rmst(upto=24, by="group", contrast="ratio"), "log"),
        (Rank(of="group"), "natural"),
    ],
)
def test_a_shortest_interval_is_the_shortest_on_the_scale_of_comparison(
    question: HazardRatio | Survival | Median | Rmst | Rank, scale: str, fit_of: Callable[..., Fit]
) -> None:
    """In the summary and the table of estimates alike: no window of as many draws is shorter on the quantity's own scale."""
    on = {"log": np.log, "log-minus-log": lambda s: np.log(-np.log(s)), "natural": lambda values: values}[scale]
    fit = fit_of("group", rest='[sampling]\ninterval = { kind = "hdi", prob = 0.8 }')
    estimates = estimate(fit, question)
    assert estimates.scale == scale
    table, summary = estimates_table([(question, estimates)]), summarise(estimates)
    table = table[table["median"].notna()]
    for place, (_, _, draws) in enumerate(labelled_draws(question, estimates)):
        ordered = np.sort(draws.ravel())
        inside = math.floor(0.8 * len(ordered))
        values = on(ordered)
        widths = np.abs(values[inside:] - values[: len(values) - inside])
        widths = np.where(np.isfinite(widths), widths, np.inf)
        row = summary.iloc[place]
        if row["interval"] == "eti":
            assert np.isinf(widths).all()
            continue
        assert abs(on(np.array([row["upper"]])) - on(np.array([row["lower"]])))[0] == pytest.approx(widths.min(), rel=1e-9)
        assert (table.iloc[place]["lower"], table.iloc[place]["upper"]) == (row["lower"], row["upper"])
