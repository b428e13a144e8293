"""What many tests share: a short analysis file, a small table of patients, and the demo's run folders.

And how a run is divided: the demo's tests first, so that one worker makes it while the others go through the rest; few tests in one
process; at the end, the seconds that went into compiling models, over all workers.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from shared import WORKER, made_once

AnalysisText = Callable[..., str]
DEMO, MOST_COMPILING = "BAYES_RRMM_DEMO", "BAYES_RRMM_MOST_COMPILING"
"""Environment variables of the gate: the demo's folder, and the seconds of compiling above which the run fails."""
LONGEST = ("test_examples.py", "test_readme.py")
"""Files whose tests run whole pages of code, a minute each."""
MODELS, SECONDS = pytest.StashKey[dict[int, Any]](), pytest.StashKey[dict[str, float]]()
"""The compiled models that this process has seen, and the seconds each model of the run took, by worker and number."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the demo first, then the longest: a worker takes the first part of the list, and others help themselves from its
    end, where a long test would leave them waiting for one."""
    items.sort(key=lambda item: ("demo_folder" not in getattr(item, "fixturenames", ()), item.path.name not in LONGEST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Named tests run in this process: workers cost seconds to start, and nothing is gained where few tests are left."""
    return 0 if config.option.keyword or any("::" in argument for argument in config.args) else None


def pytest_configure(config: pytest.Config) -> None:
    """Workers, and the processes that tests start, read compiled bytecode, also where the machine forbids to keep any: imports take
    a third of the time. Each has a core, for which threads of its linear algebra would only compete."""
    config.stash[MODELS], config.stash[SECONDS] = {}, {}
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = str(config.rootpath / ".pytest_cache" / "bytecode")


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: garbage is not looked for in it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Whatever is compiled now is noted, since a test may forget it (nothing is, where nothing imported the compiler)."""
    module = sys.modules.get("bayes_rrmm.inference.compiled")
    if module is not None:
        item.config.stash[MODELS].update({id(model): model for model in module.COMPILED.values()})


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands over its seconds; the run fails where the gate has a limit and all of them exceed it."""
    config, worker = session.config, os.environ.get(WORKER, "main")
    taken = {f"{worker} {number}": model.seconds for number, model in enumerate(config.stash[MODELS].values())}
    config.stash[SECONDS].update(taken)
    if WORKER in os.environ:
        config.workeroutput["seconds"] = config.stash[SECONDS]  # type: ignore[attr-defined]
    elif sum(config.stash[SECONDS].values()) > float(os.environ.get(MOST_COMPILING, "inf")) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a worker handed over."""
    node.config.stash[SECONDS].update(getattr(node, "workeroutput", {}).get("seconds", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    taken, limit = config.stash[SECONDS], os.environ.get(MOST_COMPILING)
    if taken:
        seconds = sum(taken.values())
        ruled = "" if limit is None else f"; the gate allows {limit} s" + (": FAILED" if seconds > float(limit) else "")
        terminalreporter.write_line(f"{len(taken)} models compiled or read from the cache in {seconds:.0f} s{ruled}")


@pytest.fixture(scope="session")
def analysis_text() -> AnalysisText:
    """The text of an analysis: a formula, and lines added to [endpoint], to [model] and after them."""

    def write(formula: str = "1", endpoint: str = "", model: str = "", rest: str = "") -> str:
        return (
            'schema = 1\ntitle = "A test"\n[endpoint]\nname = "OS"\ntime = "time"\nevent = "event"\nunit = "months"\n'
            f"{endpoint}\n[model]\nformula = '{formula}'\n{model}\n{rest}\n"
        )

    return write


@pytest.fixture
def patients() -> pd.DataFrame:
    """Sixty patients in three groups (group), two sexes, with age and dose; always the same. Typed columns."""
    rng = np.random.default_rng(20260311)
    rows = 60
    return pd.DataFrame(
        {
            "time": np.round(rng.exponential(20.0, rows) + 0.1, 2),
            "event": rng.integers(0, 2, rows),
            "group": np.resize(["a", "b", "c", "b"], rows),
            "sex": np.resize(["f", "m", "m", "f", "m"], rows),
            "age": np.round(rng.normal(62.0, 9.0, rows), 1),
            "dose": np.round(rng.exponential(2.0, rows) + 0.1, 2),
        }
    )


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """The run folders of `bayes-rrmm demo`: those the gate made from the wheel (BAYES_RRMM_DEMO), or made here, once."""
    given = os.environ.get(DEMO)
    folder = Path(given) if given else made_once(tmp_path_factory, "demo", run_demo) / "demo"
    for path in folder.glob("*/provenance.json"):
        pytestconfig.stash[SECONDS][f"demo {path.parent.name}"] = json.loads(path.read_text())["seconds"]["compile"]
    return folder


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of reports have two figures; the demo's pages, of the same analyses, have all, and drawing takes most of their time."""
    from bayes_rrmm.plots.gallery import GALLERY
    from bayes_rrmm.reports import sections

    monkeypatch.setattr(sections, "GALLERY", [shown for shown in GALLERY if shown.name in ("forest", "survival")])


def run_demo(folder: Path) -> None:
    command = [sys.executable, "-m", "bayes_rrmm.cli.main", "demo", "--quiet", "--out", str(folder / "demo")]
    subprocess.run(command, check=True)
