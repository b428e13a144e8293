"""Tasks in processes of their own, as many at a time as there are cores: models compile side by side only in two processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
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
    pool = ProcessPoolExecutor(processes, spawned, initializer=_end_with_the_first)
    try:
        yield [future.result for future in [pool.submit(task) for task in tasks]]
        pool.shutdown()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise


def _end_with_the_first() -> None:
    """Interruptions are the first process's, and where that is gone, killed or not, this one goes too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first = multiprocessing.parent_process()

    def follow() -> None:
        if first is not None:
            first.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
