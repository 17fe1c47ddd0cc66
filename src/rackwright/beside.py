"""Pieces of work side by side, each in a process of its own.

A piece yields what it finds as it goes; that comes back through a pipe at once, so that Ctrl-C
keeps it. What is found does not depend on the number of processes, the order in which pieces get
ready does. Interrupting is the parent's business: it ends the processes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

__all__ = ["Ended", "Found", "cores", "side_by_side"]

Tell = Callable[[str], None]
Work = Callable[[Any, Tell], Iterator[Any]]
"""Called in its own process with a job and a function for lines of progress."""


class Found(NamedTuple):
    """Something that the work on ``jobs[job]`` has yielded, or `Ended`."""

    job: int
    item: Any


class Ended(NamedTuple):
    """A process has ended; a code other than 0 says that it ended early."""

    exit_code: int | None


@dataclass
class _Worker:
    job: int
    process: Any


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (
        os.cpu_count() or 1)


def side_by_side(work: Work, jobs: Sequence[Any], processes: int,
                 say: Callable[[int, str], None]) -> Iterator[Found]:
    """What `work` yields for each of `jobs`, as it is found; `Ended` comes last for each job.

    `work` is a function of a module, jobs and items can be pickled. `say(job, text)` gets the
    lines of progress. Leaving the loop ends all processes.
    """
    waiting = list(range(len(jobs)))[::-1]
    working: dict[Connection, _Worker] = {}
    try:
        while waiting or working:
            while waiting and len(working) < processes:
                connection, worker = _started(work, waiting.pop(), jobs)
                working[connection] = worker
            for ready in wait(list(working)):
                assert isinstance(ready, Connection)
                yield from _received(ready, working, say)
    finally:
        for worker in working.values():
            worker.process.terminate()
            worker.process.join()


def _started(work: Work, number: int, jobs: Sequence[Any]) -> tuple[Connection, _Worker]:
    spawning = multiprocessing.get_context("spawn")  # forks of a process with threads may hang
    ours, theirs = spawning.Pipe(duplex=False)
    process = spawning.Process(target=live, args=(work, jobs[number], theirs), daemon=True)
    process.start()
    theirs.close()
    return ours, _Worker(number, process)


def _received(ready: Connection, working: dict[Connection, _Worker],
              say: Callable[[int, str], None]) -> Iterator[Found]:
    worker = working[ready]
    try:
        is_item, content = ready.recv()
    except (EOFError, OSError):
        del working[ready]
        worker.process.join()
        yield Found(worker.job, Ended(worker.process.exitcode))
        return
    if is_item:
        yield Found(worker.job, content)
    else:
        say(worker.job, content)


def live(work: Work, job: Any, connection: Connection) -> None:
    """The whole life of a process: lines of progress, items, then the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent takes Ctrl-C and ends this process
    with suppress(BrokenPipeError):
        for item in work(job, lambda text: connection.send((False, text))):
            connection.send((True, item))
