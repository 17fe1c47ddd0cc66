"""M/M/1 as a compiled loop over the engine's event heap, and the same queue as processes.

One server, customers in order of arrival, one event for an arrival and one for an end of service.
The draws are made by NumPy beforehand and are the same for both, in whole picoseconds, so that
both must tell the same sojourn times. Services can be recorded as spans, by a loop of its own, so
that the cost of recording shows. Left out: other distributions, several servers.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine import (
    DONE,
    RUNNING,
    Control,
    EventHeap,
    Simulation,
    SpanLog,
    drive,
    heap_pop,
    heap_push,
    kernel,
    new_control,
    new_heap,
    new_span_log,
    span_add,
)

__all__ = ["Queue", "advance", "advance_recording", "draws", "kernel_sojourn", "new_queue",
           "process_sojourn"]

ARRIVAL = 0
END = 1
HANDLED = -1  # beside the statuses of the engine, which are 0 and more
IntArray = npt.NDArray[np.int64]


class Queue(NamedTuple):
    """Draws, counters and the heap; arrays of one entry a customer, or of one entry."""

    control: Control
    heap: EventHeap
    gap_ps: IntArray
    service_ps: IntArray
    arrival_ps: IntArray
    arrived: IntArray       # (1,): customers so far
    ended: IntArray         # (1,): customers served; the next one is in service or to come
    sojourn_ps: IntArray    # (1,): sum over all customers
    spans: SpanLog


def draws(customers: int, load: float, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Gaps and service times of customers in picoseconds; unit mean service, in seconds."""
    gaps, services = rng.exponential(1 / load, customers), rng.exponential(1.0, customers)
    return _ps(gaps), _ps(services)


def _ps(seconds: npt.NDArray[np.float64]) -> IntArray:
    return np.floor(seconds * 1e12 + 0.5).astype(np.int64)


def new_queue(gap_ps: IntArray, service_ps: IntArray, spans: SpanLog) -> Queue:
    """An empty server before the first arrival."""
    arrived, ended, sojourn_ps = (np.zeros(1, np.int64) for _ in range(3))
    heap = new_heap(2)  # the next arrival and the next end of service
    heap_push(heap, gap_ps[0], 0, ARRIVAL, 0)
    return Queue(new_control(), heap, gap_ps, service_ps, np.zeros_like(gap_ps), arrived, ended,
                 sojourn_ps, spans)


@kernel
def arrive(queue, now_ps):  # type: ignore[no-untyped-def]
    who = queue.arrived[0]
    queue.arrived[0] = who + 1
    queue.arrival_ps[who] = now_ps
    if who + 1 < queue.gap_ps.shape[0]:
        heap_push(queue.heap, now_ps + queue.gap_ps[who + 1], 0, ARRIVAL, who + 1)
    if who == queue.ended[0]:
        heap_push(queue.heap, now_ps + queue.service_ps[who], 0, END, who)


@kernel
def end(queue, now_ps, who):  # type: ignore[no-untyped-def]
    queue.ended[0] = who + 1
    queue.sojourn_ps[0] += now_ps - queue.arrival_ps[who]
    if who + 1 < queue.arrived[0]:
        heap_push(queue.heap, now_ps + queue.service_ps[who + 1], 0, END, who + 1)


@kernel
def step(queue, until_ps):  # type: ignore[no-untyped-def]
    """Handle the next event: (HANDLED or why not, who was served or -1)."""
    if queue.heap.size[0] == 0:
        return DONE, -1
    if queue.heap.time_ps[0] > until_ps:
        queue.control.now_ps[0] = until_ps
        return RUNNING, -1
    now_ps, kind, who = heap_pop(queue.heap)
    queue.control.now_ps[0] = now_ps
    queue.control.events[0] += 1
    if kind == ARRIVAL:
        arrive(queue, now_ps)
        return HANDLED, -1
    end(queue, now_ps, who)
    return HANDLED, who


@kernel
def advance(queue, until_ps, max_events):  # type: ignore[no-untyped-def]
    """Handle arrivals and ends of service; see `rackwright.engine.status`."""
    for _ in range(max_events):
        status, _ = step(queue, until_ps)
        if status != HANDLED:
            return status
    return RUNNING


@kernel
def advance_recording(queue, until_ps, max_events):  # type: ignore[no-untyped-def]
    """The same, with a span for each service."""
    for _ in range(max_events):
        status, who = step(queue, until_ps)
        if status != HANDLED:
            return status
        if who >= 0:
            now_ps = queue.control.now_ps[0]
            span_add(queue.spans, 0, 0, now_ps - queue.service_ps[who], now_ps, who)
    return RUNNING


def kernel_sojourn(gap_ps: IntArray, service_ps: IntArray, spans: SpanLog | None = None) -> float:
    """Mean time in the system in seconds, by the compiled loop."""
    if spans is None:
        queue = drive(advance, new_queue(gap_ps, service_ps, new_span_log(0)))
    else:
        queue = drive(advance_recording, new_queue(gap_ps, service_ps, spans))
    return float(queue.sojourn_ps[0]) / len(gap_ps) / 1e12


def process_sojourn(gap_ps: IntArray, service_ps: IntArray) -> float:
    """The same by generator processes."""
    sim = Simulation()
    server = sim.resource(1)
    services = iter((service_ps / 1e12).tolist())
    total = [0]

    def customer() -> Generator[Any, Any, None]:
        start_ps = sim.now_ps
        with server.request() as unit:
            yield unit
            yield sim.timeout(next(services))
        total[0] += sim.now_ps - start_ps

    def source() -> Generator[Any, Any, None]:
        for gap in (gap_ps / 1e12).tolist():
            yield sim.timeout(gap)
            sim.process(customer())

    sim.process(source())
    sim.run()
    return total[0] / len(gap_ps) / 1e12
