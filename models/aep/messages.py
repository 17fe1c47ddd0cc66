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
from rackwright.models.aep.state import DELIVERY, HOP, NEXT

__all__ = ["collect", "cross", "send_results"]


@kernel
def collect(items, gpus, target, item):  # type: ignore[no-untyped-def]
    """Append an item to the step's results for GPU `target`."""
    items.of[item, NEXT] = -1
    tail = gpus.out_tail[target]
    if tail < 0:
        gpus.out_head[target] = item
    else:
        items.of[tail, NEXT] = item
    gpus.out_tail[target] = item
    gpus.out_count[target] += 1


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
        sorted_ps = max(gpus.sorted_ps[source], now_ps) + gpus.out_count[target] * fixed.part_ps
        gpus.sorted_ps[source] = sorted_ps
        gpus.out_head[target] = -1
        gpus.out_tail[target] = -1
        gpus.out_count[target] = 0
        head_ps = sorted_ps + fixed.message_ps
        if fixed.host[source] != fixed.host[target]:
            head_ps += fixed.remote_ps
        messages.tail_ps[m] = head_ps
        if fixed.remote_ps > 0:
            heap_push(heap, head_ps, HOP, HOP, m)
        else:
            # metadata takes equally long for all, so booking the first port now keeps its order
            cross(fixed, heap, messages, ports, m, head_ps)
