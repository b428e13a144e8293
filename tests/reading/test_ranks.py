"""Ranks: 1 is the lowest hazard or the longest RMST, every draw ranks every group once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bayes_rrmm.estimands import HazardRatio, Rank, Rmst
from bayes_rrmm.fitted import Fit
from bayes_rrmm.reading import Estimates, estimate, estimates_table

POOLED = 'effects = { group = "pooled" }'


def ranks(read: Estimates) -> dict[str, np.ndarray]:
    return {str(group): read.draws.sel(group=group).to_numpy().ravel() for group in read.draws["group"].to_numpy()}


@pytest.mark.parametrize("model", ["", POOLED], ids=["independent", "pooled"])
@pytest.mark.parametrize("upto", [None, 24.0], ids=["hazard", "rmst"])
def test_every_draw_ranks_every_group_once(model: str, upto: float | None, fit_of: Callable[..., Fit]) -> None:
    """In each draw the ranks are 1 to G, so they sum to G(G + 1)/2."""
    read = estimate(fit_of("group", model=model), Rank(of="group", upto=upto)).draws
    assert np.all(read.sum("group") == 6)
    assert np.all(np.sort(read.transpose("chain", "draw", "group"), axis=2) == [1, 2, 3])


@pytest.mark.parametrize("model", ["", POOLED], ids=["independent", "pooled"])
def test_the_best_hazard_is_the_lowest(model: str, fit_of: Callable[..., Fit]) -> None:
    """A group's rank is one more than the number of groups of lower hazard, the reference among them."""
    fit = fit_of("group", model=model)
    ratios = estimate(fit, HazardRatio("group")).draws
    hazards = {"a": np.ones(40)} | {g: ratios.sel(comparison=f"{g} / a").to_numpy().ravel() for g in ("b", "c")}
    found = ranks(estimate(fit, Rank(of="group")))
    for group, values in found.items():
        np.testing.assert_array_equal(values, 1 + sum(hazards[other] < hazards[group] for other in hazards if other != group))


def test_the_best_rmst_is_the_longest(mixed_fit: Fit) -> None:
    """With `upto` rank 1 has the longest standardised RMST, in the population asked for."""
    for population in ("cohort", "women"):
        rmst = estimate(mixed_fit, Rmst(upto=30), by="group", population=population).draws
        read = estimate(mixed_fit, Rank(of="group", upto=30, population=population))
        assert read.population == population
        longer = {group: sum(rmst.sel(group=other) > rmst.sel(group=group) for other in "abc" if other != group) for group in "abc"}
        for group, values in ranks(read).items():
            np.testing.assert_array_equal(values, 1 + longer[group].to_numpy().ravel())


def test_the_note_names_what_is_ranked(mixed_fit: Fit) -> None:
    """A rank says what it ranks: the hazard, or the RMST with its horizon and unit."""
    assert estimate(mixed_fit, Rank(of="group")).notes == ("ranks of group: 1 is best, the lowest hazard",)
    assert estimate(mixed_fit, Rank(of="group", upto=30)).notes == ("ranks of group: 1 is best, the longest RMST to 30 months",)


def test_sucra_is_the_mean_of_the_cumulative_probabilities(mixed_fit: Fit) -> None:
    """SUCRA, P(best) and P(worst) follow from P(rank = k): the mean over k < G of P(rank <= k), its first and its last."""
    estimand = Rank(of="group")
    read = estimate(mixed_fit, estimand)
    table = estimates_table([(estimand, read)])
    for group, values in ranks(read).items():
        probability = np.array([np.mean(values == k) for k in (1, 2, 3)])
        rows = table[table["group"] == group].set_index("estimand")["mean"]
        assert rows["probability-best"] == pytest.approx(probability[0])
        assert rows["probability-worst"] == pytest.approx(probability[2])
        assert rows["sucra"] == pytest.approx(np.cumsum(probability)[:2].mean())
        assert rows["rank"] == pytest.approx(probability @ [1, 2, 3])
