"""Ready for print: every figure and table of one fit, at a journal's widths, and the report. Makes the gallery's pictures.

Run it as `uv run python examples/07_publication_figures.py [FOLDER]`; files go to FOLDER (default: publication).
"""

import sys
from pathlib import Path

import bayes_rrmm as br


def main(folder: Path) -> None:
    """Fit, write the run folder, draw two figures by hand, then every figure, every table and the report."""
    analysis = br.load_analysis("pfs2_regimen_weibull")
    cohort = br.read_cohort("rrmm1-synthetic", analysis)
    run = br.run(analysis, cohort, folder / "run", overwrite=True)

    figure = br.plots.forest(run.folder, of="regimen", column="single", title="")
    br.plots.save(figure, folder / "figure2.pdf")
    figure = br.plots.survival(run.folder, by="regimen", title="PFS2 by regimen, SYNTHETIC patients")
    br.plots.save(figure, folder / "figure1.png", dpi=600)

    table = br.tables.baseline(run.folder)
    print(table)
    table.save(folder / "table1.docx")
    br.tables.estimates(run.folder).save(folder / "table2.tex")

    for shown in br.plots.GALLERY:
        if shown.applies(run.results):
            br.plots.save(shown.draw(run.results), folder / f"{shown.name}.png", dpi=110)
    print(br.report(run.folder).save(folder / "report.html"))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("publication"))
