"""Two answers agree within half a standard error and with widths within 0.8 to 1.25; otherwise a reason is given."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri

from bayes_rrmm.agreement.row import posterior_answer
from bayes_rrmm.agreement.verdict import REASONS, Answer, Reason, Verdict, judge, not_comparable
from bayes_rrmm.reading.scales import TRANSFORMS
from bayes_rrmm.specification.analysis import IntervalChoice

Z = 1.959963984540054
FREQ = Answer(10.0, 10.0 - Z, 10.0 + Z)
"""Estimate 10, standard error 1 on the natural scale."""


def bayes(moved: float = 0.0, width: float = 1.0) -> Answer:
    return Answer(10.0 + moved, 10.0 + moved - Z * width, 10.0 + moved + Z * width)


@pytest.mark.parametrize(
    ("moved", "width", "verdict"),
    [
        (0.0, 1.0, "agree"),
        (0.499, 1.0, "agree"),
        (-0.499, 1.0, "agree"),
        (0.501, 1.0, "differ"),
        (-0.501, 1.0, "differ"),
        (0.0, 0.801, "agree"),
        (0.0, 1.249, "agree"),
        (0.0, 0.799, "differ"),
        (0.0, 1.251, "differ"),
    ],
)
def test_thresholds(moved: float, width: float, verdict: str) -> None:
    """The difference is in frequentist standard errors, the ratio Bayesian over frequentist; each has its own limits."""
    found = judge(bayes(moved, width), FREQ, float, 0.95, [])
    assert (found.verdict, found.difference_in_se, found.width_ratio) == (verdict, pytest.approx(moved), pytest.approx(width))
    assert found.codes == ("" if verdict == "agree" else "unexplained")


@pytest.mark.parametrize("prob", [0.5, 0.8, 0.99])
def test_the_standard_error_is_that_of_the_intervals_probability(prob: float) -> None:
    """An interval of another probability stands for the same standard error."""
    half = float(ndtri(0.5 + prob / 2))
    found = judge(Answer(11.0, 11.0 - half, 11.0 + half), Answer(10.0, 10.0 - half, 10.0 + half), float, prob, [])
    assert found.difference_in_se == pytest.approx(1.0)


def test_scales() -> None:
    """Ratios and times are compared as logs, survival as log(-log S), whose limits change places."""
    found = judge(Answer(2.0, 1.0, 4.0), Answer(2.0 * math.e**0.25, 1.0, 4.0), math.log, 0.95, [])
    assert found.difference_in_se == pytest.approx(-0.25 / (math.log(4) / (2 * Z)))
    log_minus_log = TRANSFORMS["log-minus-log"]
    survival = judge(Answer(0.5, 0.4, 0.6), Answer(0.5, 0.3, 0.7), log_minus_log, 0.95, [])
    widths = [log_minus_log(low) - log_minus_log(high) for low, high in ((0.4, 0.6), (0.3, 0.7))]
    assert survival.width_ratio == pytest.approx(widths[0] / widths[1])
    assert survival.difference_in_se == 0.0


@pytest.mark.parametrize("moved", [0.0, 3.0])
def test_every_reason_that_holds_is_kept(moved: float) -> None:
    """Known reasons are listed whatever the verdict, in order, and then nothing is unexplained."""
    found = judge(bayes(moved), FREQ, float, 0.95, [Reason("prior-weighs"), Reason("few-events", "b 3")])
    assert found.verdict == ("differ" if moved else "agree")
    assert found.codes == "prior-weighs;few-events"
    assert found.sentence == f"{REASONS['prior-weighs']}; {REASONS['few-events']} (b 3)"


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        (Answer(math.inf, 20.0, math.inf), Answer(30.0, 20.0, 40.0), "not-reached"),
        (Answer(30.0, 20.0, 40.0), Answer(30.0, 20.0, math.inf), "not-reached"),
        (Answer(30.0, 30.0, 30.0), Answer(30.0, 30.0, 30.0), "degenerate-interval"),
        (Answer(0.0, 0.0, 0.0), Answer(30.0, 20.0, 40.0), "degenerate-interval"),
    ],
)
@pytest.mark.parametrize("also", [[], ["few-events"]])
def test_what_has_no_comparison_says_why(ours: Answer, theirs: Answer, reason: str, also: list[str]) -> None:
    """An infinite limit, or one without width, is not comparable for that reason, whatever other reasons hold."""
    found = judge(ours, theirs, math.log, 0.95, [Reason(code) for code in also])
    assert found.verdict == "not-comparable"
    assert set(found.codes.split(";")) == {reason, *also}
    assert np.isnan([found.difference_in_se, found.width_ratio]).all()


def test_a_reason_is_given_once() -> None:
    """Reasons found on several ways are listed once, in order."""
    assert not_comparable([Reason(code) for code in ("few-events", "not-reached", "few-events")]).codes == "few-events;not-reached"


def test_what_is_found_on_differing_is_added() -> None:
    """More reasons are looked for only where answers differ; narrowness alone does not explain another place."""
    looked = []

    def look(verdict: Verdict) -> list[Reason]:
        looked.append(verdict)
        return [Reason("borrows-strength")]

    assert judge(bayes(0.1), FREQ, float, 0.95, [], look).codes == ""
    assert not looked
    assert judge(bayes(0.1, 0.5), FREQ, float, 0.95, [], look).codes == "borrows-strength"
    assert judge(bayes(2.0, 0.5), FREQ, float, 0.95, [], look).codes == "borrows-strength;unexplained"
    assert judge(bayes(2.0, 0.5), FREQ, float, 0.95, [Reason("pooled")], look).codes == "pooled;borrows-strength"


@pytest.mark.parametrize("kind", ["eti", "hdi"])
@pytest.mark.parametrize("se", [0.2, 0.6, 1.0])
def test_a_posterior_equal_to_the_frequentist_answer_agrees(kind: str, se: float) -> None:
    """Where the posterior of a log hazard ratio is the frequentist normal, the verdict is agreement, whatever kind of interval is
    asked for and however wide it is: a shortest interval is the shortest on the scale of comparison."""
    draws = np.exp(np.log(0.6) + se * ndtri((np.arange(40_000) + 0.5) / 40_000))
    freq = Answer(0.6, 0.6 * np.exp(-1.959964 * se), 0.6 * np.exp(1.959964 * se))
    found = judge(posterior_answer(draws, IntervalChoice(kind=kind), "log"), freq, math.log, 0.95, [])
    assert found.verdict == "agree"
    assert found.width_ratio == pytest.approx(1.0, abs=0.005)
    assert abs(found.difference_in_se) < 0.01


def test_an_interval_without_width_still_has_a_difference() -> None:
    """A median whose limits fall in one step of the curve is nine months from the posterior's: counted in posterior standard errors
    it differs, and nothing listed moves it; one within half of such an error agrees. Widths are not compared."""
    step = Answer(12.0, 12.0, 12.0)
    far = judge(Answer(21.0, 15.0, 29.4), step, math.log, 0.95, [])
    error = (math.log(29.4) - math.log(15.0)) / (2 * Z)
    assert far.difference_in_se == pytest.approx((math.log(21.0) - math.log(12.0)) / error)
    assert (far.verdict, far.codes) == ("differ", "degenerate-interval;unexplained")
    assert math.isnan(far.width_ratio)
    near = judge(Answer(12.3, 9.0, 16.8), step, math.log, 0.95, [])
    assert (near.verdict, near.codes) == ("agree", "degenerate-interval")
    explained = judge(Answer(21.0, 15.0, 29.4), step, math.log, 0.95, [Reason("few-events")])
    assert explained.codes == "degenerate-interval;few-events"
