"""`br.published`: the abstract's numbers as the issue wants them, files of the user's, and errors in words."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bayes_rrmm as br
from bayes_rrmm.cli.as_json import to_json
from bayes_rrmm.evidence import PublishedEvidence
from bayes_rrmm.evidence.contrast import Contrast
from bayes_rrmm.evidence.same_patients import too_wide_for_the_patients
from bayes_rrmm.published_record import Published, parse_published

PFS, OS, PAIR = "pfs2 pomalidomide", "os pomalidomide", "pfs1 against pfs2"


def contrast(evidence: PublishedEvidence, about: str) -> Contrast:
    return next(item for item in evidence.contrasts if item.about == about)


def only(lines: str, study: str = "", **options: Any) -> PublishedEvidence:
    """What one hazard ratio called A supports."""
    return br.published(parse_published(f'schema = 1\n{study}\n[[hazard_ratio]]\ncontrast = "A"\n{lines}\n'), **options)


def test_pomalidomide_from_the_abstract(evidence: PublishedEvidence) -> None:
    """log HR -0.865, se 0.345, z -2.50, p 0.012, sceptical limit 2.35; on OS p 0.056 and no crossing."""
    found = contrast(evidence, PFS)
    assert (round(found.precision.log_hr, 3), round(found.precision.se, 3), round(found.z, 2)) == (-0.865, 0.345, -2.50)
    assert (round(found.p, 3), round(found.weight.even)) == (0.012, 34)
    assert (found.credibility.kind, round(found.credibility.limit, 2), found.credibility.shown) == ("sceptical", 2.35, "2.35")
    assert found.credibility.limit == pytest.approx(
        math.exp(math.log(0.829 / 0.214) ** 2 / (4 * math.sqrt(math.log(0.829) * math.log(0.214))))
    )
    survival = contrast(evidence, OS)
    assert (round(survival.p, 3), survival.credibility.kind, survival.credibility.shown) == (0.056, "advocacy", "< 0.001")
    assert math.isnan(survival.tipping.sd)
    assert "log HR -0.865, se 0.345, z -2.50; recovered p 0.012" in str(evidence)
    assert "recovered p 0.056" in str(evidence)
    assert "sceptical limit 2.35" in str(evidence)
    assert "advocacy limit < 0.001" in str(evidence)


def test_the_interval_of_pfs1_against_pfs2_is_wider_than_its_patients_allow(evidence: PublishedEvidence) -> None:
    """It is the only finding, with its standard error, the events that would take, and what 257 pairs allow: 0.10, by any
    count of events that medians reached leave; Cox within patients would be as wide with 178 telling pairs."""
    problem = " ".join(contrast(evidence, PAIR).problems)
    assert problem in evidence.findings
    assert all(not contrast(evidence, about).problems for about in (PFS, OS))
    for part in ("standard error of 0.150", "about 178 events", "each of the 257 patients is on both sides", "about 0.10 ("):
        assert part in problem
    assert "Cox stratified by patient" in problem
    assert "with 178 such pairs" in problem
    least, most = 0.088, 0.108  # 257 events against 257, and against half as many
    assert least < math.sqrt(1 / 257 + 1 / 150) < most
    assert "(0.088 to 0.108)" in problem
    shown = str(evidence)
    assert "standard error of 0.150" in shown.partition("Found in the published numbers:")[2]


def test_the_width_of_cox_within_patients_is_that_of_its_formula() -> None:
    """The pairs named give the published standard error back: 1/wins + 1/losses with wins : losses = HR."""
    for ratio, se in ((1.046, 0.1498), (2.0, 0.3)):
        pairs = (1 + ratio) ** 2 / (ratio * se**2)
        wins = pairs * ratio / (1 + ratio)
        assert math.sqrt(1 / wins + 1 / (pairs - wins)) == pytest.approx(se)


def test_the_width_is_noticed_only_where_it_can_be_judged(published: Published) -> None:
    """Not where the interval is narrow, the medians are not published, the patients not counted, or groups are compared."""
    assert too_wide_for_the_patients(PAIR, 0.045, 0.15, published)
    assert not too_wide_for_the_patients(PAIR, 0.045, 0.12, published)
    assert not too_wide_for_the_patients("a against b", 0.045, 0.15, published)
    assert not too_wide_for_the_patients(PAIR, 0.045, 0.15, published.model_copy(update={"overall": ()}))
    uncounted = published.study.model_copy(update={"n": None})
    assert not too_wide_for_the_patients(PAIR, 0.045, 0.15, published.model_copy(update={"study": uncounted}))
    assert "wider still" in too_wide_for_the_patients(PAIR, 3.0, 0.2, published)[0]


def test_stated_events_say_what_is_allowed() -> None:
    """257 events against 150 give 0.103: an interval of 0.150 is wider than that, one of 0.05 narrower, 0.104 neither."""
    for ci, says in (
        ("[0.780, 1.403]", "wide as they allow"),
        ("[0.948, 1.154]", "narrower than they allow"),
        ("[0.853, 1.282]", ""),
    ):
        problems = only(f"hr = 1.046\nci = {ci}\nevents = [257, 150]").contrasts[0].problems
        assert len(problems) == bool(says)
        assert all(says in problem and "257 and 150 events stated give 0.103" in problem for problem in problems)
    crowded = only("hr = 0.5\nci = [0.45, 0.5555]\nn = [20, 200]").contrasts[0].problems
    assert "narrower than 20 and 200 patients give if every one has the event" in crowded[0]


def test_what_it_weighs_where_the_group_is_known(published: Published) -> None:
    """1/(se^2 pi (1 - pi)) events, and the d of the small group with 1/d + 1/d_other = se^2; from sizes, events, share, or a
    comparison elsewhere."""
    se = math.log(3.0 / 1.0) / 3.919928
    ci = f"hr = {math.sqrt(3)}\nci = [1.0, 3.0]"
    for line, share in (("n = [9, 248]", 9 / 257), ("events = [30, 10]", 0.75), ("share = 0.2", 0.2)):
        weight = only(f"{ci}\n{line}").contrasts[0].weight
        assert weight.share == pytest.approx(share)
        assert weight.events == pytest.approx(1 / (se**2 * share * (1 - share)))
        other = weight.own * max(share, 1 - share) / min(share, 1 - share)
        assert 1 / weight.own + 1 / other == pytest.approx(se**2)
        assert weight.own + other == pytest.approx(weight.events)
    unknown = only(ci).contrasts[0].weight
    assert (unknown.even, unknown.own) == (pytest.approx(4 / se**2), pytest.approx(1 / se**2))
    assert math.isnan(unknown.events)
    text = published.source.replace('term = "pomalidomide"', 'term = "salvage_asct"', 1)
    transplant = br.published(parse_published(text)).contrasts[1]
    assert (transplant.about, transplant.weight.share_from) == ("pfs2 salvage_asct", "9 of 257 patients")
    assert transplant.weight.own == pytest.approx(1 / (transplant.precision.se**2 * (1 - 9 / 257)))


def test_a_minimal_file_has_only_hazard_ratios(tmp_path: Path) -> None:
    """`schema = 1` and one hazard ratio are enough, from a path as text or Path; nothing is said of patients."""
    path = tmp_path / "paper.toml"
    path.write_text('schema = 1\n[[hazard_ratio]]\ncontrast = "A against B"\nhr = 1.8\nci = [1.2, 2.7]\n', encoding="utf-8")
    for source in (path, str(path)):
        found = br.published(source)
        assert "patients" not in found.title
        assert found.contrasts[0].tipping.side == "above"
        assert "above 1" in found.conclusions["A against B"]


def test_a_p_value_stands_in_for_an_interval() -> None:
    """Without an interval the standard error is |log HR|/z of the p value; a bound, or p = 1, leaves it open and says so."""
    found = only("hr = 0.6\np = 0.03").contrasts[0]
    assert found.precision.source == "p value"
    assert found.p == pytest.approx(0.03)
    assert "interval recovered from the p value" in str(only("hr = 0.6\np = 0.03"))
    blood_pressure = only("hr = 0.30\np = 0.034").contrasts[0]  # Altman and Bland's own example: 0.10 to 0.90
    assert [round(limit, 1) for limit in blood_pressure.interval] == [0.1, 0.9]
    for line, says in (
        ("p_below = 0.001", "p < 0.001 is only a bound"),
        ("p = 1.0", "leaves the precision open"),
        ("p = 0.0", "leaves the precision open"),
        ("", "neither an interval nor a p value"),
    ):
        silent = only(f"hr = 0.6\n{line}")
        assert silent.contrasts == ()
        assert says in " ".join(silent.findings)
        assert silent.to_dataframe().empty
        assert silent._repr_html_()


def test_numbers_that_contradict_each_other_are_said_to() -> None:
    """Beside the contrast, below, and in its conclusion; nothing then says that all agree."""
    found = only("hr = 2.5\nci = [1.6, 3.9]\np = 0.2")
    assert "the interval implies p < 0.001, and p = 0.2 is published" in found.findings[0]
    assert "contradict each other" in found.conclusions["A"]
    assert "contradict each other, see below" in str(found)
    assert "agree with each other" not in str(found)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("hr = 0.3\nci = [0.2, 0.45]", "All 5 priors make it at least 0.975 probable that the hazard ratio is below 1"),
        ("hr = 3.0\nci = [2.0, 4.5]", "All 5 priors make it at least 0.975 probable that the hazard ratio is above 1"),
        ("hr = 1.05\nci = [0.8, 1.378]", "None of the 5 priors makes it 0.975 probable"),
        ("hr = 0.421\nci = [0.214, 0.829]", "yes with enthusiastic, neutral, vague, the flat one, no with sceptical"),
        ("hr = 0.7\nci = [0.49, 1.0]", "ends at 1 exactly"),
        ("hr = 1.0\nci = [0.5, 2.0]", "centred at 1"),
        ("hr = 0.6\nci = [0.355, 1.015]", "so narrowly that other evidence below 1, be it as wide as 0.001 to 1, would exclude it"),
        ("hr = 1.8\nci = [1.01, 3.21]", "is within the sceptical limit of 22.26, so it is in need of other evidence"),
    ],
)
def test_conclusions_follow_several_numbers(lines: str, says: str) -> None:
    """The same words never come of one threshold alone: probabilities under each prior, the limit and the weight are named."""
    text = only(lines).conclusions["A"]
    assert says in text
    assert "It weighs as much as" in text
    assert text.count(". ") <= 2


def test_a_limit_that_is_1_to_its_rounding_is_pointed_out() -> None:
    """Where another decimal could turn the verdict the words end with that, and nowhere else."""
    decides = "The rounding of the printed limits decides this."
    assert only("hr = 0.70\nci = [0.49, 1.0]").contrasts[0].limit_words.endswith(decides)
    assert not only("hr = 0.71\nci = [0.51, 0.98]").contrasts[0].limit_words.endswith(decides)
    assert not only("hr = 0.70\np = 0.04").contrasts[0].limit_words.endswith(decides)


def test_own_priors_and_thresholds_are_used() -> None:
    """A prior of one's own stands last; the second probability is that of the ratio asked for; the threshold is the tipping's."""
    found = only("hr = 0.7\nci = [0.5, 0.98]", priors={"trial": {"hazard_ratio": 0.8, "upper95": 1.2}}, below=0.9, threshold=0.9)
    item = found.contrasts[0]
    assert [line.prior.name for line in item.posteriors] == ["sceptical", "enthusiastic", "neutral", "vague", "flat", "trial"]
    assert "P(HR < 0.9)" in str(found)
    assert item.tipping.threshold == 0.9
    table = found.to_dataframe()
    assert table["below"].eq(0.9).all()
    assert table["p_below_ratio"].iloc[4] == pytest.approx(item.posterior("flat").p_below_ratio)
    narrow = item.posterior("trial")
    assert narrow.prior_share > item.posterior("vague").prior_share


def test_every_form_says_the_same(evidence: PublishedEvidence) -> None:
    """Table, text, page and JSON hold the same numbers; no line of the text is wider than 124 columns."""
    table = evidence.to_dataframe()
    assert len(table) == 15
    row = table[(table["contrast"] == PFS) & (table["prior"] == "sceptical")].iloc[0]
    text = str(evidence)
    assert max(map(len, text.splitlines())) <= 124
    assert f"{row['posterior_hr']:.2f} [{row['posterior_lower']:.2f}, {row['posterior_upper']:.2f}]" in text
    record = json.loads(to_json(evidence.record()))
    assert [item["contrast"] for item in record["contrasts"]] == [PAIR, PFS, OS]
    assert record["contrasts"][1]["priors"][0]["posterior_hr"] == pytest.approx(row["posterior_hr"])
    assert record["contrasts"][1]["limit"] == pytest.approx(row["limit"])
    assert record["contrasts"][0]["priors"][4]["prior_sd"] == "Infinity"
    page = evidence._repr_html_()
    for words in (*evidence.conclusions.values(), evidence.pools[0].warning):
        assert words.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;") in page


def test_pooling_warns_of_shared_patients(evidence: PublishedEvidence) -> None:
    """Two endpoints of the 257 patients: the warning says so; contrasts of a file without a study are only suspected."""
    (found,) = evidence.pools
    assert found.names == (OS, PFS)
    assert "of the same 257 patients: not independent" in found.warning
    frame = evidence.pooled_dataframe()
    assert {"tau", "Q", "I2", "pooled hazard ratio", "shrunken hazard ratio"} <= set(frame["quantity"])
    assert np.isfinite(frame["value"]).all()
    text = 'schema = 1\n[[hazard_ratio]]\ncontrast = "A"\nhr = 0.5\nci = [0.3, 0.9]\n'
    text += '[[hazard_ratio]]\ncontrast = "B"\nhr = 0.7\np = 0.2\n'
    other = br.published(parse_published(text), pool="all")
    assert other.pools[0].names == ("A", "B")
    assert "those that share patients are not" in str(other)
    assert len(br.published("west_china_rrmm1", pool=["all", [OS, PFS]]).pools) == 2


@pytest.mark.parametrize(
    ("pool", "message"),
    [
        ([["os pomalidomid", PFS]], "'os pomalidomid' is not a hazard ratio of this publication; did you mean 'os pomalidomide'"),
        ([[OS]], "stands alone; name two"),
        ([[]], "stands alone; name two"),
        ([[OS, OS]], "stands twice"),
        ([OS, PFS], "is one name; give a list of groups"),
    ],
)
def test_pools_that_are_none_are_refused(pool: Any, message: str) -> None:
    """A name that is not there is answered with the nearest; a group has two different names or more."""
    with pytest.raises(br.AnalysisError, match=message):
        br.published("west_china_rrmm1", pool=pool)


def test_a_contrast_without_precision_is_not_pooled() -> None:
    """It says which, and why."""
    text = 'schema = 1\n[[hazard_ratio]]\ncontrast = "A"\nhr = 0.5\nci = [0.3, 0.9]\n[[hazard_ratio]]\ncontrast = "B"\nhr = 0.7\n'
    with pytest.raises(br.AnalysisError, match="'B' has neither an interval nor a p value"):
        br.published(parse_published(text), pool="all")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alternative": 1.0}, "alternative = 1: must be a hazard ratio above 0 other than 1"),
        ({"alternative": -0.5}, "alternative"),
        ({"threshold": 1.0}, "threshold = 1: must be a probability above 0.5 and below 1"),
        ({"threshold": math.nan}, "threshold"),
        ({"below": 0.0}, "below = 0: must be a hazard ratio above 0"),
    ],
)
def test_numbers_that_are_none_are_refused(options: dict[str, float], message: str) -> None:
    """Each names itself, its value and the rule."""
    with pytest.raises(br.AnalysisError, match=message):
        br.published("west_china_rrmm1", **options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema = 1\n[study]\nn = 9\n", r"has no hazard ratio; add `\[\[hazard_ratio\]\]`"),
        ('schema = 1\n[[hazard_ratio]]\ncontrast = "A"\nhr = 0.5\nci = [0.9, 0.2]\n', r"ci = \[0.9, 0.2\]: the lower limit"),
        ('schema = 1\n[[hazard_ratio]]\ncontrast = "A"\nhr = 0.5\ncl = [0.2, 0.9]\n', "unknown key 'cl'; did you mean 'ci'"),
        ('schema = 1\n[[hazard_ratio]]\ncontrast = "A"\nhr = 0.5\nn = [9, 3]\nevents = [10, 1]\n', "more events than patients"),
        ('schema = 1\n[[hazard_ratio]]\ncontrast = "A"\nhr = 0.5\nshare = 0.1\nevents = [10, 1]\n', "exclude each other"),
        (
            'schema = 1\n[[hazard_ratio]]\ncontrast = "A"\nhr = 1\n[[hazard_ratio]]\ncontrast = "A"\nhr = 2\n',
            "two .* are called 'A'",
        ),
        ('[[hazard_ratio]]\ncontrast = "A"\nhr = 0.5\n', "schema: is required"),
    ],
)
def test_files_that_break_a_rule_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """With the file, the key, and what to do."""
    path = tmp_path / "paper.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(br.AnalysisError, match=message) as refused:
        br.published(path)
    assert "paper.toml" in str(refused.value)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    """A path that leads nowhere, a folder, a text in another encoding, a name that is not embedded."""
    with pytest.raises(br.AnalysisError, match="there is no such file; check the path"):
        br.published(tmp_path / "nowhere.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(br.AnalysisError, match="this is a directory"):
        br.published(tmp_path / "folder.toml")
    (tmp_path / "latin.toml").write_bytes("schema = 1\n# é\n".encode("latin-1"))
    with pytest.raises(br.AnalysisError, match="line 2 is not UTF-8"):
        br.published(tmp_path / "latin.toml")
    with pytest.raises(br.AnalysisError, match="did you mean 'west_china_rrmm1'"):
        br.published("west_china_rrmm2")
