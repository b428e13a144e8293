"""Tasks side by side: every result in its place, errors where they belong, and nothing left running."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bayes_rrmm.cli import side_by_side as module
from bayes_rrmm.cli.side_by_side import side_by_side
from bayes_rrmm.errors import DataError, FitError


def squared(number: int) -> tuple[int, int]:
    """The square, and the process that made it."""
    if number < 0:
        raise DataError(f"{number} is negative; give another.")
    return number**2, os.getpid()


def noted(folder: Path, task: Callable[[], object]) -> object:
    """The task's result; that it was begun, and by which process, is written down before."""
    (folder / str(os.getpid())).touch()
    return task()


def wait_for_another(folder: Path) -> None:
    """Come back once another process has begun a task that is `noted` in the folder."""
    ends = time.monotonic() + 300
    while not {path.name for path in folder.iterdir()} - {str(os.getpid())}:
        assert time.monotonic() < ends, "no other process began"
        time.sleep(0.02)


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_every_result_is_in_its_place(cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one core everything is done here; on more, some of it elsewhere; the results are in the order of the tasks."""
    monkeypatch.setattr(module.os, "cpu_count", lambda: cores)
    with side_by_side([partial(noted, tmp_path, partial(squared, number)) for number in range(5)]) as rest:
        if cores > 1:
            wait_for_another(tmp_path)
        results = [wait() for wait in rest()]
    assert [square for square, _ in results] == [0, 1, 4, 9, 16]
    assert (len({process for _, process in results} - {os.getpid()}) > 0) is (cores > 1)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("cores", [1, 2])
def test_an_error_is_its_own_task_s(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one task raises is raised when its result is asked for, with its words; the others are done."""
    monkeypatch.setattr(module.os, "cpu_count", lambda: cores)
    with side_by_side([partial(squared, number) for number in (2, -1, 3)]) as rest:
        first, wrong, last = rest()
        assert (first()[0], last()[0]) == (4, 9)
        with pytest.raises(DataError, match="-1 is negative; give another"):
            wrong()


def met(folder: Path, number: int, others: int) -> bool:
    """Leave a note, and whether so many tasks have left one before a minute is over."""
    (folder / str(number)).touch()
    for _ in range(600):
        if len(list(folder.iterdir())) >= others:
            return True
        time.sleep(0.1)
    return False


def test_what_waits_for_a_process_is_done_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process is at the first task every other one is done here: none is held back for it."""
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
    with side_by_side([partial(met, tmp_path, 0, 4), *(partial(met, tmp_path, number, 2) for number in (1, 2, 3))]) as rest:
        while not list(tmp_path.iterdir()):
            time.sleep(0.02)
        assert [wait() for wait in rest()] == [True] * 4


def all_of(tasks: list[Callable[[], None]], folder: Path) -> None:
    """Do the tasks, once another process has begun the first of them."""
    with side_by_side([partial(noted, folder, task) for task in tasks]) as rest:
        wait_for_another(folder)
        for wait in rest():
            wait()


def interrupted() -> None:
    """What the sampler makes of an interruption, which it takes to itself."""
    raise FitError("sampling was interrupted before every chain was complete")


def test_an_interruption_that_the_sampler_took_ends_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that is none of the input's is raised at once, whatever other tasks are under way, and they are ended."""
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
    started = time.monotonic()
    endless = partial(time.sleep, 600)
    with pytest.raises(FitError, match="interrupted"):
        all_of([endless, endless, interrupted], tmp_path)
    for process in multiprocessing.active_children():
        process.join()
    assert time.monotonic() - started < 300


def die() -> None:
    """End this process as a machine out of memory would, if it is not the first one."""
    assert multiprocessing.parent_process() is not None
    os._exit(9)


def test_a_process_that_is_killed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another process ends before its task is done, the error says so, and what to do."""
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
    with pytest.raises(FitError, match="for want of memory"):
        all_of([die, partial(time.sleep, 0.1)], tmp_path)


ENDLESS = """
import signal, sys, time
sys.path.insert(0, {folder!r})
from functools import partial
from pathlib import Path
import test_side_by_side as tests
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has it ignored by what it starts in the background
    tests.module.os.cpu_count = lambda: 3
    with tests.side_by_side([partial(tests.note_and_wait, {notes!r}, number) for number in range(3)]) as rest:
        while len(list(Path({notes!r}).iterdir())) < 2:
            time.sleep(0.1)
        print("begun", flush=True)
        time.sleep(600)
"""


def note_and_wait(folder: str, number: int) -> None:
    """Write down the process, and work for ever."""
    (Path(folder) / str(number)).write_text(str(os.getpid()))
    while True:
        time.sleep(0.1)


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_runs_on(ended_by: signal.Signals, tmp_path: Path) -> None:
    """Interrupted, terminated or killed, the first process takes the others with it."""
    script, notes = tmp_path / "endless.py", tmp_path / "notes"
    notes.mkdir()
    script.write_text(ENDLESS.format(folder=str(Path(__file__).parent), notes=str(notes)))
    first = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "begun\n"
    others = [int(note.read_text()) for note in notes.iterdir()]
    first.send_signal(ended_by)
    first.communicate(timeout=60)
    for _ in range(300):
        if not any(map(is_running, others)):
            return
        time.sleep(0.1)
    pytest.fail(f"processes {others} run on")


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "Z" not in subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False).stdout
