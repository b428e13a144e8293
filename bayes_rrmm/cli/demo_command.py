"""`bayes-rrmm demo`: the study's analyses, the published numbers beside them, and real data sets."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from bayes_rrmm.cli.running import run_and_show
from bayes_rrmm.cli.shared import ERROR, FAILED_DIAGNOSTIC, print_json, shared

SYNTHETIC = "rrmm1-synthetic"
EMBEDDED = {"myeloma_gep": "myeloma-gep", "myeloma_mayo": "myeloma-mayo", "pfs1_against": "rrmm1-paired-synthetic"}
"""The data of a shipped analysis, by the first two parts of its name; every other one is the study's."""
PAIRED = "pfs1_against_pfs2"
"""The analysis that takes the study's patients as two rows each: made of the user's own where they are given. The published
numbers' table has it too: fitted there where no run of it was made."""
NAIVE, DELAYED = "os_initial_naive", "os_initial_delayed_entry"
MAIN = (
    "pfs2_regimen_weibull", "myeloma_gep_weibull", "os_salvage_asct", NAIVE, DELAYED, "os_regimen_weibull",
)  # fmt: skip
"""In the order they are begun: the longest first; first and last have one structure, which the last then finds compiled."""
GAPS = ("pfs2_maintenance", "os_maintenance")
"""Analyses shown under every reading of their gaps by `--full`."""


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/demo"), show_default=True, help="Where run folders go.")
@click.option("--data", default=SYNTHETIC, show_default=True, help="The study's patients: a file with the template's columns.")
@click.option("--full", is_flag=True, help="Every shipped analysis, both real data sets, and every reading of the gaps.")
@shared
def demo(out: Path, data: str, full: bool, quiet: bool, as_json: bool) -> int:
    """The study on its synthetic cohort, beside the published numbers, and a real data set.

    Analyses are run side by side, as many at a time as there are cores.

    Run folders with a report each go to OUT, with published.csv and immortal_time.csv. An analysis that DATA do not allow (a
    regimen nobody had) is named at the end and the others are done; the exit code is then 1.
    """
    from bayes_rrmm.catalogue import model_names
    from bayes_rrmm.cli.side_by_side import OF_INPUT, side_by_side

    silent = quiet or as_json
    if not silent and data == SYNTHETIC:
        click.echo("The patients of rrmm1-synthetic are SYNTHETIC: made up to resemble a published cohort. They are nobody.\n")
    names = [*MAIN, *(name for name in model_names() if name not in MAIN)] if full else list(MAIN)
    records, tables, refused, code = [], {}, {}, 0

    def tried[T](name: str, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except OF_INPUT as error:
            refused[name] = str(error)
            return None

    with side_by_side([partial(_analysis, name, data, out, quiet, as_json) for name in names]) as rest:
        if PAIRED not in names:  # then the published numbers need none of the runs, and are made meanwhile
            tables["published"] = tried("published", lambda: _published(out, data, silent, []))
        for name, result in zip(names, rest(), strict=True):
            if done := tried(name, result):
                text, record, ended = done
                click.echo(text, nl=False)
                records.append(record)
                code = max(code, ended)
    for name, make in _tables(out, data, silent, full, [name for name in names if name not in refused]).items():
        table = tables[name] if name in tables else tried(name, make)
        tables[name] = table
        if table is not None and not silent:
            click.echo(f"{table.text}\n")
    made = [table for table in tables.values() if table is not None]
    code = ERROR if refused else max(code, *(table.code for table in made))
    if as_json:
        print_json({"runs": records, **{table.name: table.rows for table in made}, "refused": refused})
        return code
    for name, reason in refused.items():
        click.echo(f"not done: {name}: {reason}", err=True)
    click.echo(f"Run folders, each with report.html, and the tables above as CSV: {out}/")
    return code


def _analysis(name: str, data: str, out: Path, quiet: bool, as_json: bool) -> tuple[str, dict[str, Any], int]:
    """What a run prints, its record and its exit code."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        source = source_of(name, data, out)
        record, code = run_and_show(
            name,
            source,
            out / name,
            overwrite=True,
            rows=True,
            quiet=quiet,
            as_json=as_json,
            cores=None,
            report=True,
            progress=False,  # bars of several processes would overwrite each other
        )
    return printed.getvalue(), record, code


def source_of(name: str, data: str, out: Path) -> str:
    """The data of an analysis: embedded ones, or the user's, of which pairs.csv in OUT has the patients as two rows each.

    Raises DataError where the user's have not the columns that pairs are made of.
    """
    if name != PAIRED or data == SYNTHETIC:
        return EMBEDDED.get("_".join(name.split("_")[:2]), data)
    from bayes_rrmm.read import table_of
    from bayes_rrmm.study.paired import csv_bytes

    out.mkdir(parents=True, exist_ok=True)
    (out / "pairs.csv").write_bytes(csv_bytes(table_of(data)))
    return str(out / "pairs.csv")


class Table(NamedTuple):
    """A table of the demo: its name, as it is printed, its rows, and the exit code it asks for."""

    name: str
    text: str
    rows: list[dict[str, Any]]
    code: int


def _tables(out: Path, data: str, silent: bool, full: bool, made: list[str]) -> dict[str, Callable[[], Table]]:
    """What each table is called, and how it is made; the published numbers last, where they are seen. `made` names the runs."""
    gaps = {f"missing_{name}": partial(_missing, out, data, name, silent) for name in (GAPS if full else ())}
    published = partial(_published, out, data, silent, made)
    return {"immortal_time": partial(_immortal_time, out), **gaps, "published": published}


def _published(out: Path, data: str, silent: bool, made: list[str]) -> Table:
    from bayes_rrmm.against_published import published_table
    from bayes_rrmm.analysis import load_fit
    from bayes_rrmm.cli.progress import stages

    with stages(silent) as stage:
        fits = [load_fit(out / PAIRED)] if PAIRED in made else []
        found = published_table(data, missing="drop", progress=stage, fits=fits)
    return _written("published", str(found), found.to_dataframe(), out, passed=not found.mark)


def _immortal_time(out: Path) -> Table:
    from bayes_rrmm.agreement import immortal_time
    from bayes_rrmm.analysis import load_fit

    naive, delayed = load_fit(out / NAIVE), load_fit(out / DELAYED)
    found = immortal_time(delayed.require_cohort("immortal time"), naive=naive, delayed=delayed)
    return _written("immortal_time", str(found), found.to_dataframe(), out, passed=not found.mark)


def _missing(out: Path, data: str, name: str, silent: bool) -> Table:
    from bayes_rrmm.cli.progress import stages
    from bayes_rrmm.read import load_analysis, table_of
    from bayes_rrmm.sensitivity import compare_missing

    with stages(silent) as stage:
        found = compare_missing(load_analysis(name), table_of(data), origin=data, stage=stage)
    return _written(f"missing_{name}", str(found), found.table, out, passed=bool(found.table["passed"].all()))


def _written(name: str, text: str, table: Any, out: Path, *, passed: bool) -> Table:
    from bayes_rrmm.cli.text import records
    from bayes_rrmm.run_folder import write_table

    out.mkdir(parents=True, exist_ok=True)
    write_table(out / f"{name}.csv", table)
    return Table(name, text, records(table), 0 if passed else FAILED_DIAGNOSTIC)
