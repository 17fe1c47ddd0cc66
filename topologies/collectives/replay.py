"""A collective step by step: flows that wait for one another, sharing the fabric's links.

Every step of a ring, every chunk on every link of a chain or of the trees, and every direct
transfer is a flow on the engine's clock; links carry the share of their bandwidth that the
protocol leaves. A step takes its flow's time and its own fixed time, overlapped as in the closed
form, so that both agree where no link is shared unequally: within 1 % for rings, direct transfers
and sums in a switch of one host; 5 % for chains by Simple; 30 % for trees, chains by LL (their
chunks are whole here) and rings over several hosts. Algorithms of rounds: see `stepped`; within
0.1 %, 5 % where ranks beyond a power of two gather. Beside other traffic rings of one host are
within 20 %, chains 35 %: the closed form adds up steps that hide behind the busy link.

What it adds: steps of several channels or of unlike links get in each other's way.
Leaves out: what `layout` leaves out; more than MOST_STEPS steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rackwright.devices.collectives import ChainFit, Collectives, RingFit
from rackwright.topologies.collectives.costs import direct_cost, hop_times
from rackwright.topologies.collectives.layout import Layout
from rackwright.topologies.collectives.operations import Operation
from rackwright.topologies.collectives.schedules import STEPPED
from rackwright.topologies.collectives.stepped import stepped_flows
from rackwright.topologies.collectives.stepping import MOST_STEPS, Step, run

__all__ = ["MOST_STEPS", "Step", "replayed", "run"]

CHUNKS = 24           # of a message that a protocol cuts more finely


def replayed(part: Collectives, op: Operation, layout: Layout, ranks: tuple[str, ...],
             algorithm: str, protocol: str, nbytes: float,
             slow: Mapping[str, float] | None = None) -> float:
    """Seconds of one operation. Raises UsageError for more than MOST_STEPS steps."""
    if algorithm == "in_switch":
        return _in_switch(part, layout, nbytes)
    if algorithm == "direct":
        return _direct(part, op, layout, ranks, protocol, nbytes)
    fit = getattr(part, f"{op.name}_{protocol}")
    if algorithm in STEPPED:
        steps = stepped_flows(part, op, layout, algorithm, protocol, nbytes, slow or {})
    elif algorithm == "tree":
        steps = _tree(part, layout, protocol, fit, nbytes)
    elif op.shape == "ring":
        steps = _ring(part, op, layout, protocol, fit, nbytes)
    else:
        steps = _chain(part, op, layout, protocol, fit, nbytes, ranks[0])
    return float(fit.base_time + run(layout, steps, fit.share, fit.sharpness))


def _hops(part: Collectives, layout: Layout, protocol: str, fit: RingFit | ChainFit,
          chunk: float, algorithm: str = "ring") -> tuple[float, float]:
    inside, between = hop_times(part, layout, fit, protocol, np.asarray(chunk), algorithm)
    return float(inside), float(between)


def _circle(layout: Layout, channel: int) -> list[tuple[tuple[int, ...], bool]]:
    """(links, whether it leaves the host) from each rank to the next, round all of them."""
    route, hosts = layout.fabric.route, layout.hosts
    if len(hosts) == 1:
        ranks = hosts[0]
        return [(route(ranks[place], ranks[(place + 1) % len(ranks)]), False)
                for place in range(len(ranks))]
    found = []
    for place, host in enumerate(hosts):
        turned = host[channel:] + host[:channel]
        found += [(route(one, other), False) for one, other in zip(turned, turned[1:],
                                                                   strict=False)]
        onward = hosts[(place + 1) % len(hosts)][channel]
        home = () if len(host) == 1 else route(turned[-1], turned[0])
        found.append((home + route(turned[0], onward), True))
    return found


def _ring(part: Collectives, op: Operation, layout: Layout, protocol: str, fit: RingFit,
          nbytes: float) -> list[Step]:
    ranks, chunk = layout.count, nbytes / layout.count
    inside, between = _hops(part, layout, protocol, fit, chunk)
    rounds = op.passes * (ranks - 1)
    if rounds * ranks * layout.channels > MOST_STEPS:
        return [Step((), 0.0, 0.0, 0.0)] * (rounds * ranks * layout.channels)
    copy = chunk / fit.copy_bandwidth / rounds
    steps: list[Step] = []
    for channel in range(layout.channels):
        circle, first = _circle(layout, channel), len(steps)
        for turn in range(rounds):
            for place, (path, leaves) in enumerate(circle):
                last = first + (turn - 1) * ranks
                steps.append(Step(
                    path, chunk / layout.channels, between if leaves else inside, copy,
                    (last + (place - 1) % ranks,) if turn else (), last + place if turn else -1))
    return steps


def _chain(part: Collectives, op: Operation, layout: Layout, protocol: str, fit: ChainFit,
           nbytes: float, root: str) -> list[Step]:
    """One channel after another; chunks follow one another along each."""
    inside, between = _hops(part, layout, protocol, fit, nbytes)
    whole = min(nbytes, fit.chunk_time / layout.ring.time_per_byte or nbytes / CHUNKS)
    chunks = max(math.ceil(nbytes / whole), 1)
    size = nbytes / chunks / layout.channels
    steps: list[Step] = []
    for channel in range(layout.channels):
        links = _from_root(layout, channel, root, backwards=op.name == "reduce")
        fill = fit.first_fill * whole * layout.ring.time_per_byte / fit.share
        for chunk in range(chunks):
            for place, (path, leaves) in enumerate(links):
                number = len(steps)
                steps.append(Step(path, size, between if leaves else inside,
                                  fill if chunk == place == 0 else 0.0,
                                  (number - 1,) if place else (),
                                  number - len(links) if chunk else -1))
    return steps


def _from_root(layout: Layout, channel: int, root: str, backwards: bool
               ) -> list[tuple[tuple[int, ...], bool]]:
    """The links of the circle but one: those after the root, or those that end in it."""
    circle = _circle(layout, channel)
    order = [rank for host in layout.hosts for rank in
             (host[channel:] + host[:channel] if len(layout.hosts) > 1 else host)]
    place = order.index(root)
    turned = circle[place:] + circle[:place]
    return turned[:-1] if not backwards else turned[1:] or turned[:1]


def _tree(part: Collectives, layout: Layout, protocol: str, fit: RingFit, nbytes: float
          ) -> list[Step]:
    """Two trees of hosts with half of the bytes each: up, then down, chunk by chunk."""
    inside, between = _hops(part, layout, protocol, fit, nbytes / layout.count, "tree")
    size = nbytes / 2 / layout.channels / CHUNKS
    steps: list[Step] = []
    for hosts in (layout.hosts, layout.hosts[::-1]):
        for channel in range(layout.channels):
            last: dict[tuple[Any, ...], int] = {}
            for _ in range(CHUNKS):
                _tree_chunk(layout, hosts, channel, size, (inside, between), steps, last)
    return steps


def _tree_chunk(layout: Layout, hosts: tuple[tuple[str, ...], ...], channel: int, size: float,
                fixed: tuple[float, float], steps: list[Step], last: dict[tuple[Any, ...], int]
                ) -> None:
    """One chunk through one tree; `last` is the step before on each link."""
    route = layout.fabric.route

    def add(one: str, other: str, time: float, after: list[int]) -> int:
        steps.append(Step(route(one, other), size, time, 0.0, tuple(after),
                          last.get((one, other), -1)))
        last[one, other] = len(steps) - 1
        return len(steps) - 1

    heads = [host[channel] for host in hosts]
    turned = [host[channel:] + host[:channel] for host in hosts]
    arrived: list[list[int]] = [[] for _ in hosts]
    for place in range(len(hosts) - 1, -1, -1):
        chain = turned[place][::-1]  # towards the head
        done: list[int] = []
        for one, other in zip(chain, chain[1:], strict=False):
            done = [add(one, other, fixed[0], done)]
        arrived[place] += done
        if place:
            parent = (place - 1) // 2
            arrived[parent].append(add(heads[place], heads[parent], fixed[1], arrived[place]))
    down: list[list[int]] = [arrived[0]] + [[] for _ in hosts[1:]]
    for place, chain in enumerate(turned):
        if place:
            down[place] = [add(heads[(place - 1) // 2], heads[place], fixed[1],
                               down[(place - 1) // 2])]
        done = down[place]
        for one, other in zip(chain, chain[1:], strict=False):
            done = [add(one, other, fixed[0], done)]


def _direct(part: Collectives, op: Operation, layout: Layout, ranks: tuple[str, ...],
            protocol: str, nbytes: float) -> float:
    """All transfers at once; their fixed time is that of the closed form."""
    fabric = layout.fabric
    pairs = [(ranks[0], ranks[1])] if op.name == "send_recv" else [
        (one, other) for one in ranks for other in ranks if one != other]
    peer = nbytes if op.name == "send_recv" else nbytes / len(ranks)
    steps = [Step(fabric.route(*pair), peer, 0.0, 0.0) for pair in pairs]
    wire = run(layout, steps, 1.0, 1.0)
    paths = [fabric.links.latency_ps[list(step.path)].sum() * 1e-12 for step in steps]
    peers = 1 if op.name == "send_recv" else len(ranks) - 1
    medium = "network" if len(layout.hosts) > 1 else "nvlink" if layout.by_gpu_links else "pcie"
    return float(direct_cost(part, op, peers, len(ranks), max(paths), medium, protocol,
                             np.asarray(peer), np.asarray(wire)).total)


def _in_switch(part: Collectives, layout: Layout, nbytes: float) -> float:
    """Every rank to the switch and back, at once."""
    fabric, ranks = layout.fabric, layout.hosts[0]
    names = part.switches()
    node = next(str(node) for node in fabric.graph.successors(ranks[0])
                if getattr(fabric.graph.nodes[node]["device"], "name", "") in names)
    size = nbytes * (1 + 1 / len(ranks))
    steps = [Step(fabric.route(*pair), size, 0.0, 0.0) for rank in ranks
             for pair in ((rank, node), (node, rank))]
    return float(part.in_switch.base_time + run(layout, steps, part.in_switch.share, 1.0))


