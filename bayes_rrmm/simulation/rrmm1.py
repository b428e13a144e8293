"""The synthetic RRMM1 cohort: 257 made-up patients whose published numbers come out near those of a real study.

    python -m bayes_rrmm.simulation.rrmm1                    writes the shipped table again
    python -m bayes_rrmm.simulation.rrmm1 --out FILE         writes it elsewhere
    python -m bayes_rrmm.simulation.rrmm1 --search 400000    how the shipped seed was selected; about an hour

No row is a patient. Ren Z, Li Y, Xiong Y, Zhang L, Pan L (West China Medical Journal 2026;41(3):435-441) published numbers and
no rows. The numbers of `rrmm1_parameters` were tuned, in several rounds of such a search, until cohorts came out near the
published ones on average. Then the seed was selected: of 1 to 400000, five seeds give a cohort that meets every target of
`rrmm1_targets`, and the shipped one is the nearest to the published numbers. So agreement of the synthetic cohort with the
abstract is by construction, and is evidence of nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayes_rrmm.simulation.rrmm1_courses import Course, Tenths, draw_courses
from bayes_rrmm.simulation.rrmm1_parameters import SEED
from bayes_rrmm.simulation.rrmm1_patients import PATIENTS, Flags, Patients, draw_patients
from bayes_rrmm.simulation.rrmm1_targets import distance, passes

SHIPPED = Path(__file__).parents[1] / "data" / "rrmm1_synthetic.csv"


def make_rrmm1(seed: int = SEED) -> pd.DataFrame:
    """The synthetic cohort of `seed`: 257 rows, every column text as in the CSV file, '' where a value is missing.

    Columns are described by `describe_data("rrmm1-synthetic")`. Only uniform draws are taken from the seed.
    """
    stream = np.random.Generator(np.random.PCG64(seed))
    patients = draw_patients(stream)
    return _table(patients, draw_courses(patients, stream))


def csv_bytes(rows: pd.DataFrame) -> bytes:
    """The CSV file of a cohort."""
    return rows.to_csv(index=False, lineterminator="\n").encode()


def search(count: int) -> list[tuple[float, int]]:
    """Seeds 1 .. count whose cohorts meet every target: distance from the published numbers and seed, the nearest first."""
    from rich.progress import track

    seeds = track(range(1, count + 1), "searching", disable=not sys.stdout.isatty())
    found = ((seed, make_rrmm1(seed)) for seed in seeds)
    return sorted((distance(rows), seed) for seed, rows in found if passes(rows))


def _table(patients: Patients, course: Course) -> pd.DataFrame:
    transplanted = patients.regimen == "salvage-asct"
    first_relapse = _decimal(course.first_relapse)
    return pd.DataFrame(
        {
            "patient": [f"synthetic-{number:03d}" for number in range(1, PATIENTS + 1)],
            "second_line_start": [f"{month // 12}-{month % 12 + 1:02d}" for month in patients.start.astype(int).tolist()],
            "regimen": patients.regimen,
            "salvage_asct": np.where(transplanted, "yes", "no"),
            "pomalidomide": np.where(patients.regimen == "pomalidomide", "yes", "no"),
            "months_to_salvage_asct": np.where(transplanted, _decimal(course.transplant), ""),
            "lenalidomide_maintenance": _level(patients.maintenance, "yes", "no", patients.no_maintenance),
            "relapse_pattern": _level(patients.clinical, "clinical", "biochemical", patients.no_pattern),
            "extramedullary": _level(patients.extramedullary, "yes", "no", patients.no_pattern),
            "months_to_first_relapse": first_relapse,
            "pfs1_months": first_relapse,
            "pfs1_event": "1",
            "pfs2_months": _decimal(course.pfs2),
            "pfs2_event": np.where(course.pfs2_event, "1", "0"),
            "os_months": _decimal(course.os),
            "os_event": np.where(course.os_event, "1", "0"),
            "os_initial_months": _decimal(course.first_relapse + course.os),
        }
    )


def _level(flag: Flags, true: str, false: str, gap: Flags) -> NDArray[np.str_]:
    return np.where(gap, "", np.where(flag, true, false))


def _decimal(tenths: Tenths) -> NDArray[np.str_]:
    return np.array([f"{whole // 10}.{whole % 10}" for whole in tenths.tolist()])


def main() -> None:
    """Write the shipped table, or search for the seed."""
    parser = argparse.ArgumentParser(prog="python -m bayes_rrmm.simulation.rrmm1", description="The synthetic RRMM1 cohort.")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the CSV file to write")
    parser.add_argument("--search", type=int, metavar="N", help="write nothing; print which of the seeds 1 to N meet every target")
    said = parser.parse_args()
    if said.search is None:
        said.out.write_bytes(csv_bytes(make_rrmm1()))
        return
    found = search(said.search)
    print(f"{len(found)} of {said.search} seeds meet every target; distance from the published numbers, the nearest first:")
    for away, seed in found:
        print(f"seed {seed}: {away:.4f}")


if __name__ == "__main__":
    main()
