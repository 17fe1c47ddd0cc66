"""The lists of the hops on each link, and what has changed on links since the last re-share."""

from __future__ import annotations

from rackwright.engine.end_heap import ends_remove
from rackwright.engine.flow_state import FREED, NOTHING, RESIZED
from rackwright.engine.kernel import kernel
from rackwright.engine.status import FOREVER_PS

__all__ = ["close_slot", "link_hops", "note_link", "unlink_hops"]


@kernel
def link_hops(flows, slot):  # type: ignore[no-untyped-def]
    """Enter a flow into the lists of the links that it crosses."""
    links, slots, routes = flows.links, flows.slots, flows.routes
    flows.moving[0] += 1
    flows.dirty[0] = RESIZED
    if slots.priority[slot] > 0:
        flows.ranked[0] += 1
    slots.linked[slot] = 1
    slots.held_by[slot] = -1
    if flows.fresh_count[0] < slots.fresh.shape[0]:
        slots.fresh[flows.fresh_count[0]] = slot
    flows.fresh_count[0] += 1
    route = slots.route[slot]
    hop = slot << routes.hop_bits[0]
    for at in range(routes.offsets[route], routes.offsets[route + 1]):
        link = routes.links[at]
        if links.hops[link] == 0:
            links.busy_at[link] = links.busy_count[0]
            links.busy[links.busy_count[0]] = link
            links.busy_count[0] += 1
        links.hops[link] += 1
        links.weight[link] += slots.pull[slot]
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
    if flows.slots.linked[slot] != 0:
        unlink_hops(flows, slot)
    flows.slots.end_ps[slot] = FOREVER_PS
    flows.slots.free[flows.free_count[0]] = slot
    flows.free_count[0] += 1


@kernel
def unlink_hops(flows, slot):  # type: ignore[no-untyped-def]
    """Take a flow out of the lists of the links that it crosses."""
    links, slots, routes = flows.links, flows.slots, flows.routes
    flows.moving[0] -= 1
    flows.dirty[0] = max(flows.dirty[0], FREED)
    if slots.priority[slot] > 0:
        flows.ranked[0] -= 1
    slots.linked[slot] = 0
    if slots.held_by[slot] >= 0:
        links.held[slots.held_by[slot]] -= 1
        slots.held_by[slot] = -1
    route = slots.route[slot]
    hop = slot << routes.hop_bits[0]
    for at in range(routes.offsets[route], routes.offsets[route + 1]):
        link = routes.links[at]
        note_link(links, link, FREED)
        links.hops[link] -= 1
        links.weight[link] -= slots.pull[slot]
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


@kernel
def note_link(links, link, news):  # type: ignore[no-untyped-def]
    """Put a link on the list of those that the next re-share looks at."""
    if links.news[link] == NOTHING:
        links.stale[links.stale_count[0]] = link
        links.stale_count[0] += 1
    links.news[link] = max(links.news[link], news)
