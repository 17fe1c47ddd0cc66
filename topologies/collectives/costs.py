"""What each algorithm and protocol takes on a layout: fitted steps, and the links' time.

A protocol's base and steps come from the part; a step's latency and the bytes' time from the
fabric. Where steps leave the kind of link that was measured (NVLink), the library's own figures
for the difference are used: PCIe instead of NVLink inside a host, a network between hosts.

Leaves out: see `layout` and `rackwright.devices.collectives`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.collectives import ChainFit, Collectives, ExchangeFit, RingFit, TransferFit
from rackwright.topologies.collectives.layout import Layout
from rackwright.topologies.collectives.operations import Operation

__all__ = ["Cost", "both_ways_time", "chain_cost", "direct_cost", "hop_times", "overlapped",
           "ring_cost", "steps_between", "switch_cost", "tree_cost"]


class Cost(NamedTuple):
    """Seconds: `total`, and of it what bytes take on the links alone."""

    total: Floats
    wire: Floats


def overlapped(steps: Floats, wire: Floats, sharpness: float) -> Floats:
    """Steps and bytes that overlap: their sum at sharpness 1, the larger at infinity."""
    if sharpness == 1:
        return steps + wire
    longer = np.maximum(np.maximum(steps, wire), 1e-300)
    ratio = np.minimum(steps, wire) / longer
    return np.asarray(longer * (1 + ratio ** sharpness) ** (1 / sharpness))


def hop_times(part: Collectives, layout: Layout, fit: RingFit | ChainFit, protocol: str,
              chunk: Floats, algorithm: str = "ring") -> tuple[Floats, Floats]:
    """Seconds of a step inside a host and between hosts, for chunks of so many bytes."""
    block = fit.block_time * chunk / (chunk + fit.block_nbytes)
    inside = layout.inside_time + fit.hop_time + block
    if not layout.by_gpu_links:
        inside = inside + getattr(part, f"{algorithm}_{protocol}_pcie_hop") \
            - getattr(part, f"{algorithm}_{protocol}_nvlink_hop")
    between = layout.between_time + block + getattr(part, f"{algorithm}_{protocol}_network_hop")
    return np.asarray(inside), np.asarray(between)


def steps_between(layout: Layout) -> int:
    """Of the ranks - 1 steps of a chunk round the ring, those that leave a host, at most."""
    hosts = len(layout.hosts)
    return 0 if hosts == 1 else hosts if layout.most > 1 else hosts - 1


def ring_cost(part: Collectives, op: Operation, layout: Layout, protocol: str, nbytes: Floats
              ) -> Cost:
    """A ring: passes * (ranks - 1) steps of a chunk."""
    fit: RingFit = getattr(part, f"{op.name}_{protocol}")
    ranks, chunk = layout.count, nbytes / layout.count
    inside, between = hop_times(part, layout, fit, protocol, chunk)
    across = op.passes * steps_between(layout)
    steps = (op.passes * (ranks - 1) - across) * inside + across * between
    wire = op.passes * (ranks - 1) * chunk * layout.ring.time_per_byte / fit.share
    total = fit.base_time + overlapped(steps, wire + chunk / fit.copy_bandwidth, fit.sharpness)
    return Cost(np.asarray(total), np.asarray(wire))


def chain_cost(part: Collectives, op: Operation, layout: Layout, protocol: str, nbytes: Floats
               ) -> Cost:
    """A chain that starts or ends at the root: the message, and the chunks that fill the chain."""
    fit: ChainFit = getattr(part, f"{op.name}_{protocol}")
    ranks = layout.count
    chunk = np.minimum(nbytes, fit.chunk_time / layout.ring.time_per_byte)
    inside, between = hop_times(part, layout, fit, protocol, nbytes)
    across = steps_between(layout)
    steps = (ranks - 1 - across) * inside + across * between
    wire = (nbytes + (ranks - 2 + fit.first_fill) * chunk) * layout.ring.time_per_byte / fit.share
    total = fit.base_time + overlapped(steps, wire, fit.sharpness)
    return Cost(np.asarray(total), np.asarray(wire))


def tree_cost(part: Collectives, op: Operation, layout: Layout, protocol: str, nbytes: Floats
              ) -> Cost:
    """An all-reduce up and down two trees of hosts, along a chain inside each."""
    fit: RingFit = getattr(part, f"{op.name}_{protocol}")
    inside, between = hop_times(part, layout, fit, protocol, nbytes / layout.count, "tree")
    depth = int(np.ceil(np.log2(len(layout.hosts))))
    steps = 2 * ((layout.most - 1) * inside + depth * between)
    wire = nbytes * layout.tree.time_per_byte / fit.share
    total = fit.base_time + overlapped(steps, wire, fit.sharpness)
    return Cost(np.asarray(total), np.asarray(wire))


def switch_cost(part: Collectives, layout: Layout, nbytes: Floats) -> Cost | None:
    """An all-reduce that one switch adds up; None where there is no such switch."""
    load = layout.switch(part.switches())
    if load is None or len(layout.hosts) > 1:
        return None
    wire = nbytes * load.time_per_byte / part.in_switch.share
    return Cost(np.asarray(part.in_switch.base_time + wire), np.asarray(wire))


def direct_cost(part: Collectives, op: Operation, peers: int, world: int, latency_time: float,
                medium: str, protocol: str, peer_nbytes: Floats, wire_time: Floats,
                both: bool = False, mixed: bool = False) -> Cost:
    """Transfers of `peer_nbytes` that start together; `wire_time` is the links' alone.

    `peers`: transfers of the busiest rank; `world`: ranks of the communicator. `medium`: "nvlink",
    "pcie" or "network". `both`: a rank sends and receives; `mixed`: to one and from another.
    """
    fit: ExchangeFit = getattr(part, f"{op.name}_{protocol}")
    further = getattr(part, f"ring_{protocol}_{medium}_hop") \
        - getattr(part, f"ring_{protocol}_nvlink_hop")
    steps = latency_time + further + (peers - 1) * fit.peer_time \
        + fit.block_time * peer_nbytes / (peer_nbytes + fit.block_nbytes)
    wire = wire_time / fit.share
    if fit.world_bandwidth:
        narrow = np.where(peer_nbytes < fit.whole_nbytes, peer_nbytes * world, 0.0)
        most = fit.world_bandwidth * (fit.mixed_share if mixed else 1.0)
        wire = np.maximum(wire, narrow / most)
        longer = both_ways_time(fit, peer_nbytes, mixed) if both else 0.0
        return Cost(np.asarray(fit.base_time + longer + overlapped(
            np.asarray(steps), wire, fit.sharpness)), wire)
    wider = wire_time / fit.long_share
    short = overlapped(np.asarray(steps), wire, fit.sharpness)
    return Cost(np.asarray(fit.base_time + np.minimum(short, steps + fit.long_time + wider)),
                np.asarray(np.minimum(wire, wider)))


def both_ways_time(fit: ExchangeFit, nbytes: Floats, mixed: bool) -> Floats:
    """What ranks that send and receive at once take longer."""
    if not isinstance(fit, TransferFit):
        return np.zeros(np.shape(nbytes))
    short = 0.0 if mixed else fit.both_time * nbytes / np.maximum(nbytes + fit.both_nbytes, 1.0)
    return np.where(nbytes < fit.whole_nbytes, short, fit.both_long_time)
