"""`bayes-rrmm sensitivity`: the dossier of a saved run on a coarse grid, its tables, its exit code, and what is refused."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import fits
import numpy as np
import pandas as pd
import pytest
from running import Ended

import bayes_rrmm as br
from bayes_rrmm import sensitivity
from bayes_rrmm.fitted import Fit
from bayes_rrmm.run_folder import write_table
from bayes_rrmm.sensitivity import dossier_folder, shrinkage
from bayes_rrmm.sensitivity.dossier_folder import SECTIONS, dossiers_of, read_dossier
from bayes_rrmm.sensitivity.refits import Refit, key_of

Cli = Callable[..., Ended]
PLAIN = ("--no-baselines", "--no-landmarks")


MADE: dict[str, Fit] = {}
"""The fits of refits that this process has made, by all that they are made of. Nothing may write to them."""


@pytest.fixture
def patients(patients: pd.DataFrame) -> pd.DataFrame:
    """Ten of each group: every one of a group costs two refits, one without it and one with its status flipped."""
    return patients.groupby("group").head(10).reset_index(drop=True)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The saved run, once it is made. Only to be copied."""
    return []


@pytest.fixture
def run(patients: pd.DataFrame, tmp_path: Path, saved: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved run of a made-up fit."""
    if not saved:
        cohort, plan = fits.cohort_and_plan(patients, "group")
        saved.append(br.save_fit(fits.laplace_fit(plan, cohort), tmp_path_factory.mktemp("saved") / "run"))
    return Path(shutil.copytree(saved[0], tmp_path / "run"))


def coarse(monkeypatch: pytest.MonkeyPatch, sample: Callable[[Refit], Fit]) -> None:
    """The command's dossier from a few refits that are not sampled."""
    options = {"scales": (0.3, 1.0, 3.0), "centres": (0.5, 2.0), "sample": sample}
    monkeypatch.setattr(sensitivity, "small_group", partial(sensitivity.small_group, **options))


def around_the_mode(refit: Refit) -> Fit:
    """Of pooled effects, which have no mode, draws from the prior. Made once in a process, many tests ask for the same."""
    key = key_of(refit, br.HazardRatio("group", "c"))
    if key not in MADE:
        fit = fits.prior_fit if refit.plan.encoding.pooled else fits.laplace_fit
        MADE[key] = fit(refit.plan, refit.cohort)
    return MADE[key]


def test_tables_text_and_refits_are_written(cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file a section, the text as printed, and a file a refit; JSON holds the same tables. What is printed ends with where they
    are, which no file says."""
    coarse(monkeypatch, around_the_mode)
    chosen = ("--group", "c", "--baseline", "exponential", "--landmark", 4, "--landmark", 9)
    ended = cli("sensitivity", run, *chosen, "--out", tmp_path / "dossier")
    assert (ended.code, ended.err) == (0, "")
    assert "Conclusion: c / a" in ended.out
    text, _, where = ended.out.rpartition("\n\n")
    assert f"{text}\n" == (tmp_path / "dossier" / "dossier.txt").read_text()
    assert where == f"The tables, this text and the refits are in {tmp_path / 'dossier'}.\n"
    lengths = {name: len(pd.read_csv(tmp_path / "dossier" / f"{name}.csv")) for name in SECTIONS}
    assert [name for name, length in lengths.items() if not length] == ["immortal"]
    assert (lengths["baselines"], lengths["follow_up"]) == (2, 3)
    assert any((tmp_path / "dossier" / "refits").glob("*.json"))
    record = json.loads(cli("sensitivity", run, *chosen, "--json").out)
    assert record["conclusion"] in ended.out
    assert len(record["flipped"]) == 10
    stored = json.loads((tmp_path / "dossier" / "dossier.json").read_text())
    assert {name: record[name] for name in stored} == stored
    assert {name: record[name] for name in ("group", "versus", "of", "threshold", "side", "passed")} == {
        "group": "c", "versus": "a", "of": "group", "threshold": 0.975, "side": stored["side"], "passed": True,
    }  # fmt: skip
    fit = br.load_fit(run)
    assert record["fit"] == {"identity": fit.identity, "fingerprint": fit.fingerprint}
    assert record["tables"] == list(SECTIONS)
    assert (record["sizes"]["patients"], record["sizes"]["others"]) == (10, 10)
    assert {"title", "conclusion", "notes"} < stored.keys()


def test_without_a_folder_the_dossier_is_the_run_s(cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written to DIR/dossiers/LEVEL, refits and all, also with --json, so that a report of the run finds it; another level or
    comparison has a folder of its own, and the next fit put in the run's place has none."""
    coarse(monkeypatch, around_the_mode)
    plain = ("sensitivity", run, *PLAIN, "--no-pooling")
    ended = cli(*plain, "--group", "c")
    place = run / "dossiers" / "c"
    assert ended.out.endswith(f"The tables, this text and the refits are in {place}.\n")
    assert any((place / "refits").glob("*.json"))
    assert cli(*plain, "--group", "c", "--versus", "b", "--json").code == 0
    assert cli(*plain, "--group", "b", "--quiet").out == ""
    assert [path.name for path in dossiers_of(run)] == ["b", "c", "c-against-b"]
    fit = br.load_fit(run)
    assert all(read_dossier(path).belongs_to(fit) for path in dossiers_of(run))
    br.save_fit(fit, run, overwrite=True)
    assert dossiers_of(run) == []


def test_times_and_statuses_of_patients_are_not_written(
    cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither files nor JSON of the command hold a patient's time or status, nor does `save` but where it is asked to."""
    coarse(monkeypatch, around_the_mode)
    asked = ("sensitivity", run, "--group", "c", *PLAIN, "--no-pooling")
    record = json.loads(cli(*asked, "--json").out)
    cli(*asked, "--out", tmp_path / "plain")
    fit = br.load_fit(run)
    found = sensitivity.small_group(fit, fit.cohort, "c", baselines=(), landmarks=(), pooling=False)
    found.save(tmp_path / "whole", patients=True)
    for section in ("left_out", "flipped"):
        plain, whole = (pd.read_csv(tmp_path / name / f"{section}.csv") for name in ("plain", "whole"))
        assert not {"time", "event"} & {*plain.columns, *record[section][0]}
        assert {"time", "event"} == set(whole.columns) - set(plain.columns) == set(found.to_dataframe(section)) - set(plain)
        assert plain["patient"].to_list() == whole["patient"].to_list() == [row["patient"] for row in record[section]]
    assert "times and statuses" in " ".join(cli("sensitivity", "--help").out.split())


def test_an_earlier_dossier_of_the_group_is_replaced_whole(
    cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sections that the new dossier does not have go, refits and files of others stay, and nothing temporary is left."""
    coarse(monkeypatch, around_the_mode)
    out = tmp_path / "out" / "dossier"
    asked = ("sensitivity", run, "--group", "c", *PLAIN, "--out", out)
    assert cli(*asked).code == 0
    assert (out / "shrinkage.csv").is_file()
    refits = sorted((out / "refits").iterdir())
    (out / "notes.md").write_text("mine")
    assert cli(*asked, "--no-pooling").code == 0
    assert not (out / "shrinkage.csv").exists()
    assert sorted((out / "refits").iterdir()) == refits
    assert (out / "notes.md").read_text() == "mine"
    assert [path.name for path in out.parent.iterdir()] == ["dossier"]
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_a_dossier_that_cannot_be_written_leaves_the_earlier_one(
    cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a disk is full halfway, every file is as it was, and the temporary folder is gone."""
    coarse(monkeypatch, around_the_mode)
    out = tmp_path / "out" / "dossier"
    asked = ("sensitivity", run, "--group", "c", *PLAIN, "--no-pooling", "--out", out)
    assert cli(*asked).code == 0
    before = {path.name: path.read_bytes() for path in out.glob("*.*")}

    def full(path: Path, table: pd.DataFrame) -> None:
        if path.stem == "left_out":
            raise OSError(28, "No space left on device")
        write_table(path, table)

    monkeypatch.setattr(dossier_folder, "write_table", full)
    ended = cli(*asked, "--threshold", 0.9)
    assert ended.code == 1
    assert "No space left" in ended.err
    assert {path.name: path.read_bytes() for path in out.glob("*.*")} == before
    assert [path.name for path in out.parent.iterdir()] == ["dossier"]


def test_the_folder_of_another_group_is_refused_before_sampling(
    cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another group, or the same against another level: both are named with the remedy, by the command and by `save`."""
    coarse(monkeypatch, around_the_mode)
    out = tmp_path / "dossier"
    plain = (*PLAIN, "--no-pooling", "--out", out)
    assert cli("sensitivity", run, "--group", "c", *plain).code == 0
    before = {path.name: path.read_bytes() for path in out.rglob("*.*") if path.is_file()}
    fit = br.load_fit(run)
    other = sensitivity.small_group(fit, fit.cohort, "b", baselines=(), landmarks=(), pooling=False)
    with pytest.raises(br.errors.RunFolderError, match=r"holds the dossier of c / a \(group\), not of b / a .*name another folder"):
        other.save(out)

    def never(refit: Refit) -> Fit:
        raise AssertionError(refit.name)

    coarse(monkeypatch, never)
    for chosen, label in ((("--group", "b"), "b / a"), (("--group", "c", "--versus", "b"), "c / b")):
        ended = cli("sensitivity", run, *chosen, *plain)
        assert (ended.code, ended.out) == (1, "")
        assert f"holds the dossier of c / a (group), not of {label} (group); name another folder" in ended.err
    assert {path.name: path.read_bytes() for path in out.rglob("*.*") if path.is_file()} == before
    (out / "dossier.json").write_text("{")
    assert "cannot be read; name another folder" in cli("sensitivity", run, "--group", "c", *plain).err


@pytest.mark.parametrize(
    "option",
    [
        ("--treated-at", "treated"), ("--landmark", "4"), ("--no-landmarks",), ("--baseline", "exponential"), ("--no-baselines",),
        ("--no-pooling",), ("--threshold", "0.975"), ("--alternative", "0.5"), ("--prior", "0.8", "1.5"),
    ],
)  # fmt: skip
def test_options_of_a_group_are_refused_without_one(cli: Cli, run: Path, option: tuple[str, ...]) -> None:
    """An option that would say nothing is named, even where it is given its default; exit code 1."""
    ended = cli("sensitivity", run, *option)
    assert (ended.code, ended.out) == (1, "")
    assert f"without --group these say nothing: {option[0]}." in ended.err


def test_options_that_contradict_each_other_are_refused(cli: Cli, run: Path) -> None:
    """Both are named; so is --versus where there is nothing to compare, and so are several options at once."""
    for pair in (("--no-baselines", "--baseline", "exponential"), ("--no-landmarks", "--landmark", 4)):
        ended = cli("sensitivity", run, "--group", "c", *pair)
        assert (ended.code, ended.out) == (1, "")
        assert f"{pair[0]} and {pair[1]} contradict each other" in ended.err
    assert "says nothing: --versus." in cli("sensitivity", run, "--versus", "b").err
    assert "say nothing: --threshold, --no-pooling." in cli("sensitivity", run, "--no-pooling", "--threshold", 0.9).err


def test_priors_of_your_own(cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a row of the grid, named as `published` names it; one that is no prior is an error in words."""
    coarse(monkeypatch, around_the_mode)
    asked = ("sensitivity", run, "--group", "c", *PLAIN, "--no-pooling", "--json", "--prior", 0.8, 1.5)
    rows = {row["prior"]: row for row in json.loads(cli(*asked, "--prior", 1, 3).out)["priors"]}
    assert list(rows)[-2:] == ["yours 0.8-1.5", "yours 1-3"]
    assert rows["yours 0.8-1.5"]["centre"] == pytest.approx(0.8)
    assert rows["yours 0.8-1.5"]["prior_upper"] == pytest.approx(1.5)
    ended = cli(*asked, "--prior", 2, 1)
    assert (ended.code, ended.out) == (1, "")
    assert "priors: yours 2-1" in ended.err


def test_the_command_is_noted_in_the_run(cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a group and without; not where it was refused, and beside what another command noted meanwhile."""
    provenance = run / "provenance.json"

    def sample(refit: Refit) -> Fit:
        record = json.loads(provenance.read_text())
        provenance.write_text(json.dumps({**record, "meanwhile": True}))
        return around_the_mode(refit)

    coarse(monkeypatch, sample)
    assert cli("sensitivity", run, "--group", "c", *PLAIN, "--no-pooling").code == 0
    assert cli("sensitivity", run, "--group", "d").code == 1
    assert cli("sensitivity", run, "--quiet").code == 0
    record = json.loads(provenance.read_text())
    assert record["meanwhile"] is True
    assert [entry["command"] for entry in record["later_commands"]] == [
        f"bayes-rrmm sensitivity {run} --group c --no-baselines --no-landmarks --no-pooling",
        f"bayes-rrmm sensitivity {run} --quiet",
    ]
    assert br.load_fit(run).cohort is not None


def test_a_failed_refit_is_exit_code_2(cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refit without draws is marked in the text and in the exit code."""

    def sample(refit: Refit) -> Fit:
        if refit.name == "prior: vague":
            raise RuntimeError("no start")
        return around_the_mode(refit)

    coarse(monkeypatch, sample)
    ended = cli("sensitivity", run, "--group", "c", "--no-baselines", "--no-landmarks")
    assert ended.code == 2
    assert "DIAGNOSTICS FAILED" in ended.out


def test_without_a_group_every_reported_number_is_power_scaled(
    cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of `br.power_scaling`; with a term its shrinkage too, and exit code 2 where its refit failed. Without --out they
    are in DIR/dossiers, the shrinkage by its term: a report takes them from there, so the run's own folder is written to."""
    ended = cli("sensitivity", run, "--out", tmp_path / "scaled")
    assert (ended.code, ended.err) == (0, "")
    table = br.power_scaling(br.load_fit(run)).table
    written = pd.read_csv(tmp_path / "scaled" / "power_scaling.csv")
    np.testing.assert_allclose(written["prior"], table["prior"], rtol=1e-9)
    assert "feel the prior" in ended.out or "feels the prior" in ended.out
    assert not (tmp_path / "scaled" / "shrinkage.csv").exists()

    monkeypatch.setattr(shrinkage, "shrinkage", partial(shrinkage.shrinkage, sample=around_the_mode))
    record = json.loads(cli("sensitivity", run, "--of", "group", "--json").out)
    assert [row["level"] for row in record["shrinkage"]] == ["a", "b", "c"]
    assert set(record["conclusion"]) == {"power_scaling", "shrinkage"}
    ended = cli("sensitivity", run, "--of", "group")
    written = [run / "dossiers" / name for name in ("power_scaling.csv", "shrinkage_group.csv")]
    assert ended.out.endswith(f"Written: {written[0]}, {written[1]}\n")
    assert pd.read_csv(written[1])["level"].tolist() == ["a", "b", "c"]
    assert pd.read_csv(written[0]).equals(pd.read_csv(tmp_path / "scaled" / "power_scaling.csv"))
    cli("sensitivity", run, "--of", "group", "--quiet", "--out", tmp_path / "scaled")
    assert sorted(path.name for path in (tmp_path / "scaled").iterdir()) == ["power_scaling.csv", "shrinkage.csv"]

    def diverging(refit: Refit) -> Fit:
        fit = copy.deepcopy(around_the_mode(refit))
        fit.tree["sample_stats"]["diverging"][0, :3] = True
        return fit

    monkeypatch.setattr(shrinkage, "shrinkage", partial(shrinkage.shrinkage, sample=diverging))
    assert cli("sensitivity", run, "--of", "group").code == 2


def test_an_unknown_group_is_an_error_with_the_valid_ones(cli: Cli, run: Path) -> None:
    """No traceback: the levels there are, exit code 1."""
    ended = cli("sensitivity", run, "--group", "d")
    assert ended.code == 1
    assert "Valid: a, b, c." in ended.err


def test_times_of_treatment_are_a_column_of_the_data(
    cli: Cli, run: Path, tmp_path: Path, patients: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The column is read from DATA row by row; without DATA, or with a bad value, nothing is sampled and the remedy is named."""
    coarse(monkeypatch, around_the_mode)
    data = tmp_path / "patients.csv"
    treated = np.where(patients["group"] == "c", patients["time"] / 4, np.nan)
    patients.assign(treated=treated).to_csv(data, index=False)
    ended = cli("sensitivity", run, data, "--group", "c", "--treated-at", "treated", "--no-baselines")
    assert ended.code == 0
    assert "delayed entry" in ended.out
    assert f"{np.nansum(treated):.1f} person-months before treatment" in ended.out
    ended = cli("sensitivity", run, "--group", "c", "--treated-at", "treated")
    assert ended.code == 1
    assert "give DATA after the folder" in ended.err
    ended = cli("sensitivity", run, data, "--group", "c", "--treated-at", "treatd")
    assert "did you mean 'treated'?" in ended.err
    patients.assign(treated=patients["time"] / 4).to_csv(data, index=False)
    ended = cli("sensitivity", run, data, "--group", "c", "--treated-at", "treated")
    assert ended.code == 1
    assert "row 1, column 'treated'" in ended.err


def test_an_interruption_says_what_is_kept(cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refits that were written are named, with the folder they are in, and are not sampled again; where there are none, nothing
    was written. Without --out they are in the run's own folder, which holds no dossier yet: work must not be lost there either."""

    def sample(refit: Refit) -> Fit:
        if refit.name == "prior: neutral":
            raise KeyboardInterrupt
        return around_the_mode(refit)

    coarse(monkeypatch, sample)
    out = tmp_path / "dossier"
    asked = ("sensitivity", run, "--group", "c", "--no-baselines", "--no-landmarks")
    ended = cli(*asked, "--out", out)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.strip() == (
        f"interrupted: 2 refits are kept in {out / 'refits'}, no table was written; the same command takes up where it stopped."
    )
    place = run / "dossiers" / "c" / "refits"
    assert cli(*asked).err.strip().startswith(f"interrupted: 2 refits are kept in {place}, ")
    assert dossiers_of(run) == []
    sampled: list[str] = []

    def again(refit: Refit) -> Fit:
        sampled.append(refit.name)
        return around_the_mode(refit)

    coarse(monkeypatch, again)
    assert cli(*asked, "--no-pooling").code == 0
    assert sampled[0] == "prior: neutral"
    assert dossiers_of(run) == [place.parent]

    def never(refit: Refit) -> Fit:
        raise KeyboardInterrupt

    coarse(monkeypatch, never)
    assert cli("sensitivity", run, "--group", "b").err.strip() == "interrupted: nothing was written."
