"""The GPUs' pipelines: batches queued, loaded ahead, computed; kernels of the event loop.

A GPU has `depth` buffers: a batch takes one when its load starts and gives it back when it is
computed, so that loads, one at a time, run ahead of the GPU by at most `depth` batches. A batch
computes when its load is done and the ones before it are: the suffixes of what was found, the whole
of what was not. Left out: what moves the bytes (`tiers`). Times in ps.
"""

from __future__ import annotations

from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.engine.heap import heap_push
from rackwright.engine.kernel import kernel
from rackwright.engine.record import span_add
from rackwright.models.hyperrag.state import (
    COMPUTED,
    DEQUANTISE,
    FINISHED,
    FULL,
    GENERATE,
    LOAD,
    OUTSIDE_TABLE,
    QUEUE,
    SUFFIX,
    WAIT,
)
from rackwright.models.hyperrag.tiers import TAG_TIERS, ask_loads, look_up

__all__ = ["end_batch", "end_load", "join_queue", "least_loaded", "pump"]

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
def join_queue(state, b, g, now_ps):  # type: ignore[no-untyped-def]
    """Batch `b` waits behind the others of GPU `g`."""
    batches, pipeline = state.batches, state.pipeline
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
