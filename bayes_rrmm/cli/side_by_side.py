"""Tasks in processes of their own, as many at a time as there are cores: models compile side by side only in two processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager


@contextmanager
def side_by_side[T](tasks: Sequence[Callable[[], T]]) -> Iterator[list[Callable[[], T]]]:
    """For each task what waits for its result, or raises what the task raised. On one core, or for one task, each is done in this
    process when its result is asked for. Tasks are begun in their order; leaving early, by an interruption, ends those under way.
    """
    processes = min(len(tasks), os.cpu_count() or 1)
    if processes < 2:
        yield list(tasks)
        return
    spawned = multiprocessing.get_context("spawn")  # a forked process must not use what numba has compiled
    pool = ProcessPoolExecutor(processes, spawned, initializer=_leave_interruptions_to_the_first)
    try:
        yield [future.result for future in [pool.submit(task) for task in tasks]]
        pool.shutdown()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise


def _leave_interruptions_to_the_first() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
