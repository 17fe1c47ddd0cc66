"""The compiled heap against `heapq`: order by (time, priority, push), growth, room."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import grown_heap, heap_pop, heap_push, heap_room, kernel, new_heap

PUSH, POP = 0, 1


@kernel
def play(heap, steps, done, popped):  # type: ignore[no-untyped-def]
    """Do the `steps` (what, time, priority, item) until the heap is full; returns how many."""
    for at in range(done, steps.shape[0]):
        if steps[at, 0] == PUSH:
            if heap_room(heap) == 0:
                return at
            heap_push(heap, steps[at, 1], steps[at, 2], steps[at, 3] + 1, steps[at, 3])
        else:
            time_ps, kind, item = heap_pop(heap)
            popped[at, 0] = time_ps
            popped[at, 1] = kind
            popped[at, 2] = item
    return steps.shape[0]


def compiled(steps: np.ndarray, room: int) -> list[list[int]]:
    heap, popped, done = new_heap(room), np.zeros((len(steps), 3), np.int64), 0
    while (done := play(heap, steps, done, popped)) < len(steps):
        heap = grown_heap(heap)
    return list(popped[steps[:, 0] == POP].tolist())


def plain(steps: np.ndarray) -> list[list[int]]:
    heap: list[tuple[int, int, int, int]] = []
    popped = []
    for seq, (what, time_ps, priority, item) in enumerate(steps.tolist()):
        if what == PUSH:
            heapq.heappush(heap, (time_ps, priority, seq, item))
        else:
            time_ps, _, _, item = heapq.heappop(heap)
            popped.append([time_ps, item + 1, item])
    return popped


def legal(raw: list[tuple[int, int, int]]) -> np.ndarray:
    """Pops only while there is something in the heap."""
    steps: list[tuple[int, ...]] = []
    size = 0
    for what, time_ps, priority in raw:
        what = PUSH if size == 0 else what
        size += 1 if what == PUSH else -1
        steps.append((what, time_ps, priority, len(steps)))
    return np.array(steps, np.int64).reshape(-1, 4)


@settings(deadline=None, max_examples=200)
@given(raw=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3) | st.integers(0, 2**62),
                              st.integers(-3, 3)), max_size=80), room=st.integers(0, 4))
def test_same_order_as_heapq_whatever_the_room(raw: list[tuple[int, int, int]], room: int) -> None:
    steps = legal(raw)
    assert compiled(steps, room) == plain(steps)


def test_a_long_run_of_ties_comes_in_the_order_of_pushes() -> None:
    count = 5_000
    steps = np.zeros((2 * count, 4), np.int64)
    steps[:, 3] = np.arange(2 * count)
    steps[count:, 0] = POP
    assert [item for _, _, item in compiled(steps, 8)] == list(range(count))


@pytest.mark.parametrize("integer", [int, np.int32, np.int64])
def test_priorities_of_any_integer_type_order_a_tick(integer: type) -> None:
    heap = new_heap(8)
    for item, priority in enumerate((5, 127, -128, 0)):
        heap_push.function(heap, 1, integer(priority), 0, item)
    assert [int(heap_pop.function(heap)[2]) for _ in range(4)] == [2, 3, 0, 1]


def test_growing_keeps_what_is_in_it_and_at_least_doubles() -> None:
    heap = new_heap(3)
    for time_ps in (5, 1, 3):
        heap_push.function(heap, time_ps, 0, 0, time_ps)
    assert heap_room.function(heap) == 0
    grown = grown_heap(heap)
    assert heap_room.function(grown) >= 3
    assert [int(heap_pop.function(grown)[0]) for _ in range(3)] == [1, 3, 5]
