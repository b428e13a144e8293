"""What each command imports: which heavy packages, how many modules, and nothing before sampling that can wait until after it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import fits
import numpy as np
import pandas as pd
import pytest

from bayes_rrmm.analysis import save_fit

HEAVY = (
    "pymc", "pytensor", "nutpie", "numba", "arviz", "arviz_base", "arviz_stats", "arviz_plots", "lifelines", "matplotlib",
    "matplotlib.pyplot", "scipy.special", "scipy.stats", "formulaic", "jinja2", "rich", "pyarrow", "xarray", "pandas", "numpy",
)  # fmt: skip
TABLES = frozenset({"numpy", "pandas", "pyarrow"})
VALIDATED = TABLES | {"scipy.special", "formulaic", "xarray"}
CHECKED = VALIDATED | {"scipy.stats", "arviz_base", "arviz_stats"}
CROSSCHECKED = VALIDATED | {"scipy.stats", "lifelines", "rich"}
DRAWN = CHECKED | CROSSCHECKED | {"jinja2", "arviz_plots", "matplotlib", "matplotlib.pyplot"}
SAMPLED = VALIDATED | {"pymc", "pytensor", "nutpie", "numba", "arviz_base", "rich"}
"""rich comes with PyMC, arviz_base with nutpie."""
AFTER_SAMPLING = ("agreement", "frequentist", "model_checks", "results", "sensitivity", "plots", "tables", "reports", "study")
"""What reads a fit, and so has nothing to do before there is one."""

PROBE = """
import sys
def loaded():
    print("\\nLOADED", len(sys.modules), *sorted(sys.modules), flush=True)
{before}
from bayes_rrmm.cli.main import main
try:
    main({arguments!r})
finally:
    {after}
"""
STUB = """
import bayes_rrmm.inference
class Sampler:
    def sample(self, *rest, **named):
        loaded()
        raise KeyboardInterrupt
bayes_rrmm.inference.compile_model = lambda plan, cohort: Sampler()
"""
"""Stands where the compiled model would, so that nothing is compiled, and ends the command when sampling begins."""


@dataclass(frozen=True)
class Loaded:
    """What an interpreter had imported when it was asked."""

    modules: frozenset[str]
    count: int
    code: int

    def among(self, names: Iterable[str]) -> set[str]:
        """Which of the names it had."""
        return self.modules & set(names)


def run(arguments: Iterable[object], *, before: str = "", after: str = "loaded()") -> Loaded:
    """A command in an interpreter of its own, and what that had imported at the end, or wherever `before` asked."""
    code = PROBE.format(before=before, arguments=[str(word) for word in arguments], after=after)
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    said = [line for line in done.stdout.splitlines() if line.startswith("LOADED ")]
    assert len(said) == 1, done.stderr
    _, count, *names = said[0].split()
    return Loaded(frozenset(names), int(count), done.returncode)


@pytest.fixture(scope="module", autouse=True)
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Interpreters share bytecode, as users' do, also where the environment forbids it: else each compiles thousands of files."""
    with pytest.MonkeyPatch.context() as environment:
        if sys.dont_write_bytecode:
            environment.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
            environment.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.getbasetemp() / "bytecode"))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of a fit that nothing was sampled for, and so with no table in it: later commands compute them all."""
    rng = np.random.default_rng(20260311)
    rows = 60
    patients = pd.DataFrame(
        {
            "time": np.round(rng.exponential(20.0, rows) + 0.1, 2),
            "event": rng.integers(0, 2, rows),
            "group": np.resize(["a", "b", "b"], rows),
        }
    )
    cohort, plan = fits.cohort_and_plan(patients, "group")
    return save_fit(fits.laplace_fit(plan, cohort, size=1000), tmp_path_factory.mktemp("imports") / "run")


def within(found: Loaded, allowed: Iterable[str], most: int) -> None:
    """The budget is kept."""
    assert found.among(HEAVY) <= set(allowed)
    assert found.count <= most


@pytest.mark.parametrize(
    ("arguments", "allowed", "most"),
    [
        ("--help", (), 148),
        ("simulate --help", (), 148),
        ("models show pfs2_regimen_weibull", (), 173),
        ("models", (), 271),
        ("published west_china_rrmm1", ("numpy",), 385),
        ("validate pfs2_regimen_weibull rrmm1-synthetic", VALIDATED, 1380),
    ],
)
def test_command_keeps_its_budget(arguments: str, allowed: Iterable[str], most: int) -> None:
    """A command that reads no fit imports the packages it uses, and about as many modules as when this was written."""
    found = run(arguments.split())
    assert found.code == 0
    within(found, allowed, most)


@pytest.mark.parametrize(
    ("command", "options", "allowed", "most"),
    [
        ("check", (), CHECKED, 1920),
        ("crosscheck", (), CROSSCHECKED, 1970),
        ("report", ("--html-only",), DRAWN, 2430),
    ],
)
def test_command_on_a_run_folder_keeps_its_budget(
    command: str, options: tuple[str, ...], allowed: Iterable[str], most: int, folder: Path
) -> None:
    """A command that reads a fit imports neither a sampler nor all of ArviZ, and only what it uses of the rest."""
    found = run([command, folder, *options])
    assert found.code == 0
    within(found, allowed, most)


def test_what_can_wait_until_sampling_begins_waits(tmp_path: Path) -> None:
    """When `fit` begins to sample, nothing is imported that reads, compares, draws or prints a fit."""
    arguments = ("fit", "pfs2_regimen_weibull", "rrmm1-synthetic", "--out", tmp_path / "run", "--quiet")
    found = run(arguments, before=STUB, after="pass")
    assert found.code == 1  # interrupted, by the stub
    assert found.among(f"bayes_rrmm.{name}" for name in AFTER_SAMPLING) == set()
    within(found, SAMPLED, 2050)


SAMPLE = """
import numpy as np
import nutpie
from nutpie.compiled_pyfunc import from_pyfunc
def log_density(point):
    return -0.5 * float(point @ point), -point
def expanded(point):
    return {"x": point}
model = from_pyfunc(
    2, lambda: log_density, lambda *seeds: expanded, [np.dtype("float64")], [(2,)], ["x"],
    make_initial_point_fn=lambda seed: np.ones(2),
)
tree = nutpie.sample(model, draws=20, tune=20, chains=1, cores=1, seed=1, progress_bar=False)
assert tree["posterior"]["x"].shape == (1, 20, 2), tree
"""
"""nutpie on a density in plain Python, which needs no compilation; its result is made by ArviZ's functions."""


@pytest.mark.parametrize("before", ["", "import arviz"], ids=["arviz imported after", "arviz imported before"])
def test_arviz_and_nutpie_are_whole_after_the_sampler_is_loaded(before: str) -> None:
    """Importing nutpie without ArviZ's plots leaves ArviZ whole for whoever imports it, before or after, and nutpie samples."""
    code = f"""
import sys
{before}
known = sys.modules.get("arviz")
from bayes_rrmm.inference import load_sampler
assert load_sampler() is sys.modules["nutpie"]
assert sys.modules.get("arviz") is known
{SAMPLE}
import arviz, arviz_base, arviz_plots, arviz_stats
assert known in (None, arviz)
assert arviz is not arviz_base and arviz.__name__ == "arviz"
assert arviz.plot_forest is arviz_plots.plot_forest and arviz.summary is arviz_stats.summary
assert load_sampler() is nutpie and sys.modules["arviz"] is arviz
print("whole")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("whole"), done.stderr
