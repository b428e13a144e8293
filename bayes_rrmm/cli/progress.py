"""Progress on a terminal: a spinner while compiling, a bar while sampling; nothing where the output is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def sampling_progress(silent: bool) -> Iterator[Callable[[int, int, int], None] | None]:
    """A callback for draws done, draws in all and divergences; None where nothing should be shown."""
    if silent or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("compiling the model", total=None)

        def report(done: int, total: int, divergences: int) -> None:
            note = f", {divergences} divergences" if divergences else ""
            reading = "reading estimates" if done == total else f"sampling{note}"
            bar.update(task, description=reading, completed=done, total=total)

        yield report


@contextmanager
def stages(silent: bool) -> Iterator[Callable[[str], None]]:
    """A callback for the name of what is being done, shown beside a spinner; it shows nothing where nothing should be."""
    if silent or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda name: bar.update(task, description=name)


@contextmanager
def counted(silent: bool) -> Iterator[Callable[[int, int, str], None] | None]:
    """A callback for how many are done, how many there are, and the name of the next; None where nothing should be shown."""
    if silent or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("compiling the model", total=None)
        yield lambda done, total, name: bar.update(task, description=name or "reading", completed=done, total=total)
