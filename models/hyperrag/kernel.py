"""Re-ranking with stored keys and values, event by event.

A query searches the index on a free worker, then its documents go in batches to a GPU's queue. A
GPU has `depth` buffers: a batch takes one when its load starts and gives it back when it is
computed, so that loads, one at a time, run ahead of the GPU by at most `depth` batches. A batch
computes when its load is done and the ones before it are: the suffixes of what was found, the whole
of what was not. Scored queries go to the generator. Source: the abstract of arXiv 2504.02921, as
the card of this folder reconstructs it.

Events at the same time: ends of flows, then of batches, loads, searches, answers, then arrivals.
"""

from __future__ import annotations

from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.engine.flows import flow_next_ps, flow_room, flow_take
from rackwright.engine.heap import heap_pop, heap_push, heap_room
from rackwright.engine.kernel import kernel
from rackwright.engine.record import span_add
from rackwright.engine.status import DONE, FAULT, FOREVER_PS, GROW, RUNNING, STALLED
from rackwright.models.hyperrag.state import (
    COMPUTED,
    DEQUANTISE,
    FINISHED,
    FULL,
    GENERATE,
    GROW_FLOWS,
    GROW_HEAP,
    LOAD,
    LOADED,
    OUTSIDE_TABLE,
    QUEUE,
    SEARCH,
    SEARCHED,
    SUFFIX,
    WAIT,
)
from rackwright.models.hyperrag.tiers import (
    TAG_TIERS,
    ask_loads,
    end_write,
    keep_batch,
    look_up,
    open_all,
    warm,
)

__all__ = ["advance"]

LABEL_COMPUTE, LABEL_LOAD = 0, 1


@kernel
def compute_ps(state, b):  # type: ignore[no-untyped-def]
    """Time of batch `b` on its GPU, its parts noted; -1 outside a table."""
    fixed, batches, spent = state.fixed, state.batches, state.counts.spent
    query = state.queries.tokens[batches.query[b]]
    misses = batches.misses[b]
    suffix = table2_ps(fixed.suffix, batches.count[b] - misses,
                       max(query, fixed.padded_query))
    pair = fixed.padded_pair
    if pair == 0 and misses > 0:
        pair = batches.miss_tokens[b] / misses + query  # nonzero: tested above
    full = table2_ps(fixed.full, misses, float(pair))
    convert = table1_ps(fixed.convert, batches.converts[b])
    if fixed.reuse == 1:  # what is computed is stored compressed
        convert += table1_ps(fixed.convert, misses)
    if suffix < 0 or full < 0 or convert < 0:
        return suffix - suffix - 1
    spent[SUFFIX] += suffix + fixed.host_ps
    spent[FULL] += full
    spent[DEQUANTISE] += convert
    return suffix + full + convert + fixed.host_ps


@kernel
def start_batch(state, g, now_ps):  # type: ignore[no-untyped-def]
    """Compute the oldest batch of GPU `g` if it is loaded and the GPU idle. False: fault."""
    pipeline, batches = state.pipeline, state.batches
    if pipeline.running[g] == 1 or pipeline.ring_count[g] == 0:
        return True
    b = pipeline.ring[g, pipeline.ring_first[g]]
    if batches.loaded_ps[b] < 0:
        return True
    time = compute_ps(state, b)
    if time < 0:
        state.control.code[0], state.control.code[1] = OUTSIDE_TABLE, b
        return False
    state.counts.spent[WAIT] += now_ps - batches.loaded_ps[b]
    pipeline.running[g] = 1
    pipeline.started_ps[g] = now_ps
    heap_push(state.heap, now_ps + time, COMPUTED, COMPUTED, g)
    return True


@kernel
def pump(state, g, now_ps):  # type: ignore[no-untyped-def]
    """Start loads while GPU `g` has buffers, then what can compute. False: fault."""
    fixed, pipeline, batches = state.fixed, state.pipeline, state.batches
    while (pipeline.head[g] >= 0 and pipeline.ring_count[g] < fixed.depth
           and pipeline.loading[g] == 0):
        b = pipeline.head[g]
        pipeline.head[g] = batches.following[b]
        if pipeline.head[g] < 0:
            pipeline.tail[g] = -1
        place = pipeline.ring_first[g] + pipeline.ring_count[g]
        if place >= fixed.depth:
            place -= fixed.depth
        pipeline.ring[g, place] = b
        pipeline.ring_count[g] += 1
        batches.started_ps[b] = now_ps
        state.counts.spent[QUEUE] += now_ps - batches.queued_ps[b]
        state.counts.batches[0] += 1
        look_up(state, b)
        ask_loads(state, b)
        if batches.parts[b] == 0:
            batches.loaded_ps[b] = now_ps
        else:
            pipeline.loading[g] = 1
    return start_batch(state, g, now_ps)


@kernel
def least_loaded(pipeline):  # type: ignore[no-untyped-def]
    """The GPU with the fewest documents ahead; ties: the first."""
    best = 0
    for g in range(1, pipeline.waiting.shape[0]):
        if pipeline.waiting[g] < pipeline.waiting[best]:
            best = g
    return best


@kernel
def end_search(state, q, now_ps):  # type: ignore[no-untyped-def]
    """A query's documents are known: its batches join queues."""
    fixed, queries, batches, pipeline = state.fixed, state.queries, state.batches, state.pipeline
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
        batches.gpu[b] = g
        batches.queued_ps[b] = now_ps
        if pipeline.tail[g] < 0:
            pipeline.head[g] = b
        else:
            batches.following[pipeline.tail[g]] = b
        pipeline.tail[g] = b
        pipeline.waiting[g] += batches.count[b]
        pipeline.woken[g] = 1


@kernel
def end_load(state, tag, now_ps):  # type: ignore[no-untyped-def]
    """A part of a batch's load is in GPU memory: the batch if it was the last one, else -1."""
    batches = state.batches
    b, tier = tag // TAG_TIERS, tag % TAG_TIERS  # nonzero: a constant
    batches.parts[b] -= 1
    if batches.parts[b] > 0:
        return -1
    g = batches.gpu[b]
    state.pipeline.loading[g] = 0
    batches.loaded_ps[b] = now_ps
    state.counts.spent[LOAD] += now_ps - batches.started_ps[b]
    state.counts.last_tier[tier] += 1
    span_add(state.spans, state.fixed.gpus + g, LABEL_LOAD, batches.started_ps[b], now_ps,
             batches.count[b])
    state.pipeline.woken[g] = 1
    return b


@kernel
def end_batch(state, g, now_ps):  # type: ignore[no-untyped-def]
    """A batch is scored, its buffer is free; returns the batch."""
    fixed, queries, batches, pipeline = state.fixed, state.queries, state.batches, state.pipeline
    b = pipeline.ring[g, pipeline.ring_first[g]]
    pipeline.ring_first[g] += 1
    if pipeline.ring_first[g] == fixed.depth:
        pipeline.ring_first[g] = 0
    pipeline.ring_count[g] -= 1
    pipeline.running[g] = 0
    pipeline.waiting[g] -= batches.count[b]
    pipeline.busy_ps[g] += now_ps - pipeline.started_ps[g]
    pipeline.woken[g] = 1
    span_add(state.spans, g, LABEL_COMPUTE, pipeline.started_ps[g], now_ps, batches.count[b])
    q = batches.query[b]
    queries.left[q] -= batches.count[b]
    if queries.left[q] == 0:
        state.counts.spent[GENERATE] += fixed.generate_ps
        heap_push(state.heap, now_ps + fixed.generate_ps, FINISHED, FINISHED, q)
    return b


@kernel
def arrive(state, now_ps):  # type: ignore[no-untyped-def]
    """The next query takes the search worker that is free first."""
    queries, pipeline, fixed = state.queries, state.pipeline, state.fixed
    q = queries.issued[0]
    queries.issued[0] += 1
    queries.arrival_ps[q] = now_ps
    best = 0
    for worker in range(1, pipeline.ann_free_ps.shape[0]):
        if pipeline.ann_free_ps[worker] < pipeline.ann_free_ps[best]:
            best = worker
    end_ps = max(now_ps, pipeline.ann_free_ps[best]) + fixed.ann_ps
    pipeline.ann_free_ps[best] = end_ps
    pipeline.ann_busy_ps[0] += fixed.ann_ps
    heap_push(state.heap, end_ps, SEARCHED, SEARCHED, q)


@kernel
def next_arrival_ps(state):  # type: ignore[no-untyped-def]
    """When the next query comes; FOREVER_PS if none does before something else happens."""
    queries = state.queries
    q = queries.issued[0]
    if q == queries.arrival_ps.shape[0]:
        return FOREVER_PS
    if state.fixed.clients == 0:
        return queries.arrival_ps[q]
    if q - queries.finished[0] < state.fixed.clients:
        return state.control.now_ps[0]
    return FOREVER_PS


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
    control, heap, queries = state.control, state.heap, state.queries
    total = queries.arrival_ps.shape[0]
    if state.pipeline.cold[0] == 1:
        warm(state)
        state.pipeline.cold[0] = 0
    stop = control.events[0] + max_events
    while control.events[0] < stop:
        if queries.finished[0] == total:
            return DONE
        need = wanting(state)
        if need > 0:
            control.code[0] = need
            return GROW
        ends = flow_next_ps(state.flows, control.now_ps[0])
        pending = heap.time_ps[0] if heap.size[0] > 0 else FOREVER_PS
        arrival = next_arrival_ps(state)
        now_ps = min(ends, min(pending, arrival))
        if now_ps == FOREVER_PS:
            return STALLED
        if now_ps > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        control.now_ps[0] = now_ps
        control.events[0] += 1
        if ends <= now_ps:
            end_flow(state, now_ps)
        elif pending <= now_ps:
            _, kind, item = heap_pop(heap)
            if not handle(state, kind, item, now_ps):
                return FAULT
        else:
            arrive(state, now_ps)
    return RUNNING
