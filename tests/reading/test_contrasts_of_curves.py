"""Differences and ratios between groups are taken draw by draw, against the reference or the group named."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.estimands import Median, Rmst, Survival
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import estimate

CURVES = {
    "rmst": Rmst(upto=30),
    "survival": Survival(at=(6, 12)),
    "median": Median(horizon=math.inf),
}


@pytest.mark.parametrize("versus", [None, "b"])
@pytest.mark.parametrize("kind", CURVES)
def test_difference_and_ratio(kind: str, versus: str | None, mixed_fit: Fit) -> None:
    """Each other group minus, or divided by, the group named (by default the reference), for every curve."""
    plain = estimate(mixed_fit, CURVES[kind], by="group").draws
    against = versus or "a"
    others = [group for group in ("a", "b", "c") if group != against]
    for contrast in ("difference", "ratio"):
        read = estimate(mixed_fit, CURVES[kind].model_copy(update={"contrast": contrast, "versus": versus}), by="group")
        assert read.draws["group"].to_numpy().tolist() == others
        assert read.draws["versus"].item() == against
        for group in others:
            mine, theirs = plain.sel(group=group).to_numpy(), plain.sel(group=against).to_numpy()
            expected = mine - theirs if contrast == "difference" else mine / theirs
            np.testing.assert_allclose(read.draws.sel(group=group).to_numpy(), expected, rtol=1e-12)


def test_a_contrast_says_what_it_is(mixed_fit: Fit) -> None:
    """A difference keeps the unit and has no effect at 0; a ratio is a ratio and has none at 1."""
    difference = estimate(mixed_fit, Rmst(upto=30, contrast="difference"), by="group")
    assert (difference.unit, difference.null, difference.contrast) == ("months", 0.0, "difference")
    ratio = estimate(mixed_fit, Survival(at=12, contrast="ratio"), by="group")
    assert (ratio.unit, ratio.null, ratio.contrast) == ("ratio", 1.0, "ratio")


@pytest.mark.parametrize("versus", ["a", "b", "c"])
def test_a_contrast_is_extrapolated_where_either_side_is(versus: str, mixed_fit: Fit) -> None:
    """Beyond the follow-up of the group or of the one it is compared with, a contrast is extrapolated."""
    ends = dict(zip("abc", mixed_fit.plan.encoding.group("group").last_follow_up, strict=True))
    others = [group for group in "abc" if group != versus]
    for upto in ends.values():
        read = estimate(mixed_fit, Rmst(upto=upto, contrast="difference", versus=versus), by="group")
        expected = {group: upto > ends[versus] or upto > ends[group] for group in others}
        assert read.extrapolated.to_series().to_dict() == expected


def test_a_contrast_equals_the_arithmetic(mixed_fit: Fit) -> None:
    """The estimand's contrast and the difference of two selected groups are the same draws."""
    rmst = estimate(mixed_fit, Rmst(upto=30), by="group")
    asked = estimate(mixed_fit, Rmst(upto=30, contrast="difference"), by="group").sel(group="c")
    np.testing.assert_array_equal((rmst.sel(group="c") - rmst.sel(group="a")).draws, asked.draws)


def test_a_contrast_needs_groups(mixed_fit: Fit) -> None:
    """Without `by` there is nothing to compare, and with an unknown group neither."""
    with pytest.raises(AnalysisError, match="contrast = 'difference' needs by"):
        estimate(mixed_fit, Rmst(upto=30, contrast="difference"))
    with pytest.raises(AnalysisError, match="'d' is no level of 'group'"):
        estimate(mixed_fit, Rmst(upto=30, contrast="ratio", versus="d"), by="group")
    with pytest.raises(AnalysisError, match="'dose' is not a group of this model"):
        estimate(mixed_fit, Rmst(upto=30), by="dose")
