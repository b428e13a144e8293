"""What dossier figures share: round ticks, sides in words, whose interval it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from normal_dossier import normal_dossier, with_table

from bayes_rrmm.plots.dossier_frame import interval_of, round_ticks, sides


@pytest.mark.parametrize(
    ("ends", "ticks"),
    [((0.1, 5.0), [0.1, 0.3, 1.0, 3.0]), ((0.5, 2.0), [0.5, 1.0, 2.0]), ((0.31, 0.42), [0.31, 0.42]), ((0.01, 100.0), None)],
)
def test_ticks_are_round_and_inside(ends: tuple[float, float], ticks: list[float] | None) -> None:
    """At most four; where no round number lies inside both ends are ticks."""
    found = round_ticks(*ends, 4).tolist()
    assert found == pytest.approx(ticks) if ticks else len(found) <= 4
    assert all(ends[0] * 0.999 <= tick <= ends[1] * 1.001 for tick in found)


def test_sides_name_the_variable_where_the_level_says_nothing() -> None:
    """A level called yes or no is told with the name of its variable."""
    found = normal_dossier()
    assert sides(found) == ("favours few", "favours many")
    assert sides(replace(found, group="yes", versus="no")) == ("favours group = yes", "favours group = no")


def test_the_interval_is_that_of_the_refits() -> None:
    """Its probability is the refits'; 95% where none has any."""
    found = normal_dossier()
    refits = found.to_dataframe("refits")
    assert interval_of(with_table(found, "refits", refits.assign(prob=0.8))) == "80%"
    assert interval_of(with_table(found, "refits", refits.assign(prob=0.975))) == "97.5%"
    assert interval_of(with_table(found, "refits", refits.assign(prob=float("nan")))) == "95%"
