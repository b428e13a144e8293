"""The table of estimates shows estimates.csv: every quantity, rounded by the one rule, with its probabilities and its checks."""

from __future__ import annotations

import dataclasses
import math

import pandas as pd

from bayes_rrmm.results import Results, results_of
from bayes_rrmm.tables import estimates

AWKWARD = "A&B_50% <x>"


def cells(results: Results, heading: str, name: str) -> list[str]:
    """The cells of one line, by its heading and its whole name."""
    frame = estimates(results).to_dataframe()
    (row,) = frame[(frame["heading"] == heading) & (frame["Quantity"] == name)].to_numpy().tolist()
    return [str(cell) for cell in row[2:]]


def chosen(results: Results, estimand: str, group: str, **where: object) -> pd.Series:
    table = results.estimates
    keep = (table["estimand"] == estimand) & (table["group"] == group)
    for name, value in where.items():
        keep &= table[name] == value
    (row,) = (row for _, row in table[keep].iterrows())
    return row


def test_hazard_ratios_are_those_of_the_file(results: Results) -> None:
    """Median and interval have two decimals, P three; a further threshold has a line below with its own probabilities."""
    for group in (AWKWARD, "c"):
        row = chosen(results, "hazard-ratio", group, threshold=1.0)
        shown = [
            f"{row['median']:.2f}",
            f"{row['lower']:.2f} to {row['upper']:.2f}",
            f"{row['p_below']:.3f}",
            f"{row['p_above']:.3f}",
        ]
        assert cells(results, "Hazard ratio by group", f"{group} / b") == [*shown, "passed"]
        other = chosen(results, "hazard-ratio", group, threshold=0.8)
        below = ["", "", f"{other['p_below']:.3f}", f"{other['p_above']:.3f}", ""]
        assert cells(results, "Hazard ratio by group", f"{group} / b: threshold 0.8") == below


def test_times_and_probabilities(results: Results) -> None:
    """Months have one decimal, survival three; what lies beyond the group's follow-up has a dagger, and a note says so."""
    row = chosen(results, "rmst", "c")
    assert cells(results, "RMST difference (months) to 12 by group", "c - b")[0] == f"{row['median']:.1f}"
    at_12, at_60 = (chosen(results, "survival", "c", at=time) for time in (12.0, 60.0))
    assert cells(results, "Survival by group", "c, at 12")[0] == f"{at_12['median']:.3f}"
    assert cells(results, "Survival by group", "c, at 60")[0] == f"{at_60['median']:.3f}\u2020"
    assert (at_12["extrapolated"], at_60["extrapolated"]) == (False, True)
    assert any(note.startswith("\u2020 Beyond the group's follow-up") for note in estimates(results).notes)


def test_ranks_have_their_probabilities(results: Results) -> None:
    """Rank, P(best), P(worst) and SUCRA each have a heading, the levels below it in one place."""
    table = estimates(results)
    headings = [line.cells[0] for line in table.lines if line.is_heading]
    assert len(headings) == len(set(headings))
    for estimand, heading in (("probability-best", "Probability of being best by group"), ("sucra", "SUCRA by group")):
        for group in (AWKWARD, "b", "c"):
            row = chosen(results, estimand, group)
            expected = "<0.001" if row["mean"] < 0.0005 else f"{row['mean']:.3f}"
            assert cells(results, heading, group)[:2] == [expected, ""]
    row = chosen(results, "rank", "b")
    assert cells(results, "Rank (1 is best) by group", "b")[0] == f"{row['median']:.1f}"


def test_every_row_of_the_file_is_shown(results: Results) -> None:
    """There is a line for each row of estimates.csv."""
    assert len(estimates(results).to_dataframe()) == len(results.estimates)


def test_a_fit_without_rows_still_has_its_file(results: Results) -> None:
    """Where a folder holds estimates.csv and no rows, the table shows the file."""
    bare = results_of(dataclasses.replace(results.fit, cohort=None))
    bare.__dict__["estimates"] = results.estimates
    assert estimates(bare).lines == estimates(results).lines


def test_what_is_not_reached_and_what_failed(results: Results) -> None:
    """An infinite median is NR with a note, and a quantity that failed its checks says so."""
    table = results.estimates.copy()
    median = table.index[table["estimand"] == "median"][0]
    table.loc[median, ["median", "upper"]] = math.inf
    table["passed"] = table["passed"].astype(object)
    table.loc[median, "passed"] = False
    changed = dataclasses.replace(results)
    changed.__dict__.update(results.__dict__)
    changed.__dict__["estimates"] = table
    row = table.loc[median]
    shown = cells(changed, "Median survival (months) by group", row["group"])
    assert shown == ["NR", f"{row['lower']:.1f} to NR", "", "", "FAILED"]
    assert any(note.startswith("NR: not reached") for note in estimates(changed).notes)
    table["interval"] = ["hdi"] + ["eti"] * (len(table) - 1)
    marked = [line.cells[2] for line in estimates(changed).lines if not line.is_heading]
    assert not marked[0].endswith("\u2021")
    assert marked[2].endswith("\u2021")
    assert any(note == "\u2021 Equal-tailed." for note in estimates(changed).notes)
