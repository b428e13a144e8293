"""Ready for print: figures at a journal's widths, tables for LaTeX and Word, and the report, of one fit. Makes the gallery.

Run it as `uv run python examples/07_publication_figures.py [FOLDER]`; everything goes to FOLDER (default: publication).
"""

import sys
from pathlib import Path

import bayes_rrmm as br


def main(folder: Path) -> None:
    """Fit and write the run folder; draw two figures and write two tables by hand; then every figure there is, and the report."""
    analysis = br.load_analysis("pfs2_regimen_weibull")
    cohort = br.read_cohort("rrmm1-synthetic", analysis)
    run = br.run(analysis, cohort, folder / "run", overwrite=True)

    figure = br.plots.survival(run.fit, by="regimen", title="PFS2 by regimen, SYNTHETIC patients")
    br.plots.save(figure, folder / "figure1.png", dpi=600)
    figure = br.plots.forest(run.folder, of="regimen", column="single", title="")
    br.plots.save(figure, folder / "figure2.pdf")

    table = br.tables.baseline(run.folder)
    print(table)
    table.save(folder / "table1.docx")
    br.tables.estimates(run.folder).save(folder / "table2.tex")

    gallery = folder / "gallery"
    gallery.mkdir(exist_ok=True)
    for shown in br.plots.GALLERY:
        if shown.applies(run.results):
            br.plots.save(shown.draw(run.results), gallery / f"{shown.name}.png", dpi=110)
    print(br.report(run.folder).save(folder / "report.html"))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("publication"))
