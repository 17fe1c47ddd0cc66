"""Pieces of work in processes of their own: everything that is found comes back, and the ends."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest

from rackwright.beside import Ended, Found, side_by_side


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that a process just started can import: it inherits the path, no test's module."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "fakes"))
    import fake_work

    module: ModuleType = fake_work
    return module


@pytest.mark.parametrize("processes", [1, 2, 7])
def test_all_items_of_a_job_come_in_order_then_its_end(work: ModuleType, processes: int) -> None:
    said: list[tuple[int, str]] = []
    found = list(side_by_side(work.counting, [2, 0, 3], processes,
                              lambda *line: said.append(line)))
    for number, job in enumerate([2, 0, 3]):
        assert [item for one, item in found if one == number] == [*range(job), Ended(0)]
    assert sorted(said) == [(0, "job 2"), (1, "job 0"), (2, "job 3")]


def test_a_process_that_dies_leaves_what_it_found(work: ModuleType) -> None:
    found = list(side_by_side(work.dying, [0, 1], 2, lambda *_: None))
    assert Found(1, 1) in found and Found(1, Ended(9)) in found and Found(0, Ended(0)) in found


def test_leaving_the_loop_ends_the_processes(work: ModuleType) -> None:
    found = side_by_side(work.endless, [0], 1, lambda *_: None)
    pid = next(found).item
    found.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
