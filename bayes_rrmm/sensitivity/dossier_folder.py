"""The folder of a dossier: whose it is, how a new one takes the place of an earlier one of the same group, and how it is read."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from bayes_rrmm.errors import AnalysisError, RunFolderError, listed, nearest
from bayes_rrmm.fitted import Fit
from bayes_rrmm.run_folder import folder_safe, read_table, write_json, write_table
from bayes_rrmm.sensitivity.group_frequentist import Counted
from bayes_rrmm.sensitivity.group_question import GroupQuestion

RECORD, TEXT, DOSSIERS = "dossier.json", "dossier.txt", "dossiers"
WHOSE = ("group", "versus", "of")
SECTIONS = (
    "frequentist", "priors", "explorer", "curve", "contour", "crossings", "left_out", "flipped", "power_scaling", "shrinkage",
    "baselines", "follow_up", "immortal", "refits",
)  # fmt: skip
ALWAYS = ("frequentist", "priors", "curve", "contour", "crossings", "left_out", "flipped", "refits")
"""The tables that every dossier has, those that did not list theirs too."""

WORDS = ("failed", "note", "method", "unit")
WORDS_OF: dict[str, tuple[str, ...]] = {
    "frequentist": ("convention",),
    "priors": ("prior",),
    "crossings": ("along",),
    "left_out": ("patient",),
    "flipped": ("patient",),
    "power_scaling": (
        "estimand", "endpoint", "term", "group", "versus", "contrast", "subgroup", "population", "scale", "diagnosis", "reason",
    ),
    "shrinkage": ("level", "versus", "subgroup"),
    "baselines": ("baseline", "cuts", "smoothing", "prior", "events"),
    "follow_up": ("reading",),
    "refits": ("section", "name"),
}  # fmt: skip
"""The columns of each section that hold text, whatever it looks like, beside those named so in all: a prior is a name in one
and a number in another."""


@dataclass(frozen=True, repr=False, eq=False)
class Dossier:
    """A dossier as its folder holds it: whose it is, what it says, and its tables by section (`SmallGroup` says what they are),
    without the patients' own times and statuses.

    `fit` is the digest of the posterior that it was made beside, `fingerprint` that of the data; both are '' in a dossier that
    does not say, and then it belongs to no fit. `folder` is None where it was never written.
    """

    group: str
    versus: str
    of: str
    title: str
    sizes: Counted
    threshold: float
    side: str
    passed: bool
    conclusion: str
    notes: tuple[str, ...]
    tables: Mapping[str, pd.DataFrame]
    text: str
    fit: str = ""
    fingerprint: str = ""
    folder: Path | None = None

    def __repr__(self) -> str:
        return f"Dossier({self.label!r}: {', '.join(self.tables)})"

    def __str__(self) -> str:
        return self.text.rstrip("\n")

    @property
    def label(self) -> str:
        """How the hazard ratio is called."""
        return f"{self.group} / {self.versus}"

    @property
    def prob(self) -> float:
        """The probability of the refits' intervals, which are equal-tailed; 0.95 where no refit says."""
        refits = self.to_dataframe("refits")
        known = refits["prob"].dropna() if "prob" in refits else ()
        return float(next(iter(known), 0.95))

    def belongs_to(self, fit: Fit) -> bool:
        """Whether it was made beside these very draws: another fit of the same rows has other numbers."""
        return bool(self.fit) and self.fit == fit.identity

    def to_dataframe(self, section: str = "priors") -> pd.DataFrame:
        """The table of one section, empty where it was not asked for. Raises AnalysisError where there is no such section."""
        if section not in SECTIONS:
            raise AnalysisError(f"{section!r} is no section of a dossier; {nearest(section, SECTIONS)}")
        return self.tables.get(section, pd.DataFrame())


class Made(Protocol):
    """What was just made and can be seen as a dossier, such as a `SmallGroup`."""

    def dossier(self) -> Dossier: ...


DossierSource = Dossier | Made | str | Path
"""What shows a dossier takes: it, the small group it is of, or its folder."""


def read_dossier(source: DossierSource) -> Dossier:
    """The dossier of a folder that `sensitivity` or `SmallGroup.save` wrote; of a small group, or of a dossier, that itself.

    Raises RunFolderError where the folder holds none, or not the whole of it.
    """
    if isinstance(source, Dossier):
        return source
    if not isinstance(source, str | Path):
        return source.dossier()
    folder = Path(source)
    if not (folder / RECORD).is_file():
        what = "no such folder" if not folder.exists() else f"holds no whole dossier: {RECORD} is missing"
        raise RunFolderError(f"{folder}: {what}; make one with `bayes-rrmm sensitivity DIR --group LEVEL --out {folder}`.")
    content = _record_of(folder)
    try:
        listed_there = content.get("tables")
        names = tuple(ALWAYS if listed_there is None else map(str, listed_there))
        made_of = content.get("fit", {})
        parts: dict[str, Any] = {
            **{name: str(content[name]) for name in (*WHOSE, "title", "side", "conclusion")},
            "sizes": Counted(**content["sizes"]),
            "threshold": float(content["threshold"]),
            "passed": bool(content["passed"]),
            "notes": tuple(map(str, content["notes"])),
            "fit": str(made_of.get("identity", "")),
            "fingerprint": str(made_of.get("fingerprint", "")),
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunFolderError(f"{folder}: its {RECORD} lacks something ({error}); {_again(folder)}.") from None
    missing = [name for name in (*(f"{name}.csv" for name in names), TEXT) if not (folder / name).is_file()]
    if missing:
        raise RunFolderError(f"{folder}: no whole dossier: {listed(missing)} is missing; {_again(folder)}.")
    there = [name for name in SECTIONS if name in names or (listed_there is None and (folder / f"{name}.csv").is_file())]
    tables = {name: read_table(folder / f"{name}.csv", (*WORDS, *WORDS_OF.get(name, ())), _again(folder)) for name in there}
    return Dossier(**parts, tables=tables, text=(folder / TEXT).read_text(encoding="utf-8"), folder=folder)


def dossiers_of(run_folder: str | Path) -> list[Path]:
    """The folders of the whole dossiers that a run folder holds, by name; one that was interrupted is not among them."""
    return sorted(path.parent for path in (Path(run_folder) / DOSSIERS).glob(f"[!.]*/{RECORD}"))


def place_for(run_folder: Path, question: GroupQuestion) -> Path:
    """Where a run folder keeps the dossier of a group: dossiers/LEVEL, its name safe for folders. With `-against-` where it is
    not compared with the reference, and behind the variable's name where several have such a level."""
    encoding = question.plan.encoding
    name = folder_safe(question.group)
    if sum(question.group in variable.levels for variable in encoding.groups) > 1:
        name = f"{folder_safe(question.of)}-{name}"
    if question.versus != encoding.group(question.of).reference:
        name = f"{name}-against-{folder_safe(question.versus)}"
    return run_folder / DOSSIERS / name


def refuse_other(folder: Path, whose: tuple[str, str, str]) -> None:
    """Raise RunFolderError where the folder holds the dossier of another (group, versus, of), or one that cannot be read."""
    if not (folder / RECORD).exists():
        return
    content = _record_of(folder)
    held = tuple(content.get(name) for name in WHOSE)
    if held != whose:
        names = [f"{group} / {versus} ({of})" for group, versus, of in (held, whose)]
        raise RunFolderError(
            f"{folder}: holds the dossier of {names[0]}, not of {names[1]}; name another folder, or remove this one first."
        )


def _record_of(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or not content.keys() >= {*WHOSE}:
        raise RunFolderError(f"{folder}: its {RECORD} cannot be read; name another folder, or remove this one.")
    return content


def _again(folder: Path) -> str:
    return f"make it again with `bayes-rrmm sensitivity DIR --group LEVEL --out {folder}`: its refits are kept"


def write_dossier(
    folder: Path, tables: Mapping[str, pd.DataFrame], text: str, record: Mapping[str, Any], sections: Iterable[str] = SECTIONS
) -> None:
    """Put the tables, the text and the record into the folder; tables of other `sections` that it held are removed.

    All is written to a temporary sibling first. The record is taken away before the first table is moved in and comes last, so
    that a folder with one is whole. Anything else in the folder, its refits say, stays. Raises RunFolderError where the folder
    cannot be written, or holds another dossier.
    """
    folder = folder.resolve()
    refuse_other(folder, (record["group"], record["versus"], record["of"]))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", suffix=".incomplete", dir=folder.parent))
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be written ({error.strerror}); name another folder.") from None
    try:
        for name, table in tables.items():
            write_table(temporary / f"{name}.csv", table)
        (temporary / TEXT).write_text(text, encoding="utf-8")
        write_json(temporary / RECORD, dict(record))
        for name in (RECORD, TEXT, *(f"{section}.csv" for section in sections)):
            (folder / name).unlink(missing_ok=True)
        for path in sorted(temporary.iterdir(), key=lambda path: path.name == RECORD):
            shutil.move(path, folder / path.name)  # no rename: the folder may be a mount, its sibling elsewhere
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
