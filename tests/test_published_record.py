"""Published numbers are read whole, and a file that breaks a rule is refused with the key and the remedy."""

from __future__ import annotations

import math
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from bayes_rrmm.errors import AnalysisError
from bayes_rrmm.publications import load_published, published_names
from bayes_rrmm.published_record import parse_published

FILE = Path(str(files("bayes_rrmm") / "data" / "published" / "west_china_rrmm1.toml"))
TEXT = FILE.read_text(encoding="utf-8")


def test_the_embedded_publication() -> None:
    """The abstract is found by its name, and a wrong name is answered with the right one."""
    assert published_names() == ["west_china_rrmm1"]
    assert load_published("west_china_rrmm1").source == TEXT
    with pytest.raises(AnalysisError, match="did you mean 'west_china_rrmm1'"):
        load_published("west_china_rrmm")


def test_what_is_read() -> None:
    """Counts, dates, medians not reached, intervals, p values and the follow-up in a note come out as they were written."""
    found = parse_published(TEXT)
    assert (found.study.n, found.study.median_follow_up, found.study.data_cutoff) == (257, 61.0, date(2025, 3, 31))
    assert found.study.enrolled is not None
    assert (found.study.enrolled.from_, found.study.enrolled.to) == ("2014-02", "2024-05")
    assert [(item.endpoint, item.median, item.ci) for item in found.overall][2] == ("os", 104.0, (93.5, 114.6))
    yes, no = found.group_comparison[0].groups
    assert (yes.n, yes.median, no.median) == (82, math.inf, 75.0)
    assert found.group_comparison[2].p is None
    assert found.group_comparison[2].p_below == 0.001
    assert (found.multivariable_cox[1].hr, found.multivariable_cox[1].ci) == (0.382, (0.142, 1.026))
    assert found.not_reached[0].follow_up == ("carfilzomib", 40.0)


def test_an_upper_limit_may_not_be_reached() -> None:
    """A median's interval may end in NR; a hazard ratio's may not."""
    found = parse_published(TEXT.replace("ci = [93.5, 114.6]", 'ci = [93.5, "NR"]'))
    assert found.overall[2].ci == (93.5, math.inf)
    with pytest.raises(AnalysisError, match=r"hazard_ratio\.ci"):
        parse_published(TEXT.replace("ci = [0.780, 1.403]", 'ci = [0.780, "NR"]'))


def test_a_note_without_follow_up_states_none() -> None:
    """Follow-up is taken from a note only where it says so."""
    text = TEXT.replace("median follow-up of the carfilzomib group 40 months", "carfilzomib was given late")
    assert parse_published(text).not_reached[0].follow_up is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("n = 257", "m = 257", "study.m: unknown key 'm'"),
        ("n = 257", "n = 0", r"study\.n = 0"),
        ("ci = [21.7, 26.9]", "ci = [26.9, 21.7]", r"overall\.ci .*lower limit .* below the upper"),
        ("hr = 1.046", "hr = -1.046", r"hazard_ratio\.hr = -1\.046"),
        ("median = 24.0", 'median = "n.r."', r"overall\.median = 'n\.r\.': must be a number"),
        ("schema = 1", "schema = 2", "schema = 2: must be 1"),
        ("schema = 1", "", "schema: is required"),
        ('data_cutoff = "2025-03-31"', 'data_cutoff = "31.3.2025"', 'must be a day written as "2025-03-31"'),
        ('from = "2014-02"', 'from = "2014-13"', 'must be a month written as "2014-02"'),
        ("p = 0.764", "p = 1.764", r"hazard_ratio\.p = 1\.764"),
        ("p = 0.764", "p = 0.764\np_below = 0.9", "p and p_below exclude each other"),
        ('level = "yes", n = 9', 'lvl = "yes", n = 9', "unknown key 'lvl'; did you mean 'level'"),
        ('level = "yes", n = 9', 'level = "no", n = 9', "each level stands once"),
        (', { level = "no", n = 47, median = 75.0 }', "", "needs two groups or more"),
        ("[study]", "[study", "not valid TOML"),
        ("schema = 1", 'schema = 1\nsource = "x"', "source: unknown key"),
    ],
)
def test_what_is_refused(old: str, new: str, message: str) -> None:
    """A broken rule names the file, the key, the value and what to do."""
    assert old in TEXT
    with pytest.raises(AnalysisError, match=message) as refused:
        parse_published(TEXT.replace(old, new, 1), "paper.toml")
    assert str(refused.value).startswith("paper.toml: ")
