"""The arrays of a set of flows that share links max-min fairly.

A *route* is a list of links, named once by its number. A *flow* moves bytes over a route; it
lives in a slot, which is used again after the flow has ended. A *hop* is one link of one flow's
route: node ``slot << hop_bits | index`` of the doubly linked list of the hops on that link.

Units: bytes, bytes/s, int64 picoseconds. What it leaves out: everything that changes these
arrays (`flows`, `maxmin`, `end_heap`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.flow_checks import checked_bandwidths, checked_routes
from rackwright.engine.status import FOREVER_PS

__all__ = ["FlowLinks", "FlowSlots", "Flows", "Routes", "grown_flows", "new_flows", "with_routes"]

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
NOTHING, FREED, RESIZED = 0, 1, 2  # flows have left; bandwidth or flows have come
CUT = 8  # measured on shuffles: above 1/8 of the flows, a full fill is faster than a repair


class FlowLinks(NamedTuple):
    """One entry a directed link; `busy` lists the links that carry flows."""

    bandwidth: F64      # bytes/s; 0 stalls the flows that cross it
    weight: F64         # sum over the hops on the link of their flows' pulls
    hops: I32           # how many hops
    first: I32          # first hop of the list, or -1
    busy: I32           # the first `busy_count` entries are links with hops
    busy_at: I32        # where a link stands in `busy`, or -1
    busy_count: I64     # shape (1,)
    room: F64           # scratch of the fill: bandwidth that is left
    open_weight: F64    # scratch: weight of the hops whose flow has no rate yet
    level_key: F64      # scratch: a heap of links by the level at which they fill up
    level_link: I32
    held: I32           # how many flows have this link as their bottleneck
    news: I32           # what happened since the last re-share: NOTHING, FREED or RESIZED
    stale: I32          # the first `stale_count` entries are links with news
    stale_count: I64    # shape (1,)
    reached: I32        # scratch of a repair: the first `reached_count` are links of open flows
    reached_count: I64  # shape (1,)
    open_hops: I32      # scratch: hops of open flows; 0 on links that are not reached
    open_pull: F64      # scratch: weight of these hops
    open_first: I32     # scratch: the list of these hops
    spare: F64          # scratch: bandwidth that the other flows leave


class Routes(NamedTuple):
    """Route r crosses ``links[offsets[r]:offsets[r + 1]]``."""

    offsets: I64
    links: I32
    hop_bits: I64       # shape (1,): the longest route has at most 1 << hop_bits links


class FlowSlots(NamedTuple):
    """One entry a slot, and the heap of the live ones by the time at which they end."""

    route: I32
    number: I64         # counts the flows opened; orders those that end in one tick
    tag: I64            # the caller's; still there after the flow has ended
    weight: F64
    pull: F64           # weight x members
    members: F64        # equal flows that this slot stands for
    priority: I32       # 0 is served first
    remaining: F64      # bytes left at `touched_ps`, of each member
    rate: F64           # bytes/s since then, of each member
    level: F64          # rate / weight, set by the fills; the rate follows
    held_by: I32        # the full link that sets the rate, or -1
    linked: I32         # 1 while its hops are in the lists of its links
    open: I32           # scratch of a repair: 1 while the rate is open
    touched_ps: I64
    end_ps: I64         # FOREVER_PS while nothing moves
    filled: I64         # scratch: the last fill that gave this flow a rate
    changed: I32        # scratch: the slots whose rate the last fill may have changed
    fresh: I32          # the first `fresh_count` slots have got hops since the last re-share
    ends: I32           # heap of live slots by (end_ps, number)
    ends_at: I32        # where a slot stands in `ends`, or -1
    free: I32           # stack of the slots not in use
    next_hop: I32
    last_hop: I32       # the hop before this one in the list of its link, or -1
    open_next: I32      # scratch: the next hop of an open flow on the same link, or -1


class Flows(NamedTuple):
    """Everything about a set of flows; see the module's text."""

    links: FlowLinks
    routes: Routes
    slots: FlowSlots
    live: I64           # shape (1,): flows in the heap
    free_count: I64     # shape (1,)
    moving: I64         # shape (1,): live flows that cross links
    opened: I64         # shape (1,): flows opened so far
    dirty: I64          # shape (1,): 0, or what the rates do not show yet: FREED or RESIZED
    fills: I64          # shape (1,): re-shares so far
    stamp: I64          # shape (1,): counts the times that open flows have been filled
    updates: I64        # shape (1,): rates set by them
    fresh_count: I64    # shape (1,): may exceed the slots: then all is shared out anew
    ranked: I64         # shape (1,): live flows of priority above 0
    work: I64           # shape (1,): hops looked at by re-shares so far
    full_work: I64      # shape (1,): of these, per flow, in the last full fill
    cut: I64            # shape (1,): repair at most 1 / cut of the flows; 0: never repair
    patience: I64       # shape (2,): re-shares until the next try to repair; the last such wait


def new_flows(link_bandwidth: npt.ArrayLike, route_offsets: npt.ArrayLike,
              route_links: npt.ArrayLike, *, slots: int = 1024) -> Flows:
    """No flow yet on links of `link_bandwidth` bytes/s; `slots` flows can live at once.

    Route r crosses ``route_links[route_offsets[r]:route_offsets[r + 1]]``; an empty route takes
    no time. Raises `InputError`, naming the place, for a bandwidth that is not a finite number
    >= 0, offsets that do not start at 0, fall, or do not end at the number of route links, and
    links that do not exist.
    """
    bandwidth = checked_bandwidths(link_bandwidth)
    offsets, links = checked_routes(route_offsets, route_links, len(bandwidth))
    longest = int(np.diff(offsets).max(initial=1))
    hop_bits = (longest - 1).bit_length()
    return Flows(_new_links(bandwidth),
                 Routes(offsets, np.array(links), np.full(1, hop_bits, np.int64)),
                 _new_slots(slots, 1 << hop_bits), live=_zero(),
                 free_count=np.full(1, slots, np.int64), moving=_zero(), opened=_zero(),
                 dirty=_zero(), fills=_zero(), stamp=_zero(), updates=_zero(),
                 fresh_count=_zero(), ranked=_zero(), work=_zero(),
                 full_work=np.ones(1, np.int64), cut=np.full(1, CUT, np.int64),
                 patience=np.zeros(2, np.int64))


def grown_flows(flows: Flows) -> Flows:
    """The same flows with at least twice the slots."""
    old = len(flows.slots.route)
    more = _new_slots(max(old, 16), 1 << int(flows.routes.hop_bits[0]))
    pairs: Any = zip(flows.slots, more, strict=True)
    arrays = [np.concatenate(pair) for pair in pairs]
    slots = FlowSlots(*arrays)
    fresh = len(slots.route) - old
    kept = int(flows.free_count[0])
    slots.free[:kept] = flows.slots.free[:kept]
    slots.free[kept:kept + fresh] = np.arange(len(slots.route) - 1, old - 1, -1)
    flows.free_count[0] = kept + fresh
    return flows._replace(slots=slots)


def with_routes(flows: Flows, offsets: npt.ArrayLike, links: npt.ArrayLike) -> Flows:
    """The same flows with more routes, numbered on from those that there are.

    Arguments and errors are those of `new_flows`; the arrays that the routes lie in are new.
    """
    start, crossed = checked_routes(offsets, links, len(flows.links.bandwidth))
    old = flows.routes
    longest = int(np.diff(start).max(initial=1))
    bits = max((longest - 1).bit_length(), int(old.hop_bits[0]))
    routes = Routes(np.concatenate([old.offsets, start[1:] + old.offsets[-1]]),
                    np.concatenate([old.links, crossed]), np.full(1, bits, np.int64))
    if bits == old.hop_bits[0]:
        return flows._replace(routes=routes)
    return _wider(flows._replace(routes=routes), int(old.hop_bits[0]), bits)


def _wider(flows: Flows, old: int, new: int) -> Flows:
    """Number the hops anew for longer routes."""
    def renumbered(hops: I32) -> I32:
        moved = (hops >> old << new) | (hops & ((1 << old) - 1))
        return np.where(hops >= 0, moved, -1).astype(np.int32)

    def spread(hops: I32) -> I32:
        wide = np.zeros((len(flows.slots.route), 1 << new), np.int32)
        wide[:, :1 << old] = renumbered(hops).reshape(-1, 1 << old)
        return wide.reshape(-1)

    flows.links.first[:] = renumbered(flows.links.first)
    slots = flows.slots._replace(next_hop=spread(flows.slots.next_hop),
                                 last_hop=spread(flows.slots.last_hop),
                                 open_next=spread(flows.slots.open_next))
    return flows._replace(slots=slots)


def _zero() -> I64:
    return np.zeros(1, np.int64)


def _new_links(bandwidth: F64) -> FlowLinks:
    count = len(bandwidth)

    def ints(fill: int = 0) -> I32:
        return np.full(count, fill, np.int32)

    def floats() -> F64:
        return np.zeros(count)

    return FlowLinks(bandwidth, floats(), ints(), ints(-1), ints(), ints(-1), _zero(),
                     floats(), floats(), floats(), ints(), ints(), ints(), ints(), _zero(),
                     ints(), _zero(), ints(), floats(), ints(-1), floats())


def _new_slots(count: int, width: int) -> FlowSlots:
    def ints(size: int = count) -> I32:
        return np.zeros(size, np.int32)

    def wide() -> I64:
        return np.zeros(count, np.int64)

    def floats() -> F64:
        return np.zeros(count)

    return FlowSlots(
        ints(), wide(), wide(), floats(), floats(), floats(), ints(), floats(), floats(),
        floats(), ints(), ints(), ints(), wide(),
        np.full(count, FOREVER_PS, np.int64), wide(), ints(), ints(), ints(),
        np.full(count, -1, np.int32),
        np.arange(count - 1, -1, -1, dtype=np.int32),
        ints(count * width), ints(count * width), ints(count * width))
