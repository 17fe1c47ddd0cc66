"""Which algorithm and protocol the library picks: the least of its own estimates.

NCCL estimates base + steps * hop + nbytes / bandwidth from constants and from the bandwidth of the
rings that it found (src/graph/tuning.cc, ncclTopoTuneModel and ncclTopoGetAlgoTime), whatever the
truth is; its choice can be wrong by 30 per cent. The constants are the part's datasheet. Direct
transfers use LL up to a size for each peer.

Leaves out: corrections that the library makes by size for trees, its user's plug-ins and
variables, CollNet, PAT, NVLS over several hosts. NVLS inside one is taken where our own cost says
that it is faster (its estimates were not seen).
"""

from __future__ import annotations

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.collectives import Collectives
from rackwright.topologies.collectives.layout import Layout
from rackwright.topologies.collectives.operations import Operation

__all__ = ["PROTOCOLS", "direct_protocol", "enabled", "estimates"]

PROTOCOLS = ("ll", "ll128", "simple")


def estimates(part: Collectives, op: Operation, layout: Layout, nbytes: Floats
              ) -> dict[tuple[str, str], Floats]:
    """(algorithm, protocol) -> what the library thinks that it takes, s."""
    found = {("ring", protocol): _ring(part, op, layout, protocol, nbytes)
             for protocol in enabled(layout)}
    if op.name == "all_reduce" and len(layout.hosts) > 1:
        found |= {("tree", protocol): _tree(part, layout, protocol, nbytes)
                  for protocol in enabled(layout)}
    return found


def direct_protocol(part: Collectives, peer_nbytes: Floats) -> Floats:
    """Index in PROTOCOLS of direct transfers of so many bytes each."""
    return np.where(peer_nbytes <= part.transfer_ll_limit_nbytes, 0.0, 2.0)


def enabled(layout: Layout) -> tuple[str, ...]:
    """LL128 needs a path that keeps 128 bytes together: NVLink, and NICs beside the GPUs."""
    return PROTOCOLS if layout.by_gpu_links else ("ll", "simple")


def _ring(part: Collectives, op: Operation, layout: Layout, protocol: str, nbytes: Floats
          ) -> Floats:
    ranks, hosts = layout.count, len(layout.hosts)
    inside, between = _hops(part, layout, "ring", protocol)
    time = getattr(part, f"ring_{protocol}_base")
    if op.shape == "chain":
        return np.asarray(time + (between if hosts > 1 else inside)
                          + nbytes / _ring_bandwidth(part, layout, protocol))
    across = op.passes * (hosts - 1)
    steps = op.passes * (ranks - 1)
    time += (steps - across) * inside + across * between
    wire = op.passes * (ranks - 1) / ranks * nbytes
    return np.asarray(time + wire / _ring_bandwidth(part, layout, protocol))


def _ring_bandwidth(part: Collectives, layout: Layout, protocol: str) -> float:
    rings = part.graph_share / layout.ring.time_per_byte
    if protocol == "ll":
        most = part.ll_bandwidth if len(layout.hosts) == 1 else part.ll_hosts_bandwidth
        return min(most, rings * part.ll_ratio)
    return rings * (part.ll128_ratio if protocol == "ll128" else 1.0)


def _tree(part: Collectives, layout: Layout, protocol: str, nbytes: Floats) -> Floats:
    inside, between = _hops(part, layout, "tree", protocol)
    depth = int(np.log2(len(layout.hosts)))
    time = getattr(part, f"tree_{protocol}_base") + 2 * ((layout.most - 1) * inside
                                                         + depth * between)
    share = {"ll": part.tree_ll_ratio, "ll128": part.tree_ll128_ratio, "simple": 1.0}[protocol]
    rings = part.graph_share / layout.ring.time_per_byte
    return np.asarray(time + nbytes / (rings * part.tree_ratio * share / 2))


def _hops(part: Collectives, layout: Layout, algorithm: str, protocol: str
          ) -> tuple[float, float]:
    """A step inside a host and between hosts, s."""
    medium = "nvlink" if layout.by_gpu_links else "pcie"
    return (float(getattr(part, f"{algorithm}_{protocol}_{medium}_hop")),
            float(getattr(part, f"{algorithm}_{protocol}_network_hop")))
