"""Tasks in as many processes as there are cores, this one among them: models compile side by side only in two processes."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial

from bayes_rrmm.errors import AnalysisError, DataError, FitError, RunFolderError

MOST = 4
"""Processes at most: each takes up to 1 GB."""
OF_INPUT = (AnalysisError, DataError, RunFolderError)
"""What a task says of its input, which is no matter of the others."""


@contextmanager
def side_by_side[T](tasks: Sequence[Callable[[], T]]) -> Iterator[Callable[[], list[Callable[[], T]]]]:
    """Other processes begin the tasks in their order. This one does what it has to do besides, and then calls what it was given:
    that takes on the tasks that nobody has begun, from the last, and returns for each task what waits for its result, or raises
    what the task raised. On one core each is done here, when its result is asked for.

    Leaving early, by an interruption, ends the tasks under way.
    """
    others = min(len(tasks), os.cpu_count() or 1, MOST) - 1
    if others < 1:
        yield lambda: list(tasks)
        return
    spawned = multiprocessing.get_context("spawn")  # a forked process must not use what numba has compiled
    pool = ProcessPoolExecutor(others, spawned, initializer=_end_with_the_first)
    waiting, begun = deque(range(len(tasks))), [Future[T]() for _ in tasks]

    def elsewhere(task: Callable[[], T]) -> T:
        return pool.submit(task).result()

    def keep_busy() -> None:
        """Hand a process its next task when it has done the one before: what waits for a process can be done here."""
        for index in iter(partial(_taken, waiting.popleft), None):
            _settle(begun[index], partial(elsewhere, tasks[index]), Exception)

    def rest() -> list[Callable[[], T]]:
        for index in iter(partial(_taken, waiting.pop), None):
            _settle(begun[index], tasks[index], OF_INPUT)
        return [future.result for future in begun]

    threads = [threading.Thread(target=keep_busy, daemon=True) for _ in range(others)]
    try:
        for thread in threads:
            thread.start()
        yield rest
        for thread in threads:
            thread.join()
        pool.shutdown()
    except BaseException as error:
        waiting.clear()
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        if isinstance(error, BrokenProcessPool):
            raise FitError("a process ended before its task was done, perhaps for want of memory; do one task at a time.") from None
        raise


def _taken(take: Callable[[], int]) -> int | None:
    """What `take` finds, or nothing where nothing is left."""
    try:
        return take()
    except IndexError:
        return None


def _settle[T](result: Future[T], make: Callable[[], T], kept: type[Exception] | tuple[type[Exception], ...]) -> None:
    """Make the result, to be asked for later, as are the errors that are kept; any other is raised at once."""
    try:
        result.set_result(make())
    except kept as error:
        result.set_exception(error)


def _end_with_the_first() -> None:
    """Interruptions are the first process's, and where that is gone, killed or not, this one goes too."""
    logging.captureWarnings(True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first = multiprocessing.parent_process()

    def follow() -> None:
        if first is not None:
            first.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
