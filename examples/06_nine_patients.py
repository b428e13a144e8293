"""Nine patients: what the nine salvage transplants of the synthetic cohort can say, and what they cannot.

Run it as `uv run python examples/06_nine_patients.py [FOLDER]`: about three minutes on two cores, half of it compiling. An
interrupted run goes on where it stopped where a folder is given; the tables and the text are left there too.
"""

import sys
from pathlib import Path

import bayes_rrmm as br


def main(folder: Path | None) -> None:
    """The dossier of the group, then the shrinkage of all regimens and what moves each reported number."""
    analysis = br.load_analysis("os_salvage_asct")
    patients = br.load_data("rrmm1-synthetic")
    cohort = br.read_cohort("rrmm1-synthetic", analysis)
    fit = br.fit(analysis, cohort)

    dossier = br.small_group(
        fit,
        cohort,
        "yes",
        priors={"earlier trials": {"hazard_ratio": 0.8, "upper95": 1.6}},
        treated_at=patients["months_to_salvage_asct"],
        folder=None if folder is None else folder / "refits",
    )
    print(dossier)
    if folder is not None:
        dossier.save(folder)

    regimens = br.load_analysis("os_regimen_weibull")
    six = br.fit(regimens, br.read_cohort("rrmm1-synthetic", regimens))
    print(br.shrinkage(six, of="regimen"))
    print(br.power_scaling(six))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
