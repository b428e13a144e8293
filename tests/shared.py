"""What tests share: a folder made once for all workers of a run, and the work that a call takes, whatever the machine's speed."""

from __future__ import annotations

import os
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

WORKER = "PYTEST_XDIST_WORKER"
"""The environment variable in which pytest-xdist names a worker; not set where tests run in one process."""


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` with what `make` wrote there: by whoever asks first, while the other workers wait. Only to be read.

    What cannot be made is not tried again: it fails in every worker, with the words of the first.
    """
    base = factory.getbasetemp()
    folder = (base.parent if WORKER in os.environ else base) / "made_once" / name
    folder.parent.mkdir(exist_ok=True)
    outcome = folder.with_name(f"{name}.outcome")
    with FileLock(folder.with_name(f"{name}.lock")):
        if not outcome.exists():
            folder.mkdir()
            try:
                make(folder)
            except Exception as error:
                outcome.write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
                raise
            outcome.touch()
    failure = outcome.read_text(encoding="utf-8")
    if failure:
        raise RuntimeError(f"{name} could not be made: {failure}")
    return folder


@dataclass(frozen=True)
class Work:
    """What a call takes: `steps` of Python's own (bytecodes, loops inside NumPy being none), and `memory` at most, in bytes."""

    steps: int
    memory: int


def work_of(call: Callable[[], object]) -> Work:
    """The work of a call, counted and not timed: the same on every machine, and however busy it is."""
    steps = 0

    def count(frame: Any, event: str, _: object) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        call()
    finally:
        sys.settrace(before)
    tracemalloc.start()
    try:
        call()
        return Work(steps, tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
