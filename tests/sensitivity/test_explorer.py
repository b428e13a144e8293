"""The prior explorer: where the posterior is known in closed form, between refits as at them; what failed is left out and named."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from normal_dossier import failing, normal_dossier, posterior, with_table
from scipy.interpolate import PchipInterpolator

from bayes_rrmm.reports.explorer_block import explorer_block
from bayes_rrmm.sensitivity.explorer import STEPS, Explorer, explorer

LOG_HR, SE = -0.5, 0.35


def made(**options: float) -> Explorer:
    found = explorer(normal_dossier(LOG_HR, SE, **options))
    assert found is not None
    return found


@pytest.mark.parametrize("alternative", [0.5, 0.8, 2.0])
def test_every_position_is_the_closed_form(alternative: float) -> None:
    """With a normal likelihood log HR, limits and probit are straight along the line, so what is interpolated is exact; the line
    goes from the sceptical to the enthusiastic prior, and its refits stand at every sixth."""
    found = made(alternative=alternative)
    sd = abs(math.log(alternative)) / 1.645
    assert (found.sd, found.alternative) == pytest.approx((sd, alternative))
    assert (found.positions[0], found.positions[-1], found.centre[0]) == (0.0, 1.0, 1.0)
    np.testing.assert_allclose(found.centre, np.exp(np.array(found.positions) * math.log(alternative)))
    for place, *shown in zip(found.positions, found.hr, found.lower, found.upper, found.p_below_1, strict=True):
        true = posterior(LOG_HR, SE, place * math.log(alternative), sd)
        np.testing.assert_allclose(shown, [true.hr, true.lower, true.upper, true.p_below_1], rtol=1e-9)
    refitted = [place for place, is_refit in zip(found.positions, found.refitted, strict=True) if is_refit]
    np.testing.assert_allclose(refitted, np.arange(STEPS + 1) / STEPS)
    assert found.error_log_hr < 1e-12
    assert found.error_p < 1e-12
    assert found.failed == ()
    assert found.ends_in_words == ("HR 1.00 (sceptical)", f"HR {alternative:.2f} (enthusiastic)")


def test_lines_of_other_widths_are_the_closed_form_too() -> None:
    """Each sd of the contour has its line at the same centres, and weighs as many events as such a prior does."""
    found = made()
    assert len(found.by_sd) == 9
    for line in found.by_sd:
        assert line.centre == found.centre
        expected = [posterior(LOG_HR, SE, math.log(centre), line.sd).hr for centre in line.centre]
        np.testing.assert_allclose(line.hr, expected, rtol=1e-9)
        np.testing.assert_allclose(line.prior_events * line.sd**2, found.prior_events * found.sd**2)
        assert line.refitted[0]
    share = 8 / 84
    np.testing.assert_allclose(found.prior_events, 1 / (found.sd**2 * share * (1 - share)))


def test_the_error_is_that_of_leaving_each_inner_refit_out() -> None:
    """One refit moved off the line: the largest misses are those of monotone cubics through the others, by hand."""
    dossier = normal_dossier(LOG_HR, SE)
    table = dossier.to_dataframe("explorer").copy()
    table.loc[2, "hr"] *= 1.1
    table.loc[4, "p_below_1"] += 0.01
    found = explorer(with_table(dossier, "explorer", table))
    x, log_hr, p = table["weight"].to_numpy(), np.log(table["hr"].to_numpy()), table["p_below_1"].to_numpy()
    keep = [np.delete(np.arange(7), k) for k in range(1, 6)]
    by_hand = [abs(PchipInterpolator(x[rest], log_hr[rest])(x[k]) - log_hr[k]) for k, rest in enumerate(keep, 1)]
    assert found.error_log_hr == pytest.approx(max(by_hand))
    assert 0.005 < found.error_p < 0.02
    assert f"{100 * (math.exp(max(by_hand)) - 1):.1f} % in the hazard ratio" in found.error_in_words
    at = [place for place, is_refit in enumerate(found.refitted) if is_refit]
    np.testing.assert_array_equal(np.array(found.hr)[at], table["hr"])
    np.testing.assert_array_equal(np.array(found.p_below_1)[at], table["p_below_1"])
    assert p[4] == found.p_below_1[at[4]]


def test_a_small_error_is_not_none() -> None:
    """An error below 0.05 % is told as less than 0.1 %, not as 0.0 %."""
    assert "within <0.1 % in the hazard ratio" in made().error_in_words
    assert "within 0.1 %" in dataclasses.replace(made(), error_log_hr=math.log(1.0006)).error_in_words


def test_the_block_says_which_interval() -> None:
    """Its numbers are the refits' equal-tailed intervals, of the refits' own probability."""
    dossier = normal_dossier(LOG_HR, SE)
    found = explorer(with_table(dossier, "refits", dossier.to_dataframe("refits").assign(prob=0.975)))
    block = explorer_block("explorer-1", found)
    assert (block["interval"], block["interval_kind"]) == ("97.5% equal-tailed interval", "97.5% equal-tailed")
    assert block["ends"] == found.ends_in_words
    assert found.record()["prob"] == 0.975


def test_failed_refits_are_left_out_and_named() -> None:
    """An inner one is interpolated over; beyond one at an end nothing is said; fewer than two leave no explorer."""
    dossier = normal_dossier(LOG_HR, SE)
    table = dossier.to_dataframe("explorer")
    inner = explorer(with_table(dossier, "explorer", failing(table, [3])))
    assert sum(inner.refitted) == STEPS
    assert not inner.refitted[30]
    assert inner.failed == (f"prior centred at {math.sqrt(0.5):.2f}, sd {inner.sd:.2g}",)
    end = explorer(with_table(dossier, "explorer", failing(table, [6], draws=False)))
    assert end.positions[-1] == pytest.approx(5 / 6)
    assert end.alternative == pytest.approx(0.5)
    assert not np.isnan(end.hr).any()
    assert end.ends_in_words == ("HR 1.00 (sceptical)", f"HR {0.5 ** (5 / 6):.2f} (the enthusiastic refit failed)")
    start = explorer(with_table(dossier, "explorer", failing(table, [0], draws=False)))
    assert start.ends_in_words == (f"HR {0.5 ** (1 / 6):.2f} (the sceptical refit failed)", "HR 0.50 (enthusiastic)")
    assert explorer(with_table(dossier, "explorer", failing(table, [0, 1, 2, 3, 4, 5], draws=False))) is None
    two = explorer(with_table(dossier, "explorer", failing(table, [1, 2, 3, 4, 5])))
    assert math.isnan(two.error_p)
    assert two.error_in_words == ""


def test_without_refits_on_the_line_there_is_none() -> None:
    """A dossier made before the section was has no explorer."""
    dossier = normal_dossier(LOG_HR, SE)
    assert explorer(with_table(dossier, "explorer", dossier.to_dataframe("shrinkage"))) is None


def test_the_record_is_json() -> None:
    """Every list has an entry a position, what is not known is null, and no number is one that JSON does not have."""
    dossier = normal_dossier(LOG_HR, SE)
    contour = dossier.to_dataframe("contour")
    narrow = contour[contour["centre"] > 0.7].reset_index(drop=True)
    record = json.loads(json.dumps(explorer(with_table(dossier, "contour", narrow)).record(), allow_nan=False))
    assert record["alternative"] == pytest.approx(0.5)
    for line in (record, *record["lines"]):
        for name in ("centre", "hr", "lower", "upper", "p_below_1", "refitted", "prior_events"):
            assert len(line[name]) == len(record["positions"]) == 61, name
    assert None not in record["hr"]
    assert record["lines"][0]["hr"][-1] is None
    assert record["error"]["p"] < 1e-12


def test_certain_probabilities_stay_within_their_refits() -> None:
    """Where every draw of neighbouring refits is below 1 so is what lies between; nothing overshoots."""
    dossier = normal_dossier(-2.0, 0.2)
    table = dossier.to_dataframe("explorer").assign(p_below_1=1.0)
    found = explorer(with_table(dossier, "explorer", table))
    assert min(found.p_below_1) > 0.9999
    assert max(found.p_below_1) <= 1.0
