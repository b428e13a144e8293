"""The run folder: one fit and all that was read from it, written whole or not at all. The contract is in DESIGN.

It is written to a temporary sibling and renamed, so a killed command leaves nothing that looks whole.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_rrmm.cohort.build import build_cohort
from bayes_rrmm.cohort.record import Cohort
from bayes_rrmm.errors import BayesRrmmError, RunFolderError
from bayes_rrmm.fitted import Fit
from bayes_rrmm.plan import Plan
from bayes_rrmm.specification.analysis import Analysis, Sampling, parse_analysis

ANALYSIS, PROVENANCE, TREE, ROWS = "analysis.toml", "provenance.json", "fit.nc", "rows.parquet"
NEEDED = (ANALYSIS, PROVENANCE, TREE)
NO_PATIENT_ROWS = ("observed_data",)
"""Groups of the tree that hold patients' rows, and so are not written to fit.nc."""


@contextmanager
def new_run_folder(target: Path, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder that becomes `target` when the block ends without an error, and vanishes otherwise.

    Raises RunFolderError where `target` exists and `overwrite` is False, or is no run folder of ours, or its parent
    cannot be written.
    """
    refuse_existing(target, overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", suffix=".incomplete", dir=target.parent))
    except OSError as error:
        raise RunFolderError(f"{target}: cannot be written ({error.strerror}); choose another --out.") from None
    try:
        temporary.chmod(0o755)
        yield temporary
        _replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def refuse_existing(target: Path, overwrite: bool) -> None:
    """Raise RunFolderError where `target` is in the way: it exists and may not, or should not, be replaced."""
    if not target.exists():
        return
    if not overwrite:
        raise RunFolderError(f"{target}: already exists; choose another --out, or replace it with --overwrite.")
    if not target.is_dir() or (any(target.iterdir()) and not (target / PROVENANCE).is_file()):
        raise RunFolderError(f"{target}: exists and is no run folder, so --overwrite does not touch it; choose another --out.")


def _replace(temporary: Path, target: Path) -> None:
    if not target.exists():
        temporary.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-", suffix=".replaced", dir=target.parent))
    target.rename(old / "run")
    try:
        temporary.rename(target)
    except OSError:
        (old / "run").rename(target)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_fit(folder: Path, fit: Fit, rows: bool = True) -> None:
    """Write analysis, draws, provenance and, unless `rows` is False, the analysed columns without identifiers."""
    (folder / ANALYSIS).write_text(_text_of(fit.analysis), encoding="utf-8")
    tree = fit.tree.filter(lambda node: node.name not in NO_PATIENT_ROWS)
    tree = tree.copy()
    tree.attrs["plan"] = fit.plan.to_json()
    tree.to_netcdf(folder / TREE, engine="h5netcdf")
    if rows and fit.cohort is not None:
        frame = fit.cohort.to_stored()
        frame.index.name = "row"
        frame.to_parquet(folder / ROWS)
    needed = {"data": {"fingerprint": fit.fingerprint}, "sampling": fit.analysis.sampling.model_dump()}
    write_json(folder / PROVENANCE, {**needed, **fit.provenance})


def _text_of(analysis: Analysis) -> str:
    """The analysis as read. Raises RunFolderError where it was changed since: the text would not be what was fitted.

    Sampling is apart from that: what was used is in the provenance.
    """
    unchanged = {"sampling": analysis.sampling}
    if analysis.source and parse_analysis(analysis.source).model_copy(update=unchanged) == analysis:
        return analysis.source
    raise RunFolderError(
        "this fit's analysis was changed in Python after it was read, so its text is not what was fitted; "
        "change the text and read it with load_analysis, then fit and save."
    )


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON so that a reader never sees half of it."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_text(path: Path, content: str) -> None:
    """Write text so that a reader never sees half of it. Raises OSError where it cannot be written."""
    with whole(path) as temporary:
        temporary.write_text(content, encoding="utf-8")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to, which becomes `path` when the block ends without an error and vanishes otherwise. It
    ends as `path` does, for writers that look at the suffix."""
    temporary = path.with_name(f".incomplete-{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a CSV so that a reader never sees half of it. Raises OSError where it cannot be written."""
    with whole(path) as temporary:
        table.to_csv(temporary, index=False)


TEXT_COLUMNS = (
    "source", "estimand", "endpoint", "term", "group", "versus", "contrast", "subgroup", "population", "unit", "interval", "method",
    "convention", "verdict", "reason_code", "reason", "check", "of", "advice", "parameter",
)  # fmt: skip
"""Columns of a run folder's tables that hold text, whatever it looks like: a level may be called 1."""


def read_table(
    path: Path, text: Collection[str] = TEXT_COLUMNS, remedy: str = "make the run again with `bayes-rrmm fit`"
) -> pd.DataFrame:
    """A table as `write_table` wrote it: columns of `text` stay text, and an empty text is ''. Raises RunFolderError, with the
    remedy, where it cannot be read."""
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values={"": [""]})
        others = [name for name in table.columns if name not in text]
        return table.assign(**pd.read_csv(path, usecols=others)) if others else table
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read ({error}); {remedy}.") from None


def folder_safe(name: str) -> str:
    """The name, such as a level's, as that of a file or folder: letters of any alphabet, digits, `_`, `+`, `-` and dots inside;
    whatever else it holds is a `-`. At most 60 characters, and never empty."""
    return re.sub(r"[^\w+.-]+", "-", name)[:60].strip(".-") or "unnamed"


def read_fit(folder: Path, data: pd.DataFrame | None = None) -> Fit:
    """The fit of a run folder, with its rows: from the folder, or from `data` where it was saved without them.

    Raises RunFolderError where the folder is not whole, or `data` are not what the fit was made from.
    """
    import xarray as xr

    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        what = "no such folder" if not folder.exists() else f"no whole run folder: {', '.join(missing)} is missing"
        raise RunFolderError(f"{folder}: {what}; make one with `bayes-rrmm fit ANALYSIS DATA --out {folder}`.")
    try:
        analysis = parse_analysis((folder / ANALYSIS).read_text(encoding="utf-8"), str(folder / ANALYSIS))
        provenance = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
        with xr.open_datatree(folder / TREE, engine="h5netcdf") as stored:
            tree = stored.load()
        sampling = Sampling(**provenance["sampling"]) if "sampling" in provenance else analysis.sampling
        plan = Plan.from_json(analysis.model_copy(update={"sampling": sampling}), tree.attrs["plan"])
        cohort = _rows(folder, analysis, provenance["data"]["fingerprint"], data)
    except BayesRrmmError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise RunFolderError(f"{folder}: cannot be read ({what}); make it again with `bayes-rrmm fit`.") from error
    return Fit(plan, tree, provenance, cohort)


def _rows(folder: Path, analysis: Analysis, expected: str, data: pd.DataFrame | None) -> Cohort | None:
    if data is not None:
        cohort = build_cohort(data, analysis)
    elif (folder / ROWS).is_file():
        cohort = Cohort.from_analysed(pd.read_parquet(folder / ROWS), analysis.endpoint, str(folder / ROWS))
    else:
        return None
    if cohort.fingerprint != expected:
        raise RunFolderError(
            f"{folder}: these rows are not the ones the fit was made from (fingerprint {cohort.fingerprint[:12]}, "
            f"expected {expected[:12]}); give the same data, rows in the same order, or fit again."
        )
    return cohort

