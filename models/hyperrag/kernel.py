"""Re-ranking with stored keys and values, event by event.

A query searches the index on a free worker, then its documents go in batches to a GPU's queue
(`pipeline`). Scored queries go to the generator. Source: the abstract of arXiv 2504.02921, as the
card of this folder reconstructs it.

Events at the same time: ends of flows, then of batches, loads, searches, answers, then arrivals.
"""

from __future__ import annotations

from rackwright.engine.flows import flow_next_ps, flow_room, flow_take
from rackwright.engine.heap import heap_pop, heap_push, heap_room
from rackwright.engine.kernel import kernel
from rackwright.engine.status import FAULT, FOREVER_PS, RUNNING
from rackwright.models.arrivals import GOES_ON, before_event, clock_to, issue, next_arrival_ps
from rackwright.models.hyperrag.pipeline import end_batch, end_load, join_queue, least_loaded, pump
from rackwright.models.hyperrag.state import (
    COMPUTED,
    FINISHED,
    GENERATE,
    GROW_FLOWS,
    GROW_HEAP,
    LOADED,
    SEARCH,
    SEARCHED,
)
from rackwright.models.hyperrag.tiers import end_write, keep_batch, open_all, warm

__all__ = ["advance"]


@kernel
def end_search(state, q, now_ps):  # type: ignore[no-untyped-def]
    """A query's documents are known: its batches join queues."""
    fixed, queries, pipeline = state.fixed, state.queries, state.pipeline
    queries.searched_ps[q] = now_ps
    state.counts.spent[SEARCH] += now_ps - queries.arrival_ps[q]
    if fixed.rerank == 0:
        state.counts.spent[GENERATE] += fixed.generate_ps
        heap_push(state.heap, now_ps + fixed.generate_ps, FINISHED, FINISHED, q)
        return
    g = least_loaded(pipeline)
    for b in range(queries.first_batch[q], queries.first_batch[q + 1]):
        if fixed.spread == 1:
            g = least_loaded(pipeline)
        join_queue(state, b, g, now_ps)


@kernel
def arrive(state, now_ps):  # type: ignore[no-untyped-def]
    """The next query takes the search worker that is free first."""
    queries, pipeline, fixed = state.queries, state.pipeline, state.fixed
    q = issue(queries, now_ps)
    best = 0
    for worker in range(1, pipeline.ann_free_ps.shape[0]):
        if pipeline.ann_free_ps[worker] < pipeline.ann_free_ps[best]:
            best = worker
    end_ps = max(now_ps, pipeline.ann_free_ps[best]) + fixed.ann_ps
    pipeline.ann_free_ps[best] = end_ps
    pipeline.ann_busy_ps[0] += fixed.ann_ps
    heap_push(state.heap, end_ps, SEARCHED, SEARCHED, q)


@kernel
def handle(state, kind, item, now_ps):  # type: ignore[no-untyped-def]
    """One event off the heap, and what may start after it. False: fault."""
    b = -1
    if kind == COMPUTED:
        b = end_batch(state, item, now_ps)
    elif kind == LOADED:
        b = end_load(state, item, now_ps)
    elif kind == SEARCHED:
        end_search(state, item, now_ps)
    else:
        state.queries.finish_ps[item] = now_ps
        state.queries.finished[0] += 1
    if b >= 0 and state.fixed.reuse == 1:
        keep_batch(state, b, 1 if kind == COMPUTED else 0)
    fine = True
    for g in range(state.fixed.gpus):
        if state.pipeline.woken[g] == 1:
            state.pipeline.woken[g] = 0
            fine = pump(state, g, now_ps) and fine
    open_all(state, now_ps)
    return fine


@kernel
def end_flow(state, now_ps):  # type: ignore[no-untyped-def]
    """Take one flow that has ended; a load's tail arrives after the route's latency."""
    slot = flow_take(state.flows, now_ps)
    tag = state.flows.slots.tag[slot]
    if tag >= 0:
        route = state.flows.slots.route[slot]
        heap_push(state.heap, now_ps + state.fixed.latency_ps[route], LOADED, LOADED, tag)
    else:
        end_write(state, tag)


@kernel
def wanting(state):  # type: ignore[no-untyped-def]
    """What must grow before the next event can be handled: 0 for nothing."""
    if heap_room(state.heap) < state.fixed.gpus + 4:
        return GROW_HEAP
    return GROW_FLOWS if flow_room(state.flows) < state.fixed.most_flows else 0


@kernel
def advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """Run until `until_ps` or for `max_events` events; see `rackwright.engine.status`."""
    control, heap = state.control, state.heap
    if state.pipeline.cold[0] == 1:
        warm(state)
        state.pipeline.cold[0] = 0
    stop = control.events[0] + max_events
    while control.events[0] < stop:
        status = before_event(state, wanting(state))
        if status != GOES_ON:
            return status
        ends = flow_next_ps(state.flows, control.now_ps[0])
        pending = heap.time_ps[0] if heap.size[0] > 0 else FOREVER_PS
        arrival = next_arrival_ps(state)
        now_ps = min(ends, min(pending, arrival))
        status = clock_to(control, now_ps, until_ps)
        if status != GOES_ON:
            return status
        if ends <= now_ps:
            end_flow(state, now_ps)
        elif pending <= now_ps:
            _, kind, item = heap_pop(heap)
            if not handle(state, kind, item, now_ps):
                return FAULT
        else:
            arrive(state, now_ps)
    return RUNNING
