"""Flows that must get the same rate, found by colour refinement of the graph of flows and links.

Two flows are of one class when they agree in bytes, start, weight and priority and cross links of
the same classes equally often; two links, when they agree in bandwidth at all times and are
crossed equally often by flows of the same classes. Then max-min sharing treats all members alike,
and because they also start and end together they stay alike in time: one flow of each class, on
one link of each class that is as wide as its members together, gives all finish times exactly.

An all-to-all over a switch is one class, whatever its size. Paths hashed at random are not
symmetric: every flow is its own class, and nothing is gained. Colours are 64-bit hashes: for n
of them, the odds of one false match are n**2 / 2**65.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.capacity import Changes
from rackwright.engine.share_state import Demand

__all__ = ["Cast", "collapsed"]

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
FEWEST = 32        # flows below which sharing takes no time anyway
PAYS = 2           # flows per class from which the classes are solved instead
MOST_ROUNDS = 16   # of refinement; symmetric traffic on fabrics settles in about five
CHUNK = 1 << 18    # hops looked at together, to bound memory
MOST_WEIGHT = float(1 << 33)  # on one link: sums stay exact in float64 (weights have 20 bits)


class Cast(NamedTuple):
    """Which class each flow and link is in."""

    flow: I64
    link: I64


def collapsed(demand: Demand) -> tuple[Demand, Cast] | None:
    """One flow for each class, and who is in it; None when that would not pay."""
    count = len(demand.nbytes)
    heaviest = float(demand.weight.max(initial=0.0))
    if count < FEWEST or len(demand.links) * heaviest >= MOST_WEIGHT:
        return None
    own = _flow_colours(demand)
    if len(own) > 1 and len(np.unique(own)) * PAYS > count:
        return None
    colours = _refined(demand, own)
    if colours is None:
        return None
    first, flow = _numbered(colours[0])
    if len(first) * PAYS > count:
        return None
    first_link, link = _numbered(colours[1])
    return _quotient(demand, first, flow, first_link, link), Cast(flow, link)


def _mixed(x: U64) -> U64:
    """The finaliser of splitmix64: a bijection of 64 bits that scatters its input."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _bits(values: npt.NDArray[Any]) -> U64:
    """The bits of one number a flow; of a single one if all are the same."""
    once = values[:1] if values.strides == (0,) else values
    return np.ascontiguousarray(once).view(np.uint64)


def _flow_colours(demand: Demand) -> U64:
    """What a flow is by itself; shape (1,) if all are the same."""
    colour = np.ones(1, np.uint64)
    for values in (demand.nbytes, demand.start_ps, demand.weight, demand.priority):
        colour = _mixed(colour ^ _bits(values))
    return colour


def _link_colours(bandwidth: npt.NDArray[np.float64], changes: Changes) -> U64:
    """What a link is by itself: its bandwidth at all times."""
    colour = _mixed(_bits(bandwidth + 0.0) + np.uint64(1))
    row = _mixed(_mixed(changes.time_ps.view(np.uint64)) ^ _bits(changes.bandwidth + 0.0))
    np.add.at(colour, changes.link, row)
    return _mixed(colour)


def _refined(demand: Demand, own: U64) -> tuple[U64, U64] | None:
    """Colours of flows and links that refine no further; None if they are soon all different."""
    count = len(demand.nbytes)
    link = _link_colours(demand.bandwidth, demand.changes)
    kinds = len(np.unique(link))
    for turn in range(MOST_ROUNDS):
        flow, crossed = _one_round(demand, own, link)
        if turn == 0 and count < CHUNK and len(np.unique(flow)) * PAYS > count:
            return None
        link = _mixed(link ^ _mixed(crossed))
        before, kinds = kinds, len(np.unique(link))
        if kinds == before:
            return flow, link
    return None


def _one_round(demand: Demand, own: U64, link: U64) -> tuple[U64, U64]:
    """New colours of the flows, and for every link the sum of those that cross it."""
    offsets, links = demand.offsets, demand.links
    flow = np.empty(len(demand.nbytes), np.uint64)
    crossed = np.zeros(len(link), np.uint64)
    start = 0
    while start < len(flow):
        end = int(np.searchsorted(offsets, offsets[start] + CHUNK, side="right")) - 1
        end = min(max(end, start + 1), len(flow))
        hops = links[offsets[start]:offsets[end]]
        sums = np.zeros(len(hops) + 1, np.uint64)
        np.cumsum(link[hops], out=sums[1:])  # wraps: only differences count
        at = offsets[start:end + 1] - offsets[start]
        base = own if len(own) == 1 else own[start:end]
        flow[start:end] = _mixed(base + _mixed(sums[at[1:]] - sums[at[:-1]]))
        np.add.at(crossed, hops, _mixed(np.repeat(flow[start:end], np.diff(at))))
        start = end
    return flow, crossed


def _numbered(colour: U64) -> tuple[I64, I64]:
    """Classes by their first member: those members, and the class of everyone."""
    _, first, number = np.unique(colour, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="mergesort")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return first[order].astype(np.int64), rank[number.reshape(-1)]


def _quotient(demand: Demand, first: I64, flow: I64, first_link: I64, link: I64) -> Demand:
    """The demand of one flow for each class."""
    members = np.bincount(flow, minlength=len(first)).astype(np.float64)
    width = np.bincount(link, minlength=len(first_link)).astype(np.float64)
    lengths = demand.offsets[first + 1] - demand.offsets[first]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    hop = np.arange(offsets[-1]) + np.repeat(demand.offsets[first] - offsets[:-1], lengths)
    rows = demand.changes
    kept = first_link[link[rows.link]] == rows.link  # one link stands for its class
    changes = Changes(rows.time_ps[kept], link[rows.link[kept]].astype(np.int32),
                      rows.bandwidth[kept] * width[link[rows.link[kept]]], rows.done)
    return Demand(demand.bandwidth[first_link] * width, offsets,
                  link[demand.links[hop]].astype(np.int32), demand.nbytes[first],
                  demand.start_ps[first], demand.weight[first], demand.priority[first],
                  members, changes)
