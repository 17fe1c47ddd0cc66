"""Max-min fair rates of all flows by progressive filling, exact in float64.

Flows of priority 0 share the links as if they were alone; those of priority 1 share what is left,
and so on. Within a priority see `pouring`.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.engine.openings import fill_open, open_flow, shut_all
from rackwright.engine.pouring import heap_levels, pour

__all__ = ["fill"]

NO_PRIORITY = 1 << 31
RESIDUE = 1e-13  # of a link's bandwidth: left over by roundings, nothing to share


@kernel
def fill(flows):  # type: ignore[no-untyped-def]
    """Set ``slots.level`` of every flow that crosses links to its max-min fair rate / weight."""
    if flows.ranked[0] > 0:
        fill_by_priority(flows)
        return
    size = start_levels(flows.links)
    flows.stamp[0] += 1
    pour(flows, flows.links.first, flows.slots.next_hop, size, flows.moving[0])


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
    heap_levels(links, size)
    return size


@kernel
def fill_by_priority(flows):  # type: ignore[no-untyped-def]
    """One fill for each priority that there is, over what those before it leave."""
    links, slots = flows.links, flows.slots
    for at in range(links.busy_count[0]):
        link = links.busy[at]
        links.room[link] = links.bandwidth[link]
    priority = next_priority(flows, -1)
    while priority < NO_PRIORITY:
        count = 0
        for at in range(flows.live[0]):
            slot = slots.ends[at]
            if slots.linked[slot] != 0 and slots.priority[slot] == priority:
                count = open_flow(flows, slot, count)
        drop_residues(links)
        fill_open(flows, count)
        shut_all(flows, count)
        priority = next_priority(flows, priority)


@kernel
def drop_residues(links):  # type: ignore[no-untyped-def]
    """A link that is full but for roundings has no room for the next priority."""
    for at in range(links.reached_count[0]):
        link = links.reached[at]
        if links.room[link] < RESIDUE * links.bandwidth[link]:
            links.room[link] = 0.0


@kernel
def next_priority(flows, after):  # type: ignore[no-untyped-def]
    """The lowest priority above `after` of a flow that crosses links, or NO_PRIORITY."""
    slots = flows.slots
    lowest = NO_PRIORITY
    for at in range(flows.live[0]):
        slot = slots.ends[at]
        if slots.linked[slot] != 0 and after < slots.priority[slot] < lowest:
            lowest = slots.priority[slot]
    return lowest
