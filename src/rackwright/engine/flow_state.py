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

from rackwright.engine.status import FOREVER_PS
from rackwright.errors import InputError

__all__ = ["FlowLinks", "FlowSlots", "Flows", "Routes", "grown_flows", "new_flows", "with_routes"]

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


class FlowLinks(NamedTuple):
    """One entry a directed link; `busy` lists the links that carry flows."""

    bandwidth: F64      # bytes/s; 0 stalls the flows that cross it
    weight: F64         # sum over the hops on the link of their flows' weights
    hops: I32           # how many hops
    first: I32          # first hop of the list, or -1
    busy: I32           # the first `busy_count` entries are links with hops
    busy_at: I32        # where a link stands in `busy`, or -1
    busy_count: I64     # shape (1,)
    room: F64           # scratch of the fill: bandwidth that is left
    open_weight: F64    # scratch: weight of the hops whose flow has no rate yet
    level_key: F64      # scratch: a heap of links by the level at which they fill up
    level_link: I32


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
    remaining: F64      # bytes left at `touched_ps`
    rate: F64           # bytes/s since then
    wanted: F64         # scratch: the rate that the last fill gave
    touched_ps: I64
    end_ps: I64         # FOREVER_PS while nothing moves
    filled: I64         # scratch: the last fill that gave this flow a rate
    changed: I32        # scratch: the slots whose rate the last fill changed
    ends: I32           # heap of live slots by (end_ps, number)
    ends_at: I32        # where a slot stands in `ends`, or -1
    free: I32           # stack of the slots not in use
    next_hop: I32
    last_hop: I32       # the hop before this one in the list of its link, or -1


class Flows(NamedTuple):
    """Everything about a set of flows; see the module's text."""

    links: FlowLinks
    routes: Routes
    slots: FlowSlots
    live: I64           # shape (1,): flows in the heap
    free_count: I64     # shape (1,)
    moving: I64         # shape (1,): live flows that cross links
    opened: I64         # shape (1,): flows opened so far
    dirty: I64          # shape (1,): 1 when rates are out of date
    fills: I64          # shape (1,): re-shares so far
    updates: I64        # shape (1,): rates set by them


def new_flows(link_bandwidth: npt.ArrayLike, route_offsets: npt.ArrayLike,
              route_links: npt.ArrayLike, *, slots: int = 1024) -> Flows:
    """No flow yet on links of `link_bandwidth` bytes/s; `slots` flows can live at once.

    Route r crosses ``route_links[route_offsets[r]:route_offsets[r + 1]]``; an empty route takes
    no time. Raises `InputError`, naming the place, for a bandwidth that is not a finite number
    >= 0, offsets that do not start at 0, fall, or do not end at the number of route links, and
    links that do not exist.
    """
    bandwidth = _bandwidths(link_bandwidth)
    offsets, links = _routes(route_offsets, route_links, len(bandwidth))
    longest = int(np.diff(offsets).max(initial=1))
    hop_bits = (longest - 1).bit_length()
    return Flows(_new_links(bandwidth),
                 Routes(offsets, links, np.full(1, hop_bits, np.int64)),
                 _new_slots(slots, 1 << hop_bits), _zero(), np.full(1, slots, np.int64),
                 *(_zero() for _ in range(5)))


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
    start, crossed = _routes(offsets, links, len(flows.links.bandwidth))
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
                                 last_hop=spread(flows.slots.last_hop))
    return flows._replace(slots=slots)


def _zero() -> I64:
    return np.zeros(1, np.int64)


def _new_links(bandwidth: F64) -> FlowLinks:
    count = len(bandwidth)

    def ints(fill: int = 0) -> I32:
        return np.full(count, fill, np.int32)

    return FlowLinks(bandwidth, np.zeros(count), ints(), ints(-1), ints(), ints(-1), _zero(),
                     np.zeros(count), np.zeros(count), np.zeros(count), ints())


def _new_slots(count: int, width: int) -> FlowSlots:
    def ints(size: int = count) -> I32:
        return np.zeros(size, np.int32)

    def wide() -> I64:
        return np.zeros(count, np.int64)

    return FlowSlots(
        ints(), wide(), wide(), np.zeros(count), np.zeros(count), np.zeros(count),
        np.zeros(count), wide(), np.full(count, FOREVER_PS, np.int64), wide(), ints(), ints(),
        np.full(count, -1, np.int32), np.arange(count - 1, -1, -1, dtype=np.int32),
        ints(count * width), ints(count * width))


def _bandwidths(given: npt.ArrayLike) -> F64:
    values = np.array(given, np.float64)
    if values.ndim != 1:
        raise InputError(f"link_bandwidth has shape {values.shape}; one number a link is needed")
    good = np.isfinite(values) & (values >= 0)
    if not good.all():
        bad = int(np.argmin(good))
        raise InputError(f"link_bandwidth[{bad}] is {values[bad]}; a finite number of bytes/s, "
                         "0 or more, is needed")
    return values


def _routes(offsets: npt.ArrayLike, links: npt.ArrayLike, count: int) -> tuple[I64, I32]:
    start = _whole(offsets, "path_offsets")
    crossed = _whole(links, "path_links")
    if len(start) == 0 or start[0] != 0 or start[-1] != len(crossed):
        ends = f"{start[0]} .. {start[-1]}" if len(start) else "empty"
        raise InputError(f"path_offsets is {ends}; it must start at 0 and end at the length of "
                         f"path_links, {len(crossed)}")
    falls = np.flatnonzero(np.diff(start) < 0)
    if len(falls):
        at = int(falls[0]) + 1
        raise InputError(f"path_offsets[{at}] is {start[at]}, less than the {start[at - 1]} "
                         "before it; offsets never fall")
    wrong = np.flatnonzero((crossed < 0) | (crossed >= count))
    if len(wrong):
        at = int(wrong[0])
        flow = int(np.searchsorted(start, at, side="right")) - 1
        raise InputError(f"path_links[{at}] is {crossed[at]} (path {flow}); there are {count} "
                         f"links, so 0 to {count - 1} is allowed")
    return start, crossed.astype(np.int32)


def _whole(given: npt.ArrayLike, what: str) -> I64:
    values: npt.NDArray[Any] = np.asarray(given)
    if values.ndim != 1:
        raise InputError(f"{what} has shape {values.shape}; one dimension is needed")
    if values.size and values.dtype.kind not in "iu":
        raise InputError(f"{what} holds {values.dtype}; whole numbers are needed")
    return values.astype(np.int64)
