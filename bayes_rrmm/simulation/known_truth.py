"""A study of cohorts whose truth is fixed, as a command runs it: FILE.csv, its table; FILE.json, where it comes from;
FILE.replicates.csv, each replicate, appended as it is done, so that an interrupted study goes on where it ended."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_rrmm.errors import RunFolderError, listed
from bayes_rrmm.run_folder import write_json, write_table

VERSIONS = ("bayes-rrmm", "pymc", "nutpie", "numpy", "scipy", "pandas", "lifelines")


@dataclass(frozen=True)
class KnownTruth:
    """What a study is. `module` runs it; a replicate is a value of the column `scenario` and a number.

    `replicate` takes both and the cores to use, and gives `size` rows of `columns`, from which `table` makes the table.
    `design` is everything that decides what a replicate is, fit for JSON, and `fingerprints` are those of the models.
    """

    module: str
    description: str
    scenario: str
    scenarios: Sequence[Any]
    columns: list[str]
    size: int
    design: dict[str, Any]
    fingerprints: Callable[[], dict[str, Any]]
    replicate: Callable[[Any, int, int | None], pd.DataFrame]
    table: Callable[[pd.DataFrame], pd.DataFrame]

    def run(self, arguments: list[str] | None = None) -> int:
        """Run the replicates that are missing; write the table, each replicate, and where they come from."""
        asked = self._asked(arguments)
        kept, provenance = asked.out.with_suffix(".replicates.csv"), asked.out.with_suffix(".json")
        before = self._left_behind(kept, provenance)
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        record = self._record(asked)
        write_json(provenance, record)  # before the first replicate, so that an interrupted run is known for what it is
        before.to_csv(kept, index=False)
        self._fill(before, kept, asked.replicates, asked.cores)
        whole = self._left_behind(kept, provenance)
        table = self.table(whole[whole["replicate"] <= asked.replicates])
        write_table(asked.out, table.round(6))
        write_json(provenance, {**record, "replicates_sha256": hashlib.sha256(kept.read_bytes()).hexdigest()})
        sys.stdout.write(table.round(3).to_string(index=False) + "\n")
        return 0

    def _asked(self, arguments: list[str] | None) -> argparse.Namespace:
        parser = argparse.ArgumentParser(prog=f"python -m {self.module}", description=self.description)
        parser.add_argument("--replicates", type=int, default=200, help=f"cohorts, each under every {self.scenario}")
        parser.add_argument("--out", type=Path, required=True, help="FILE.csv; beside it FILE.replicates.csv and FILE.json")
        parser.add_argument("--cores", type=int, default=None, help="chains sampled at once (default: one a core)")
        return parser.parse_args(arguments)

    def _record(self, asked: argparse.Namespace) -> dict[str, Any]:
        return {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": f"python -m {self.module} --replicates {asked.replicates} --out {asked.out}",
            "replicates": asked.replicates,
            "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONS}},
            "platform": f"{sys.platform} {platform.machine()}",
            "design": self.design,
            "fingerprints": self.fingerprints(),
        }

    def _fill(self, before: pd.DataFrame, kept: Path, replicates: int, cores: int | None) -> None:
        from rich.console import Console
        from rich.progress import Progress

        done = set(zip(before[self.scenario], before["replicate"], strict=True))
        everything = [(scenario, number) for number in range(1, replicates + 1) for scenario in self.scenarios]
        wanted = [one for one in everything if one not in done]
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task("replicates", total=len(wanted))
            for scenario, number in wanted:
                self.replicate(scenario, number, cores).to_csv(kept, mode="a", header=False, index=False)
                bar.advance(task)

    def _left_behind(self, replicates: Path, provenance: Path) -> pd.DataFrame:
        """The whole replicates that an interrupted run left. Raises RunFolderError where they are of another design."""
        if not replicates.exists():
            return pd.DataFrame(columns=self.columns)
        stored = json.loads(provenance.read_text(encoding="utf-8"))["design"] if provenance.exists() else {}
        changed = [name for name, value in self.design.items() if stored.get(name) != value]
        if changed:
            raise RunFolderError(
                f"{replicates}: is of another design ({listed(changed)}); choose another --out, or move its files away."
            )
        text = replicates.read_text(encoding="utf-8")
        rows = pd.read_csv(io.StringIO(text[: text.rfind("\n") + 1]))
        sizes = rows.groupby([self.scenario, "replicate"])["replicate"].transform("size")
        return rows[sizes == self.size].reset_index(drop=True)
