"""The files of a recovery study: FILE.csv, its coverages; FILE.json, where they come from; FILE.replicates.csv, each replicate.

Replicates are appended as they are done, so that an interrupted study loses none: the same study goes on where it ended.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_rrmm.errors import RunFolderError
from bayes_rrmm.run_folder import write_json, write_table
from bayes_rrmm.simulation.fingerprint import changes
from bayes_rrmm.simulation.recovery import COLUMNS, Study, draw_truths, read_truths


@dataclass(frozen=True)
class StudyFiles:
    """The three files beside `table`, whose name ends in .csv."""

    table: Path

    def __post_init__(self) -> None:
        if self.table.suffix != ".csv":
            raise RunFolderError(f"{self.table}: coverages are written as CSV; give a name that ends in .csv.")

    @property
    def replicates(self) -> Path:
        """A row for each quantity of each replicate."""
        return self.table.with_suffix(".replicates.csv")

    @property
    def provenance(self) -> Path:
        """Where the numbers come from."""
        return self.table.with_suffix(".json")

    def begin(self, study: Study, provenance: dict[str, Any]) -> pd.DataFrame:
        """Write the provenance before the first replicate, and return the replicates that an interrupted run left.

        Raises RunFolderError where the files there are of another study, or of something else.
        """
        done = self._left_behind(study)
        self.table.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.provenance, {**provenance, "study": identity(study)})
        done.to_csv(self.replicates, index=False)
        return done

    def append(self, rows: pd.DataFrame) -> None:
        """Keep one more replicate."""
        rows.to_csv(self.replicates, mode="a", header=False, index=False)

    def finish(self, coverages: pd.DataFrame, provenance: dict[str, Any], study: Study) -> None:
        """Write the coverages, to six decimals, and the provenance with what was learnt on the way."""
        write_table(self.table, coverages.round(6))
        write_json(self.provenance, {**provenance, "study": identity(study)})

    def _left_behind(self, study: Study) -> pd.DataFrame:
        there = [path for path in (self.table, self.replicates, self.provenance) if path.exists()]
        if not there:
            return pd.DataFrame(columns=COLUMNS)
        if not self.provenance.exists():
            raise RunFolderError(f"{there[0]}: exists and is of no recovery study; choose another --out, or move it away.")
        self._refuse_another(study)
        if not self.replicates.exists():
            return pd.DataFrame(columns=COLUMNS)
        return self._whole_replicates(study)

    def _whole_replicates(self, study: Study) -> pd.DataFrame:
        """Without a replicate that was being written when the run ended."""
        text = self.replicates.read_text(encoding="utf-8")
        rows = pd.read_csv(io.StringIO(text[: text.rfind("\n") + 1]))
        quantities = len(read_truths(study, draw_truths(study, [1]), study.cohort))
        sizes = rows.groupby("replicate")["quantity"].transform("size")
        return rows[sizes == quantities].reset_index(drop=True)

    def _refuse_another(self, study: Study) -> None:
        stored = json.loads(self.provenance.read_text(encoding="utf-8"))
        before, now = stored.get("study", {}), identity(study)
        what = [f"{key} was {before.get(key)!r} and is {now[key]!r}" for key in now if before.get(key) != now[key]]
        what = what or changes(stored["fingerprint"], study.plan, study.cohort)
        if what:
            raise RunFolderError(
                f"{self.provenance}: is of another study ({what[0]}); choose another --out, or move its files away."
            )


def identity(study: Study) -> dict[str, Any]:
    """What two runs of one study have in common: their replicates of one number are the same."""
    analysis = study.plan.analysis
    return {
        "seed": study.seed,
        "patients": len(study.cohort),
        "analysis_sha256": analysis.sha256,
        "rows_sha256": study.cohort.fingerprint,
        "sampling": analysis.sampling.model_dump(exclude={"seed"}),
        "target_accept": study.plan.target_accept,
    }
