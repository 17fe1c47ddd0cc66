"""Systems simulated one after the other here, or side by side in processes of their own.

A system is one piece of work, since its rows share what they simulate. Each process sends its
rows as they are done, so that Ctrl-C keeps them; one that ends without a word turns its rows into
errors. What the rows say does not depend on how many processes there are.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from rackwright.reproduce.rows import Row, State
from rackwright.reproduce.simulate import Job, rows_of

__all__ = ["Done", "simulate"]

Say = Callable[[str, str], None]
"""Called with (system, what it simulates now)."""


class Done(NamedTuple):
    """A row of ``jobs[job].keys[place]``."""

    job: int
    place: int
    row: Row


def simulate(jobs: Sequence[Job], processes: int, say: Say) -> Iterator[Done]:
    """Rows as they are done. Raises what Ctrl-C raises, `Interrupted` or KeyboardInterrupt."""
    if min(processes, len(jobs)) > 1:
        yield from _beside(jobs, processes, say)
        return
    for number, job in enumerate(jobs):
        for place, row in rows_of(job, _naming(say, job)):
            yield Done(number, place, row)


def _naming(say: Say, job: Job) -> Callable[[str], None]:
    return lambda text: say(job.system.name, text)


@dataclass
class _Worker:
    """A process at work on ``jobs[job]``, and which of its rows it has sent."""

    job: int
    process: Any
    sent: set[int]


def _beside(jobs: Sequence[Job], processes: int, say: Say) -> Iterator[Done]:
    waiting = list(range(len(jobs)))[::-1]
    working: dict[Connection, _Worker] = {}
    try:
        while waiting or working:
            while waiting and len(working) < processes:
                connection, worker = _started(waiting.pop(), jobs)
                working[connection] = worker
            for ready in wait(list(working)):
                assert isinstance(ready, Connection)
                yield from _received(ready, working, jobs, say)
    finally:
        for worker in working.values():
            worker.process.terminate()
            worker.process.join()


def _started(number: int, jobs: Sequence[Job]) -> tuple[Connection, _Worker]:
    spawning = multiprocessing.get_context("spawn")  # forks of a process with threads may hang
    ours, theirs = spawning.Pipe(duplex=False)
    process = spawning.Process(target=work, args=(jobs[number], theirs), daemon=True)
    process.start()
    theirs.close()
    return ours, _Worker(number, process, set())


def _received(ready: Connection, working: dict[Connection, _Worker], jobs: Sequence[Job], say: Say
              ) -> Iterator[Done]:
    worker = working[ready]
    try:
        message = ready.recv()
    except (EOFError, OSError):
        del working[ready]
        worker.process.join()
        yield from _lost(worker, jobs[worker.job])
        return
    if isinstance(message, str):
        say(jobs[worker.job].system.name, message)
    else:
        place, row = message
        worker.sent.add(place)
        yield Done(worker.job, place, row)


def _lost(worker: _Worker, job: Job) -> Iterator[Done]:
    """Nothing, when the process had sent all its rows."""
    reason = f"the process of {job.system.name} ended early (exit code {worker.process.exitcode})"
    for place, key in enumerate(job.keys):
        if place not in worker.sent:
            empty = Row(job.system.name, job.claims[key])
            yield Done(worker.job, place, replace(empty, state=State.ERROR, reason=reason))


def work(job: Job, connection: Connection) -> None:
    """The whole life of a process: lines of progress, rows, then the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent takes Ctrl-C and ends this process
    with suppress(BrokenPipeError):
        for found in rows_of(job, connection.send):
            connection.send(found)
