"""Pieces of work in processes of their own: everything that is found comes back, and the ends."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from rackwright.beside import Ended, Found, side_by_side


def counting(job: int, tell: Callable[[str], None]) -> Iterator[int]:
    tell(f"job {job}")
    yield from range(job)


def dying(job: int, tell: Callable[[str], None]) -> Iterator[int]:
    yield job
    if job == 1:
        os._exit(9)


def endless(job: int, tell: Callable[[str], None]) -> Iterator[int]:
    while True:
        yield os.getpid()
        time.sleep(0.01)


@pytest.mark.parametrize("processes", [1, 2, 7])
def test_all_items_of_a_job_come_in_order_then_its_end(processes: int) -> None:
    said: list[tuple[int, str]] = []
    found = list(side_by_side(counting, [2, 0, 3], processes, lambda *line: said.append(line)))
    for number, job in enumerate([2, 0, 3]):
        assert [item for one, item in found if one == number] == [*range(job), Ended(0)]
    assert sorted(said) == [(0, "job 2"), (1, "job 0"), (2, "job 3")]


def test_a_process_that_dies_leaves_what_it_found() -> None:
    found = list(side_by_side(dying, [0, 1], 2, lambda *_: None))
    assert Found(1, 1) in found and Found(1, Ended(9)) in found and Found(0, Ended(0)) in found


def test_leaving_the_loop_ends_the_processes() -> None:
    found = side_by_side(endless, [0], 1, lambda *_: None)
    pid = next(found).item
    found.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
