"""Tasks in as many processes as there are cores, this one among them: models compile side by side only in two processes."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from bayes_rrmm.errors import AnalysisError, DataError, FitError, RunFolderError

MOST = 4
"""Processes at most: each takes up to 1 GB."""


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
    begun = [pool.submit(task) for task in tasks]

    def rest() -> list[Callable[[], T]]:
        for index in reversed(range(len(tasks))):
            if begun[index].cancel():
                begun[index] = _done_here(tasks[index])
        return [future.result for future in begun]

    try:
        yield rest
        pool.shutdown()
    except BaseException as error:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        if isinstance(error, BrokenProcessPool):
            raise FitError("a process ended before its task was done, perhaps for want of memory; do one task at a time.") from None
        raise


def _done_here[T](task: Callable[[], T]) -> Future[T]:
    """The task's result, or what it says of its input, to be asked for later; any other error ends all at once."""
    done: Future[T] = Future()
    try:
        done.set_result(task())
    except (AnalysisError, DataError, RunFolderError) as error:
        done.set_exception(error)
    return done


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
