"""Max-min fair rates by progressive filling, exact in float64.

All flows rise together, each in proportion to its weight, until a link is full; its flows keep
that level, and the others go on. A link fills up at level ``room / open weight``. That level
only rises while other links fill, so a heap of links with levels that are too low at worst is
enough: the first link is looked at again and moved down when its level has risen since.

Weights are multiples of 2**-20, so that their sums are exact: a link is done when nothing is left.
Ties go to the lower link number, so that the result does not depend on the order in which links
became busy.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["fill"]


@kernel
def fill(flows):  # type: ignore[no-untyped-def]
    """Set ``slots.wanted`` of every flow that crosses links to its max-min fair rate."""
    links = flows.links
    flows.fills[0] += 1
    size = start_levels(links)
    to_fill = flows.moving[0]
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
            to_fill -= settle_link(flows, link, level)
        size -= 1
        links.level_key[0] = links.level_key[size]
        links.level_link[0] = links.level_link[size]
        sink_level(links, 0, size)


@kernel
def start_levels(links):  # type: ignore[no-untyped-def]
    """Every busy link empty again, and the heap of their levels; returns its size."""
    size = links.busy_count[0]
    for at in range(size):
        link = links.busy[at]
        links.room[link] = links.bandwidth[link]
        links.open_weight[link] = links.weight[link]
        links.level_link[at] = link
        links.level_key[at] = links.bandwidth[link] / links.weight[link]  # nonzero: busy
    for at in range((size >> 1) - 1, -1, -1):
        sink_level(links, at, size)
    return size


@kernel
def settle_link(flows, link, level):  # type: ignore[no-untyped-def]
    """Give the flows of a full link their rate; returns how many had none yet."""
    links, slots, routes = flows.links, flows.slots, flows.routes
    hop_bits, now = routes.hop_bits[0], flows.fills[0]
    count = 0
    hop = links.first[link]
    while hop >= 0:
        slot = hop >> hop_bits
        hop = slots.next_hop[hop]
        if slots.filled[slot] != now:
            slots.filled[slot] = now
            count += 1
            weight = slots.weight[slot]
            rate = level * weight
            slots.wanted[slot] = rate
            route = slots.route[slot]
            for at in range(routes.offsets[route], routes.offsets[route + 1]):
                other = routes.links[at]
                links.room[other] -= rate
                links.open_weight[other] -= weight
    return count


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
