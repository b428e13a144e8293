"""`published`: what it prints and writes, how it ends, and how little it loads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from bayes_rrmm.publications import published

NAME, POOL = "west_china_rrmm1", "os pomalidomide; pfs2 pomalidomide"
HEAVY = ("pymc", "pytensor", "nutpie", "numba", "arviz", "matplotlib", "lifelines", "xarray", "pandas", "scipy", "pyarrow")


def test_it_prints_what_the_function_returns(cli: Callable) -> None:
    """The text is that of `br.published` with the same options, and the exit code 0."""
    ended = cli("published", NAME, "--pool", POOL, "--alternative", 0.6, "--threshold", 0.95, "--below", 0.7, "--prior", 0.8, 1.5)
    own = {"yours 0.8-1.5": {"hazard_ratio": 0.8, "upper95": 1.5}}
    pools = [POOL.split("; ")]
    found = published(NAME, alternative=0.6, priors=own, threshold=0.95, below=0.7, pool=pools)
    assert (ended.code, ended.err, ended.out) == (0, "", f"{found}\n")
    assert cli("published", NAME, "--pool", "all").out == f"{published(NAME, pool='all')}\n"
    assert cli("published", NAME, "--pool", POOL.replace(";", ",")).out == f"{published(NAME, pool=pools)}\n"


def test_it_writes_both_tables(cli: Callable, tmp_path: Path) -> None:
    """--out has a row a contrast and prior, and the poolings beside it; --quiet leaves a conclusion a contrast and what is odd."""
    ended = cli("published", NAME, "--pool", POOL, "--out", tmp_path / "numbers.csv", "--quiet")
    assert ended.code == 0
    starts = [line.split(": ")[0] for line in ended.out.splitlines()]
    assert starts == ["pfs1 against pfs2", "pfs2 pomalidomide", "os pomalidomide", "Found"]
    assert len(pd.read_csv(tmp_path / "numbers.csv")) == 15
    assert "tau" in set(pd.read_csv(tmp_path / "numbers_pooled.csv")["quantity"])


def test_json_is_one_object(cli: Callable) -> None:
    """--json prints contrasts, poolings and findings, and nothing else."""
    record = json.loads(cli("published", NAME, "--pool", POOL, "--json").out)
    assert [item["limit_text"] for item in record["contrasts"]] == ["1.20", "2.35", "< 0.001"]
    assert record["pooled"][0]["classical"]["df"] == 1
    assert any("0.150" in finding for finding in record["findings"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.toml",), "there is no such file"),
        ((NAME, "--pool", "os pomalidomid; pfs2 pomalidomide"), "did you mean 'os pomalidomide'"),
        ((NAME, "--alternative", 1), "other than 1"),
        ((NAME, "--prior", 1.5, 0.5), "must lie above"),
        ((NAME, "--out", "nowhere/numbers.csv"), "there is no folder nowhere"),
        ((NAME, "--threshold", "high"), "not a valid float"),
    ],
)
def test_errors_are_words(cli: Callable, arguments: tuple[object, ...], message: str) -> None:
    """One message, exit code 1, nothing on standard output."""
    ended = cli("published", *arguments)
    assert (ended.code, ended.out) == (1, "")
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_it_loads_nothing_heavy() -> None:
    """The whole command, poolings and JSON included, runs without sampler, plots, lifelines, pandas or SciPy: about a second."""
    code = (
        f"import sys\nsys.argv = ['bayes-rrmm', 'published', {NAME!r}, '--pool', 'all', '--json']\n"
        "from bayes_rrmm.cli.main import main\ntry:\n    main()\nfinally:\n"
        f"    print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout.splitlines()[-1] == "LOADED []"
