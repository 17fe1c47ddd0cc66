"""`PcieNetwork`: hosts, switches and devices joined by PCIe links, and transfers among them.

A script builds a network, adds transfers (which may wait for each other), runs it and reads when
each ended. Nodes have names; the links must form a tree, as those of PCI Express do. Every
requester has one pool of tags. Leaves out: what `cycle` leaves out; address translation; more than
one path.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.pcie.cycle import run_cycles
from rackwright.devices.pcie.cycle_build import built_state
from rackwright.devices.pcie.cycle_state import I64, CycleState
from rackwright.devices.pcie.setup import PcieSetup
from rackwright.devices.pcie.wire import NON_POSTED, POSTED
from rackwright.errors import UsageError
from rackwright.units import ps_to_seconds

__all__ = ["PcieNetwork", "PcieRun"]

MOST_NBYTES = 1 << 50


class Node(NamedTuple):
    """`kind`: "host", "switch" or "device"; `time`: through a switch, s."""

    kind: str
    time: float = 0.0
    cut_through: bool = True
    bandwidth: float = 0.0


@dataclass(frozen=True)
class Transfer:
    """A flow as it was asked for."""

    kind: int
    source: str
    target: str
    nbytes: int
    address: int
    delay: float
    after: tuple[int, ...]
    issued: tuple[int, ...]


@dataclass(frozen=True)
class PcieRun:
    """When flows started and ended (s, shape (flows,)), and what the links carried.

    `links` are (from, to); for each: `busy_time` s, `wire_nbytes` of TLPs with all around them,
    `tlps` new, `replays` sent again or for nothing, `dllps`.
    """

    start_time: Floats
    finish_time: Floats
    links: tuple[tuple[str, str], ...]
    busy_time: Floats
    wire_nbytes: tuple[int, ...]
    tlps: tuple[int, ...]
    replays: tuple[int, ...]
    dllps: tuple[int, ...]
    events: int


class PcieNetwork:
    """Nodes, links and transfers; `run` gives a `PcieRun`. See the module's text.

    >>> network = PcieNetwork()
    >>> network.host("root"); network.device("gpu")
    >>> network.link("gpu", "root", PcieSetup(generation=5, lanes=16))
    >>> flow = network.write("gpu", "root", 4096)
    >>> round(network.run().finish_time[flow] * 1e9)
    321
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.nodes: dict[str, Node] = {}
        self.links: dict[tuple[str, str], PcieSetup] = {}
        self.transfers: list[Transfer] = []

    def host(self, name: str, *, bandwidth: float = 0.0) -> None:
        """A root complex with memory of `bandwidth` (bytes/s; 0 unlimited)."""
        self._node(name, Node("host", bandwidth=bandwidth))

    def device(self, name: str) -> None:
        """An endpoint."""
        self._node(name, Node("device"))

    def switch(self, name: str, time: float, *, cut_through: bool = True) -> None:
        """A switch; `time` (s) from port to port, as its vendor states it.

        That contains a receiver and a transmitter, as the `link_time` of a link does: only what is
        beyond one `link_time` is added.
        """
        self._node(name, Node("switch", time, cut_through))

    def link(self, one: str, other: str, setup: PcieSetup) -> None:
        """Join two nodes."""
        for name in (one, other):
            self._known(name)
        if one == other or self._connected(one, other):
            raise UsageError(f"PCIe nodes {one} and {other} are joined already; links form a tree")
        self.links[one, other] = setup
        self.links[other, one] = setup

    def write(self, source: str, target: str, nbytes: int, **when: object) -> int:
        """`source` writes into `target`; returns the flow's number. See `read`."""
        return self._transfer(POSTED, source, target, nbytes, **when)  # type: ignore[arg-type]

    def read(self, source: str, target: str, nbytes: int, **when: object) -> int:
        """`source` reads from `target`; returns the flow's number.

        `when`: `delay` (s, from time 0 or from what it waits for), `after` (numbers of flows that
        must have finished), `issued` (... whose last TLP must have been sent), `address` (of the
        first byte, modulo 4 KiB; 0). A flow of no bytes is only its delay.
        """
        return self._transfer(NON_POSTED, source, target, nbytes, **when)  # type: ignore[arg-type]

    def path(self, source: str, target: str) -> list[str]:
        """Names of the nodes from `source` to `target`."""
        found = self._walk(source).get(self._known(target))
        if found is None:
            raise UsageError(f"no PCIe link joins {source} and {target}")
        return found

    def state(self) -> CycleState:
        """The state before the first event."""
        return built_state(self)

    def run(self, *, debug: bool = False) -> PcieRun:
        """Simulate until all transfers have ended.

        `debug` checks the invariants after every event. Raises `UsageError` without a transfer,
        `Stalled` when some wait for each other in a circle.
        """
        if not self.transfers:
            raise UsageError("a PCIe network without transfers has nothing to run; add write() "
                             "or read()")
        state = run_cycles(self.state(), debug=debug)
        rows, flows = state.channels, state.flows
        return PcieRun(
            np.asarray(ps_to_seconds(flows.start_ps)), np.asarray(ps_to_seconds(flows.finish_ps)),
            tuple(self.links), np.asarray(ps_to_seconds(rows.busy_ps)),
            _numbers(rows.wire_nbytes), _numbers(rows.new_tlps), _numbers(rows.again_tlps),
            _numbers(rows.dllps), int(state.control.events[0]))

    def _transfer(self, kind: int, source: str, target: str, nbytes: int, *, delay: float = 0.0,
                  after: Iterable[int] = (), issued: Iterable[int] = (), address: int = 0) -> int:
        if len(self.path(source, target)) < 2:
            raise UsageError(f"a PCIe transfer from {source} to itself crosses no link")
        for name in (source, target):
            if self.nodes[name].kind == "switch":
                raise UsageError(f"{name} is a switch: it neither issues nor serves requests")
        if not _whole(nbytes, MOST_NBYTES) or not _whole(address, MOST_NBYTES):
            raise UsageError(f"nbytes {nbytes!r} at address {address!r}: whole numbers >= 0 are "
                             "needed")
        if not 0 <= delay < 1e3:
            raise UsageError(f"delay is {delay!r} s; 0 to 1000 is needed")
        number = len(self.transfers)
        edges = tuple(after), tuple(issued)
        for other in (*edges[0], *edges[1]):
            if not _whole(other, number - 1):
                raise UsageError(f"flow {number} is to wait for flow {other!r}; it can only wait "
                                 "for earlier ones")
        self.transfers.append(Transfer(kind, source, target, nbytes, address % 4096, delay, *edges))
        return number

    def _node(self, name: str, node: Node) -> None:
        if name in self.nodes:
            raise UsageError(f"there is a PCIe node {name} already")
        if not 0 <= node.time < 1e-3 or not 0 <= node.bandwidth < 1e16:
            raise UsageError(f"PCIe node {name}: time {node.time!r} s, bandwidth "
                             f"{node.bandwidth!r} bytes/s; 0 or more is needed (time below 1 ms)")
        self.nodes[name] = node

    def _known(self, name: str) -> str:
        if name not in self.nodes:
            raise UsageError(f"no PCIe node {name!r}; there are {', '.join(self.nodes) or 'none'}")
        return name

    def _connected(self, one: str, other: str) -> bool:
        return other in self._walk(one)

    def _walk(self, source: str) -> dict[str, list[str]]:
        """Every node that can be reached from `source`, with the way to it."""
        ways = {self._known(source): [source]}
        for name in (queue := [source]):
            for one, other in self.links:
                if one == name and other not in ways and (
                        name == source or self.nodes[name].kind != "device"):
                    ways[other] = [*ways[name], other]
                    queue.append(other)
        return ways


def _whole(value: object, most: int) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) \
        and bool(0 <= value <= most)


def _numbers(row: I64) -> tuple[int, ...]:
    return tuple(map(int, row))
