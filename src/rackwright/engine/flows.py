"""Flows that share links max-min fairly, for use inside any ``advance`` kernel.

A flow moves its bytes at one rate until the set of flows changes; then all rates are shared
out again. Everything that happens in one tick costs one re-share: `flow_next_ps` does it, when
something has changed, before it says when the next flow ends. The loop of a kernel is::

    flows_end = flow_next_ps(flows, now_ps)         # re-shares if need be
    now_ps = min(flows_end, other events)
    slot = flow_take(flows, now_ps)                 # until it returns -1
    slot = flow_open(flows, now_ps, route, nbytes, weight, tag)   # flow_room(flows) > 0 before

A flow ends at ``now + ceil(remaining / rate)``, never early. Bytes are float64, exact to 2**53.
Flows of no bytes or on an empty route take no time. A link of no bandwidth stalls its flows:
their end is FOREVER_PS until `flow_set_bandwidth` gives it some.

Not modelled: latency, slow start, packets. Messages near or below bandwidth x round trip belong
to ports.
"""

from __future__ import annotations

from rackwright.engine.end_heap import ends_add
from rackwright.engine.flow_state import RESIZED
from rackwright.engine.hops import close_slot, link_hops, note_link, unlink_hops
from rackwright.engine.kernel import kernel
from rackwright.engine.reshare import flow_left, flow_share
from rackwright.engine.status import FOREVER_PS

__all__ = [
    "flow_close", "flow_first_ps", "flow_left", "flow_next_ps", "flow_open", "flow_open_as",
    "flow_reroute", "flow_room", "flow_set_bandwidth", "flow_share", "flow_take",
]

WEIGHT_UNITS = float(1 << 20)
WEIGHT_STEP = 1 / WEIGHT_UNITS  # exact
MOST_UNITS = 1 << 40


@kernel
def flow_room(flows):  # type: ignore[no-untyped-def]
    """Flows that can still be opened; grow with `grown_flows`."""
    return flows.free_count[0]


@kernel
def flow_open(flows, now_ps, route, nbytes, weight, tag):  # type: ignore[no-untyped-def]
    """Start a flow of `nbytes` >= 0; returns its slot. The caller has checked `flow_room`.

    `weight`, 2**-20 to 2**20, is rounded to a multiple of 2**-20. `tag` is found in
    ``flows.slots.tag[slot]``.
    """
    return flow_open_as(flows, now_ps, route, nbytes, weight, tag, 0, 1)


@kernel
def flow_open_as(flows, now_ps, route, nbytes, weight, tag,  # type: ignore[no-untyped-def]
                 priority, members):
    """`flow_open` with a priority (0 first; each gets what those before it leave) for `members`
    equal flows at once, which stay equal; bytes, weight and rate are those of one of them.

    Weights times members must sum to less than 2**33 on every link.
    """
    slots = flows.slots
    flows.free_count[0] -= 1
    slot = slots.free[flows.free_count[0]]
    slots.route[slot] = route
    slots.number[slot] = flows.opened[0]
    flows.opened[0] += 1
    slots.tag[slot] = tag
    slots.weight[slot] = min(max(int(weight * WEIGHT_UNITS + 0.5), 1), MOST_UNITS) * WEIGHT_STEP
    slots.members[slot] = members
    slots.pull[slot] = slots.weight[slot] * members
    slots.priority[slot] = priority
    slots.linked[slot] = 0
    slots.open[slot] = 0
    slots.held_by[slot] = -1
    slots.remaining[slot] = nbytes
    slots.rate[slot] = 0.0
    slots.level[slot] = 0.0
    slots.touched_ps[slot] = now_ps
    slots.filled[slot] = -1
    if nbytes <= 0 or flows.routes.offsets[route] == flows.routes.offsets[route + 1]:
        slots.remaining[slot] = 0.0
        slots.end_ps[slot] = now_ps
    else:
        slots.end_ps[slot] = FOREVER_PS
        link_hops(flows, slot)
    ends_add(slots, slot, flows.live[0])
    flows.live[0] += 1
    return slot


@kernel
def flow_next_ps(flows, now_ps):  # type: ignore[no-untyped-def]
    """When the next flow ends, all events of `now_ps` being handled; FOREVER_PS if none does."""
    flow_share(flows, now_ps)
    return flow_first_ps(flows)


@kernel
def flow_first_ps(flows):  # type: ignore[no-untyped-def]
    """When the next flow ends at the rates of the last re-share; FOREVER_PS if none does."""
    if flows.live[0] == 0:
        return FOREVER_PS
    return flows.slots.end_ps[flows.slots.ends[0]]


@kernel
def flow_take(flows, now_ps):  # type: ignore[no-untyped-def]
    """Close the next flow that has ended by `now_ps`, by number; its old slot, or -1."""
    if flows.live[0] == 0:
        return -1
    slot = flows.slots.ends[0]
    if flows.slots.end_ps[slot] > now_ps:
        return -1
    flows.slots.remaining[slot] = 0.0
    close_slot(flows, slot)
    return slot


@kernel
def flow_close(flows, now_ps, slot):  # type: ignore[no-untyped-def]
    """Abort a live flow; returns the bytes that it had left."""
    left = flow_left(flows, now_ps, slot)
    close_slot(flows, slot)
    return left


@kernel
def flow_set_bandwidth(flows, link, bandwidth):  # type: ignore[no-untyped-def]
    """Change the bandwidth (bytes/s, >= 0) of a link from now on."""
    if flows.links.bandwidth[link] == bandwidth:
        return
    flows.links.bandwidth[link] = bandwidth
    if flows.links.hops[link] > 0:
        note_link(flows.links, link, RESIZED)
        flows.dirty[0] = RESIZED


@kernel
def flow_reroute(flows, slot, route):  # type: ignore[no-untyped-def]
    """Move a live flow, with the bytes that it has left, to another route from now on.

    Neither its old route nor the new one may be empty.
    """
    unlink_hops(flows, slot)
    flows.slots.route[slot] = route
    link_hops(flows, slot)
