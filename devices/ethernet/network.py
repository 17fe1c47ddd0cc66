"""Small packet networks: hosts, switches, links; who joins whom, and the ways through.

`star` and `two_tier` build the usual ones; `PacketNetwork` joins any. Ways are the shortest ones;
where several next hops are as short, a hash of the flow chooses (ECMP): every frame of a transfer
goes the same way, and the same seed gives the same choice.

Left out: routing protocols, failures, adaptive routing (topologies of whole clusters are
`rackwright.topologies`). Units: bits/s, seconds, bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rackwright.engine.hashing import hash31
from rackwright.errors import UsageError

__all__ = ["PacketNetwork", "Port", "SwitchModel", "star", "two_tier"]

SCHEDULERS = ("strict", "drr")
MOST_CLASSES = 8  # priorities of IEEE 802.1Q


@dataclass(frozen=True)
class SwitchModel:
    """How a switch forwards and queues.

    `latency_time` seconds from a frame's (or head's) arrival to its queue; `cut_through`.
    `buffer_nbytes`: shared by all ports; `port_nbytes`: most of one output queue. `classes` 1 to
    8, 0 first, served by `scheduler` ("strict" or "drr" with `quanta` bytes a class). `pfc`:
    pause what comes in on a port and class above `xoff_nbytes` until it falls to `xon_nbytes`;
    `headroom_nbytes` above xoff may still come. None: as large as the buffer.
    """

    latency_time: float = 0.0
    cut_through: bool = True
    buffer_nbytes: int = 1 << 40
    port_nbytes: int | None = None
    classes: int = 1
    scheduler: str = "strict"
    quanta: tuple[int, ...] = ()
    pfc: bool = False
    xoff_nbytes: int = 1 << 40
    xon_nbytes: int = 0
    headroom_nbytes: int | None = None

    def __post_init__(self) -> None:
        rules = (
            ("latency_time", 0 <= self.latency_time < 1, "0 to 1 s"),
            ("classes", self.classes in range(1, MOST_CLASSES + 1), f"1 to {MOST_CLASSES}"),
            ("scheduler", self.scheduler in SCHEDULERS, " or ".join(SCHEDULERS)),
            ("buffer_nbytes", 1 <= self.buffer_nbytes <= 1 << 40, "1 byte to 1 TiB"),
            ("port_nbytes", self.port_nbytes is None or self.port_nbytes >= 1, "1 byte or more"),
            ("quanta", len(self.quanta) in ((0, self.classes) if self.scheduler == "strict"
                                            else (self.classes,))
             and all(64 <= quantum <= 1 << 30 for quantum in self.quanta),
             "one of 64 bytes to 1 GiB for each class (for drr)"),
            ("xon_nbytes", 0 <= self.xon_nbytes <= self.xoff_nbytes, "0 to xoff_nbytes"),
            ("headroom_nbytes", self.headroom_nbytes is None or self.headroom_nbytes >= 0,
             "0 or more"))
        for name, good, rule in rules:
            if not good:
                raise UsageError(f"{name} of a switch is {getattr(self, name)!r}; {rule} is "
                                 "allowed")


@dataclass(frozen=True)
class Port:
    """One direction of a link."""

    source: int
    target: int
    rate_bps: float
    latency_time: float


@dataclass
class PacketNetwork:
    """Hosts and switches (numbered together, in the order of joining) and their links."""

    names: list[str] = field(default_factory=list)
    models: list[SwitchModel | None] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)

    def add_host(self, name: str) -> int:
        """A node that sends and receives; gives its number."""
        return self._add(name, None)

    def add_switch(self, name: str, model: SwitchModel) -> int:
        """A node that forwards; gives its number."""
        return self._add(name, model)

    def join(self, one: str, other: str, rate_bps: float, latency_time: float = 0.0) -> None:
        """A link of both directions. A host has one."""
        ends = self.number(one), self.number(other)
        if not 1e6 <= rate_bps <= 1e14 or not 0 <= latency_time < 1 or one == other:
            raise UsageError(f"link {one} - {other}: rate {rate_bps!r} bits/s (1e6 to 1e14) and "
                             f"latency {latency_time!r} s (0 to 1) between two nodes are needed")
        for node in ends:
            if self.models[node] is None and any(port.source == node for port in self.ports):
                raise UsageError(f"host {self.names[node]} has a link already; a host has one")
        self.ports += [Port(ends[0], ends[1], rate_bps, latency_time),
                       Port(ends[1], ends[0], rate_bps, latency_time)]

    def number(self, name: str) -> int:
        """The number of a node. Raises `UsageError`."""
        if name not in self.names:
            raise UsageError(f"no node {name!r} in this network; there are "
                             f"{', '.join(self.names) or 'none'}")
        return self.names.index(name)

    def ways(self, pairs: Sequence[tuple[int, int]], seed: int = 0) -> list[tuple[int, ...]]:
        """Ports from host to host for each (source, target); its place is the flow's number.

        Raises `UsageError` where there is none.
        """
        leaving: list[list[int]] = [[] for _ in self.names]
        for index, port in enumerate(self.ports):
            leaving[port.source].append(index)
        distances = {target: self._distances(target) for target in {pair[1] for pair in pairs}}
        return [self._way(source, target, flow, seed, leaving, distances[target])
                for flow, (source, target) in enumerate(pairs)]

    def _way(self, source: int, target: int, flow: int, seed: int, leaving: list[list[int]],
             distance: Mapping[int, int]) -> tuple[int, ...]:
        if source not in distance or source == target:
            raise UsageError(f"no way from {self.names[source]} to {self.names[target]}")
        node, ports = source, []
        while node != target:
            choices = [index for index in leaving[node]
                       if distance.get(self.ports[index].target) == distance[node] - 1]
            key = hash31(seed, source, target, flow, node) if len(choices) > 1 else 0
            ports.append(choices[key % len(choices)])
            node = self.ports[ports[-1]].target
        return tuple(ports)

    def _distances(self, target: int) -> dict[int, int]:
        """Hops to `target`; other hosts forward nothing."""
        into: dict[int, list[int]] = {}
        for port in self.ports:
            into.setdefault(port.target, []).append(port.source)
        distance, queue = {target: 0}, deque([target])
        while queue:
            node = queue.popleft()
            if node != target and self.models[node] is None:
                continue
            for other in into.get(node, []):
                if other not in distance:
                    distance[other] = distance[node] + 1
                    queue.append(other)
        return distance

    def _add(self, name: str, model: SwitchModel | None) -> int:
        if not name or name in self.names:
            raise UsageError(f"node name {name!r} is empty or taken")
        self.names.append(name)
        self.models.append(model)
        return len(self.names) - 1


def star(hosts: int, rate_bps: float, model: SwitchModel, latency_time: float = 0.0
         ) -> PacketNetwork:
    """Hosts h0, h1, ... around one switch s0."""
    network = PacketNetwork()
    network.add_switch("s0", model)
    for host in range(_count("hosts", hosts)):
        network.add_host(f"h{host}")
        network.join(f"h{host}", "s0", rate_bps, latency_time)
    return network


def two_tier(leaves: int, spines: int, hosts_per_leaf: int, rate_bps: float, uplink_bps: float,
             model: SwitchModel, latency_time: float = 0.0) -> PacketNetwork:
    """Leaves l0, ..., each joined to every spine t0, ...; hosts h0, ... leaf by leaf."""
    network = PacketNetwork()
    for spine in range(_count("spines", spines)):
        network.add_switch(f"t{spine}", model)
    for leaf in range(_count("leaves", leaves)):
        network.add_switch(f"l{leaf}", model)
        for spine in range(spines):
            network.join(f"l{leaf}", f"t{spine}", uplink_bps, latency_time)
        for host in range(_count("hosts_per_leaf", hosts_per_leaf)):
            name = f"h{leaf * hosts_per_leaf + host}"
            network.add_host(name)
            network.join(name, f"l{leaf}", rate_bps, latency_time)
    return network


def _count(what: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 4096:
        raise UsageError(f"{what} is {value!r}; 1 to 4096 is allowed")
    return value
