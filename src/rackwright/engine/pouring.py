"""Progressive filling of open flows: the loop that the full fill and the repair share.

All open flows rise together, each in proportion to its weight, until a link is full; its flows
keep that level, and the others go on. A link fills up at level ``room / open weight``. That level
only rises while other links fill, so a heap of links with levels that are too low at worst is
enough: the first link is looked at again and moved down when its level has risen since.

Weights are multiples of 2**-20, so that their sums are exact: a link is done when nothing is left.
Ties go to the lower link number, so that the result does not depend on the order in which links
became busy.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["heap_levels", "level_before", "pour", "settle_link", "sink_level"]


@kernel
def pour(flows, first, after, size, to_fill):  # type: ignore[no-untyped-def]
    """Give `to_fill` open flows their level; `size` links stand in the heap of levels.

    ``first[link]`` and ``after[hop]`` are the lists of the hops of open flows on each link.
    Links have their room and open weight; ``flows.stamp`` is new.
    """
    links = flows.links
    level = 0.0
    while size > 0 and to_fill > 0:
        link = links.level_link[0]
        if links.open_weight[link] > 0.0:
            now = links.room[link] / links.open_weight[link]  # nonzero: tested
            if now > links.level_key[0]:
                links.level_key[0] = now
                sink_level(links, 0, size)
                continue
            level = max(level, now)
            to_fill -= settle_link(flows, first, after, link, level)
        size -= 1
        links.level_key[0] = links.level_key[size]
        links.level_link[0] = links.level_link[size]
        sink_level(links, 0, size)


@kernel
def heap_levels(links, size):  # type: ignore[no-untyped-def]
    """Order the heap of levels."""
    for at in range((size >> 1) - 1, -1, -1):
        sink_level(links, at, size)


@kernel
def settle_link(flows, first, after, link, level):  # type: ignore[no-untyped-def]
    """Give the flows of a full link their rate; returns how many had none yet."""
    links, slots, routes = flows.links, flows.slots, flows.routes
    hop_bits, now = routes.hop_bits[0], flows.stamp[0]
    count = hops = 0
    hop = first[link]
    while hop >= 0:
        slot = hop >> hop_bits
        hop = after[hop]
        hops += 1
        if slots.filled[slot] != now:
            slots.filled[slot] = now
            count += 1
            hold(flows, slot, link)
            slots.level[slot] = level
            pull = slots.pull[slot]
            load = level * pull
            route = slots.route[slot]
            for at in range(routes.offsets[route], routes.offsets[route + 1]):
                other = routes.links[at]
                links.room[other] -= load
                links.open_weight[other] -= pull
                hops += 1
    flows.work[0] += hops
    return count


@kernel
def hold(flows, slot, link):  # type: ignore[no-untyped-def]
    """Note the link that sets a flow's rate."""
    links, before = flows.links, flows.slots.held_by[slot]
    if before >= 0:
        links.held[before] -= 1
    links.held[link] += 1
    flows.slots.held_by[slot] = link


@kernel
def sink_level(links, at, size):  # type: ignore[no-untyped-def]
    """Move an entry of the heap of levels down to where it belongs."""
    if at >= size:
        return
    key, link = links.level_key[at], links.level_link[at]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and level_before(links, child + 1, links.level_key[child],
                                             links.level_link[child]):
            child += 1
        if not level_before(links, child, key, link):
            break
        links.level_key[at] = links.level_key[child]
        links.level_link[at] = links.level_link[child]
        at = child
    links.level_key[at] = key
    links.level_link[at] = link


@kernel
def level_before(links, at, key, link):  # type: ignore[no-untyped-def]
    return links.level_key[at] < key or (
        links.level_key[at] == key and links.level_link[at] < link)
