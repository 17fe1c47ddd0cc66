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

from rackwright.engine.end_heap import ends_add, ends_build, ends_move, ends_remove
from rackwright.engine.kernel import kernel
from rackwright.engine.maxmin import fill
from rackwright.engine.status import FOREVER_PS

__all__ = [
    "flow_close", "flow_first_ps", "flow_left", "flow_next_ps", "flow_open", "flow_room",
    "flow_set_bandwidth", "flow_share", "flow_take",
]

WEIGHT_UNITS = float(1 << 20)
WEIGHT_STEP = 1 / WEIGHT_UNITS  # exact
MOST_UNITS = 1 << 40
FEW = 8  # below one changed end in FEW, the ends are moved one by one
CLOCK_END = 9.2e18  # ps; a little below 2**63, above any time that the clock can show


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
    slots = flows.slots
    flows.free_count[0] -= 1
    slot = slots.free[flows.free_count[0]]
    slots.route[slot] = route
    slots.number[slot] = flows.opened[0]
    flows.opened[0] += 1
    slots.tag[slot] = tag
    slots.weight[slot] = min(max(int(weight * WEIGHT_UNITS + 0.5), 1), MOST_UNITS) * WEIGHT_STEP
    slots.remaining[slot] = nbytes
    slots.rate[slot] = 0.0
    slots.wanted[slot] = 0.0
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
def flow_left(flows, now_ps, slot):  # type: ignore[no-untyped-def]
    """Bytes that a live flow has left at `now_ps`."""
    slots = flows.slots
    moved = slots.rate[slot] * (now_ps - slots.touched_ps[slot]) / 1e12
    return max(slots.remaining[slot] - moved, 0.0)


@kernel
def flow_set_bandwidth(flows, link, bandwidth):  # type: ignore[no-untyped-def]
    """Change the bandwidth (bytes/s, >= 0) of a link from now on."""
    flows.links.bandwidth[link] = bandwidth
    if flows.links.hops[link] > 0:
        flows.dirty[0] = 1


@kernel
def flow_share(flows, now_ps):  # type: ignore[no-untyped-def]
    """Share the links out again if flows or bandwidths have changed."""
    if flows.dirty[0] == 0:
        return
    flows.dirty[0] = 0
    fill(flows)
    slots, live = flows.slots, flows.live[0]
    changed = 0
    for at in range(live):
        slot = slots.ends[at]
        if slots.wanted[slot] != slots.rate[slot]:
            slots.changed[changed] = slot
            changed += 1
    flows.updates[0] += changed
    many = changed * FEW > live
    for at in range(changed):
        slot = slots.changed[at]
        slots.remaining[slot] = flow_left(flows, now_ps, slot)
        slots.touched_ps[slot] = now_ps
        slots.rate[slot] = slots.wanted[slot]
        slots.end_ps[slot] = end_of(now_ps, slots.remaining[slot], slots.rate[slot])
        if not many:
            ends_move(slots, slot, live)
    if many:
        ends_build(slots, live)


@kernel
def end_of(now_ps, nbytes, rate):  # type: ignore[no-untyped-def]
    """When `nbytes` are through at `rate`, rounded up to the clock's step."""
    if rate <= 0.0:
        return FOREVER_PS
    exact = nbytes * 1e12 / rate  # nonzero: checked above
    if exact > CLOCK_END - now_ps:
        return FOREVER_PS
    whole = int(exact)
    if whole < exact:
        whole += 1
    return now_ps + whole


@kernel
def link_hops(flows, slot):  # type: ignore[no-untyped-def]
    """Enter a flow into the lists of the links that it crosses."""
    links, slots, routes = flows.links, flows.slots, flows.routes
    flows.moving[0] += 1
    flows.dirty[0] = 1
    route = slots.route[slot]
    hop = slot << routes.hop_bits[0]
    for at in range(routes.offsets[route], routes.offsets[route + 1]):
        link = routes.links[at]
        if links.hops[link] == 0:
            links.busy_at[link] = links.busy_count[0]
            links.busy[links.busy_count[0]] = link
            links.busy_count[0] += 1
        links.hops[link] += 1
        links.weight[link] += slots.weight[slot]
        first = links.first[link]
        slots.next_hop[hop] = first
        slots.last_hop[hop] = -1
        if first >= 0:
            slots.last_hop[first] = hop
        links.first[link] = hop
        hop += 1


@kernel
def close_slot(flows, slot):  # type: ignore[no-untyped-def]
    """Take a flow out of the heap and of its links; its slot becomes free."""
    ends_remove(flows.slots, slot, flows.live[0])
    flows.live[0] -= 1
    if flows.slots.end_ps[slot] == FOREVER_PS or flows.slots.filled[slot] >= 0:
        unlink_hops(flows, slot)
    flows.slots.end_ps[slot] = FOREVER_PS
    flows.slots.free[flows.free_count[0]] = slot
    flows.free_count[0] += 1


@kernel
def unlink_hops(flows, slot):  # type: ignore[no-untyped-def]
    """Take a flow out of the lists of the links that it crosses."""
    links, slots, routes = flows.links, flows.slots, flows.routes
    flows.moving[0] -= 1
    flows.dirty[0] = 1
    route = slots.route[slot]
    hop = slot << routes.hop_bits[0]
    for at in range(routes.offsets[route], routes.offsets[route + 1]):
        link = routes.links[at]
        links.hops[link] -= 1
        links.weight[link] -= slots.weight[slot]
        after, before = slots.next_hop[hop], slots.last_hop[hop]
        if after >= 0:
            slots.last_hop[after] = before
        if before >= 0:
            slots.next_hop[before] = after
        else:
            links.first[link] = after
        if links.hops[link] == 0:
            retire_link(links, link)
        hop += 1


@kernel
def retire_link(links, link):  # type: ignore[no-untyped-def]
    """Take a link without flows out of the busy ones."""
    links.busy_count[0] -= 1
    at, last = links.busy_at[link], links.busy[links.busy_count[0]]
    links.busy[at] = last
    links.busy_at[last] = at
    links.busy_at[link] = -1
