"""The report holds what it promises: answer, marks, figures, tables, methods, checklist; and no patient, no address, no request."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import xarray as xr
from matplotlib.figure import Figure
from small_study import (
    DOSSIER_FIGURES,
    FAILED,
    dossier,
    failing_fit,
    failing_report,
    of_few_draws,
    patients,
    report_with_dossier,
    results,
)

import bayes_rrmm as br
from bayes_rrmm.plots.gallery import GALLERY
from bayes_rrmm.reports import files, sections
from bayes_rrmm.reports.blocks import drawn
from bayes_rrmm.results import TABLES, results_of
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.run_folder import write_table
from bayes_rrmm.sensitivity.dossier_folder import SECTIONS, write_dossier


class Outline(HTMLParser):
    """The ids, headings, images, tables, words and every attribute that could load something."""

    VOID = ("meta", "img", "input", "option", "br", "line", "circle")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.images: list[dict[str, str]] = []
        self.links: list[str] = []
        self.tables = 0
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[name] for name in ("src", "href", "action", "data", "srcset", "poster") if name in found]
        self.images += [found] if tag == "img" else []
        self.tables += tag == "table"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag, f"{tag} closes nothing that is open"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)
            if self.open[-1] in ("h1", "h2", "h3"):
                self.headings.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def page() -> Outline:
    return Outline(report_with_dossier().html)


@pytest.fixture(scope="module")
def failing() -> Outline:
    return Outline(failing_report().html)


def test_it_is_well_formed(page: Outline) -> None:
    """Every tag that is opened is closed in its order, every id is there once, every link inside the page leads somewhere."""
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    inside = [link[1:] for link in page.links if link.startswith("#")]
    assert inside
    assert set(inside) <= set(page.ids)


def test_it_loads_nothing_from_elsewhere(page: Outline) -> None:
    """Every source is inside the page, and a policy in the page forbids any other."""
    assert all(link.startswith(("#", "data:image/svg+xml;base64,")) for link in page.links)
    html = report_with_dossier().html
    assert "default-src 'none'" in html
    assert not re.search(r"@import|url\(|<link|<iframe", html)


def test_sections_stand_in_their_order(page: Outline) -> None:
    """The answer comes first, then results and whom they are about, what they are compared with, and how they were made."""
    wanted = [
        "Question and answer", "Results", "Patients", "Agreement with Cox and Kaplan-Meier", "What few can say against many",
        "Does the model fit?", "Diagnostics", "Methods, ready to paste", "Priors in words", "Reporting checklist", "Provenance",
    ]  # fmt: skip
    assert [name for name in page.headings if name in wanted] == wanted


def test_every_figure_is_there_with_words(page: Outline) -> None:
    """All figures that apply, and those of the dossier, each with an alternative text of its own."""
    expected = [figure.name for figure in GALLERY if figure.applies(results())] + [f"{name}-1" for name in DOSSIER_FIGURES]
    assert sorted(name.removeprefix("figure-") for name in page.ids if name.startswith("figure-")) == sorted(expected)
    assert "not drawn" not in page.text
    words = [image["alt"] for image in page.images]
    assert all(len(text) > 40 for text in words)
    assert len(set(words)) == len(words)


def test_the_answer_is_the_posterior(page: Outline) -> None:
    """The hazard ratio in the answer is that of the estimates, rounded by the one rule, and its strength is that of its P."""
    table = results().estimates
    ratios = table[(table["estimand"] == "hazard-ratio") & (table["threshold"] == 1.0)]
    clearest = ratios.loc[ratios[["p_below", "p_above"]].max(axis=1).idxmax()]
    shown = "{} [{}, {}]".format(*(figure_of(clearest[name], "ratio") for name in ("median", "lower", "upper")))
    answer = page.text.split("Question and answer")[1].split("Evidence is called")[0]
    assert shown in answer
    assert "not an effect of treatment" in answer


def test_no_patient_is_in_it(page: Outline) -> None:
    """No patient's time or age, told to a few digits, is anywhere in the page's words, its data or its script, nor in a figure's
    description; no row is pointed at by its number."""
    html = report_with_dossier().html
    drawn = [base64.b64decode(found).decode() for found in re.findall(r"base64,([A-Za-z0-9+/=]+)", html)]
    assert len(drawn) == len(page.images)
    html = re.sub(r"base64,[A-Za-z0-9+/=]+", "", html)
    html += "".join(re.findall(r"<metadata>.*?</metadata>", "".join(drawn), re.DOTALL))
    frame = patients()
    for values in (frame["time"], frame["age"]):
        for value in values:
            assert f"{value:.4f}" not in html
            assert repr(float(value)) not in html
    assert not re.search(r"\brows? \d+\b", f"{page.text} {' '.join(image['alt'] for image in page.images)}")


def test_the_explorer_s_numbers_are_those_of_the_refits(page: Outline) -> None:
    """The slider's ends are the sceptical and the enthusiastic refit of the dossier."""
    priors = dossier().to_dataframe("priors").set_index("prior")
    data = re.search(r'<script type="application/json">(.*?)</script>', report_with_dossier().html, re.DOTALL)
    assert data is not None
    points = json.loads(data.group(1))
    for point, name in ((points[0], "sceptical"), (points[-1], "enthusiastic")):
        row = priors.loc[name]
        assert point["hr"] == figure_of(row["hr"], "ratio")
        assert point["interval"] == f"[{figure_of(row['lower'], 'ratio')}, {figure_of(row['upper'], 'ratio')}]"
        assert point["p"] == figure_of(row["p_below_1"], "probability")
        assert point["refitted"]
    assert not all(point["refitted"] for point in points)
    assert f"{points[0]['interval']} (95% equal-tailed)" in page.text
    assert "the refit's 95% equal-tailed interval" in page.text
    assert "HR 1.00 (sceptical)" in page.text


def test_a_failed_check_stands_above_everything(failing: Outline) -> None:
    """The mark comes before the title; the answer warns; the checklist does not tick what failed."""
    text = failing.text
    assert text.index("Diagnostics failed") < text.index("Bayesian survival analysis report")
    assert FAILED["failed"][0] in text.split("Bayesian survival analysis report")[0]
    assert "Nothing below is to be relied on" in text
    assert all("DIAGNOSTICS FAILED" in image["alt"] for image in failing.images)
    assert failing.text.count("DIAGNOSTICS FAILED") >= 1 + failing.tables - 1


def stuck(by_chain: bool) -> br.Fit:
    """A fit that failed since no chain moved: each stands where it, or the first of them, began."""
    parts = {name: node.to_dataset() for name, node in failing_fit().tree.children.items()}
    for name in ("posterior", "log_prior"):
        parts[name] = parts[name].copy(deep=True)
        for values in parts[name].data_vars.values():
            values[:] = values.to_numpy()[: None if by_chain else 1, :1].copy()
    return dataclasses.replace(failing_fit(), tree=xr.DataTree.from_dict(parts))


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")  # ArviZ's, of variances that are 0
@pytest.mark.parametrize("by_chain", [True, False], ids=["each at its own", "all at one"])
def test_chains_that_never_moved_are_reported_with_the_mark(by_chain: bool) -> None:
    """The report of a fit whose sampler was stuck is made, and marked; a figure that cannot be drawn of it is named."""
    made = br.report(stuck(by_chain))
    assert "DIAGNOSTICS FAILED" in made.mark
    assert "Nothing below is to be relied on" in Outline(made.html).text


def unlucky() -> Figure:
    raise ValueError("no density of one value")


def test_one_figure_of_a_failed_fit_does_not_take_down_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where drawing fails of a fit that failed the figure is left out and named; of one that passed the error is raised."""
    assert drawn("trace", "", unlucky, lenient=True)["text"] == "Figure trace: not drawn. no density of one value"
    with pytest.raises(ValueError, match="no density"):
        drawn("trace", "", unlucky)
    monkeypatch.setattr(files, "figures_of", lambda *_: iter([("trace", "", unlucky)]))
    assert files.write_figures(results_of(failing_fit()), [], tmp_path)[1] == ["trace: no density of one value"]
    with pytest.raises(ValueError, match="no density"):
        files.write_figures(results(), [], tmp_path)


def test_a_passing_report_has_no_mark(page: Outline) -> None:
    """Nothing says failed where nothing did."""
    assert "DIAGNOSTICS FAILED" not in report_with_dossier().html
    assert report_with_dossier().mark == ""


def test_a_report_without_rows_says_so(tmp_path: Path) -> None:
    """A run folder without rows is reported as far as its draws and tables go: no Table 1, and the checklist says why."""
    few = results_of(of_few_draws())
    folder = br.save_fit(few.fit, tmp_path / "run", rows=False)
    for name, file in TABLES.items():
        write_table(folder / file, getattr(few, name))
    bare = Outline(br.report(folder).html)
    assert "Agreement with Cox and Kaplan-Meier" in bare.headings
    assert "Patients" not in bare.headings
    assert "no rows at hand" in bare.text
    assert bare.open == []


def test_a_dossier_of_another_fit_is_refused() -> None:
    """A dossier made of other draws is not put beside these."""
    other = of_few_draws(seed=5)
    with pytest.raises(br.RunFolderError, match=r"is not of this fit; make it again with `bayes-rrmm sensitivity DIR --group few`"):
        br.report(other, dossiers=[dossier()])


def test_a_stale_dossier_of_the_folder_is_left_out_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dossier that a run folder holds from an earlier fit is not shown, and the page says so (here without figures)."""
    monkeypatch.setattr(sections, "GALLERY", [])
    folder = br.save_fit(of_few_draws(seed=5), tmp_path / "run")
    held = folder / "dossiers" / "few"
    found = dossier()
    record = {"group": "few", "versus": "many", "of": "group", "title": found.title, "sizes": dataclasses.asdict(found.sizes)}
    record |= {"threshold": 0.975, "side": "below", "passed": True, "conclusion": "It is so.", "notes": []}
    record |= {"fit": {"identity": found.fit, "fingerprint": found.fingerprint}, "tables": list(found.tables)}
    write_dossier(held, found.tables, "text", record, SECTIONS)
    text = Outline(br.report(folder).html).text
    assert "What few can say" not in text
    assert "Not shown, since made beside another fit: the dossier of few / many." in text


def test_a_check_that_failed_marks_everything(tmp_path: Path) -> None:
    """Where the fit says nothing of itself but a check of a reported quantity fails, the page, its figures and tables are marked,
    and nothing says that all is well: here with so few draws that none is known well enough."""
    few = of_few_draws()
    assert few.mark == ""
    made = br.report(few)
    assert made.mark.startswith("DIAGNOSTICS FAILED: ")
    found = Outline(made.html)
    assert all("DIAGNOSTICS FAILED" in image["alt"] for image in found.images)
    for claim in ("no diagnostic failed", "Every check passed", "All diagnostics passed"):
        assert claim not in found.text


def test_what_users_write_is_escaped(short_pages: None) -> None:
    """A title, a question and a level with HTML in them are shown as they are written, and run nothing; nor do a figure's words."""
    import fits

    frame = patients().replace({"group": {"few": "<script>alert(1)</script>"}})
    text = fits.analysis_toml("group").replace('"A made-up fit"', '"<b>bold</b> & \\"quoted\\""')
    from bayes_rrmm.cohort import build_cohort
    from bayes_rrmm.plan import make_plan
    from bayes_rrmm.specification import parse_analysis

    analysis = parse_analysis(text)
    cohort = build_cohort(frame, analysis)
    html = br.report(fits.laplace_fit(make_plan(analysis, cohort), cohort, size=200)).html
    assert "<script>alert" not in html
    assert "<b>bold" not in html
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; " in html


def test_saving_leaves_nothing_half_written(tmp_path: Path) -> None:
    """The file is whole, and alone in its folder; where it cannot be written there is an error."""
    made = failing_report()
    path = made.save(tmp_path / "report.html")
    assert path.read_text(encoding="utf-8") == made.html
    assert [item.name for item in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(FileNotFoundError):
        made.save(tmp_path / "missing" / "report.html")
