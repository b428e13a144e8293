"""Gaps are filled by draws from P(value | the row's data): as often as that says, each patient alone, by the seed."""

from __future__ import annotations

import fits
import numpy as np
import pandas as pd
import pytest
from by_enumeration import FORMULA, TABLE, OneDraw

from bayes_rrmm import densities
from bayes_rrmm.cohort import Cohort
from bayes_rrmm.densities import gap_probabilities
from bayes_rrmm.gaps import draw_gaps
from bayes_rrmm.parameters import draw_from_prior
from bayes_rrmm.plan import Plan

SIZE = 8000
Z = 4.5
"""Standard errors allowed: of a hundred comparisons one in 1,500 studies would have any beyond."""


@pytest.fixture(scope="module")
def planned() -> tuple[Cohort, Plan]:
    """Rows 3 to 6 have gaps (row 5 two), row 6 is two patients; every row has an age of its own, so patterns tell rows apart."""
    return fits.cohort_and_plan(TABLE, FORMULA, endpoint='entry = "start"\nweight = "count"', model='missing = "marginalise"')


def two_vectors(plan: Plan) -> dict[str, np.ndarray]:
    """Two parameter vectors in turn, `SIZE` draws in all."""
    return {name: np.resize(values, (SIZE, *values.shape[1:])) for name, values in draw_from_prior(plan, 2, 8).items()}


def drawn(planned: tuple[Cohort, Plan], seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    cohort, plan = planned
    return draw_gaps(plan, two_vectors(plan), cohort, cohort.weight, seed)


def own(frame: pd.DataFrame, number: int) -> np.ndarray:
    """The patterns that are row `number`'s."""
    return (frame["age"] == TABLE.loc[number, "age"]).to_numpy()


def test_values_come_as_often_as_their_probability(planned: tuple[Cohort, Plan]) -> None:
    """Under either parameter vector each way to fill a row's gaps is drawn as often as its probability given all the row's data."""
    cohort, plan = planned
    frame, weight = drawn(planned)
    candidates, chances = gap_probabilities(plan, {name: values[:2] for name, values in two_vectors(plan).items()}, cohort)
    compared = 0
    for position in np.flatnonzero(~cohort.is_complete()):
        for candidate in np.flatnonzero(candidates.owner == position):
            pattern = (frame == candidates.frame.iloc[candidate]).all(axis=1).to_numpy()
            assert pattern.sum() == 1
            for vector in (0, 1):
                share = weight[vector::2, pattern].mean() / cohort.weight[position]
                chance = chances[vector, candidate]
                error = np.sqrt(chance * (1 - chance) / (SIZE / 2 * cohort.weight[position]))
                assert abs(share - chance) <= Z * error
                compared += 1
    assert compared == 2 * (2 + 2 + 4 + 2)
    assert np.abs(chances[0] - chances[1]).max() > 0.1, "the two vectors must differ, or using one for both would not show"


def test_the_outcome_is_part_of_the_row(planned: tuple[Cohort, Plan]) -> None:
    """Values are drawn given the outcome too: a patient without an event for 21 months rarely has the harmful level."""
    cohort, plan = planned
    one = {"log_rate": np.array([-3.0]), "log_shape": np.zeros(1), "beta": np.array([[1.5, 0, 0, 0]]), "gamma": np.zeros((1, 5))}
    strong = {name: np.repeat(values, SIZE, axis=0) for name, values in one.items()}
    frame, weight = draw_gaps(plan, strong, cohort, cohort.weight, 1)
    chance = OneDraw("weibull", {name: values[0] for name, values in one.items()}).chance(5, "x", "b")[0]
    assert chance < 0.2, "half of such patients have it when their outcome is not looked at"
    share = weight[:, own(frame, 5) & (frame["x"] == "b").to_numpy()].sum(axis=1).mean()
    assert abs(share - chance) <= Z * np.sqrt(chance * (1 - chance) / SIZE)


def test_patients_of_one_row_are_drawn_separately(planned: tuple[Cohort, Plan]) -> None:
    """The two patients of a row of weight 2 have one value each: both, one or none have it, as two independent draws do."""
    cohort, plan = planned
    frame, weight = drawn(planned)
    counts = weight[::2][:, own(frame, 6) & (frame["x"] == "a").to_numpy()].ravel()
    candidates, chances = gap_probabilities(plan, {name: values[:1] for name, values in two_vectors(plan).items()}, cohort)
    chance = chances[0, (candidates.owner == 5) & (candidates.frame["x"] == "a").to_numpy()][0]
    for value, expected in ((0.0, (1 - chance) ** 2), (1.0, 2 * chance * (1 - chance)), (2.0, chance**2)):
        assert 0.05 < expected < 0.95
        assert abs((counts == value).mean() - expected) <= Z * np.sqrt(expected * (1 - expected) / len(counts))


def test_gaps_of_one_row_are_drawn_together(planned: tuple[Cohort, Plan]) -> None:
    """A row that lacks two values gets one pair of them in each draw, not two halves."""
    frame, weight = drawn(planned)
    pairs = weight[:, own(frame, 5)]
    assert pairs.shape[1] == 4
    assert set(np.unique(pairs)) == {0.0, 1.0}
    np.testing.assert_array_equal(pairs.sum(axis=1), 1.0)


def test_nobody_is_lost(planned: tuple[Cohort, Plan]) -> None:
    """Every draw has every patient once; rows without gaps keep their values in all of them, and no pattern has a gap."""
    cohort, _ = planned
    frame, weight = drawn(planned)
    assert not frame.isna().to_numpy().any()
    for number in TABLE.index:
        np.testing.assert_array_equal(weight[:, own(frame, number)].sum(axis=1), TABLE.loc[number, "count"])
    np.testing.assert_array_equal(weight.sum(axis=1), cohort.patients)
    row = frame[own(frame, 7)].iloc[0]
    assert (row["x"], row["y"]) == ("b", "u")


def test_the_seed_decides(planned: tuple[Cohort, Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    """One seed gives the same values, in whatever blocks they are drawn; another seed gives others."""
    frame, weight = drawn(planned)
    monkeypatch.setattr(densities, "BLOCK", 1)
    again, same = drawn(planned)
    pd.testing.assert_frame_equal(frame, again)
    np.testing.assert_array_equal(weight, same)
    assert (weight != drawn(planned, seed=2)[1]).any(axis=1).mean() > 0.5
