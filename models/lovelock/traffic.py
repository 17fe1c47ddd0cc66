"""Who sends how much to whom, as classes of flows that stay equal.

Every operator that moves bytes follows one of five patterns over the same nodes, whatever its
size: ``SHUFFLE`` (every worker to every other, hashed evenly), ``READ`` and ``WRITE`` (every drive
from and to every worker), ``FEED`` (workers to accelerators) and ``RING`` (each accelerator's host
to the next, for an all-reduce). Flows of a pattern that are symmetric on the fabric are one class,
found by the engine's colour refinement over all patterns at once, and links likewise; on a fabric
that is not symmetric every flow stands for itself.

A drive's own bandwidth, and the memory that its bytes cross twice in the node that serves them
(half its stream bandwidth), are links behind those of the fabric, so that storage gives the least
of drives, PCIe, memory and line. Leaves out: skew, messages, what the network costs a worker's
cores and memory. Units: bytes/s, seconds for one byte.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.devices import Nvme
from rackwright.engine.classes import collapsed
from rackwright.engine.share_state import new_demand
from rackwright.errors import TopologyError
from rackwright.models.lovelock.clusters import Cluster

__all__ = ["FEED", "PATTERNS", "READ", "RING", "SHUFFLE", "WRITE", "Traffic", "build_traffic"]

PATTERNS = ("shuffle", "read", "write", "feed", "ring")
SHUFFLE, READ, WRITE, FEED, RING = range(len(PATTERNS))
_MOST_FLOWS = 300_000
_MOST_CLASSES = 4096  # of all patterns; beyond, a day of queries would not end

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Traffic:
    """Classes of flows; pattern p has the classes ``first[p]:first[p + 1]``.

    `share`: bytes of one member over all bytes of the operator. Routes are over classes of links
    (`class_bandwidth`). `link_share`: (patterns, links): bytes on each of the fabric's links, and
    ours behind them, for one byte of the operator. `unit_time`: seconds a byte, alone (`alone`
    fills it in).
    """

    links: tuple[str, ...]
    bandwidth: Floats
    first: Ints
    share: Floats
    members: Floats
    offsets: Ints
    routes: Ints
    class_bandwidth: Floats
    link_share: Floats
    unit_time: Floats
    latency_time: Floats
    symmetric: bool

    @property
    def most(self) -> int:
        """Classes of the largest pattern."""
        return int(np.diff(self.first).max())


@dataclass
class _Flows:
    pattern: list[int]
    share: list[float]
    route: list[tuple[int, ...]]


def build_traffic(cluster: Cluster, remote_share: float | None = None,
                  partition_bandwidth: float | None = None) -> Traffic:
    """The traffic of `cluster`. Raises TopologyError.

    `remote_share`: of shuffled bytes that leave their node, all pairs alike, when it is not
    ``1 - 1/workers``. `partition_bandwidth`: bytes/s of the hardware block that every shuffled
    byte passes on its way out of a worker, if there is one.
    """
    fabric = cluster.fabric
    extra = _Extra(cluster, partition_bandwidth)
    found = _Flows([], [], [])
    latency = np.zeros(len(PATTERNS))
    for pattern, pairs, share in _pairs(cluster, remote_share):
        if len(pairs) + len(found.pattern) > _MOST_FLOWS:
            raise TopologyError("the pod is too large", [
                f"{len(pairs)} pairs of nodes exchange bytes; at most {_MOST_FLOWS} are replayed"])
        routes = fabric.routes([pair[:2] for pair in pairs])
        for number, (source, target) in enumerate(pairs):
            links = tuple(routes.links[routes.offsets[number]:routes.offsets[number + 1]].tolist())
            way = sum(int(fabric.links.latency_ps[link]) for link in links) * 1e-12
            latency[pattern] = max(latency[pattern], way)
            found.pattern.append(pattern)
            found.share.append(share)
            found.route.append(extra.behind(pattern, source, links, target))
    return _classes(cluster, extra, found, latency)


def _pairs(cluster: Cluster, remote_share: float | None
           ) -> list[tuple[int, list[tuple[str, str]], float]]:
    """(pattern, pairs, share of the bytes that each pair moves)."""
    workers = [cluster.memories[host] for host in cluster.workers]
    count = len(workers)
    others = [(here, there) for here in workers for there in workers if here != there]
    share = 1 / count ** 2
    if remote_share is not None and others:
        share = remote_share / len(others)
    found = [(SHUFFLE, others, share)]
    if cluster.drives:
        each = 1 / (len(cluster.drives) * count)
        found += [(READ, [(drive, worker) for drive in cluster.drives for worker in workers],
                   each),
                  (WRITE, [(worker, drive) for drive in cluster.drives for worker in workers],
                   each)]
    if cluster.gpus:
        feed = _feeds(cluster)
        found.append((FEED, feed, 1 / len(feed)))
        hosts = [cluster.memories[host] for host in cluster.roles["accelerator"]]
        if len(hosts) > 1:
            ring = list(zip(hosts, hosts[1:] + hosts[:1], strict=True))
            # a ring all-reduce sends 2 (n - 1) / n of the buffer over each of its links
            found.append((RING, ring, 2 * (len(hosts) - 1) / len(hosts)))
    return found


def _feeds(cluster: Cluster) -> list[tuple[str, str]]:
    """Each accelerator from its own host when that runs operators, else from every worker."""
    own = [(cluster.memories[str(cluster.fabric.host_of(gpu))], gpu) for gpu in cluster.gpus
           if cluster.fabric.host_of(gpu) in cluster.workers]
    if own:
        return own
    return [(cluster.memories[host], gpu) for host in cluster.workers for gpu in cluster.gpus]


class _Extra:
    """Links behind the fabric's: of drives, of the memory of nodes that serve them, of blocks."""

    def __init__(self, cluster: Cluster, partition: float | None) -> None:
        self.cluster, self.partition = cluster, partition
        self.names = list(cluster.fabric.link_names)
        self.bandwidth = [float(each) for each in cluster.fabric.links.bandwidth]
        self.known: dict[str, int] = {}

    def behind(self, pattern: int, source: str, links: tuple[int, ...], target: str
               ) -> tuple[int, ...]:
        """The route with what a block or a drive at either end adds."""
        head = self._drive(source, "read")
        if pattern == SHUFFLE and self.partition is not None:
            head = (self._link(f"{source} hash_partition", self.partition),)
        tail = self._drive(target, "write")
        return (*head, *links, *tail)

    def _drive(self, node: str, way: str) -> tuple[int, ...]:
        device = self.cluster.fabric.device(node)
        if not isinstance(device, Nvme):
            return ()
        rate = device.read_bandwidth if way == "read" else device.write_bandwidth
        host = str(self.cluster.fabric.host_of(node))
        memory = self._link(f"{host} memory of drives", self.cluster.node.stream_bandwidth / 2)
        return self._link(f"{node} {way}", rate), memory

    def _link(self, name: str, bandwidth: float) -> int:
        if name not in self.known:
            self.known[name] = len(self.names)
            self.names.append(name)
            self.bandwidth.append(bandwidth)
        return self.known[name]


def _classes(cluster: Cluster, extra: _Extra, found: _Flows, latency: Floats) -> Traffic:
    bandwidth = np.array(extra.bandwidth)
    lengths = np.array([len(route) for route in found.route], np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    links = np.array([link for route in found.route for link in route], np.int64)
    pattern = np.array(found.pattern, np.int64)
    share = np.array(found.share)
    # the pattern stands in as the start, so that no class has flows of two patterns
    cast = collapsed(new_demand(bandwidth, offsets, links, share, pattern.astype(np.float64))) \
        if len(pattern) else None
    flow = cast[1].flow if cast else np.arange(len(pattern))
    link = cast[1].link if cast else np.arange(len(bandwidth))
    _, chosen = np.unique(flow, return_index=True)
    chosen = chosen[np.argsort(pattern[chosen], kind="stable")]
    if len(chosen) > _MOST_CLASSES:
        raise TopologyError("this pod has too little symmetry", [
            f"its {len(pattern)} flows fall into {len(chosen)} classes; at most {_MOST_CLASSES} "
            "are replayed: use fewer nodes, or one switch for all of them"])
    members = np.bincount(flow, minlength=len(chosen)).astype(np.float64)[flow[chosen]]
    routes = [link[list(found.route[at])] for at in chosen.tolist()]
    ends = np.cumsum([len(route) for route in routes], dtype=np.int64)
    crossed = np.zeros((len(PATTERNS), len(bandwidth)))
    np.add.at(crossed, (np.repeat(pattern, lengths), links), np.repeat(share, lengths))
    return Traffic(
        tuple(extra.names), bandwidth,
        np.searchsorted(pattern[chosen], np.arange(len(PATTERNS) + 1)).astype(np.int64),
        share[chosen], members, np.concatenate([np.zeros(1, np.int64), ends]),
        np.concatenate([*routes, np.zeros(0, np.int64)]).astype(np.int64),
        np.bincount(link, bandwidth).astype(np.float64), crossed,
        np.zeros(len(PATTERNS)), latency, cast is not None)

