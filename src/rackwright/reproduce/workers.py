"""Systems simulated one after the other here, or side by side in processes of their own.

A system is one piece of work, since its rows share what they simulate. Each process sends its
rows as they are done, so that Ctrl-C keeps them; one that ends without a word turns its rows into
errors. What the rows say does not depend on how many processes there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from rackwright.beside import Ended, side_by_side
from rackwright.reproduce.rows import Row, State
from rackwright.reproduce.simulate import MOVED, Job, rows_of

__all__ = ["Done", "longest_first", "simulate"]

_ENDS = 6  # of bands that a row is simulated at: three numbers, both ends

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


def _beside(jobs: Sequence[Job], processes: int, say: Say) -> Iterator[Done]:
    sent: list[set[int]] = [set() for _ in jobs]
    order = longest_first(jobs)
    for turn, item in side_by_side(rows_of, [jobs[number] for number in order], processes,
                                   lambda turn, text: say(jobs[order[turn]].system.name, text)):
        number = order[turn]
        if isinstance(item, Ended):
            yield from _lost(number, jobs[number], sent[number], item)
        else:
            place, row = item
            sent[number].add(place)
            yield Done(number, place, row)


def longest_first(jobs: Sequence[Job]) -> list[int]:
    """Numbers of the jobs with most to simulate first, so that none is left over at the end."""
    return sorted(range(len(jobs)), key=lambda number: -_work(jobs[number]))


def _work(job: Job) -> int:
    """Rows to simulate, those that are moved counted for what they take; our own estimate."""
    moved = sum(job.claims[key].kind in MOVED for key in job.keys) if job.sensitivity else 0
    return len(job.keys) + _ENDS * moved


def _lost(number: int, job: Job, sent: set[int], end: Ended) -> Iterator[Done]:
    """Nothing, when the process had sent all its rows."""
    reason = f"the process of {job.system.name} ended early (exit code {end.exit_code})"
    for place, key in enumerate(job.keys):
        if place not in sent:
            empty = Row(job.system.name, job.claims[key])
            yield Done(number, place, replace(empty, state=State.ERROR, reason=reason))
