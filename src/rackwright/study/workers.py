"""Processes that replay side by side, and what happens when one dies or the user stops.

Processes are spawned. They leave Ctrl-C to the parent, which ends them; they end by themselves when
the parent is gone, however it went. When a process dies, the replays that were under way are
repeated one at a time, so that the one that kills processes is known and the others go on.

Processes are started at the first replays that are worth it and stay for the next ones.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from concurrent.futures.process import ProcessPoolExecutor
from multiprocessing import connection
from typing import Any

from rackwright.errors import ReplayError
from rackwright.study.plans import Task
from rackwright.study.work import Answer, perform

__all__ = ["Workers"]

_AHEAD = 2      # tasks a worker, sent before it asks: it never waits for the parent
_MOST = 1024    # tasks sent to an executor whose number of workers is not known


class Workers:
    """This process, `jobs` processes, or an executor of the user's, which stays open.

    `answers` may be called again and again; `close` ends the processes.
    """

    def __init__(self, jobs: int = 1, executor: Executor | None = None) -> None:
        self.jobs, self.executor = jobs, executor
        self._pool: _Pool | None = None

    @property
    def side_by_side(self) -> bool:
        return self.jobs > 1 or self.executor is not None

    def answers(self, tasks: Sequence[Task]) -> Generator[tuple[Task, Answer], None, None]:
        """Answers as they come."""
        if self.executor is not None:
            yield from _from_executor(tasks, self.executor)
        elif self._pool is None and (self.jobs <= 1 or len(tasks) <= 1):
            yield from ((task, perform(task)) for task in tasks)
        else:
            yield from self._from_processes(tasks)

    def close(self, at_once: bool = False) -> None:
        """End the processes; `at_once`: whatever they are doing."""
        if self._pool is not None:
            self._pool.close(at_once)
            self._pool = None

    def _from_processes(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Answer]]:
        left = {task.key: task for task in tasks}
        while left:
            suspects: list[Task] = []
            try:
                for task, answer in _flow(list(left.values()), self._submit, self.jobs * _AHEAD,
                                          suspects):
                    del left[task.key]
                    yield task, answer
            except BrokenExecutor:
                self.close()
                for task in suspects:
                    if left.pop(task.key, None) is not None:
                        yield task, _alone(task)

    def _submit(self, *call: Any) -> Future[Answer]:
        if self._pool is None:
            self._pool = _Pool(self.jobs)
        return self._pool.submit(*call)


class _Pool:
    """Processes that are spawned: forks of a process with threads may hang."""

    def __init__(self, jobs: int) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._jobs = jobs
        self._pool = ProcessPoolExecutor(jobs, mp_context=spawning, initializer=_begin)
        self._processes: set[Any] = set()

    def submit(self, *call: Any) -> Future[Answer]:
        before = set(multiprocessing.active_children())
        future: Future[Answer] = self._pool.submit(*call)
        if len(self._processes) < self._jobs:  # they start one by one, with the first calls
            self._processes |= set(multiprocessing.active_children()) - before
        return future

    def close(self, at_once: bool = False) -> None:
        if at_once:
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in self._processes:
                process.terminate()
        self._pool.shutdown()


def _from_executor(tasks: Sequence[Task], executor: Executor) -> Iterator[tuple[Task, Answer]]:
    try:
        yield from _flow(tasks, executor.submit, _MOST, [])
    except (BrokenExecutor, CancelledError) as problem:  # a lost cluster cancels what it was given
        raise ReplayError(f"the executor is gone{f': {problem}' if str(problem) else ''}; what was "
                          "done is kept, go on with --resume (resume=True) and another one"
                          ) from None


def _alone(task: Task) -> Answer:
    """The answer of a process for this task only."""
    pool, finished = _Pool(1), False
    try:
        answer = pool.submit(perform, task).result()
        finished = True
    except BrokenExecutor:
        answer = {"error": "its process was ended from outside (out of memory?)", "passing": True}
    finally:
        pool.close(at_once=not finished)
    return answer


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


def _begin() -> None:
    """First thing in a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent takes Ctrl-C and ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent: Any = multiprocessing.parent_process()
    connection.wait([parent.sentinel])
    os._exit(1)
