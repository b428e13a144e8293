"""The agreement table for print shows crosscheck.csv: both numbers, how far apart, the verdict, and each reason in a footnote."""

from __future__ import annotations

import dataclasses

import pytest

from bayes_rrmm.agreement.verdict import REASONS
from bayes_rrmm.errors import FitError
from bayes_rrmm.reports.agreement_words import agreement_words
from bayes_rrmm.results import Results, results_of
from bayes_rrmm.tables import agreement
from bayes_rrmm.tables.wording import letter


def test_each_number_is_that_of_the_file(results: Results) -> None:
    """Posterior, Cox, difference, width ratio and verdict of a hazard ratio are those of its row."""
    frame = agreement(results).to_dataframe()
    table = results.crosscheck
    for group in ("c", table["group"].iloc[0]):
        row = table[(table["estimand"] == "hazard-ratio") & (table["group"] == group) & (table["method"] == "Cox")].iloc[0]
        (shown,) = (
            frame[(frame["heading"] == "Hazard ratio by group: Cox") & (frame["Quantity"] == f"{group} / b")].to_numpy().tolist()
        )
        numbers = [
            f"{row[n]:.2f} [{row[f'{s}_lower']:.2f}, {row[f'{s}_upper']:.2f}]"
            for n, s in (("bayes", "bayes"), ("frequentist", "freq"))
        ]
        assert shown[2:7] == [*numbers, f"{row['difference_in_se']:.2f}", f"{row['width_ratio']:.2f}", row["verdict"]]


def test_every_reason_has_a_footnote(results: Results) -> None:
    """The letters beside a verdict stand for its reasons, in words, and each letter is used."""
    table = agreement(results)
    frame, crosscheck = table.to_dataframe(), results.crosscheck
    said = dict(note.split(": ", 1) for note in table.notes if len(note.split(": ", 1)[0]) == 1)
    used = {mark for cell in frame["Notes"] for mark in cell.split(", ") if mark}
    assert used == set(said)
    row = crosscheck[(crosscheck["estimand"] == "survival") & (crosscheck["group"] == "c") & (crosscheck["at"] == 60)].iloc[0]
    (shown,) = frame[frame["heading"].str.startswith("Survival by group") & (frame["Quantity"] == "c, at 60")].to_dict("records")
    assert row["reason_code"]
    assert [said[mark] for mark in shown["Notes"].split(", ")] == [f"{REASONS[code]}." for code in row["reason_code"].split(";")]


def test_tests_come_last_with_their_p(results: Results) -> None:
    """Log-rank, Schoenfeld and the baseline's fit stand below the comparisons, each with its p value and convention."""
    table = agreement(results)
    headings = [line.cells[0] for line in table.lines if line.is_heading]
    assert headings[-4:] == ["Equal hazards: tests", "Proportional hazards: tests", "Baseline fits: tests", "Follow-up"]
    (row,) = results.crosscheck.query("estimand == 'baseline-fit'").to_dict("records")
    frame = table.to_dataframe()
    (shown,) = frame[frame["heading"] == "Baseline fits: tests"].to_dict("records")
    assert shown["Frequentist"] == f"p {row['frequentist']:.3f}"
    assert f"{shown['Notes']}: {row['convention']}." in table.notes
    (follow_up,) = results.crosscheck.query("estimand == 'follow-up'").to_dict("records")
    assert frame["Frequentist"].iloc[-1].startswith(f"{follow_up['frequentist']:.1f} [")


def test_counterparts_stand_below_their_quantity(results: Results) -> None:
    """Unadjusted counterparts are named so below the main one; maximum likelihood is there only where it explains something."""
    names = agreement(results).to_dataframe()["Quantity"]
    assert "c / b: Cox, unadjusted" in set(names)
    main = results.crosscheck.drop_duplicates(["estimand", "group", "versus", "contrast", "at"])
    explained = main[(main["unit"] != "p") & (main["estimand"] != "follow-up")]
    explained = explained[(explained["verdict"] == "differ") | explained["frequentist"].isna()]
    assert names.str.endswith(": Weibull ML").sum() == len(explained)


def test_verdicts_are_counted_as_the_report_counts_them(results: Results) -> None:
    """The note counts each quantity once, by its main counterpart, as the report's text does."""
    (note,) = [note for note in agreement(results).notes if note.startswith("Of ")]
    counted = agreement_words(results)[0]
    quantities, agree = counted.split()[1], counted.split(": ")[1].split()[0]
    assert note.startswith(f"Of {quantities} quantities (main counterpart of each) {agree} agree")
    assert int(quantities) < len(results.crosscheck)


def test_without_rows_there_is_nothing_to_compare(results: Results) -> None:
    """A fit saved without its rows has no agreement table unless its folder holds one, and the remedy is named."""
    bare = results_of(dataclasses.replace(results.fit, cohort=None))
    with pytest.raises(FitError, match="needs the analysed rows"):
        agreement(bare)


def test_letters_go_on() -> None:
    """After z comes aa."""
    assert [letter(place) for place in (0, 25, 26, 27)] == ["a", "z", "aa", "ab"]
