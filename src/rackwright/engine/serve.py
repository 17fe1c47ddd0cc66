"""`serve_jobs`: when jobs that are all known beforehand leave one station.

Disciplines: ``fifo`` (`servers`), ``priority`` and ``preemptive`` (`priority`), ``sharing``
(`processor_sharing`). In one tick, ends come before arrivals, and arrivals in the order of their
numbers: a job that comes when a server becomes free finds it free, or taken by one that waited.
What is left out is told in those modules.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.batch import Batch, new_batch, whole_numbers
from rackwright.engine.driver import drive
from rackwright.engine.heap import EventHeap, grown_heap, heap_pop, heap_push, heap_room, new_heap
from rackwright.engine.kernel import kernel
from rackwright.engine.priority import priority_arrive, priority_done, priority_room
from rackwright.engine.priority_state import (
    PriorityServers,
    grown_priority_servers,
    new_priority_servers,
)
from rackwright.engine.processor_sharing import ps_arrive, ps_complete, ps_next_ps, ps_room
from rackwright.engine.ps_state import NO_LIMIT, PsServers, grown_ps_servers, new_ps_servers
from rackwright.engine.servers import Servers, new_servers, server_arrive
from rackwright.engine.status import (
    DONE,
    FOREVER_PS,
    GROW,
    RUNNING,
    STALLED,
    Control,
    new_control,
)
from rackwright.errors import InputError, UnknownName
from rackwright.units import ps_to_seconds

__all__ = ["DISCIPLINES", "ServeState", "new_serve", "serve_advance", "serve_grow", "serve_jobs"]

DISCIPLINES = ("fifo", "priority", "preemptive", "sharing")
FIFO, PRIORITY, PREEMPTIVE, SHARING = range(4)
GROW_WAITING, GROW_SHARING, GROW_HEAP = 1, 2, 3
MOST_CLASSES = 1024
MOST_WEIGHT = (1 << 31) - 1
FIRST_SLOTS = 256


class ServeState(NamedTuple):
    """Jobs on their way through one station; those of the other disciplines stay idle."""

    control: Control
    discipline: int
    batch: Batch
    priority: npt.NDArray[np.int64]
    weight: npt.NDArray[np.int64]
    heap: EventHeap                 # ends of services, with their tickets
    fifo: Servers
    waiting: PriorityServers
    sharing: PsServers


def serve_jobs(
    arrival_time: npt.ArrayLike,
    service_time: npt.ArrayLike,
    *,
    servers: int = 1,
    discipline: str = "fifo",
    priority: npt.ArrayLike = 0,
    weight: npt.ArrayLike = 1,
    most: int = NO_LIMIT,
) -> npt.NDArray[np.float64]:
    """The time in seconds at which every job leaves a station of `servers`, shape (jobs,).

    `arrival_time`, `service_time` (s): a number or shape (jobs,). `priority`: class of each job,
    0 first, for "priority" and "preemptive"; `weight`: share of each, for "sharing", whose
    station is one server and serves at most `most` at once. Times are whole picoseconds, rounded
    up where work is shared.

    Raises `InputError` for arrays that do not fit together or values out of range,
    `UnknownName` for another discipline, `Interrupted` on Ctrl-C.

    >>> serve_jobs([0.0, 1.0, 1.0], 2.0)
    array([2., 4., 6.])
    >>> serve_jobs([0.0, 1.0, 1.0], 2.0, discipline="preemptive", priority=[1, 1, 0])
    array([4., 6., 3.])
    >>> serve_jobs([0.0, 1.0], 2.0, discipline="sharing")
    array([3., 4.])
    """
    state = new_serve(arrival_time, service_time, servers=servers, discipline=discipline,
                      priority=priority, weight=weight, most=most)
    state = drive(serve_advance, state, grow=serve_grow)
    return np.asarray(ps_to_seconds(state.batch.finish_ps))


def new_serve(
    arrival_time: npt.ArrayLike,
    service_time: npt.ArrayLike,
    *,
    servers: int = 1,
    discipline: str = "fifo",
    priority: npt.ArrayLike = 0,
    weight: npt.ArrayLike = 1,
    most: int = NO_LIMIT,
    slots: int = FIRST_SLOTS,
) -> ServeState:
    """The state before the first event; arguments and errors are those of `serve_jobs`."""
    if discipline not in DISCIPLINES:
        raise UnknownName("queueing discipline", discipline, DISCIPLINES)
    code = DISCIPLINES.index(discipline)
    batch = new_batch(arrival_time, service_time)
    count = len(batch.order)
    share = whole_numbers(weight, count, "weight", 1, MOST_WEIGHT)
    if code == SHARING and (servers != 1 or int(share.sum()) > MOST_WEIGHT):
        raise InputError(f"a sharing station has one server and weights that add up to "
                         f"{MOST_WEIGHT} at most, not {servers} and {int(share.sum())}")
    rank = whole_numbers(priority, count, "priority", 0, MOST_CLASSES - 1)
    return ServeState(
        new_control(), code, batch, rank, share, new_heap(slots), new_servers(servers),
        new_priority_servers(servers, classes=int(rank.max(initial=0)) + 1,
                             preempts=int(code == PREEMPTIVE), slots=slots),
        new_ps_servers(1, most=most, slots=slots))


@kernel
def serve_advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """One event after another, see `rackwright.engine.status`."""
    control, batch = state.control, state.batch
    for _ in range(max_events):
        jobs = batch.order.shape[0]
        end_ps, arrival_ps = next_end_ps(state), FOREVER_PS
        if batch.begun[0] < jobs:
            arrival_ps = batch.arrival_ps[batch.order[batch.begun[0]]]
        now_ps = min(end_ps, arrival_ps)
        if now_ps == FOREVER_PS:
            return DONE if batch.ended[0] == jobs else STALLED
        if now_ps > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        control.now_ps[0] = now_ps
        if end_ps == now_ps:
            take_end(state, now_ps)
        elif no_room(state):
            return GROW
        else:
            take_arrival(state, now_ps, batch.order[batch.begun[0]])
        control.events[0] += 1
    return RUNNING


@kernel
def next_end_ps(state):  # type: ignore[no-untyped-def]
    """When the next service ends; FOREVER_PS for none, or where ends are known at arrival."""
    if state.discipline == SHARING:
        return ps_next_ps(state.sharing)
    if state.heap.size[0] > 0:
        return state.heap.time_ps[0]
    return FOREVER_PS


@kernel
def no_room(state):  # type: ignore[no-untyped-def]
    """Whether an arrival does not fit; the code says what has to grow."""
    code = 0
    if state.discipline == SHARING:
        code = GROW_SHARING if ps_room(state.sharing) == 0 else 0
    elif state.discipline != FIFO:
        if heap_room(state.heap) == 0:
            code = GROW_HEAP
        if priority_room(state.waiting) == 0:
            code = GROW_WAITING
    state.control.code[0] = code
    return code != 0


@kernel
def take_arrival(state, now_ps, job):  # type: ignore[no-untyped-def]
    """The next job arrives."""
    batch = state.batch
    batch.begun[0] += 1
    service_ps = batch.service_ps[job]
    if state.discipline == FIFO:
        _, end_ps = server_arrive(state.fifo, 0, now_ps, service_ps)
        batch.finish_ps[job] = end_ps
        batch.ended[0] += 1
    elif state.discipline == SHARING:
        ps_arrive(state.sharing, 0, now_ps, service_ps, state.weight[job], job)
    else:
        ticket, end_ps = priority_arrive(state.waiting, 0, now_ps, state.priority[job],
                                         service_ps, job)
        if ticket >= 0:
            heap_push(state.heap, end_ps, 0, 0, ticket)


@kernel
def take_end(state, now_ps):  # type: ignore[no-untyped-def]
    """The next service ends, or would have ended had it not been pre-empted."""
    batch = state.batch
    if state.discipline == SHARING:
        slot = ps_complete(state.sharing, now_ps)
        job = state.sharing.jobs.tag[slot]
    else:
        _, _, ticket = heap_pop(state.heap)
        slot, ticket, end_ps = priority_done(state.waiting, now_ps, ticket)
        if slot < 0:
            return
        job = state.waiting.jobs.tag[slot]
        if ticket >= 0:
            heap_push(state.heap, end_ps, 0, 0, ticket)
    batch.finish_ps[job] = now_ps
    batch.ended[0] += 1


def serve_grow(state: ServeState, what: int) -> ServeState:
    """More room where the kernel wants it."""
    if what == GROW_SHARING:
        return state._replace(sharing=grown_ps_servers(state.sharing))
    if what == GROW_WAITING:
        return state._replace(waiting=grown_priority_servers(state.waiting))
    return state._replace(heap=grown_heap(state.heap))
