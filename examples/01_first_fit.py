"""First fit: second-line progression-free survival by regimen in 257 SYNTHETIC patients. Makes the README's picture.

Run it as `uv run python examples/01_first_fit.py [FOLDER]`; figures go to FOLDER (default: examples/figures).
"""

import sys
from pathlib import Path

import bayes_rrmm as br


def main(folder: Path) -> None:
    """Fit, check, read, compare, draw."""
    analysis = br.load_analysis("pfs2_regimen_weibull")
    cohort = br.read_cohort("rrmm1-synthetic", analysis)
    print(br.validate(analysis, cohort))

    fit = br.fit(analysis, cohort)
    print(br.diagnose(fit))

    hazard_ratio = br.estimate(fit, br.HazardRatio("regimen", "salvage-asct", versus="bortezomib"))
    print(br.summarise(hazard_ratio, below=1.0).to_string(index=False))
    print(br.compare_with_frequentist(fit, cohort))

    folder.mkdir(parents=True, exist_ok=True)
    figure = br.plots.survival(fit, cohort, by="regimen")
    br.plots.save(figure, folder / "pfs2_by_regimen_synthetic.png", dpi=150)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "figures")
