"""`bayes-rrmm report`: the page, the figures and the tables of a run folder, marked where a check failed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.image import imread
from running import run_cli

import bayes_rrmm as br
from bayes_rrmm.plots import GALLERY
from bayes_rrmm.results import TABLES, results_of
from bayes_rrmm.rounding import figure_of
from bayes_rrmm.tables import TABLES as PRINTED


@pytest.fixture(scope="module")
def reported(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the demo, copied, with its report, figures and tables."""
    folder = tmp_path_factory.mktemp("report") / "run"
    shutil.copytree(demo_folder / "os_salvage_asct", folder)
    result = run_cli("report", str(folder), "--column", "single", "--format", "svg", "--format", "png")
    assert result.code == 0
    assert str(folder / "report.html") in result.out
    return folder


def test_the_demo_leaves_reports(demo_folder: Path) -> None:
    """Every run of the demo has its page, with the answer, and says that its patients are made up where they are."""
    for folder in sorted(path for path in demo_folder.iterdir() if path.is_dir()):
        page = (folder / "report.html").read_text(encoding="utf-8")
        assert "Question and answer" in page
        assert "not drawn" not in page
        assert ("SYNTHETIC patients" in page) == ("synthetic" in br.load_fit(folder).data_name)


def test_every_figure_and_table_is_a_file(reported: Path) -> None:
    """Each figure that applies is there in the formats asked for, in the width asked for, and each table in every format."""
    results = results_of(reported)
    expected = {f"{shown.name}.{suffix}" for shown in GALLERY if shown.applies(results) for suffix in ("svg", "png")}
    written = {path.name for path in (reported / "figures").iterdir()}
    assert written - expected == {"survival.pdf", "captions.txt"}
    assert expected <= written
    captions = (reported / "figures" / "captions.txt").read_text(encoding="utf-8")
    assert all(f"{shown.name}\nCaption: {shown.caption}" in captions for shown in GALLERY if shown.applies(results))
    assert captions.count("Alternative text: ") == len(expected) / 2
    assert imread(reported / "figures" / "forest.png").shape[1] == int(84 / 25.4 * 300)
    names = {f"{printed.name}.{suffix}" for printed in PRINTED for suffix in ("csv", "tex", "html", "docx")}
    assert {path.name for path in (reported / "tables").iterdir()} == names


def test_the_page_says_what_the_tables_say(reported: Path) -> None:
    """The hazard ratio of the page's answer is that of estimates.csv."""
    table = pd.read_csv(reported / "estimates.csv")
    row = table[(table["estimand"] == "hazard-ratio") & (table["threshold"] == 1.0)].iloc[0]
    shown = "{} [{}, {}]".format(*(figure_of(row[name], "ratio") for name in ("median", "lower", "upper")))
    assert shown in (reported / "report.html").read_text(encoding="utf-8")


def test_the_command_is_noted_without_paths(reported: Path) -> None:
    """The run's provenance has the command; the page shows it without the machine's folders."""
    later = json.loads((reported / "provenance.json").read_text())["later_commands"]
    assert len(later) == 1
    assert str(reported.parent) not in (reported / "report.html").read_text(encoding="utf-8")


def test_json_and_html_only(demo_folder: Path, tmp_path: Path) -> None:
    """With --html-only nothing but the page is written; --json names what was."""
    folder = tmp_path / "run"
    shutil.copytree(demo_folder / "os_salvage_asct", folder)
    before = {path.name for path in (folder / "figures").iterdir()}
    (folder / "report.html").unlink()
    record = json.loads(run_cli("report", str(folder), "--html-only", "--json").out)
    assert record == {"folder": str(folder), "written": [str(folder / "report.html")], "not_drawn": [], "mark": ""}
    assert {path.name for path in (folder / "figures").iterdir()} == before
    assert not (folder / "tables").exists()


def test_a_failed_run_is_marked_everywhere(demo_folder: Path, tmp_path: Path) -> None:
    """Of a run whose check failed the command ends with 2, the page begins with what failed, and every table has the mark."""
    folder = tmp_path / "run"
    shutil.copytree(demo_folder / "os_salvage_asct", folder)
    provenance = json.loads((folder / "provenance.json").read_text())
    provenance["gate"] = {"passed": False, "failed": ["r_hat of log_shape"]}
    (folder / "provenance.json").write_text(json.dumps(provenance))
    checks = pd.read_csv(folder / TABLES["checks"])
    checks.loc[(checks["check"] == "r_hat") & (checks["of"] == "log_shape"), ["measure", "verdict"]] = [1.2, "failed"]
    checks.to_csv(folder / TABLES["checks"], index=False)
    result = run_cli("report", str(folder), "--format", "svg")
    assert result.code == 2
    assert "DIAGNOSTICS FAILED: r_hat of log_shape" in result.out
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.index("r_hat</b> of log_shape: 1.2 (limit 1.01)") < page.index("<h1>")
    for printed in PRINTED:
        for suffix in ("csv", "tex", "html"):
            assert "DIAGNOSTICS FAILED" in (folder / "tables" / f"{printed.name}.{suffix}").read_text(encoding="utf-8")
    drawn = [path.read_text(encoding="utf-8") for path in (folder / "figures").glob("*.svg")]
    assert drawn
    assert all("DIAGNOSTICS FAILED" in text for text in drawn)


def test_what_is_no_run_is_told(tmp_path: Path) -> None:
    """A folder that is none, and a dossier that is none, are refused in words, with nothing written."""
    result = run_cli("report", str(tmp_path / "nowhere"))
    assert "no such folder" in result.err
    assert not (tmp_path / "nowhere").exists()


def test_a_dossier_that_is_not_there_is_told(demo_folder: Path, tmp_path: Path) -> None:
    """A --dossier that holds none is refused, and the page stays as it was."""
    folder = tmp_path / "run"
    shutil.copytree(demo_folder / "os_salvage_asct", folder)
    before = (folder / "report.html").read_bytes()
    result = run_cli("report", str(folder), "--dossier", str(tmp_path))
    assert "holds no whole dossier" in result.err
    assert (folder / "report.html").read_bytes() == before
