"""Where a collective's bytes go on a fabric: which links each algorithm loads, and how heavily.

Ranks are grouped by host and put into the order of their names, whatever order they are given in,
as a library orders its rings by the machine. Between hosts there are as many channels as the host
with the fewest ranks has: channel c leaves and enters each host at its c-th rank, which on a
rail-optimised network is the one beside NIC c, and goes round the ranks of the host between. So
the links inside a host carry all channels, those between hosts their share.

What an algorithm takes a byte is the load of its busiest link: the steps of a ring or a tree are
coupled, so every flow goes at the pace of the slowest. Direct transfers are not coupled: they
share links max-min fairly until the last has ended (`share_flows`).

Leaves out: rings in another order where that is better (a host without NVSwitch), links that a
library would not use at once, such as PCIe beside NVLink. Fewer NICs than GPUs share the channels
as the fabric's routes fall, not evenly.

Units: seconds, bytes. "Per byte" means per byte of the operation's `nbytes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import Floats
from rackwright.topologies.fabric import Fabric
from rackwright.topologies.names import natural_key
from rackwright.topologies.routing import GPU_LINKS

__all__ = ["Flows", "Layout", "Load", "layout_of", "shared_time"]

REFERENCE = float(1 << 30)  # bytes of a direct transfer that is shared out, then scaled


class Load(NamedTuple):
    """The busiest link and the seconds for which a byte of the operation holds it."""

    time_per_byte: float
    link: int


class Flows(NamedTuple):
    """Flow i crosses ``links[offsets[i]:offsets[i + 1]]`` with ``share[i]`` of the bytes."""

    offsets: npt.NDArray[np.int64]
    links: npt.NDArray[np.int64]
    share: Floats
    latency_time: Floats  # s, of each path

    def load(self, bandwidth: Floats) -> Load:
        """The busiest link when the flows keep step."""
        crossing = np.repeat(self.share, np.diff(self.offsets))
        held = np.bincount(self.links, crossing, len(bandwidth)) / bandwidth
        link = int(held.argmax())
        return Load(float(held[link]), link)


@dataclass(frozen=True, eq=False)
class Layout:
    """A set of ranks on a fabric. `hosts`: their ranks, host by host."""

    fabric: Fabric
    hosts: tuple[tuple[str, ...], ...]

    @property
    def count(self) -> int:
        """Ranks."""
        return sum(len(host) for host in self.hosts)

    @property
    def most(self) -> int:
        """Ranks of the host that has most."""
        return max(len(host) for host in self.hosts)

    @property
    def channels(self) -> int:
        """Ways between hosts; 1 inside one."""
        return min(len(host) for host in self.hosts) if len(self.hosts) > 1 else 1

    @cached_property
    def inside(self) -> Flows:
        """Round the ranks of each host."""
        return self._flows([(host[place], host[(place + 1) % len(host)])
                            for host in self.hosts if len(host) > 1
                            for place in range(len(host))])

    @cached_property
    def between(self) -> Flows:
        """From each host to the next, one flow a channel."""
        if len(self.hosts) == 1:
            return self._flows([])
        following = (*self.hosts[1:], self.hosts[0])
        pairs = [(here[channel], there[channel]) for here, there in
                 zip(self.hosts, following, strict=True) for channel in range(self.channels)]
        return self._flows(pairs, 1 / self.channels)

    @cached_property
    def ring(self) -> Load:
        """A byte sent from every rank to the next."""
        return self._joined(self.inside, self.between).load(self.bandwidth)

    @cached_property
    def tree(self) -> Load:
        """A byte added up along two trees of hosts, half each, and sent down again."""
        spread = 1 - 1 / self.most
        back = [(host[place], host[place - 1]) for host in self.hosts if len(host) > 1
                for place in range(len(host))]
        there = self.inside._replace(share=self.inside.share * spread)
        return self._joined(there, self._flows(back, spread), self._flows(
            self.tree_pairs(), 0.5 / self.channels)).load(self.bandwidth)

    def tree_pairs(self) -> list[tuple[str, str]]:
        """(sender, receiver) between hosts: up and down, of both trees, channel by channel.

        One tree has the hosts in order, the other in reverse, so that the inner ones of the one
        are mostly leaves of the other.
        """
        pairs = []
        for hosts in (self.hosts, self.hosts[::-1]):
            for place in range(1, len(hosts)):
                child, parent = hosts[place], hosts[(place - 1) // 2]
                for channel in range(self.channels):
                    pairs += [(child[channel], parent[channel]), (parent[channel], child[channel])]
        return pairs

    def switch(self, names: Sequence[str]) -> Load | None:
        """A byte that a switch of one of `names` adds up and gives to all; None without one.

        Every rank sends its bytes up, for all to read the sum of its part, and gets the sum of
        the others' parts: (1 + 1 / ranks) of the bytes pass each way.
        """
        graph = self.fabric.graph
        ranks = [rank for host in self.hosts for rank in host]
        common = set.intersection(*(set(graph.successors(rank)) & set(graph.predecessors(rank))
                                    for rank in ranks))
        for node in sorted(common, key=natural_key):
            if getattr(graph.nodes[node]["device"], "name", "") in names:
                pairs = [pair for rank in ranks for pair in ((rank, node), (node, rank))]
                return self._flows(pairs, 1 + 1 / len(ranks)).load(self.bandwidth)
        return None

    @cached_property
    def exchange(self) -> tuple[float, float]:
        """An all-to-all: seconds a byte, and the latency of the longest path."""
        ranks = [rank for host in self.hosts for rank in host]
        pairs = [(one, other) for one in ranks for other in ranks if one != other]
        flows = self._flows(pairs, 1 / len(ranks))
        return shared_time(flows, self.bandwidth), float(flows.latency_time.max())

    @cached_property
    def inside_time(self) -> float:
        """Mean latency of the paths inside hosts, s."""
        return float(self.inside.latency_time.mean()) if len(self.inside.share) else 0.0

    @cached_property
    def between_time(self) -> float:
        """Mean latency of the paths between hosts, s."""
        return float(self.between.latency_time.mean()) if len(self.between.share) else 0.0

    @cached_property
    def by_gpu_links(self) -> bool:
        """Whether ranks of a host reach one another by NVLink and its like only."""
        kinds = self.fabric.link_kinds
        return all(kinds[link] in GPU_LINKS for link in set(self.inside.links.tolist()))

    @property
    def bandwidth(self) -> Floats:
        """bytes/s of every link."""
        return self.fabric.links.bandwidth

    def _flows(self, pairs: list[tuple[str, str]], share: float = 1.0) -> Flows:
        return flows_of(self.fabric, pairs, share)

    @staticmethod
    def _joined(*parts: Flows) -> Flows:
        offsets, at = [np.zeros(1, np.int64)], 0
        for part in parts:
            offsets.append(part.offsets[1:] + at)
            at += int(part.offsets[-1])
        return Flows(np.concatenate(offsets), np.concatenate([part.links for part in parts]),
                     np.concatenate([part.share for part in parts]),
                     np.concatenate([part.latency_time for part in parts]))


def flows_of(fabric: Fabric, pairs: list[tuple[str, str]], share: float) -> Flows:
    """Flows of the same share by the fabric's routes; raises TopologyError without a path."""
    routes = fabric.routes(pairs)
    ps = np.concatenate([np.zeros(1, np.int64),
                         np.cumsum(fabric.links.latency_ps[routes.links])])
    latency = (ps[routes.offsets[1:]] - ps[routes.offsets[:-1]]) * 1e-12
    return Flows(routes.offsets, routes.links, np.full(len(pairs), share), latency)


def shared_time(flows: Flows, bandwidth: Floats) -> float:
    """Seconds a byte until the last flow has ended, when they share links max-min fairly."""
    if (even := _even_time(flows, bandwidth)) is not None:
        return even
    from rackwright.engine import share_flows

    used, links = np.unique(flows.links, return_inverse=True)
    finish = share_flows(bandwidth[used], flows.offsets, links.reshape(-1),
                         flows.share * REFERENCE)
    return float(finish.max()) / REFERENCE


def _even_time(flows: Flows, bandwidth: Floats) -> float | None:
    """The same where every flow crosses a link that is busiest, with flows of one share: then the
    rates at which all end together are max-min fair, and the engine need not be asked."""
    if len(np.unique(flows.share)) > 1:
        return None
    held = np.bincount(flows.links, np.repeat(flows.share, np.diff(flows.offsets)),
                       len(bandwidth)) / bandwidth
    worst = np.maximum.reduceat(held[flows.links], flows.offsets[:-1])
    return float(worst.max()) if worst.min() >= worst.max() * (1 - 1e-12) else None


_KEPT: WeakKeyDictionary[Fabric, dict[tuple[str, ...], Layout]] = WeakKeyDictionary()


def layout_of(fabric: Fabric, ranks: Sequence[str]) -> Layout:
    """The layout of `ranks`, kept with the fabric: their order does not matter."""
    ordered = tuple(sorted(ranks, key=natural_key))
    kept = _KEPT.setdefault(fabric, {})
    if ordered not in kept:
        hosts: dict[str, list[str]] = {}
        for rank in ordered:
            hosts.setdefault(fabric.host_of(rank) or rank, []).append(rank)
        kept[ordered] = Layout(fabric, tuple(tuple(members) for members in hosts.values()))
    return kept[ordered]
