"""`bayes-rrmm published`: what published hazard ratios alone support."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bayes_rrmm.cli.shared import print_json, shared

if TYPE_CHECKING:
    from bayes_rrmm.evidence import PublishedEvidence


@click.command()
@click.argument("file")
@click.option("--alternative", type=float, default=0.5, show_default=True, help="Hazard ratio of the sceptic and the enthusiast.")
@click.option("--threshold", type=float, default=0.975, show_default=True, help="Probability whose crossing is looked for.")
@click.option("--below", type=float, default=0.8, show_default=True, help="Print P(HR < this) as well.")
@click.option(
    "--prior", "own", type=(float, float), multiple=True, metavar="HR UPPER95", help="A prior of your own: centre, 97.5 % point."
)
@click.option("--pool", "pooled", multiple=True, metavar="NAMES", help='Contrasts to pool, "a; b; c", or "all"; may be repeated.')
@click.option("--out", type=click.Path(path_type=Path), help="FILE.csv to write the table to (poolings: FILE_pooled.csv).")
@shared
def published(
    file: str,
    alternative: float,
    threshold: float,
    below: float,
    own: tuple[tuple[float, float], ...],
    pooled: tuple[str, ...],
    out: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Say what the hazard ratios published in FILE (TOML, or the name of an embedded publication) support alone.

    Consistency, events they weigh, posteriors under a grid of priors, reverse-Bayes limits, tipping points, pooling.
    """
    from bayes_rrmm import publications
    from bayes_rrmm.errors import DataError

    if out is not None and not out.parent.is_dir():
        raise DataError(f"{out}: there is no folder {out.parent}; make it, or name another file.")
    priors = {f"yours {hr:g}-{upper:g}": {"hazard_ratio": hr, "upper95": upper} for hr, upper in own}
    found = publications.published(
        file, alternative=alternative, priors=priors, threshold=threshold, below=below, pool=[_group(text) for text in pooled]
    )
    if out is not None:
        _write(found, out)
    if as_json:
        print_json(found.record())
    elif quiet:
        for about, words in found.conclusions.items():
            click.echo(f"{about}: {words}")
        for problem in (problem for contrast in found.contrasts for problem in contrast.problems):
            click.echo(f"Found: {problem}")
    else:
        click.echo(str(found))


def _group(text: str) -> list[str] | str:
    """The names in "a; b; c"; commas part them where there is no semicolon."""
    if text.strip() == "all":
        return "all"
    return [name.strip() for name in text.split(";" if ";" in text else ",") if name.strip()]


def _write(found: PublishedEvidence, out: Path) -> None:
    found.to_dataframe().to_csv(out, index=False)
    if found.pools:
        found.pooled_dataframe().to_csv(out.with_name(f"{out.stem}_pooled.csv"), index=False)
