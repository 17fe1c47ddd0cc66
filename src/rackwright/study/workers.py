"""Processes that replay side by side, and what happens when one dies or the user stops.

Processes are spawned. They leave Ctrl-C to the parent, which ends them; they end by themselves when
the parent is gone, however it went. When a process dies, the replays that were under way are
repeated one at a time, so that the one that kills processes is known and the others go on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from concurrent.futures.process import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any

from rackwright.errors import ReplayError
from rackwright.study.plans import Task
from rackwright.study.work import Answer, perform

__all__ = ["answers"]

_AHEAD = 2      # tasks a worker, sent before it asks: it never waits for the parent
_MOST = 1024    # tasks sent to an executor whose number of workers is not known


def answers(tasks: Sequence[Task], jobs: int, executor: Executor | None
            ) -> Generator[tuple[Task, Answer], None, None]:
    """Answers as they come: from this process, `jobs` processes, or `executor`."""
    if executor is not None:
        yield from _from_executor(tasks, executor)
    elif jobs <= 1 or len(tasks) <= 1:
        yield from ((task, perform(task)) for task in tasks)
    else:
        yield from _from_pool(tasks, min(jobs, len(tasks)))


def _from_executor(tasks: Sequence[Task], executor: Executor) -> Iterator[tuple[Task, Answer]]:
    try:
        yield from _flow(tasks, executor.submit, _MOST, [])
    except BrokenExecutor as problem:
        raise ReplayError(f"the executor broke: {problem}; what was done is kept, go on with "
                          "resume=True and a new one") from None


def _from_pool(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Task, Answer]]:
    left = {task.key: task for task in tasks}
    while left:
        suspects: list[Task] = []
        try:
            with _pool(jobs) as pool:
                for task, answer in _flow(list(left.values()), pool.submit, jobs * _AHEAD,
                                          suspects):
                    del left[task.key]
                    yield task, answer
        except BrokenExecutor:
            for task in suspects:
                if left.pop(task.key, None) is not None:
                    yield task, _alone(task)


def _alone(task: Task) -> Answer:
    """The answer of a process for this task only."""
    try:
        with _pool(1) as pool:
            return pool.submit(perform, task).result()
    except BrokenExecutor:
        return {"error": "its process was ended from outside (out of memory?)", "passing": True}


def _flow(tasks: Sequence[Task], submit: Callable[..., Future[Answer]], most: int,
          suspects: list[Task]) -> Iterator[tuple[Task, Answer]]:
    """At most `most` tasks under way; `suspects`: those at the end."""
    waiting = list(tasks)[::-1]
    running: dict[Future[Answer], Task] = {}
    try:
        while waiting or running:
            while waiting and len(running) < most:
                running[submit(perform, waiting[-1])] = waiting[-1]
                waiting.pop()
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda one: running[one].key):
                answer = future.result()
                yield running.pop(future), answer
    finally:
        suspects += running.values()
        for future in running:
            future.cancel()


@contextmanager
def _pool(jobs: int) -> Iterator[Executor]:
    """Spawned processes, ended at once when the block is left by an exception."""
    before = set(multiprocessing.active_children())
    spawning = multiprocessing.get_context("spawn")  # forks of a process with threads may hang
    pool = ProcessPoolExecutor(jobs, mp_context=spawning, initializer=_begin)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown()


def _begin() -> None:
    """First thing in a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent takes Ctrl-C and ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent: Any = multiprocessing.parent_process()
    connection.wait([parent.sentinel])
    os._exit(1)
