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
from rackwright.models.aep.messages import cross, send_results
from rackwright.models.aep.queues import enqueue, start_step
from rackwright.models.aep.state import (
    DELIVERY,
    GROW_HEAP,
    GROW_MESSAGES,
    HOP,
    JOIN,
    NETWORK,
    PARTS_EXCEEDED,
    STEP,
)
from rackwright.models.aep.steps import end_step
from rackwright.models.aep.watch import watch_queues
from rackwright.models.serving.requests import admit_one
from rackwright.models.serving.snapshots import take_snapshots

__all__ = ["advance"]

NO_LIMIT = FOREVER_PS
ARRIVAL = -1    # beside the kinds of events in the heap


@kernel
def join(fixed, items, gpus, gpu, block, part, count, now_ps):  # type: ignore[no-untyped-def]
    """The `count` parts of a chain are back home; the last part of a token releases it to `block`.

    Returns the item that came home too often, or -1.
    """
    waited_ps = np.int64(0)
    for _ in range(count):
        following = np.int64(items.next[part])
        first = np.int64(items.first[part])
        back = items.joined[first] + 1
        items.joined[first] = back
        items.joined_ps[first] += now_ps
        if back > fixed.top_k:
            return first
        if back == fixed.top_k:
            waited_ps += fixed.top_k * now_ps - items.joined_ps[first]
            items.joined[first] = 0
            items.joined_ps[first] = 0
            enqueue(items, gpus, gpu, block, 0, first, first, 1, np.int64(items.context[first]),
                    now_ps)
        part = following
    gpus.spent[JOIN, 0] += waited_ps
    return np.int64(-1)


@kernel
def deliver(state, m, now_ps):  # type: ignore[no-untyped-def]
    """A message is complete at its GPU: its items join their queues. False: fault."""
    fixed, items, gpus, messages = state.fixed, state.items, state.gpus, state.messages
    gpu, block = messages.target[m], messages.block[m]
    attends = gpu < fixed.attention_gpus
    gpus.spent[NETWORK, 1 - attends] += messages.tokens[m] * (now_ps - messages.sent_ps[m])
    if attends:
        block += 1
    if not attends or fixed.top_k == 1:   # nothing to wait for
        for slot in range(fixed.hosted[gpu]):   # 1 of an attention GPU
            if messages.counts[m, slot] > 0:
                enqueue(items, gpus, gpu, block, slot, messages.first[m, slot],
                        messages.last[m, slot], messages.counts[m, slot], messages.context[m],
                        now_ps)
    else:
        wrong = join(fixed, items, gpus, gpu, block, messages.first[m, 0], messages.tokens[m],
                     now_ps)
        if wrong >= 0:
            state.control.code[0] = PARTS_EXCEEDED
            state.control.code[1] = wrong
            return False
    messages.free[messages.free_count[0]] = m
    messages.free_count[0] += 1
    return True


@kernel
def admit(state, now_ps):  # type: ignore[no-untyped-def]
    """Admit what fits; True when anything did."""
    fixed, items, gpus = state.fixed, state.items, state.gpus
    any_admitted = False
    while True:
        r = admit_one(state.requests, state.admission, NO_LIMIT, now_ps)
        if r < 0:
            return any_admitted
        any_admitted = True
        first, home = r * fixed.top_k, state.requests.home[r]
        items.key[first] = token_key(fixed.routing_seed, r, 0)
        for part in range(first, first + fixed.top_k):
            items.home[part] = home
        enqueue(items, gpus, home, 0, 0, first, first, 1, np.int64(items.context[first]), now_ps)


@kernel
def handle(state, kind, item, now_ps):  # type: ignore[no-untyped-def]
    """One event; what it gives GPUs to do they start at once. False: fault."""
    fixed, items, gpus = state.fixed, state.items, state.gpus
    low, high = 0, 0             # the GPUs that may have something to start
    asks = kind == ARRIVAL       # whether requests may be admitted
    fine = True
    if kind == HOP:
        cross(fixed, state.heap, state.messages, state.ports, item, now_ps)
    elif kind == DELIVERY:
        low = state.messages.target[item]
        high = low + 1
        fine = deliver(state, item, now_ps)
    elif kind == STEP:
        low, high = item, item + 1
        asks = end_step(state, item, now_ps)
        if not asks:
            send_results(fixed, state.heap, items, gpus, state.messages, state.ports, item, now_ps)
        gpus.batch[item] = -1
    if asks and admit(state, now_ps):
        low, high = 0, fixed.attention_gpus
    for gpu in range(low, high):
        fine = fine and start_step(state.control, fixed, state.heap, items, gpus, gpu, now_ps)
    return fine


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
        kind, item = ARRIVAL, 0
        if pending <= arrival:
            _, kind, item = heap_pop(heap)
        else:
            admission.arrived[0] += 1
        if not handle(state, kind, item, now_ps):
            return FAULT
    return RUNNING
