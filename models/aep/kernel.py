"""Asynchronous expert parallelism, event by event: no barrier, every GPU decides for itself.

One decode token of a request walks block by block: attention on the request's own GPU, top_k
experts on theirs, the join back home, after the last block the sampler. GPUs drain one queue at
a time; results leave as one message per destination; a message crosses its route link by link
through FIFO ports. Source: section 3 of arXiv 2505.08944.

Events at the same time: ends of steps, then messages, then arrivals, then in order of creation.
A GPU schedules only after its own step, after a message to it, and after an admission.
"""

from __future__ import annotations

import numpy as np

from rackwright.engine.heap import heap_pop, heap_room
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, FAULT, FOREVER_PS, GROW, RUNNING, STALLED
from rackwright.models.aep.draws import token_key
from rackwright.models.aep.messages import cross
from rackwright.models.aep.queues import enqueue, start_step
from rackwright.models.aep.state import (
    BLOCK,
    CONTEXT,
    DELIVERY,
    EXPERT,
    GROW_HEAP,
    GROW_MESSAGES,
    HOME,
    HOP,
    JOIN,
    JOINED,
    NETWORK,
    NEXT,
    OWNER,
    PARTS_EXCEEDED,
    SINCE,
)
from rackwright.models.aep.steps import end_step
from rackwright.models.aep.watch import watch_queues
from rackwright.models.serving.requests import admit_one
from rackwright.models.serving.snapshots import take_snapshots

__all__ = ["advance"]

NO_LIMIT = FOREVER_PS


@kernel
def join(fixed, items, gpus, gpu, part, now_ps):  # type: ignore[no-untyped-def]
    """A part is back home; the last one releases its token to the next block. False: fault."""
    if fixed.top_k == 1:   # nothing to wait for: the same as below, faster
        items.of[part, BLOCK] += 1
        enqueue(items, gpus, gpu, items.of[part, BLOCK], 0, part, items.of[part, CONTEXT], now_ps)
        return True
    first = items.of[part, OWNER] * fixed.top_k
    items.of[part, SINCE] = now_ps
    items.of[first, JOINED] += 1
    if items.of[first, JOINED] > fixed.top_k:
        return False
    if items.of[first, JOINED] == fixed.top_k:
        for j in range(fixed.top_k):
            gpus.spent[JOIN, 0] += now_ps - items.of[first + j, SINCE]
        block = items.of[part, BLOCK] + 1
        items.of[first, JOINED] = 0
        items.of[first, BLOCK] = block
        enqueue(items, gpus, gpu, block, 0, first, items.of[first, CONTEXT], now_ps)
    return True


@kernel
def deliver(state, m, now_ps):  # type: ignore[no-untyped-def]
    """A message is complete at its GPU: its items join their queues. False: fault."""
    fixed, items, gpus, messages = state.fixed, state.items, state.gpus, state.messages
    gpu = messages.target[m]
    attends = gpu < fixed.attention_gpus
    item = messages.first[m]
    since_ps = np.int64(0)
    while item >= 0:
        following = items.of[item, NEXT]
        since_ps += now_ps - items.of[item, SINCE]
        if attends:
            if not join(fixed, items, gpus, gpu, item, now_ps):
                state.control.code[0] = PARTS_EXCEEDED
                state.control.code[1] = item
                return False
        else:
            slot = fixed.expert_slot[items.of[item, EXPERT]]
            enqueue(items, gpus, gpu, items.of[item, BLOCK], slot, item, 0, now_ps)
        item = following
    gpus.spent[NETWORK, 1 if attends else 0] += since_ps
    messages.free[messages.free_count[0]] = m
    messages.free_count[0] += 1
    return start_step(state.control, fixed, state.heap, items, gpus, gpu, now_ps)


@kernel
def admit(state, now_ps):  # type: ignore[no-untyped-def]
    """Admit what fits, then wake every attention GPU. False: fault."""
    fixed, items, gpus = state.fixed, state.items, state.gpus
    any_admitted = False
    while True:
        r = admit_one(state.requests, state.admission, NO_LIMIT, now_ps)
        if r < 0:
            break
        any_admitted = True
        first, home = r * fixed.top_k, state.requests.home[r]
        items.key[r] = token_key(fixed.routing_seed, r, 0)
        for part in range(first, first + fixed.top_k):
            items.of[part, HOME] = home
        enqueue(items, gpus, home, 0, 0, first, items.of[first, CONTEXT], now_ps)
    fine = True
    if any_admitted:
        for gpu in range(fixed.attention_gpus):
            fine = fine and start_step(state.control, fixed, state.heap, items, gpus, gpu, now_ps)
    return fine


@kernel
def handle(state, kind, item, now_ps):  # type: ignore[no-untyped-def]
    """One event off the heap. False: fault."""
    if kind == HOP:
        cross(state.fixed, state.heap, state.messages, state.ports, item, now_ps)
        return True
    if kind == DELIVERY:
        return deliver(state, item, now_ps)
    sampled = end_step(state, item, now_ps)
    if sampled and not admit(state, now_ps):
        return False
    return start_step(state.control, state.fixed, state.heap, state.items, state.gpus, item,
                      now_ps)


@kernel
def wanting(state):  # type: ignore[no-untyped-def]
    """What must grow before the next event can be handled: 0 for nothing."""
    everyone = state.fixed.attention_gpus + state.fixed.expert_gpus
    if heap_room(state.heap) < 2 * everyone + 2:
        return GROW_HEAP
    return GROW_MESSAGES if state.messages.free_count[0] < everyone else 0


@kernel
def advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """Run until `until_ps` or for `max_events` events; see `rackwright.engine.status`."""
    control, heap, requests = state.control, state.heap, state.requests
    admission = state.admission
    total = requests.arrival_ps.shape[0]
    stop = control.events[0] + max_events
    while control.events[0] < stop:
        if admission.finished[0] == total:
            return DONE
        need = wanting(state)
        if need > 0:
            control.code[0] = need
            return GROW
        arrival = FOREVER_PS
        if admission.arrived[0] < total:
            arrival = requests.arrival_ps[admission.arrived[0]]
        pending = heap.time_ps[0] if heap.size[0] > 0 else FOREVER_PS
        now_ps = min(arrival, pending)
        if now_ps == FOREVER_PS:
            return STALLED
        if now_ps > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        take_snapshots(state.snapshots, now_ps, admission, state.gpus.busy_ps,
                       state.ports.busy_ps)
        watch_queues(state.watch, state.snapshots, state.gpus.block_length)
        control.now_ps[0] = now_ps
        control.events[0] += 1
        if pending <= arrival:
            _, kind, item = heap_pop(heap)
            fine = handle(state, kind, item, now_ps)
        else:
            admission.arrived[0] += 1
            fine = admit(state, now_ps)
        if not fine:
            return FAULT
    return RUNNING
