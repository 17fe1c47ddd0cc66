"""Asynchronous expert parallelism, event by event: no barrier, every GPU decides for itself.

One decode token of a request walks block by block: attention on the request's own GPU, top_k
experts on theirs, the join back home, after the last block the sampler. GPUs drain one queue at
a time; results leave as one message per destination; a message crosses its route link by link
through FIFO ports. Source: section 3 of arXiv 2505.08944.

Events at the same time: ends of steps, then messages, then arrivals, then in order of creation.
A GPU schedules only after its own step, after a message to it, and after an admission.
"""

from __future__ import annotations

from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.engine.heap import heap_pop, heap_push, heap_room
from rackwright.engine.kernel import kernel
from rackwright.engine.ports import port_cross
from rackwright.engine.record import span_add
from rackwright.engine.status import DONE, FAULT, FOREVER_PS, GROW, RUNNING, STALLED
from rackwright.models.aep.schedulers import pick_queue
from rackwright.models.aep.state import (
    GROW_HEAP,
    GROW_MESSAGES,
    JOIN,
    NETWORK,
    QUEUE,
    SERVICE,
)
from rackwright.models.serving.requests import admit_one, context_tokens, token_out
from rackwright.models.serving.snapshots import take_snapshots
from rackwright.traces.routing import draw_experts

__all__ = ["LABEL_SAMPLER", "OUTSIDE_TABLE", "PARTS_EXCEEDED", "advance"]

STEP, HOP, DELIVERY = 0, 1, 2      # kinds of events; also their priority: steps come first
NO_LIMIT = FOREVER_PS
OUTSIDE_TABLE, PARTS_EXCEEDED = 1, 2   # faults
LABEL_ATTENTION, LABEL_EXPERT, LABEL_SAMPLER = 0, 1, 2


@kernel
def enqueue(items, gpus, gpu, block, slot, item, context, now_ps):  # type: ignore[no-untyped-def]
    """Append an item to a queue."""
    items.next_item[item] = -1
    items.since_ps[item] = now_ps
    tail = gpus.tail[gpu, block, slot]
    if tail < 0:
        gpus.head[gpu, block, slot] = item
    else:
        items.next_item[tail] = item
    gpus.tail[gpu, block, slot] = item
    gpus.length[gpu, block, slot] += 1
    gpus.context[gpu, block, slot] += context
    gpus.block_length[gpu, block] += 1


@kernel
def drain(fixed, requests, items, gpus, gpu, block, slot, cap):  # type: ignore[no-untyped-def]
    """Take the whole queue (or its first `cap` items) as the GPU's batch: its context sum."""
    first = gpus.head[gpu, block, slot]
    size = gpus.length[gpu, block, slot]
    context = gpus.context[gpu, block, slot]
    rest = -1
    if cap > 0 and size > cap:
        size, context, last = cap, 0, first
        walk = first
        for _ in range(cap):
            if gpu < fixed.attention_gpus:
                context += context_tokens(requests, items.owner[walk])
            last = walk
            walk = items.next_item[walk]
        items.next_item[last] = -1
        rest = walk
    gpus.batch[gpu] = first
    gpus.batch_size[gpu] = size
    gpus.batch_block[gpu] = block
    gpus.head[gpu, block, slot] = rest
    if rest < 0:
        gpus.tail[gpu, block, slot] = -1
    gpus.length[gpu, block, slot] -= size
    gpus.context[gpu, block, slot] -= context
    gpus.block_length[gpu, block] -= size
    return context


@kernel
def start_step(control, fixed, heap, requests, items, gpus, gpu, now_ps):  # type: ignore[no-untyped-def]
    """If the GPU is idle and has work, drain a queue and start; False on a fault."""
    if gpus.batch[gpu] >= 0:
        return True
    attends = gpu < fixed.attention_gpus
    blocks = fixed.blocks + 1 if attends else fixed.blocks
    picked = pick_queue(fixed.policy, gpus.length[gpu], gpus.block_length[gpu], blocks,
                        fixed.hosted[gpu], fixed.decay, fixed.look_ahead)
    if picked < 0:
        return True
    slots = gpus.length.shape[2]
    block, slot = picked // slots, picked % slots  # nonzero: every GPU has a slot
    cap = fixed.attention_cap if attends else fixed.expert_cap
    context = drain(fixed, requests, items, gpus, gpu, block, slot, cap)
    size = gpus.batch_size[gpu]
    if not attends:
        service = table1_ps(fixed.expert, size)
    elif block == fixed.blocks:
        service = table1_ps(fixed.sampler, size)
    else:
        service = table2_ps(fixed.attention, size, context / size)  # nonzero: size >= 1
    if service < 0:
        control.code[0], control.code[1], control.code[2] = OUTSIDE_TABLE, gpu, size
        return False
    gpus.started_ps[gpu] = now_ps
    heap_push(heap, now_ps + service, STEP, STEP, gpu)
    return True


@kernel
def collect(items, gpus, target, item):  # type: ignore[no-untyped-def]
    """Append an item to the step's results for GPU `target`."""
    items.next_item[item] = -1
    tail = gpus.out_tail[target]
    if tail < 0:
        gpus.out_head[target] = item
    else:
        items.next_item[tail] = item
    gpus.out_tail[target] = item
    gpus.out_count[target] += 1


@kernel
def send_results(fixed, heap, gpus, messages, ports, source, low, high, now_ps):  # type: ignore[no-untyped-def]
    """One message to each GPU of low..high-1 that results were collected for."""
    everyone = fixed.attention_gpus + fixed.expert_gpus
    for target in range(low, high):
        if gpus.out_count[target] == 0:
            continue
        messages.free_count[0] -= 1
        m = messages.free[messages.free_count[0]]
        messages.first[m] = gpus.out_head[target]
        messages.tokens[m] = gpus.out_count[target]
        messages.source[m] = source
        messages.target[m] = target
        messages.hop[m] = fixed.route_offsets[source * everyone + target]
        gpus.out_head[target] = -1
        gpus.out_tail[target] = -1
        gpus.out_count[target] = 0
        # every message waits the same set-up, so booking the first port now keeps its order
        head_ps = now_ps + fixed.message_ps
        messages.tail_ps[m] = head_ps
        cross(fixed, heap, messages, ports, m, head_ps)


@kernel
def cross(fixed, heap, messages, ports, m, head_ps):  # type: ignore[no-untyped-def]
    """Send message `m` over the link whose entrance its head has reached."""
    everyone = fixed.attention_gpus + fixed.expert_gpus
    link = fixed.route_links[messages.hop[m]]
    nbytes = messages.tokens[m] * fixed.token_bytes
    head_ps, tail_ps = port_cross(ports, link, head_ps, messages.tail_ps[m], nbytes)
    messages.tail_ps[m] = tail_ps
    messages.hop[m] += 1
    pair = messages.source[m] * everyone + messages.target[m]
    if messages.hop[m] < fixed.route_offsets[pair + 1]:
        heap_push(heap, head_ps, HOP, HOP, m)
    else:
        heap_push(heap, tail_ps, DELIVERY, DELIVERY, m)


@kernel
def end_attention(fixed, requests, items, gpus, gpu, now_ps):  # type: ignore[no-untyped-def]
    """Route every token of the batch to its experts; collect the parts by GPU."""
    item = gpus.batch[gpu]
    block = gpus.batch_block[gpu]
    started = gpus.started_ps[gpu]
    while item >= 0:
        following = items.next_item[item]
        r = items.owner[item]
        gpus.spent[QUEUE, 0] += started - items.since_ps[item]
        gpus.spent[SERVICE, 0] += now_ps - started
        draw_experts(fixed.weights, block, fixed.top_k, fixed.routing_seed, r,
                     requests.generated[r], items.chosen)
        for j in range(fixed.top_k):
            part = r * fixed.top_k + j
            items.expert[part] = items.chosen[j]
            items.since_ps[part] = now_ps
            collect(items, gpus, fixed.expert_gpu[items.chosen[j]], part)
        item = following


@kernel
def end_expert(fixed, requests, items, gpus, gpu, now_ps):  # type: ignore[no-untyped-def]
    """Collect every part of the batch for the GPU that its request lives on."""
    item = gpus.batch[gpu]
    started = gpus.started_ps[gpu]
    while item >= 0:
        following = items.next_item[item]
        gpus.spent[QUEUE, 1] += started - items.since_ps[item]
        gpus.spent[SERVICE, 1] += now_ps - started
        items.since_ps[item] = now_ps
        collect(items, gpus, requests.home[items.owner[item]], item)
        item = following


@kernel
def end_sampler(fixed, requests, admission, items, gpus, gpu, now_ps):  # type: ignore[no-untyped-def]
    """Hand out a token for each request of the batch; those not finished start over."""
    item = gpus.batch[gpu]
    started = gpus.started_ps[gpu]
    while item >= 0:
        following = items.next_item[item]
        r = items.owner[item]
        gpus.spent[QUEUE, 0] += started - items.since_ps[item]
        gpus.spent[SERVICE, 0] += now_ps - started
        if not token_out(requests, admission, r, now_ps):
            items.block[r] = 0
            enqueue(items, gpus, gpu, 0, 0, item, context_tokens(requests, r), now_ps)
        item = following


@kernel
def end_step(state, gpu, now_ps):  # type: ignore[no-untyped-def]
    """A GPU has finished its batch: send the results; True when a request may have ended."""
    fixed, gpus, items = state.fixed, state.gpus, state.items
    side = 0 if gpu < fixed.attention_gpus else 1
    gpus.busy_ps[gpu] += now_ps - gpus.started_ps[gpu]
    gpus.steps[side] += 1
    gpus.handled[side] += gpus.batch_size[gpu]
    sampled = side == 0 and gpus.batch_block[gpu] == fixed.blocks
    span_add(state.spans, gpu, LABEL_SAMPLER if sampled else side, gpus.started_ps[gpu], now_ps,
             gpus.batch_size[gpu])
    low, high = 0, fixed.attention_gpus
    if sampled:
        end_sampler(fixed, state.requests, state.admission, items, gpus, gpu, now_ps)
    elif side == 0:
        end_attention(fixed, state.requests, items, gpus, gpu, now_ps)
        low, high = high, high + fixed.expert_gpus
    else:
        end_expert(fixed, state.requests, items, gpus, gpu, now_ps)
    gpus.batch[gpu] = -1
    if not sampled:
        send_results(fixed, state.heap, gpus, state.messages, state.ports, gpu, low, high, now_ps)
    return sampled


@kernel
def join(fixed, requests, items, gpus, gpu, part, now_ps):  # type: ignore[no-untyped-def]
    """A part is back home; the last one releases its token to the next block. False: fault."""
    r = items.owner[part]
    items.since_ps[part] = now_ps
    items.joined[r] += 1
    if items.joined[r] > fixed.top_k:
        return False
    if items.joined[r] == fixed.top_k:
        first = r * fixed.top_k
        for j in range(fixed.top_k):
            gpus.spent[JOIN, 0] += now_ps - items.since_ps[first + j]
        items.joined[r] = 0
        items.block[r] += 1
        enqueue(items, gpus, gpu, items.block[r], 0, first, context_tokens(requests, r), now_ps)
    return True


@kernel
def deliver(state, m, now_ps):  # type: ignore[no-untyped-def]
    """A message is complete at its GPU: its items join their queues. False: fault."""
    fixed, items, gpus, messages = state.fixed, state.items, state.gpus, state.messages
    gpu = messages.target[m]
    attends = gpu < fixed.attention_gpus
    item = messages.first[m]
    while item >= 0:
        following = items.next_item[item]
        gpus.spent[NETWORK, 1 if attends else 0] += now_ps - items.since_ps[item]
        if attends:
            if not join(fixed, state.requests, items, gpus, gpu, item, now_ps):
                state.control.code[0] = PARTS_EXCEEDED
                state.control.code[1] = item
                return False
        else:
            block = items.block[items.owner[item]]
            enqueue(items, gpus, gpu, block, fixed.expert_slot[items.expert[item]], item, 0, now_ps)
        item = following
    messages.free[messages.free_count[0]] = m
    messages.free_count[0] += 1
    return start_step(state.control, fixed, state.heap, state.requests, items, gpus, gpu, now_ps)


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
        enqueue(items, gpus, state.requests.home[r], 0, 0, r * fixed.top_k,
                context_tokens(state.requests, r), now_ps)
    fine = True
    if any_admitted:
        for gpu in range(fixed.attention_gpus):
            fine = fine and start_step(state.control, fixed, state.heap, state.requests, items,
                                       gpus, gpu, now_ps)
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
    return start_step(state.control, state.fixed, state.heap, state.requests, state.items,
                      state.gpus, item, now_ps)


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
