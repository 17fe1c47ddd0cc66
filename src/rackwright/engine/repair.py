"""Local repair: new rates for the flows that a change touches, exactly, and for no others.

A set of open flows starts with those that are new, those whose bottleneck got bandwidth back, and
all on links whose bandwidth changed. They share what the others leave. Then every link that an
open flow crosses is checked against the max-min certificate: a fixed flow is opened too when its
bottleneck is no longer full, or no longer the place where it is the fastest, or when it is faster
than an open flow which that link holds back. This repeats until nothing is opened. The set only
grows, so it ends, and then every flow has its certificate: the rates are those of a full fill.

Where many flows are touched, one full fill is faster: `repair` gives up beyond a part of the
flows, and after giving up waits for more and more re-shares before it tries again.
"""

from __future__ import annotations

from rackwright.engine.flow_state import RESIZED
from rackwright.engine.kernel import kernel
from rackwright.engine.openings import fill_open, open_flow, shut_all, spare_room

__all__ = ["repair"]

SAME = 1 + 1e-13  # levels closer than this are the same but for roundings
NO_LEVEL = 1e300  # above any
SLACK = 1e-13     # of what a link gives to the flows that it holds: full but for roundings
LEAST = 4         # open flows that are always worth a try
MOST_WAIT = 8     # re-shares
MOST_WORK = 4     # full fills that a repair may cost before it gives up


@kernel
def repair(flows):  # type: ignore[no-untyped-def]
    """Set ``slots.level`` of the flows that are touched; returns how many ``slots.changed`` lists.

    -1 when it was not tried or has given up: then all must be filled.
    """
    if flows.cut[0] == 0 or flows.ranked[0] > 0 or must_wait(flows):
        return -1
    limit = max(flows.moving[0] // flows.cut[0], LEAST)  # nonzero: tested
    if flows.fresh_count[0] > limit:
        return -1
    most_work = flows.work[0] + MOST_WORK * flows.moving[0] * flows.full_work[0]
    count, before = open_touched(flows, limit), -1
    while before < count <= limit and (flows.work[0] < most_work or flows.cut[0] == 1):
        spare_room(flows.links)
        fill_open(flows, count)
        before = count
        count = open_unfair(flows, count, limit)
    shut_all(flows, count)
    if before < count:
        flows.patience[1] = min(max(2 * flows.patience[1], 1), MOST_WAIT)
        flows.patience[0] = flows.patience[1]
        return -1
    flows.patience[1] = 0
    return count


@kernel
def must_wait(flows):  # type: ignore[no-untyped-def]
    """Whether it is too soon to try again."""
    if flows.patience[0] == 0 or flows.cut[0] == 1:
        return False
    flows.patience[0] -= 1
    return True


@kernel
def open_touched(flows, limit):  # type: ignore[no-untyped-def]
    """Open what changes of flows and links touch at once; the number of open flows."""
    links, slots = flows.links, flows.slots
    count = 0
    for at in range(flows.fresh_count[0]):
        slot = slots.fresh[at]
        if slots.linked[slot] != 0:  # it may have left again
            count = open_flow(flows, slot, count)
    for at in range(links.stale_count[0]):
        link = links.stale[at]
        if count > limit:
            break
        if links.news[link] == RESIZED or links.held[link] > 0:
            least = -1.0 if links.news[link] == RESIZED else NO_LEVEL
            count = open_on_link(flows, link, least, -1.0, count)
    return count


@kernel
def open_on_link(flows, link, least, least_held, count):  # type: ignore[no-untyped-def]
    """Open the flows on a link with a level above `least`, or above `least_held` if it holds them.

    Returns the number of open flows.
    """
    slots = flows.slots
    hop = flows.links.first[link]
    while hop >= 0:
        slot = hop >> flows.routes.hop_bits[0]
        hop = slots.next_hop[hop]
        if slots.open[slot] == 0:
            level = slots.level[slot]
            if level > least or (level > least_held and slots.held_by[slot] == link):
                count = open_flow(flows, slot, count)
    flows.work[0] += flows.links.hops[link]
    return count


@kernel
def open_unfair(flows, count, limit):  # type: ignore[no-untyped-def]
    """Open the fixed flows that have lost their certificate on a link of an open flow."""
    links = flows.links
    for at in range(links.reached_count[0]):
        link = links.reached[at]
        if count > limit:
            break
        if links.open_hops[link] < links.hops[link]:
            count = check_link(flows, link, count)
    return count


@kernel
def check_link(flows, link, count):  # type: ignore[no-untyped-def]
    """Open the fixed flows that have lost their certificate on one link; the number of open flows.

    A fixed flow must not be faster than an open one that the link holds (`gate`); if the link
    holds it, it must be the fastest there, and the link full.
    """
    links, slots = flows.links, flows.slots
    now = flows.stamp[0]
    gate, fastest, fixed_top, held_low = NO_LEVEL, -1.0, -1.0, NO_LEVEL
    spare, held_pull = links.bandwidth[link], 0.0
    hop = links.first[link]
    while hop >= 0:
        slot = hop >> flows.routes.hop_bits[0]
        hop = slots.next_hop[hop]
        level = slots.level[slot]
        spare -= level * slots.pull[slot]
        if slots.filled[slot] == now:
            fastest = max(fastest, level)
            if slots.held_by[slot] == link:
                gate = min(gate, level)
        else:
            fixed_top = max(fixed_top, level)
            if slots.held_by[slot] == link:
                held_low = min(held_low, level)
                held_pull += slots.pull[slot]
    flows.work[0] += links.hops[link]
    slack = held_pull > 0.0 and spare > SLACK * held_low * held_pull
    least_held = -1.0 if slack else NO_LEVEL
    if held_low * SAME < fastest:
        least_held = -1.0
    if fixed_top > gate * SAME or least_held < 0.0:
        count = open_on_link(flows, link, gate * SAME, least_held, count)
    return count
