"""A compiled event heap: order is (time, priority, sequence number).

`seq` counts the pushes into this very heap, so two runs pop in the same order. Times are int64
picoseconds; `kind` and `item` are the caller's. The heap never grows inside a kernel: check
`heap_room` before a step that pushes, return GROW, and let the driver call `grown_heap`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel

__all__ = ["EventHeap", "grown_heap", "heap_pop", "heap_push", "heap_room", "new_heap"]

SEQ_BITS = 56  # order = priority << 56 | seq: priorities -128 to 127, 7e16 pushes


class EventHeap(NamedTuple):
    """Parallel arrays of one binary heap; `size` and `seq` are one-element counters."""

    time_ps: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    item: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    seq: npt.NDArray[np.int64]


def new_heap(capacity: int) -> EventHeap:
    """An empty heap with room for `capacity` pending events."""
    time_ps, order, kind, item = (np.zeros(capacity, np.int64) for _ in range(4))
    return EventHeap(time_ps, order, kind, item, np.zeros(1, np.int64), np.zeros(1, np.int64))


def grown_heap(heap: EventHeap) -> EventHeap:
    """The same heap with at least twice the room."""
    more = np.zeros(max(len(heap.time_ps), 16), np.int64)
    time_ps, order, kind, item = (np.concatenate([array, more]) for array in heap[:4])
    return EventHeap(time_ps, order, kind, item, heap.size, heap.seq)


@kernel
def heap_room(heap):  # type: ignore[no-untyped-def]
    """Events that can still be pushed."""
    return heap.time_ps.shape[0] - heap.size[0]


@kernel
def heap_push(heap, time_ps, priority, kind, item):  # type: ignore[no-untyped-def]
    """Add an event; the caller has checked `heap_room`."""
    order = (np.int64(priority) << SEQ_BITS) | heap.seq[0]
    heap.seq[0] += 1
    hole = heap.size[0]
    heap.size[0] = hole + 1
    while hole > 0:
        above = (hole - 1) >> 1
        if heap.time_ps[above] < time_ps or (
                heap.time_ps[above] == time_ps and heap.order[above] < order):
            break
        heap.time_ps[hole] = heap.time_ps[above]
        heap.order[hole] = heap.order[above]
        heap.kind[hole] = heap.kind[above]
        heap.item[hole] = heap.item[above]
        hole = above
    heap.time_ps[hole] = time_ps
    heap.order[hole] = order
    heap.kind[hole] = kind
    heap.item[hole] = item


@kernel
def heap_pop(heap):  # type: ignore[no-untyped-def]
    """Remove the first event: (time_ps, kind, item). The heap must not be empty."""
    first = (heap.time_ps[0], heap.kind[0], heap.item[0])
    last = heap.size[0] - 1
    heap.size[0] = last
    time_ps, order = heap.time_ps[last], heap.order[last]
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= last:
            break
        right = child + 1
        if right < last and (heap.time_ps[right] < heap.time_ps[child] or (
                heap.time_ps[right] == heap.time_ps[child]
                and heap.order[right] < heap.order[child])):
            child = right
        if time_ps < heap.time_ps[child] or (
                time_ps == heap.time_ps[child] and order < heap.order[child]):
            break
        heap.time_ps[hole] = heap.time_ps[child]
        heap.order[hole] = heap.order[child]
        heap.kind[hole] = heap.kind[child]
        heap.item[hole] = heap.item[child]
        hole = child
    heap.time_ps[hole] = time_ps
    heap.order[hole] = order
    heap.kind[hole] = heap.kind[last]
    heap.item[hole] = heap.item[last]
    return first
