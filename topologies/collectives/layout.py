"""Where a collective's bytes go on a fabric: which links each algorithm loads, and how heavily.

Ranks are grouped by host and put into the order of their names, whatever order they are given in,
as a library orders its rings by the machine. Between hosts there are as many channels as the host
with the fewest ranks has: channel c leaves and enters each host at its c-th rank, which on a
rail-optimised network is the one beside NIC c, and goes round the ranks of the host between. So
the links inside a host carry all channels, those between hosts their share.

What an algorithm takes a byte is the load of its busiest link: the steps of a ring or a tree are
coupled, so every flow goes at the pace of the slowest. Direct transfers are not coupled: they
share links max-min fairly until the last has ended (`exchange`, `share_flows`).

Leaves out: rings in another order where that is better (a host without NVSwitch), links that a
library would not use at once, such as PCIe beside NVLink. Where there are fewer NICs than GPUs,
each GPU has one of those nearest to it (`hosts_inside`), so that equal loads spread.

Units: seconds, bytes. "Per byte" means per byte of the operation's `nbytes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

from rackwright.devices.arguments import Floats
from rackwright.topologies.collectives.exchange import exchange_time
from rackwright.topologies.collectives.paths import Flows, Load, flows_of, joined, shared_time
from rackwright.topologies.collectives.traffic import Background, Change, left_over
from rackwright.topologies.fabric import Fabric
from rackwright.topologies.names import natural_key
from rackwright.topologies.routing import GPU_LINKS

__all__ = ["Flows", "Layout", "Load", "flows_of", "layout_of", "shared_time"]

@dataclass(frozen=True, eq=False)
class Layout:
    """A set of ranks on a fabric. `hosts`: their ranks, host by host; `traffic`: what else is on
    the links; `changes`: of their bandwidth, which only flows see."""

    fabric: Fabric
    hosts: tuple[tuple[str, ...], ...]
    traffic: tuple[Background, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def ranks(self) -> tuple[str, ...]:
        """All ranks, host by host."""
        return tuple(rank for host in self.hosts for rank in host)

    @property
    def idle(self) -> Layout:
        """The same without other traffic and changes: what a library sees when it looks for its
        rings."""
        return layout_of(self.fabric, self.ranks) if self.traffic or self.changes else self

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
        return self._load(joined(self.inside, self.between))

    @cached_property
    def tree(self) -> Load:
        """A byte added up along two trees of hosts, half each, and sent down again."""
        spread = 1 - 1 / self.most
        back = [(host[place], host[place - 1]) for host in self.hosts if len(host) > 1
                for place in range(len(host))]
        there = self.inside._replace(share=self.inside.share * spread)
        return self._load(joined(there, self._flows(back, spread), self._flows(
            self.tree_pairs(), 0.5 / self.channels)))

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
                return self._load(self._flows(pairs, 1 + 1 / len(ranks)))
        return None

    @cached_property
    def exchange(self) -> tuple[float, float]:
        """An all-to-all: seconds a byte, and the latency of the longest path."""
        ranks = self.ranks
        if not self.traffic:
            time, latency = exchange_time(self.fabric, ranks)
            return time / len(ranks), latency
        pairs = [(one, other) for one in ranks for other in ranks if one != other]
        flows = self._flows(pairs, 1 / len(ranks))
        return shared_time(flows, self.bandwidth, self.traffic), float(flows.latency_time.max())

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

    def _load(self, flows: Flows) -> Load:
        """Of what other traffic leaves when all `flows` are under way at once."""
        weight = flows.share / flows.share.min()
        return flows.load(left_over(flows.offsets, flows.links, weight, self.bandwidth,
                                    self.traffic))


_KEPT: WeakKeyDictionary[Fabric, dict[tuple[str, ...], Layout]] = WeakKeyDictionary()


def layout_of(fabric: Fabric, ranks: Sequence[str], traffic: tuple[Background, ...] = (),
              changes: tuple[Change, ...] = ()) -> Layout:
    """The layout of `ranks`, kept with the fabric: their order does not matter."""
    if traffic or changes:
        return Layout(fabric, layout_of(fabric, ranks).hosts, traffic, changes)
    ordered = tuple(sorted(ranks, key=natural_key))
    kept = _KEPT.setdefault(fabric, {})
    if ordered not in kept:
        hosts: dict[str, list[str]] = {}
        for rank in ordered:
            hosts.setdefault(fabric.host_of(rank) or rank, []).append(rank)
        kept[ordered] = Layout(fabric, tuple(tuple(members) for members in hosts.values()))
    return kept[ordered]
