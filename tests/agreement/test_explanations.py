"""Why answers differ: each reason is given where it was built in, with its evidence, and not where it was not."""

from __future__ import annotations

import math
from collections.abc import Callable

import fits
import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.agreement.counterparts import Counterparts
from bayes_rrmm.agreement.explain import Without, explanation
from bayes_rrmm.agreement.verdict import Answer, judge
from bayes_rrmm.agreement.without_prior import WithoutPrior
from bayes_rrmm.estimands import HazardRatio, Median, Rmst, Survival
from bayes_rrmm.fitted import Fit

Compared = Callable[..., pd.DataFrame]
Z = 1.959964


def laplace(frame: pd.DataFrame, formula: str = "group", **parts: str) -> Fit:
    cohort, plan = fits.cohort_and_plan(frame, formula, **parts)
    return fits.laplace_fit(plan, cohort)


def has(table: pd.DataFrame, code: str) -> list[bool]:
    return [code in codes.split(";") for codes in table["reason_code"]]


@pytest.fixture(scope="module")
def crossing() -> pd.DataFrame:
    """Two groups whose hazards cross: one falls with time, the other rises."""
    rng = np.random.default_rng(77)
    early, late = 20 * rng.weibull(0.6, 150), 20 * rng.weibull(2.5, 150)
    time = np.minimum(np.round(np.concatenate([early, late]) + 0.01, 3), 60)
    return pd.DataFrame({"time": time, "event": (time < 60) * 1, "group": np.repeat(["a", "b"], 150), "sex": ["f", "m"] * 150})


def test_hazards_that_cross(crossing: pd.DataFrame, two_groups: pd.DataFrame, compared: Compared) -> None:
    """Hazards that cross are named on every row of that term, with p, and on no row of the other term."""
    questions = (HazardRatio("group"), HazardRatio("sex"), Survival(at=10, by="group"), Survival(at=10, by="sex"))
    table = compared(laplace(crossing, "group + sex"), *questions)
    assert has(table, "non-proportional") == (table["term"] == "group").tolist()
    assert table["reason"][0].split("(group, p ")[1].startswith("0.000")
    calm = compared(laplace(two_groups, "group + sex"), *questions)
    assert not any(has(calm, "non-proportional"))


def test_a_baseline_that_does_not_fit(compared: Compared) -> None:
    """A hazard that falls and rises again is no Weibull's: it is named there, and not under a piecewise baseline."""
    rng = np.random.default_rng(3)
    time = np.concatenate([rng.uniform(0.1, 2, 90), rng.uniform(28, 32, 110), np.full(40, 60.0)])
    frame = pd.DataFrame({"time": np.round(time, 3), "event": (time < 60) * 1, "group": np.resize(["a", "b"], 240)})
    questions = (HazardRatio("group"), Survival(at=20, by="group"))
    weibull = compared(laplace(frame), *questions)
    assert all(has(weibull, "baseline-misfit"))
    assert has(weibull, "model-form")[1:] == [True, True]
    piecewise = 'baseline = "piecewise-exponential"\ncuts = [2, 28, 29, 30, 31, 32]'
    assert not any(has(compared(laplace(frame, model=piecewise), *questions), "baseline-misfit"))


def test_an_interval_without_events(compared: Compared) -> None:
    """Where an interval of a piecewise baseline has no event its hazard is the prior's; what ends before it is not concerned."""
    rng = np.random.default_rng(4)
    time = np.concatenate([rng.uniform(0.1, 10, 60), rng.uniform(20, 30, 60)])
    frame = pd.DataFrame({"time": np.round(time, 3), "event": 1, "group": np.resize(["a", "b"], 120)})
    fit = laplace(frame, model='baseline = "piecewise-exponential"\ncuts = [5, 10, 20]')
    table = compared(fit, Survival(at=(8, 25), by="group"), Rmst(upto=9, by="group"), Median(by="group", horizon=9))
    assert has(table, "empty-interval") == [False, True, False, True, False, False, False, False]
    assert "from 10; it moves this by" in table["reason"][1]
    assert np.isfinite(table["frequentist"]).all()


def test_an_interval_without_events_that_moves_nothing_is_no_reason(compared: Compared) -> None:
    """A median before the empty interval does not owe it anything, though its upper limit reaches into it: the reason is not given,
    and with the interval's hazard gone the median is the same."""
    time = np.concatenate([np.linspace(1.0, 19.0, 16), [55.0], np.full(4, 60.0), np.linspace(2.0, 18.0, 4)])
    frame = pd.DataFrame({"time": np.round(time, 3), "event": [1] * 17 + [0] * 8, "group": np.resize(["a", "b"], 25)})
    fit = laplace(frame, model='baseline = "piecewise-exponential"\ncuts = [10, 25, 40]')
    table = compared(fit, Median(by="group", horizon=math.inf), Survival(at=39, by="group"))
    medians = table[table["estimand"] == "median"]
    assert (medians["bayes"] < 25).all()
    assert (medians["bayes_upper"] > 25).any()
    assert not any(has(medians, "empty-interval"))
    assert all(has(table[table["estimand"] == "survival"], "empty-interval"))


def test_the_step_past_the_median(compared: Compared) -> None:
    """A median that Kaplan-Meier passes in one wide step is named, and one in a dense curve is not."""
    few = [2.0, 3.0, 4.0, 5.0, 6.0, 30.0, 31.0, 32.0, 33.0, 34.0, 35.0]
    dense = np.linspace(1, 40, 80)
    frame = pd.DataFrame({"time": [*few, *dense], "event": 1, "group": [*("a" * len(few)), *("b" * len(dense))]})
    table = compared(laplace(frame), Median(by="group"))
    assert has(table, "wide-step") == [True, False]
    assert "from 6 to 30" in table["reason"][0]


def test_a_strong_prior_explains_what_it_does(two_groups: pd.DataFrame, all_compared: Compared) -> None:
    """A sceptical prior on the ratio draws the RMST difference too: the prior is the reason there, the model's form is not."""
    strong = "[priors]\ngroup = { normal = [0, 0.12] }"
    table = all_compared(laplace(two_groups, rest=strong), Rmst(upto=40, by="group", contrast="difference"))
    ours = table.set_index("method").loc["Weibull ML"]
    assert ours["verdict"] == "differ"
    assert "prior-weighs" in ours["reason_code"].split(";")
    assert "unexplained" not in ours["reason_code"]
    weak = all_compared(laplace(two_groups), Rmst(upto=40, by="group", contrast="difference")).set_index("method").loc["Weibull ML"]
    assert abs(weak["difference_in_se"]) < abs(ours["difference_in_se"]) / 2
    assert "prior-weighs" not in weak["reason_code"].split(";")


@pytest.mark.parametrize("model", ["weibull", "exponential", "piecewise"])
def test_likelihood_times_prior_is_the_posterior(model: str, two_groups: pd.DataFrame) -> None:
    """With every patient counted 200 times likelihood and posterior are normal: then their approximation, likelihood times
    prior, agrees with the posterior within a tenth of its sd in every parameter, and maximum likelihood does not."""
    piecewise = 'baseline = "piecewise-exponential"\ncuts = [6, 18]'
    text = {"weibull": "", "exponential": 'baseline = "exponential"', "piecewise": piecewise}
    rest = "[priors]\ngroup = { normal = [0, 0.1] }\nbaseline = { median_survival = 14, upper95 = 28 }"
    fit = laplace(two_groups.assign(count=200), endpoint='weight = "count"', model=text[model], rest=rest)
    alone = WithoutPrior(Counterparts(fit, fit.cohort))
    assert alone.combined_fit is not None
    names = [name for name in ("beta", "log_rate", "log_shape", "log_hazard") if name in fit.draws]
    for name in names:
        ours, both = fit.draws[name], alone.combined_fit.draws[name]
        np.testing.assert_allclose(both.mean(axis=0), ours.mean(axis=0), atol=0.1 * ours.std(axis=0).max())
        np.testing.assert_allclose(both.std(axis=0), ours.std(axis=0), rtol=0.1)
    assert alone.likelihood_fit is not None
    moved = abs(alone.likelihood_fit.draws["beta"].mean() - fit.draws["beta"].mean()) / fit.draws["beta"].std()
    assert moved > 1


def on_log_scale(centre: float, se: float) -> Answer:
    return Answer(*np.exp([centre, centre - Z * se, centre + Z * se]))


@pytest.mark.parametrize(
    ("likelihood", "both", "codes"),
    [
        ((1.0, 1.0), (1.0, 1.0), {"model-form"}),
        ((0.0, 1.0), (1.0, 1.0), {"prior-weighs"}),
        ((0.5, 1.0), (1.0, 1.0), {"model-form", "prior-weighs"}),
        ((0.0, 1.0), (0.0, 1.0), {"unexplained"}),
        ((-1.0, 1.0), (-1.0, 1.0), {"unexplained"}),
        ((0.4, 1.0), (0.4, 1.0), {"model-form", "unexplained"}),
    ],
)
def test_the_parts_of_a_difference(likelihood: tuple[float, float], both: tuple[float, float], codes: set[str]) -> None:
    """A difference of one standard error: the part that maximum likelihood shares is form, what the prior adds is prior, and
    a rest of more than half is left unexplained."""
    bayes, freq = on_log_scale(1.0, 1.0), on_log_scale(0.0, 1.0)
    without = Without(None, on_log_scale(*likelihood), on_log_scale(*both))
    found = judge(bayes, freq, np.log, 0.95, [], explanation(bayes, freq, np.log, 0.95, without))
    assert set(found.codes.split(";")) == codes


@pytest.mark.parametrize(
    ("likelihood", "both", "codes"),
    [((0, 0.5), (0, 0.5), {"borrows-strength"}), ((0, 1.0), (0, 0.5), {"prior-weighs"}), ((0, 1.0), (0, 1.0), {"unexplained"})],
)
def test_the_parts_of_a_width(likelihood: tuple[float, float], both: tuple[float, float], codes: set[str]) -> None:
    """An interval half as wide: the model borrows strength, or the prior narrows it, or nothing known does."""
    bayes, freq = on_log_scale(0.0, 0.5), on_log_scale(0.0, 1.0)
    without = Without(None, on_log_scale(*likelihood), on_log_scale(*both))
    found = judge(bayes, freq, np.log, 0.95, [], explanation(bayes, freq, np.log, 0.95, without))
    assert set(found.codes.split(";")) == codes


def test_an_interval_without_width_is_unexplained() -> None:
    """Where all draws are equal the ratio of widths is 0, which has no logarithm: that is left unexplained."""
    bayes, freq = Answer(1.0, 1.0, 1.0), on_log_scale(0.0, 1.0)
    found = judge(bayes, freq, np.log, 0.95, [], explanation(bayes, freq, np.log, 0.95, Without(None, freq, freq)))
    assert found.codes == "unexplained"


def test_a_skewed_posterior() -> None:
    """Where the upper half of the posterior's interval is much wider than the lower, that is said, with the ratio."""
    bayes, freq = Answer(*np.exp([0.7, -1.0, 5.0])), on_log_scale(0.0, 1.0)
    without = Without(None, freq, freq)
    found = judge(bayes, freq, np.log, 0.95, [], explanation(bayes, freq, np.log, 0.95, without))
    assert found.codes == "skewed"
    assert "upper half 2.53 times as wide" in found.sentence
