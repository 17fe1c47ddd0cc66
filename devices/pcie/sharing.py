"""Several devices on one host: who gets how much of shared links, and of the host's memory.

`PcieTree` is a host with devices below its root ports or below switches. `rates` gives the bytes/s
of long flows that run together, max-min fair, in closed form: every flow uses a share of the time
of each link (a write one way, a read's completions the other) and of the host's memory, and no flow
is faster than alone. Read requests, acknowledgements and returned credits come off first: they are
small and get their turn. `network` is the same tree for the event model.

A link is served one TLP in turn, so that equal shares are right for TLPs of one size. A memory
serves in order of arrival in the event model: who has more outstanding gets more there, equal
shares here. Leaves out: latencies under load, several queues of one device, flows short of tags or
credits beside others. Measured: several GPUs at once share the host's memory bandwidth before they
share lanes (a note of ours without numbers); what a host's memory gives is for the user to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.pcie.closed import read_bandwidth, write_bandwidth
from rackwright.devices.pcie.cycle_net import PcieNetwork
from rackwright.devices.pcie.path import PciePath
from rackwright.devices.pcie.setup import PcieSetup
from rackwright.devices.pcie.wire import COMPLETION, NON_POSTED, POSTED
from rackwright.engine.sharing import resource_rates
from rackwright.errors import UnknownName, UsageError

__all__ = ["PcieFlow", "PcieTree"]

HOST = "host"


class PcieFlow(NamedTuple):
    """A long transfer that `device` does: it reads from `other` or writes into it."""

    device: str
    kind: str = "read"
    other: str = HOST


@dataclass(frozen=True)
class Below:
    parent: str
    setup: PcieSetup


class PcieTree:
    """A host, switches and devices; see the module's text.

    >>> link = PcieSetup(generation=5, lanes=16, posted_headers=512, posted_data=2560)
    >>> tree = PcieTree()
    >>> tree.switch("s0", 115e-9, link)
    >>> tree.device("gpu0", link, "s0"); tree.device("gpu1", link, "s0")
    >>> alone, = tree.rates([PcieFlow("gpu0", "write")])
    >>> both = tree.rates([PcieFlow("gpu0", "write"), PcieFlow("gpu1", "write")])
    >>> [round(float(rate / alone), 2) for rate in both]
    [0.5, 0.5]
    """

    def __init__(self, host_bandwidth: float = 0.0) -> None:
        self.host_bandwidth = host_bandwidth
        self.below: dict[str, Below] = {}
        self.switches: dict[str, float] = {}

    def switch(self, name: str, time: float, uplink: PcieSetup, parent: str = HOST) -> None:
        """A switch, `time` seconds through, below `parent`."""
        self._add(name, uplink, parent)
        self.switches[name] = time

    def device(self, name: str, link: PcieSetup, parent: str = HOST) -> None:
        """A device below the host or a switch."""
        self._add(name, link, parent)

    def rates(self, flows: Sequence[PcieFlow]) -> Floats:
        """Bytes/s of each flow while all of them run, shape (flows,). Raises `UsageError`."""
        if not flows:
            return np.zeros(0)
        rows = [self._use(flow) for flow in flows]
        names = sorted({name for _, use, _ in rows for name in use})
        alone = np.array([rate for rate, _, _ in rows])
        demand = np.array([[use.get(name, 0.0) for name in names] for _, use, _ in rows])
        asked = np.array([[ask.get(name, 0.0) for name in names] for _, _, ask in rows])
        given = np.ones(len(names)) - np.array([self._told(name, names) for name in names])
        share = np.ones(len(flows))
        for _ in range(4):  # requests come off what is shared, as far as their reads get
            room = given - share @ asked
            share = resource_rates(demand, capacity=room, weight=alone.max() / alone)
        return np.asarray(share * alone)

    def _told(self, name: str, names: list[str]) -> float:
        """The share of a direction that acknowledgements and credits of the other one take."""
        node, _, direction = name.partition(" ")
        if f"{node} {'down' if direction == 'up' else 'up'}" not in names:
            return 0.0
        setup = self.below[node].setup
        every = max(setup.return_time, setup.tlp_time(POSTED, setup.max_payload_nbytes))
        return float(2 * setup.dllp_time / every)

    def network(self, seed: int = 0) -> PcieNetwork:
        """The tree in the event model, with the same names."""
        network = PcieNetwork(seed)
        network.host(HOST, bandwidth=self.host_bandwidth)
        for name in self.below:
            if name in self.switches:
                network.switch(name, self.switches[name])
            else:
                network.device(name)
        for name, one in self.below.items():
            network.link(name, one.parent, one.setup)
        return network

    def _add(self, name: str, setup: PcieSetup, parent: str) -> None:
        if name == HOST or name in self.below:
            raise UsageError(f"there is a PCIe node {name} already")
        if parent != HOST and parent not in self.switches:
            raise UnknownName("PCIe switch", parent, [HOST, *self.switches])
        self.below[name] = Below(parent, setup)

    def _use(self, flow: PcieFlow) -> tuple[float, dict[str, float], dict[str, float]]:
        """A flow's bytes/s alone, and the shares that it then uses: by data, and by requests."""
        if flow.kind not in ("read", "write"):
            raise UnknownName("kind of PCIe flow", flow.kind, ["read", "write"])
        up, down = self._way(flow.device), self._way(flow.other)
        while up and down and up[-1] == down[-1]:  # they meet below the root
            up, down = up[:-1], down[:-1]
        path = self._path(flow, up, down)
        reads = flow.kind == "read"
        alone = min((read_bandwidth if reads else write_bandwidth)(path),
                    self.host_bandwidth if flow.other == HOST and self.host_bandwidth else np.inf)
        data: dict[str, float] = {}
        asked: dict[str, float] = {}
        for name in (*up, *down):
            out, back = ("up", "down") if name in up else ("down", "up")
            setup = self.below[name].setup
            size = path.chunk_nbytes if reads else path.payload_nbytes
            time = setup.tlp_time(COMPLETION if reads else POSTED, size) / size
            data[f"{name} {back if reads else out}"] = time * alone
            if reads:
                request = setup.tlp_time(NON_POSTED) / path.links[0].max_read_request_nbytes
                asked[f"{name} {out}"] = request * alone
        if flow.other == HOST and self.host_bandwidth:
            data["memory of the host"] = alone / self.host_bandwidth
        return alone, data, asked

    def _way(self, name: str) -> list[str]:
        """The links from a node up to the host, by the node below each."""
        if name == HOST:
            return []
        if name not in self.below or name in self.switches:
            raise UnknownName("PCIe device", name, [HOST, *(set(self.below) - set(self.switches))])
        way = [name]
        while (parent := self.below[way[-1]].parent) != HOST:
            way.append(parent)
        return way

    def _path(self, flow: PcieFlow, up: list[str], down: list[str]) -> PciePath:
        if not up:
            raise UsageError(f"PCIe flow from {flow.device} to {flow.other}: it starts at a "
                             "device and ends at another or the host")
        links = [*up, *down[::-1]]
        times = [self.switches.get(self.below[name].parent, 0.0) for name in up[:-1]]
        if down:
            times.append(self.switches.get(self.below[up[-1]].parent, 0.0))
            times += [self.switches[name] for name in down[:0:-1]]
        return PciePath(tuple(self.below[name].setup for name in links), tuple(times),
                        HOST if flow.other == HOST else "device")
