"""Flows whose rates are open while the others keep theirs, and the links that they cross.

The open flows are the first entries of ``slots.changed``; every link that one of them crosses is
in ``links.reached``, with the list of their hops on it and its ``spare`` bandwidth: what the flows
that are not open leave of it.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.engine.pouring import heap_levels, pour

__all__ = ["fill_open", "open_flow", "shut_all", "spare_room"]


@kernel
def open_flow(flows, slot, count):  # type: ignore[no-untyped-def]
    """Open one more flow than `count`, unless it is open; returns how many are open then."""
    links, slots, routes = flows.links, flows.slots, flows.routes
    if slots.open[slot] != 0:
        return count
    slots.open[slot] = 1
    slots.changed[count] = slot
    pull = slots.pull[slot]
    load = slots.level[slot] * pull
    route = slots.route[slot]
    hop = slot << routes.hop_bits[0]
    for at in range(routes.offsets[route], routes.offsets[route + 1]):
        link = routes.links[at]
        if links.open_hops[link] == 0:
            reach_link(flows, link)
        links.open_hops[link] += 1
        links.open_pull[link] += pull
        links.spare[link] += load
        slots.open_next[hop] = links.open_first[link]
        links.open_first[link] = hop
        hop += 1
    return count + 1


@kernel
def reach_link(flows, link):  # type: ignore[no-untyped-def]
    """Prepare a link for its first open flow: all flows still load it."""
    links, slots = flows.links, flows.slots
    hop_bits = flows.routes.hop_bits[0]
    links.reached[links.reached_count[0]] = link
    links.reached_count[0] += 1
    links.open_first[link] = -1
    links.open_pull[link] = 0.0
    spare = links.bandwidth[link]
    hop = links.first[link]
    while hop >= 0:
        slot = hop >> hop_bits
        spare -= slots.level[slot] * slots.pull[slot]
        hop = slots.next_hop[hop]
    links.spare[link] = spare
    flows.work[0] += links.hops[link]


@kernel
def spare_room(links):  # type: ignore[no-untyped-def]
    """The room of the reached links is what the flows that are not open leave."""
    for at in range(links.reached_count[0]):
        link = links.reached[at]
        # all of it, free of roundings, when nobody else is there
        alone = links.open_hops[link] == links.hops[link]
        links.room[link] = links.bandwidth[link] if alone else links.spare[link]


@kernel
def fill_open(flows, count):  # type: ignore[no-untyped-def]
    """Share the room of the reached links out to the open flows."""
    links = flows.links
    size = links.reached_count[0]
    for at in range(size):
        link = links.reached[at]
        links.open_weight[link] = links.open_pull[link]
        links.level_link[at] = link
        links.level_key[at] = links.room[link] / links.open_weight[link]  # nonzero: it has hops
    heap_levels(links, size)
    flows.work[0] += size
    flows.stamp[0] += 1
    pour(flows, links.open_first, flows.slots.open_next, size, count)


@kernel
def shut_all(flows, count):  # type: ignore[no-untyped-def]
    """No flow is open any more."""
    links, slots = flows.links, flows.slots
    for at in range(count):
        slots.open[slots.changed[at]] = 0
    for at in range(links.reached_count[0]):
        links.open_hops[links.reached[at]] = 0
    links.reached_count[0] = 0
