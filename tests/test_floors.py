"""The house stands as designed: floors, lazy imports, file sizes, public names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fits
import pandas as pd
import pytest

import bayes_rrmm

ROOT = Path(__file__).parents[1]
LIGHT = ["cohort", "specification", "estimands", "evidence", "publications", "hazards", "encoding", "plan", "parameters", "fitted"]
LIGHT += ["overview", "reading"]
HEAVY = ("pymc", "pytensor", "nutpie", "arviz", "matplotlib", "lifelines")


def imported_by(code: str, names: tuple[str, ...]) -> list[str]:
    """Which of the names a fresh interpreter holds after running `code`."""
    probe = f"{code}\nimport sys\nprint(' '.join(name for name in {names!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    return done.stdout.split("\n")[-2].split() if done.stdout.strip() else []


def test_import_contract_holds() -> None:
    """No file imports from a floor above its own, and each heavy library has one owner."""
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", LIGHT)
def test_records_and_mathematics_are_light(module: str) -> None:
    """Importing the records, the mathematics or the reading of a fit pulls in no sampler, no plots and no lifelines."""
    assert imported_by(f"import bayes_rrmm.{module}", HEAVY) == []


def test_package_itself_is_light() -> None:
    """`import bayes_rrmm` loads neither a heavy library nor pandas: names come when they are used."""
    assert imported_by("import bayes_rrmm", (*HEAVY, "pandas", "xarray", "scipy")) == []


def test_public_names_resolve() -> None:
    """Every public name is there, and `fit` is the function, whatever was imported before it."""
    for name in bayes_rrmm.__all__:
        assert getattr(bayes_rrmm, name) is not None
    assert callable(bayes_rrmm.fit)
    assert set(bayes_rrmm.__all__) == set(dir(bayes_rrmm))


def test_unknown_public_name_is_an_attribute_error() -> None:
    """A misspelt name raises what Python users expect."""
    with pytest.raises(AttributeError, match="hazard_ratio"):
        _ = bayes_rrmm.hazard_ratio


def test_files_stay_small() -> None:
    """No module of the package is longer than 320 lines."""
    long = {str(path.relative_to(ROOT)): lines for path in (ROOT / "bayes_rrmm").rglob("*.py") if (lines := _lines(path)) > 320}
    assert long == {}


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_saved_run_needs_no_pymc(patients: pd.DataFrame, tmp_path: Path) -> None:
    """A run folder is read, checked, cross-checked and drawn where PyMC, PyTensor and nutpie cannot be imported."""
    cohort, plan = fits.cohort_and_plan(patients, "group + sex")
    folder = bayes_rrmm.save_fit(fits.laplace_fit(plan, cohort), tmp_path / "run")
    code = f"""
import sys
for name in ("pymc", "pytensor", "nutpie"):
    sys.modules[name] = None
import bayes_rrmm as br
fit = br.load_fit({str(folder)!r})
assert br.diagnose(fit).passed
assert len(br.compare_with_frequentist(fit).table) > 8
assert br.loo(fit).elpd < 0
assert len(br.plots.survival(fit, by="group").axes) == 3
print("read")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "read", done.stderr
