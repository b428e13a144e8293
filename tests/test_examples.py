"""Every example runs as a user would run it, and makes what it says."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from docx import Document
from matplotlib.image import imread

import bayes_rrmm as br
from bayes_rrmm.cli.main import cli
from bayes_rrmm.published_record import parse_published

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_every_example_is_run_here() -> None:
    """No example stands in the folder without a test in this file."""
    assert sorted(path.name for path in EXAMPLES.glob("*.py")) == [
        "01_first_fit.py",
        "02_bayesian_beside_cox.py",
        "03_missing_values.py",
        "04_own_data.py",
        "05_published_numbers.py",
        "06_nine_patients.py",
        "07_publication_figures.py",
    ]


def test_first_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The first example passes its diagnostics and draws the README's picture."""
    run("01_first_fit.py", monkeypatch, str(tmp_path))
    assert "PASSED" in capsys.readouterr().out
    assert (tmp_path / "pfs2_by_regimen_synthetic.png").stat().st_size > 50_000


def test_bayesian_beside_cox(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The second example shows the same Cox hazard ratios twice, and pooled ones drawn towards 1 in the smallest groups."""
    run("02_bayesian_beside_cox.py", monkeypatch)
    alone, pooled = capsys.readouterr().out.split("The same groups pooled")
    for group in ("Low bone disease", "Cyclin D-2", "Proliferation"):
        first, second = (
            next(line.split() for line in text.splitlines() if re.match(rf"\s*{group}\s+Cox\s", line)) for text in (alone, pooled)
        )
        at = first.index("Cox") + 1
        assert first[at + 3 : at + 6] == second[at + 3 : at + 6]
        assert abs(1 - float(second[at])) < abs(1 - float(first[at]))


def test_missing_values(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The third example shows four readings of the gaps, and probabilities of maintenance between 0 and 1."""
    run("03_missing_values.py", monkeypatch)
    readings, chances = capsys.readouterr().out.split("How probable maintenance is")
    for reading in ("complete cases", "Cox after drop", "level of its own", "marginalised"):
        assert f"  {reading} " in readings
    low, high = (float(next(line for line in chances.splitlines() if line.startswith(name)).split()[1]) for name in ("min", "max"))
    assert 0 < low < high < 1


def test_own_data(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The fourth example turns dates into months, and finds the nine transplants and a passing fit."""
    run("04_own_data.py", monkeypatch)
    shown = capsys.readouterr().out
    assert "257 analysed of 257 read" in shown
    assert re.search(r"yes +9 patients", shown)
    assert "PASSED" in shown


def test_published_numbers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The fifth example prints the abstract's limits and poolings, and its own prior draws estimates towards 0.8; the file
    it shows is one that can be read."""
    run("05_published_numbers.py", monkeypatch)
    shown = capsys.readouterr().out
    assert "sceptical limit 2.35" in shown
    assert "Pooled (tau ~ HalfNormal(0.5), flat mean): os pomalidomide; pfs2 pomalidomide" in shown
    own = shown.split("Under a prior from earlier trials")[1].split("How sceptical")[0]
    ratios = [float(line.split("domide")[1].split()[0]) for line in own.splitlines() if "pomalidomide" in line]
    assert all(published < ratio < 0.8 for published, ratio in zip((0.421, 0.382), ratios, strict=True))
    source = (EXAMPLES / "05_published_numbers.py").read_text()
    file = re.search(r"    schema = 1\n(.*?)\n\n", source, re.DOTALL)
    assert file is not None
    (contrast,) = br.published(parse_published(textwrap.dedent(file.group()))).contrasts
    assert contrast.problems == ()


@pytest.mark.full
def test_nine_patients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The sixth example prints a dossier that passes, with the immortal time of the transplants, leaves its tables in the
    folder, and shows the shrinkage of six regimens and the power-scaling of their numbers."""
    run("06_nine_patients.py", monkeypatch, str(tmp_path))
    dossier, others = capsys.readouterr().out.split("OS by second-line regimen, Weibull: shrinkage", 1)
    assert "9 patients with 2 events in yes" in dossier
    assert "DIAGNOSTICS FAILED" not in dossier
    assert "immortal time: salvage_asct = yes had" in dossier
    assert (tmp_path / "dossier.txt").read_text() in dossier
    assert len(pd.read_csv(tmp_path / "refits.csv")) >= 150
    assert re.search(r"salvage-asct +9 +2 ", others)
    assert "power-scaling of prior and likelihood" in others
    assert pictures(tmp_path / "gallery") == {shown.name for shown in br.plots.OF_DOSSIERS} | {"subgroups"}


def test_publication_figures(
    short_pages: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The seventh example leaves figures and tables for a journal, a picture of every figure of a fit, and a report."""
    run("07_publication_figures.py", monkeypatch, str(tmp_path))
    assert "Patients by regimen" in capsys.readouterr().out
    assert (tmp_path / "figure2.pdf").read_bytes().startswith(b"%PDF")
    assert imread(tmp_path / "figure1.png").shape[1] == int(174 / 25.4 * 600)
    assert "salvage-asct" in "".join(cell.text for cell in Document(str(tmp_path / "table1.docx")).tables[0].rows[0].cells)
    assert r"\toprule" in (tmp_path / "table2.tex").read_text()
    assert pictures(tmp_path / "gallery") == {shown.name for shown in br.plots.GALLERY} - {"subgroups"}
    assert "Question and answer" in (tmp_path / "report.html").read_text()


def pictures(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.png")}


def test_the_gallery_shows_every_figure() -> None:
    """The page has a picture, committed, and the caption of every figure there is, and no other picture is kept."""
    page = (EXAMPLES / "gallery.md").read_text()
    every = {shown.name: shown.caption for shown in (*br.plots.GALLERY, *br.plots.OF_DOSSIERS)}
    assert set(re.findall(r"!\[\w+\]\(figures/gallery/(\w+)\.png\)", page)) == every.keys()
    assert pictures(EXAMPLES / "figures" / "gallery") == every.keys()
    for name, caption in every.items():
        assert caption in page, name
        assert f"br.plots.{name}(" in page, name
        assert callable(getattr(br.plots, name))


def test_the_guide_can_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command of the guide runs in its order, the template filled with the synthetic patients; the whole study is left
    to the demo's own tests."""
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^uv run bayes-rrmm (.+)$", (EXAMPLES / "your_cohort.md").read_text(), re.MULTILINE)
    assert [line.split()[0] for line in commands] == ["models", "models", "validate", "fit", "missing", "demo"]
    for line in commands[:-1]:
        if line.startswith("missing"):
            continue  # three more models to compile; `missing` has its own tests
        result = CliRunner().invoke(cli, shlex.split(line), standalone_mode=False)
        assert result.exception is None, (line, result.exception)
        assert result.return_value in (None, 0), line
        if "template" in line:
            columns = (tmp_path / "patients.csv").read_text().strip().split(",")
            br.load_data("rrmm1-synthetic")[columns].to_csv("patients.csv", index=False)
    assert (tmp_path / "runs/mine/estimates.csv").is_file()
    assert set(shlex.split(commands[-1])) >= {"demo", "--data", "--out"}
