"""Nine patients: what the nine salvage transplants of the synthetic cohort can say, and what they cannot.

Run it as `uv run python examples/06_nine_patients.py [FOLDER]`: about three minutes on two cores, half of it compiling. An
interrupted run goes on where it stopped where a folder is given; the tables, the text and the figures are left there too.
"""

import sys
from pathlib import Path

import bayes_rrmm as br

CROSSED = """
schema = 1
title = "PFS2 by regimen in and outside extramedullary disease"
[endpoint]
name = "PFS2"
time = "pfs2_months"
event = "pfs2_event"
unit = "months"
[model]
formula = "regimen * extramedullary"
effects = { "regimen:extramedullary" = "pooled" }
[variables.regimen]
reference = "bortezomib"
[variables.extramedullary]
reference = "no"
[[estimands]]
kind = "hazard-ratio"
of = "regimen"
by = "extramedullary"
"""


def main(folder: Path | None) -> None:
    """The dossier of the group, then the shrinkage of all regimens, what moves each reported number, and subgroups."""
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

    regimens = br.load_analysis("os_regimen_weibull")
    six = br.fit(regimens, br.read_cohort("rrmm1-synthetic", regimens))
    shrunk = br.shrinkage(six, of="regimen")
    print(shrunk)
    print(br.power_scaling(six))

    subgroups = br.parse_analysis(CROSSED)
    crossed = br.fit(subgroups, br.read_cohort("rrmm1-synthetic", subgroups))
    if folder is None:
        return
    dossier.save(folder)
    gallery = folder / "gallery"
    gallery.mkdir(exist_ok=True)
    figures = {
        "prior_grid": br.plots.prior_grid(dossier, fit),
        "tipping_curve": br.plots.tipping_curve(dossier, fit),
        "tipping_contour": br.plots.tipping_contour(dossier, fit),
        "influence": br.plots.influence(dossier, fit),
        "shrinkage": br.plots.shrinkage(shrunk, six),
        "subgroups": br.plots.subgroups(crossed, "regimen"),
    }
    for name, figure in figures.items():
        br.plots.save(figure, gallery / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
