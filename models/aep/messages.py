"""A step's results on their way: collected by destination, one message each, link by link.

A message is sent in two phases: metadata, which the hosts exchange and for which the receiver
makes room, then the payload, whose head crosses its route through FIFO ports, one event a hop. The
sender never waits; the receiver queues the tokens when the tail is in. A dispatcher that takes
time for a token (a NIC's block) serves its GPU's messages one after the other.
Source: section 3.2 of arXiv 2505.08944 (dispatcher and communicator).
"""

from __future__ import annotations

from rackwright.engine.heap import heap_push
from rackwright.engine.kernel import kernel
from rackwright.engine.ports import port_cross
from rackwright.models.aep.state import DELIVERY, HOP

__all__ = ["collect", "cross", "open_lists", "send_results"]


@kernel
def open_lists(fixed, items, gpus):  # type: ignore[no-untyped-def]
    """Empty the scratch lists. Each begins at a place of its own behind the items, so that an item
    is appended without asking whether it is the first."""
    behind = items.key.shape[0]
    for at in range(gpus.out_tail.shape[0]):
        gpus.out_tail[at] = behind + at
        gpus.out_count[at] = 0
        gpus.out_context[at] = 0


@kernel
def collect(items, gpus, at, item):  # type: ignore[no-untyped-def]
    """Append an item to list `at` of the step's results."""
    items.next[gpus.out_tail[at]] = item
    gpus.out_tail[at] = item
    gpus.out_count[at] += 1


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
def pack(items, gpus, messages, m, low, high):  # type: ignore[no-untyped-def]
    """Put the lists low..high-1 into message `m`."""
    behind = items.key.shape[0]
    tokens, context = 0, 0
    for at in range(low, high):
        messages.first[m, at - low] = items.next[behind + at]
        messages.last[m, at - low] = gpus.out_tail[at]
        messages.counts[m, at - low] = gpus.out_count[at]
        tokens += gpus.out_count[at]
        context += gpus.out_context[at]
    messages.tokens[m] = tokens
    messages.context[m] = context
    return tokens


@kernel
def send(fixed, heap, items, gpus, messages, ports, source, target, low, high, now_ps):  # type: ignore[no-untyped-def]
    """Send the lists low..high-1 of the step's results to `target`, if there is anything."""
    m = messages.free[messages.free_count[0] - 1]
    tokens = pack(items, gpus, messages, m, low, high)
    if tokens == 0:
        return
    messages.free_count[0] -= 1
    everyone = fixed.attention_gpus + fixed.expert_gpus
    messages.block[m] = gpus.batch_block[source]
    messages.sent_ps[m] = now_ps
    messages.source[m] = source
    messages.target[m] = target
    messages.hop[m] = fixed.route_offsets[source * everyone + target]
    sorted_ps = max(gpus.sorted_ps[source], now_ps) + tokens * fixed.part_ps
    gpus.sorted_ps[source] = sorted_ps
    head_ps = sorted_ps + fixed.message_ps
    if fixed.host[source] != fixed.host[target]:
        head_ps += fixed.remote_ps
    messages.tail_ps[m] = head_ps
    if fixed.remote_ps > 0:
        heap_push(heap, head_ps, HOP, HOP, m)
    else:
        # metadata takes equally long for all, so booking the first port now keeps its order
        cross(fixed, heap, messages, ports, m, head_ps)


@kernel
def send_results(fixed, heap, items, gpus, messages, ports, source, now_ps):  # type: ignore[no-untyped-def]
    """One message to each GPU that results were collected for: by expert, or by home."""
    attends = source < fixed.attention_gpus
    everyone = fixed.attention_gpus + fixed.expert_gpus
    first = fixed.attention_gpus if attends else 0
    last = everyone if attends else fixed.attention_gpus
    for target in range(first, last):
        low = fixed.first_expert[target] if attends else target
        high = fixed.first_expert[target + 1] if attends else target + 1
        send(fixed, heap, items, gpus, messages, ports, source, target, low, high, now_ps)
